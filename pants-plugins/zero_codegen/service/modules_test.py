import dataclasses
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from zero_codegen.service.conftest import STYLE, Wire
from zero_codegen.service.modules import modules
from zero_codegen.service.wiring import Bind, Client, Jwt, JwtTransition, Model, Wiring


def rich(wiring: Wiring, length: int) -> Wiring:
    """The same service with several of everything, and a word of `length` letters in their names."""
    word = "n" * length
    return dataclasses.replace(
        wiring,
        served=dataclasses.replace(
            wiring.served,
            binds=(
                tuple(Bind(f"{name}_{word}_service", "UserLogic") for name in ("order", "stock"))
                if wiring.served.kind == "rpc"
                else wiring.served.binds
            ),
            signature=wiring.served.kind == "api",
        ),
        jwts=tuple(
            kind(jwt.name, f"{jwt.attribute}_{name}_{word}")
            for jwt in wiring.jwts
            for name, kind in (("a", Jwt), ("b", Jwt), ("c", JwtTransition))
        ),
        clients=tuple(
            Client(
                f"{name}_{word}_rpc", f"shop.{name}_rpc", f"{name.title()}{word.title()}Client", service, 8080
            )
            for name, service in (("order", "order-rpc"), ("stock", f"stock-{word}-rpc"), ("foreign", None))
        ),
        models=tuple(
            Model(f"{name}_{word}_model", f"{folder}.shop_model", f"{name.title()}{word.title()}Model")
            for name, folder in (("cart", "one"), ("item", "two"))
        ),
        schemas=("one.shop_model", "two.shop_model"),
    )


@pytest.mark.parametrize("check", STYLE, ids=lambda check: check[0])
@pytest.mark.parametrize("length", [1, 12, 24])
@pytest.mark.parametrize(
    ("name", "server"),
    [
        ("user-api", {"http_server": "uvicorn"}),
        ("user-api", {"http_server": "granian"}),
        ("user-rpc", {"rpc_server": "http2"}),
        ("user-rpc", {"rpc_server": "grpcio"}),
    ],
)
def test_modules_of_any_shape_have_style(
    wired: Wire, tmp_path: Path, check: Sequence[str], name: str, server: dict[str, str], length: int
) -> None:
    for number, text in enumerate(modules(rich(wired(name, **server), length)).values()):
        (tmp_path / f"{number}.py").write_text(text)
    done = subprocess.run([sys.executable, "-m", *check, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_schemas_of_several_contracts_have_names_of_their_own(wired: Wire) -> None:
    main = modules(rich(wired("user-api"), 1))["user/user_api_main.py"]
    assert "from one.shop_model import SCHEMA as ONE_SHOP_SCHEMA\n" in main
    assert (
        "        await database.create(ONE_SHOP_SCHEMA)\n        await database.create(TWO_SHOP_SCHEMA)\n"
        in main
    )


def test_a_client_that_nobody_here_serves_has_no_embedded_default(wired: Wire) -> None:
    types = modules(rich(wired("user-api"), 1))["user/user_api_service.py"]
    assert "    foreign_n_rpc: config.RpcClientConf\n" in types
    embedded = 'config.Embedded({"Target": "local:///order-rpc"})'
    assert f"    order_n_rpc: Annotated[config.RpcClientConf, {embedded}]\n" in types


def test_an_http_service_is_served_by_what_its_target_says(wired: Wire) -> None:
    main = modules(wired("user-api", http_server="granian"))["user/user_api_main.py"]
    assert "from zero_runtime.rest import granian\n" in main
    assert "    return granian.Server(config, routes(" in main


def test_an_rpc_service_is_served_by_what_its_target_says(wired: Wire) -> None:
    main = modules(wired("user-rpc", rpc_server="grpcio"))["user/user_rpc_main.py"]
    assert "from zero_runtime.rpc import grpcio\n" in main
    assert "    return grpcio.Server(config, (user_service(UserLogic(context)),))\n" in main


def test_services_of_one_proto_share_their_logic(wired: Wire) -> None:
    main = modules(rich(wired("user-rpc"), 1))["user/user_rpc_main.py"]
    assert "    logic = UserLogic(context)\n" in main
    assert "    return rpc.Server(config, (order_n_service(logic), stock_n_service(logic)))\n" in main
