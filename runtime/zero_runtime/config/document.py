"""Reads a YAML file of configuration: its values, where each stands, and every mistake in it.

``${VAR}`` and ``${VAR:-default}`` in a value are replaced from the environment, else from the file
``$ZERO_SECRETS_DIR/VAR`` (how Kubernetes mounts a Secret). It happens after parsing, so that no secret can
change the structure of the file. ``$${`` stands for a literal ``${``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from zero_runtime.config.problems import ConfigError, Problem
from zero_runtime.explain import Path as KeyPath
from zero_runtime.explain import dotted

_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_INSIDE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-((?:(?!\$\{).)*))?", re.DOTALL)


class Text(str):
    """A value from the environment: text that stands for whatever its key needs."""


@dataclass(slots=True)
class Document:
    """The content of a file of configuration."""

    values: dict[str, Any] = field(default_factory=dict)
    places: dict[KeyPath, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    broken: set[KeyPath] = field(default_factory=set)
    """The keys whose values could not be made out, as ``problems`` says."""


def read(file: Path, environ: Mapping[str, str], overridden: Collection[KeyPath] = ()) -> Document:
    """Reads ``file``. Raises `ConfigError` when it is of no use at all; the result tells lesser mistakes.

    What the file says of the keys that are ``overridden`` does not matter and is not looked at.
    """
    try:
        loader = yaml.SafeLoader(file.read_text("utf-8"))
        root = loader.get_single_node()
        if root is None:
            return Document()
        if isinstance(root, yaml.MappingNode):
            document = Document()
            document.values = _Reader(file, environ, overridden, loader, document).mapping(root, (), ())
            return document
        problem = Problem(_place(file, root.start_mark), "expected keys and their values")
    except OSError as error:
        problem = Problem(str(file), f"cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        problem = Problem(str(file), "is not UTF-8 text")
    except yaml.MarkedYAMLError as error:
        place = _place(file, error.problem_mark or error.context_mark)
        problem = Problem(place, f"is not valid YAML: {error.problem or error.context}")
    except yaml.YAMLError:
        problem = Problem(str(file), "is not valid YAML: it holds a character that YAML forbids")
    raise ConfigError([problem])


def _place(file: Path, mark: Any) -> str:
    return f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else str(file)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns the nodes of one file into values."""

    file: Path
    environ: Mapping[str, str]
    overridden: Collection[KeyPath]
    loader: Any
    document: Document

    def mapping(self, node: yaml.MappingNode, path: KeyPath, above: tuple[yaml.Node, ...]) -> dict[str, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    self._problem(key, (*path, key.value), "is given twice")
                seen.add(key.value)
        self.loader.flatten_mapping(node)
        values = {}
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                values[key.value] = self._value(value, (*path, key.value), (*above, node))
                self.document.places[(*path, key.value)] = _place(self.file, key.start_mark)
            else:
                self._problem(key, path, "a key must be a name")
        return values

    def _value(self, node: yaml.Node, path: KeyPath, above: tuple[yaml.Node, ...]) -> Any:
        if path in self.overridden:
            return None
        if node in above:
            return self._problem(node, path, "refers to itself")
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path, above)
        if isinstance(node, yaml.SequenceNode):
            return self._sequence(node, path, above)
        if "${" in node.value:
            return self._expanded(node, path)
        try:
            return self.loader.construct_object(node)
        except ValueError:  # looks like a number or a date, and is none: the type of the key decides
            return node.value

    def _sequence(self, node: yaml.SequenceNode, path: KeyPath, above: tuple[yaml.Node, ...]) -> list[Any]:
        items = []
        for index, item in enumerate(node.value):
            items.append(self._value(item, (*path, index), (*above, node)))
            self.document.places[(*path, index)] = _place(self.file, item.start_mark)
        return items

    def _expanded(self, node: yaml.Node, path: KeyPath) -> Any:
        parts, end = [], 0
        for reference in _REFERENCE.finditer(node.value):
            parts.append(node.value[end : reference.start()])
            end = reference.end()
            if reference[0] == "$${":
                parts.append("${")
                continue
            inside = _INSIDE.fullmatch(reference[1]) if reference[2] else None
            if inside is None:
                hint = "write ${VAR} or ${VAR:-default}, and $${ for a literal ${"
                return self._problem(node, path, "holds a `${` that starts no reference", hint)
            name, default = inside.groups()
            value = self._variable(name)
            if value is None and default is None:
                folder = self.environ.get("ZERO_SECRETS_DIR")
                hint = f"there is no file {name} in {folder} either" if folder else ""
                return self._problem(node, path, f"the environment variable {name} is not set", hint)
            parts.append(value or default or "")
        return Text("".join(parts) + node.value[end:])

    def _variable(self, name: str) -> str | None:
        if name in self.environ:
            return self.environ[name]
        if folder := self.environ.get("ZERO_SECRETS_DIR"):
            try:
                return Path(folder, name).read_text("utf-8").removesuffix("\n")
            except (OSError, UnicodeDecodeError):
                return None
        return None

    def _problem(self, node: yaml.Node, path: KeyPath, message: str, hint: str = "") -> None:
        subject = f"{dotted(path)}: " if path else ""
        self.document.problems.append(Problem(_place(self.file, node.start_mark), subject + message, hint))
        self.document.broken.add(path)
