"""Services: `spec.json` and the contracts it names, to Python modules, configuration and Kubernetes manifests.

What the build graph knows comes from the specification, what a contract says from the contract.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from zero_codegen.diagnostics import ContractError, Diagnostic
from zero_codegen.service import configuration, network
from zero_codegen.service.contracts import wire
from zero_codegen.service.helm import helm
from zero_codegen.service.kubernetes import Manifest, manifest
from zero_codegen.service.kustomize import kustomize
from zero_codegen.service.modules import modules
from zero_codegen.service.spec import KubernetesFormat, everywhere, read_digest, read_spec
from zero_codegen.service.wiring import Wiring
from zero_codegen.source import Output

__all__ = ["configure", "configured", "generate", "manifests"]


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
        wiring, values = configured(spec)
    except ContractError as error:
        return error.diagnostics
    out.write(f"{wiring.spec.name}.yaml", configuration.as_yaml(wiring.spec.address, values))
    return ()


def manifests(spec: Path, image: Path, out: Output) -> Sequence[Diagnostic]:
    """Write the service's Kubernetes manifests of all environments; or nothing, and return what is wrong."""
    try:
        wiring, values = configured(spec)
    except ContractError as error:
        return error.diagnostics
    service, digest = wiring.spec, read_digest(image)
    base = _manifest(wiring, values, digest)
    environments = {}
    for name, there in service.environments.items():
        wired = wire(there)
        environments[name] = _manifest(wired, configuration.configuration(wired), digest)
    for path, content in _FORMATS[service.kubernetes_format](service.name, base, environments).items():
        out.write(path, content)
    return ()


def configured(spec: Path) -> tuple[Wiring, dict[str, Any]]:
    """The wiring and the configuration of a service, in no environment in particular.

    Raises ContractError with every mistake in them, and in those of its environments.
    """
    service = read_spec(spec)
    if found := everywhere(service, lambda there: _mistakes(wire(there))):
        raise ContractError(found)
    wiring = wire(service)
    return wiring, configuration.configuration(wiring)


def _mistakes(wiring: Wiring) -> list[Diagnostic]:
    values = configuration.configuration(wiring)
    return [*configuration.mistakes(wiring, values), *network.mistakes(wiring, values)]


def _manifest(wiring: Wiring, values: Mapping[str, Any], digest: str) -> Manifest:
    return manifest(wiring, values, f"{wiring.spec.image_repository}@{digest}")


def _plain(name: str, base: Manifest, environments: Mapping[str, Manifest]) -> dict[str, str]:
    """A file for each environment, and one for none in particular."""
    files = {f"{environment}/{name}.yaml": there.text for environment, there in environments.items()}
    return {f"{name}.yaml": base.text, **files}


_FORMATS: Mapping[KubernetesFormat, Callable[[str, Manifest, Mapping[str, Manifest]], dict[str, str]]] = {
    "manifest": _plain,
    "kustomize": kustomize,
    "helm": helm,
}
