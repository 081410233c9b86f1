from pathlib import Path
from typing import Any

import msgspec
import pytest

from zero_codegen.diagnostics import ContractError
from zero_codegen.service import keys
from zero_codegen.service.conftest import Specify, Wire
from zero_codegen.service.contracts import wire
from zero_codegen.service.spec import Spec
from zero_codegen.service.wiring import Bind, Client, Jwt, JwtTransition, Model, Served

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
    return contract(path, service=service, port=8080 if service else None, namespace=None)


def test_wires_an_http_service(wired: Wire) -> None:
    wiring = wired("user-api")
    assert wiring.served == Served("api", "user.user_api", (Bind("routes", "UserLogic"),))
    assert wiring.jwts == (Jwt("Auth", "auth"),)
    assert wiring.clients == (Client("user_rpc", "user.user_rpc", "UserClient", "user-rpc", 8080),)
    assert (wiring.models, wiring.schemas) == ((), ())
    assert (wiring.clients[0].key, wiring.clients[0].target) == ("UserRpc", "dns:///user-rpc:8080")


def test_a_client_finds_its_service_in_another_namespace(wired: Wire, specify: Specify) -> None:
    def target(namespace: str | None) -> str | None:
        clients = [client | {"namespace": namespace} for client in specify("user-api")["clients"]]
        return wired("user-api", namespace="shop", clients=clients).clients[0].target

    assert target("users") == "dns:///user-rpc.users:8080"
    assert target("shop") == target(None) == "dns:///user-rpc:8080"


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
    assert wiring.served == Served("api", "shop_api", (Bind("routes", "UserLogic"),), signature=True)
    assert wiring.server == "zero_runtime.rest.granian"
    assert wiring.known_keys["Keys"] == keys.JWT_TRANSITION


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
    assert wiring.served == Served("rpc", "user.user_rpc", (Bind("user_service", "UserLogic"),))
    assert wiring.models == (Model("user_model", "user.user_model", "UserModel"),)
    assert wiring.schemas == ("user.user_model",)
    assert (wiring.jwts, wiring.clients) == ((), ())


def test_wires_a_job(wired: Wire) -> None:
    wiring = wired("order-sweep")
    assert wiring.served is None
    assert [part.attribute for part in wiring.parts] == ["user_rpc", "stock_model", "delivery_model"]
    assert wiring.known_keys["Redis"] == keys.SERVERS["rpc"]["Redis"]
    assert "Timeout" not in wiring.known_keys


def test_a_job_has_one_class(wired: Wire) -> None:
    logic = [{"module": "order.sweep", "class": "Sweep", "service": "Orders"}]
    with pytest.raises(ContractError) as caught:
        wired("order-sweep", logic=logic)
    assert str(caught.value) == (
        "services/order:order-sweep: `logic`: a job serves no proto: it is one class\n"
        '  = hint: name that class alone, like `logic="sweep.py:Sweep"`'
    )


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


