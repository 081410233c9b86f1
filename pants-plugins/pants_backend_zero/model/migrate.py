"""`zero-migrate`: the migration from the tables of a git revision to those of today, for alembic.

The contracts of one folder are one database and have one history, in `migrations/` beside them: at any
revision it makes the tables that the contracts declare there. Where a revision has no migrations yet, one
that makes its tables is written first.
"""

from __future__ import annotations

import os.path
from dataclasses import dataclass

from pants.base.specs import Specs
from pants.engine.console import Console
from pants.engine.fs import (
    EMPTY_DIGEST,
    CreateDigest,
    Digest,
    FileContent,
    MergeDigests,
    PathGlobs,
    Snapshot,
    Workspace,
)
from pants.engine.goal import Goal, GoalSubsystem
from pants.engine.rules import Get, MultiGet, collect_rules, goal_rule, rule
from pants.engine.target import FilteredTargets
from pants.option.option_types import StrOption
from pants.util.logging import LogLevel
from pants.util.strutil import softwrap

from pants_backend_zero.codegen import SETTINGS, ContractProgram, ContractProgramRequest, settings_files
from pants_backend_zero.contracts import AllContracts
from pants_backend_zero.errors import ZeroError
from pants_backend_zero.history.revision import (
    PastContracts,
    PastContractsRequest,
    PastFiles,
    PastFilesRequest,
)
from pants_backend_zero.model.target_types import MODEL, ModelSourceField
from pants_backend_zero.tools import GeneratorRequest, GeneratorResult

BEFORE = "__before"
"""The folder of the contracts as they were."""
SETTINGS_BEFORE = "__settings_before.json"


class ZeroMigrateSubsystem(GoalSubsystem):
    name = "zero-migrate"
    help = softwrap("""
        Write the migration from the tables of a git revision to those of today, for review.

        Example: `./pants zero-migrate --zero-migrate-against=main services/user:model`. It takes all
        contracts in the folder of a `zero_model` that is named, for they are one database, and writes a
        revision of alembic to `migrations/versions` there, for SQLite, MySQL and PostgreSQL alike; at the
        first time also what alembic needs to run it.
        """)

    against = StrOption(
        default=None,
        help="The git revision that the tables are compared with: a branch, a tag, a commit.",
    )
    message = StrOption(
        default=None,
        help="What the migration is for, as part of its name. Default: made of what it changes.",
    )


class ZeroMigrate(Goal):
    subsystem_cls = ZeroMigrateSubsystem
    environment_behavior = Goal.EnvironmentBehavior.LOCAL_ONLY


@dataclass(frozen=True)
class MigrationRequest:
    """Compare the tables of the contracts in a folder with those of a revision."""

    folder: str
    revision: str
    message: str | None = None

    @property
    def migrations(self) -> str:
        """The folder of alembic's environment."""
        return os.path.join(self.folder, "migrations")

    @property
    def versions(self) -> str:
        """The folder of the migrations themselves."""
        return os.path.join(self.migrations, "versions")

    @property
    def ini(self) -> str:
        """The configuration of alembic."""
        return os.path.join(self.folder, "alembic.ini")


@dataclass(frozen=True)
class MigrationProgram:
    """Runs of the generator.

    `first` makes the tables of the revision where there is no migration yet; `change` is given what it writes.
    `newer` are the migrations that the revision does not have.
    """

    first: GeneratorRequest | None
    change: GeneratorRequest
    newer: tuple[str, ...]


