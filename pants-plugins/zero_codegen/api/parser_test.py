from __future__ import annotations

from pathlib import Path

import pytest

from zero_codegen.api import tree
from zero_codegen.api.parser import parse, parse_what_can_be
from zero_codegen.api.problem import line_of
from zero_codegen.diagnostics import ContractError
from zero_codegen.source import ContractFile

_TESTDATA = Path(__file__).with_name("testdata")


def file_of(text: str) -> tree.File:
    return parse(ContractFile("a/b.api", "", text))


def shown(type_: tree.Type | None) -> str:
    """A type as the language writes it."""
    match type_:
        case tree.Named(at=name) | tree.AnyType(at=name):
            return str(name)
        case tree.Map(key=key, value=value):
            return f"map[{shown(key)}]{shown(value)}"
        case tree.List(item=item):
            return f"[]{shown(item)}"
        case tree.Array(length=length, item=item):
            return f"[{length}]{shown(item)}"
        case tree.Pointer(target=target):
            return f"*{shown(target)}"
        case tree.Struct(members=members):
            return "{" + "; ".join(map(member, members)) + "}"
        case None:
            return ""


def member(part: tree.Field | tree.Embedded) -> str:
    name = ", ".join(part.names) + " " if isinstance(part, tree.Field) else "*" if part.pointer else ""
    return name + shown(part.type) + (f" {part.tag.at}" if part.tag else "")


def fields(text: str) -> list[str]:
    (declaration,) = file_of(f"type A {{{text}}}").declarations
    assert isinstance(declaration.type, tree.Struct)
    return [member(part) for part in declaration.type.members]


def test_the_spine_contract() -> None:
    file = parse(ContractFile("user.api", "", (_TESTDATA / "user.api").read_text(encoding="utf-8")))
    assert [str(declaration.name) for declaration in file.declarations] == [
        "LoginRequest",
        "LoginResponse",
        "RegisterRequest",
        "RegisterResponse",
        "UserInfoResponse",
    ]
    assert [(str(service.name), len(service.routes)) for service in file.services] == [
        ("User", 2),
        ("User", 1),
    ]


def test_statements_in_any_order() -> None:
    file = file_of(
        'service A { }\ntype A { }\nimport "x.api"\ninfo ( )\nsyntax = "v1"\n'
        'import (\n"y.api" "z.api"\n)\nimport ( )\ntype ( )\ntype B { }'
    )
    assert [str(syntax.version) for syntax in file.syntaxes] == ['"v1"']
    assert [[str(path) for path in each.paths] for each in file.imports] == [
        ['"x.api"'],
        ['"y.api"', '"z.api"'],
        [],
    ]
    assert [str(declaration.name) for declaration in file.declarations] == ["A", "B"]
    assert len(file.infos) == len(file.services) == 1


@pytest.mark.parametrize("text", ["", " \n", "// only a comment\n", "/* and\nanother */"])
def test_files_without_statements(text: str) -> None:
    assert file_of(text).declarations == ()


@pytest.mark.parametrize(
    "type_",
    [
        "int64",
        "any",
        "interface{}",
        "map[string]map[int]*B",
        "[]*B",
        "[3][4]int",
        "[...]int",
        "**B",
        "*[]B",
        "{}",
        "{X int; *B; Y {Z any}}",
        "time.Time",
        "[]*decimal.Decimal",
        "map[string]{X int}",
    ],
)
def test_types(type_: str) -> None:
    assert fields(f'X {type_.replace(";", chr(10))} `json:"x"`') == [f'X {type_} `json:"x"`']


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A, B int", ["A, B int"]),
        ("A int B string", ["A int", "B string"]),  # no separator is needed
        ("B", ["B"]),
        ("B\nC int\n*D\nE", ["B", "C int", "*D", "E"]),
        ("B // embedded\nC /* field */ int\nD /* embedded,\nas it goes on */ E", ["B", "C int", "D", "E"]),
        ('B `json:",inline"` *C `x:"y"`', ['B `json:",inline"`', '*C `x:"y"`']),
        ('B `json:"b"` *C `form:"c"`', ['B B `json:"b"`', 'C *C `form:"c"`']),  # as in Go, fields
        (
            "A any\nB interface{}\nAny int\nanything Any",
            ["A any", "B interface{}", "Any int", "anything Any"],
        ),
        ("A any\nB interface { }", ["A any", "B interface { }"]),
        ("A struct { B int } C structure", ["A {B int}", "C structure"]),
        ("CreatedAt time.Time Total decimal.Decimal", ["CreatedAt time.Time", "Total decimal.Decimal"]),
        ("mapping map[string]mapper", ["mapping map[string]mapper"]),
        ("info string\nsyntax int\nservice bool", ["info string", "syntax int", "service bool"]),
        ("A `multi\nline`\nB int", ["A `multi\nline`", "B int"]),
    ],
)
def test_fields_and_embedded_types(text: str, expected: list[str]) -> None:
    assert fields(text) == expected


