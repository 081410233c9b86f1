"""TypeScript clients: they compile as strictly as can be, and call a real server."""

from __future__ import annotations

import asyncio
import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers import require
from zero_codegen import api
from zero_codegen.api.emit import emit_typescript
from zero_codegen.source import ContractFile
from zero_runtime import config, rest

_TESTDATA = Path(__file__).parents[1] / "testdata"
_JWT = rest.Jwt(config.JwtConf(access_secret="k" * 32))
_COMPILER = (
    "--strict",
    "--exactOptionalPropertyTypes",
    "--noImplicitOverride",
    "--noImplicitReturns",
    "--noPropertyAccessFromIndexSignature",
    "--noUncheckedIndexedAccess",
    "--noUnusedLocals",
    "--noUnusedParameters",
    "--target",
    "es2020",
    "--module",
    "commonjs",
)


_NAMES = """
type (
	ApiError { Promise Promise `json:"promise"` }
	Promise { Blob []byte `json:"blob"` }
	Transport { Error Error `json:"error"` }
	Error { Tree map[string]Error `json:"tree,optional"` }
	Request {
		Request string   `path:"id"`
		Id      string   `json:"id"`
		Class   uint64   `header:"class"`
		Options []int64  `form:"options,optional"`
		Odd     int      `json:"a-b,options=1|2,default=2"`
		Other   *Other   `json:"other,optional"`
		Quoted  bool     `json:"quoted,string"`
	}
	Other { Request Response `json:"request"` }
	Response { Odd int `json:"a-b,omitempty,range=(0:]"` } // */ ends no comment
)

service shop-api {
	@handler Constructor
	post /constructor/:id (Request) returns (Response)
	@handler Delete
	delete /thing returns (Promise)
	@handler Error
	get /error returns (ApiError)
	@handler Client
	get /client returns (Transport)
}
"""
"""Names and keys that TypeScript, or the client itself, has for something else."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that uses a client, compiled; all other clients are compiled with it."""
    compiler = require("tsc", "node-typescript")
    folder = tmp_path_factory.mktemp("typescript")
    for source in _TESTDATA.glob("*.ts"):
        shutil.copy(source, folder)
    names = emit_typescript(api.load(ContractFile("names.api", "", _NAMES)))
    (folder / "names_api.ts").write_text(names, encoding="utf-8")
    files = sorted(path.name for path in folder.iterdir())
    process = subprocess.run([compiler, *_COMPILER, *files], cwd=folder, capture_output=True, text=True)
    assert process.returncode == 0, process.stdout
    return folder / "bookshop_use.js"


@pytest.fixture(scope="module")
def bookshop() -> Iterator[Any]:
    sys.path.insert(0, str(_TESTDATA))
    module = importlib.import_module("bookshop_api")
    logic = importlib.import_module("bookshop_logic").BookshopLogic()
    unsigned = rest.Signature(config.SignatureConf())
    transition = rest.JwtTransition(config.JwtTransitionConf(secret="n" * 32, prev_secret="k" * 32))
    yield module.routes(logic, auth=_JWT, admin_auth=transition, signature=unsigned)
    sys.path.remove(str(_TESTDATA))


@pytest.fixture(scope="module")
def said(program: Path, bookshop: Any) -> dict[str, Any]:
    """What the program says of its calls."""
    node = require("node", "nodejs")

    async def run() -> bytes:
        conf = config.RestConf(name="bookshop", host="127.0.0.1", port=0)
        server = rest.Server(conf, bookshop)
        url = await server.start()
        try:
            process = await asyncio.create_subprocess_exec(
                node, str(program), url, _JWT.issue(name="ann").text, stdout=-1, stderr=-1
            )
            output, errors = await asyncio.wait_for(process.communicate(), 30)
        finally:
            await server.stop(0)
        assert process.returncode == 0, errors.decode()
        return output

    result: dict[str, Any] = json.loads(asyncio.run(run()))
    return result


def test_values_go_where_the_contract_has_them(said: dict[str, Any]) -> None:
    assert (said["got"], said["found"], said["everything"]) == ("Dune, edition 2", 1, 1)
    assert said["listed"] == [str(2**60)]
    assert said["prices"] == {"978?0 é": {"amount": "9.90", "currency": "EUR"}}
    assert said["suggested"] == {"Dune": ["Dune, edition 2"]}
    assert said["purchase"]["buyer"] == "ann"


def test_answers_have_their_types(said: dict[str, Any]) -> None:
    assert said["added"]["id"] == str(2**60)
    assert said["newest"] == "1965-08-01T14:00:00+02:00"
    assert said["echoed"] == {"any": [1, None]}
    assert said["open"] == "undefined"
    assert said["sales"] == ["text/csv;charset=utf-8", "isbn,year\r\n978?0 é,2026\r\n"]


def test_files_are_uploaded(said: dict[str, Any]) -> None:
    assert said["cover"] == {"name": "blob", "type": "image/png", "bytes": 8, "files": 3}


def test_events_come_one_by_one_and_failures_are_raised(said: dict[str, Any]) -> None:
    assert [(event["number"], event.get("note")) for event in said["events"]] == [
        (1, None),
        (2, "by bicycle"),
    ]
    assert said["unknown"]["status"] == 404


def test_refusals_say_why(said: dict[str, Any]) -> None:
    assert said["missing"]["status"] == 404
    assert said["missing"]["message"] == "there is no book 1"
    assert [error["field"] for error in said["wrong"]["errors"]] == ["page", "size"]
    assert said["nobody"]["status"] == 401


def test_what_urls_cannot_carry_is_refused_before_it_is_sent(said: dict[str, Any]) -> None:
    assert said["elsewhere"] == [
        f'TypeError: "{text}" cannot be part of a path' for text in ("", "..", "a/b")
    ]


def test_calls_can_be_aborted(said: dict[str, Any]) -> None:
    assert said["aborted"].startswith("AbortError")
