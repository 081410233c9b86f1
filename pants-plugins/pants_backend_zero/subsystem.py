"""The options of the backend: `[zero]` and `[zero-deploy]` in pants.toml."""

from __future__ import annotations

import os.path
from enum import Enum

from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.base.build_environment import get_buildroot
from pants.option.option_types import BoolOption, EnumOption, IntOption, StrListOption, StrOption
from pants.option.subsystem import Subsystem
from pants.util.strutil import softwrap


class Zero(Subsystem):
    options_scope = "zero"
    help = "Microservices from contracts: code generation, images and manifests."

    lockfile = StrOption(
        default="3rdparty/python/zero-codegen.lock",
        advanced=True,
        help="The lock (requirements with hashes) of what the generator and the image builder run with.",
    )
    _interpreter_constraints = StrListOption(
        "--interpreter-constraints",
        default=["CPython>=3.11,<3.14"],
        advanced=True,
        help="The interpreters that the generator and the image builder may run on.",
    )
    tailor = BoolOption(
        default=True,
        advanced=True,
        help="If true, `tailor` adds targets for `.api`, `.proto` and `.sql` files that have none.",
    )
    debian_mirrors = StrListOption(
        default=["<apt>"],
        help=softwrap("""
            Where the Debian packages of the default base image are fetched from: addresses of Debian archives
            (the part before `/pool/`), tried in order. `<apt>` stands for the archives that this machine's
            own apt is set up with; in an address, `{archive}` stands for the archive's name (`debian` or
            `debian-security`). The packages are named with their digests in a lock, so a mirror can fail but
            not deceive. Name a snapshot archive last to build from a lock whose packages have left the
            mirrors.
            """),
    )
    _docker_config = StrOption(
        "--docker-config",
        default=None,
        advanced=True,
        help=softwrap("""
            Docker's `config.json`, for the credentials to pull the images that services name in
            `image_base`, and to publish images: a path from the root of the repository, or absolute, or from
            `~`. Where it is not given, `publish` looks where docker does (`$DOCKER_CONFIG`, `~/.docker`);
            building an image does not.
            """),
    )
    insecure_registries = StrListOption(
        advanced=True,
        help=softwrap("""
            Registries (`HOST` or `HOST:PORT`) that are spoken to over plain HTTP. Those of this machine
            (`localhost`, `127.0.0.1`) always are, all others over TLS.
            """),
    )
    image_registry = StrOption(
        default=None,
        help=softwrap("""
            What stands before a service's name in its image reference, for example
            `registry.example.com/shop`: the image of the service `user-rpc` is then
            `registry.example.com/shop/user-rpc`. A service's own `image_repository` takes its place.
            """),
    )

    image_source = StrOption(
        default=None,
        help="The address of the sources, for the annotation `org.opencontainers.image.source` of images.",
    )
    image_revision = StrOption(
        default=None,
        help=softwrap("""
            The revision of the sources, for the annotation `org.opencontainers.image.revision` of images
            and for their tags. Zero never asks git for it: an image that names its revision is another one
            at each commit. Give it where images are published, for example `./pants publish
            --zero-image-revision=$(git rev-parse HEAD) ::`.
            """),
    )

    @property
    def docker_config(self) -> str | None:
        path = self._docker_config
        return path and os.path.join(get_buildroot(), os.path.expanduser(path))

    def plain_http(self, reference: str) -> bool:
        """Whether the registry of an image is one to speak plain HTTP to."""
        return reference.partition("/")[0] in self.insecure_registries

    @property
    def interpreter_constraints(self) -> InterpreterConstraints:
        return InterpreterConstraints(self._interpreter_constraints)


class DeployAction(Enum):
    APPLY = "apply"
    DRY_RUN = "dry-run"
    DIFF = "diff"


_PROGRAM = "a name to look for on `PATH`, or a path (from the root of the repository, or absolute)"


class ZeroDeploy(Subsystem):
    options_scope = "zero-deploy"
    help = "Publishing and deploying services: `publish` and `experimental-deploy` on a `zero_service`."

    environment = StrOption(
        default=None,
        help=softwrap("""
            Which of a service's `environments` is deployed to. `publish` then publishes for this one alone.
            Default: none in particular, that is the target's own fields; `publish` then publishes for all
            of them.
            """),
    )
    action = EnumOption(
        default=DeployAction.APPLY,
        help=softwrap("""
            What `experimental-deploy` does: `apply` publishes the image and applies the objects; `dry-run`
            has the cluster check the objects; `diff` shows how they differ from what runs. The last two
            change nothing, and publish nothing.
            """),
    )
    publish = BoolOption(
        default=True,
        help="Whether `apply` publishes the image first.",
    )
    rollout_timeout = IntOption(
        default=300,
        help=softwrap("""
            Seconds that `apply` waits until all pods of the new version are ready; it fails if they are not
            by then. With 0 it does not wait.
            """),
    )
    force_conflicts = BoolOption(
        default=False,
        advanced=True,
        help=softwrap("""
            Whether `apply` takes over fields of objects that somebody else has set to other values, and helm
            objects that it has not made itself. Without it they are told, and nothing of that object changes.
            """),
    )
    kubectl = StrOption(default="kubectl", advanced=True, help=f"kubectl: {_PROGRAM}.")
    helm = StrOption(default="helm", advanced=True, help=f"helm: {_PROGRAM}.")
    _env_vars = StrListOption(
        "--env-vars",
        advanced=True,
        help=softwrap("""
            Environment variables, as `NAME` or `NAME=value`, for kubectl, helm and docker's credential
            helpers, besides the usual ones (`HOME`, `PATH`, `KUBECONFIG`, `DOCKER_CONFIG`, those of proxies
            and of certificates). Example: `["AWS_PROFILE"]`.
            """),
    )

    @property
    def env_vars(self) -> tuple[str, ...]:
        return (*_USUAL_ENV_VARS, *self._env_vars)


_USUAL_ENV_VARS = (
    "HOME",
    "PATH",
    "USER",
    "DOCKER_CONFIG",
    "KUBECONFIG",
    "SSL_CERT_FILE",
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
)
