"""What the text of a class tells about its contract, and about what it does not tell."""

from __future__ import annotations

import pytest

from pants_backend_zero.service.logic_class import mistakes_in_job, mistakes_in_logic

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
        COMPLETE.replace(
            "async def follow(self, request): yield", "def follow(self, r): return self._source.watch(r)"
        ),
        COMPLETE.replace(
            "async def greet(self, request): ...", "def greet(self, r): return self._other.greet(r)"
        ),
        COMPLETE.replace("async def greet", "@generator\n    async def greet").replace(": ...", ": yield", 1),
        COMPLETE.replace(
            "request): yield", "r):\n        for event in r:\n            if event: x = yield event"
        ),
        COMPLETE.replace(
            "greet(self, request): ...", "greet(self, r):\n        def all(): yield\n        return [*all()]"
        ),
    ],
    ids=[
        "plain",
        "by its full name",
        "in two classes",
        "by assignment",
        "a plain function that returns an iterator",
        "a plain function that returns an awaitable",
        "by a decorator",
        "a yield deep within",
        "a generator inside",
    ],
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
        "hello/logic.py:1:1: `GreetLogic` does not extend `GreetApi`, which the contract's logic does\n"
        "  = hint: write `class GreetLogic(GreetApi)`"
    ]


def test_a_stream_is_a_stream_and_an_answer_is_not() -> None:
    text = """
class GreetLogic(GreetApi):
    async def greet(self, request): yield
    async def part(self, claims): ...
    async def follow(self, request):
        async def events(): yield
        return events()
    async def audit_middleware(self, request, proceed): ...
"""
    assert mistakes(text) == [
        "hello/logic.py:3:5: `greet` gives one answer, but yields\n"
        "  = hint: `return` it, as in `async def greet(self, request: Request) -> Response`",
        "hello/logic.py:5:5: `follow` gives a stream, but never yields\n"
        "  = hint: `yield` each message, or make it a plain `def` that returns an async iterator",
    ]


def test_what_the_server_awaits_is_async() -> None:
    text = """
class GreetLogic(GreetApi):
    def greet(self, request) -> Response: ...
    def part(self, claims): yield
    def follow(self, request): yield
    def audit_middleware(self, request, proceed) -> Awaitable[rest.Response]: ...
"""
    assert mistakes(text) == [
        "hello/logic.py:3:5: `greet` is not async\n"
        "  = hint: write `async def greet(self, request: Request) -> Response`",
        "hello/logic.py:4:5: `part` gives one answer, but yields\n"
        "  = hint: `return` it, as in `async def part(self, claims: rest.Claims) -> None`",
        "hello/logic.py:5:5: `follow` yields, but is not async\n"
        "  = hint: write `async def follow(self, request: Request) -> AsyncIterator[Event]`",
    ]


SERVICES = '''
class CatalogRpc(abc.ABC):
    @abc.abstractmethod
    async def find(self, request: Find) -> Item: ...

class CartRpc(abc.ABC):
    @abc.abstractmethod
    def talk(self, requests: AsyncIterator[Line]) -> AsyncIterator[Line]: ...

def catalog_service(logic: CatalogRpc) -> rpc.Service:
    """The service ``shop.catalog`` bound to its logic."""
    return rpc.Service("shop.catalog", (rpc.unary_unary("Find", logic.find, Find, Item),))

def cart_service(logic: CartRpc) -> rpc.Service:
    """The service ``shop.Cart`` bound to its logic."""
    return rpc.Service("shop.Cart", (rpc.stream_stream("Talk", logic.talk, Line, Line),))
'''


