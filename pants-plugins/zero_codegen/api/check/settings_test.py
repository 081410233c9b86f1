from __future__ import annotations

import pytest

from zero_codegen.api import describe, load
from zero_codegen.source import ContractFile
from zero_codegen.testing import assert_refused

_SERVICE = "\nservice A {}\n"
_UNITS = "write numbers with units: `500ms`, `1m30s`"


@pytest.mark.parametrize(
    ("marked", "message", "hint"),
    [
        ("@server (jwt: A\n«jwt»: A)" + _SERVICE, "the key `jwt` is here twice, first in line 1", None),
        ("@server («jwtt»: A)" + _SERVICE, "unknown @server key `jwtt`", "did you mean `jwt`?"),
        ("@server («maxbytes»: 1)" + _SERVICE, "unknown @server key `maxbytes`", "did you mean `maxBytes`?"),
        ("@server («colour»: red)" + _SERVICE, "unknown @server key `colour`", None),
        ("@server (prefix: /a, «/b»)" + _SERVICE, "`prefix` has one value", None),
        (
            "@server (jwt: «my-auth»)" + _SERVICE,
            "`my-auth` cannot be the name of jwt settings",
            "write the name of their key in the configuration: `jwt: Auth`",
        ),
        (
            '@server (group: «"a b"»)' + _SERVICE,
            "`a b` cannot be a group of handlers",
            "write names separated by `/`: `group: user/account`",
        ),
        (
            "@server (jwt: «Logic»)\nservice A {\n@handler B\nget /\n}",
            "jwt settings cannot be called `Logic`: generated code uses that name",
            None,
        ),
        (
            "@server (jwt: «Claims»)\nservice A {\n@handler B\nget /\n}",
            "jwt settings cannot be called `Claims`: generated code uses that name",
            None,
        ),
        (
            "@server (jwt: «List»)\nservice A {\n@handler B\nget /\n}",
            "jwt settings cannot be called `List`: generated code uses that name",
            None,
        ),
        (
            "@server (jwt: UserAuth)\nservice A {\n@handler B\nget /\n}\n"
            "@server (jwt: «userAuth»)\nservice A {\n@handler C\nget /c\n}",
            "`userAuth` and `UserAuth` in line 1 both become `user_auth` in Python",
            "use one spelling",
        ),
        (
            "@server (jwt: «Signature»)\nservice A {\n@handler B\nget /\n}",
            "jwt settings cannot be called `Signature`: generated code uses that name",
            None,
        ),
        (
            "@server (jwt: Auth)\nservice A {\n@handler B\nget /\n}\n"
            "@server (jwtTransition: «Auth»)\nservice A {\n@handler C\nget /c\n}",
            "`Auth` and `Auth` of `jwt` in line 1 have one name",
            "the two have other keys in the configuration: give each its own",
        ),
        ("@server (timeout: «500»)" + _SERVICE, "`500` is not a duration", "give it a unit: `500ms`"),
        ("@server (timeout: «3 s»)" + _SERVICE, "`3 s` is not a duration", _UNITS),
        ("@server (timeout: «-3s»)" + _SERVICE, "`-3s` is not a duration", _UNITS),
        ("@server (timeout: «3d»)" + _SERVICE, "`3d` is not a duration", _UNITS),
        (
            "@server (maxBytes: «1MB»)" + _SERVICE,
            "`1MB` is not a number of bytes",
            "write all of it: `1048576`",
        ),
        (
            "@server (maxBytes: «64k»)" + _SERVICE,
            "`64k` is not a number of bytes",
            "write all of it: `65536`",
        ),
        (
            "@server (maxBytes: «much»)" + _SERVICE,
            "`much` is not a number of bytes",
            "write all of it: `1048576`",
        ),
        ("@server (sse: «yes»)" + _SERVICE, "`sse` is `true` or `false`, not `yes`", None),
        ("@server (signature: «1»)" + _SERVICE, "`signature` is `true` or `false`, not `1`", None),
        (
            "@server (middleware: A, «b-c»)" + _SERVICE,
            "`b-c` cannot be the name of a middleware",
            "write names separated by commas: `middleware: Audit, Quota`",
        ),
        (
            '@server (middleware: "A, «1b»")' + _SERVICE,
            "`1b` cannot be the name of a middleware",
            "write names separated by commas: `middleware: Audit, Quota`",
        ),
        (
            "@server (middleware: «A B»)" + _SERVICE,
            "`A B` cannot be the name of a middleware",
            "write names separated by commas: `middleware: Audit, Quota`",
        ),
        (
            "@server (middleware: Audit, «AuditMiddleware»)\nservice A {\n@handler B\nget /\n}",
            "`AuditMiddleware` and `Audit` in line 1 both become `audit_middleware` in Python",
            "use one spelling",
        ),
        (
            "@server (middleware: «Audit»)\nservice A {\n@handler AuditMiddleware\nget /\n}",
            "`Audit` and the handler `AuditMiddleware` in line 3 both become `audit_middleware` in Python",
            "rename one of the two",
        ),
        (
            "service A {\n@server («handlr»: B)\n@handler B\nget /\n}",
            "unknown @server key `handlr`",
            "did you mean `handler`?",
        ),
        ("@server («handler»: B)" + _SERVICE, "unknown @server key `handler`", None),
        ("service A {\n@server (handler: «b-c»)\nget /\n}", "`b-c` cannot be the name of a handler", None),
    ],
)
def test_refusals(marked: str, message: str, hint: str | None) -> None:
    assert_refused(describe, marked, (message, hint))


