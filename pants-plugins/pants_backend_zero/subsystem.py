"""The options of the backend: `[zero]` in pants.toml."""

from __future__ import annotations

from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.option.option_types import BoolOption, StrListOption, StrOption
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
    docker_config = StrOption(
        default=None,
        advanced=True,
        help="Docker's `config.json`, for the credentials to pull the images that services name in `image_base`.",
    )
    image_registry = StrOption(
        default=None,
        help=softwrap("""
            What stands before a service's name in its image reference, for example
            `registry.example.com/shop`: the image of the service `user-rpc` is then
            `registry.example.com/shop/user-rpc`. A service's own `image_repository` takes its place.
            """),
    )

    @property
    def interpreter_constraints(self) -> InterpreterConstraints:
        return InterpreterConstraints(self._interpreter_constraints)
