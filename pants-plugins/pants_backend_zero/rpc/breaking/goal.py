"""`zero-breaking`: what has changed in contracts since a git revision that breaks those who call them."""

from __future__ import annotations

import os.path
import re
from dataclasses import dataclass
from enum import Enum
from typing import Any, Iterator, Mapping

from pants.base.specs import RawSpecs, Specs
from pants.engine.addresses import Address
from pants.engine.console import Console
from pants.engine.fs import CreateDigest, Digest, DigestContents, FileContent, PathGlobs
from pants.engine.goal import Goal, GoalSubsystem
from pants.engine.rules import Get, MultiGet, collect_rules, goal_rule, rule
from pants.engine.target import FilteredTargets
from pants.option.option_types import EnumOption, StrOption
from pants.util.logging import LogLevel
from pants.util.strutil import pluralize, softwrap

from pants_backend_zero.contract_imports import ContractClosure, ContractClosureRequest
from pants_backend_zero.contracts import AllContracts
from pants_backend_zero.errors import ZeroError
from pants_backend_zero.history.build_files import DeclaredContract
from pants_backend_zero.rpc.breaking.breaks import BEFORE, DELETIONS, NOW, Comparison
from pants_backend_zero.rpc.breaking.pairs import Today, paired
from pants_backend_zero.rpc.breaking.revision import Revision, RevisionRequest
from pants_backend_zero.rpc.buf.config import BufConfig, module_config
from pants_backend_zero.rpc.buf.tool import COMPILE, CONFIG, BufRequest, BufResult
from pants_backend_zero.rpc.target_types import RPC, RpcSourceField

# Some file has to be there for buf, even if all contracts are gone.
_PLACEHOLDER = FileContent(f"{NOW}/zero_placeholder.proto", b'syntax = "proto3";\n')


class Category(Enum):
    WIRE = "WIRE"
    WIRE_JSON = "WIRE_JSON"
    PACKAGE = "PACKAGE"
    FILE = "FILE"


class ZeroBreakingSubsystem(GoalSubsystem):
    name = "zero-breaking"
    help = softwrap("""
        Tell what has changed in RPC contracts since a git revision that breaks those who call them.

        Example: `./pants zero-breaking --zero-breaking-against=main ::`.
        """)

    against = StrOption(
        default=None,
        help="The git revision that the contracts are compared with: a branch, a tag, a commit.",
    )
    category = EnumOption(
        default=None,
        enum_type=Category,
        help=softwrap("""
            buf's category of rules: `WIRE` (what is sent), `WIRE_JSON` (also as JSON), `PACKAGE` or `FILE` (also the
            generated code). With the first two, a call, service or contract that is gone breaks, too. Default: the
            rules that the section `breaking` of `buf.yaml` uses, or else `WIRE`.
            """),
    )


class ZeroBreaking(Goal):
    subsystem_cls = ZeroBreakingSubsystem
    environment_behavior = Goal.EnvironmentBehavior.LOCAL_ONLY


@dataclass(frozen=True)
class BreaksRequest:
    """Compare contracts, and those of a revision that are not there any more, with that revision."""

    revision: str
    contracts: tuple[Address, ...]
    gone: tuple[DeclaredContract, ...]
    category: Category | None


@dataclass(frozen=True)
class Breaks:
    """What is told: changes, or, where contracts do not compile, what is wrong with them."""

    told: tuple[str, ...]
    compiled: bool


@goal_rule
async def tell_breaks(
    console: Console,
    subsystem: ZeroBreakingSubsystem,
    specs: Specs,
    all_contracts: AllContracts,
) -> ZeroBreaking:
    if not subsystem.against:
        raise ZeroError("Name the revision to compare with, for example `--zero-breaking-against=main`.")
    if not specs and not specs.includes.from_change_detection:
        raise ZeroError("Name the contracts to compare, for example all of them: `::`.")
    revision = await Get(Revision, RevisionRequest(subsystem.against))
    # Not a parameter of the rule, which would be ambiguous in the rule graph.
    targets = await Get(FilteredTargets, Specs, specs)
    contracts = tuple(sorted(target.address for target in targets if target.has_field(RpcSourceField)))
    gone = tuple(
        declared
        for declared in revision.contracts
        if declared.path not in all_contracts.by_path and _is_named(declared, specs)
    )
    if not contracts and not gone:
        console.print_stderr("No RPC contract is among the targets that are named: nothing was compared.")
        return ZeroBreaking(exit_code=0)
    breaks = await Get(Breaks, BreaksRequest(subsystem.against, contracts, gone, subsystem.category))
    for line in breaks.told:
        console.print_stdout(line)
    if breaks.told:
        what = (
            f"{pluralize(len(breaks.told), 'change')} since {subsystem.against} that those who call these contracts "
            "do not understand."
            if breaks.compiled
            else "Contracts are compared only if they compile, now and in the revision."
        )
        console.print_stderr(f"\n{console.sigil_failed()} {what}")
        return ZeroBreaking(exit_code=1)
    console.print_stderr(
        f"{console.sigil_succeeded()} Nothing in {pluralize(len(contracts) + len(gone), 'contract')} breaks those "
        f"who call them as of {subsystem.against}."
    )
    return ZeroBreaking(exit_code=0)


