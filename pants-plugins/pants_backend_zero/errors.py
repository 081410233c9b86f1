"""What users did wrong, told without a traceback."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import Iterable


class ZeroError(Exception):
    """A contract, a BUILD file or an option is wrong. The message is all a user needs: place, cause, hint."""


class ContractErrors(ZeroError):
    """Contracts are wrong: every diagnostic of the generator, one after the other."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        # Pants puts the class name before the message: places start on a line of their own.
        super().__init__("\n\n" + "\n\n".join(diagnostic.rendered for diagnostic in diagnostics) + "\n")


@dataclass(frozen=True)
class Diagnostic:
    """One mistake as the generator reports it (the `--diagnostics` file)."""

    path: str
    rendered: str


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a misspelt one most likely stands for, if one is close."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)


def parse_diagnostics(content: bytes) -> tuple[Diagnostic, ...]:
    return tuple(Diagnostic(entry["path"], entry["rendered"]) for entry in json.loads(content))
