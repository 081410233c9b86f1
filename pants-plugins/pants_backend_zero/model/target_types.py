"""`zero_model` and `zero_models`."""

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

MODEL = ContractKind(
    name="model",
    extension=".sql",
    output_suffixes=("_model.py",),
    runtime_modules=lambda _: ("zero_runtime.model", "msgspec"),
)


class ModelSourceField(ContractSourceField):
    kind = MODEL
    expected_file_extensions = (".sql",)
    help = help_text("""
        The contract: SQL DDL (`CREATE TABLE` in MySQL's dialect), relative to the BUILD file. Example:
        `"user.sql"`.
        """)


class ZeroModelTarget(Target):
    alias = "zero_model"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        ModelSourceField,
        ContractDependenciesField,
        PythonResolveField,
        InterpreterConstraintsField,
    )
    help = help_text("""
        Tables in SQL DDL.

        From `user.sql` Zero generates the module `user_model`: per table a row type and a repository (insert,
        find_one, find_one_by_<unique key>, find_many_by_<index>, update, delete) whose statements are
        finished text for MySQL and SQLite.

        A `zero_service` that names it in `models` gets the repositories in its context.
        """)


class ModelGeneratingSourcesField(MultipleSourcesField):
    default = ("*.sql",)
    expected_file_extensions = (".sql",)
    help = generate_multiple_sources_field_help_message("Example: `sources=['*.sql', '!draft_*.sql']`")


class ModelOverridesField(OverridesField):
    help = generate_file_based_overrides_field_help_message(
        ZeroModelTarget.alias, """overrides={"user.sql": {"tags": ["public"]}}"""
    )


class ZeroModelsTarget(TargetFilesGenerator):
    alias = "zero_models"
    core_fields = (*COMMON_TARGET_FIELDS, ModelGeneratingSourcesField, ModelOverridesField)
    generated_target_cls = ZeroModelTarget
    copied_fields = COMMON_TARGET_FIELDS
    moved_fields = (ContractDependenciesField, PythonResolveField, InterpreterConstraintsField)
    help = "Generate a `zero_model` target for each file in the `sources` field."
