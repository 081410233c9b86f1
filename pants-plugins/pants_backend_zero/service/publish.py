"""`publish` on a `zero_service`: its image, with bills of materials, into the registries of its environments.

The image is pushed by Zero's own image builder, which also pulls: rights, tokens and attempts are the same
code, and it does what a general client for registries does not (mounting layers of other services, an index,
referrers where a registry has no API for them).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from pants.backend.python.util_rules.pex import VenvPexProcess
from pants.core.goals.publish import (
    PublishFieldSet,
    PublishOutputData,
    PublishPackages,
    PublishProcesses,
    PublishRequest,
)
from pants.engine.fs import Digest, DigestContents, DigestSubset, MergeDigests, PathGlobs
from pants.engine.process import InteractiveProcess, Process
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import Target
from pants.option.global_options import GlobalOptions

from pants_backend_zero.errors import ZeroError, nearest
from pants_backend_zero.service.description import image_repository
from pants_backend_zero.service.environments import EnvironmentsField
from pants_backend_zero.service.graph import AllServices
from pants_backend_zero.service.image import SUMMARY, ServiceImage, ServiceImageRequest
from pants_backend_zero.service.image_fields import REVISION, ImageRepositoryField, ImageTagsField
from pants_backend_zero.service.target_types import ServiceSourcesField
from pants_backend_zero.service.user_environment import UserEnvironment
from pants_backend_zero.subsystem import Zero, ZeroDeploy
from pants_backend_zero.tools import ZeroTools

_WITH_REGISTRY = re.compile(r"([\w-]+(\.[\w-]+)+(:\d+)?|localhost(:\d+)?|[\w-]+:\d+)/.+", re.ASCII)


class PublishServiceRequest(PublishRequest):
    pass


@dataclass(frozen=True)
class PublishServiceFieldSet(PublishFieldSet):
    publish_request_type = PublishServiceRequest
    required_fields = (ImageTagsField, ServiceSourcesField)


@rule(desc="Publish the image of a service")
async def publish_service(
    request: PublishServiceRequest,
    all_services: AllServices,
    tools: ZeroTools,
    zero: Zero,
    deploy: ZeroDeploy,
    environment: UserEnvironment,
    global_options: GlobalOptions,
) -> PublishProcesses:
    address = request.field_set.address
    target = next(service.target for service in all_services if service.target.address == address)
    tags = image_tags(target, zero)
    repositories = image_repositories(target, zero, deploy)
    built = await Get(ServiceImage, ServiceImageRequest(address))
    certificates = global_options.ca_certs_path
    image, (summary,) = await MultiGet(
        Get(Digest, DigestSubset(built.digest, PathGlobs([SUMMARY, "*.oci.tar", "*.cdx.json"]))),
        Get(DigestContents, Digest, built.summary),
    )
    inputs = await Get(Digest, MergeDigests([tools.image, image]))
    # Whose layers may be the same: what all services are called in the environments of this one.
    everywhere = (None, *target[EnvironmentsField].value)
    fleet = {image_repository(service.target, name, zero) for service in all_services for name in everywhere}
    processes = await MultiGet(
        Get(
            Process,
            VenvPexProcess(
                tools.python,
                argv=(
                    *("-m", "zero_image", "push"),
                    *(f"--archive={address.target_name}.oci.tar", f"--summary={SUMMARY}"),
                    f"--repository={repository}",
                    *(f"--tag={tag}" for tag in tags),
                    *(f"--sibling={sibling}" for sibling in sorted(fleet - {repository})),
                    *([f"--docker-config={zero.docker_config}"] if zero.docker_config else []),
                    *(["--plain-http"] if zero.plain_http(repository) else []),
                ),
                input_digest=inputs,
                extra_env={
                    **environment.variables,
                    **({"SSL_CERT_FILE": certificates} if certificates else {}),
                },
                description=f"Push the image of {address} to {repository}",
            ),
        )
        for repository in repositories
    )
    digest = json.loads(summary.content)["digest"]
    return PublishProcesses(
        PublishPackages(
            names=tuple(f"{repository}:{tag}" for tag in tags) or (f"{repository}@{digest}",),
            process=InteractiveProcess.from_process(process),
            data=PublishOutputData({"publisher": "zero", "repository": repository, "digest": digest}),
        )
        for repository, process in zip(repositories, processes)
    )


def image_tags(target: Target, zero: Zero) -> tuple[str, ...]:
    """The tags that a service's image gets."""
    tags = target[ImageTagsField].value
    if not zero.image_revision and any(REVISION in tag for tag in tags):
        raise ZeroError(
            f"The `{ImageTagsField.alias}` field of {target.address} has `{REVISION}`, and no revision is "
            "given. Give it with `--zero-image-revision=$(git rev-parse HEAD)`."
        )
    return tuple(tag.replace(REVISION, zero.image_revision or "") for tag in tags)


def image_repositories(target: Target, zero: Zero, deploy: ZeroDeploy) -> tuple[str, ...]:
    """Where the image goes: to the repository of one environment, or of all that there are."""
    chosen = chosen_environment(target, deploy)
    environments = [chosen] if chosen else [None, *target[EnvironmentsField].value]
    found = dict.fromkeys(image_repository(target, environment, zero) for environment in environments)
    complete = tuple(repository for repository in found if _WITH_REGISTRY.fullmatch(repository))
    if not complete:
        raise ZeroError(
            f"The image of {target.address} has no registry to go to: it is called `{', '.join(found)}`. Set "
            f"`[zero].image_registry` for all services, such as `registry.example.com/shop`, or the field "
            f"`{ImageRepositoryField.alias}` of this one."
        )
    return complete


def chosen_environment(target: Target, deploy: ZeroDeploy) -> str | None:
    """The environment that the options name, which the service has to have."""
    chosen, known = deploy.environment, target[EnvironmentsField].value
    if chosen and chosen not in known:
        close = nearest(chosen, known)
        raise ZeroError(
            f"{target.address} has no environment `{chosen}` (the option `[zero-deploy].environment`). "
            + (f"Did you mean `{close}`? " if close else "")
            + f"Its `{EnvironmentsField.alias}` are: {', '.join(known) or 'none'}."
        )
    return chosen


def rules():
    return [*collect_rules(), *PublishServiceFieldSet.rules()]
