"""The servers that are registered in etcd under one key, by Zero or by go-zero."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import aclosing

from zero_runtime.config import EtcdConf
from zero_runtime.discovery.backoff import Backoff
from zero_runtime.discovery.etcd.client import Change, Client, EtcdAway, EtcdError
from zero_runtime.discovery.etcd.members import check
from zero_runtime.discovery.etcd.registration import TTL
from zero_runtime.discovery.resolver import Resolver

GRACE = 1.5 * TTL
"""Seconds after an outage of etcd in which nobody is taken for gone.

An etcd that has lost its data knows nobody until all have registered again; yet they were there all the time,
and those that were not cannot be connected to."""

_log = logging.getLogger("zero.discovery")


class EtcdResolver(Resolver):
    """Watches the entries of a key. While etcd is away, the addresses known last stay."""

    def __init__(self, target: str, conf: EtcdConf, key: str, grace: float = GRACE) -> None:
        """Raises InvalidValue for what can never work."""
        super().__init__(target)
        check(conf)
        self.conf = conf
        self._key = key
        self._grace = grace
        self._entries: dict[bytes, str] = {}
        self._spared: set[str] = set()
        self._known: tuple[str, ...] = ()
        self._trouble: EtcdError | None = EtcdAway("it has not answered yet")
        self._told: type[EtcdError] | None = None
        self._changed = asyncio.Event()

    @property
    def nothing_found(self) -> str:
        if self._trouble is not None:
            return f"cannot ask etcd: {self._trouble}"
        return f"no server is registered as `{self._key}` in etcd at {', '.join(self.conf.hosts)}"

    def addresses(self) -> tuple[str, ...]:
        return self._known

    async def watch(self) -> AsyncIterator[tuple[str, ...]]:
        following = asyncio.create_task(self._follow())
        following.add_done_callback(lambda _: self._changed.set())
        try:
            while not following.done():
                yield self._known
                await self._changed.wait()
                self._changed.clear()
            following.result()
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def _follow(self) -> None:
        prefix = f"{self._key}/".encode()
        backoff = Backoff()
        async with aclosing(Client(self.conf)) as client:
            while True:
                try:
                    entries, revision = await client.read(prefix)
                    self._begin(entries)
                    async with aclosing(client.watch(prefix, revision + 1)) as watch:
                        async for changes in watch:
                            self._apply(changes)
                except EtcdError as error:
                    self._interrupt(error)
                await backoff.wait()

    def _begin(self, entries: Mapping[bytes, bytes]) -> None:
        """Takes all entries as they are now."""
        if self._spared:
            asyncio.get_running_loop().call_later(self._grace, self._spare_no_longer, self._spared)
        self._trouble = self._told = None
        self._entries = {key: value.decode(errors="replace") for key, value in entries.items()}
        self._publish()

    def _apply(self, changes: Iterable[Change]) -> None:
        for change in changes:
            if change.value is not None:
                self._entries[change.key] = change.value.decode(errors="replace")
            elif (address := self._entries.pop(change.key, None)) is not None:
                self._spared.discard(address)  # this one has left indeed
        self._publish()

    def _interrupt(self, error: EtcdError) -> None:
        """Etcd does not answer, or does not want to."""
        if isinstance(error, EtcdAway):
            self._spared = set(self._known)
        if type(error) is not self._told:
            self._told = type(error)
            _log.warning("%s: %d addresses stay as they are: %s", self.target, len(self._known), error)
        self._trouble = error

    def _spare_no_longer(self, spared: set[str]) -> None:
        if spared is self._spared:  # no other outage has come between
            self._spared = set()
            self._publish()

    def _publish(self) -> None:
        known = tuple(sorted(self._spared.union(self._entries.values())))
        if known != self._known:
            self._known = known
            self._changed.set()
