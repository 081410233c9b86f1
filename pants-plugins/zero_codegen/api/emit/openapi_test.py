"""OpenAPI documents: what they say of a contract. That services keep to it is tested by running one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openapi_spec_validator
import pytest
from hypothesis import HealthCheck, assume, given, settings
from openapi_schema_validator import OAS31Validator

from zero_codegen import api
from zero_codegen.api.emit import emit_openapi
from zero_codegen.api.testing import programs
from zero_codegen.diagnostics import ContractError
from zero_codegen.source import ContractFile

_TESTDATA = Path(__file__).parents[1] / "testdata"


def _document(text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(emit_openapi(api.load(ContractFile("shop.api", "", text))))
    openapi_spec_validator.validate(document)
    return document


def _operation(route: str, types: str = "", server: str = "", doc: str = "") -> dict[str, Any]:
    """The one operation of a contract."""
    at = f"@server ({server})" if server else ""
    document = _document(f"{types}\n{at}\nservice shop-api {{\n{doc}\n@handler Do\n{route}\n}}")
    (item,) = document["paths"].values()
    (operation,) = item.values()
    return {**operation, "components": document["components"]}


def _field(declaration: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What requests and what responses have for a field `x`: its schemas, with whether it is required."""
    types = f'type A {{\n{declaration}\n}}\ntype B {{ In A `json:"in"` }}\ntype C {{ Out A `json:"out"` }}'
    schemas = _operation("post /x (B) returns (C)", types)["components"]["schemas"]
    found = []
    for name in ("AInput" if "AInput" in schemas else "A", "A"):
        schema = schemas[name]
        found.append({**schema["properties"]["x"], "required": "x" in schema.get("required", ())})
    return found[0], found[1]


