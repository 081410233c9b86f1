import dataclasses
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from zero_codegen.service.conftest import STYLE, Wire
from zero_codegen.service.modules import modules
from zero_codegen.service.wiring import Bind, Client, Jwt, JwtTransition, Model, Served, Wiring


def rich(wiring: Wiring, length: int) -> Wiring:
    """The same service with several of everything, and a word of `length` letters in their names."""
    word = "n" * length
    shops = [("one", "cart", False), ("two", "item", True), (word, "parcel", False)]
    return dataclasses.replace(
        wiring,
        served=wiring.served and rich_service(wiring.served, word),
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
            Model(
                f"{name}_{word}_model", f"{folder}.shop_model", f"{name.title()}{word.title()}Model", cached
            )
            for folder, name, cached in shops
        ),
        schemas=tuple(f"{folder}.shop_model" for folder, *_ in shops),
    )


def rich_service(served: Served, word: str) -> Served:
    if served.kind == "api":
        return dataclasses.replace(served, signature=True)
    binds = tuple(Bind(f"{name}_{word}_service", "UserLogic") for name in ("order", "stock"))
    return dataclasses.replace(served, binds=binds)


@pytest.mark.parametrize("check", STYLE, ids=lambda check: check[0])
@pytest.mark.parametrize("length", [1, 12, 24])
@pytest.mark.parametrize(
    ("name", "server"),
    [
        ("user-api", {"http_server": "uvicorn"}),
        ("user-api", {"http_server": "granian"}),
        ("user-rpc", {"rpc_server": "http2"}),
        ("user-rpc", {"rpc_server": "grpcio"}),
        ("order-sweep", {}),
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
    assert "        await database.create(ONE_SHOP_SCHEMA, TWO_SHOP_SCHEMA, N_SHOP_SCHEMA)\n" in main


def test_the_tables_are_looked_at_before_anything_is_served(wired: Wire) -> None:
    main = modules(wired("order-rpc"))["order/order_rpc_main.py"]
    made, checked, served = (
        main.index(text) for text in ("database.create(", "model.check(database, context.", "Server(")
    )
    assert made < checked < served
    assert "model.check" not in modules(wired("user-api"))["user/user_api_main.py"]


def test_a_cache_is_opened_where_a_table_is_cached(wired: Wire) -> None:
    api, rpc = (modules(rich(wired(name), 1)) for name in ("user-api", "user-rpc"))
    opened = "model.open_cache(config.cache, config.redis, source=config.data_source"
    assert f"{opened})" in rpc["user/user_rpc_main.py"]
    opened = "".join(f"{opened}, processes=config.workers".split())
    assert opened in "".join(api["user/user_api_main.py"].split())
    assert (
        "model.open_database(config.data_source, config.database, cache=cache)"
        in rpc["user/user_rpc_main.py"]
    )
    plain = modules(wired("user-rpc"))
    assert "model.open_database(config.data_source, config.database)" in plain["user/user_rpc_main.py"]
    assert "cache" not in "".join(plain.values())
    assert "    cache: config.CacheConf = config.CacheConf()\n" in rpc["user/user_rpc_service.py"]


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


def test_a_job_is_run_and_not_served(wired: Wire) -> None:
    types, main = modules(wired("order-sweep")).values()
    assert "class Config(config.JobConf, kw_only=True, frozen=True):" in types
    assert "    return Sweep(context)\n" in main
    assert main.endswith("    job.run(Config, wire)\n")
    assert "service.run" not in main


def test_a_job_without_configuration_works_on_the_database_of_the_service(wired: Wire) -> None:
    shared = (
        'data_source: Annotated[config.DataSource, config.Embedded(config.sqlite_file_of("order-rpc"))]\n'
    )
    assert shared in modules(wired("order-sweep"))["order/order_sweep_service.py"]
    alone = modules(wired("order-sweep", tables_of=None))["order/order_sweep_service.py"]
    assert "    data_source: config.DataSource\n" in alone
