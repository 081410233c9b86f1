from __future__ import annotations

from decimal import Decimal

import pytest

from zero_codegen.api import describe, load
from zero_codegen.api.contract import Contract
from zero_codegen.api.golang import SCALARS
from zero_codegen.api.program import read_program
from zero_codegen.api.rules import Rules
from zero_codegen.source import ContractFile
from zero_codegen.testing import assert_refused

_SERVICE = "\nservice User {}\n"
_FORM = 'a tag is written `json:"name"`, several are separated by a space'
_LITERALS = "`default=` is for strings, numbers and booleans, and lists of them"
_RANGE = "write `range=[1:5]`; `(` and `)` exclude the bound, `[1:]` has only one"


@pytest.mark.parametrize(
    ("marked", "message", "hint"),
    [
        ("X int «``»", "empty tag", _FORM),
        ('X int `json:"x"«,form:"y"»`', "malformed tag", _FORM),
        ('X int `«jsn»:"x"`', "unknown tag key `jsn`", "did you mean `json`?"),
        ('X int `«Header»:"x"`', "unknown tag key `Header`", "did you mean `header`?"),
        ('X int `json:"x" form:"y" «json»:"z"`', "the tag has `json` twice", None),
        (
            'X int `json:"x,default=1" form:"x,«default=2»"`',
            "`default=2` contradicts `default=1` of `json`",
            "a field has one rule, wherever it comes from",
        ),
        (
            'X int `json:"x,optional" form:"x,«optional=z»"`\nZ int `form:"z"`',
            "`optional=z` contradicts `optional` of `json`",
            "a field has one rule, wherever it comes from",
        ),
        ('X int `header:"«a b»"`', "`a b` cannot be the name of a header", None),
        ('X int `json:"x,«optionl»"`', "unknown option `optionl`", "did you mean `optional`?"),
        ('X int `json:"x,optional,«optional»"`', "the option `optional` is given twice", None),
        ('X int `json:"x,«string=1»"`', "the option `string` takes no value", None),
        ('X int `json:"x,«omitempty=»"`', "the option `omitempty` takes no value", None),
        (
            'X int `json:"x,optional=«y»"`',
            "no field is `y` in the same messages",
            None,
        ),
        (
            'X int `json:"x,optional=«seccond»"`\nY int `json:"second"`',
            "no field is `seccond` in the same messages",
            "did you mean `second`?",
        ),
        (
            'X int `json:"x,optional=!«y»"`\nY int `form:"y"`',
            "no field is `y` in the same messages",
            None,
        ),
        ('X int `json:"x,optional=«x»"`', "`X` cannot depend on itself", None),
        (
            'X int `json:"x,optional=y,«default=1»"`\nY int `json:"y"`',
            "`default=1` always gives a value, so `optional=y` says nothing",
            "leave one of the two out",
        ),
        (
            'X []int `json:"x,«string»"`',
            "`string` is for numbers and booleans, which it puts into quotes",
            None,
        ),
        ('X any `json:"x,«env=X»"`', "`env=` is for strings, numbers and booleans", None),
        (
            'X []int `json:"x,«default=1»"`',
            "the default of a list is written in brackets",
            "write `default=[a,b]`",
        ),
        ('X []int `json:"x,«default=[1,b]»"`', "the default `b` is no value of the field's type", None),
        ('X time.Time `json:"x,«default=2020»"`', _LITERALS, None),
        ('X decimal `json:"x,«default=a»"`', "the default `a` is no value of the field's type", None),
        ('X decimal `json:"x,«options=1|2»"`', "`options` are for strings, integers and booleans", None),
        ('X decimal `json:"x,«range=[1:2]»"`', "a range is for integers and floats", None),
        ('X int `json:"x,«default»"`', "the option `default` has no value", None),
        ('X int `json:"x,«range=»"`', "the option `range` has no value", None),
        ('X int `json:"x,«default=a»"`', "the default `a` is no value of the field's type", None),
        ('X int8 `json:"x,«default=128»"`', "the default `128` is no value of the field's type", None),
        ('X uint `json:"x,«default=-1»"`', "the default `-1` is no value of the field's type", None),
        ('X int `json:"x,«default=1.5»"`', "the default `1.5` is no value of the field's type", None),
        ('X bool `json:"x,«default=yes»"`', "the default `yes` is no value of the field's type", None),
        ('X float64 `json:"x,«default=nan»"`', "the default `nan` is no value of the field's type", None),
        ('X any `json:"x,«default=1»"`', _LITERALS, None),
        ('X int `json:"x,options=1|2,«default=3»"`', "the default `3` is not one of the options", None),
        ('X int `json:"x,range=[1:2],«default=3»"`', "the default `3` is outside of the range", None),
        ('X float64 `json:"x,range=(1:2],«default=1»"`', "the default `1` is outside of the range", None),
        (
            'X bool `json:"x,«options=true»"`',
            "a boolean of one option has no choice",
            "check it in the logic",
        ),
        ('X bool `json:"x,«options=true|no»"`', "the option `no` is no value of the field's type", None),
        ('X float64 `json:"x,«options=1|2»"`', "`options` are for strings, integers and booleans", None),
        ('X []string `json:"x,«options=a|b»"`', "`options` are for strings, integers and booleans", None),
        ('X int `json:"x,«options=1|b»"`', "the option `b` is no value of the field's type", None),
        ('X string `json:"x,«options=[a,b,a]»"`', "the option `a` is listed twice", None),
        ('X int `json:"x,«options=1|5»,range=[1:4]"`', "the option `5` is outside of the range", None),
        ('X string `json:"x,«range=[1:2]»"`', "a range is for integers and floats", None),
        ('X int `json:"x,«range=[1,2]»"`', "`[1,2]` is not a range", _RANGE),
        ('X int `json:"x,«range=[:]»"`', "`[:]` is not a range", _RANGE),
        ('X int `json:"x,«range=1:2»"`', "`1:2` is not a range", _RANGE),
        ('X int `json:"x,«range=[2:1]»"`', "no value of the field's type is in the range `[2:1]`", None),
        ('X int `json:"x,«range=(1:2)»"`', "no value of the field's type is in the range `(1:2)`", None),
        ('X int8 `json:"x,«range=[200:]»"`', "no value of the field's type is in the range `[200:]`", None),
        ('X float32 `json:"x,«range=[1:1)»"`', "no value of the field's type is in the range `[1:1)`", None),
        ('X int `json:"x,«range=[1.5:3]»"`', "the bound `1.5` is not an integer", None),
        (
            'X uint64 `json:"x,«range=[1:]»"`',
            "a range above a signed 64-bit integer is not supported",
            "give an upper bound of at most 9223372036854775807",
        ),
        ('X «[»]int `path:"x"`', "a `path` field is a string, number or boolean", None),
        (
            'X «map»[string]int `form:"x"`',
            "a `form` field is a string, number or boolean, a file (`[]byte`), or a list of one of them",
            None,
        ),
        (
            'X «[»]byte `header:"x"`',
            "a `header` field is a string, number or boolean, or a list of one of them",
            None,
        ),
        ("X int\n«X» int", "`A` has two fields `X`: the first is in line 2", None),
        ("X, «X» int", "`A` has two fields `X`: the first is in line 2", None),
        ('X int `json:"x"`\nY int `json:"«x»"`', "`Y` and `X` are both `x` in JSON", None),
        ('X int `header:"X-Id"`\nY int `header:"«x-id»"`', "`Y` and `X` are both `x-id` in the header", None),
        (
            "UserId int\n«UserID» int",
            "`UserID` and `UserId` both become `user_id` in Python",
            "rename one of the two fields; the names in messages can stay",
        ),
        (
            'UserId int `path:"id"`\n«X» int `json:"user_id"`',
            "`X` and `UserId` are both `user_id` to the encoder",
            "rename the field that is not in JSON",
        ),
        ("«string»", "`string` is the type of no field", "write the field's name before it: `Name string`"),
        ("«Basee»", "unknown embedded type `Basee`", "did you mean `Base`?"),
        (
            "«Qwertyuiop»",
            "unknown embedded type `Qwertyuiop`",
            "or a field without its type? `Qwertyuiop string`",
        ),
        (
            'Base «`json:",optional"`»',
            "a tag on an embedded type is not supported",
            "give the field a name, or leave the tag out: the fields then count as this struct's own",
        ),
        ('Base\n«Z» bool `json:"z"`', "`A` has two fields `Z`: the first is in line 5", None),
    ],
)
def test_refusals(marked: str, message: str, hint: str | None) -> None:
    assert_refused(describe, f"type A {{\n{marked}\n}}\ntype Base {{ Z int }}{_SERVICE}", (message, hint))


