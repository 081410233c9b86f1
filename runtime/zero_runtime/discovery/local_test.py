from __future__ import annotations

import asyncio
import fcntl
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from zero_runtime.config import InvalidValue
from zero_runtime.discovery import LocalRegistry, LocalResolver

SERVER = """
import sys, pathlib
from zero_runtime.discovery import LocalRegistry
announcements = [LocalRegistry(pathlib.Path(sys.argv[1])).announce("user-rpc", a) for a in sys.argv[2:]]
print("announced", flush=True)
sys.stdin.read()
"""


@contextmanager
def server_process(root: Path, *addresses: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(root), *addresses],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": ":".join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"announced\n"
        try:
            yield process
        finally:
            process.kill()


def test_an_entry_is_seen_until_it_is_withdrawn(tmp_path: Path) -> None:
    registry = LocalRegistry(tmp_path)
    assert registry.addresses("user-rpc") == ()
    announcement = registry.announce("user-rpc", "127.0.0.1:4001")
    assert LocalRegistry(tmp_path).addresses("user-rpc") == ("127.0.0.1:4001",)
    assert registry.addresses("order-rpc") == ()
    asyncio.run(announcement.withdraw())
    asyncio.run(announcement.withdraw())
    assert registry.addresses("user-rpc") == ()
    assert list((tmp_path / "user-rpc").iterdir()) == []


def test_the_entries_of_a_killed_process_are_gone_and_cleaned_up(tmp_path: Path) -> None:
    registry = LocalRegistry(tmp_path)
    with server_process(tmp_path, "127.0.0.1:4001", "127.0.0.1:4002") as process:
        assert registry.addresses("user-rpc") == ("127.0.0.1:4001", "127.0.0.1:4002")
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert len(list((tmp_path / "user-rpc").iterdir())) == 2
        assert registry.addresses("user-rpc") == ()
        assert list((tmp_path / "user-rpc").iterdir()) == []


def test_a_forked_and_executed_child_does_not_keep_an_entry_alive(tmp_path: Path) -> None:
    registry = LocalRegistry(tmp_path)
    announcement = registry.announce("user-rpc", "127.0.0.1:4001")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        asyncio.run(announcement.withdraw())
        assert registry.addresses("user-rpc") == ()
        child.kill()


def test_an_entry_is_complete_and_locked_when_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename
    seen: list[str] = []

    def look(draft: Path, target: Path) -> Path:
        with draft.open() as file, pytest.raises(BlockingIOError):
            seen.append(file.read())
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return rename(draft, target)

    monkeypatch.setattr(Path, "rename", look)
    asyncio.run(LocalRegistry(tmp_path).announce("user-rpc", "127.0.0.1:4001").withdraw())
    assert seen == ["127.0.0.1:4001"]


def test_drafts_are_invisible(tmp_path: Path) -> None:
    (tmp_path / "user-rpc").mkdir()
    (tmp_path / "user-rpc" / ".1-draft").write_text("127.0.0.1:1")
    assert LocalRegistry(tmp_path).addresses("user-rpc") == ()
    assert (tmp_path / "user-rpc" / ".1-draft").exists()


@pytest.mark.parametrize("key", ["", ".", "..", "../x", "a/b", "a b", "-x"])
def test_a_key_cannot_leave_the_registry(tmp_path: Path, key: str) -> None:
    with pytest.raises(InvalidValue, match="is not the name of a service"):
        LocalRegistry(tmp_path).announce(key, "127.0.0.1:1")


def test_no_reader_ever_sees_half_an_entry_or_removes_a_living_one(tmp_path: Path) -> None:
    """Two processes announce and withdraw without pause while two others look."""
    announce = (
        "import sys, asyncio, pathlib; from zero_runtime.discovery import LocalRegistry\n"
        "registry = LocalRegistry(pathlib.Path(sys.argv[1]))\n"
        "for i in range(300):\n"
        "    one = registry.announce('user-rpc', '127.0.0.1:40001')\n"
        "    assert '127.0.0.1:40001' in registry.addresses('user-rpc'), 'a living entry was removed'\n"
        "    asyncio.run(one.withdraw())\n"
    )
    look = (
        "import sys, pathlib; from zero_runtime.discovery import LocalRegistry\n"
        "registry = LocalRegistry(pathlib.Path(sys.argv[1]))\n"
        "for i in range(1500):\n"
        "    assert registry.addresses('user-rpc') in ((), ('127.0.0.1:40001',))\n"
    )
    environment = {"PYTHONPATH": ":".join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], env=environment)
        for code in (announce, announce, look, look)
    ]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0, 0]
    assert list((tmp_path / "user-rpc").iterdir()) == []


def test_a_resolver_follows_the_registry(tmp_path: Path) -> None:
    registry = LocalRegistry(tmp_path)

    async def follow() -> None:
        resolver = LocalResolver(registry, "user-rpc")
        assert resolver.target == "local:///user-rpc"
        assert resolver.nothing_found == f"no living server has an entry in {tmp_path / 'user-rpc'}"
        changes = resolver.watch()
        assert await anext(changes) == ()
        first = registry.announce("user-rpc", "127.0.0.1:4001")
        assert await anext(changes) == ("127.0.0.1:4001",)
        second = registry.announce("user-rpc", "127.0.0.1:4002")
        assert await anext(changes) == ("127.0.0.1:4001", "127.0.0.1:4002")
        await first.withdraw()
        assert resolver.addresses() == ("127.0.0.1:4002",)  # at once, not at the next poll
        assert await anext(changes) == ("127.0.0.1:4002",)
        await second.withdraw()

    asyncio.run(asyncio.wait_for(follow(), 10))


def test_a_change_that_was_told_and_undone_is_told_again(tmp_path: Path) -> None:
    """A server that starts again on its port, while a call that waits has seen that it was gone."""
    registry = LocalRegistry(tmp_path)

    async def follow() -> None:
        resolver = LocalResolver(registry, "user-rpc")
        changes = resolver.watch()
        first = registry.announce("user-rpc", "127.0.0.1:4001")
        assert await anext(changes) == ("127.0.0.1:4001",)
        await first.withdraw()
        assert resolver.addresses() == ()
        second = registry.announce("user-rpc", "127.0.0.1:4001")
        assert await anext(changes) == ("127.0.0.1:4001",)
        await second.withdraw()

    asyncio.run(asyncio.wait_for(follow(), 10))
