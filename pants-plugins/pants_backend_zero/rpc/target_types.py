"""`zero_rpc` and `zero_rpcs`."""

from typing import Tuple

from pants.backend.python.target_types import InterpreterConstraintsField, PythonResolveField
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    BoolField,
    MultipleSourcesField,
    OverridesField,
    Target,
    TargetFilesGenerator,
    generate_file_based_overrides_field_help_message,
    generate_multiple_sources_field_help_message,
)
from pants.util.strutil import help_text

from pants_backend_zero.contracts import (
    ContractDependenciesField,
    ContractImportsSyntax,
    ContractKind,
    ContractSourceField,
)
from pants_backend_zero.rpc.statements import declares_service, imported_paths


def _runtime_modules(text: str) -> Tuple[str, ...]:
    """The runtime itself is generated from protos without services: it must not be what these depend on."""
    messages = ("google.protobuf", "grpc")
    return ("zero_runtime.rpc", *messages) if declares_service(text) else messages


RPC = ContractKind(
    name="rpc",
    extension=".proto",
    output_suffixes=("_pb2.py", "_pb2.pyi", "_pb2_grpc.py", "_rpc.py"),
    runtime_modules=_runtime_modules,
    imports=ContractImportsSyntax(imported_paths),
)


class RpcSourceField(ContractSourceField):
    kind = RPC
    expected_file_extensions = (".proto",)
    help = help_text("""
        The contract: a protobuf file, relative to the BUILD file. Example: `"user.proto"`.
        """)


class SkipRpcLintField(BoolField):
    alias = "skip_zero_rpc_lint"
    default = False
    help = help_text("""
        If true, `lint` does not check this contract (`zero-rpc-lint`). Others that import it are checked all
        the same.
        """)


class ZeroRpcTarget(Target):
    alias = "zero_rpc"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        RpcSourceField,
        ContractDependenciesField,
        PythonResolveField,
        InterpreterConstraintsField,
        SkipRpcLintField,
    )
    help = help_text("""
        An RPC contract in protobuf.

        From `user.proto` Zero generates `user_pb2` (with type stubs), `user_pb2_grpc` and `user_rpc`: per
        proto service the abstract class that the logic implements (one method per rpc, unary or streaming)
        and a typed client that hides channels. Imports of other contracts are written relative to their
        source root (`import "user/user.proto";`) and inferred as dependencies.

        A `zero_service` serves it (`serves=":rpc"`), others call it (`clients=[":rpc"]`).

        `lint` checks it with buf, by the rules in the repository's `buf.yaml` or else buf's category BASIC.
        `zero-breaking --zero-breaking-against=main` tells what has changed since a revision that would break
        those who call it.
        """)


class RpcGeneratingSourcesField(MultipleSourcesField):
    default = ("*.proto",)
    expected_file_extensions = (".proto",)
    help = generate_multiple_sources_field_help_message("Example: `sources=['*.proto', '!draft_*.proto']`")


class RpcOverridesField(OverridesField):
    help = generate_file_based_overrides_field_help_message(
        ZeroRpcTarget.alias, """overrides={"user.proto": {"tags": ["public"]}}"""
    )


class ZeroRpcsTarget(TargetFilesGenerator):
    alias = "zero_rpcs"
    core_fields = (*COMMON_TARGET_FIELDS, RpcGeneratingSourcesField, RpcOverridesField)
    generated_target_cls = ZeroRpcTarget
    copied_fields = COMMON_TARGET_FIELDS
    moved_fields = (
        ContractDependenciesField,
        PythonResolveField,
        InterpreterConstraintsField,
        SkipRpcLintField,
    )
    help = "Generate a `zero_rpc` target for each file in the `sources` field."