def test_one_class_serves_all_services_of_a_proto() -> None:
    def found(text: str) -> list[str]:
        return mistakes_in_logic("shop/logic.py", text, "ShopLogic", SERVICES)

    methods = "    async def find(self, request): ...\n    async def talk(self, requests): yield\n"
    assert found(f"class ShopLogic(CatalogRpc, CartRpc):\n{methods}") == []
    in_parts = "class Catalog(CatalogRpc):\n    async def find(self, r): ...\n\nclass Cart(CartRpc):\n"
    in_parts += "    def talk(self, rs): return talk(rs)\n\nclass ShopLogic(Catalog, Cart):\n    pass"
    assert found(in_parts) == []
    assert found(f"class ShopLogic(CartRpc):\n{methods}") == [
        "shop/logic.py:1:1: `ShopLogic` does not extend `CatalogRpc`, which the contract's logic does\n"
        "  = hint: write `class ShopLogic(CatalogRpc, CartRpc)`"
    ]
    assert found("class ShopLogic(CartRpc, CatalogRpc):\n    async def find(self, request): ...") == [
        "shop/logic.py:1:1: `ShopLogic` does not implement `talk` of `CartRpc`\n"
        "  = hint: add `async def talk(self, requests: AsyncIterator[Line]) -> AsyncIterator[Line]`"
    ]


def test_each_service_of_a_proto_may_have_a_class_of_its_own() -> None:
    text = """
class CatalogLogic(CatalogRpc):
    async def find(self, request): ...

class CartLogic(CartRpc):
    async def talk(self, requests): ...
"""

    def found(class_name: str, service: str) -> list[str]:
        return mistakes_in_logic("shop/logic.py", text, class_name, SERVICES, service)

    assert found("CatalogLogic", "catalog") == []
    assert found("CartLogic", "Cart") == [
        "shop/logic.py:6:5: `talk` gives a stream, but never yields\n"
        "  = hint: `yield` each message, or make it a plain `def` that returns an async iterator"
    ]
    assert found("CatalogLogic", "Cart") == [
        "shop/logic.py:2:1: `CatalogLogic` does not extend `CartRpc`, which the contract's logic does\n"
        "  = hint: write `class CatalogLogic(CartRpc)`"
    ]
    assert found("CatalogLogic", "Carts") == []
    assert found("CatlogLogic", "Carts") == [
        "shop/logic.py: there is no class `CatlogLogic`\n  = hint: did you mean `CatalogLogic`?"
    ]


@pytest.mark.parametrize("more", ["", "type Name = str\n"], ids=["readable", "in newer syntax"])
def test_a_class_that_is_not_there(more: str) -> None:
    text = COMPLETE.replace("GreetLogic", "GreetLogik") + more
    assert mistakes(text) == [
        "hello/logic.py: there is no class `GreetLogic`\n  = hint: did you mean `GreetLogik`?"
    ]


JOB = """
class Sweep:
    def __init__(self, context): ...
    async def run(self) -> None: ...
"""


@pytest.mark.parametrize(
    "text",
    [
        JOB,
        JOB.replace("run(self)", "run(self, *, dry=False)"),
        JOB.replace("async def run(self) -> None: ...", "run = other"),
        "from zero_jobs import Base\n\nclass Sweep(Base):\n    pass",
        "from shop.sweeping import Sweep",
        "class Base:\n    async def run(self): ...\n\nclass Sweep(Base): pass",
        JOB.replace("    async def run", "    @measured\n    def run"),
    ],
)
def test_logic_of_a_job(text: str) -> None:
    assert mistakes_in_job("shop/sweep.py", text, "Sweep") == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            JOB.replace("def run", "def start"),
            "shop/sweep.py:2:1: `Sweep` has no `run`, which is what a job does\n"
            "  = hint: add `async def run(self) -> None`",
        ),
        (
            JOB.replace("async def", "def"),
            "shop/sweep.py:4:5: `run` is not async\n  = hint: write `async def run(self) -> None`",
        ),
        (
            JOB.replace("None: ...", "None: yield"),
            "shop/sweep.py:4:5: `run` gives one answer, but yields\n"
            "  = hint: `return` it, as in `async def run(self) -> None`",
        ),
        (
            JOB.replace("run(self)", "run(self, context)"),
            "shop/sweep.py:4:5: `run` is called without arguments\n"
            "  = hint: the context comes with `def __init__(self, context: Context) -> None`",
        ),
        (
            JOB.replace("Sweep", "Sweeper"),
            "shop/sweep.py: there is no class `Sweep`\n  = hint: did you mean `Sweeper`?",
        ),
    ],
)
def test_what_is_no_logic_of_a_job(text: str, told: str) -> None:
    assert mistakes_in_job("shop/sweep.py", text, "Sweep") == [told]
