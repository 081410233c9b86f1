"""Puts a configuration together: the environment, then a file or the embedded defaults."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_args, get_origin

import msgspec

from zero_runtime.config.base import Instead
from zero_runtime.config.document import Document, Text, read
from zero_runtime.config.durations import Duration
from zero_runtime.config.embedded import Embedded, Origin, state_folder
from zero_runtime.config.problems import ConfigError, Problem
from zero_runtime.config.service import ServiceConf
from zero_runtime.explain import Path as KeyPath
from zero_runtime.explain import Wrong, bare, dotted, explain, is_struct, nearest, struct_fields

C = TypeVar("C", bound=ServiceConf)

_NO_FILE = "no configuration file"


def load(kind: type[C], file: Path | None = None, environ: Mapping[str, str] = os.environ) -> C:
    """The configuration of type ``kind``.

    Its values come from ``file``, and nothing is invented then; without a file, from the embedded defaults
    that stand in the type. The environment goes before both: ``ZERO_AUTH__ACCESS_SECRET`` is the key
    ``Auth.AccessSecret``.

    Raises `ConfigError` with every mistake there is, `InvalidValue` when there is no state folder to be had.
    """
    keys = {key.path: key for key in _keys(kind)}
    given = [key for key in keys.values() if key.variable in environ and not key.part]
    document = read(file, environ, {key.path for key in given}) if file else Document()
    for key in given:
        _put(document.values, key.path, Text(environ[key.variable]))
        document.places[key.path] = f"environment variable {key.variable}"
    if file is None:
        _embed(kind, keys, document, environ)
    values = _settled(kind, document.values)
    try:
        config = msgspec.convert(values, kind, dec_hook=_decode)
    except msgspec.ValidationError as refusal:
        wrongs = explain(kind, values, _decode) or [Wrong((), str(refusal))]
        reporter = _Reporter(keys, document.places, file, environ)
        document.problems += [reporter.problem(each) for each in wrongs if each.path not in document.broken]
    if document.problems:
        raise ConfigError(document.problems)
    return config


class _Key(NamedTuple):
    """A key that a configuration may have."""

    path: KeyPath
    variable: str
    """The environment variable that goes before it."""
    part: bool
    """Whether it holds further keys, not a value."""
    embedded: Any
    """Its embedded default; None when it has none."""


def _keys(
    kind: type[msgspec.Struct], path: KeyPath = (), variable: str = "ZERO_", embedded: Any = None
) -> Iterator[_Key]:
    defaults = embedded if isinstance(embedded, Mapping) else {}
    for field in struct_fields(kind):
        metadata = getattr(field.type, "__metadata__", ())
        # The last one is that of the field; others came with its type.
        default = next((marker.value for marker in reversed(metadata) if isinstance(marker, Embedded)), None)
        default = defaults.get(field.encode_name, default)
        inner = bare(field.type)
        key = _Key(
            (*path, field.encode_name), variable + field.name.rstrip("_").upper(), is_struct(inner), default
        )
        yield key
        if key.part:
            yield from _keys(inner, key.path, f"{key.variable}__", default)


def _put(values: Any, path: KeyPath, value: object) -> None:
    """Sets a key, unless what stands above it is no mapping: that is reported for what it is."""
    *above, last = path
    for step in above:
        values = values.setdefault(step, {})
        if not isinstance(values, dict):
            return
    values[last] = value


def _embed(
    kind: type[ServiceConf], keys: Mapping[KeyPath, _Key], document: Document, environ: Mapping[str, str]
) -> None:
    """Gives the keys without a value their embedded defaults."""
    service = next(field.default for field in struct_fields(kind) if field.name == "name")
    folder = state_folder(environ) / "services" / str(service)
    for key in keys.values():
        if key.part or key.embedded is None or key.path in document.places:
            continue
        try:
            make = key.embedded
            value = make(Origin(folder, dotted(key.path))) if callable(make) else make
            _put(document.values, key.path, value)
        except OSError as error:
            message = f"{dotted(key.path)}: the state folder {folder} cannot be used: {error.strerror}"
            hint = f"set ZERO_STATE_DIR or {key.variable}, or give a configuration file"
            document.problems.append(Problem(_NO_FILE, message, hint))
            document.broken.add(key.path)


def _settled(kind: Any, value: Any) -> Any:
    """``value`` with texts from the environment read as what ``kind`` wants them to be.

    An absent part of the configuration becomes an empty one, so that the keys it lacks are what is reported.
    """
    target = bare(kind)
    if is_struct(target) and isinstance(value, dict):
        fields = {field.encode_name: field for field in struct_fields(target)}
        absent = [name for name, field in fields.items() if field.required and is_struct(bare(field.type))]
        given = {**{name: {} for name in absent}, **value}
        return {name: _settled(fields[name].type if name in fields else Any, given[name]) for name in given}
    if get_origin(target) is list:
        if isinstance(value, Text):
            value = [Text(item.strip()) for item in value.split(",")]
        if isinstance(value, list):
            return [_settled(get_args(target)[0], item) for item in value]
    if get_origin(target) is dict and isinstance(value, Text):
        pairs = [item.partition("=") for item in value.split(",") if item.strip()]
        return {name.strip(): Text(text.strip()) for name, equals, text in pairs if equals} or value
    return _scalar(target, value) if isinstance(value, Text) else value


def _scalar(kind: Any, text: str) -> object:
    """What a text says when a ``kind`` is wanted; the text itself when it says nothing of the kind."""
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        return kind(text) if kind in (int, float) else str(text)
    except (KeyError, ValueError):
        return str(text)


def _decode(kind: type, value: object) -> object:
    """msgspec's hook for the types it does not know."""
    if kind is Duration:
        return Duration.parse(value)
    raise NotImplementedError(kind)


@dataclass(frozen=True, slots=True)
class _Reporter:
    """Says where a wrong value comes from and what to do about it."""

    keys: Mapping[KeyPath, _Key]
    places: Mapping[KeyPath, str]
    file: Path | None
    environ: Mapping[str, str]

    def problem(self, wrong: Wrong) -> Problem:
        above = (self.places.get(wrong.path[:length]) for length in range(len(wrong.path), 0, -1))
        place = next(filter(None, above), str(self.file or _NO_FILE))
        message = f"{dotted(wrong.path)}: {wrong.message}" if wrong.path else wrong.message
        return Problem(place, message, self._hint(wrong))

    def _hint(self, wrong: Wrong) -> str:
        key = self.keys.get(wrong.path)
        if key and wrong.path not in self.places:
            first = "set it in the file" if self.file else "give a configuration file with -f"
            variables = f"{key.variable}__…" if key.part else key.variable
            return f"{first}, or set {variables} in the environment{self._misspelt(key)}"
        for marker in getattr(wrong.kind, "__metadata__", ()):
            if isinstance(marker, Instead) and isinstance(wrong.value, str) and wrong.value in marker.hints:
                return marker.hints[wrong.value]
        if wrong.message.startswith("expected a string, got ") and key and not key.part:
            return "put the value in quotes"
        return ""

    def _misspelt(self, key: _Key) -> str:
        """The variable that is set and was probably meant to be that of ``key``."""
        strange = {name for name in self.environ if name.startswith("ZERO_")}
        close = nearest(key.variable, strange - {key.variable for key in self.keys.values()}, cutoff=0.85)
        return f" ({close} is set: is it misspelt?)" if close else ""