@pytest.mark.parametrize(
    "declaration",
    [
        "A {}",
        "A struct {}",
        "A = struct {}",
        "A = B",
        "A B",
        "A []B",
        "A map[string]int",
        "A any",
        "A time.Time",
    ],
)
def test_declarations(declaration: str) -> None:
    (single,) = file_of(f"type {declaration}").declarations
    (grouped,) = file_of(f"type (\n{declaration}\n)").declarations
    assert shown(single.type) == shown(grouped.type)
    assert bool(single.equals) == ("=" in declaration)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Auth", "Auth"),
        ('"a b"', "a b"),
        ("`a\nb`", "a\nb"),
        ("/v1/user-info", "/v1/user-info"),
        ("/a-b-c/:id/1", "/a-b-c/:id/1"),
        ("/", "/"),
        ("a/b-c", "a/b-c"),
        ("A, B,C", "A, B, C"),
        ("3s", "3s"),
        ("1h30m", "1h30m"),
        ("100", "100"),
        ("true", "true"),
        ("用户", "用户"),
        ("some words here", "some words here"),
        ("用户 服务(v1) 的接口", "用户 服务(v1) 的接口"),
        ("2020-01-02 12:30", "2020-01-02 12:30"),
        ("see http://x.io/y?z=1", "see http://x.io/y?z=1"),
        ("1.5s", "1.5s"),
        ("/v1/:id", "/v1/:id"),
        ("it's", "it's"),
        ("hello, world", "hello, world"),
        ("hello,", "hello,"),
        ("a (b) c", "a (b) c"),
        ("A,\n// the second\nB", "A, B"),
    ],
)
def test_values(value: str, text: str) -> None:
    (service,) = file_of(f"@server (a: {value} // comment\nb:x/*c*/\nc : y//d\n)\nservice A {{}}").services
    assert service.server is not None
    entries = [(str(entry.key), entry.text) for entry in service.server.entries]
    assert entries == [("a", text), ("b", "x"), ("c", "y")]


def test_a_word_with_a_colon_begins_the_next_entry() -> None:
    (info,) = file_of('info (a: x b: y z c:1 d : "e" f: g: h)').infos
    pairs = [(str(entry.key), entry.text) for entry in info.entries]
    assert pairs == [("a", "x"), ("b", "y z"), ("c", "1"), ("d", "e"), ("f", "g: h")]


def test_values_may_be_missing() -> None:
    (info,) = file_of('info (\na:\nb: "x"\nc: // d: e\n\nd :\n)').infos
    assert [(str(entry.key), entry.text) for entry in info.entries] == [
        ("a", ""),
        ("b", "x"),
        ("c", ""),
        ("d", ""),
    ]


@pytest.mark.parametrize("name", ["A", "user-api", "foo-bar", "a-b-c", "user - api"])
def test_service_names(name: str) -> None:
    assert str(file_of(f"service {name} {{}}").services[0].name) == name.replace(" ", "")


