"""Whole contracts and the modules made of them.

To write the modules anew after a change of the generator, run in the folder above `zero_codegen`:

    python -m zero_codegen api generate --source-root zero_codegen/api/testdata --out zero_codegen/api/testdata \
        zero_codegen/api/testdata/*.api zero_codegen/api/testdata/common/*.api
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import zero_runtime
from zero_codegen.api import describe, generate
from zero_codegen.source import Output, read_contract

_TESTDATA = Path(__file__).with_name("testdata")
_CONTRACTS = sorted(_TESTDATA.rglob("*.api"))
_CHECKS = (
    ("black", "--check", "--quiet", "--line-length=100"),
    (
        "ruff",
        "check",
        "--no-cache",
        "--isolated",
        "--line-length=110",
        "--select=E,F,W,I,B,UP,SIM,C4,RUF",
        "--config=lint.isort.known-third-party=['common']",
    ),
    ("mypy", "--strict", "--explicit-package-bases", "--follow-imports=silent", f"--cache-dir={os.devnull}"),
)


@pytest.mark.parametrize("contract", _CONTRACTS, ids=lambda path: path.name)
def test_what_is_made_is_as_committed(contract: Path, tmp_path: Path) -> None:
    file = read_contract(str(contract), [str(_TESTDATA)])
    out = Output(tmp_path)
    assert generate([file], out) == []
    assert out.written[0] == file.output("_api.py")
    for written in out.written:
        expected = (_TESTDATA / written).read_text(encoding="utf-8")
        assert (tmp_path / written).read_text(encoding="utf-8") == expected


@pytest.mark.parametrize("check", _CHECKS, ids=lambda check: check[0])
def test_modules_have_style_and_types(check: tuple[str, ...]) -> None:
    process = subprocess.run(
        [
            sys.executable,
            "-m",
            *check,
            *(str(path.relative_to(_TESTDATA)) for path in _TESTDATA.rglob("*.py")),
        ],
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
    file = read_contract(str(_TESTDATA / "bookshop.api"), [str(_TESTDATA)])
    found = describe(file)
    assert (found.service, found.api_class, found.signature) == ("bookshop-api", "BookshopApi", True)
    assert [(name.name, name.parameter) for name in found.jwts] == [("Auth", "auth")]
    assert [(name.name, name.parameter) for name in found.transitions] == [("AdminAuth", "admin_auth")]
    assert found.middlewares == ("audit_middleware", "quota_middleware")
    (auth,) = describe(read_contract(str(_TESTDATA / "user.api"), [str(_TESTDATA)])).jwts
    assert (auth.line, auth.column) == (47, 7)