_GROUP = """
@server (
	prefix: "/v1/"
	group: order / v1
	jwt: Auth
	jwtTransition: Trans
	signature: true
	middleware: Audit, QuotaMiddleware
	timeout: 1m1.5s
	maxBytes: 1024
	summary: All about orders, and more
	tags: "orders, money"
	authType: apiKey
)
service order-api {
	@handler List
	get /orders

	@server (
		prefix: /v2
		timeout: 0s
		jwt: ""
		middleware: "Audit, Third"
		sse: true
		signature: false
	)
	@handler Watch
	get /orders/events returns (string)
}
"""


def test_settings_of_a_group_and_those_of_a_route_before_them() -> None:
    contract = load(ContractFile("a.api", "", _GROUP))
    listing, watch = contract.endpoints
    assert (listing.path, listing.group, listing.attribute) == ("/v1/orders", "order/v1", "order_v1_list")
    assert (listing.jwt, listing.jwt_transition, listing.signature, listing.sse) == (
        "Auth",
        "Trans",
        True,
        False,
    )
    assert [each.attribute for each in listing.middlewares] == ["audit_middleware", "quota_middleware"]
    assert (listing.timeout, listing.max_bytes) == (61.5, 1024)
    assert (listing.summary, listing.tags) == ("All about orders, and more", ("orders", "money"))
    assert listing.auth_type == "apiKey"
    assert (watch.path, watch.group, watch.timeout) == ("/v2/orders/events", "order/v1", 0.0)
    assert (watch.jwt, watch.jwt_transition, watch.signature, watch.sse) == (None, "Trans", False, True)
    assert [str(each.name) for each in watch.middlewares] == ["Audit", "Third"]
    names = ["audit_middleware", "quota_middleware", "third_middleware"]
    assert [each.attribute for each in contract.middlewares] == names
    assert (list(contract.jwts), list(contract.transitions)) == (["Auth"], ["Trans"])


def test_settings_that_nobody_gives_are_the_servers_own() -> None:
    (endpoint,) = load(ContractFile("a.api", "", "service A {\n@handler B\nget /\n}")).endpoints
    assert (endpoint.jwt, endpoint.timeout, endpoint.max_bytes, endpoint.middlewares) == (
        None,
        None,
        None,
        (),
    )
    assert (endpoint.path, endpoint.group, endpoint.attribute, endpoint.signature) == ("/", "", "b", False)


def test_what_the_service_generator_learns() -> None:
    found = describe(ContractFile("a.api", "", _GROUP))
    assert (found.service, found.api_class, found.signature) == ("order-api", "OrderApi", True)
    assert [(jwt.name, jwt.parameter, jwt.line, jwt.column) for jwt in found.jwts] == [("Auth", "auth", 5, 7)]
    assert [(jwt.name, jwt.file.path) for jwt in found.transitions] == [("Trans", "a.api")]
    assert found.middlewares == ("audit_middleware", "quota_middleware", "third_middleware")
    assert found.files == ("a.api",)


def test_keys_of_old_files() -> None:
    text = "@server (host: 0.0.0.0\nport: 8080\nfolder: user)\nservice A {\n@handler B\nget /b\n}"
    (endpoint,) = load(ContractFile("a.api", "", text)).endpoints
    assert endpoint.group == "user"


@pytest.mark.parametrize("prefix", ["/", '"/"', '""', "`/`", "/v1 / x"])
def test_prefixes_that_goctl_takes(prefix: str) -> None:
    text = f"@server (prefix: {prefix})\nservice A {{\n@handler B\nget /b\n}}"
    (endpoint,) = load(ContractFile("a.api", "", text)).endpoints
    assert endpoint.path == ("/v1/x/b" if "v1" in prefix else "/b")
