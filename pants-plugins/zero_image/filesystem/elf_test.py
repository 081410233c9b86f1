from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from zero_image.filesystem import elf


def test_says_what_the_running_interpreter_needs() -> None:
    program = Path(os.path.realpath(sys.executable)).read_bytes()
    assert elf.is_elf(program)
    facts = elf.parse(program)
    assert facts.machine == os.uname().machine
    assert Path(facts.interpreter).exists()
    assert "libc.so.6" in facts.needed


def test_says_what_a_library_needs() -> None:
    library = next(Path("/lib").glob("*-linux-gnu/libm.so.6"), None)
    if library is None:
        pytest.skip("no libm in a multiarch folder here")
    facts = elf.parse(library.read_bytes())
    assert (facts.interpreter, facts.runpath) == ("", ())
    assert set(facts.needed) >= {"libc.so.6"}
    assert elf.glibc_needed(library.read_bytes()) > 0


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\n", b"\x7fELF\x01\x01", b"\x7fELF\x02\x02"])
def test_other_files_are_not_elf(data: bytes) -> None:
    assert not elf.is_elf(data)


def test_the_newest_symbol_version_counts() -> None:
    assert elf.glibc_needed(b"\0GLIBC_2.2.5\0GLIBC_2.17\0GLIBC_2.9\0GLIBC_PRIVATE\0") == 17
    assert elf.glibc_needed(b"static") == 0