@pytest.mark.parametrize(
    ("route", "request_", "response"),
    [
        ("get /x", None, None),
        ("get /x;", None, None),
        ("get /x ()", "", None),
        ("get /x returns ()", None, ""),
        ("get /x (A) returns (B);", "A", "B"),
        ("get /x(A)returns(B)", "A", "B"),
        ("get /x (*A) returns ([]*B)", "*A", "[]*B"),
        ("get /x ([]A)", "[]A", None),
        ("get /x ([3]A) returns (map[string]A)", "[3]A", "map[string]A"),
        ("get /x (any) returns (time.Time)", "any", "time.Time"),
        ("get /x ({A int})", "{A int}", None),
        ("get /x /* a */ (A) /* b */ returns /* c */ (B)", "A", "B"),
    ],
)
def test_bodies(route: str, request_: str | None, response: str | None) -> None:
    routes = file_of(f"service A {{ @handler X {route} @handler Y {route}}}").services[0].routes
    assert [str(each.handler) for each in routes] == ["X", "Y"]
    for found in routes:
        assert (found.request and shown(found.request.type)) == request_
        assert (found.response and shown(found.response.type)) == response


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/a",
        "/a/",
        "/:id",
        "/a/:user-id/b.c",
        "/1",
        "/2fa",
        "/1h",
        "/v1-2",
        "/v1.2",
        "/get",
        "/{id}",
        "/a_~",
        "/a b",
        "/a /b - c",
        "/a\n\t/b",
    ],
)
def test_paths(path: str) -> None:
    assert str(file_of(f"service A {{ @handler X post {path} }}").services[0].routes[0].path) == path


@pytest.mark.parametrize("handler", ["type", "map", "func", "get", "returns", "service", "_"])
def test_handlers_may_be_called_anything(handler: str) -> None:
    assert str(file_of(f"service A {{ @handler {handler} get / }}").services[0].routes[0].handler) == handler


def test_a_comment_behind_the_word_service() -> None:
    (service,) = file_of("@server ()\nservice /* a */ S /* b */ { }").services
    assert service.name == "S"


def test_docs() -> None:
    docs = ['@doc "x"', '@doc ("y")', '@doc (summary: "s"\nk: v)', "@doc ( )", "", "@doc `x`", "@doc (`y`)"]
    (service,) = file_of(
        "".join(["service A {", *(f"{doc} @handler H get /\n" for doc in docs), "}"])
    ).services
    assert [route.doc and route.doc.text for route in service.routes] == [
        '"x"',
        '"y"',
        None,
        None,
        None,
        "`x`",
        "`y`",
    ]
    entries = [route.doc and _pairs(route.doc) for route in service.routes]
    assert entries == [[], [], [("summary", "s"), ("k", "v")], [], None, [], []]


@pytest.mark.parametrize(
    "before",
    [
        '@doc "x" @server (timeout: 1s) @handler H',
        '@server (timeout: 1s) @handler H @doc "x"',
        '@doc "x" @server (handler: H timeout: 1s)',
        '@doc "x" @handler H @server (timeout: 1s)',
    ],
)
def test_what_stands_before_a_route_does_so_in_any_order(before: str) -> None:
    ((route,),) = (service.routes for service in file_of(f"service A {{\n{before} get /x }}").services)
    assert (str(route.handler), route.doc and route.doc.text, line_of(route.first)) == ("H", '"x"', 2)
    assert route.server and [str(entry.key) for entry in route.server.entries][-1] == "timeout"


def _pairs(doc: tree.Doc) -> list[tuple[str, str]]:
    return [(str(entry.key), entry.text) for entry in doc.entries]


