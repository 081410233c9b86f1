"""Running Zero's own programs, `zero_codegen` and `zero_image`, in the sandbox.

Their sources travel as resources of this distribution and are an input of each process, beside a PEX of the
locked tools: an edit of a template reruns what it concerns and rebuilds no PEX.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Iterator

import importlib_resources
from pants.backend.python.util_rules.pex import PexRequest, VenvPex, VenvPexProcess
from pants.backend.python.util_rules.pex_requirements import EntireLockfile, Lockfile
from pants.engine.fs import (
    CreateDigest,
    Digest,
    DigestContents,
    DigestSubset,
    FileContent,
    MergeDigests,
    PathGlobs,
    RemovePrefix,
)
from pants.engine.process import FallibleProcessResult, ProcessResult
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_backend_zero.errors import Diagnostic, ZeroError, parse_diagnostics
from pants_backend_zero.subsystem import Zero

OUT = "__out"
DIAGNOSTICS = "__diagnostics.json"


@dataclass(frozen=True)
class ZeroTools:
    """A Python with the locked tools, and the sources of the two programs: run `-m zero_codegen`, `-m zero_image`."""

    python: VenvPex
    codegen: Digest
    image: Digest


@rule(desc="Prepare Zero's generator and image builder")
async def prepare_tools(zero: Zero) -> ZeroTools:
    lockfile = Lockfile(
        url=zero.lockfile,
        url_description_of_origin="the option `[zero].lockfile`",
        resolve_name=zero.options_scope,
    )
    python, codegen, image = await MultiGet(
        Get(
            VenvPex,
            PexRequest(
                output_filename="zero.pex",
                internal_only=True,
                requirements=EntireLockfile(lockfile),
                interpreter_constraints=zero.interpreter_constraints,
            ),
        ),
        Get(Digest, CreateDigest(_package_files("zero_codegen"))),
        Get(Digest, CreateDigest(_package_files("zero_image"))),
    )
    return ZeroTools(python, codegen, image)


def _package_files(package: str) -> Iterator[FileContent]:
    """What the program runs with: its modules and templates, without tests and what only these need."""
    root = importlib_resources.files(package)
    pending = [(PurePath(package), root)]
    while pending:
        path, folder = pending.pop()
        for entry in folder.iterdir():
            if entry.is_dir():
                if entry.name not in ("testdata", "__pycache__"):
                    pending.append((path / entry.name, entry))
            elif _is_part(entry.name):
                yield FileContent(str(path / entry.name), entry.read_bytes())


def _is_part(file_name: str) -> bool:
    if file_name.endswith(("_test.py", ".pyc")) or file_name in ("testing.py", "conftest.py"):
        return False
    return file_name.endswith((".py", ".jinja", ".lark"))


@dataclass(frozen=True)
class GeneratorRequest:
    """Run `zero_codegen <argv>` on the inputs."""

    argv: tuple[str, ...]
    inputs: tuple[Digest, ...]
    description: str


@dataclass(frozen=True)
class GeneratorResult:
    """The files that were generated, and what was wrong."""

    digest: Digest
    diagnostics: tuple[Diagnostic, ...]


@rule
async def run_generator(request: GeneratorRequest, tools: ZeroTools) -> GeneratorResult:
    result = await Get(
        ProcessResult,
        VenvPexProcess(
            tools.python,
            argv=("-m", "zero_codegen", *request.argv, f"--out={OUT}", f"--diagnostics={DIAGNOSTICS}"),
            input_digest=await Get(Digest, MergeDigests([tools.codegen, *request.inputs])),
            output_directories=[OUT],
            output_files=[DIAGNOSTICS],
            description=request.description,
            level=LogLevel.DEBUG,
        ),
    )
    generated, (diagnostics,) = await MultiGet(
        Get(Digest, DigestSubset(result.output_digest, PathGlobs([f"{OUT}/**"]))),
        Get(DigestContents, DigestSubset(result.output_digest, PathGlobs([DIAGNOSTICS]))),
    )
    return GeneratorResult(
        await Get(Digest, RemovePrefix(generated, OUT)), parse_diagnostics(diagnostics.content)
    )


@dataclass(frozen=True)
class ImageBuilderRequest:
    """Run `zero_image <argv>` on the inputs; `output` is the files it makes, `output_folder` the one folder."""

    argv: tuple[str, ...]
    inputs: tuple[Digest, ...]
    description: str
    output: tuple[str, ...] = ()
    output_folder: str | None = None
    env: FrozenDict[str, str] = field(default_factory=FrozenDict)


@dataclass(frozen=True)
class ImageBuilderResult:
    digest: Digest


@rule
async def run_image_builder(request: ImageBuilderRequest, tools: ZeroTools) -> ImageBuilderResult:
    result = await Get(
        FallibleProcessResult,
        VenvPexProcess(
            tools.python,
            argv=("-m", "zero_image", *request.argv),
            input_digest=await Get(Digest, MergeDigests([tools.image, *request.inputs])),
            extra_env=request.env,
            output_files=request.output,
            output_directories=[request.output_folder] if request.output_folder else None,
            description=request.description,
        ),
    )
    if result.exit_code:
        raise ZeroError(f"{request.description}: failed.\n\n{result.stderr.decode()}")
    return ImageBuilderResult(result.output_digest)


def rules():
    return collect_rules()
