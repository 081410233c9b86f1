"""Running buf in the sandbox: from its wheel, without a network."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pants.backend.python.target_types import ConsoleScript
from pants.backend.python.util_rules.pex import PexRequest, VenvPex, VenvPexProcess
from pants.backend.python.util_rules.pex_requirements import EntireLockfile, Lockfile
from pants.engine.fs import Digest, DigestContents, GlobMatchErrorBehavior, PathGlobs
from pants.engine.process import FallibleProcessResult
from pants.engine.rules import Get, collect_rules, rule
from pants.option.option_types import StrOption
from pants.option.subsystem import Subsystem
from pants.util.logging import LogLevel
from pants.util.strutil import softwrap

from pants_backend_zero.rpc.buf.config import BufConfig, read_config
from pants_backend_zero.subsystem import Zero

CONFIG = "buf.yaml"
"""What buf calls the configuration of a module."""

COMPILE = "COMPILE"
"""What buf gives as the rule where protos do not compile."""

_FOUND = 100
"""buf's exit status when there is something to tell about the protos."""


class Buf(Subsystem):
    options_scope = "zero-buf"
    name = "buf"
    help = "buf (https://buf.build/docs/cli), with which the protos of `zero_rpc` targets are linted and compared."

    lockfile = StrOption(
        default="3rdparty/python/buf.lock",
        advanced=True,
        help="The lock (requirements with hashes) that the requirement `buf-bin` is installed from.",
    )
    config = StrOption(
        default=CONFIG,
        help=softwrap("""
            buf's configuration, of version v2. Its sections `lint` and `breaking` are taken; paths in them are below
            the root of the repository. Modules and dependencies are Zero's affair: all contracts are one module, and
            what they import is in the repository. Without that file, contracts are linted by buf's category `BASIC`
            and compared by `WIRE`.
            """),
    )


@dataclass(frozen=True)
class BufTool:
    pex: VenvPex


@rule(desc="Prepare buf")
async def prepare_buf(buf: Buf, zero: Zero) -> BufTool:
    lockfile = Lockfile(
        url=buf.lockfile,
        url_description_of_origin="the option `[zero-buf].lockfile`",
        resolve_name=buf.options_scope,
    )
    request = PexRequest(
        output_filename="buf.pex",
        internal_only=True,
        requirements=EntireLockfile(lockfile),
        interpreter_constraints=zero.interpreter_constraints,
        main=ConsoleScript("buf"),
    )
    return BufTool(await Get(VenvPex, PexRequest, request))


@rule
async def find_config(buf: Buf) -> BufConfig:
    named = PathGlobs(
        [buf.config],
        glob_match_error_behavior=GlobMatchErrorBehavior.error,
        description_of_origin="the option `[zero-buf].config`",
    )
    # Where nobody has named one, there need not be any.
    globs = PathGlobs([buf.config]) if buf.options.is_default("config") else named
    for file in await Get(DigestContents, PathGlobs, globs):
        return read_config(file.path, file.content.decode("utf-8", "replace"))
    return BufConfig()


@dataclass(frozen=True)
class Annotation:
    """What buf tells about a place. It has no path where that is of a file that is not there any more."""

    path: str | None
    line: int
    column: int
    rule: str
    message: str

    @property
    def told(self) -> str:
        return f"{self.message.rstrip('.')}. ({self.rule})"


@dataclass(frozen=True)
class BufRequest:
    """Run `buf <argv>`; `input` has protos with the configurations of their modules."""

    argv: tuple[str, ...]
    input: Digest
    description: str


@dataclass(frozen=True)
class BufResult:
    """What buf told, or why it could not."""

    annotations: tuple[Annotation, ...]
    failure: str | None


@rule
async def run_buf(request: BufRequest, tool: BufTool, buf: Buf) -> BufResult:
    result = await Get(
        FallibleProcessResult,
        VenvPexProcess(
            tool.pex,
            argv=(*request.argv, "--error-format=json"),
            input_digest=request.input,
            # Nothing from or to the home of who runs it.
            extra_env={"BUF_CACHE_DIR": ".buf"},
            description=request.description,
            level=LogLevel.DEBUG,
        ),
    )
    if result.exit_code not in (0, _FOUND):
        told = (result.stderr or result.stdout).decode().strip()
        if told.startswith("Failure: "):
            told = told[len("Failure: ") :]
        return BufResult((), f"buf, configured by `{buf.config}`: {told}")
    return BufResult(parse_annotations(result.stdout.decode()), None)


def parse_annotations(report: str) -> tuple[Annotation, ...]:
    """Of buf's report in JSON, a line for each."""
    entries = [json.loads(line) for line in report.splitlines() if line]
    return tuple(
        Annotation(
            entry.get("path"),
            entry.get("start_line", 1),
            entry.get("start_column", 1),
            entry["type"],
            entry["message"],
        )
        for entry in entries
    )


def rules():
    return collect_rules()