def _is_named(declared: DeclaredContract, specs: Specs) -> bool:
    """Whether a target that is not there any more is among those that the command line names."""

    def named(raw: RawSpecs) -> bool:
        folders = (*raw.dir_literals, *raw.dir_globs, *raw.recursive_globs, *raw.ancestor_globs)
        return any(spec.matches_target_residence_dir(declared.folder) for spec in folders) or any(
            (spec.path_component, spec.target_component or os.path.basename(spec.path_component))
            == (declared.folder, declared.name)
            for spec in raw.address_literals
        )

    return named(specs.includes) and not named(specs.ignores)


@rule(desc="Compare contracts with a git revision", level=LogLevel.DEBUG)
async def find_breaks(request: BreaksRequest, all_contracts: AllContracts, config: BufConfig) -> Breaks:
    contracts = [contract for contract in all_contracts.by_address.values() if contract.kind == RPC]
    revision = await Get(Revision, RevisionRequest(request.revision))
    contents = await Get(DigestContents, PathGlobs(sorted({contract.path for contract in contracts})))
    closures = await MultiGet(
        Get(ContractClosure, ContractClosureRequest((contract.target.address,))) for contract in contracts
    )
    texts = {file.path: file.content.decode("utf-8", "replace") for file in contents}
    today = {
        contract.target.address: Today(
            contract.path,
            contract.stripped_path,
            texts.get(contract.path, ""),
            closure.files,
        )
        for contract, closure in zip(contracts, closures)
    }
    checked = [today[address] for address in request.contracts]
    use, lenient = _rules(request.category, config)
    comparisons = [
        Comparison(
            request.revision,
            module,
            {name: revision.texts[path] for name, path in module.before.items()},
            lenient,
        )
        for module in paired(list(today.values()), revision, checked, request.gone)
    ]
    inputs = await MultiGet(
        Get(Digest, CreateDigest(_sides(comparison, texts, {**config.breaking, **use})))
        for comparison in comparisons
    )
    results = await MultiGet(
        Get(
            BufResult,
            BufRequest(
                # Imports are what is not in the repository: google's well-known types, which buf has.
                ("breaking", NOW, f"--against={BEFORE}", "--exclude-imports"),
                digest,
                f"Compare contracts with {request.revision}",
            ),
        )
        for digest in inputs
    )
    failures = [result.failure for result in results if result.failure]
    if failures:
        raise ZeroError(failures[0])
    told = {
        line
        for comparison, result in zip(comparisons, results)
        for line in comparison.breaks(result.annotations)
    }
    rules_told = {annotation.rule for result in results for annotation in result.annotations}
    return Breaks(tuple(sorted(told, key=_by_place)), COMPILE not in rules_told)


def _by_place(line: str) -> list[tuple[int, str]]:
    """Line 8 comes before line 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", line)]


def _rules(category: Category | None, config: BufConfig) -> tuple[Mapping[str, Any], bool]:
    """The setting `use` where it is not that of the configuration, and whether messages may go."""
    if category is None and "use" in config.breaking:
        return {}, False
    category = category or Category.WIRE
    lenient = category in (Category.WIRE, Category.WIRE_JSON)
    return {"use": [category.value, *(DELETIONS if lenient else ())]}, lenient


def _sides(
    comparison: Comparison, texts: Mapping[str, str], settings: Mapping[str, Any]
) -> Iterator[FileContent]:
    module = comparison.module
    names = {*module.now, *module.before}
    paths = {name: [side[name] for side in (module.now, module.before) if name in side] for name in names}
    yield FileContent(f"{NOW}/{CONFIG}", module_config("breaking", settings, paths))
    yield FileContent(f"{BEFORE}/{CONFIG}", module_config("breaking", {}, {}))
    yield _PLACEHOLDER
    for name, path in module.now.items():
        if path in texts:
            yield FileContent(f"{NOW}/{name}", texts[path].encode())
    yield from (FileContent(f"{BEFORE}/{name}", text.encode()) for name, text in comparison.texts.items())


def rules():
    return collect_rules()
