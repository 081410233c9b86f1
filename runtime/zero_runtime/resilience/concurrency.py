"""How many calls are served at a time."""

from __future__ import annotations

from zero_runtime.resilience.metrics import CONCURRENCY, decisions
from zero_runtime.resilience.rejection import Rejected


class ConcurrencyLimit:
    """Lets ``most`` calls in at a time; those beyond are refused, they do not wait.

    In logic: ``with limit: ...`` raises `Rejected` when it is full.
    """

    __slots__ = ("_dropped", "_passed", "active", "most")

    def __init__(self, name: str, most: int) -> None:
        """``name`` is what metrics call it. Raises ValueError when ``most`` lets nobody in."""
        if most < 1:
            raise ValueError(f"{name}: a limit of {most} calls lets nobody in")
        self.most = most
        self.active = 0
        """The calls that are in."""
        self._passed, self._dropped = decisions(CONCURRENCY, name)

    def rejection(self) -> Rejected:
        """How a call is refused."""
        return Rejected("concurrency", "too many requests at a time")

    def __enter__(self) -> None:
        if self.active >= self.most:
            self._dropped.add()
            raise self.rejection()
        self.active += 1
        self._passed.add()

    def __exit__(self, *_: object) -> None:
        self.active -= 1
