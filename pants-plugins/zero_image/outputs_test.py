from __future__ import annotations

from pathlib import Path

import pytest

from zero_image.errors import ImageError, nearest
from zero_image.outputs import compact_json, new_file, new_folder, read_format, read_json, readable_json


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    with new_file(path) as partial:
        partial.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    with pytest.raises(RuntimeError), new_file(path) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert path.read_text() == "new"
    assert [entry.name for entry in path.parent.iterdir()] == ["a.txt"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), new_folder(tmp_path / "a") as partial:
        (partial / "x").write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with new_folder(tmp_path / "deep" / "a") as partial:
        (partial / "x").write_text("whole")
    assert (tmp_path / "deep" / "a" / "x").read_text() == "whole"
    for taken in (tmp_path / "deep", tmp_path / "deep" / "a" / "x"):
        with pytest.raises(ImageError, match="exists already"), new_folder(taken):
            pass
    (tmp_path / "empty").mkdir()
    with new_folder(tmp_path / "empty") as partial:
        (partial / "x").write_text("whole")
    assert (tmp_path / "empty" / "x").read_text() == "whole"


def test_json_is_the_same_text_everywhere() -> None:
    assert compact_json({"b": 1, "a": ["ä"]}) == b'{"a":["\\u00e4"],"b":1}'
    assert readable_json({"b": "ä"}) == '{\n  "b": "ä"\n}\n'.encode()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"a": 1,,}', "a.json:1:9: not JSON"),
        (b"[1]", "a thing is a JSON object, this is a list"),
        (b"\xff\xfe\xfa", "this thing is not UTF-8 text"),
    ],
)
def test_what_is_not_the_document_is_told(content: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ImageError, match=problem):
        read_json(tmp_path / "a.json", "thing")
    with pytest.raises(ImageError, match="there is no such thing"):
        read_json(tmp_path / "b.json", "thing")


def test_a_document_of_another_form_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"format": 1, "a": 2}')
    assert read_format(path, "thing") == {"format": 1, "a": 2}
    for other in ('{"format": 2}', "{}"):
        path.write_text(other)
        with pytest.raises(ImageError, match="not a thing of format 1"):
            read_format(path, "thing")


def test_problems_and_hint_are_one_text() -> None:
    assert str(ImageError("one", "two", hint="three")) == "error: one\nerror: two\nhint: three"
    assert nearest("entrypont", ["entrypoint", "env"]) == "; did you mean 'entrypoint'?"
    assert nearest("xyz", ["entrypoint", "env"]) == ""