def test_a_mistake_in_an_embedded_struct_is_told_once() -> None:
    marked = 'type Base {\nX int `json:"x,«string=1»"`\n}\ntype A {\nBase\n}\ntype B {\nBase\n}' + _SERVICE
    assert_refused(describe, marked, ("the option `string` takes no value", None))


def test_fields_that_exclude_each_other() -> None:
    marked = 'type A {\nX int `json:"x,optional=«y»"`\nY int `json:"y,optional=!«x»"`\n}' + _SERVICE
    hint = "give both `optional=…`, or both `optional=!…`"
    assert_refused(
        describe,
        marked,
        ("`X` and `Y` depend on each other in ways that exclude each other", hint),
        ("`Y` and `X` depend on each other in ways that exclude each other", hint),
    )


def rules(field: str, more: str = "") -> Rules:
    """The rules of a field, good or bad."""
    contract = Contract(read_program(ContractFile("a.api", "", f"type A {{\n{field}\n}}\n{more}")))
    (struct,) = (record.struct for record in contract.records if record.class_name == "A")
    return contract.fields(struct)[0].rules


@pytest.mark.parametrize(
    ("tag", "wires"),
    [
        ('json:"id" form:"n" path:"p" header:"h"', {"path": "p", "form": "n", "header": "h", "json": "id"}),
        ('form:",optional"', {"form": "X"}),
        ('json:"-"', {}),
        ('json:"-" form:"x"', {"form": "x"}),
        ('json:"x" validate:"required,\\d" gorm:"column:x" bson:"x" xml:"x"', {"json": "x"}),
    ],
)
def test_where_a_field_comes_from(tag: str, wires: dict[str, str]) -> None:
    found = rules(f"X int `{tag}`")
    assert list(found.wires.items()) == list(wires.items())
    assert (found.tagged, found.ignored) == (True, not wires)


