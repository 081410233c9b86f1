"""The contracts that BUILD files of another revision declare, read from their text.

Pants knows the targets of today only. Of a call of `zero_rpc` or `zero_rpcs`, say, and of `__defaults__` in
its folder and above, the arguments are taken that are written out; what macros and loops add is not seen.
"""

from __future__ import annotations

import ast
import os.path
import re
from dataclasses import dataclass, field
from typing import Any, Iterable, Iterator, Mapping, Sequence

from pants.engine.target import MultipleSourcesField, OverridesField, SingleSourceField
from pants.util.frozendict import FrozenDict

from pants_backend_zero.contracts import ContractKind

_SOURCE, _SOURCES, _OVERRIDES = SingleSourceField.alias, MultipleSourcesField.alias, OverridesField.alias


@dataclass(frozen=True)
class DeclaredContract:
    """The file of a contract, and the target that it was: the folder of its BUILD file and its name there.

    `settings` are those of its kind that were given.
    """

    path: str
    folder: str
    name: str
    settings: FrozenDict[str, Any] = field(default_factory=FrozenDict)


def declared_contracts(
    kind: ContractKind, build_files: Mapping[str, str], paths: Sequence[str]
) -> Iterator[DeclaredContract]:
    """Which of the files are contracts by the BUILD files, given as texts by path.

    One that does not parse declares none.
    """
    calls = {path: _calls(text) for path, text in build_files.items()}
    defaults = _Defaults(calls)
    for build_file, found in calls.items():
        folder = os.path.dirname(build_file)
        for call in found:
            alias = _name(call.func)
            if alias not in (f"zero_{kind.name}", f"zero_{kind.name}s"):
                continue
            arguments = {**defaults.of(alias, folder), **_arguments(call)}
            name = arguments.get("name", os.path.basename(folder))
            if alias.endswith("s"):
                globs = arguments.get(_SOURCES, (f"*{kind.extension}",))
            else:
                globs = (arguments.get(_SOURCE, ""),)
            for path in matching(folder, globs, paths):
                settings = {**arguments, **_overridden(arguments, folder, path)}
                known = sorted({setting.alias for setting in kind.settings} & settings.keys())
                given = FrozenDict({setting: _frozen(settings[setting]) for setting in known})
                yield DeclaredContract(path, folder, name, given)


def matching(folder: str, globs: Iterable[str], paths: Iterable[str]) -> list[str]:
    """The paths that Pants' globs, relative to the folder, match: `*`, `**`, and `!` for what is left out."""
    patterns = [(glob.startswith("!"), _pattern(os.path.join(folder, glob.lstrip("!")))) for glob in globs]
    return [
        path
        for path in paths
        if any(pattern.fullmatch(path) for left_out, pattern in patterns if not left_out)
        and not any(pattern.fullmatch(path) for left_out, pattern in patterns if left_out)
    ]


def _pattern(glob: str) -> re.Pattern[str]:
    wildcards = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    return re.compile("".join(wildcards.get(part, re.escape(part)) for part in parts))


class _Defaults:
    """What `__defaults__` gives targets: a call replaces those of folders above, unless it extends them."""

    def __init__(self, calls: Mapping[str, Sequence[ast.Call]]) -> None:
        self._calls = {
            os.path.dirname(path): call
            for path, found in calls.items()
            for call in found
            if _name(call.func) == "__defaults__"
        }

    def of(self, alias: str, folder: str) -> dict[str, Any]:
        """The defaults of targets of a type in a folder."""
        above = self.of(alias, os.path.dirname(folder)) if folder else {}
        call = self._calls.get(folder)
        if call is None:
            return above
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        found = {**(above if "extend" in given else {}), **_members(given.get("all"))}
        for argument in call.args:
            if isinstance(argument, ast.Dict):
                for key, value in zip(argument.keys, argument.values):
                    if alias in _names(key):
                        found = {**found, **_members(value)}
        return found


def _calls(text: str) -> list[ast.Call]:
    try:
        return [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    except SyntaxError:
        return []


def _name(node: ast.AST | None) -> str:
    """What a name says, or a text in its place."""
    if isinstance(node, ast.Name):
        return node.id
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _names(node: ast.AST | None) -> list[str]:
    return [_name(each) for each in node.elts] if isinstance(node, ast.Tuple) else [_name(node)]


def _arguments(call: ast.Call) -> dict[str, Any]:
    return dict(_literals((keyword.arg or "", keyword.value) for keyword in call.keywords))


def _members(node: ast.AST | None) -> dict[str, Any]:
    """What is written out of a dictionary: `{"dialect": "sqlite"}`, `dict(dialect="sqlite")`."""
    if isinstance(node, ast.Call) and _name(node.func) == "dict":
        return _arguments(node)
    if isinstance(node, ast.Dict):
        return dict(_literals((_name(key), value) for key, value in zip(node.keys, node.values)))
    return {}


def _literals(nodes: Iterable[tuple[str, ast.AST]]) -> Iterator[tuple[str, Any]]:
    for name, node in nodes:
        try:
            yield name, ast.literal_eval(node)
        except ValueError:
            continue


def _overridden(arguments: Mapping[str, Any], folder: str, path: str) -> dict[str, Any]:
    """What `overrides` says of one file."""
    found: dict[str, Any] = {}
    overrides = arguments.get(_OVERRIDES)
    for files, fields in overrides.items() if isinstance(overrides, dict) else ():
        if isinstance(fields, dict) and matching(
            folder, (files,) if isinstance(files, str) else files, [path]
        ):
            found.update(fields)
    return found


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return FrozenDict({key: _frozen(each) for key, each in value.items()})
    return tuple(map(_frozen, value)) if isinstance(value, (list, tuple)) else value
