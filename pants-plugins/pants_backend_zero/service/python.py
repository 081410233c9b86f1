"""Which Python a service is built for: its PEX and its image."""

from __future__ import annotations

from dataclasses import dataclass

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex_environment import PythonExecutable
from pants.backend.python.util_rules.pex_from_targets import InterpreterConstraintsRequest
from pants.engine.addresses import Address
from pants.engine.process import Process, ProcessCacheScope, ProcessResult
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.util.logging import LogLevel

from pants_backend_zero.errors import ZeroError
from pants_backend_zero.service.base_image import DEBIAN_RELEASES, DebianRelease, debian_release
from pants_backend_zero.service.graph import ServiceReferences, ServiceReferencesRequest
from pants_backend_zero.service.image_fields import ImageBaseField


@dataclass(frozen=True)
class ServicePythonRequest:
    address: Address


@dataclass(frozen=True)
class ServicePython:
    """The minor version of Python that a service's PEX is made for, and that of its image.

    They differ where this machine has no interpreter of a version that Debian has: third-party wheels are then
    chosen without asking an interpreter.
    """

    minor: str
    image: str

    @property
    def constraints(self) -> InterpreterConstraints:
        """One version: a PEX for a range would carry the wheels for every interpreter that this machine has."""
        return InterpreterConstraints([f"CPython=={self.minor}.*"])


@rule
async def choose_python(request: ServicePythonRequest, python_setup: PythonSetup) -> ServicePython:
    """The version this machine runs the service with; for the image another, where no Debian release has that."""
    references, constraints = await MultiGet(
        Get(ServiceReferences, ServiceReferencesRequest(request.address)),
        Get(InterpreterConstraints, InterpreterConstraintsRequest([request.address])),
    )
    python = await Get(PythonExecutable, InterpreterConstraints, constraints)
    version = await Get(
        ProcessResult,
        Process(
            [python.path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            description=f"Ask {python.path} for its version",
            # Another version may stand at this path on another machine, or after an upgrade.
            cache_scope=ProcessCacheScope.PER_RESTART_SUCCESSFUL,
            level=LogLevel.DEBUG,
        ),
    )
    minor = version.stdout.decode().strip()
    if references.service.target[ImageBaseField].value or debian_release(minor):
        return ServicePython(minor, image=minor)
    foreign = first_release(constraints, python_setup.interpreter_versions_universe)
    if foreign:
        return ServicePython(minor, image=foreign.python)
    versions = " and ".join(release.python for release in DEBIAN_RELEASES)
    raise ZeroError(
        f"{request.address} runs on {constraints}, and Debian has Python {versions}. Allow one of these "
        "in `interpreter_constraints`, or name a base image that has another in `image_base`."
    )


def first_release(constraints: InterpreterConstraints, universe: tuple[str, ...]) -> DebianRelease | None:
    """The first release of Debian whose Python is allowed; `universe` is all minor versions there are."""
    for release in DEBIAN_RELEASES:
        if constraints.contains(InterpreterConstraints([f"CPython=={release.python}.*"]), universe):
            return release
    return None


def rules():
    return collect_rules()