@pytest.mark.parametrize("slip", ["jsn", "josn", "jsom", "jsonn", "JSON", "from", "paht", "heder"])
def test_slips_of_the_pen_in_keys(slip: str) -> None:
    (problem,) = rules(f'X int `{slip}:"x"`').problems
    assert problem.message == f"unknown tag key `{slip}`"


@pytest.mark.parametrize(
    "key", "gorm bson yaml xml db validate auth format jsonapi jsonpath match uri x".split()
)
def test_keys_of_others(key: str) -> None:
    assert rules(f'X int `json:"x" {key}:"json"`').wires == {"json": "x"}


def test_a_field_with_tags_of_others_alone_is_in_no_request_and_as_it_is_in_responses() -> None:
    types = 'type A { X int `db:"x"`\nY int `json:"y"` }\n'
    routes = "service S { @handler P post /p (A)\n@handler G get /g returns (%s) }"
    contract = load(ContractFile("a.api", "", types + routes % "string"))
    assert [str(member.name) for member in contract.members(contract.records[0].struct)] == ["Y"]
    contract = load(ContractFile("a.api", "", types + routes % "A"))
    members = contract.members(contract.records[0].struct)
    assert [(member.encoded, contract.required(member)) for member in members] == [("X", False), ("y", True)]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ('X int `json:"x,optional"`', {"optional": True}),
        ('X int `json:"x,omitempty,"`', {"omitempty": True}),
        ('X int `json:"x,omitzero,string"`', {"omitempty": True, "string": True}),
        ('X int `json:"x,inherit"`', {"inherit": True}),
        ('X int `json:"x,env=ZERO_X"`', {"env": "ZERO_X"}),
        ('X []string `json:"x,default=[a, b]"`', {"default": ("a", "b")}),
        ('X []int `json:"x,default=[]"`', {"default": ()}),
        ('X Ids `json:"x,default=[1]"`', {"default": (1,)}),
        ('X Id `json:"x,options=1|2,default=2"`', {"default": 2, "choices": (1, 2)}),
        ('X decimal.Decimal `json:"x,default=1.10"`', {"default": Decimal("1.10")}),
        ('X int `json:"x,default=1" form:"x,default=1"`', {"default": 1}),
        ('X int `json:"x" form:"x,optional"`', {"optional": True}),
        ('X string `json:"x,example=some text,other,unlike=1"`', {"example": "some text"}),
        ('X bool `json:"x,options=true|false"`', {"choices": ()}),
    ],
)
def test_rules(field: str, expected: dict[str, object]) -> None:
    found = rules(field, "type Id = int32\ntype Ids []Id")
    assert {name: getattr(found, name) for name in expected} == expected
    assert found.problems == ()


