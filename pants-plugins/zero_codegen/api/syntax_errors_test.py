from __future__ import annotations

import pytest

from zero_codegen.api.parser import parse
from zero_codegen.testing import assert_refused

_STATEMENT = "a statement (`type`, `service`, `@server`, `import`, `info` or `syntax`)"


@pytest.mark.parametrize(
    ("marked", "message", "hint"),
    [
        ("«foo»", f"expected {_STATEMENT}, got `foo`", None),
        ("«serivce» A {}", f"expected {_STATEMENT}, got `serivce`", "did you mean `service`?"),
        ("«}»", f"expected {_STATEMENT}, got `}}`", None),
        ("syntax = «v1»", "expected a string in double quotes, got `v1`", None),
        ("import «`a`»", "expected a string in double quotes or `(`, got ``a``", None),
        ("type «{»", "expected a name or `(`, got `{`", None),
        ("type A «}»", "expected a type, got `}`", None),
        ("type A {\n\tX, Y «}»", "expected a type, got `}`", None),
        ("type A {\n\tX []«}»", "expected a type, got `}`", None),
        ("type A {\n\tX map[string «int»\n}", "expected `]`, got `int`", None),
        ("type A {\n\tX [3«»", "expected `]`, got the end of the file", None),
        ("type A B\n«foo»", f"expected {_STATEMENT}, got `foo`", None),
        ("type A {\n\tX «func»\n}", "expected a type, got `func`", None),
        ("type A {\n\t*\n«}»", "expected the name of a type, got `}`", None),
        ("type (\n\tA {}«»\n", "expected a name or `)`, got the end of the file", None),
        ("syntax = «“»v1”", "expected a string in double quotes, got `“`", 'use the ASCII character `"`'),
        ("type «（»A）\n", "expected a name or `(`, got `（`", "use the ASCII character `(`"),
        (
            "type (\n\tA {\n\t\tX int\n«)»\n",
            "expected a field, a tag in back quotes or `}`, got `)`",
            "is a `}` missing before it?",
        ),
        (
            "service A {\n\t@handler X\n\tget /x (A\n\t«@handler» Y\n\tget /y\n}",
            "expected `)`, got `@handler`",
            "is a `)` missing before it?",
        ),
        (
            "type A {\n\t«名» string\n}",
            "expected a field or `}`, got `名`",
            "names are made of ASCII letters, digits and `_`",
        ),
        (
            'type A {\n\tX string «"json"»\n}',
            'expected a field, a tag in back quotes or `}`, got `"json"`',
            'write the tag in back quotes: `json:"name"`',
        ),
        (
            "type A {\n\tX time.Time«.»Zone\n}",
            "expected a field, a tag in back quotes or `}`, got `.`",
            "of other packages there are `time.Time` and `decimal.Decimal`",
        ),
        (
            "type A {\n\tX int\n\n«type» B {\n}",
            "expected a field, a tag in back quotes or `}`, got `type`",
            "is a `}` missing before it?",
        ),
        ("type A «\x00»{}", "expected a type, got '\\x00'", None),
        ("service «{»}", "expected the name of the service, got `{`", None),
        ("@server (jwt «Auth»)\nservice A {}", "expected `:`, got `Auth`", None),
        ("@server (jwt: «)»\nservice A {}", "expected a value, got `)`", None),
        ("@server (jwt: Auth)\n«type» A {}", "expected `service`, got `type`", None),
        (
            "service A {\n\t«@hndler» X\n}",
            "expected `@handler` or `}`, got `@hndler`",
            "did you mean `@handler`?",
        ),
        ("service A {\n\t@handler «/»x\n}", "expected the name of the handler, got `/`", None),
        (
            "service A {\n\t@handler X\n\t«/»x\n}",
            "expected an HTTP method, got `/`",
            "the method comes before the path: `get /path`",
        ),
        (
            "service A {\n\t@handler\n\tget «/»x\n}",
            "expected an HTTP method, got `/`",
            "is the name of the handler missing? `@handler Name`",
        ),
        ("service A {\n\t@handler X get «x»\n}", "expected a path that starts with `/`, got `x`", None),
        (
            "service A {\n\t«get» /x\n}",
            "the route `get /x` has no handler",
            "name its handler in the line above: `@handler Name`",
        ),
        ("service A {\n\t@handler X\n\t«@handler» Y\n\tget /x\n}", "the route has `@handler` twice", None),
        (
            'service A {\n\t@doc "x"\n\t@handler X\n\t«@doc» "y"\n\tget /x\n}',
            "the route has `@doc` twice",
            None,
        ),
        (
            "service A {\n\t@server («handler»: X)\n\t@handler Y\n\tget /x\n}",
            "the handler is `Y` and `X`",
            "leave one of the two out",
        ),
        ('service A {\n\t@doc "x"\n«}»', "expected an HTTP method, got `}`", None),
        (
            "service A {\n\t@handler X get /x (A) «return» (B)\n}",
            "expected `@handler`, `returns`, `;` or `}`, got `return`",
            "did you mean `returns`?",
        ),
        (
            "service A {\n\t@handler X get /a\n\t«b»\n}",
            "expected `@handler`, `returns`, `(`, `;` or `}`, got `b`",
            None,
        ),
        (
            "service A {\n\t@handler X get /a«（»A）returns (B)\n}",
            "expected `@handler`, `returns`, `(`, `;` or `}`, got `（`",
            "use the ASCII character `(`",
        ),
        (
            "@server (\n\tprefix: /a\n«service» A {}",
            "expected a key or `)`, got `service`",
            "is a `)` missing before it?",
        ),
        ("service A {\n\t@handler X get /a (A «B»)\n}", "expected `)`, got `B`", None),
        ("type A {}\n«/»* never\n", "this comment is never closed", None),
        ('info (a: «"b»\n', "this string is never closed", None),
        ("type A {\n\tX int «`json»\n\tY int `json`\n}\n", "this tag is never closed", None),
        (
            'type A {\n\tX int `json:"x"\n\tY int `json«:»"y"`\n}\nservice A {}\n',
            "expected a type, got `:`",
            "is the tag in line 2 closed?",
        ),
    ],
)
def test_every_syntax_error_says_what_was_expected(marked: str, message: str, hint: str | None) -> None:
    assert_refused(parse, marked, (message, hint))
