"""The files made of the contracts in `testdata`, as a whole.

To write them anew after a change of the generator, run in `testdata`:

    python -m zero_codegen model generate --settings settings.json --out expected *.sql
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import zero_runtime
from zero_codegen.cli import main

TESTDATA = Path(__file__).parent / "testdata"
CONTRACTS = sorted(path.name for path in TESTDATA.glob("*.sql"))
EXPECTED = sorted((TESTDATA / "expected").iterdir())


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(TESTDATA)


def run(*command: str, **environ: str) -> None:
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, *command],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **environ},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_goldens(tmp_path: Path) -> None:
    assert main(["model", "generate", "--settings", "settings.json", "--out", str(tmp_path), *CONTRACTS]) == 0
    written = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_text() for path in EXPECTED}


def test_goldens_have_style() -> None:
    files = [str(path) for path in EXPECTED]
    run("-m", "black", "--check", "--line-length=100", *files)
    run(
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--no-cache",
        "--line-length=100",
        "--select=E,F,W,I,B,UP,SIM,C4,RUF",
        *files,
    )


def test_goldens_are_typed() -> None:
    options = ["--strict", "--follow-imports=silent", f"--cache-dir={os.devnull}"]
    runtime = Path(zero_runtime.__file__).parent.parent
    run("-m", "mypy", *options, *(str(path) for path in EXPECTED), MYPYPATH=str(runtime))


def test_good_contracts_are_served_beside_bad_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("services/shop")
    folder.mkdir(parents=True)
    (folder / "bad.sql").write_bytes("CREATE TABLE t (\r\n  `名` int,\r\n  id itn PRIMARY KEY);\r\n".encode())
    (folder / "good-v1.sql").write_text("CREATE TABLE t (id int PRIMARY KEY)")
    arguments = ["model", "generate", "--source-root", "services", "--out", "out"]
    paths = [f"{folder}/{name}" for name in ("bad.sql", "good-v1.sql", "missing.sql")]
    assert main([*arguments, *paths]) == 1
    assert capsys.readouterr().err == """\
services/shop/bad.sql:2:3: column name `名` makes no Python name: letters of ASCII, digits and `_` do
  |   `名` int,
  |   ^^^^
services/shop/bad.sql:3:6: unknown type `ITN`
  |   id itn PRIMARY KEY);
  |      ^^^
  = hint: did you mean `INT`?
services/shop/missing.sql:1:1: cannot be read: No such file or directory
"""
    written = [path.relative_to("out").as_posix() for path in Path("out").rglob("*.py")]
    assert written == ["shop/good_v1_model.py"]
    assert main([*arguments, "--diagnostics", "news.json", *paths]) == 0
    assert [found["line"] for found in json.loads(Path("news.json").read_text())] == [2, 3, 1]


def test_a_run_for_tables_loads_no_grpc() -> None:
    run(
        "-c", "import sys, zero_codegen.model; sys.exit('grpc_tools' in sys.modules or 'grpc' in sys.modules)"
    )
