from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

import pytest

from zero_runtime.logs.forward.messages import Chunk
from zero_runtime.logs.forward.spill import Spill


def chunk(text: str) -> Chunk:
    return Chunk("tag", lines=1, entries=bytearray(text.encode()))


def test_chunks_come_back_in_order_until_they_are_done(tmp_path: Path) -> None:
    spill = Spill(tmp_path / "a/b", 1 << 20)
    kept = [chunk("1"), chunk("2")]
    assert all(map(spill.put, kept))
    modes = [path.stat().st_mode & 0o777 for path in (tmp_path / "a/b", *(tmp_path / "a/b").iterdir())]
    assert modes == [0o700, 0o600, 0o600]
    first = spill.take()
    assert first == kept[0]
    spill.release()
    assert spill.take() == kept[0]
    spill.done()
    assert spill.take() == kept[1]
    spill.done()
    assert spill.take() is None
    assert [*(tmp_path / "a/b").iterdir()] == []


def test_of_several_processes_one_has_a_chunk(tmp_path: Path) -> None:
    one, other = Spill(tmp_path, 1 << 20), Spill(tmp_path, 1 << 20)
    kept = [chunk("1"), chunk("2")]
    assert all(map(one.put, kept))
    assert [one.take(), other.take()] == kept
    assert Spill(tmp_path, 1 << 20).take() is None
    one.release()
    other.done()
    assert other.take() == kept[0]
    other.done()


def test_a_folder_of_nfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which makes such locks of `flock` as `lockf` takes: they ask how the file was opened."""
    monkeypatch.setattr(fcntl, "flock", fcntl.lockf)
    spill = Spill(tmp_path, 1 << 20)
    kept = chunk("1")
    assert spill.put(kept)
    assert spill.take() == kept
    spill.done()


def test_the_folder_is_bounded(tmp_path: Path) -> None:
    spill = Spill(tmp_path, 5000)
    assert spill.put(chunk("a" * 4000))
    assert not spill.put(chunk("a" * 4000))
    spill.take()
    spill.done()
    assert spill.put(chunk("a" * 4000))


def test_a_folder_that_is_gone_takes_nothing(tmp_path: Path) -> None:
    spill = Spill(tmp_path / "folder", 5000)
    (tmp_path / "folder").rmdir()
    assert not spill.put(chunk("a"))
    assert spill.take() is None


def test_what_a_crash_of_the_machine_leaves(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spill = Spill(tmp_path, 5000)
    spill.put(chunk("a" * 100))
    (half,) = tmp_path.iterdir()
    half.write_bytes(half.read_bytes()[:50])
    spill.put(chunk("b"))
    draft = tmp_path / "1.part"
    draft.write_bytes(b"")
    os.utime(draft, (time.time() - 3600,) * 2)
    found = Spill(tmp_path, 5000).take()
    assert found is not None
    assert found.entries == b"b"
    assert caplog.messages == [f"{half} was deleted: it is no chunk of the log as a whole"]
    assert not draft.exists()
