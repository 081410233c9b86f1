"""Durations as Go writes them: ``1s``, ``5.5s``, ``300ms``, ``1m30s``."""

from __future__ import annotations

import re

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")


class Duration(float):
    """Seconds, written in configuration as Go writes a duration."""

    @classmethod
    def parse(cls, text: object) -> Duration:
        """Reads ``1m30s``. Raises ValueError on anything else, a number without a unit included."""
        if isinstance(text, str) and re.fullmatch(f"(?:{_PART.pattern})+", text):
            return cls(sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text)))
        raise ValueError("expected a duration such as `1s`, `300ms` or `1m30s`")