def test_serves_every_service_of_a_proto(
    specify: Specify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shop.proto").write_text(proto("Shop", "Cart").replace("Shop { rpc List", "Shop { rpc Find"))
    changes = {"serves": contract("shop.proto", kind="rpc"), "models": [], "rpc_server": "grpcio"}
    wiring = wire(msgspec.convert(specify("user-rpc", **changes), Spec))
    binds = (Bind("shop_service", "UserLogic"), Bind("cart_service", "UserLogic"))
    assert wiring.served == Served("rpc", "shop_rpc", binds)
    assert wiring.served.shared_logic == "UserLogic"
    assert wiring.server == "zero_runtime.rpc.grpcio"


def test_refuses_methods_that_logic_would_have_twice(refused: Any) -> None:
    (found,) = refused(
        "user-rpc", {"shop.proto": proto("Shop", "Cart")}, serves=contract("shop.proto", kind="rpc")
    )
    assert found == (
        "shop.proto:5:20: `Shop.List` and `Cart.List` would be one method `list` of the logic, "
        "which serves all services of the proto\n"
        "  | service Cart { rpc List(Empty) returns (Empty); }\n"
        "  |                    ^^^^\n"
        "  = hint: rename one, or give each service a class: "
        '`logic={"Shop": "shop.py:ShopLogic", "Cart": "cart.py:CartLogic"}`'
    )


def logic_of(**classes: str) -> list[dict[str, str]]:
    """What `logic_of(Shop="shop:Logic")` is in `spec.json`."""
    parts = ((service, *logic.split(":")) for service, logic in classes.items())
    return [{"service": service, "module": module, "class": name} for service, module, name in parts]


def test_serves_every_service_of_a_proto_by_a_class_of_its_own(
    specify: Specify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shop.proto").write_text(proto("Shop", "Cart"))
    logic = logic_of(Cart="cart:CartLogic", Shop="shop:ShopLogic")
    changes = {"serves": contract("shop.proto", kind="rpc"), "models": [], "logic": logic}
    served = wire(msgspec.convert(specify("user-rpc", **changes), Spec)).served
    assert served is not None
    assert served.binds == (Bind("shop_service", "ShopLogic"), Bind("cart_service", "CartLogic"))
    assert served.shared_logic is None


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (
            {"Shop": "shop:ShopLogic"},
            [
                "the service `Cart` of `shop.proto` has no class\n"
                '  = hint: add `"Cart": "cart.py:CartLogic"`'
            ],
        ),
        (
            {"Shop": "shop:ShopLogic", "Crat": "cart:CartLogic", "Payment": "pay:PayLogic"},
            [
                "`shop.proto` has no service `Crat`\n  = hint: did you mean `Cart`?",
                "`shop.proto` has no service `Payment`\n  = hint: its services: `Shop`, `Cart`",
                "the service `Cart` of `shop.proto` has no class\n"
                '  = hint: add `"Cart": "cart.py:CartLogic"`',
            ],
        ),
        (
            {"Shop": "shop:Logic", "Cart": "cart:Logic"},
            ["the class `Logic` has the name of that in `shop`\n  = hint: rename the class"],
        ),
    ],
)
def test_refuses_classes_that_are_not_one_for_each_service(
    refused: Any, classes: dict[str, str], expected: list[str]
) -> None:
    files, serves = {"shop.proto": proto("Shop", "Cart")}, contract("shop.proto", kind="rpc")
    found = refused("user-rpc", files, serves=serves, logic=logic_of(**classes))
    assert found == [f"services/user:user-rpc: `logic`: {mistake}" for mistake in expected]


def test_refuses_classes_for_services_of_what_is_no_proto(refused: Any) -> None:
    files, serves = {"shop.api": API.format(jwt="Auth")}, contract("shop.api", kind="api")
    assert refused("user-api", files, serves=serves, logic=logic_of(Shop="shop:ShopLogic")) == [
        "services/user:user-api: `logic`: `shop.api` is no proto: one class serves all of it\n"
        '  = hint: name that class alone, like `logic="logic.py:ShopLogic"`'
    ]


def test_refuses_a_proto_without_services(refused: Any) -> None:
    files = {"shop.proto": proto(), "cart.proto": proto(package="cart")}
    assert refused(
        "user-rpc", files, serves=contract("shop.proto", kind="rpc"), clients=[client("cart.proto")]
    ) == [
        "cart.proto: declares no service that could be called",
        "shop.proto: declares no service that could be served",
    ]


def test_refuses_protos_that_declare_the_same(refused: Any) -> None:
    files = {"shop.proto": proto("Shop"), "cart.proto": proto("Cart")}
    assert refused(
        "user-rpc", files, serves=contract("shop.proto", kind="rpc"), clients=[client("cart.proto")]
    ) == [
        "services/user:user-rpc: `shop.Empty` is declared by `shop.proto` and by `cart.proto`: "
        "no process takes both\n  = hint: give one of the two files a package of its own"
    ]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("enum Colour { UNKNOWN = 0; }", "enum Size { UNKNOWN = 0; }"),
        (
            "message UNKNOWN {}",
            "message Item { extensions 100 to 199; } extend Item { optional string UNKNOWN = 100; }",
        ),
        ("service UNKNOWN { rpc Get(M) returns (M); } message M {}", "enum UNKNOWN { NONE = 0; }"),
    ],
)
def test_refuses_whatever_two_protos_of_a_package_declare(refused: Any, ours: str, theirs: str) -> None:
    head = 'syntax = "proto2"; package shop;\n'
    service = "service {0} {{ rpc List{0}({0}Request) returns ({0}Request); }} message {0}Request {{}}\n"
    files = {
        "shop.proto": head + service.format("Shop") + ours,
        "cart.proto": head + service.format("Cart") + theirs,
    }
    (found,) = refused(
        "user-rpc", files, serves=contract("shop.proto", kind="rpc"), clients=[client("cart.proto")]
    )
    assert found.startswith(
        "services/user:user-rpc: `shop.UNKNOWN` is declared by `shop.proto` and by `cart.proto`: "
    )


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


_SKU = "CREATE TABLE `sku` (`id` bigint PRIMARY KEY);\n"
_ITEMS = (
    "CREATE TABLE `item` (\n"
    "  `id` bigint PRIMARY KEY,\n"
    "  `sku` bigint NOT NULL,\n"
    "  `twin` bigint,\n"
    "  FOREIGN KEY (`twin`) REFERENCES `item` (`id`),\n"
    "  FOREIGN KEY (`sku`) REFERENCES `sku` (`id`)\n"
    ");\n"
)


def test_refuses_models_whose_tables_refer_to_those_of_others(refused: Any) -> None:
    (found,) = refused(
        "user-rpc",
        {"shop.proto": proto("Shop"), "items.sql": _ITEMS},
        serves=contract("shop.proto", kind="rpc"),
        models=[contract("items.sql")],
    )
    assert found.startswith(
        "items.sql:6:34: `item` refers to `sku`, a table that no contract "
        "in `models` of the service declares\n"
    )
    assert found.endswith("= hint: add the contract of `sku` to `models` of services/user:user-rpc")


def test_takes_models_whose_tables_refer_to_those_of_others(
    specify: Specify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for path, text in {"shop.proto": proto("Shop"), "items.sql": _ITEMS, "sku.sql": _SKU}.items():
        Path(path).write_text(text)
    changes = {"serves": contract("shop.proto", kind="rpc"), "clients": []}
    models = [contract("items.sql", settings={"cached": ["item"]}), contract("sku.sql")]
    wiring = wire(msgspec.convert(specify("user-rpc", models=models, **changes), Spec))
    assert [(model.attribute, model.cached) for model in wiring.models] == [
        ("item_model", True),
        ("sku_model", False),
    ]


@pytest.mark.parametrize("jwt", ["Cache", "Log", "Config", "Database", "DataSource", "Model", "Timeout"])
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
        (
            {"module": "shop_api", "class": "Logic"},
            "`logic`: the module `shop_api` is generated",
        ),
        (
            {"module": "cart_rpc", "class": "Logic"},
            "`logic`: the module `cart_rpc` is generated",
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
        logic=[{"service": None, **logic}],
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
