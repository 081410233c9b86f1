"""`zero_model` and `zero_models`."""

import re
from typing import Tuple

from pants.backend.python.dependency_inference.default_unowned_dependencies import (
    DEFAULT_UNOWNED_DEPENDENCIES,
)
from pants.backend.python.target_types import InterpreterConstraintsField, PythonResolveField
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    DictStringToStringField,
    MultipleSourcesField,
    OverridesField,
    StringField,
    StringSequenceField,
    Target,
    TargetFilesGenerator,
    generate_file_based_overrides_field_help_message,
    generate_multiple_sources_field_help_message,
)
from pants.util.strutil import help_text

from pants_backend_zero.contracts import (
    ContractDependenciesField,
    ContractKind,
    ContractSettingField,
    ContractSourceField,
)

_OBJECT = re.compile(r"\b([A-Za-z_][A-Za-z0-9_.]*):([A-Za-z_][A-Za-z0-9_]*)")
"""A `module:Class`, wherever it stands: `list[shop.shop_api:Item]` has one, too."""


class DialectField(ContractSettingField, StringField):
    alias = "dialect"
    valid_choices = ("mysql", "postgresql", "sqlite")
    help = help_text("""
        The database whose SQL the contract is written in: `mysql` (the default; MariaDB, too), `postgresql`
        or `sqlite`. It does not say where the tables are: what is generated runs on all three.
        """)


class CachedField(ContractSettingField, StringSequenceField):
    alias = "cached"
    help = help_text("""
        The tables whose rows are cached when they are found by the primary key or a unique index: in Redis,
        or in the process where the configuration says so (`Cache.Store`). `["*"]` are all of the contract.
        Default: none. Example: `cached=["user"]`.
        """)


class TypesField(ContractSettingField, DictStringToStringField):
    alias = "types"
    help = help_text("""
        Python types of columns, where others than the usual ones are wanted. A key is `table.column`. A value
        is `bool`, `int`, `float`, `str`, `decimal.Decimal` or `uuid.UUID`; or `module:Class`, an enum, a
        NewType or any other callable that takes what the column holds; or, of a JSON column, a type that JSON
        is decoded into: `module:Class`, `list[str]`, `dict[str, int]`. The modules are imported by the
        generated code and inferred as dependencies. Example: `types={"user.gender": "user.kinds:Gender",
        "order.delivery": "shop.shop_api:Delivery"}`.
        """)

    @property
    def objects(self) -> Tuple[Tuple[str, str], ...]:
        found = {found for text in (self.value or {}).values() for found in _OBJECT.findall(text)}
        return tuple(
            sorted(each for each in found if each[0].split(".")[0] not in DEFAULT_UNOWNED_DEPENDENCIES)
        )


class VersionColumnField(ContractSettingField, StringField):
    alias = "version_column"
    help = help_text("""
        The name of the column that counts the changes of a row. A table that has it is updated under an
        optimistic lock: `update` changes a row only if nobody else has changed it since it was read, and
        raises `model.VersionConflict` otherwise. Tables without it are not concerned, so it may be set for
        all of the repository by `__defaults__`. Default: none. Example: `version_column="version"`.
        """)


class SoftDeleteColumnField(ContractSettingField, StringField):
    alias = "soft_delete_column"
    help = help_text("""
        The name of the column that says when a row was deleted; it has to be a moment that may be NULL.
        `delete` of a table that has it keeps the row and sets the column, nothing finds the row from then on,
        and there are `restore` and `purge`. Tables without it are not concerned, so it may be set for all of
        the repository by `__defaults__`. Default: none. Example: `soft_delete_column="deleted_at"`.
        """)


MODEL = ContractKind(
    name="model",
    extension=".sql",
    output_suffixes=("_model.py",),
    runtime_modules=lambda _: ("zero_runtime.model", "msgspec"),
    settings=(DialectField, CachedField, TypesField, VersionColumnField, SoftDeleteColumnField),
)


class ModelSourceField(ContractSourceField):
    kind = MODEL
    expected_file_extensions = (".sql",)
    help = help_text("""
        The contract: SQL DDL in the field `dialect`, and the statements of one's own that go with it,
        relative to the BUILD file. Example: `"user.sql"`.
        """)


class ZeroModelTarget(Target):
    alias = "zero_model"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        ModelSourceField,
        *MODEL.settings,
        ContractDependenciesField,
        PythonResolveField,
        InterpreterConstraintsField,
    )
    help = help_text("""
        Tables in SQL DDL.

        From `user.sql` Zero generates the module `user_model`: per table a row type and a repository (insert,
        upsert, find_one, find_one_by_<unique key>, find_many_by_<index>, list, count, update, delete, the
        statements of one's own in the contract) whose statements are finished text for SQLite, MySQL or
        MariaDB, and PostgreSQL. The contracts of one folder are one database: foreign keys may refer to
        tables of others.

        A `zero_service` that names it in `models` gets the repositories in its context.

        `zero-migrate --zero-migrate-against=main` writes the migration from the tables of a revision to those
        of today.
        """)


class ModelGeneratingSourcesField(MultipleSourcesField):
    default = ("*.sql",)
    expected_file_extensions = (".sql",)
    help = generate_multiple_sources_field_help_message("Example: `sources=['*.sql', '!draft_*.sql']`")


class ModelOverridesField(OverridesField):
    help = generate_file_based_overrides_field_help_message(
        ZeroModelTarget.alias, """overrides={"user.sql": {"cached": ["user"]}}"""
    )


class ZeroModelsTarget(TargetFilesGenerator):
    alias = "zero_models"
    core_fields = (*COMMON_TARGET_FIELDS, ModelGeneratingSourcesField, ModelOverridesField)
    generated_target_cls = ZeroModelTarget
    copied_fields = COMMON_TARGET_FIELDS
    moved_fields = (
        *MODEL.settings,
        ContractDependenciesField,
        PythonResolveField,
        InterpreterConstraintsField,
    )
    help = "Generate a `zero_model` target for each file in the `sources` field."
