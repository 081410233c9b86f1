"""Services do what their OpenAPI documents say: schemathesis sends the bookshop good and bad requests by the hundred.

It knows nothing of the contract but the document, which has to be exact for this: what it allows is accepted, what it
does not allow is refused, and every answer is as it says.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

import zero_codegen
from zero_runtime import config, rest

_TESTDATA = Path(zero_codegen.__file__).parent / "api" / "testdata"
_JWT = rest.Jwt(config.JwtConf(access_secret="k" * 32))
_CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.positive_data_acceptance,
]


def _document() -> dict[str, Any]:
    """The bookshop's document without what schemathesis cannot do."""
    document: dict[str, Any] = json.loads(
        (_TESTDATA / "bookshop_api.openapi.json").read_text(encoding="utf-8")
    )
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    for operation in operations:
        operation.pop("security", None)  # every request gets a good token, and unsigned ones pass here
    (edition,) = (operation for operation in operations if operation["operationId"] == "adminAdd")
    # May be in the query instead of the body, where it is required: no document can say that.
    edition["parameters"] = [each for each in edition["parameters"] if each["in"] != "query"]
    return document


schema = schemathesis.openapi.from_dict(_document())

for _bits in (8, 16, 32, 64):  # integers in quotes; it knows the formats of numbers alone
    _half = 2 ** (_bits - 1)
    schemathesis.openapi.format(f"int{_bits}", st.integers(-_half, _half - 1).map(str))
    schemathesis.openapi.format(f"uint{_bits}", st.integers(0, 2 * _half - 1).map(str))


@schema.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """JSON Schema takes 1.0 for an integer, Go and the runtime do not."""
    match body:
        case float() if body.is_integer():
            return int(body)
        case list():
            return [map_body(context, item) for item in body]
        case dict():
            return {key: map_body(context, value) for key, value in body.items()}
    return body


@schema.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    """An empty value of a query counts as none, which documents can say only in a way they should not."""
    return not any(value in ("", {}) for value in (case.query or {}).values())


@pytest.fixture(scope="module")
def app() -> Iterator[rest.App]:
    """A bookshop that has every book and every purchase."""
    sys.path.insert(0, str(_TESTDATA))
    api, logic, common = map(importlib.import_module, ("bookshop_api", "bookshop_logic", "common.paging_api"))
    price = common.Money(amount=Decimal("9.90"))
    address = api.Address(street="Main", city="Here")

    class Logic(logic.BookshopLogic):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self._books["1"] = self._book("1")

        def _book(self, isbn: str) -> Any:
            return api.Book(
                id=2**60,
                isbn=isbn,
                title="Dune",
                authors=["Herbert"],
                price=price,
                weight=Decimal("0.5"),
                published=datetime(1965, 8, 1, tzinfo=UTC),
                stock={"main": 3},
                rating=4.5,
                reviews=[api.BookReviews(stars=5, text="long"), api.BookReviews(stars=4)],
                size=[1.0, 2.0, 3.0],
            )

        def _purchase(self, request: Any, claims: rest.Claims) -> Any:
            lines = [api.Line(isbn="1", quantity=2, currency="EUR")]
            self._purchases[request.id] = purchase = api.Purchase(
                id=request.id, buyer="ann", lines=lines, region="eu", paid=True, address=address
            )
            return purchase

    transition = rest.JwtTransition(config.JwtTransitionConf(secret="n" * 32, prev_secret="p" * 32))
    unsigned = rest.Signature(config.SignatureConf())
    yield rest.App(api.routes(Logic(), auth=_JWT, admin_auth=transition, signature=unsigned))
    sys.path.remove(str(_TESTDATA))


@schema.parametrize()
@settings(
    max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
def test_the_bookshop_keeps_to_its_document(case: schemathesis.Case[Any], app: rest.App) -> None:
    # In a form all values are texts: what schemathesis takes for no string there is one when it is sent.
    may_refuse = [] if case.media_type == "multipart/form-data" else [checks.negative_data_rejection]
    headers = {"Authorization": f"Bearer {_JWT.issue(name='ann').text}"}
    case.call_and_validate(app=app, headers=headers, checks=[*_CHECKS, *may_refuse])
