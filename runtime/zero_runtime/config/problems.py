"""What is wrong with a configuration, in the words of its author's files and variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. It never shows the value: configuration holds secrets, and messages end in logs."""

    place: str
    """``etc/user-api.yaml:3:7``, ``environment variable ZERO_PORT``; the file alone for what it lacks."""

    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" + (f"\n  = hint: {self.hint}" if self.hint else "")


class ConfigError(Exception):
    """A configuration cannot be used; ``problems`` are all its mistakes."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))


class InvalidValue(ValueError):
    """A value of the configuration that turned out unusable when it was put to use: the base of such errors.

    Its message is for the person who configured the service and holds no secret.
    """
