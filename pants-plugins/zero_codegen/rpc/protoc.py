"""The protobuf compiler and its plugins, run inside this process: no `PATH`, no second interpreter."""

from __future__ import annotations

import io
import keyword
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc_tools
from google.protobuf.compiler.plugin_pb2 import CodeGeneratorRequest, CodeGeneratorResponse
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

from zero_codegen.diagnostics import ContractError
from zero_codegen.rpc.report import diagnostics
from zero_codegen.source import ContractFile

_WELL_KNOWN_TYPES = Path(grpc_tools.__file__).parent / "_proto"
_KEYWORD_EXTENSION = re.compile(rf"(?m)^ *(?:{'|'.join(keyword.kwlist)}): _extension_dict\..*\n")
"""An extension called like a Python keyword, which only `getattr` reaches. mypy-protobuf leaves such fields
out but not such extensions, and no type checker can read the file then."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What protoc makes of a proto.

    `descriptors` are the proto's and those of everything it imports, with comments and places; `modules` the
    messages and the plain gRPC stubs (`_pb2.py`, `_pb2_grpc.py`) by path.
    """

    descriptors: FileDescriptorSet
    modules: dict[str, bytes]


def compile_proto(file: ContractFile) -> Compiled:
    """Run protoc. Raises ContractError with every mistake that it finds; its warnings do not count."""
    # First in the file's own root, for that is where its own name is from.
    roots = [root for root in dict.fromkeys((file.source_root, *file.import_roots)) if Path(root).is_dir()]
    with tempfile.TemporaryDirectory() as folder:
        described, escaped = Path(folder, "described.pb"), Path(folder, "escaped.pb")
        status, report = _protoc(
            *(f"--proto_path={root or '.'}" for root in roots),
            f"--proto_path={_WELL_KNOWN_TYPES}",
            "--include_imports",
            "--include_source_info",
            f"--descriptor_set_out={described}",
            f"--python_out={folder}",
            file.path,
        )
        if status:
            raise ContractError(diagnostics(file, report, roots))
        descriptors = FileDescriptorSet.FromString(described.read_bytes())
        escaped.write_bytes(_with_escaped_comments(descriptors, file.name).SerializeToString())
        status, report = _protoc(f"--descriptor_set_in={escaped}", f"--grpc_python_out={folder}", file.name)
        if status:
            raise ContractError(diagnostics(file, report, roots))
        return Compiled(
            descriptors,
            {
                path.relative_to(folder).as_posix(): path.read_bytes()
                for path in sorted(Path(folder).rglob("*.py"))
            },
        )


def _with_escaped_comments(descriptors: FileDescriptorSet, name: str) -> FileDescriptorSet:
    """The same with comments of a proto as they have to be in a docstring: gRPC's plugin does not care."""
    result = FileDescriptorSet.FromString(descriptors.SerializeToString())
    (proto,) = (proto for proto in result.file if proto.name == name)
    for location in proto.source_code_info.location:
        for kind in ("leading_comments", "trailing_comments"):
            comment = getattr(location, kind).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
            setattr(location, kind, comment)
    return result


def type_stubs(file: ContractFile, descriptors: FileDescriptorSet) -> bytes:
    """The types of the messages (`_pb2.pyi`), by mypy-protobuf.

    Preferred to protoc's own `--pyi_out`: comments become docstrings, and arguments, enums, `HasField` and
    `WhichOneof` have exact types. It is called as protoc calls a plugin: with a request on standard input,
    the answer on standard output.
    """
    from mypy_protobuf.main import main as plugin

    request = CodeGeneratorRequest(
        file_to_generate=[file.name], parameter="quiet", proto_file=descriptors.file
    )
    answer = io.BytesIO()
    stdin, stdout = sys.stdin, sys.stdout
    sys.stdin = io.TextIOWrapper(io.BytesIO(request.SerializeToString()))
    sys.stdout = io.TextIOWrapper(answer, write_through=True)
    try:
        plugin()
        stubs = CodeGeneratorResponse.FromString(answer.getvalue()).file[0].content
        return _KEYWORD_EXTENSION.sub("", stubs).encode()
    finally:
        sys.stdin, sys.stdout = stdin, stdout


def _protoc(*arguments: str) -> tuple[int, str]:
    """Protoc's exit status and what it printed."""
    with tempfile.TemporaryFile() as report:
        with _printing_to(report.fileno()):
            status = protoc.main(["protoc", *arguments])
        report.seek(0)
        return status, report.read().decode(errors="replace")


@contextmanager
def _printing_to(target: int) -> Iterator[None]:
    """Turn the process' standard output and error to a file: protoc is C++ and knows no `sys.stderr`."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [(stream, os.dup(stream)) for stream in (1, 2)]
    try:
        for stream, _ in saved:
            os.dup2(target, stream)
        yield
    finally:
        for stream, copy in saved:
            os.dup2(copy, stream)
            os.close(copy)
