"""The layout, form by form.

`testdata/formatted.api` is what goctl 1.10.2 makes of `testdata/unformatted.api`, but for an empty line at its end.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from zero_codegen.api.format import formatted
from zero_codegen.diagnostics import ContractError

_TESTDATA = Path(__file__).with_name("testdata")
_SEED = Path(__file__).parents[1] / "testdata" / "user.api"


def laid_out(text: str) -> str:
    result = formatted("a/b.api", text)
    assert formatted("a/b.api", result) == result
    return result


def test_a_file_becomes_what_goctl_makes_of_it() -> None:
    expected = (_TESTDATA / "formatted.api").read_text(encoding="utf-8")
    assert laid_out((_TESTDATA / "unformatted.api").read_text(encoding="utf-8")) == expected
    assert laid_out(expected) == expected


def test_blank_lines_of_the_author_stay() -> None:
    """goctl would take them out, and move comments before closing brackets to the margin."""
    seed = _SEED.read_text(encoding="utf-8")
    expected = seed.replace("@server(", "@server (").replace("userinfo () returns", "userinfo returns")
    assert laid_out(seed) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ('syntax="v1"', 'syntax = "v1"\n'),
        (
            'import"a.api"\nimport "b.api"\n\n\nimport"c.api"import(\n"d.api")',
            'import "a.api"\nimport "b.api"\n\nimport "c.api"\n\nimport (\n\t"d.api"\n)\n',
        ),
        ("info()type()import()", "info ()\n\ntype ()\n\nimport ()\n"),
        ("@server()service x{}", "@server ()\nservice x {}\n"),
        ("service shop - api\n{\n}", "service shop-api {}\n"),
        (
            "@server(\na:x , y,z\n\nlonger: /v1/:id // b\n)\n\n\nservice x{}",
            "@server (\n\ta: x,y,z\n\n\tlonger: /v1/:id // b\n)\nservice x {}\n",
        ),
        ("type A  =  map [ string ] * [ ] [ 3 ] B", "type A = map[string]*[][3]B\n"),
        ("type A interface { }\ntype B any", "type A interface{}\n\ntype B any\n"),
        (
            "type(A struct{X struct{}\nB []struct{Y time.Time}}C int)",
            "type (\n\tA struct {\n\t\tX struct {}\n\t\tB []struct {\n\t\t\tY time.Time\n\t\t}\n\t}\n\tC int\n)\n",
        ),
        (
            'type A {\n* B `json:"b"`\nC, D,E int\n\n\n\nFff *time.Time `json:"f"`\n\n}',
            'type A {\n\t*B      `json:"b"`\n\tC, D, E int\n\n\tFff *time.Time `json:"f"`\n}\n',
        ),
        (
            'service x{@handler a\n\n\nget /a b/:c () returns ( [] * B );@doc("d")@server(handler:e)post /f}',
            'service x {\n\t@handler a\n\tget /ab/:c returns ([]*B)\n\n\t@doc ("d")\n\t@server (\n\t\thandler: e\n\t)\n'
            "\tpost /f\n}\n",
        ),
        ("service x{@handler a\nget /a (B) returns ();}", "service x {\n\t@handler a\n\tget /a (B)\n}\n"),
    ],
)
def test_words(text: str, expected: str) -> None:
    assert laid_out(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\n\n// a \n\n\n// b\n/* c */", "// a\n\n// b\n/* c */\n"),
        ("type A int\n// b\ntype B int", "type A int\n\n// b\ntype B int\n"),
        ("type A int// a\n\n// b\n\ntype B int", "type A int // a\n\n// b\n\ntype B int\n"),
        ("type A { X int // x\n\n// of nothing\n\n}", "type A {\n\tX int // x\n\n\t// of nothing\n}\n"),
        ("type A { // begins\n\n\tX int\n}", "type A { // begins\n\tX int\n}\n"),
        ("service x {\n// nothing yet\n}", "service x {\n\t// nothing yet\n}\n"),
        ("info ( /* nothing */ )", "info ( /* nothing */ )\n"),
        ("info (/*a*/ a:/*b*/x /*c*/ /*d*/)", "info ( /*a*/\n\ta: /*b*/ x /*c*/ /*d*/\n)\n"),
        ("info (\n/*a*/ a: x\nbb://b\nx\n)", "info (\n\t/*a*/\n\ta:  x\n\tbb: //b\n\t\tx\n)\n"),
        (
            "type /*a*/ A /*b*/ = /*c*/ [/*d*/]int /*e*/ // f",
            "type /*a*/ A /*b*/ = /*c*/ [ /*d*/ ]int /*e*/ // f\n",
        ),
        ("type // a\nA // b\nint", "type // a\n\tA // b\n\tint\n"),
        (
            "service x {\n@handler a // b\n\n// c\n\nget /d ( /* none */ ) ; // e\n}",
            "service x {\n\t@handler a // b\n\t// c\n\tget /d ( /* none */ ) // e\n}\n",
        ),
        (
            "service x {\n@handler a\nget /d () /* b */ returns ();\n}",
            "service x {\n\t@handler a\n\tget /d /* b */ returns ()\n}\n",
        ),
        (
            "type A {\n    /* one\n     * two\n\n  three */\n    X int\n}",
            "type A {\n\t/* one\n\t * two\n\n  three */\n\tX int\n}\n",
        ),
    ],
)
def test_comments(text: str, expected: str) -> None:
    assert laid_out(text) == expected


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ('A int `a:""`\nBbb string\nC int', 'A   int `a:""`\nBbb string\nC   int'),
        ("A int\n// b\nBbb int", "A int\n// b\nBbb int"),
        ("A int\n\nBbb int", "A int\n\nBbb int"),
        ('A int `a:"城市"` // x\nB string `b:""` // y', 'A int    `a:"城市"` // x\nB string `b:""` // y'),
        ("A /* 城市 */ int\nB /* x */ int", "A /* 城市 */ int\nB /* x */ int"),
        ('A int `a:"\n"`\nBbb int `b:""`', 'A int `a:"\n"`\nBbb int `b:""`'),
        ("A {}\nBbb int", "A {}\nBbb int"),
    ],
)
def test_columns_of_lines_that_follow_each_other(members: str, expected: str) -> None:
    lines = laid_out(f"type T {{\n{members}\n}}").replace("\n\t", "\n")
    assert lines == f"type T {{\n{expected}\n}}\n"


def test_line_ends_are_made_one_kind() -> None:
    assert laid_out("type A {\r\n\tX int\r\n}\r\n".replace("\r\n", "\n")) == "type A {\n\tX int\n}\n"


def test_what_does_not_parse_is_refused_with_every_error() -> None:
    with pytest.raises(ContractError) as raised:
        formatted("a/b.api", "type A {\ntype B int\nservice {}\n")
    assert [(each.path, each.line) for each in raised.value.diagnostics] == [("a/b.api", 2), ("a/b.api", 3)]


def test_what_is_wrong_but_parses_is_formatted() -> None:
    assert laid_out("type A { X Unknown }\ntype A int") == "type A {\n\tX Unknown\n}\n\ntype A int\n"
