"""`experimental-deploy` on a `zero_service`: its packaged objects, to the context that the target names.

Objects are applied by the server (`kubectl apply --server-side`): it keeps what others own (an autoscaler's
replicas, injected certificates), removes fields that the manifest no longer sets, and tells those that
somebody else has changed rather than overwrite them.
"""

from __future__ import annotations

import os.path
from dataclasses import dataclass

from pants.base.build_environment import get_buildroot
from pants.core.goals.deploy import DeployFieldSet, DeployProcess
from pants.core.util_rules.system_binaries import BashBinary, BinaryPathRequest, BinaryPaths
from pants.engine.fs import AddPrefix, Digest
from pants.engine.process import (
    FallibleProcessResult,
    InteractiveProcess,
    Process,
    ProcessCacheScope,
)
from pants.engine.rules import Get, collect_rules, rule
from pants.engine.target import Target
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from pants_backend_zero.errors import ZeroError, nearest
from pants_backend_zero.service.deployment import K8S, Deployment
from pants_backend_zero.service.environments import value_in
from pants_backend_zero.service.graph import AllServices
from pants_backend_zero.service.job_fields import ScheduleField
from pants_backend_zero.service.kubernetes_fields import (
    KubernetesContextField,
    KubernetesFormatField,
    NamespaceField,
)
from pants_backend_zero.service.package import ServiceManifestRequest
from pants_backend_zero.service.publish import chosen_environment
from pants_backend_zero.service.rules import ServiceGeneratorResult
from pants_backend_zero.service.target_types import ServiceSourcesField
from pants_backend_zero.service.user_environment import UserEnvironment
from pants_backend_zero.subsystem import DeployAction, ZeroDeploy


@dataclass(frozen=True)
class DeployServiceFieldSet(DeployFieldSet):
    required_fields = (KubernetesContextField, ServiceSourcesField)


@dataclass(frozen=True)
class ToolRequest:
    """A program of this machine: a name to look for on `PATH`, or a path, from the root of the repository or
    absolute; `option` is what named it."""

    program: str
    option: str


@dataclass(frozen=True)
class Tool:
    path: str


@rule
async def find_tool(request: ToolRequest, environment: UserEnvironment) -> Tool:
    folder, _, name = request.program.rpartition("/")
    if folder:
        path = os.path.join(get_buildroot(), folder)
        where, hint = f"in {path}", "Correct"
    else:
        path = environment.variables.get("PATH", "")
        where, hint = f"on PATH ({path})", "Install it, or say where it is with"
    found = await Get(BinaryPaths, BinaryPathRequest(binary_name=name, search_path=path.split(":")))
    if not found.first_path:
        raise ZeroError(
            f"There is no program `{name}` {where}. {hint} the option `[zero-deploy].{request.option}`."
        )
    return Tool(found.first_path.path)


@dataclass(frozen=True)
class KubernetesContexts:
    """The contexts of kubectl's configuration, and kubectl itself."""

    kubectl: str
    names: tuple[str, ...]


@rule(desc="Read kubectl's contexts", level=LogLevel.DEBUG)
async def read_contexts(deploy: ZeroDeploy, environment: UserEnvironment) -> KubernetesContexts:
    kubectl = await Get(Tool, ToolRequest(deploy.kubectl, "kubectl"))
    result = await Get(
        FallibleProcessResult,
        Process(
            [kubectl.path, "config", "get-contexts", "--output=name"],
            description="Ask kubectl for its contexts",
            env=environment.variables,
            # The answer stands in a file of the user's, which the engine does not watch.
            cache_scope=ProcessCacheScope.PER_SESSION,
            level=LogLevel.DEBUG,
        ),
    )
    if result.exit_code:
        raise ZeroError(f"kubectl cannot tell its contexts: {result.stderr.decode().strip()}")
    return KubernetesContexts(kubectl.path, tuple(result.stdout.decode().splitlines()))


@rule(desc="Deploy a service", level=LogLevel.DEBUG)
async def deploy_service(
    field_set: DeployServiceFieldSet,
    all_services: AllServices,
    deploy: ZeroDeploy,
    user_environment: UserEnvironment,
    bash: BashBinary,
) -> DeployProcess:
    address = field_set.address
    target = next(service.target for service in all_services if service.target.address == address)
    environment = chosen_environment(target, deploy)
    context = named_context(target, environment)
    contexts = await Get(KubernetesContexts)
    if context not in contexts.names:
        raise ZeroError(_unknown_context(target, context, contexts.names))
    kubernetes_format = target[KubernetesFormatField].value
    helm = await Get(Tool, ToolRequest(deploy.helm, "helm")) if kubernetes_format == "helm" else None
    manifest = await Get(ServiceGeneratorResult, ServiceManifestRequest(address))
    deployment = Deployment(
        name=address.target_name,
        format=kubernetes_format,
        environment=environment,
        context=context,
        namespace=value_in(environment, target, NamespaceField),
        is_job=value_in(environment, target, ScheduleField) is not None,
        kubectl=contexts.kubectl,
        helm=helm and helm.path,
    )
    script = deployment.script(deploy.action, deploy.rollout_timeout, deploy.force_conflicts)
    applies = deploy.action is DeployAction.APPLY
    return DeployProcess(
        name=str(address),
        process=InteractiveProcess(
            [bash.path, "-c", script],
            env=user_environment.variables,
            input_digest=await Get(Digest, AddPrefix(manifest.digest, K8S)),
        ),
        publish_dependencies=(target,) if applies and deploy.publish else (),
        description=f"the context {context}"
        + ("" if applies else f" ({deploy.action.value}: nothing changed)"),
    )


def named_context(target: Target, environment: str | None) -> str:
    """The context that the target names for an environment; never the current one."""
    context = value_in(environment, target, KubernetesContextField)
    if context is None:
        where = f" for the environment `{environment}`" if environment else ""
        raise ZeroError(
            f"{target.address} names no context of kubectl{where}, and the current one is never used. Set "
            f"`{KubernetesContextField.alias}` in the target or in its `environments`"
            + ("." if environment else ", and choose one of these with `--zero-deploy-environment`.")
        )
    return context


def _unknown_context(target: Target, context: str, known: tuple[str, ...]) -> str:
    close = nearest(context, known)
    return (
        f"The `{KubernetesContextField.alias}` field of {target.address} names the context `{context}`, "
        "which kubectl's configuration does not have. "
        + (f"Did you mean `{close}`? " if close else "")
        + f"It has: {', '.join(known) or 'none'}."
    )


def rules():
    return [*collect_rules(), UnionRule(DeployFieldSet, DeployServiceFieldSet)]
