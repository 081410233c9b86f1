from pathlib import Path
from typing import Any

import msgspec
import pytest

from zero_codegen.diagnostics import ContractError
from zero_codegen.service.conftest import Specify, Wire
from zero_codegen.service.contracts import wire
from zero_codegen.service.spec import Spec
from zero_codegen.service.wiring import Client, Jwt, JwtTransition, Model, Served

API = """type Request {{}}

@server(
	jwt: {jwt}
)
service Shop {{
	@handler List
	post /list (Request)
}}
"""
PROTO = """syntax = "proto3";
package {package};
message Empty {{}}
{services}
"""


def proto(*services: str, package: str = "shop") -> str:
    body = "\n".join(f"service {name} {{ rpc List(Empty) returns (Empty); }}" for name in services)
    return PROTO.format(package=package, services=body)


@pytest.fixture
def refused(specify: Specify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`refused("user-api", {"shop.api": text}, port=80)`: what is wrong with a service of these contracts."""
    monkeypatch.chdir(tmp_path)

    def refuse(name: str, contracts: dict[str, str], /, **changes: Any) -> list[str]:
        for path, text in contracts.items():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(text)
        with pytest.raises(ContractError) as caught:
            wire(msgspec.convert(specify(name, **({"clients": [], "models": []} | changes)), Spec))
        return [diagnostic.render() for diagnostic in caught.value.diagnostics]

    return refuse


def contract(path: str, **more: Any) -> dict[str, Any]:
    return {"path": path, "source_root": "."} | more


def client(path: str, service: str | None = None) -> dict[str, Any]:
    return contract(path, service=service, port=8080 if service else None)


def test_wires_an_http_service(wired: Wire) -> None:
    wiring = wired("user-api")
    assert wiring.served == Served("api", "user.user_api", "routes")
    assert wiring.jwts == (Jwt("Auth", "auth"),)
    assert wiring.clients == (Client("user_rpc", "user.user_rpc", "UserClient", "user-rpc", 8080),)
    assert (wiring.models, wiring.schemas) == ((), ())
    assert wiring.jwts[0].variable("AccessSecret") == "AUTH_ACCESS_SECRET"
    assert (wiring.clients[0].key, wiring.clients[0].target) == ("UserRpc", "dns:///user-rpc:8080")


def test_wires_what_an_http_contract_and_its_imports_ask_for(
    specify: Specify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("admin.api").write_text(
        "@server (\n\tjwtTransition: Keys\n\tsignature: true\n)\nservice Shop { @handler Add post /add }"
    )
    Path("shop.api").write_text('import "admin.api"\n' + API.format(jwt="Auth"))
    changes = {"serves": contract("shop.api", kind="api"), "clients": [], "http_server": "granian"}
    wiring = wire(msgspec.convert(specify("user-api", **changes), Spec))
    assert wiring.jwts == (Jwt("Auth", "auth"), JwtTransition("Keys", "keys"))
    assert wiring.served == Served("api", "shop_api", "routes", signature=True)
    assert wiring.server == "zero_runtime.rest.granian"
    assert (wiring.known_keys["Keys"] or {}).keys() == {"Secret", "PrevSecret"}


def test_tells_what_is_wrong_at_its_place_in_an_import(refused: Any) -> None:
    admin = "@server (jwt: Log)\nservice Shop { @handler Add post /add }"
    files = {"admin.api": admin, "shop.api": 'import "admin.api"\n' + API.format(jwt="Auth")}
    (found,) = refused("user-api", files, serves=contract("shop.api", kind="api"))
    assert found.startswith("admin.api:1:15: `jwt: Log` would be `log` in the context")


def test_refuses_to_serve_types_alone(refused: Any) -> None:
    serves = contract("types.api", kind="api")
    assert refused("user-api", {"types.api": "type Empty {}"}, serves=serves) == [
        "types.api: declares no service that could be served"
    ]


def test_wires_an_rpc_service(wired: Wire) -> None:
    wiring = wired("user-rpc")
    assert wiring.served == Served("rpc", "user.user_rpc", "user_service")
    assert wiring.models == (Model("user_model", "user.user_model", "UserModel"),)
    assert wiring.schemas == ("user.user_model",)
    assert (wiring.jwts, wiring.clients) == ((), ())


def test_gives_every_service_of_a_foreign_proto_a_client(
    specify: Specify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shop.proto").write_text(proto("Shop", "Cart"))
    Path("shop.api").write_text(API.format(jwt="Auth"))
    changes = {"serves": contract("shop.api", kind="api"), "clients": [client("shop.proto")]}
    wiring = wire(msgspec.convert(specify("user-api", **changes), Spec))
    assert [each.attribute for each in wiring.clients] == ["shop_rpc", "cart_rpc"]
    assert [each.target for each in wiring.clients] == [None, None]


def test_refuses_to_serve_several_services(refused: Any) -> None:
    (found,) = refused(
        "user-rpc", {"shop.proto": proto("Shop", "Cart")}, serves=contract("shop.proto", kind="rpc")
    )
    assert found == (
        "shop.proto:5:9: a process serves one service for now, and the first here is `Shop`\n"
        "  | service Cart { rpc List(Empty) returns (Empty); }\n"
        "  |         ^^^^\n"
        "  = hint: move `Cart` to a proto of its own"
    )


def test_refuses_a_proto_without_services(refused: Any) -> None:
    files = {"shop.proto": proto(), "cart.proto": proto(package="cart")}
    assert refused(
        "user-rpc", files, serves=contract("shop.proto", kind="rpc"), clients=[client("cart.proto")]
    ) == [
        "cart.proto: declares no service that could be called",
        "shop.proto: declares no service that could be served",
    ]


def test_refuses_clients_of_one_name(refused: Any) -> None:
    files = {
        "shop.proto": proto("Shop"),
        "a/order.proto": proto("HTTPOrder", package="a"),
        "b/order.proto": proto("HttpOrder", package="b"),
    }
    (found,) = refused(
        "user-rpc",
        files,
        serves=contract("shop.proto", kind="rpc"),
        clients=[client("a/order.proto"), client("b/order.proto")],
    )
    assert found.startswith(
        "b/order.proto:4:9: the client of `b.HttpOrder` in `b/order.proto` would be `http_order_rpc` "
        "in the context, a name taken by the client of `a.HTTPOrder` in `a/order.proto`\n"
    )


def test_refuses_models_of_one_name(refused: Any) -> None:
    table = "CREATE TABLE `cart` (\n  `id` bigint NOT NULL,\n  PRIMARY KEY (`id`)\n);\n"
    (found,) = refused(
        "user-rpc",
        {"shop.proto": proto("Shop"), "a.sql": table, "b.sql": table},
        serves=contract("shop.proto", kind="rpc"),
        models=[contract("a.sql"), contract("b.sql")],
    )
    assert found.startswith(
        "b.sql:1:14: the model of `cart` in `b.sql` would be `cart_model` in the context, "
        "a name taken by the model of `cart` in `a.sql`\n"
    )


@pytest.mark.parametrize("jwt", ["Log", "Config", "Database", "DataSource", "Model", "Timeout"])
def test_refuses_a_jwt_with_a_name_of_every_service(refused: Any, jwt: str) -> None:
    (found,) = refused("user-api", {"shop.api": API.format(jwt=jwt)}, serves=contract("shop.api", kind="api"))
    assert found.startswith(f"shop.api:4:7: `jwt: {jwt}` would be `")
    assert "in the context, a name taken by a part of every service\n" in found


def test_refuses_a_jwt_with_the_name_of_a_client(refused: Any) -> None:
    (found,) = refused(
        "user-api",
        {"shop.api": API.format(jwt="CartRpc"), "cart.proto": proto("Cart", package="cart")},
        serves=contract("shop.api", kind="api"),
        clients=[client("cart.proto", "cart-rpc")],
    )
    assert found.startswith("cart.proto:4:9: the client of `cart.Cart` in `cart.proto` would be `cart_rpc`")
    assert "a name taken by `jwt: CartRpc`\n" in found


@pytest.mark.parametrize(
    ("logic", "message"),
    [
        (
            {"module": "shop.logic", "class": "CartClient"},
            "`logic`: the class `CartClient` has the name of a generated",
        ),
        (
            {"module": "shop.logic", "class": "Context"},
            "`logic`: the class `Context` has the name of a generated one",
        ),
        (
            {"module": "user.user_api_main", "class": "Logic"},
            "`logic`: the module `user.user_api_main` is generated",
        ),
    ],
)
def test_refuses_logic_in_the_place_of_generated_code(
    refused: Any, logic: dict[str, str], message: str
) -> None:
    (found,) = refused(
        "user-api",
        {"shop.api": API.format(jwt="Auth"), "cart.proto": proto("Cart", package="cart")},
        serves=contract("shop.api", kind="api"),
        clients=[client("cart.proto", "cart-rpc")],
        logic=logic,
    )
    assert found.startswith("services/user:user-api: " + message)


def test_passes_on_what_is_wrong_with_all_contracts(refused: Any) -> None:
    found = refused(
        "user-rpc",
        {"shop.proto": proto("Shop").replace("rpc", "rcp"), "a.sql": "CREATE TABEL a;"},
        serves=contract("shop.proto", kind="rpc"),
        models=[contract("a.sql"), contract("absent.sql")],
    )
    assert [message.split(":")[0] for message in found] == ["a.sql", "absent.sql", "shop.proto"]
    assert found[1] == "absent.sql:1:1: cannot be read: No such file or directory"
