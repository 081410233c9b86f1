"""What the text of a class tells about its contract, and about what it does not tell."""

from __future__ import annotations

import pytest

from pants_backend_zero.service.logic_class import mistakes_in_logic

GENERATED = '''
class Request(msgspec.Struct):
    name: str

class GreetApi(abc.ABC):
    @abc.abstractmethod
    async def greet(self, request: Request) -> Response:
        """Greets."""

    @abc.abstractmethod
    async def part(self, claims: rest.Claims) -> None:
        """Parts."""

    @abc.abstractmethod
    def follow(self, request: Request) -> AsyncIterator[Event]:
        """Tells what happens."""

    @abc.abstractmethod
    async def audit_middleware(self, request: rest.Request, proceed: rest.Endpoint) -> rest.Response:
        """Stands before `part`."""

    @staticmethod
    def helper(): ...

class GreetApiClient:
    async def greet(self, request: Request) -> Response:
        """Calls the service."""
'''

COMPLETE = """
class GreetLogic(GreetApi):
    async def greet(self, request): ...
    async def part(self, claims): ...
    async def follow(self, request): yield
    async def audit_middleware(self, request, proceed): ...
"""


def mistakes(text: str) -> list[str]:
    return mistakes_in_logic("hello/logic.py", text, "GreetLogic", GENERATED)


@pytest.mark.parametrize(
    "text",
    [
        COMPLETE,
        COMPLETE.replace("(GreetApi)", "(hello.hello_api.GreetApi)"),
        "class Half(GreetApi):\n    async def greet(self, r): ...\n    def follow(self, r): ...\n\n"
        "class GreetLogic(Half):\n    async def part(self, c): ...\n    async def audit_middleware(self, r, p): ...",
        "class GreetLogic(GreetApi):\n    async def greet(self, r): ...\n    part = follow = greet\n"
        "    audit_middleware: Middleware = greet",
    ],
    ids=["plain", "by its full name", "in two classes", "by assignment"],
)
def test_logic_that_is_complete(text: str) -> None:
    assert mistakes(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "from hello.elsewhere import GreetLogic",
        "from hello.elsewhere import Other as GreetLogic",
        "GreetLogic = traced(Plain)",
        "class GreetLogic(Mixin, GreetApi):\n    pass",
        "type Name = str\n\nclass GreetLogic(GreetApi):\n    pass",
    ],
    ids=["imported", "imported by another name", "made", "with a base of another module", "in newer syntax"],
)
def test_nothing_is_claimed_about_what_cannot_be_seen(text: str) -> None:
    assert mistakes(text) == []


def test_every_missing_method_is_named_with_its_place_and_its_signature() -> None:
    assert mistakes("\n\nclass GreetLogic(GreetApi):\n    pass") == [
        "hello/logic.py:3:1: `GreetLogic` does not implement `greet` of `GreetApi`\n"
        "  = hint: add `async def greet(self, request: Request) -> Response`",
        "hello/logic.py:3:1: `GreetLogic` does not implement `part` of `GreetApi`\n"
        "  = hint: add `async def part(self, claims: rest.Claims) -> None`",
        "hello/logic.py:3:1: `GreetLogic` does not implement `follow` of `GreetApi`\n"
        "  = hint: add `async def follow(self, request: Request) -> AsyncIterator[Event]`",
        "hello/logic.py:3:1: `GreetLogic` does not implement `audit_middleware` of `GreetApi`\n"
        "  = hint: add `async def audit_middleware(self, request: rest.Request, proceed: rest.Endpoint) -> "
        "rest.Response`",
    ]


def test_logic_extends_the_class_of_its_contract() -> None:
    assert mistakes("class GreetLogic:\n    pass") == [
        "hello/logic.py:1:1: `GreetLogic` does not extend `GreetApi`, which the contract's logic does"
    ]


@pytest.mark.parametrize("more", ["", "type Name = str\n"], ids=["readable", "in newer syntax"])
def test_a_class_that_is_not_there(more: str) -> None:
    text = COMPLETE.replace("GreetLogic", "GreetLogik") + more
    assert mistakes(text) == [
        "hello/logic.py: there is no class `GreetLogic`\n  = hint: did you mean `GreetLogik`?"
    ]
