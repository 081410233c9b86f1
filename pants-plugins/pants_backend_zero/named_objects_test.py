from __future__ import annotations

import pytest

from pants_backend_zero.named_objects import mistake_in_name

KINDS = """
import enum, xml.dom
from other import Colour as Paint

class Gender(enum.IntEnum):
    UNKNOWN = 0

def parse(value): ...

if True:
    UserId = int
Size: type = str
"""


@pytest.mark.parametrize("name", ["Gender", "parse", "UserId", "Size", "Paint", "enum", "xml"])
def test_what_a_module_has(name: str) -> None:
    assert mistake_in_name("user/kinds.py", KINDS, name) is None


def test_what_it_lacks() -> None:
    assert mistake_in_name("user/kinds.py", KINDS, "Gendre") == (
        "user/kinds.py: there is no `Gendre`\n  = hint: did you mean `Gender`?"
    )
    assert mistake_in_name("user/kinds.py", KINDS, "UNKNOWN") == "user/kinds.py: there is no `UNKNOWN`"


@pytest.mark.parametrize("text", ["from other import *", "this is ( no Python"])
def test_what_nothing_is_claimed_about(text: str) -> None:
    assert mistake_in_name("user/kinds.py", text, "Gender") is None
