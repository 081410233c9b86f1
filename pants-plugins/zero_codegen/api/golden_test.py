"""Whole contracts and the modules made of them.

To write the modules anew after a change of the generator, run in the folder above `zero_codegen`:

    python -m zero_codegen api --source-root zero_codegen/api/testdata --out zero_codegen/api/testdata \
        zero_codegen/api/testdata/*.api
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import zero_runtime
from zero_codegen.api import JwtName, describe, generate
from zero_codegen.source import Output, read_contract

_TESTDATA = Path(__file__).with_name("testdata")
_CONTRACTS = sorted(_TESTDATA.glob("*.api"))
_CHECKS = (
    ("black", "--check", "--quiet", "--line-length=100"),
    ("ruff", "check", "--no-cache", "--isolated", "--line-length=110", "--select=E,F,W,I,B,UP,SIM,C4,RUF"),
    ("mypy", "--strict", "--follow-imports=silent", f"--cache-dir={os.devnull}"),
)


@pytest.mark.parametrize("contract", _CONTRACTS, ids=lambda path: path.name)
def test_modules_are_as_committed(contract: Path, tmp_path: Path) -> None:
    file = read_contract(str(contract), [str(_TESTDATA)])
    out = Output(tmp_path)
    assert generate([file], out) == []
    assert out.written == [file.output("_api.py")]
    (written,) = out.written
    expected = (_TESTDATA / written).read_text(encoding="utf-8")
    assert (tmp_path / written).read_text(encoding="utf-8") == expected


@pytest.mark.parametrize("check", _CHECKS, ids=lambda check: check[0])
def test_modules_have_style_and_types(check: tuple[str, ...]) -> None:
    process = subprocess.run(
        [sys.executable, "-m", *check, *(f"{contract.stem}_api.py" for contract in _CONTRACTS)],
        cwd=_TESTDATA,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "MYPYPATH": str(Path(zero_runtime.__file__).parent.parent),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stdout + process.stderr


def test_what_others_learn_of_a_contract() -> None:
    found = describe(read_contract(str(_TESTDATA / "shop.api"), [str(_TESTDATA)]))
    assert (found.service, found.api_class) == ("shop-api", "ShopApi")
    assert [(name.name, name.parameter) for name in found.jwt] == [
        ("AdminAuth", "admin_auth"),
        ("Auth", "auth"),
    ]
    (auth,) = describe(read_contract(str(_TESTDATA / "user.api"), [str(_TESTDATA)])).jwt
    assert auth == JwtName("Auth", "auth", 47, 7)
