from __future__ import annotations

from pathlib import Path

import pytest

from zero_image import testing
from zero_image.errors import ImageError
from zero_image.python.pex import Pex

NAME = "demo_kit-1.2-py3-none-any.whl"
MEMBERS = {
    "demo_kit/__init__.py": b"x = 1\n",
    "demo_kit/__pycache__/__init__.cpython-311.pyc": b"old",
    "demo_kit-1.2.dist-info/direct_url.json": b'{"url": "file:///home/me"}',
    "demo_kit-1.2.dist-info/entry_points.txt": (
        b"[console_scripts]\ndemo = demo_kit.cli:Main.run\nextra-demo=demo_kit:go [fast]\n"
        b"[gui_scripts]\nwindow = demo_kit.gui:show\n[other]\nnot = demo_kit:this\n"
    ),
    ".prefix/bin/demo": b"#!python\n",
    ".prefix/bin/tool.sh": b"#!/bin/sh\n",
    ".prefix/data/share/demo.txt": b"data",
    ".prefix/platlib/demo_kit/native.so": b"so",
    ".prefix/include/site/demo.h": b"header",
}
FILES = testing.pex_files(
    {NAME: testing.wheel("demo_kit", "1.2", MEMBERS)}, interpreter_constraints=[">=3.11"]
)


def zipapp(path: Path) -> Path:
    return testing.write_zip(path / "app.pex", FILES)


def loose(path: Path) -> Path:
    return testing.write_folder(path / "app.pex", FILES)


def packed(path: Path) -> Path:
    folder = testing.write_folder(path / "app.pex", {"PEX-INFO": FILES["PEX-INFO"]})
    (folder / ".deps").mkdir()
    below = {name.removeprefix(f".deps/{NAME}/"): data for name, data in FILES.items() if ".deps" in name}
    testing.write_zip(folder / ".deps" / NAME, below)
    return folder


@pytest.mark.parametrize("layout", [zipapp, loose, packed])
def test_all_layouts_hold_the_same(layout: object, tmp_path: Path) -> None:
    assert callable(layout)
    pex = Pex(layout(tmp_path))
    assert pex.constraints == [">=3.11"]
    (wheel,) = pex.wheels
    assert (wheel.name, wheel.version, wheel.is_local) == ("demo_kit", "1.2", False)
    assert {member.path: (member.read(), member.executable) for member in wheel.members} == {
        "bin/demo": (b"#!python\n", True),
        "bin/tool.sh": (b"#!/bin/sh\n", True),
        "data/share/demo.txt": (b"data", False),
        "site/demo_kit/__init__.py": (b"x = 1\n", False),
        "site/demo_kit/native.so": (b"so", False),
        "site/demo_kit-1.2.dist-info/METADATA": (
            b"Metadata-Version: 2.1\nName: demo_kit\nVersion: 1.2\n",
            False,
        ),
        "site/demo_kit-1.2.dist-info/RECORD": (
            b"demo_kit/__init__.py,,\ndemo_kit-1.2.dist-info/entry_points.txt,,\ndemo_kit-1.2.dist-info/RECORD,,\n",
            False,
        ),
        "site/demo_kit-1.2.dist-info/entry_points.txt": (
            MEMBERS["demo_kit-1.2.dist-info/entry_points.txt"],
            False,
        ),
    }
    assert [member.path for member in wheel.members] == sorted(member.path for member in wheel.members)
    assert wheel.commands == {
        "demo": ("demo_kit.cli", "Main.run"),
        "extra-demo": ("demo_kit", "go"),
        "window": ("demo_kit.gui", "show"),
    }


def test_data_of_older_pex_versions(tmp_path: Path) -> None:
    stored = testing.wheel("old", "1", {".prefix/share/old.txt": b"x", ".prefix/lib/pythonX.Y/y": b""})
    pex = Pex(testing.write_zip(tmp_path / "a.pex", testing.pex_files({"old-1-py3-none-any.whl": stored})))
    assert "data/share/old.txt" in [member.path for member in pex.wheels[0].members]
    assert not any("pythonX.Y" in member.path for member in pex.wheels[0].members)


def test_a_build_number_is_not_a_tag(tmp_path: Path) -> None:
    name = "demo-1.0-2-cp311-cp311-linux_x86_64.whl"
    pex = Pex(
        testing.write_zip(tmp_path / "a.pex", testing.pex_files({name: testing.wheel("demo", "1.0", {})}))
    )
    (wheel,) = pex.wheels
    assert (wheel.version, list(wheel.tags)) == ("1.0", [("cp311", "cp311", "linux_x86_64")])
    assert wheel.is_local


def test_what_is_not_a_pex_is_told(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no")
    testing.write_zip(tmp_path / "zip", {"other": b""})
    (tmp_path / "folder").mkdir()
    for name in ("text", "zip", "folder"):
        with pytest.raises(ImageError, match=f"{name} is not a PEX"):
            Pex(tmp_path / name)
    with pytest.raises(ImageError, match="there is no such PEX"):
        Pex(tmp_path / "absent")


def test_wheels_that_are_not_installed_are_told(tmp_path: Path) -> None:
    path = testing.write_zip(tmp_path / "a.pex", testing.pex_files({}, deps_are_wheel_files=True))
    with pytest.raises(ImageError, match="holds wheels that are not installed"):
        Pex(path)
