import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from zero_codegen.service.yaml_text import Block, Hole, Quoted, document, scalar

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_a_document_says_what_the_value_says(value: object) -> None:
    assert yaml.safe_load(document(value)) == value


@given(SCALARS)
def test_a_scalar_stays_on_its_line(value: object) -> None:
    text = scalar(value)
    assert len(text.splitlines()) == 1
    assert yaml.safe_load(f"key: {text}\n") == {"key": value}


@pytest.mark.parametrize(
    ("value", "text"),
    [("user-api", "user-api"), ("${DB}", "${DB}"), ("no", "'no'"), ("1", "'1'"), ("用户", "用户")],
)
def test_quotes_only_where_it_must(value: str, text: str) -> None:
    assert scalar(value) == text


def test_keeps_the_order_of_keys() -> None:
    assert document({"b": 1, "a": {"d": [2], "c": "x\ny"}}) == 'b: 1\na:\n  d:\n  - 2\n  c: "x\\ny"\n'


def test_a_block_is_written_line_by_line_where_yaml_can() -> None:
    assert document({"a": Block("b: 1\nc\n")}) == "a: |\n  b: 1\n  c\n"
    for text in "b\x85\n", " b\n", "b \n", "b\tc\n", "\n", "b", "#\n\n":
        assert yaml.safe_load(document({"a": Block(text)})) == {"a": text}


def test_quotes_what_is_to_be_quoted() -> None:
    assert document({Quoted("Pass"): "x"}) == "'Pass': x\n"
    assert yaml.safe_load(document({Quoted("a'\n"): 1})) == {"a'\n": 1}


def test_no_text_is_a_hole() -> None:
    assert document({"a": Hole(7)}) == "a: !hole '7'\n"
    for text in "!hole '7'", "a: !hole '7'", "a\nb: !hole '7'":
        assert not document({"a": text}).endswith("!hole '7'\n")
