"""`zero_api` and `zero_apis`."""

from pants.backend.python.target_types import InterpreterConstraintsField, PythonResolveField
from pants.core.goals.package import OutputPathField
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
from pants.util.frozendict import FrozenDict
from pants.util.strutil import help_text

from pants_backend_zero.api.imports import imported_paths
from pants_backend_zero.contracts import (
    ContractDependenciesField,
    ContractImportsSyntax,
    ContractKind,
    ContractSourceField,
)

API = ContractKind(
    name="api",
    extension=".api",
    output_suffixes=("_api.py", "_api.openapi.json"),
    runtime_modules=lambda _: ("zero_runtime.rest", "msgspec"),
    imports=ContractImportsSyntax(imported_paths, relative=True, parts=True),
    packaged=FrozenDict({"_api.openapi.json": ".openapi.json", "_api.ts": ".ts"}),
)


class ApiOutputPathField(OutputPathField):
    help = help_text("""
        The folder below `dist/` that `package` writes the OpenAPI document and the TypeScript client to.

        If undefined, it is the path to the BUILD file, followed by the target's name: `services.user/http`.
        """)


class ApiSourceField(ContractSourceField):
    kind = API
    expected_file_extensions = (".api",)
    help = help_text("""
        The contract: a file in go-zero's `.api` language, relative to the BUILD file. Example: `"user.api"`.
        """)


class SkipApiFormatField(BoolField):
    alias = "skip_zero_api_format"
    default = False
    help = "If true, don't run Zero's formatter (`zero-api-format`) on this contract."


class SkipApiLintField(BoolField):
    alias = "skip_zero_api_lint"
    default = False
    help = help_text("""
        If true, `lint` does not check this contract (`zero-api-lint`). Code is generated from it only if it
        is right, all the same.
        """)


class ZeroApiTarget(Target):
    alias = "zero_api"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        ApiSourceField,
        ContractDependenciesField,
        PythonResolveField,
        InterpreterConstraintsField,
        SkipApiFormatField,
        SkipApiLintField,
        ApiOutputPathField,
    )
    help = help_text("""
        An HTTP contract in go-zero's `.api` language.

        From `user.api` Zero generates the module `user_api`: request and response types, the abstract class
        that the logic implements (one method per handler and middleware), the finished route table, and a
        typed client. Nothing of it is committed: import it and Pants infers the dependency; look at it with
        `export-codegen`.

        A contract imports others by their path relative to it (`import "../common/page.api"`). These need
        a target of their own, and are inferred as dependencies.

        A `zero_service` serves it: `zero_service(name="user-api", serves=":http",
        logic="api_logic.py:UserLogic")`.

        `package` writes what others need to call it: the OpenAPI document `user.openapi.json` and the
        TypeScript client `user.ts`. `fmt` brings the file into goctl's layout, `lint` tells what is wrong
        with it.
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
    moved_fields = (
        ContractDependenciesField,
        PythonResolveField,
        InterpreterConstraintsField,
        SkipApiFormatField,
        SkipApiLintField,
    )
    help = "Generate a `zero_api` target for each file in the `sources` field."