def test_dependencies() -> None:
    both = rules('X int `json:"x,optional=y"`\nY int `json:"y"`').depends
    assert both is not None and (both.name, both.present) == ("y", True)
    either = rules('X int `json:"x,optional=!y"`\nY int `json:"y,optional=!x"`').depends
    assert either is not None and (either.name, either.present) == ("y", False)


@pytest.mark.parametrize(
    ("field", "required"),
    [
        ('X int `json:"x"`', True),
        ('X *int `json:"x"`', True),
        ('X []int `json:"x"`', True),
        ('X any `json:"x"`', True),
        ('X map[string]int `json:"x"`', False),
        ('X Map `json:"x"`', False),
        ('X Full `json:"x"`', True),
        ('X Empty `json:"x"`', False),
        ('X *Empty `json:"x"`', True),
        ('X { Y int `json:"y,optional=!z"`\nZ int `json:"z,optional=!y"` } `json:"x"`', True),
        ('X { Y int `json:"y,optional=z"`\nZ int `json:"z,optional"` } `json:"x"`', False),
        ('X { Y int } `json:"x"`', True),
        ('X int `json:"x,default=1"`', False),
        ('X int `json:"x,env=X"`', False),
        ('X int `json:"x,inherit"`', False),
        ('X int `json:"x,optional=y"`\nY int `json:"y"`', False),
    ],
)
def test_what_a_message_has_to_bring(field: str, required: bool) -> None:
    more = (
        'type Map map[string]int\ntype Full { A Empty\nB int `json:"b"` }\n'
        'type Empty { A int `json:"a,optional"`\nB Map `json:"b"` }'
    )
    contract = load(ContractFile("a.api", "", f"type A {{\n{field}\n}}\n{more}"))
    assert contract.required(contract.members(contract.records[0].struct)[0]) is required


@pytest.mark.parametrize(
    "field",
    ['F []byte `form:"f"`', 'F [][]byte `form:"f"`', 'Base `json:",inline"`', 'X time.Time `path:"x"`'],
)
def test_good_fields(field: str) -> None:
    text = f"type A {{\n{field}\n}}\ntype Base {{ Z int }}"
    describe(ContractFile("a.api", "", text))


def test_fields_hide_those_that_are_embedded_deeper() -> None:
    text = (
        'type Base {\nCode int `json:"code"`\nData string `json:"data,omitempty"`\n}\n'
        'type Middle {\nBase\nCode int8 `json:"code"`\n}\n'
        'type A {\nMiddle\nData []int `json:"data"`\nMsg string `json:"msg"`\n}'
    )
    contract = load(ContractFile("a.api", "", text))
    fields = [
        (str(member.name), type(member.type).__name__)
        for member in contract.members(contract.records[-1].struct)
    ]
    assert fields == [("Code", "Named"), ("Data", "List"), ("Msg", "Named")]
    code = contract.members(contract.records[-1].struct)[0]
    assert contract.scalar(code.type) == SCALARS["int8"]


def test_fields_that_two_types_embed_alike_hide_neither() -> None:
    marked = 'type B { X int `json:"x"` }\ntype C { «X» int `json:"x"` }\ntype A {\nB\nC\n}\n'
    assert_refused(describe, marked, ("`A` has two fields `X`: the first is in line 1", None))


def test_what_is_embedded_in_two_ways_is_one_field() -> None:
    text = 'type A {\nB\nC\nY int `json:"y"`\n}\ntype B { D }\ntype C {\n*D\n}\ntype D { X int `json:"x"` }\n'
    contract = load(ContractFile("a.api", "", text))
    assert [str(each.name) for each in contract.members(contract.records[0].struct)] == ["X", "Y"]


def test_a_type_is_embedded_once() -> None:
    marked = 'type A {\nB\n*«B»\n}\ntype B { X int `json:"x"` }\n'
    assert_refused(describe, marked, ("the embedded type `B` is here twice, first in line 2", None))


def test_one_name_may_come_from_several_sources() -> None:
    text = 'type A {\nX int `path:"id"`\nY int `form:"id"`\nZ int `header:"id"`\nId int `json:"id"`\n}'
    describe(ContractFile("a.api", "", text + _SERVICE))
