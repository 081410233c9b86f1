"""Whole services and the files made of them.

To write the files anew after a change of the generator, run for each NAME in `testdata`:

    python -m zero_codegen service --spec NAME.json --out expected
    python -m zero_codegen configuration --spec NAME.json --out expected/etc
    python -m zero_codegen manifests --spec NAME.json --image image.json --out expected/k8s
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

import zero_runtime
from zero_codegen.cli import main
from zero_codegen.service.conftest import STYLE, TESTDATA, Specify

EXPECTED = TESTDATA / "expected"
SERVICES = ("user-api", "user-rpc", "order-rpc", "order-sweep")
CONTRACTS = (
    ("api", "services/user/user.api"),
    ("rpc", "services/user/user.proto"),
    ("rpc", "services/order/order.proto"),
    ("model", "services/user/user.sql"),
    ("model", "services/order/order.sql"),
)
LOGIC = ("user/api_logic.py", "user/rpc_logic.py", "order/orders.py", "order/stock.py", "order/sweep.py")
IMPORT_PATH = [os.path.abspath(path) for path in sys.path if path]
"""Where this process imports from, made absolute before a test changes the working folder."""


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(TESTDATA)


def generate(spec: Path, out: Path) -> list[int]:
    """The exit statuses of all commands for one service."""
    return [
        main(["service", "--spec", str(spec), "--out", str(out)]),
        main(["configuration", "--spec", str(spec), "--out", str(out / "etc")]),
        main(["manifests", "--spec", str(spec), "--out", str(out / "k8s"), "--image", "image.json"]),
    ]


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source root as a build sees it: logic and everything that is generated beside it."""
    root = tmp_path_factory.mktemp("services")
    for path in LOGIC:
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text((TESTDATA / "services" / path).read_text())
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(TESTDATA)
        settings = root / "settings.json"
        (model,) = json.loads(Path("order-rpc.json").read_text())["models"]
        settings.write_text(json.dumps({model["path"]: model["settings"]}))
        for kind, contract in CONTRACTS:
            arguments = ["--source-root", "services", "--out", str(root), contract]
            arguments += ["--settings", str(settings)] if kind == "model" else []
            assert main([kind, "generate", *arguments]) == 0
        for service in SERVICES:
            assert generate(Path(f"{service}.json"), root) == [0, 0, 0]
        logic = (root / "user" / "api_logic.py").read_text().replace("user_api_service", "fast_api_service")
        (root / "user" / "fast_logic.py").write_text(logic)
        fast = json.loads(Path("user-api.json").read_text())
        fast |= {"name": "fast-api", "http_server": "granian"}
        fast["logic"][0]["module"] = "user.fast_logic"
        (root / "fast-api.json").write_text(json.dumps(fast))
        assert generate(root / "fast-api.json", root) == [0, 0, 0]
    return root


def run(repository: Path, *command: str, **environ: str) -> str:
    """What a Python command prints that has the source root and the runtime on its path."""
    path = os.pathsep.join([str(repository), *IMPORT_PATH])
    done = subprocess.run(
        [sys.executable, *command],
        cwd=repository,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **environ},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_goldens(tmp_path: Path) -> None:
    for service in SERVICES:
        assert generate(Path(f"{service}.json"), tmp_path) == [0, 0, 0]
    assert files(tmp_path) == files(EXPECTED)


def test_writes_nothing_for_a_wrong_service(
    tmp_path: Path, specify: Specify, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps(specify("user-api", config={"Timout": 1}, clients=[])))
    out = tmp_path / "out"
    assert main(["manifests", "--spec", str(spec), "--image", "image.json", "--out", str(out)]) == 1
    assert capsys.readouterr().err == (
        "services/user:user-api: `config`: unknown key `Timout`\n  = hint: did you mean `Timeout`?\n"
    )
    assert not out.exists()


@pytest.mark.parametrize("command", ["service", "configuration", "manifests"])
def test_reports_to_a_file(tmp_path: Path, specify: Specify, command: str) -> None:
    spec, news = tmp_path / "spec.json", tmp_path / "news.json"
    spec.write_text(json.dumps(specify("user-api", port=0)))
    image = ["--image", "image.json"] if command == "manifests" else []
    assert (
        main([command, "--spec", str(spec), "--out", str(tmp_path), "--diagnostics", str(news), *image]) == 0
    )
    (diagnostic,) = json.loads(news.read_text())
    assert diagnostic["rendered"] == "services/user:user-api: `port`: 0 is not a TCP port (1 to 65535)"
    assert set(files(tmp_path)) == {"spec.json", "news.json"}


