"""Services: `spec.json` and the contracts it names, to Python modules, configuration and Kubernetes manifest.

What the build graph knows comes from the specification, what a contract says from the contract.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zero_codegen.diagnostics import ContractError, Diagnostic
from zero_codegen.service import configuration, kubernetes, network
from zero_codegen.service.contracts import wire
from zero_codegen.service.modules import modules
from zero_codegen.service.spec import read_digest, read_spec
from zero_codegen.service.wiring import Wiring
from zero_codegen.source import Output

__all__ = ["configure", "generate", "manifests"]


def generate(spec: Path, out: Output) -> Sequence[Diagnostic]:
    """Write the service's modules; or nothing, and return what is wrong."""
    try:
        contents = modules(wire(read_spec(spec)))
    except ContractError as error:
        return error.diagnostics
    for path, content in contents.items():
        out.write(path, content)
    return ()


def configure(spec: Path, out: Output) -> Sequence[Diagnostic]:
    """Write the configuration the service is deployed with; or nothing, and return what is wrong."""
    try:
        wiring, values = _configured(spec)
    except ContractError as error:
        return error.diagnostics
    out.write(f"{wiring.spec.name}.yaml", configuration.as_yaml(wiring.spec.address, values))
    return ()


def manifests(spec: Path, image: Path, out: Output) -> Sequence[Diagnostic]:
    """Write the service's Kubernetes manifest; or nothing, and return what is wrong."""
    try:
        wiring, values = _configured(spec)
    except ContractError as error:
        return error.diagnostics
    reference = f"{wiring.spec.image_repository}@{read_digest(image)}"
    out.write(f"{wiring.spec.name}.yaml", kubernetes.manifest(wiring, values, reference))
    return ()


def _configured(spec: Path) -> tuple[Wiring, dict[str, Any]]:
    """The wiring and the configuration of a service. Raises ContractError with every mistake in them."""
    wiring = wire(read_spec(spec))
    values = configuration.configuration(wiring)
    if mistakes := [*configuration.mistakes(wiring, values), *network.mistakes(wiring, values)]:
        raise ContractError(mistakes)
    return wiring, values
