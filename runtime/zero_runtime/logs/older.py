"""Files of the log that were followed by others: compressed, and deleted in the end."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

_DAY = 86400.0
_PACKED = ".gz"
_DRAFT = ".part"
_DATED = r"-\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d\.\d{3}Z)?"


@dataclass(frozen=True, slots=True)
class Keeping:
    """How many files are kept, and how."""

    days: int = 0
    """For how long; 0 for ever."""

    files: int = 0
    """How many; 0 for all."""

    compress: bool = False


def free(name: Path) -> Path:
    """``name``, or one like it that no file has: a day or a moment may come twice when a clock is set."""
    number, found = 0, name
    while found.exists() or found.with_name(found.name + _PACKED).exists():
        number += 1
        found = name.with_name(f"{name.name}.{number}")
    return found


def tidy(log: Path, keeping: Keeping) -> None:
    """Deletes what is not kept of the files that ``log`` has followed, and compresses the rest.

    Other processes may do the same at the same time. What fails is left for the next time.
    """
    try:
        kept = _older(log)
    except OSError:
        return
    surplus = kept[keeping.files :] if keeping.files else []
    if keeping.days:
        oldest = time.time() - keeping.days * _DAY
        surplus += [path for path in kept if path not in surplus and _changed(path) < oldest]
    for path in kept:
        with contextlib.suppress(OSError):
            if path in surplus:
                path.unlink(missing_ok=True)
            elif keeping.compress and path.suffix != _PACKED:
                _compress(path)


def _older(log: Path) -> list[Path]:
    """The files that ``log`` has followed, the newest first."""
    stem, suffix, name = map(re.escape, (log.stem, log.suffix, log.name))
    pattern = re.compile(rf"(?:{name}{_DATED}|{stem}{_DATED}{suffix})(?:\.\d+)?(?:{re.escape(_PACKED)})?")
    found = [path for path in log.parent.iterdir() if pattern.fullmatch(path.name)]
    return sorted(found, key=_changed, reverse=True)


def _changed(path: Path) -> float:
    """When the file was last written; 0 when it is gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _compress(path: Path) -> None:
    """Replaces a file by a compressed one of the same time, which appears whole or not at all."""
    draft = path.with_name(path.name + _DRAFT)
    with path.open("r+b") as source:  # as `files` has it
        fcntl.flock(source, fcntl.LOCK_EX | fcntl.LOCK_NB)  # one process is enough
        with draft.open("wb") as target, gzip.GzipFile(path.name, "wb", 6, target, 0) as packed:
            shutil.copyfileobj(source, packed, 1 << 20)
        found = os.fstat(source.fileno())
        os.utime(draft, ns=(found.st_atime_ns, found.st_mtime_ns))
        os.chmod(draft, found.st_mode & 0o777)
        os.replace(draft, path.with_name(path.name + _PACKED))
        path.unlink()
