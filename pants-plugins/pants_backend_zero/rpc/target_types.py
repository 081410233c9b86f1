"""`zero_rpc` and `zero_rpcs`."""

import re

from pants.backend.python.target_types import InterpreterConstraintsField, PythonResolveField
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
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

# `import "user/user.proto";`, also `public` and `weak`: https://protobuf.dev/reference/protobuf/proto3-spec/
_IMPORT = re.compile(r"""(?:^|;)\s*import\s+(?:public\s+|weak\s+)?["'](.+?\.proto)["']\s*;""", re.MULTILINE)

RPC = ContractKind(
    name="rpc",
    extension=".proto",
    output_suffixes=("_pb2.py", "_pb2.pyi", "_pb2_grpc.py", "_rpc.py"),
    runtime_modules=("zero_runtime.rpc", "google.protobuf", "grpc"),
    imports=ContractImportsSyntax(_IMPORT.findall),
)


class RpcSourceField(ContractSourceField):
    kind = RPC
    expected_file_extensions = (".proto",)
    help = help_text("""
        The contract: a protobuf file, relative to the BUILD file. Example: `"user.proto"`.
        """)


class ZeroRpcTarget(Target):
    alias = "zero_rpc"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        RpcSourceField,
        ContractDependenciesField,
        PythonResolveField,
        InterpreterConstraintsField,
    )
    help = help_text("""
        An RPC contract in protobuf.

        From `user.proto` Zero generates `user_pb2` (with type stubs), `user_pb2_grpc` and `user_rpc`: per
        proto service the abstract class that the logic implements (one async method per rpc) and a typed
        client that hides channels. Imports of other contracts are written relative to their source root
        (`import "user/user.proto";`) and inferred as dependencies.

        A `zero_service` serves it (`serves=":rpc"`), others call it (`clients=[":rpc"]`).
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
    moved_fields = (ContractDependenciesField, PythonResolveField, InterpreterConstraintsField)
    help = "Generate a `zero_rpc` target for each file in the `sources` field."
