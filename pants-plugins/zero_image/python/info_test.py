from __future__ import annotations

from dataclasses import replace

import pytest

from zero_image.python.info import PythonInfo
from zero_image.python.pex import Wheel

BOOKWORM = PythonInfo(
    version="3.11.2",
    executable="/usr/bin/python3.11",
    stdlib="/usr/lib/python3.11",
    soabi="cpython-311-x86_64-linux-gnu",
    cache_tag="cpython-311",
    machine="x86_64",
    glibc=36,
)
FREE_THREADED = replace(BOOKWORM, version="3.13.5", soabi="cpython-313t-x86_64-linux-gnu")


def refusal(python: PythonInfo, tags: str) -> str:
    return python.refusal(Wheel(f"demo-1.0-{tags}.whl", {}).tags)


@pytest.mark.parametrize(
    "tags",
    [
        "py3-none-any",
        "py2.py3-none-any",
        "py310-none-any",
        "cp311-none-any",
        "cp311-cp311-linux_x86_64",
        "cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64",
        "cp311-cp311-manylinux_2_36_x86_64",
        "cp38-abi3-manylinux1_x86_64",
        "cp310-abi3-manylinux_2_34_x86_64",
        "py3-none-manylinux2010_x86_64",
        # One of the several that a wheel is good for is enough.
        "cp311-cp311-manylinux_2_40_x86_64.manylinux_2_17_x86_64",
        "cp310.cp311-cp311-manylinux_2_17_x86_64",
    ],
)
def test_runs(tags: str) -> None:
    assert refusal(BOOKWORM, tags) == ""


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ("cp312-cp312-manylinux_2_17_x86_64", "it is made for CPython 3.12 (tags cp312-cp312)"),
        ("cp310-cp310-manylinux_2_17_x86_64", "it is made for CPython 3.10 (tags cp310-cp310)"),
        ("cp312-abi3-manylinux_2_17_x86_64", "it is made for CPython 3.12 (tags cp312-abi3)"),
        ("cp310-none-any", "it is made for CPython 3.10 (tags cp310-none)"),
        ("py312-none-any", "it is made for CPython 3.12 (tags py312-none)"),
        ("pp311-pypy311_pp73-manylinux_2_17_x86_64", "it is made for pp311"),
        ("py2-none-any", "it is made for py2"),
        ("cp311-cp311-manylinux_2_38_x86_64", "it needs glibc 2.38"),
        ("cp311-cp311-manylinux_2_17_aarch64", "it is made for manylinux_2_17_aarch64"),
        ("cp311-cp311-musllinux_1_2_x86_64", "it is made for musllinux_1_2_x86_64"),
        ("cp311-cp311-macosx_11_0_arm64", "it is made for macosx_11_0_arm64"),
        ("cp311-cp311-linux_armv7l", "it is made for linux_armv7l"),
    ],
)
def test_does_not_run(tags: str, reason: str) -> None:
    assert refusal(BOOKWORM, tags) == reason


def test_the_free_threaded_build_has_wheels_of_its_own() -> None:
    assert refusal(FREE_THREADED, "cp313-cp313t-manylinux_2_17_x86_64") == ""
    assert refusal(FREE_THREADED, "py3-none-any") == ""
    assert refusal(FREE_THREADED, "cp313-cp313-manylinux_2_17_x86_64")
    assert refusal(FREE_THREADED, "cp310-abi3-manylinux_2_17_x86_64")
    assert refusal(BOOKWORM, "cp311-cp311t-manylinux_2_17_x86_64")


@pytest.mark.parametrize(
    ("constraint", "met"),
    [
        ("CPython==3.11.*", True),
        ("==3.11.2", True),
        ("CPython>=3.11,<3.14", True),
        ("CPython>=3.9,<3.12", True),
        ("CPython~=3.9", True),
        ("CPython~=3.11.0", True),
        ("CPython<=3.11.2", True),
        ("CPython!=3.11.1", True),
        ("CPython", True),
        ("CPython==3.12.*", False),
        ("CPython==3.11", False),
        ("CPython>=3.11,<3.11.2", False),
        ("CPython>3.11.2", False),
        ("CPython>=3.12", False),
        ("CPython~=3.10.1", False),
        ("CPython!=3.11.*", False),
        ("PyPy==3.11.*", False),
    ],
)
def test_interpreter_constraints(constraint: str, met: bool) -> None:
    assert BOOKWORM.meets(constraint) is met


def test_names_derived_from_the_version() -> None:
    assert (BOOKWORM.minor, BOOKWORM.nodot) == ("3.11", "311")
    assert BOOKWORM.site_packages == "lib/python3.11/site-packages"
    assert FREE_THREADED.nodot == "313t"
    assert PythonInfo.from_json(BOOKWORM.to_json()) == BOOKWORM
