from __future__ import annotations

import time
from pathlib import Path

import pytest

from zero_codegen.api import tree
from zero_codegen.api.parser import parse
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
        ('B `json:"b"` *C `x:"y"`', ['B `json:"b"`', '*C `x:"y"`']),
        (
            "A any\nB interface{}\nAny int\nanything Any",
            ["A any", "B interface{}", "Any int", "anything Any"],
        ),
        ("mapping map[string]mapper", ["mapping map[string]mapper"]),
        ("info string\nsyntax int\nservice bool", ["info string", "syntax int", "service bool"]),
        ("A `multi\nline`\nB int", ["A `multi\nline`", "B int"]),
    ],
)
def test_fields_and_embedded_types(text: str, expected: list[str]) -> None:
    assert fields(text) == expected


@pytest.mark.parametrize("declaration", ["A {}", "A struct {}", "A = B", "A B", "A []B", "A map[string]int"])
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
    ],
)
def test_values(value: str, text: str) -> None:
    (service,) = file_of(f"@server (a: {value} // comment\nb:x/*c*/\nc : y//d\n)\nservice A {{}}").services
    assert service.server is not None
    entries = [(str(entry.key), entry.text) for entry in service.server.entries]
    assert entries == [("a", text), ("b", "x"), ("c", "y")]


@pytest.mark.parametrize("name", ["A", "user-api", "foo-bar", "a-b-c"])
def test_service_names(name: str) -> None:
    assert str(file_of(f"service {name} {{}}").services[0].name) == name


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
    ],
)
def test_paths(path: str) -> None:
    assert str(file_of(f"service A {{ @handler X post {path} }}").services[0].routes[0].path) == path


@pytest.mark.parametrize("handler", ["type", "map", "func", "get", "returns", "service", "_"])
def test_handlers_may_be_called_anything(handler: str) -> None:
    assert str(file_of(f"service A {{ @handler {handler} get / }}").services[0].routes[0].handler) == handler


def test_docs() -> None:
    docs = ['@doc "x"', '@doc ("y")', '@doc (summary: "s"\nk: v)', "@doc ( )", ""]
    (service,) = file_of(
        "".join(["service A {", *(f"{doc} @handler H get /\n" for doc in docs), "}"])
    ).services
    assert [route.doc and route.doc.text for route in service.routes] == ['"x"', '"y"', None, None, None]
    entries = [route.doc and _pairs(route.doc) for route in service.routes]
    assert entries == [[], [], [("summary", "s"), ("k", "v")], [], None]


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


def test_five_thousand_lines_take_well_under_a_second() -> None:
    struct = 'R{n} {{\n// doc\nA string `json:"a,optional"` // of A\nB map[string][]*R{n} `json:"b"`\n}}\n'
    routes = "@handler H{n}\npost /h/{n}/:id (R{n}) returns (R{n})\n\n"
    text = "type (\n" + "".join(struct.format(n=n) for n in range(625)) + ")\nservice A {\n"
    text += "".join(routes.format(n=n) for n in range(625)) + "}\n"
    assert text.count("\n") >= 5000
    start = time.process_time()
    assert len(file_of(text).declarations) == 625
    assert time.process_time() - start < 1


def test_parsing_goes_on_at_the_next_statement_after_an_error() -> None:
    with pytest.raises(ContractError) as raised:
        file_of("type A {\n\tX [\n}\n\ntype B {}\n\ntype C {\n\t1\n}\nservice X {\n}\n@server a\n")
    assert [(each.line, each.column, each.message) for each in raised.value.diagnostics] == [
        (3, 1, "expected `]`, got `}`"),
        (8, 2, "expected a field or `}`, got `1`"),
        (12, 9, "expected `(`, got `a`"),
    ]


def test_only_so_many_errors_are_reported() -> None:
    with pytest.raises(ContractError) as raised:
        file_of("type [\n" * 50)
    assert len(raised.value.diagnostics) == 20
