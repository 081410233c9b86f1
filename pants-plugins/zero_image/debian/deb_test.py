from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from zero_image import testing
from zero_image.debian.deb import Deb
from zero_image.errors import ImageError

DATA = testing.tar_of({"usr/bin/demo": b"odd"})


@pytest.mark.parametrize(
    ("ending", "compress"),
    [("", bytes), (".gz", gzip.compress), (".xz", lzma.compress), (".bz2", bz2.compress)],
)
def test_reads_control_and_data(ending: str, compress: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "demo.deb"
    path.write_bytes(testing.deb("demo", "1.0-1", compress(DATA), f"data.tar{ending}"))
    deb = Deb(path)
    assert deb.control().startswith("Package: demo\nVersion: 1.0-1\n")
    with deb.data() as tar:
        assert tar.getnames() == ["usr/bin/demo"] or tar.getnames() == ["./usr/bin/demo"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"PK", "is not a Debian package"),
        (testing.deb("demo", "1", DATA, "data.tar.zst"), "data.tar.zst is compressed in a way"),
        (testing.deb("demo", "1", b"\0" * 99, "data.tar.xz"), "data.tar.xz: "),
        (testing.deb("demo", "1", DATA, "other"), "a Debian package without data.tar"),
    ],
)
def test_what_cannot_be_read_is_told(content: bytes, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "demo.deb"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=problem):
        Deb(path).data()
