"""`zero_api` and `zero_apis`."""

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

from pants_backend_zero.contracts import ContractDependenciesField, ContractKind, ContractSourceField

API = ContractKind(
    name="api",
    extension=".api",
    output_suffixes=("_api.py",),
    runtime_modules=("zero_runtime.rest", "msgspec"),
)


class ApiSourceField(ContractSourceField):
    kind = API
    expected_file_extensions = (".api",)
    help = help_text("""
        The contract: a file in go-zero's `.api` language, relative to the BUILD file. Example: `"user.api"`.
        """)


class ZeroApiTarget(Target):
    alias = "zero_api"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        ApiSourceField,
        ContractDependenciesField,
        PythonResolveField,
        InterpreterConstraintsField,
    )
    help = help_text("""
        An HTTP contract in go-zero's `.api` language.

        From `user.api` Zero generates the module `user_api`: request and response types, the abstract class
        that the logic implements (one async method per handler), and the finished route table. Nothing of it
        is committed: import it and Pants infers the dependency; look at it with `export-codegen`.

        A `zero_service` serves it: `zero_service(name="user-api", serves=":http",
        logic="api_logic.py:UserLogic")`.
        """)


class ApiGeneratingSourcesField(MultipleSourcesField):
    default = ("*.api",)
    expected_file_extensions = (".api",)
    help = generate_multiple_sources_field_help_message("Example: `sources=['*.api', '!draft_*.api']`")


class ApiOverridesField(OverridesField):
    help = generate_file_based_overrides_field_help_message(
        ZeroApiTarget.alias, """overrides={"user.api": {"tags": ["public"]}}"""
    )


class ZeroApisTarget(TargetFilesGenerator):
    alias = "zero_apis"
    core_fields = (*COMMON_TARGET_FIELDS, ApiGeneratingSourcesField, ApiOverridesField)
    generated_target_cls = ZeroApiTarget
    copied_fields = COMMON_TARGET_FIELDS
    moved_fields = (ContractDependenciesField, PythonResolveField, InterpreterConstraintsField)
    help = "Generate a `zero_api` target for each file in the `sources` field."
