"""A server's entry in etcd, in go-zero's form: ``<Key>/<id of the lease, or ID>`` -> ``host:port``.

The entry lives by a lease, so it goes away with the process. As long as the process lives, it comes back:
after an outage of etcd of any length, with its data or without, and after somebody deleted it.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing, suppress

from zero_runtime.config import EtcdConf
from zero_runtime.discovery.announcement import Announcement
from zero_runtime.discovery.backoff import Backoff
from zero_runtime.discovery.etcd.client import REQUEST_TIMEOUT, Client, EtcdError, LeaseLost

TTL = 10
"""Seconds after which the entry of a process that was killed is gone; go-zero's."""

PATIENCE = 1.0
"""Seconds that a server waits for its entry before it goes on without."""

_log = logging.getLogger("zero.discovery")


async def register(conf: EtcdConf, key: str, address: str, ttl: int = TTL) -> Registration:
    """Registers ``address`` under ``key``, and keeps it there until it is withdrawn.

    Returns when it is, after `PATIENCE` at the latest. Raises InvalidValue for what can never work.
    """
    registration = Registration(Client(conf), key, address, conf.id, ttl)
    try:
        await registration.begin(PATIENCE)
    except BaseException:
        await registration.withdraw()
        raise
    return registration


class Registration(Announcement):
    """One entry, kept by a task."""

    def __init__(self, client: Client, key: str, address: str, id: int, ttl: int) -> None:
        self._client = client
        self._key = key
        self._address = address
        self._id = id
        self._ttl = ttl
        self._lease = 0
        self._registered = asyncio.Event()
        self._trouble: type[Exception] | None = None
        self._task: asyncio.Task[None] | None = None

    async def begin(self, patience: float) -> None:
        """Begins to register, and waits ``patience`` seconds at most until it has."""
        self._task = asyncio.create_task(self._stay())
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._registered.wait()

    async def withdraw(self) -> None:
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        try:
            await asyncio.wait([task])
            if self._lease:
                async with asyncio.timeout(REQUEST_TIMEOUT):  # for all members together
                    await self._client.revoke(self._lease)
        except (EtcdError, TimeoutError) as error:
            _log.warning("etcd: the entry of %s stays for up to %d s: %s", self._address, self._ttl, error)
        finally:
            await self._client.aclose()

    async def _stay(self) -> None:
        """Keeps the entry, with another lease whenever one is lost."""
        backoff = Backoff()
        while True:
            try:
                if not self._lease:
                    self._lease = await self._client.grant(self._ttl)
                await self._hold(self._lease)
            except Exception as error:  # whatever it is, nobody else would register this server again
                if isinstance(error, LeaseLost):
                    self._lease = 0
                if type(error) is not self._trouble:
                    self._trouble = type(error)
                    defect = not isinstance(error, EtcdError)
                    _log.warning("etcd: %s is not registered: %s", self._address, error, exc_info=defect)
            await backoff.wait()

    async def _hold(self, lease: int) -> None:
        """Keeps the lease alive and the entry written. Ends with an EtcdError."""
        writing = asyncio.create_task(self._write(lease))
        try:
            while True:
                await self._client.keep_alive(lease)
                done, _ = await asyncio.wait([writing], timeout=self._ttl / 3)
                if done:
                    writing.result()
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def _write(self, lease: int) -> None:
        """Writes the entry, and again whenever it was deleted. Ends with an EtcdError."""
        entry = f"{self._key}/{self._id or lease}"
        key = entry.encode()
        while True:
            revision = await self._client.put(key, self._address.encode(), lease)
            self._registered.set()
            self._trouble = None
            _log.info("etcd: %s is registered as %s", self._address, entry)
            async with aclosing(self._client.watch(key, revision + 1)) as watch:
                async for changes in watch:
                    if any(change.key == key and change.value is None for change in changes):
                        break
