from __future__ import annotations

import datetime as dt
import fcntl
import gzip
import os
import re
import resource
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zero_runtime.config import InvalidValue, LogConf
from zero_runtime.logs.files import LogFile, open_log
from zero_runtime.logs.older import Keeping, tidy

DAY = 86400.0
YESTERDAY = dt.date.today() - dt.timedelta(days=1)


def log(folder: Path, **settings: Any) -> LogFile:
    return open_log(LogConf(mode="file", path=str(folder), **settings), "user-api")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def settle() -> None:
    """Waits until nobody is tidying up any more."""
    for thread in threading.enumerate():
        if thread.name == "log-tidy":
            thread.join()


def content(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def age(path: Path, days: float) -> None:
    os.utime(path, (time.time() - days * DAY,) * 2)


def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    for line in (b"a\n", b"b\n"):
        file = log(tmp_path / "logs")
        assert file.write(line) == 2
        file.close()
    assert (tmp_path / "logs/user-api.log").read_bytes() == b"a\nb\n"


def test_a_volume_has_a_folder_for_each_service_and_host(tmp_path: Path) -> None:
    open_log(LogConf(mode="volume", path=str(tmp_path)), "user-api").close()
    assert (tmp_path / "user-api" / socket.gethostname() / "user-api.log").is_file()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidValue, match=r"^Log.Path: .*/file/sub cannot be written: not a directory$"):
        log(tmp_path / "file/sub")


def test_each_day_has_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [time.time()]
    monkeypatch.setattr(time, "time", lambda: now[0])
    file = log(tmp_path)
    days = []
    for line in (b"a\n", b"b\n", b"c\n"):
        file.write(line)
        file.write(line)
        days.append(dt.date.fromtimestamp(now[0]))
        now[0] += DAY
    file.close()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        f"user-api.log-{days[0]}": b"a\na\n",
        f"user-api.log-{days[1]}": b"b\nb\n",
        "user-api.log": b"c\nc\n",
    }


def test_a_service_that_starts_puts_the_file_of_another_day_aside(tmp_path: Path) -> None:
    (tmp_path / "user-api.log").write_bytes(b"old\n")
    age(tmp_path / "user-api.log", 1)
    (tmp_path / f"user-api.log-{YESTERDAY}").write_bytes(b"older\n")
    file = log(tmp_path)
    file.write(b"new\n")
    file.close()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        f"user-api.log-{YESTERDAY}": b"older\n",
        f"user-api.log-{YESTERDAY}.1": b"old\n",
        "user-api.log": b"new\n",
    }


def test_large_files_are_followed_by_others(tmp_path: Path) -> None:
    file = log(tmp_path, rotation="size", max_size=1, max_backups=2, compress=True)
    for letter in (b"a", b"b", b"c", b"d"):
        file.write(letter * ((1 << 20) - 1) + b"\n")
        settle()
    file.close()
    *older, current = sorted(tmp_path.iterdir(), key=lambda path: path.name)
    assert current.name == "user-api.log"
    assert all(
        re.fullmatch(r"user-api-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\.log(\.1)?\.gz", path.name)
        for path in older
    )
    assert [content(path)[:1] for path in (*older, current)] == [b"b", b"c", b"d"]


def test_a_size_that_is_not_said_is_no_limit(tmp_path: Path) -> None:
    file = log(tmp_path, rotation="size")
    for _ in range(3):
        file.write(b"a" * (1 << 20) + b"\n")
    file.close()
    assert names(tmp_path) == ["user-api.log"]


def test_a_file_that_others_move_is_made_again(tmp_path: Path) -> None:
    file = log(tmp_path)
    file.write(b"a\n")
    (tmp_path / "user-api.log").rename(tmp_path / "moved")
    file.write(b"b\n")
    (tmp_path / "user-api.log").unlink()
    file.write(b"c\n")
    file.close()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "moved": b"a\n",
        "user-api.log": b"c\n",
    }


def test_a_line_that_the_disk_took_half_of_spoils_no_other(tmp_path: Path) -> None:
    file = log(tmp_path)
    limit, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5, most))
    try:
        with pytest.raises(OSError):
            file.write(b"a line\n")
        with pytest.raises(OSError):
            file.write(b"another\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
    assert file.write(b"whole\n") == 6
    file.close()
    assert (tmp_path / "user-api.log").read_bytes() == b"a lin\nwhole\n"


def test_a_folder_of_nfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which makes such locks of `flock` as `lockf` takes: they ask how the file was opened."""
    monkeypatch.setattr(fcntl, "flock", fcntl.lockf)
    file = log(tmp_path, rotation="size", max_size=1, compress=True)
    for letter in (b"a", b"b"):
        file.write(letter * (1 << 20))
    file.close()
    settle()
    assert sorted(content(path)[:1] for path in tmp_path.iterdir()) == [b"a", b"b"]
    assert sum(name.endswith(".gz") for name in names(tmp_path)) == 1


def test_a_file_that_cannot_be_put_aside_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename(*paths: Path) -> None:
        raise PermissionError("root may do all that the file system allows")

    monkeypatch.setattr(os, "rename", rename)
    file = log(tmp_path, rotation="size", max_size=1)
    for _ in range(2):
        assert file.write(b"a" * (1 << 20)) == 1 << 20
    file.close()
    assert names(tmp_path) == ["user-api.log"]


def test_what_is_kept(tmp_path: Path) -> None:
    ages = {
        f"user-api.log-{YESTERDAY}": 1,
        "user-api.log-2026-01-02": 5,
        "user-api.log-2026-01-01.gz": 9,
        "user-api-2026-01-01T00:00:00.000Z.log": 9,
        "user-api.log": 9,
        "user-api.log-mine": 9,
        "user-rpc.log-2026-01-01": 9,
    }
    for name, days in ages.items():
        (tmp_path / name).write_bytes(b"line\n")
        age(tmp_path / name, days)
    tidy(tmp_path / "user-api.log", Keeping(days=7, compress=True))
    assert names(tmp_path) == sorted(
        (
            f"user-api.log-{YESTERDAY}.gz",
            "user-api.log-2026-01-02.gz",
            "user-api.log",
            "user-api.log-mine",
            "user-rpc.log-2026-01-01",
        )
    )
    assert content(tmp_path / "user-api.log-2026-01-02.gz") == b"line\n"
    tidy(tmp_path / "user-api.log", Keeping(days=3))
    assert "user-api.log-2026-01-02.gz" not in names(tmp_path)


def test_several_processes_lose_nothing(tmp_path: Path) -> None:
    """They share a file from before they were forked, which is followed by others all the time."""
    file = LogFile(tmp_path / "a.log", daily=False, most=5000, keeping=Keeping(compress=True))
    file.open()
    _fork(4, lambda number: _write(file, number))
    written = [line for path in tmp_path.iterdir() for line in content(path).splitlines()]
    assert sorted(written) == sorted(
        b"%d %04d" % (number, line) for number in range(4) for line in range(2000)
    )
    assert len(names(tmp_path)) > 5
    assert not [name for name in names(tmp_path) if name.endswith(".part")]


def _write(file: LogFile, number: int) -> None:
    file.close()
    for line in range(0, 2000, 10):
        file.write(b"".join(b"%d %04d\n" % (number, each) for each in range(line, line + 10)))
        time.sleep(0.0005)
    settle()


def _fork(processes: int, main: Callable[[int], None]) -> None:
    children = []
    for number in range(processes):
        child = os.fork()
        if child == 0:
            try:
                main(number)
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
