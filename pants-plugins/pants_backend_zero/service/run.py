"""`run` on a `zero_service`: the service as a process of this machine, with embedded defaults."""

from __future__ import annotations

import os.path
from dataclasses import dataclass

from pants.backend.python.target_types import EntryPoint
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex import PexRequest, VenvPex, VenvPexRequest
from pants.backend.python.util_rules.pex_environment import PexEnvironment, PythonExecutable
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.backend.python.util_rules.python_sources import (
    PythonSourceFiles,
    PythonSourceFilesRequest,
)
from pants.core.goals.run import RunFieldSet, RunInSandboxBehavior, RunRequest
from pants.engine.fs import Digest, MergeDigests
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import TransitiveTargets, TransitiveTargetsRequest
from pants.util.logging import LogLevel

from pants_backend_zero.service.logic import CheckedService, CheckedServiceRequest
from pants_backend_zero.service.target_types import LogicField, ServesField, ServiceSourcesField


@dataclass(frozen=True)
class RunServiceFieldSet(RunFieldSet):
    run_in_sandbox_behavior = RunInSandboxBehavior.NOT_SUPPORTED
    required_fields = (ServesField, LogicField, ServiceSourcesField)

    serves: ServesField


@rule(desc="Run a service", level=LogLevel.DEBUG)
async def run_service(field_set: RunServiceFieldSet, pex_environment: PexEnvironment) -> RunRequest:
    address = field_set.address
    service, transitive = await MultiGet(
        Get(CheckedService, CheckedServiceRequest(address)),
        Get(TransitiveTargets, TransitiveTargetsRequest([address])),
    )
    _, main_module = service.references.service.modules
    # The sources stay out of the PEX and beside it, so that an edit rebuilds none.
    requirements, sources = await MultiGet(
        Get(
            PexRequest,
            PexFromTargetsRequest(
                [address],
                output_filename=f"{address.target_name}.pex",
                internal_only=True,
                include_source_files=False,
                main=EntryPoint(main_module),
                additional_args=("--no-strip-pex-env",),
            ),
        ),
        Get(
            PythonSourceFiles,
            PythonSourceFilesRequest(transitive.closure, include_files=True),
        ),
    )
    environment = pex_environment.in_workspace()
    venv, python = await MultiGet(
        Get(VenvPex, VenvPexRequest(requirements, environment)),
        Get(PythonExecutable, InterpreterConstraints, requirements.interpreter_constraints),
    )
    digest = await Get(Digest, MergeDigests([venv.digest, sources.source_files.snapshot.digest]))
    return RunRequest(
        digest=digest,
        args=[os.path.join("{chroot}", venv.pex.argv0)],
        extra_env={
            **environment.environment_dict(python=python),
            "PEX_EXTRA_SYS_PATH": os.pathsep.join(
                os.path.join("{chroot}", root) for root in sources.source_roots
            ),
        },
        append_only_caches={
            **environment.append_only_caches,
            **(venv.append_only_caches or {}),
        },
    )


def rules():
    return [*collect_rules(), *RunServiceFieldSet.rules()]
