"""The contracts of another git revision."""

from __future__ import annotations

import fnmatch
import os.path
from dataclasses import dataclass
from pathlib import PurePath
from typing import Iterator

from pants.base.build_environment import get_buildroot
from pants.core.util_rules.system_binaries import BashBinary, GitBinary
from pants.engine.env_vars import EnvironmentVars, EnvironmentVarsRequest
from pants.engine.fs import CreateDigest, Digest, FileContent
from pants.engine.process import FallibleProcessResult, Process, ProcessCacheScope, ProcessResult
from pants.engine.rules import Get, collect_rules, rule
from pants.option.global_options import GlobalOptions
from pants.source.source_root import OptionalSourceRootsResult, SourceRootsRequest
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_backend_zero.contracts import ContractKind
from pants_backend_zero.errors import ZeroError, nearest
from pants_backend_zero.history.build_files import DeclaredContract, declared_contracts

_OBJECTS = "__objects"


@dataclass(frozen=True)
class GitCommitRequest:
    revision: str
    env: EnvironmentVars


@dataclass(frozen=True)
class GitCommit:
    id: str


@rule
async def find_commit(request: GitCommitRequest, git: GitBinary) -> GitCommit:
    """What a name stands for is asked in each run: a branch moves."""

    def ask(*argv: str) -> Process:
        return Process(
            _git(git, *argv),
            env=request.env,
            description=f"Look up the git revision {request.revision}",
            cache_scope=ProcessCacheScope.PER_SESSION,
            level=LogLevel.DEBUG,
        )

    commit = f"{request.revision}^{{commit}}"
    found = await Get(
        FallibleProcessResult,
        Process,
        ask("rev-parse", "--verify", "--quiet", "--end-of-options", commit),
    )
    if found.exit_code:
        names = await Get(FallibleProcessResult, Process, ask("for-each-ref", "--format=%(refname:short)"))
        told = (found.stderr or names.stderr).decode().strip()
        close = nearest(request.revision, names.stdout.decode().split())
        raise ZeroError(
            f"git knows no revision `{request.revision}` here"
            + (f": {told}" if told else ". A shallow clone has only the latest ones: `git fetch` it.")
            + (f"\n  = hint: did you mean `{close}`?" if close else "")
        )
    return GitCommit(found.stdout.decode().strip())


@dataclass(frozen=True)
class PastFilesRequest:
    """The files of a revision, which is named in any of the ways that git names one."""

    revision: str


@dataclass(frozen=True)
class PastFiles:
    """The ids of the contents of all regular files of a revision, by path; and what git's environment is."""

    blobs: FrozenDict[str, str]
    env: EnvironmentVars


@rule
async def list_past_files(request: PastFilesRequest, git: GitBinary) -> PastFiles:
    # Where git's own configuration is, which may say whose repositories it may read.
    env = await Get(EnvironmentVars, EnvironmentVarsRequest(["HOME", "XDG_CONFIG_HOME"]))
    commit = await Get(GitCommit, GitCommitRequest(request.revision, env))
    listing = await Get(
        ProcessResult,
        Process(
            _git(git, "ls-tree", "-r", "-z", commit.id),
            env=env,
            description=f"List the files of {request.revision}",
            level=LogLevel.DEBUG,
        ),
    )
    return PastFiles(FrozenDict(_blobs(listing.stdout.decode("utf-8", "replace"))), env)


@dataclass(frozen=True)
class PastContractsRequest:
    """The contracts of a kind in a revision."""

    revision: str
    kind: ContractKind


@dataclass(frozen=True)
class PastContracts:
    """The files of a kind in a revision: their texts and source roots by path, and which were contracts."""

    texts: FrozenDict[str, str]
    source_roots: FrozenDict[str, str]
    contracts: tuple[DeclaredContract, ...]


@rule(desc="Read the contracts of a git revision", level=LogLevel.DEBUG)
async def read_past_contracts(
    request: PastContractsRequest, git: GitBinary, bash: BashBinary, options: GlobalOptions
) -> PastContracts:
    extension = request.kind.extension
    past = await Get(PastFiles, PastFilesRequest(request.revision))
    files = {
        path: blob
        for path, blob in past.blobs.items()
        if path.endswith(extension) or _is_build_file(path, options)
    }
    objects = FileContent(_OBJECTS, "".join(f"{blob}\n" for blob in files.values()).encode())
    contents = await Get(
        ProcessResult,
        Process(
            # Not `git archive`, which leaves out what `export-ignore` says.
            (bash.path, "-c", f'"$@" < {_OBJECTS}', "bash", *_git(git, "cat-file", "--batch")),
            input_digest=await Get(Digest, CreateDigest([objects])),
            env=past.env,
            description=f"Read the contracts of {request.revision}",
            level=LogLevel.DEBUG,
        ),
    )
    texts = dict(zip(files, _texts(contents.stdout)))
    of_the_kind = sorted(path for path in texts if path.endswith(extension))
    roots = await Get(OptionalSourceRootsResult, SourceRootsRequest.for_files(of_the_kind))
    source_roots = {
        path: found.source_root.path
        for path in of_the_kind
        for found in [roots.path_to_optional_root[PurePath(path)]]
        if found.source_root
    }
    build_files = {path: text for path, text in texts.items() if not path.endswith(extension)}
    contracts = set(declared_contracts(request.kind, build_files, list(source_roots)))
    return PastContracts(
        FrozenDict({path: texts[path] for path in source_roots}),
        FrozenDict(source_roots),
        tuple(sorted(contracts, key=lambda declared: (declared.path, declared.folder, declared.name))),
    )


def _git(git: GitBinary, *argv: str) -> tuple[str, ...]:
    """A command of git in the repository, not in the sandbox."""
    return (git.path, "-C", get_buildroot(), *argv)


def _is_build_file(path: str, options: GlobalOptions) -> bool:
    return any(fnmatch.fnmatch(os.path.basename(path), pattern) for pattern in options.build_patterns)


def _blobs(listing: str) -> Iterator[tuple[str, str]]:
    """Paths of regular files and the ids of their contents, of `git ls-tree -z`."""
    for entry in filter(None, listing.split("\0")):
        description, _, path = entry.partition("\t")
        mode, _, blob = description.split(" ")
        if mode.startswith("100"):
            yield path, blob


def _texts(batch: bytes) -> Iterator[str]:
    """Contents of `git cat-file --batch`: each after a line `<id> blob <size>` and before a line break."""
    start = 0
    while start < len(batch):
        content = batch.index(b"\n", start) + 1
        size = int(batch[start:content].split()[2])
        yield batch[content : content + size].decode("utf-8", "replace")
        start = content + size + 1


def rules():
    return collect_rules()
