from __future__ import annotations

import pytest

from zero_codegen.api import describe
from zero_codegen.source import ContractFile
from zero_codegen.testing import assert_refused

_SERVICE = "\nservice User {}\n"
_FORM = 'a tag is written `json:"name"`, several are separated by a space'
_RANGE = "write `range=[1:5]`; `(` and `)` exclude the bound, `[1:]` has only one"


@pytest.mark.parametrize(
    ("marked", "message", "hint"),
    [
        ("X int «``»", "empty tag", _FORM),
        ('X int `json:"x"«,form:"y"»`', "malformed tag", _FORM),
        ('X int `«jsn»:"x"`', "tag key `jsn` is not supported", "did you mean `json`?"),
        ('X int `json:"x" «validate»:"required"`', "tag key `validate` is not supported", None),
        (
            'X int `json:"x" «form»:"x"`',
            "`X` already comes from `json`",
            "a field has one source; declare a field for each",
        ),
        ('X int `json:"«-»"`', "a field outside of every message is not supported", "leave the field out"),
        ('X int `header:"«a b»"`', "`a b` cannot be the name of a header", None),
        ('X int `json:"x,«omitempty»"`', "the option `omitempty` is not supported yet", None),
        ('X int `json:"x,«string»"`', "the option `string` is not supported yet", None),
        ('X int `json:"x,«optionl»"`', "unknown option `optionl`", "did you mean `optional`?"),
        ('X int `json:"x,«»"`', "an option is missing", None),
        ('X int `json:"x,optional,«optional»"`', "the option `optional` is given twice", None),
        (
            'X int `json:"x,«optional=y»"`',
            "`optional=…`, one field depending on another, is not supported yet",
            "write `optional` and check it in the logic",
        ),
        ('X int `json:"x,«default»"`', "the option `default` has no value", None),
        ('X int `json:"x,«range=»"`', "the option `range` has no value", None),
        ('X int `json:"x,«default=a»"`', "the default `a` is no value of the field's type", None),
        ('X int8 `json:"x,«default=128»"`', "the default `128` is no value of the field's type", None),
        ('X uint `json:"x,«default=-1»"`', "the default `-1` is no value of the field's type", None),
        ('X int `json:"x,«default=1.5»"`', "the default `1.5` is no value of the field's type", None),
        ('X bool `json:"x,«default=yes»"`', "the default `yes` is no value of the field's type", None),
        ('X float64 `json:"x,«default=nan»"`', "the default `nan` is no value of the field's type", None),
        ('X []int `json:"x,«default=1»"`', "`default=` is for strings, numbers and booleans", None),
        ('X any `json:"x,«default=1»"`', "`default=` is for strings, numbers and booleans", None),
        ('X int `json:"x,options=1|2,«default=3»"`', "the default `3` is not one of the options", None),
        ('X int `json:"x,range=[1:2],«default=3»"`', "the default `3` is outside of the range", None),
        ('X float64 `json:"x,range=(1:2],«default=1»"`', "the default `1` is outside of the range", None),
        ('X bool `json:"x,«options=true|false»"`', "`options` are for strings and integers", None),
        ('X []string `json:"x,«options=a|b»"`', "`options` are for strings and integers", None),
        ('X int `json:"x,«options=1|b»"`', "the option `b` is no value of the field's type", None),
        ('X string `json:"x,«options=[a,b,a]»"`', "the option `a` is listed twice", None),
        ('X int `json:"x,«options=1|5»,range=[1:4]"`', "the option `5` is outside of the range", None),
        ('X string `json:"x,«range=[1:2]»"`', "a range is for numbers", None),
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
            'X «any» `form:"x"`',
            "a `form` field is a string, number or boolean, or a list of one of them",
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
            'Base «`json:"base"`»',
            "a tag on an embedded type is not supported",
            "give the field a name, or leave the tag out: the fields then count as this struct's own",
        ),
        ("Base\n«Z» bool", "`A` has two fields `Z`: the first is in line 5", None),
    ],
)
def test_refusals(marked: str, message: str, hint: str | None) -> None:
    assert_refused(describe, f"type A {{\n{marked}\n}}\ntype Base {{ Z int }}{_SERVICE}", (message, hint))


def test_a_mistake_in_an_embedded_struct_is_told_once() -> None:
    marked = 'type Base {\nX int `json:"x,«omitempty»"`\n}\ntype A {\nBase\n}\ntype B {\nBase\n}' + _SERVICE
    assert_refused(describe, marked, ("the option `omitempty` is not supported yet", None))


def test_one_name_may_come_from_several_sources() -> None:
    text = 'type A {\nX int `path:"id"`\nY int `form:"id"`\nZ int `header:"id"`\nId int `json:"id"`\n}'
    describe(ContractFile("a.api", "", text + _SERVICE))
