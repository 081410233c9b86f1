from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zero_image.debian.control import paragraphs

words = st.text("abcXYZ019", min_size=1, max_size=6)
fields = st.dictionaries(words, words, min_size=1)


def test_fields_comments_and_continuations() -> None:
    text = "# apt\nPackage: a\nDepends: b (>= 1:2),\n c\n\n\nPackage: d\n \t\n"
    assert list(paragraphs(text)) == [
        {"Package": "a", "Depends": "b (>= 1:2),\nc"},
        {"Package": "d"},
    ]
    assert list(paragraphs("")) == []


@given(st.lists(fields, max_size=4))
def test_reads_what_was_written(written: list[dict[str, str]]) -> None:
    text = "\n".join("".join(f"{key}: {value}\n" for key, value in one.items()) for one in written)
    assert list(paragraphs(text)) == written