def _same(schema: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return {**schema, "required": True}, {**schema, "required": True}


@pytest.mark.parametrize("path", sorted(_TESTDATA.glob("*.openapi.json")), ids=lambda path: path.name)
def test_documents_are_valid(path: Path) -> None:
    openapi_spec_validator.validate(json.loads(path.read_text(encoding="utf-8")))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(programs())
def test_documents_of_random_contracts_are_valid(text: str) -> None:
    assume("service " in text)
    _document(text)


@pytest.mark.parametrize(
    ("type_", "schema"),
    [
        ("string", {"type": "string"}),
        ("bool", {"type": "boolean"}),
        ("int", {"type": "integer", "format": "int64"}),
        ("uint64", {"type": "integer", "format": "uint64", "minimum": 0, "maximum": 2**64 - 1}),
        ("int8", {"type": "integer", "format": "int8", "minimum": -128, "maximum": 127}),
        ("rune", {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1}),
        ("float32", {"type": "number", "format": "float"}),
        ("time.Time", {"type": "string", "format": "date-time"}),
        ("[]byte", {"type": "string", "format": "byte", "contentEncoding": "base64"}),
        ("any", {}),
        ("[]string", {"type": "array", "items": {"type": "string"}}),
        ("[2]bool", {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 2}),
    ],
)
def test_types(type_: str, schema: Mapping[str, Any]) -> None:
    assert _field(f'X {type_} `json:"x"`') == _same(schema)


def test_maps_may_be_absent_and_their_keys_are_as_in_the_contract() -> None:
    request, response = _field('X map[uint8]bool `json:"x"`')
    assert not request["required"] and response["required"]
    assert response["additionalProperties"] == {"type": "boolean"}
    pattern = response["propertyNames"]["pattern"]
    for key, good in {"0": True, "255": True, "-1": False, "01": False, "a": False}.items():
        assert OAS31Validator({"pattern": pattern}).is_valid(key) is good


@pytest.mark.parametrize(
    ("tag", "request_", "response"),
    [
        ("x,optional", {"type": ["string", "null"]}, {"type": "string", "required": True}),
        ("x,default=a", {"type": ["string", "null"], "default": "a"}, {"type": "string", "required": True}),
        ("x,options=a|b", *_same({"type": "string", "enum": ["a", "b"]})),
        (
            "x,optional,options=a|b",
            {"type": ["string", "null"], "enum": ["a", "b", None]},
            {"type": ["string", "null"], "enum": ["a", "b", None], "required": True},
        ),
    ],
)
def test_what_tags_demand(tag: str, request_: Mapping[str, Any], response: Mapping[str, Any]) -> None:
    assert _field(f'X string `json:"{tag}"`') == ({"required": False, **request_}, response)


def test_ranges_include_their_bounds_or_not() -> None:
    request, response = _field('X int64 `json:"x,range=(0:9]"`')
    assert request == response
    assert (request["minimum"], request["maximum"]) == (1, 9)
    request, _ = _field('X float64 `json:"x,range=(0:9.5)"`')
    assert (request["exclusiveMinimum"], request["exclusiveMaximum"]) == (0, 9.5)
    assert "maximum" not in _field('X int64 `json:"x,range=[1:]"`')[0]


def test_an_optional_number_that_was_never_set_is_zero_in_a_response() -> None:
    request, response = _field('X int8 `json:"x,optional,range=[1:9]"`')
    assert (request["minimum"], response["minimum"]) == (1, -128)


def test_numbers_in_quotes_and_decimals_are_read_in_both_forms_and_sent_in_one() -> None:
    for declaration, good in (
        ('X int64 `json:"x,string"`', "-7"),
        ('X decimal `json:"x,optional"`', "1.50"),
    ):
        request, response = (OAS31Validator(schema) for schema in map(_bare, _field(declaration)))
        assert request.is_valid(7) and request.is_valid(good) and not request.is_valid("seven")
        assert response.is_valid(good) and not response.is_valid("seven")


def _bare(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "required"}


def test_what_is_left_out_when_it_is_empty_may_be_absent_in_both() -> None:
    request, response = _field('X string `json:"x,omitempty"`')
    assert request == response == {"type": ["string", "null"], "required": False}


@pytest.mark.parametrize(
    ("tag", "good", "bad"),
    [
        (
            "optional=a",
            [{}, {"a": "1", "b": "1"}, {"a": None}],
            [{"a": "1"}, {"b": "1"}, {"a": None, "b": "1"}],
        ),
        ("optional=!a", [{"a": "1"}, {"b": "1"}, {"a": None, "b": "1"}], [{}, {"a": "1", "b": "1"}]),
    ],
)
def test_fields_that_depend_on_each_other(tag: str, good: list[object], bad: list[object]) -> None:
    types = f'type A {{\nA string `json:"a,optional"`\nB string `json:"b,{tag}"`\n}}'
    schema = _operation("post /x (A)", types)["components"]["schemas"]["A"]
    validator = OAS31Validator(schema)
    assert [validator.is_valid(body) for body in good] == [True] * len(good)
    assert [validator.is_valid(body) for body in bad] == [False] * len(bad)


def test_a_type_that_requests_and_responses_have_otherwise_is_there_twice() -> None:
    types = """
    type Item { Id int `json:"id"` Note string `json:"note,optional"` Next *Item `json:"next,optional"` }
    type Items { Items []Item `json:"items"` }
    type Same { Id int `json:"id"` }
    type Page { Same Same `json:"same"` Items Items `json:"items"` }
    """
    schemas = _operation("post /x (Page) returns (Page)", types)["components"]["schemas"]
    assert set(schemas) == {
        "Item",
        "ItemInput",
        "Items",
        "ItemsInput",
        "Page",
        "PageInput",
        "Same",
        "Problem",
    }
    assert (schemas["Item"]["required"], schemas["ItemInput"]["required"]) == (["id", "note", "next"], ["id"])
    assert schemas["ItemsInput"]["properties"]["items"]["items"] == {"$ref": "#/components/schemas/ItemInput"}
    assert schemas["PageInput"]["properties"]["same"] == {"$ref": "#/components/schemas/Same"}


def test_a_response_has_in_json_what_a_request_has_elsewhere() -> None:
    types = 'type A { Id int `path:"id"` Name string `json:"name"` }'
    schemas = _operation("put /x/:id (A) returns (A)", types)["components"]["schemas"]
    assert (schemas["A"]["required"], schemas["AInput"]["required"]) == (["Id", "name"], ["name"])


def test_values_of_a_request_are_where_the_contract_has_them() -> None:
    types = """
    type A {
        Id    int      `path:"id"`
        Name  string   `path:"name"`
        Page  int      `form:"page,default=1"`
        Tags  []string `form:"tag"` // all of them
        Trace string   `header:"X-Trace"`
    }
    """
    operation = _operation("get /x/:id/:name (A)", types)
    assert "requestBody" not in operation and "A" not in operation["components"]["schemas"]
    assert [(each["in"], each["name"], each.get("required", False)) for each in operation["parameters"]] == [
        ("path", "id", True),
        ("path", "name", True),
        ("query", "page", False),
        ("query", "tag", True),
        ("header", "X-Trace", True),
    ]
    _, name, _, tags, trace = operation["parameters"]
    assert name["schema"] == {"type": "string", "minLength": 1, "pattern": "^[^/]+$"}
    tag = {"type": "string", "minLength": 1}  # an empty one counts as none
    assert tags["schema"] == {"type": "array", "items": tag, "minItems": 1}
    assert tags["description"] == "all of them"
    assert trace["schema"]["minLength"] == 1


def test_a_field_of_several_places_is_required_where_clients_send_it() -> None:
    types = 'type A { Id int `form:"id" json:"id"` }'
    operation = _operation("post /x (A)", types)
    assert "required" not in operation["parameters"][0]
    assert operation["components"]["schemas"]["A"]["required"] == ["id"]


def test_forms_are_bodies_where_there_is_no_json() -> None:
    types = 'type A { Name string `form:"name"` Age int `form:"age,optional"` }'
    body = _operation("post /x (A)", types)["requestBody"]
    assert body["required"] and list(body["content"]) == [
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ]
    schema = body["content"]["multipart/form-data"]["schema"]
    assert (list(schema["properties"]), schema["required"]) == (["name", "age"], ["name"])
    assert "requestBody" not in _operation("delete /x (A)", types)


def test_files_are_parts_of_multipart_forms() -> None:
    types = 'type A { File []byte `form:"file"` More [][]byte `form:"more,optional"` }'
    body = _operation("post /x (A)", types)["requestBody"]
    schema = body["content"]["multipart/form-data"]["schema"]
    assert list(body["content"]) == ["multipart/form-data"] and schema["required"] == ["file"]
    assert schema["properties"]["file"]["contentMediaType"] == "application/octet-stream"
    assert schema["properties"]["more"]["items"]["format"] == "binary"


def test_a_json_body_need_not_be_there_when_nothing_in_it_has_to() -> None:
    types = 'type A { Name string `json:"name,optional"` }\ntype B { Name string `json:"name"` }'
    assert not _operation("post /x (A)", types)["requestBody"]["required"]
    assert _operation("post /x (B)", types)["requestBody"]["required"]
    assert not _operation("post /x (map[string]B)", types)["requestBody"]["required"]
    assert _operation("post /x ([]A)", types)["requestBody"]["required"]


def test_answers() -> None:
    types = 'type A { Name string `json:"name"` }'

    def content(route: str, **more: str) -> Any:
        return _operation(route, types, **more)["responses"]["200"].get("content")

    reference = {"$ref": "#/components/schemas/A"}
    assert content("get /x returns (A)") == {"application/json": {"schema": reference}}
    assert content("get /x") is None
    assert content("head /x returns (A)") is None
    assert content("get /x returns ([]byte)", doc='@doc (produces: "text/csv")') == {"text/csv": {}}
    event, problem = content("get /x returns (A)", server="sse: true")["text/event-stream"]["schema"]["anyOf"]
    assert event["properties"]["data"]["contentSchema"] == reference
    assert problem == {"$ref": "#/components/schemas/ProblemEvent"}


def test_failures_are_problems() -> None:
    doc = '@doc (responses: "404-no such thing<br>409-taken<br>1003-business")'
    operation = _operation("get /x", doc=doc, server="jwt: Auth")
    assert list(operation["responses"]) == ["200", "401", "404", "409", "default"]
    assert operation["responses"]["404"]["description"] == "no such thing"
    problem = operation["components"]["responses"]["Problem"]["content"]["application/problem+json"]["schema"]
    assert problem == {"$ref": "#/components/schemas/Problem"}


def test_security_demands_all_that_the_group_does() -> None:
    operation = _operation("get /x", server="jwt: Auth\njwtTransition: Old\nsignature: true")
    assert operation["security"] == [{"bearerAuth": [], "signature": []}]
    schemes = operation["components"]["securitySchemes"]
    assert schemes["bearerAuth"] == {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    assert (schemes["signature"]["in"], schemes["signature"]["name"]) == ("header", "X-Content-Security")


_DEFINITIONS = """
info (
    securityDefinitionsFromJson: `%s`
)
"""


def test_security_definitions_of_swagger_2_are_rewritten() -> None:
    definitions = {
        "key": {"type": "apiKey", "name": "x-key", "in": "header"},
        "basic": {"type": "basic", "description": "by name"},
        "oauth": {
            "type": "oauth2",
            "flow": "accessCode",
            "authorizationUrl": "https://a/",
            "tokenUrl": "https://t/",
        },
    }
    text = _DEFINITIONS % json.dumps(definitions)
    for name in (*definitions, "other"):
        text += f"@server (authType: {name})\nservice shop-api {{\n@handler {name}\nget /{name}\n}}\n"
    schemes = _document(text)["components"]["securitySchemes"]
    assert schemes["key"] == definitions["key"]
    assert schemes["basic"] == {"type": "http", "scheme": "basic", "description": "by name"}
    flow = {"authorizationUrl": "https://a/", "tokenUrl": "https://t/", "scopes": {}}
    assert schemes["oauth"] == {"type": "oauth2", "flows": {"authorizationCode": flow}}
    assert schemes["other"] == {"type": "apiKey", "in": "header", "name": "Authorization"}


@pytest.mark.parametrize(
    ("json_text", "why"), [("{", "Expecting property name"), ("[]", "no object of objects")]
)
def test_broken_security_definitions_are_told_at_their_place(json_text: str, why: str) -> None:
    server = "@server (authType: key)\nservice shop-api {\n@handler Do\nget /x\n}"
    with pytest.raises(ContractError) as raised:
        _document(_DEFINITIONS % json_text + server)
    (diagnostic,) = raised.value.diagnostics
    assert (diagnostic.line, diagnostic.column) == (3, 34)
    assert "`securityDefinitionsFromJson` cannot be read" in diagnostic.message and why in diagnostic.message


def test_info_says_who_and_where() -> None:
    document = _document("""
        info (
            title: "Shop"
            desc: "sells"
            author: "ann"
            email: "ann@example.com"
            version: "2.1"
            licenseName: "MIT"
            termsOfService: "https://example.com/terms"
            host: "api.example.com"
            basePath: "/shop"
            schemes: "https,http"
        )
        service shop-api {
            @handler Do
            get /x
        }
        """)
    assert document["info"] == {
        "title": "Shop",
        "description": "sells",
        "termsOfService": "https://example.com/terms",
        "contact": {"name": "ann", "email": "ann@example.com"},
        "license": {"name": "MIT"},
        "version": "2.1",
    }
    assert document["servers"] == [
        {"url": "https://api.example.com/shop"},
        {"url": "http://api.example.com/shop"},
    ]


def test_what_says_nothing_of_itself_is_called_as_its_service() -> None:
    document = _document("service shop-api {\n@handler Do\nget /x\n}")
    assert document["info"] == {"title": "shop-api", "version": "1.0"}
    assert "servers" not in document and "tags" not in document


def test_operations_have_names_tags_and_texts() -> None:
    operation = _operation(
        "get /x",
        server='group: admin/user\nsummary: "For administrators."',
        doc='// Said above.\n@doc (summary: "Does it." description: "Really." deprecated: true)',
    )
    assert (operation["operationId"], operation["tags"]) == ("adminUserDo", ["admin/user"])
    assert (operation["summary"], operation["description"]) == ("Does it.", "Said above.\n\nReally.")
    assert operation["deprecated"] is True
    assert _operation("get /x", doc="// Does it.\n// And more.")["summary"] == "Does it."


def test_paths_that_differ_in_the_names_of_parameters_alone_are_one() -> None:
    document = _document("""
        type A { Id int `path:"id"` }
        type B { Key int `path:"key"` }
        service shop-api {
            @handler Get
            get /x/:id (A)
            @handler Put
            put /x/:key (B)
        }
        """)
    (item,) = document["paths"].values()
    assert list(document["paths"]) == ["/x/{id}"]
    assert [item[method]["parameters"][0]["name"] for method in ("get", "put")] == ["id", "id"]