def test_places() -> None:
    file = file_of('type (\n\tA { // c\n\t\tB string `json:"用户,optional"`\n\t}\n)')
    (declaration,) = file.declarations
    assert isinstance(declaration.type, tree.Struct)
    (field,) = declaration.type.members
    assert isinstance(field, tree.Field) and field.tag
    (key,) = field.tag.keys
    pieces = [
        declaration.name,
        field.names[0],
        field.type.at,
        field.tag.at,
        key.key,
        key.name,
        key.options[0].at,
    ]
    assert [(str(each), each.line, each.column) for each in pieces] == [
        ("A", 2, 2),
        ("B", 3, 3),
        ("string", 3, 5),
        ('`json:"用户,optional"`', 3, 12),
        ("json", 3, 13),
        ("用户", 3, 19),
        ("optional", 3, 22),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("// a\n// b\nX int // c", "a\nb\nc"),
        ("// alone\n\nX int", ""),
        ("Y int // of Y\nX int", ""),
        ("/* a */\nX int", "a"),
        ("/* a */ X /* b */ int", "a\nb"),
        ("/**\n * a\n *\n *  b\n */\nX int", "a\n\nb"),
        ("/** see http://x */\nX int", "see http://x"),
        ("/* a * b / c */\nX int", "a * b / c"),
        ("// a /* b\nX int", "a /* b"),
        ("X int\n// below", ""),
        ('X string `json:"//x"`', ""),
    ],
)
def test_comments(text: str, said: str) -> None:
    file = file_of(f"type A {{\n{text}\n}}")
    (declaration,) = file.declarations
    assert isinstance(declaration.type, tree.Struct)
    last = declaration.type.members[-1]
    assert isinstance(last, tree.Field) and last.names[0] == "X"
    line = last.names[0].line or 0
    assert file.comments.around(line, line) == said


def test_every_word_and_comment_is_kept_in_order() -> None:
    text = (
        'type A { // a\n\tB [3]int `json:"b"` /* b */\n}\nservice a-b {\n@handler C\nget /x /y (A) // c\n}\n'
    )
    words = file_of(text).words
    assert [str(word) for word in words][:7] == ["type", "A", "{", "// a", "B", "[", "3"]
    assert all(text[word.start_pos : word.end_pos] == word for word in words)
    left = text
    for word in words:
        left = left.replace(word, "", 1)
    assert left.strip() == ""


def test_parsing_goes_on_at_the_next_statement_after_an_error() -> None:
    with pytest.raises(ContractError) as raised:
        file_of("type A {\n\tX [\n}\n\ntype B {}\n\ntype C {\n\t1\n}\nservice X {\n}\n@server a\n")
    assert [(each.line, each.column, each.message) for each in raised.value.diagnostics] == [
        (3, 1, "expected `]`, got `}`"),
        (8, 2, "expected a field or `}`, got `1`"),
        (12, 9, "expected `(`, got `a`"),
    ]


