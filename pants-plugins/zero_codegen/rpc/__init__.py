"""RPC contracts: protobuf, to `<stem>_pb2.py`, `_pb2.pyi`, `_pb2_grpc.py` and `<stem>_rpc.py`.

Messages, with all that protobuf has for them, are protobuf's own; Zero adds the services. A proto without
services has an `_rpc.py` all the same, an empty one: a build graph knows outputs without reading contracts.
"""

from __future__ import annotations

from collections.abc import Sequence

from zero_codegen.diagnostics import Diagnostic
from zero_codegen.rpc import contract, emit, protoc
from zero_codegen.rpc.contract import Contract, Service
from zero_codegen.source import ContractFile, Output, generate_each

__all__ = ["Contract", "Service", "describe", "generate"]


def generate(files: Sequence[ContractFile], out: Output) -> Sequence[Diagnostic]:
    """Write the modules of every good contract, and return what is wrong with the others."""
    return generate_each(files, out, _generate)


def describe(file: ContractFile) -> Contract:
    """The services of a contract and the names generated for them. Raises ContractError."""
    return contract.read(file, protoc.compile_proto(file).descriptors)


def _generate(file: ContractFile) -> dict[str, str | bytes]:
    compiled = protoc.compile_proto(file)
    source = emit.source(contract.read(file, compiled.descriptors))
    stubs = protoc.type_stubs(file, compiled.descriptors)
    return {**compiled.modules, file.output("_pb2.pyi"): stubs, file.output("_rpc.py"): source}
