"""Protoc's report, as diagnostics."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from zero_codegen.diagnostics import Diagnostic, did_you_mean
from zero_codegen.rpc.places import character_column
from zero_codegen.source import ContractFile

_SCALARS = {"double", "float", "bool", "string", "bytes", "int32", "int64", "uint32", "uint64"} | {
    "sint32",
    "sint64",
    "fixed32",
    "fixed64",
    "sfixed32",
    "sfixed64",
}
_LINE = re.compile(r"(?P<path>[^:]+\.proto):(?:(?P<line>\d+):(?P<column>\d+):)? (?P<message>.+)")
_NOT_FOUND = ("File not found.", "Backslashes, consecutive slashes, ")
"""What protoc says of an import that is not there, or that is written like `./user.proto`."""
_DECLARATION = re.compile(r"\b(?:message|enum)\s+(\w+)")
_BEFORE_METHOD_TYPE = re.compile(r"\(\s*(?:stream\s+)?$")
_WORD = re.compile(r'[\w.]+|"[^"]*"|.')


def diagnostics(file: ContractFile, report: str, roots: Sequence[str]) -> list[Diagnostic]:
    """What protoc, having looked for imports in `roots`, printed as wrong with a proto and its imports."""
    lines = [match for match in map(_LINE.fullmatch, report.splitlines()) if match]
    missing = {line["path"] for line in lines if line["message"].startswith(_NOT_FOUND)}
    found = [
        _diagnostic(file, line, missing, roots)
        for line in lines
        if line["path"] not in missing and not line["message"].startswith("warning:")
    ]
    return found or [file.diagnostic(1, 1, f"protoc fails: {report.strip()}")]


def _diagnostic(
    file: ContractFile, line: re.Match[str], missing: set[str], roots: Sequence[str]
) -> Diagnostic:
    path = PurePosixPath(line["path"]).as_posix()
    lines = file.lines if path == file.path else _lines(path)
    number = int(line["line"] or 1)
    text = lines[number - 1] if number <= len(lines) else ""
    column = character_column(text, int(line["column"] or 1) - 1)
    marked = _WORD.match(text, column)
    message = re.sub(r'"([^"\s]+)"', r"`\1`", line["message"].strip().removesuffix("."))
    if message[1:2].islower():
        message = message[0].lower() + message[1:]
    hint = None
    if unknown := re.fullmatch(r"`([\w.]+)` is not defined", message):
        declared = {name for other in lines for name in _DECLARATION.findall(other)}
        is_message = _BEFORE_METHOD_TYPE.search(text[:column])
        known = declared if is_message else declared | _SCALARS
        hint = did_you_mean(unknown[1], known - {unknown[1]})
    elif message == "expected message type":
        hint = "a call takes and gives messages: declare one that has it as a field"
    elif imported := re.fullmatch(r"import `(.+)` was not found or had errors", message):
        message = f"import `{imported[1]}` has errors"
        if imported[1] in missing:
            message = f"import `{imported[1]}` is not found"
            searched = ", ".join(f"`{root or '.'}`" for root in roots)
            hint = _from_its_folder(file, imported[1]) if path == file.path else None
            hint = hint or (
                f"an import is a path below a source root: {searched}; "
                "if the file is there, no `zero_rpc` target has it: run `./pants tailor ::`"
            )
    return Diagnostic(path, number, column + 1, message, hint, text, len(marked[0]) if marked else 1)


def _from_its_folder(file: ContractFile, imported: str) -> str | None:
    """The hint for an import that is written as if it began in the proto's own folder."""
    path = posixpath.normpath(PurePosixPath(file.name).parent / imported)
    is_there = not path.startswith(("../", "/")) and Path(file.source_root, path).is_file()
    return f"did you mean `{path}`?" if is_there else None


def _lines(path: str) -> list[str]:
    """The lines of an imported file."""
    return Path(path).read_text(encoding="utf-8-sig", errors="replace").splitlines()
