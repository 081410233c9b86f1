"""The repository's `buf.yaml`: the rules by which contracts are linted and compared."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Iterator, Mapping, Sequence

import yaml
from pants.util.frozendict import FrozenDict

from pants_backend_zero.errors import ZeroError, nearest

_NO_SETTINGS: FrozenDict[str, Any] = FrozenDict()


@dataclass(frozen=True)
class _Form:
    """What the value of a setting must be."""

    name: str
    fits: Callable[[Any], bool]


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_lists(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(k, str) and _is_list(v) for k, v in value.items())


_NAMES = _Form("a list of rules or categories, such as `[BASIC]`", _is_list)
_PATHS = _Form("a list of paths, such as `[services/user]`", _is_list)
_PATHS_OF_RULES = _Form("rules with their paths, such as `{RPC_PASCAL_CASE: [services/user]}`", _is_lists)
_FLAG = _Form("`true` or `false`", lambda value: isinstance(value, bool))
_TEXT = _Form("a text", lambda value: isinstance(value, str))

_COMMON = {
    "use": _NAMES,
    "except": _NAMES,
    "ignore": _PATHS,
    "ignore_only": _PATHS_OF_RULES,
    "disable_builtin": _FLAG,
}

_SETTINGS = {
    "lint": {
        **_COMMON,
        "disallow_comment_ignores": _FLAG,
        "enum_zero_value_suffix": _TEXT,
        "rpc_allow_same_request_response": _FLAG,
        "rpc_allow_google_protobuf_empty_requests": _FLAG,
        "rpc_allow_google_protobuf_empty_responses": _FLAG,
        "service_suffix": _TEXT,
    },
    "breaking": {**_COMMON, "ignore_unstable_packages": _FLAG},
}
"""The sections that are taken: https://buf.build/docs/configuration/v2/buf-yaml/. buf would tell of a mistake in them
with its place in the file that is made of them."""

_NO_FILE = "zero_none.proto"

_KEYS = ("version", "name", "modules", "deps", "plugins", "policies", *_SETTINGS)


@dataclass(frozen=True)
class BufConfig:
    """The sections `lint` and `breaking` of a `buf.yaml`, as they are written there."""

    lint: FrozenDict[str, Any] = _NO_SETTINGS
    breaking: FrozenDict[str, Any] = _NO_SETTINGS


def read_config(path: str, text: str) -> BufConfig:
    """Raises ZeroError, with all mistakes, if it is not a configuration that can be taken. Rules only buf knows."""
    try:
        document = _Document(path, text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
        raise ZeroError(f"{place}: {error.problem}") from None
    except yaml.YAMLError as error:
        raise ZeroError(f"{path}: {error}") from None
    config = document.value
    if not isinstance(config, dict) or config.get("version") != "v2":
        raise ZeroError(
            f"{document.place('version')}: it must be of version v2 (`version: v2`).\n  = hint: `buf config migrate` "
            "writes it anew"
        )
    mistakes = [*_mistakes_in_keys(document, config)]
    if mistakes:
        raise ZeroError("\n\n".join(mistakes))
    sections = {
        name: {key: value for key, value in (config.get(name) or {}).items() if value is not None}
        for name in _SETTINGS
    }
    return BufConfig(**{name: FrozenDict.deep_freeze(section) for name, section in sections.items()})


class _Document:
    """A text in YAML: its value, and the places in it."""

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self._root = yaml.compose(text, yaml.SafeLoader)
        self.value = yaml.safe_load(text)

    def place(self, *keys: object) -> str:
        """Of the last of the keys, one within the other, that is there."""
        node, mark = self._root, None
        for key in keys:
            pairs = node.value if isinstance(node, yaml.MappingNode) else ()
            found = next(((name, value) for name, value in pairs if name.value == str(key)), None)
            if found is None:
                break
            mark, node = found[0].start_mark, found[1]
        return f"{self._path}:{mark.line + 1}:{mark.column + 1}" if mark else self._path


def _mistakes_in_keys(document: _Document, config: Mapping[Any, Any]) -> Iterator[str]:
    yield from _unknown(document, (), config, _KEYS)
    modules = config.get("modules")
    for module in modules if isinstance(modules, list) else ():
        own = sorted(_SETTINGS.keys() & module.keys()) if isinstance(module, dict) else ()
        if own:
            yield (
                f"{document.place('modules')}: the module `{module.get('path', '.')}` has settings of its own "
                f"(`{own[0]}`), but the contracts of a repository are checked together.\n  = hint: write them at the "
                "top, with `ignore` or `ignore_only` for the paths that differ"
            )
    for name, settings in _SETTINGS.items():
        section = config.get(name)
        if isinstance(section, dict):
            yield from _unknown(document, (name,), section, settings)
            for key, form in settings.items():
                value = section.get(key)
                if value is not None and not form.fits(value):
                    yield f"{document.place(name, key)}: `{key}` must be {form.name}"
        elif section is not None:
            yield f"{document.place(name)}: `{name}` must have settings below it, such as `use`"


def _unknown(
    document: _Document, above: tuple[str, ...], section: Mapping[Any, Any], known: Iterable[str]
) -> Iterator[str]:
    for key in section:
        if key not in known:
            close = nearest(str(key), known)
            hint = f"\n  = hint: did you mean `{close}`?" if close else ""
            yield f"{document.place(*above, key)}: there is no setting `{key}`{hint}"


def module_config(name: str, section: Mapping[str, Any], files: Mapping[str, Sequence[str]]) -> bytes:
    """The `buf.yaml` of one module.

    `files` are the files of the module and where they are in the repository, on which `ignore` and `ignore_only` of
    the repository's configuration are.
    """

    def inside(ignored: Sequence[str]) -> list[str]:
        return sorted(
            file for file, paths in files.items() if any(_is_below(path, ignored) for path in paths)
        )

    settings = dict(section)
    if "ignore" in settings:
        settings["ignore"] = inside(settings["ignore"])
    if "ignore_only" in settings:
        # buf looks at the name of a rule only if there are paths for it.
        only = {rule: inside(paths) or [_NO_FILE] for rule, paths in settings["ignore_only"].items()}
        settings["ignore_only"] = only
    # JSON is YAML.
    return json.dumps({"version": "v2", name: settings}, indent=2, sort_keys=True, default=dict).encode()


def _is_below(path: str, ignored: Sequence[str]) -> bool:
    tops = [top.rstrip("/") for top in ignored]
    return any(top == "." or path == top or path.startswith(f"{top}/") for top in tops)