@rule
async def gather_migration(request: MigrationRequest, all_contracts: AllContracts) -> MigrationProgram:
    contracts = all_contracts.by_folder[request.folder, MODEL.name]
    for contract in contracts:
        all_contracts.check_settings(contract)
    program, past, files, versions, environment = await MultiGet(
        Get(ContractProgram, ContractProgramRequest(tuple(each.target.address for each in contracts))),
        Get(PastContracts, PastContractsRequest(request.revision, MODEL)),
        Get(PastFiles, PastFilesRequest(request.revision)),
        Get(Snapshot, PathGlobs([os.path.join(request.versions, "*.py")])),
        Get(Digest, PathGlobs([os.path.join(request.migrations, "*"), request.ini])),
    )
    # What a macro declares is not seen in a revision: a file that is a contract today was one then.
    before = {each.path: each.settings for each in contracts if each.path in past.texts}
    for declared in past.contracts:
        if os.path.dirname(declared.path) == request.folder:
            before[declared.path] = dict(declared.settings)
    arguments = (f"--against={request.revision}", f"--migrations={request.migrations}")
    first = None
    if before and not versions.files:
        settings = settings_files(SETTINGS, before)
        texts = [FileContent(path, past.texts[path].encode()) for path in before]
        first = GeneratorRequest(
            (
                *("model", "migrate", f"--before={BEFORE}", *arguments),
                *(f"--settings={file.path}" for file in settings),
                *(f"--source-root={root}" for root in sorted({past.source_roots[path] for path in before})),
                *sorted(before),
            ),
            (await Get(Digest, CreateDigest([*texts, *settings])), environment),
            f"Write the first migration of {request.folder}",
        )
    settings = settings_files(SETTINGS_BEFORE, before)
    texts = [FileContent(os.path.join(BEFORE, path), past.texts[path].encode()) for path in before]
    change = GeneratorRequest(
        (
            *("model", "migrate", f"--before={BEFORE}", *arguments),
            *(f"--settings-before={file.path}" for file in settings),
            *([f"--message={request.message}"] if request.message else ()),
            *program.arguments,
        ),
        (program.digest, await Get(Digest, CreateDigest([*texts, *settings])), versions.digest, environment),
        f"Compare the tables of {request.folder} with {request.revision}",
    )
    newer = tuple(path for path in versions.files if path not in files.blobs)
    return MigrationProgram(first, change, newer)


@dataclass(frozen=True)
class Migration:
    """The files to write, by their paths in the repository, and what is wrong."""

    written: Snapshot
    mistakes: tuple[str, ...]


@rule(desc="Compare tables with a git revision", level=LogLevel.DEBUG)
async def make_migration(request: MigrationRequest) -> Migration:
    program = await Get(MigrationProgram, MigrationRequest, request)
    first = GeneratorResult(EMPTY_DIGEST, ())
    if program.first:
        first = await Get(GeneratorResult, GeneratorRequest, program.first)
    change = await Get(
        GeneratorResult,
        GeneratorRequest(
            program.change.argv, (*program.change.inputs, first.digest), program.change.description
        ),
    )
    written = await Get(Snapshot, MergeDigests([first.digest, change.digest]))
    mistakes = [diagnostic.rendered for diagnostic in change.diagnostics]
    if not mistakes:
        mistakes = [f"{request.revision}:{diagnostic.rendered}" for diagnostic in first.diagnostics]
    if written.files and program.newer:
        mistakes.append(
            f"{program.newer[0]}: {request.revision} does not have this migration, so what has changed since "
            "then may be in it\n"
            "  = hint: delete it to have it written anew, or compare with a revision that has it"
        )
    return Migration(written, tuple(mistakes))


@goal_rule
async def write_migrations(
    console: Console,
    workspace: Workspace,
    subsystem: ZeroMigrateSubsystem,
    specs: Specs,
    all_contracts: AllContracts,
) -> ZeroMigrate:
    if not subsystem.against:
        raise ZeroError("Name the revision to compare with, for example `--zero-migrate-against=main`.")
    if not specs and not specs.includes.from_change_detection:
        raise ZeroError("Name the contracts to migrate, for example all of a folder: `services/user:`.")
    # Not a parameter of the rule, which would be ambiguous in the rule graph.
    targets = await Get(FilteredTargets, Specs, specs)
    folders = sorted(
        {
            os.path.dirname(all_contracts.by_address[target.address].path)
            for target in targets
            if target.has_field(ModelSourceField)
        }
    )
    if not folders:
        console.print_stderr("No `zero_model` is among the targets that are named: nothing was compared.")
        return ZeroMigrate(exit_code=0)
    migrations = await MultiGet(
        Get(Migration, MigrationRequest(folder, subsystem.against, subsystem.message)) for folder in folders
    )
    mistakes = [mistake for migration in migrations for mistake in migration.mistakes]
    if mistakes:
        console.print_stderr("\n\n".join(mistakes))
        return ZeroMigrate(exit_code=1)
    workspace.write_digest(
        await Get(Digest, MergeDigests([migration.written.digest for migration in migrations]))
    )
    for folder, migration in zip(folders, migrations):
        for path in migration.written.files:
            console.print_stdout(path)
        if not migration.written.files:
            console.print_stderr(f"{folder or '.'}: the tables are those of {subsystem.against}.")
    if any(migration.written.files for migration in migrations):
        console.print_stderr("\nReview what was written before it changes a database.")
    return ZeroMigrate(exit_code=0)


def rules():
    return collect_rules()
