from __future__ import annotations

from pathlib import Path

import pytest

from zero_codegen.diagnostics import ContractError
from zero_codegen.source import ContractFile, Output, generate_each, read_contract, read_contracts


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str, content: bytes = b"") -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("path", "source_roots", "name", "module"),
    [
        ("services/user/user.api", ["services"], "user/user.api", "user.user_api"),
        ("services/user/user.api", [], "services/user/user.api", "services.user.user_api"),
        ("services/user/user.api", ["."], "services/user/user.api", "services.user.user_api"),
        ("services/user/user.api", ["services", "services/user"], "user.api", "user_api"),
        (
            "services/user/user.api",
            ["services/us", "lib"],
            "services/user/user.api",
            "services.user.user_api",
        ),
        ("./services//user-v1.2.api", ["./services/"], "user-v1.2.api", "user_v1_2_api"),
    ],
)
def test_module_names(path: str, source_roots: list[str], name: str, module: str) -> None:
    file = read_contract(write(path), source_roots)
    assert (file.name, file.module("_api")) == (name, module)
    assert file.output("_api.py") == module.replace(".", "/") + ".py"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"a\r\nb\rc\n", "a\nb\nc\n"),
        (b"\xef\xbb\xbfa", "a"),
        ("用户".encode(), "用户"),
    ],
)
def test_text_is_read_in_one_form(content: bytes, text: str) -> None:
    assert read_contract(write("a.api", content)).text == text


@pytest.mark.parametrize(
    ("path", "content", "rendered"),
    [
        ("a.api", None, "a.api:1:1: cannot be read: No such file or directory"),
        (
            "a.api",
            b"ok\nx\xff",
            "a.api:2:2: is not UTF-8 text: byte 0xff\n  = hint: save the file as UTF-8",
        ),
        (
            "my-service/a.api",
            b"",
            "my-service/a.api:1:1: the folder name `my-service` cannot be part of a Python module name\n"
            "  = hint: rename it, for example to `my_service`",
        ),
        (
            "class/a.api",
            b"",
            "class/a.api:1:1: the folder name `class` cannot be part of a Python module name\n"
            "  = hint: rename it, for example to `class_`",
        ),
        (
            "2fa.api",
            b"",
            "2fa.api:1:1: the file name `2fa` cannot be part of a Python module name\n"
            "  = hint: rename it, for example to `_2fa`",
        ),
    ],
)
def test_what_cannot_be_a_module_is_refused(path: str, content: bytes | None, rendered: str) -> None:
    if content is not None:
        write(path, content)
    with pytest.raises(ContractError) as raised:
        read_contract(path)
    assert str(raised.value) == rendered


def test_an_absolute_path_needs_a_source_root(folder: Path) -> None:
    path = str(folder / write("a/b.api"))
    assert read_contract(path, [str(folder)]).name == "a/b.api"
    for source_roots in ([], ["."], ["a"]):
        with pytest.raises(ContractError, match="an absolute path is no module name"):
            read_contract(path, source_roots)


def test_two_files_of_one_module_are_refused_and_the_first_is_kept() -> None:
    paths = [write("a-b.api"), write("a.b.api"), write("a_b.proto"), "a-b.api"]
    files, diagnostics = read_contracts(paths, [])
    assert [file.path for file in files] == ["a-b.api", "a_b.proto"]
    assert [each.render() for each in diagnostics] == [
        "a.b.api:1:1: gives the same Python module as `a-b.api`\n  = hint: rename one of the two files"
    ]


def test_good_files_are_written_though_others_are_bad(folder: Path) -> None:
    def generate(file: ContractFile) -> dict[str, str]:
        if file.text == "bad":
            raise ContractError([file.diagnostic(1, 1, "is bad", length=3)])
        return {file.output(".py"): file.text}

    files = [ContractFile("a/bad.x", "", "bad"), ContractFile("a/good.x", "", "用户")]
    out = Output(folder / "out")
    assert [each.message for each in generate_each(files, out, generate)] == ["is bad"]
    assert out.written == ["a/good.py"]
    assert (folder / "out/a/good.py").read_text(encoding="utf-8") == "用户"
    assert not (folder / "out/a/bad.py").exists()
