"""Debian's binary packages: an ``ar`` archive of two tar archives, control and data (deb(5))."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from zero_image.errors import ImageError

_MAGIC = b"!<arch>\n"
_HEADER = 60
_COMPRESSIONS = ("", ".gz", ".xz", ".bz2")


class Deb:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._members = dict(_ar_members(path))

    def control(self) -> str:
        """The control file: one RFC 822-like paragraph."""
        with self._tar("control.tar") as tar:
            for member in tar:
                if member.name.lstrip("./") == "control" and (stream := tar.extractfile(member)) is not None:
                    return stream.read().decode()
        raise ImageError(f"{self._path}: a Debian package without a control file")

    def data(self) -> tarfile.TarFile:
        """The files that the package installs, as an open archive."""
        return self._tar("data.tar")

    def _tar(self, stem: str) -> tarfile.TarFile:
        name = next((name for name in self._members if name.startswith(stem)), None)
        if name is None:
            raise ImageError(f"{self._path}: a Debian package without {stem}")
        if name.removeprefix(stem) not in _COMPRESSIONS:
            raise ImageError(
                f"{self._path}: {name} is compressed in a way that Python does not read",
                hint="Debian's packages use xz; those of some derived distributions use zstd",
            )
        try:
            return tarfile.open(name=str(self._path), fileobj=io.BytesIO(self._members[name]))
        except tarfile.ReadError as error:
            raise ImageError(f"{self._path}: {name}: {error}") from None
        except tarfile.CompressionError as error:
            raise ImageError(
                f"{self._path}: this Python cannot read {name}: {error}",
                hint="it was built without lzma; use one that has it",
            ) from None


def _ar_members(path: Path) -> list[tuple[str, bytes]]:
    data = path.read_bytes()
    if not data.startswith(_MAGIC):
        raise ImageError(f"{path} is not a Debian package")
    members: list[tuple[str, bytes]] = []
    at = len(_MAGIC)
    while at + _HEADER <= len(data):
        header = data[at : at + _HEADER]
        at += _HEADER
        size = int(header[48:58])
        members.append((header[:16].decode().strip().rstrip("/"), data[at : at + size]))
        at += size + size % 2
    return members
