"""The registry of one machine: a folder per key, a file per server process.

A file is locked (``flock``) by its server for as long as that process lives. The kernel drops the lock with
the process, however it ends, so an entry whose lock is free is stale: whoever sees it removes it. An entry is
written and locked under a hidden name and then renamed; so nobody ever sees one that is incomplete or not
locked yet. Names are never used twice; so removing a stale entry cannot hit a new one.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

from zero_runtime.config import InvalidValue, state_folder
from zero_runtime.discovery.announcement import Announcement
from zero_runtime.discovery.resolver import Resolver

POLL = 0.5
"""Seconds between two looks at a folder. A look costs a few system calls, and four more per entry."""

_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


class LocalAnnouncement(Announcement):
    """An entry. It is valid until `withdraw` or the end of this process."""

    def __init__(self, path: Path, lock: int) -> None:
        self._path = path
        self._lock: int | None = lock

    async def withdraw(self) -> None:
        if self._lock is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None


class LocalRegistry:
    """The registry below one folder. Its methods raise InvalidValue for a key that cannot name a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def folder(self, key: str) -> Path:
        """Where the entries of ``key`` are."""
        if not _KEY.fullmatch(key):
            raise InvalidValue(f"`{key}` is not the name of a service (letters, digits, `_.-`)")
        return self._root / key

    def announce(self, key: str, address: str) -> LocalAnnouncement:
        """Says that a server of ``key`` listens at ``address``. Raises OSError when it cannot say so."""
        folder = self.folder(key)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{os.getpid()}-{secrets.token_hex(8)}"
        draft, path = folder / f".{name}", folder / name
        lock = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(lock, address.encode())
            draft.rename(path)
        except BaseException:
            os.close(lock)
            draft.unlink(missing_ok=True)
            raise
        return LocalAnnouncement(path, lock)

    def addresses(self, key: str) -> tuple[str, ...]:
        """The addresses of the living servers of ``key``, sorted. Removes the entries of dead ones."""
        folder = self.folder(key)
        try:
            names = os.listdir(folder)
        except FileNotFoundError:
            return ()
        found = (_address(folder / name) for name in names if not name.startswith("."))
        return tuple(sorted({address for address in found if address is not None}))


class LocalResolver(Resolver):
    """Watches one key of a local registry."""

    def __init__(self, registry: LocalRegistry, key: str) -> None:
        super().__init__(f"local:///{key}")
        self._registry = registry
        self._key = key
        self._folder = registry.folder(key)
        self._told: tuple[str, ...] = ()

    @property
    def nothing_found(self) -> str:
        return f"no living server has an entry in {self._folder}"

    def addresses(self) -> tuple[str, ...]:
        self._told = found = self._registry.addresses(self._key)
        return found

    async def watch(self) -> AsyncIterator[tuple[str, ...]]:
        known: tuple[str, ...] | None = None
        while True:
            told = self._told  # by `addresses` meanwhile: what was seen only there may be over already
            if (found := self.addresses()) != known or found != told:
                known = found
                yield found
            await asyncio.sleep(POLL)


def local_registry() -> LocalRegistry:
    """The registry in the state folder, which all services of a user share."""
    return LocalRegistry(state_folder() / "registry")


def _address(path: Path) -> str | None:
    """The address in an entry, None when its server is dead or it has just gone."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.read(file, 512).decode()
    else:
        path.unlink(missing_ok=True)
        return None
    finally:
        os.close(file)
