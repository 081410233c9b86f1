"""The files made of the contracts in `testdata`, as a whole.

To write `expected` anew after a change of the generator, run in `testdata` and keep the `*_rpc.py`:

    python -m zero_codegen rpc generate --source-root services --source-root shared --out OUT \
        services/*/*.proto shared/*/*.proto
"""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import zero_runtime
from zero_codegen.cli import main
from zero_codegen.rpc import describe
from zero_codegen.source import read_contract

TESTDATA = Path(__file__).parent / "testdata"
EXPECTED = sorted((TESTDATA / "expected").iterdir())
ROOTS = ("services", "shared")
CONTRACTS = (
    "services/auction/auction.proto",
    "services/auction/heart_beat.proto",
    "services/auction/legacy.proto",
    "services/auction/lots.proto",
    "services/market/item-v1.proto",
    "services/market/market.proto",
    "services/user/user.proto",
    "shared/common/money.proto",
    "shared/common/options.proto",
)
MODULES = (
    "auction/auction",
    "auction/heart_beat",
    "auction/legacy",
    "auction/lots",
    "common/money",
    "common/options",
    "market/item_v1",
    "market/market",
    "user/user",
)


def generate(out: Path) -> None:
    roots = [f"--source-root={root}" for root in ROOTS]
    assert main(["rpc", "generate", *roots, "--out", str(out), *CONTRACTS]) == 0


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.py*"))}


def run(*command: str, **environ: str) -> None:
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, *command],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **environ},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source root that everything is generated to."""
    out = tmp_path_factory.mktemp("generated")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(TESTDATA)
        generate(out)
    return out


def test_goldens(generated: Path) -> None:
    written = {path.name: path.read_text() for path in generated.rglob("*_rpc.py")}
    assert written == {path.name: path.read_text() for path in EXPECTED}


def test_every_contract_has_the_same_outputs(generated: Path) -> None:
    suffixes = ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py", "_rpc.py")
    assert set(files(generated)) == {module + suffix for module in MODULES for suffix in suffixes}


def test_outputs_do_not_depend_on_the_place(
    generated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.symlink_to(TESTDATA)
    monkeypatch.chdir(elsewhere)
    generate(tmp_path / "out")
    assert files(tmp_path / "out") == files(generated)
    places = [str(place).encode() for place in (tmp_path, generated, TESTDATA, Path(sys.prefix))]
    assert not [name for name, text in files(generated).items() if any(place in text for place in places)]


def test_goldens_have_style() -> None:
    names = [str(path) for path in EXPECTED]
    run("-m", "black", "--check", "--line-length=100", *names)
    options = ["--isolated", "--no-cache", "--line-length=100", "--select=E,F,W,I,B,UP,SIM,C4,RUF"]
    run("-m", "ruff", "check", *options, *names)


def test_modules_are_typed(generated: Path) -> None:
    options = ["--strict", "--explicit-package-bases", "--follow-imports=silent", f"--cache-dir={os.devnull}"]
    # Which types the environment has for protobuf is no matter of what is generated.
    options += ["--ignore-missing-imports", "--disable-error-code=import-untyped", "--allow-subclassing-any"]
    modules = [f"-m{module.replace('/', '.')}_rpc" for module in MODULES]
    roots = os.pathsep.join([str(generated), str(Path(zero_runtime.__file__).parent.parent)])
    run("-m", "mypy", *options, *modules, MYPYPATH=roots)


def test_modules_of_grpc_take_any_comment(generated: Path) -> None:
    docstring = ast.parse((generated / "market/market_pb2_grpc.py").read_bytes()).body
    texts = [ast.get_docstring(node) for node in docstring if isinstance(node, ast.ClassDef)]
    assert 'What is for sale.\n\n"Prices" of C:\\ and """ more.' in texts


def test_a_service_is_registered_even_if_no_message_is_of_its_contract(generated: Path) -> None:
    paths = os.pathsep.join([str(generated), *filter(None, sys.path)])
    find = "descriptor_pool.Default().FindServiceByName('HeartBeat')"
    program = f"import auction.heart_beat_rpc; from google.protobuf import descriptor_pool; {find}"
    run("-c", program, PYTHONPATH=paths)


def test_describes_what_is_generated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(TESTDATA)
    services = describe(read_contract("services/market/market.proto", ROOTS)).services
    assert [(service.name, service.full_name) for service in services] == [
        ("MarketStall", "market.MarketStall"),
        ("audit_log", "market.audit_log"),
    ]
    assert [(service.rpc_class, service.client_class, service.function) for service in services] == [
        ("MarketStallRpc", "MarketStallClient", "market_stall_service"),
        ("AuditLogRpc", "AuditLogClient", "audit_log_service"),
    ]
    assert [(service.line, service.column) for service in services] == [(14, 9), (27, 9)]


def test_good_contracts_are_served_beside_bad_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("services/shop")
    folder.mkdir(parents=True)
    (folder / "good.proto").write_text(
        'syntax = "proto3"; package good; service S { rpc A(M) returns (M); } message M {}'
    )
    (folder / "bad.proto").write_text("message M {")
    assert (
        main(
            [
                "rpc",
                "generate",
                "--source-root",
                "services",
                "--out",
                "out",
                *map(str, sorted(folder.iterdir())),
            ]
        )
        == 1
    )
    written = {path.name for path in Path("out/shop").iterdir()}
    assert written == {"good_pb2.py", "good_pb2.pyi", "good_pb2_grpc.py", "good_rpc.py"}
    assert capfd.readouterr() == (
        "",
        "services/shop/bad.proto:1:12: reached end of input in message definition (missing '}')\n"
        "  | message M {\n"
        "  |            ^\n",
    )


def test_a_run_for_protos_loads_no_sql() -> None:
    run("-c", "import sys, zero_codegen.rpc; sys.exit('sqlglot' in sys.modules)")
