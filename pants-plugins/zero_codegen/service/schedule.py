"""When a job runs: cron's form, as the CronJob of Kubernetes takes it.

That is five fields (minute, hour, day of the month, month, day of the week), each with values, ranges and
steps, or a word such as `@daily`. What other crons take besides (`L`, `W`, `#`, 7 for Sunday, seconds, a zone
in front) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import tzdata

from zero_codegen.diagnostics import Diagnostic, did_you_mean

if TYPE_CHECKING:
    from zero_codegen.service.spec import Spec

WORDS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
"""What stands for the five fields of a usual schedule."""

_NAME_LENGTH = 52
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""Of the months, at the most."""
_PART = re.compile(
    r"(?:(?P<all>[*?])|(?P<first>[0-9A-Za-z]+)(?:-(?P<last>[0-9A-Za-z]+))?)(?:/(?P<step>[0-9A-Za-z]+))?"
)


@dataclass(frozen=True)
class _Field:
    """A field of a schedule; `names` stand for its values from the first one on."""

    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, tuple("jan feb mar apr may jun jul aug sep oct nov dec".split())),
    _Field("day of the week", 0, 6, tuple("sun mon tue wed thu fri sat".split())),
)


class _Wrong(Exception):
    """A part of a field means nothing: why, and what to write."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def mistakes(spec: Spec) -> Iterator[Diagnostic]:
    """What is wrong with the fields of a job: when it runs, for how long, how often it is tried."""
    if spec.job is None:
        return
    if len(spec.name) > _NAME_LENGTH:
        message = f"the name of a job has {_NAME_LENGTH} characters at most, and this one {len(spec.name)}"
        yield spec.diagnostic(message, hint="Kubernetes names each run after the job and a number")
    for column, length, message, hint in _wrong_parts(spec.job.schedule):
        yield Diagnostic(
            spec.address, 0, column, f"`schedule`: {message}", hint, spec.job.schedule, length=length
        )
    zone = spec.job.time_zone
    if zone is not None and zone not in _zones():
        hint = did_you_mean(zone, _zones()) or "write it as `Area/City`, like `Europe/Berlin`"
        yield spec.diagnostic(f"`time_zone`: there is no time zone `{zone}`", hint=hint)
    if spec.job.timeout < 1:
        yield spec.diagnostic(f"`job_timeout`: {spec.job.timeout} is less than 1")
    if spec.job.retries < 0:
        yield spec.diagnostic(f"`job_retries`: {spec.job.retries} is less than 0")


def _wrong_parts(schedule: str) -> Iterator[tuple[int, int, str, str | None]]:
    """Column, length, message and hint of each part that is wrong."""
    words = list(re.finditer(r"\S+", schedule))
    if schedule.lstrip().startswith("@"):
        if schedule not in WORDS:
            known = ", ".join(f"`{word}`" for word in WORDS)
            hint = did_you_mean(schedule, WORDS) or f"write one of {known}, or five fields"
            yield 1, len(schedule), f"there is no word `{schedule}`", hint
        return
    if len(words) != len(_FIELDS):
        yield 1, len(schedule), *_wrong_count([word[0] for word in words])
        return
    values: list[set[int]] = []
    for field, word in zip(_FIELDS, words, strict=True):
        found: set[int] = set()
        column = word.start() + 1
        for part in word[0].split(","):
            try:
                found |= _values(field, part)
            except _Wrong as wrong:
                yield column, max(len(part), 1), f"{field.name}: {wrong.message}", wrong.hint
            column += len(part) + 1
        values.append(found)
    _, _, days, months, _ = values
    on_any_weekday = words[4][0] in ("*", "?")  # otherwise the day of the week alone will do
    if days and months and on_any_weekday and min(days) > max(_DAYS[month - 1] for month in months):
        start, end = words[2].start(), words[3].end()
        yield start + 1, end - start, f"no such month has a day {min(days)}: it never runs", None


def _wrong_count(words: Sequence[str]) -> tuple[str, str]:
    names = ", ".join(field.name for field in _FIELDS)
    if any("TZ=" in word for word in words):
        return "it has a time zone in front", "set `time_zone`"
    if len(words) == len(_FIELDS) + 1:
        return "it has six fields, and there are none for seconds or years", f"write {names}"
    return f"it has {len(words)} fields, not five", f"write {names}, like `0 3 * * *`"


def _values(field: _Field, part: str) -> set[int]:
    """The values that a part of a field stands for."""
    match = _PART.fullmatch(part)
    if match is None:
        hint = "write values, ranges and steps, with commas in between: `5`, `1-5`, `*/15`"
        raise _Wrong(f"`{part}` means nothing", hint)
    if match["all"]:
        first, last = field.least, field.most
    else:
        first = _value(field, match["first"])
        last = _value(field, match["last"]) if match["last"] else field.most if match["step"] else first
    if first > last:
        hint = f"write `{match['first']}-{field.most},{field.least}-{match['last']}`"
        raise _Wrong(f"`{part}` ends before it begins", hint)
    step = match["step"] or "1"
    if not step.isdecimal() or not 1 <= int(step) <= field.most:
        raise _Wrong(f"the step `{step}` is not a number from 1 to {field.most}")
    return set(range(first, last + 1, int(step)))


def _value(field: _Field, text: str) -> int:
    if text.lower() in field.names:
        return field.least + field.names.index(text.lower())
    if not text.isdecimal():
        what = f"`{field.names[0]}` to `{field.names[-1]}` or a number" if field.names else "a number"
        raise _Wrong(f"`{text}` is not {what}", did_you_mean(text, field.names))
    if not field.least <= int(text) <= field.most:
        hint = "Sunday is 0" if field.least == 0 and field.names else None
        raise _Wrong(f"`{text}` is not from {field.least} to {field.most}", hint)
    return int(text)


@cache
def _zones() -> frozenset[str]:
    """The names of all time zones, from a locked package and not from the machine that builds."""
    return frozenset(resources.files(tzdata).joinpath("zones").read_text("utf-8").split())