@pytest.mark.parametrize("service", SERVICES)
def test_the_runtime_takes_the_configuration(repository: Path, service: str) -> None:
    secrets = repository / "secrets"
    secrets.mkdir(exist_ok=True)
    variables = ("AUTH_ACCESS_SECRET", "DATA_SOURCE", "ETCD_PASS", "REDIS_PASS", "USER_RPC_TOKEN")
    for variable in (*variables, "DATABASE_REPLICAS_1"):
        (secrets / variable).write_text("sqlite:////data/user.db\n")
    program = f"""
from pathlib import Path
from {service.partition("-")[0]}.{service.replace("-", "_")}_service import Config
from zero_runtime.config import load
config = load(Config, Path("etc/{service}.yaml"))
print(config.name, config.mode, config.shutdown.wait_time)
"""
    assert run(repository, "-c", program, ZERO_SECRETS_DIR=str(secrets)) == f"{service} pro 5.5\n"


_CALLS = """
import asyncio
from order.order_pb2 import Order
from order.order_rpc import OrdersClient, StockClient
from user.user_pb2 import RegisterRequest
from user.user_rpc import UserClient
from zero_runtime import config, errors, rpc

async def until_found(call, request):
    while True:
        try:
            return await call(request)
        except errors.Unavailable:
            await asyncio.sleep(0.05)

def connect(service):
    return rpc.connect(config.RpcClientConf(target=f"local:///{service}"))

async def orders(*ids):
    for id in ids:
        yield Order(id=id)

async def main():
    async with asyncio.timeout(20), connect("user-rpc") as users, connect("order-rpc") as channel:
        user = await until_found(UserClient(users).register, RegisterRequest(mobile="1"))
        placed = await until_found(OrdersClient(channel).place, Order(id=7, user_id=user.id))
        print(placed.id, [order.id async for order in OrdersClient(channel).follow(placed)])
        stock = StockClient(channel)
        print(*[type(await done).__name__ for done in (stock.place(placed), stock.fill(orders(1, 2)))])
        try:
            await OrdersClient(channel).place(Order(user_id=user.id + 1))
        except errors.ZeroError as error:
            print(type(error).__name__)

asyncio.run(main())
"""


def test_services_run_and_find_each_other(repository: Path, tmp_path: Path) -> None:
    environ = {"ZERO_STATE_DIR": str(tmp_path)}
    with (
        serving(repository, "user.user_rpc_main", **environ),
        serving(repository, "order.order_rpc_main", **environ),
    ):
        assert run(repository, "-c", _CALLS, **environ) == "7 [7]\nEmpty Empty\nNotFound\n"
        assert "stock: None" in run(repository, "-m", "order.order_sweep_main", **environ)


@contextmanager
def serving(repository: Path, module: str, **environ: str) -> Iterator[None]:
    """A service, run without a file of configuration until the end of the block; it ends well."""
    environ |= {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    environ["PYTHONPATH"] = os.pathsep.join([str(repository), *IMPORT_PATH])
    with subprocess.Popen([sys.executable, "-m", module], cwd=repository, env=environ) as process:
        try:
            yield
        finally:
            process.terminate()
        assert process.wait(timeout=20) == 0


MODULES = tuple(
    f"{service}_{what}"
    for service in ("user.user_api", "user.user_rpc", "user.fast_api", "order.order_rpc", "order.order_sweep")
    for what in ("service", "main")
)


def test_modules_are_typed(repository: Path) -> None:
    options = ["--strict", "--explicit-package-bases", "--follow-imports=silent", f"--cache-dir={os.devnull}"]
    modules = [f"-m{module}" for module in MODULES]
    roots = os.pathsep.join([str(repository), str(Path(zero_runtime.__file__).parent.parent)])
    run(repository, "-m", "mypy", *options, *modules, MYPYPATH=roots)


@pytest.mark.parametrize("check", STYLE, ids=lambda check: check[0])
def test_modules_have_style(repository: Path, check: Sequence[str]) -> None:
    run(repository, "-m", *check, *(f"{module.replace('.', '/')}.py" for module in MODULES))
