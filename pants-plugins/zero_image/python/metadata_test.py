from __future__ import annotations

import json
from pathlib import Path

import pytest

from zero_image import testing
from zero_image.errors import ImageError
from zero_image.python.metadata import write_requires


def test_tells_what_each_distribution_needs(tmp_path: Path) -> None:
    needy = testing.wheel("needy", "1.0", {})
    needs = ("async-timeout>=4; python_full_version < '3.11.3'", "idna")
    lines = "".join(f"Requires-Dist: {need}\n" for need in needs)
    needy["needy-1.0.dist-info/METADATA"] += f"{lines}\nRequires-Dist: of-the-description\n".encode()
    testing.write_folder(tmp_path / ".deps" / "needy-1.0-py3-none-any.whl", needy)
    testing.write_zip(tmp_path / ".deps" / "plain-1.0-py3-none-any.whl", testing.wheel("plain", "1.0", {}))
    write_requires(tmp_path / ".deps", tmp_path / "requires.json")
    assert json.loads((tmp_path / "requires.json").read_text()) == {
        "needy-1.0-py3-none-any.whl": [*needs],
        "plain-1.0-py3-none-any.whl": [],
    }


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="there is no such folder"):
        write_requires(tmp_path / ".deps", tmp_path / "requires.json")
