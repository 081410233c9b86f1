"""Contracts made at random, for tests of whatever reads them. They are good ones: nothing is wrong in them."""

from __future__ import annotations

from hypothesis import strategies as st

_LINE_ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_TEXT = st.text(st.characters(exclude_characters=_LINE_ENDS + '"`', exclude_categories=["Cs"]), max_size=20)
_COMMENTS = st.one_of(
    _TEXT.map("//{}".format),
    _TEXT.filter(lambda text: "*/" not in text + "*").map("/*{}*/".format),
)
_SPACE = st.sampled_from(["", " ", "\t", "  "])
_SCALARS = st.sampled_from(
    "string bool int int8 int64 uint32 byte rune float32 float64 time.Time decimal decimal.Decimal".split()
)
_OPTIONS = st.sampled_from(
    [
        ("string", ["options=a|b", "default=a"]),
        ("string", ["options=[a,b c]", "optional"]),
        ("int", ["range=[1:5)", "default=3"]),
        ("int64", ["string", "optional"]),
        ("uint8", ["options=1|2|3", "omitempty"]),
        ("float64", ["range=(0:1.5]"]),
        ("bool", ["default=true"]),
        ("decimal", ["default=1.50"]),
        ("time.Time", ["optional"]),
        ("string", ["env=ZERO_TEST_NAME"]),
        ("string", ["inherit", "optional"]),
        ("[]string", ["default=[a,b]"]),
    ]
)
_VALUES = {
    "jwt": st.sampled_from(["Auth", '"Auth"', "UserAuth"]),
    "jwtTransition": st.just("Trans"),
    "signature": st.sampled_from(["true", "false", '"true"']),
    "middleware": st.sampled_from(["Audit", "Audit, Quota", "Audit,Quota , Third"]),
    "timeout": st.sampled_from(["3s", "1h30m", "1.5s", '"500ms"', "0s"]),
    "maxBytes": st.sampled_from(["1024", '"1048576"', "0"]),
    "tags": st.sampled_from(['"a, b"', "user", "用户 服务"]),
    "summary": _TEXT.map('"{}"'.format),
    "authType": st.just("apiKey"),
}
_INFO = st.one_of(
    _TEXT.map('"{}"'.format),
    st.text(_LINE_ENDS[:1] + "ab *", max_size=9).map("`{}`".format),
    st.sampled_from(["word", "some words here", "用户服务", "2020", "1.0", "see http://example.com/x"]),
)