@pytest.mark.parametrize(
    ("text", "errors", "names", "handlers"),
    [
        # Lines that are wrong are left out where the rest is whole.
        ("type (\nA { X int }\nB {\nX [3 int\nY map[int int\n}\nC { }\n)", [4, 5], ["A", "B", "C"], []),
        ("type A {\nX [\n}\ntype B {}", [3], ["A", "B"], []),
        ("service S {\n@handler A\nget /a (T) return (T)\n@handler B\nget /b\n}", [3], [], ["B"]),
        ('service S {\n@doc "a"\n\n@handler A\nget a\n\n@handler B\nget /b\n}', [5], [], ["B"]),
        ("service S {\n@handler A get /a (T) return (T)\n@handler B\nget /b\n}", [2], [], ["B"]),
        # The settings of a service that are wrong cost nothing but themselves.
        (
            "@server (\nprefix /a\ngroup: x\njwt A\n)\nservice S {\n@handler A get /a\n@handler B\nget b\n}",
            [2, 4, 9],
            [],
            ["A"],
        ),
        ("@server (jwt Auth)\nservice S {\n@handler A get /a\n}", [1], [], ["A"]),
        ("@server {\njwt: Auth\n}\nservice S {\n@handler A get /a\n}", [1], [], ["A"]),
        ("@server (\nprefix: /a\nservice S {\n@handler A get /a\n}", [3], [], ["A"]),
        ("@server (\nprefix: /a)\njwt: A\ngroup: b\n)\nservice S {\n@handler A get /a\n}", [3], [], ["A"]),
        ('info (\ntitle x: y z\n"a"\nservice S {\n@handler A get /a\n}', [2, 3, 4], [], ["A"]),
        ('import (\n"a.api\nservice S {\n@handler A get /a\n}', [2, 3], [], ["A"]),
        ("type (\nA {}\n\nservice S {\n@handler A get /a\n}", [4], [], ["A"]),
        (
            "service S {\n @server (\n jwt A\n timeout: 1s\n)\n@handler A\nget /a\n"
            " @server (jwt A)\n@handler B\nget /b\n}",
            [3, 8],
            [],
            ["A", "B"],
        ),
        ("service S {\n @server (\nhandler A\n)\nget /a\n@handler B\nget /b\n}", [3], [], ["B"]),
        ("service S {\n @doc {\na: b\nc: d\n)\n@handler A\nget /a\n}", [2], [], ["A"]),
        ("service S {\n @doc (\na: b\n@handler A\nget /a\n}", [4], [], ["A"]),
        ("service S {\n @doc (\na: b\n)\n@handler A\nget a\n}", [6], [], []),
        # A line that is not complete is told of by the next one.
        ("service S {\n@handler A\nget\n\n@handler B\nget /b\n@handler C\nget /c\n}", [5], [], ["B", "C"]),
        ("service S {\n@handler A\nget /a (T\n@handler B\nget /b\n}", [4], [], ["B"]),
        (
            'service S {\n@doc (\nsummary "x"\n)\n@handler A\nget /a\n@handler B\nget /b\n}',
            [3],
            [],
            ["A", "B"],
        ),
        # So is what begins no statement, with what it opens.
        ("type A {}\ntyp B {\nX int\n}\ntype C {}", [2], ["A", "C"], []),
        ("type A {\nX [\n}\n\nenum B {\n}\ntype C {}", [3, 5], ["A", "C"], []),
        ("type A {}\n}\ntype B {}", [2], ["A", "B"], []),
        # Where that would leave brackets open, the statement is.
        ("type (\nA [ {\nX int\n}\nB {}\n)\ntype C {}", [2], ["C"], []),
        # However many lines are wrong, each is told of; what follows from that is not.
        ("type A {\n" + "X int\nY [3 int\n" * 9 + "}\ntype B {}", list(range(3, 20, 2)), ["A", "B"], []),
        ("type A {\n" + "X [\n" * 2 + "B {\nX int\n\ntype C {}", [3, 4, 7], ["C"], []),
        ("type A {\n}\n X int\n Y int\n}\ntype B {}", [3], ["A", "B"], []),
        ("service S {\n@hndler A\nget /a\n@handler B\nget /b\n}", [2], [], ["B"]),
        ("service S {\n@handler A\nget a\nget /b\n}", [3], [], []),
    ],
)
def test_what_is_read_around_errors(
    text: str, errors: list[int], names: list[str], handlers: list[str]
) -> None:
    parsed = parse_what_can_be(ContractFile("a.api", "", text))
    assert [line_of(problem.at) for problem in parsed.problems] == errors
    assert [str(declaration.name) for declaration in parsed.tree.declarations] == names
    assert [str(route.handler) for service in parsed.tree.services for route in service.routes] == handlers


def test_only_so_many_errors_are_reported() -> None:
    with pytest.raises(ContractError) as raised:
        file_of("type [\n" * 50)
    assert len(raised.value.diagnostics) == 20


def test_statements_around_a_broken_one_are_read() -> None:
    text = (
        "type A {}\n@server (prefix: /a)\nservice S {\n@handler A get /a\n}\ntype B {\nX [}\ntype C {}\n"
        "@server (jwt Auth)\nservice S {\n@handler B get /a\n}\n@server (jwt: A)\nservice S {\n@handler\n}\n"
        "service S {\n@handler C get /c\n}\n"
    )
    parsed = parse_what_can_be(ContractFile("a.api", "", text))
    assert [str(declaration.name) for declaration in parsed.tree.declarations] == ["A", "C"]
    handlers = [str(route.handler) for service in parsed.tree.services for route in service.routes]
    assert handlers == ["A", "B", "C"]
    assert [line_of(problem.at) for problem in parsed.problems] == [7, 9, 16]
    assert {"B", "X"} <= parsed.lost and "C" not in parsed.lost