class _Program:
    """Draws one program; names get numbers, so that no two are equal."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self._number = 0
        self._structs: list[str] = []
        self._named: list[str] = []

    def name(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}{self.draw(st.sampled_from(['', 'Some', 'x', 'HTTP']))}{self._number}"

    def type(self, depth: int = 0) -> str:
        kinds = ["scalar", "scalar", "any", "name"] + (
            ["list", "array", "map", "pointer", "struct"] if depth < 3 else []
        )
        match self.draw(st.sampled_from(kinds)):
            case "any":
                return self.draw(st.sampled_from(["any", "interface{}"]))
            case "name" if self._named:
                return self.draw(st.sampled_from(self._named))
            case "list":
                return f"[]{self.type(depth + 1)}"
            case "array":
                return f"[{self.draw(st.integers(1, 9))}]{self.type(depth + 1)}"
            case "map":
                key = self.draw(st.sampled_from(["string", "int64"]))
                return f"map[{key}]{self.type(depth + 1)}"
            case "pointer":
                return f"*{self.type(depth + 1).removeprefix('struct ')}"
            case "struct":
                return self.struct(depth + 1)
        return self.draw(_SCALARS)

    def struct(self, depth: int = 0) -> str:
        fields = [self.field(depth) for _ in range(self.draw(st.integers(0, 3)))]
        keyword = self.draw(st.sampled_from(["", "struct "]))
        return f"{keyword}{{{self.lines(fields)}}}"

    def field(self, depth: int) -> str:
        name = self.name("F")
        if self.draw(st.booleans()):
            type_, options = self.draw(_OPTIONS)
            return f'{name} {type_} `json:"{",".join([self.name("w"), *options])}"`'
        if self.draw(st.integers(0, 4)) == 0:
            return f"{name}, {self.name('F')} {self.type(depth)}"
        tags = ['`json:"{}"`', '`json:"{},optional" validate:"required"`', '`json:"-"`', ""]
        return f"{name} {self.type(depth)} {self.draw(st.sampled_from(tags)).format(self.name('w'))}"

    def declaration(self) -> str:
        name = self.name("T")
        if self.draw(st.integers(0, 3)) == 0:
            equals = self.draw(st.sampled_from(["", "= "]))
            text = f"{name} {equals}{self.type()}"
        else:
            embedded = self.draw(st.sampled_from([f"\n{base}\n" for base in self._structs] or [""]))
            text = f"{name} {self.struct().replace('{', '{' + embedded, 1)}"
            if not embedded:
                self._structs.append(name)
        self._named.append(name)
        return text

    def types(self) -> str:
        if self.draw(st.booleans()):
            return f"type {self.declaration()}"
        return f"type ({self.lines([self.declaration() for _ in range(self.draw(st.integers(0, 3)))])})"

    def settings(self, **more: str) -> str:
        keys = self.draw(st.lists(st.sampled_from(sorted(_VALUES)), unique=True, max_size=4))
        entries = {**{key: self.draw(_VALUES[key]) for key in keys}, **more}
        spaces = [self.draw(_SPACE) for _ in entries]
        lines = [f"{key}:{space}{value}" for (key, value), space in zip(entries.items(), spaces, strict=True)]
        return f"@server{self.draw(_SPACE)}({self.lines(lines)})\n"

    def service(self) -> str:
        prefix = f"/{self.name('p')}"
        more = {
            "prefix": self.draw(st.sampled_from([prefix, f'"{prefix}"', f"{prefix}/a-b-c", f"{prefix} / a"]))
        }
        if self.draw(st.booleans()):
            more["group"] = self.name("g")
        routes = [self.route() for _ in range(self.draw(st.integers(0, 3)))]
        return f"{self.settings(**more)}service shop-api {{{self.lines(routes)}}}"

    def route(self) -> str:
        handler = self.name("H")
        texts = ['@doc "{}"\n', '@doc ("{}")\n', '@doc (\nsummary: "{}"\ndescription: a few words\n)\n']
        doc = self.draw(st.sampled_from(["", *texts])).format(
            self.draw(_TEXT).replace("{", "").replace("}", "")
        )
        own = self.draw(st.sampled_from(["", "handler", "settings"]))
        if own == "handler":
            before = f"{doc}{self.settings(handler=handler)}"
        else:
            before = f"{doc}{self.settings() if own else ''}@handler {handler}\n"
        path = f"/{self.name('r')}{self.draw(st.sampled_from(['', '/', '/a-b.c', '/1', '/a b']))}"
        method = self.draw(st.sampled_from(["post", "put", "patch", "delete"]))
        bodies = [
            "",
            "()",
            f"({self.body()})",
            f" returns ({self.body()})",
            f"({self.body()}) returns ({self.body()})",
        ]
        end = self.draw(st.sampled_from(["", ";"]))
        return f"{before}{method} {path} {self.draw(st.sampled_from(bodies))}{end}"

    def body(self) -> str:
        """A type of which every field may be in a request."""
        scalars = st.sampled_from(
            ["string", "any", "map[string]int", "[]int64", "[][3]time.Time", "*decimal"]
        )
        return self.draw(scalars)

    def lines(self, lines: list[str]) -> str:
        """Lines with comments and space around them."""
        result = ["\n"]
        for line in lines:
            above = self.draw(st.sampled_from(["", "\n", self.draw(_COMMENTS) + "\n"]))
            beside = self.draw(st.sampled_from(["", "", " " + self.draw(_COMMENTS)]))
            result.append(f"{above}{self.draw(_SPACE)}{line}{beside}\n")
        return "".join(result)

    def text(self) -> str:
        statements = ['syntax = "v1"'] if self.draw(st.booleans()) else []
        if self.draw(st.booleans()):
            entries = [f"{self.name('key')}: {self.draw(_INFO)}" for _ in range(self.draw(st.integers(0, 3)))]
            statements.append(f"info ({self.lines(entries)})")
        statements += [self.types() for _ in range(self.draw(st.integers(1, 3)))]
        statements += [self.service() for _ in range(self.draw(st.integers(0, 2)))]
        return self.lines(statements)


@st.composite
def programs(draw: st.DrawFn) -> str:
    """The text of a good contract of one file, in every form of the language."""
    return _Program(draw).text()
