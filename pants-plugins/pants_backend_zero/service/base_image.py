"""The base of service images: Debian packages by lock, or an image of a registry by digest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Mapping

from pants.core.util_rules.system_binaries import BinaryPathRequest, BinaryPaths
from pants.engine.fs import (
    AddPrefix,
    CreateDigest,
    Digest,
    DownloadFile,
    FileContent,
    FileDigest,
    MergeDigests,
    RemovePrefix,
)
from pants.engine.platform import Platform
from pants.engine.process import FallibleProcessResult, Process, ProcessCacheScope
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.option.global_options import GlobalOptions
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel
from pants.util.resources import read_resource

from pants_backend_zero.errors import ZeroError
from pants_backend_zero.subsystem import Zero
from pants_backend_zero.tools import ImageBuilderRequest, ImageBuilderResult

BASE, COMPILER = "base", "compiler"
"""What every base consists of: layers with their description, and the base's Python as a compiler of bytecode."""


@dataclass(frozen=True)
class DebianRelease:
    """A release of Debian, with the minor versions of its Python and of its C library (2.x)."""

    name: str
    python: str
    glibc: int


DEBIAN_RELEASES = (DebianRelease("debian-12", "3.11", 36), DebianRelease("debian-13", "3.13", 41))


def debian_release(python: str) -> DebianRelease | None:
    """The release that has this Python ("3.11"), if one does."""
    return next((release for release in DEBIAN_RELEASES if release.python == python), None)


def architecture_of(platform: Platform) -> str:
    """As Debian and OCI name it. Images are for Linux, whatever they are built on."""
    return "arm64" if platform in (Platform.linux_arm64, Platform.macos_arm64) else "amd64"


@dataclass(frozen=True)
class BaseImage:
    """The folders `base/` and `compiler/`."""

    digest: Digest


async def _make_base(argv: tuple[str, ...], inputs: tuple[Digest, ...], description: str) -> BaseImage:
    result = await Get(
        ImageBuilderResult,
        ImageBuilderRequest((*argv, "--output=made"), inputs, description, output_folder="made"),
    )
    return BaseImage(await Get(Digest, RemovePrefix(result.digest, "made")))


# -----------------------------------------------------------------------------------------------
# Debian packages
# -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DebianBaseRequest:
    release: str
    architecture: str


@dataclass(frozen=True)
class DebianPackageRequest:
    """One package of a lock."""

    name: str
    version: str
    archive: str
    path: str
    sha256: str
    size: int


@dataclass(frozen=True)
class DebianPackage:
    digest: Digest


@rule
async def make_debian_base(request: DebianBaseRequest) -> BaseImage:
    lock_name = f"{request.release}-{request.architecture}.lock"
    lock = read_resource("zero_image", lock_name)
    packages = await MultiGet(
        Get(DebianPackage, DebianPackageRequest, _package(entry)) for entry in json.loads(lock)["packages"]
    )
    debs = await Get(Digest, MergeDigests(package.digest for package in packages))
    debs, lock_digest = await MultiGet(
        Get(Digest, AddPrefix(debs, "debs")),
        Get(Digest, CreateDigest([FileContent(lock_name, lock)])),
    )
    return await _make_base(
        argv=("base", f"--lock={lock_name}", "--debs=debs"),
        inputs=(debs, lock_digest),
        description=f"Make a base image of the packages of {lock_name}",
    )


def _package(entry: Mapping[str, Any]) -> DebianPackageRequest:
    fields = ("name", "version", "archive", "path", "sha256", "size")
    return DebianPackageRequest(**{field: entry[field] for field in fields})


@dataclass(frozen=True)
class DebianMirrors:
    """Addresses of Debian archives, without a slash at the end."""

    addresses: tuple[str, ...]

    def of(self, archive: str) -> tuple[str, ...]:
        """The mirrors of one archive: those for any archive (`{archive}`), and those whose address ends with it."""
        return tuple(
            address.format(archive=archive)
            for address in self.addresses
            if "{archive}" in address or address.endswith(f"/{archive}")
        )


async def _apt_mirrors() -> list[str]:
    binaries = await Get(
        BinaryPaths, BinaryPathRequest(binary_name="apt-get", search_path=("/usr/bin", "/bin"))
    )
    if not binaries.first_path:
        return []
    result = await Get(
        FallibleProcessResult,
        Process(
            [binaries.first_path.path, "indextargets", "--format", "$(REPO_URI)"],
            description="Ask apt for its mirrors",
            # The answer is this machine's, so the daemon remembers it and no cache keeps it.
            cache_scope=ProcessCacheScope.PER_RESTART_SUCCESSFUL,
            level=LogLevel.DEBUG,
        ),
    )
    return result.stdout.decode().split()


@rule
async def find_debian_mirrors(zero: Zero) -> DebianMirrors:
    found: list[str] = []
    for address in zero.debian_mirrors:
        found += await _apt_mirrors() if address == "<apt>" else [address]
    return DebianMirrors(tuple(dict.fromkeys(address.rstrip("/") for address in found)))


@rule(desc="Fetch a Debian package", level=LogLevel.DEBUG)
async def fetch_package(request: DebianPackageRequest, mirrors: DebianMirrors) -> DebianPackage:
    failures = []
    for mirror in mirrors.of(request.archive):
        try:
            digest = await Get(
                Digest,
                DownloadFile(f"{mirror}/{request.path}", FileDigest(request.sha256, request.size)),
            )
        except Exception as error:
            failures.append(f"{mirror}: {str(error).strip().splitlines()[-1]}")
            continue
        return DebianPackage(digest)
    raise ZeroError(
        f"The Debian package {request.name} {request.version} of the base image could not be fetched "
        f"from any mirror of the archive `{request.archive}`.\n"
        + "".join(f"  {failure}\n" for failure in failures or ["no mirror is known"])
        + "Name mirrors in `[zero].debian_mirrors`. Where the mirrors have moved on to a newer version of the package, "
        "refresh the lock (see docs/images.md) or name a snapshot archive."
    )


# -----------------------------------------------------------------------------------------------
# An image of a registry
# -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RegistryBaseRequest:
    reference: str
    python: str
    architecture: str


@rule
async def make_registry_base(
    request: RegistryBaseRequest, zero: Zero, global_options: GlobalOptions
) -> BaseImage:
    certificates = global_options.ca_certs_path
    layout = await Get(
        ImageBuilderResult,
        ImageBuilderRequest(
            argv=(
                *("pull", request.reference, f"--arch={request.architecture}", "--output=layout"),
                *([f"--docker-config={zero.docker_config}"] if zero.docker_config else []),
            ),
            inputs=(),
            description=f"Pull {request.reference}",
            output_folder="layout",
            env=FrozenDict({"SSL_CERT_FILE": certificates} if certificates else {}),
        ),
    )
    return await _make_base(
        argv=(
            "import-base",
            "--layout=layout",
            f"--arch={request.architecture}",
            f"--reference={request.reference}",
            f"--python={request.python}",
        ),
        inputs=(layout.digest,),
        description=f"Make a base image of {request.reference}",
    )


# -----------------------------------------------------------------------------------------------
# Either
# -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BaseImageRequest:
    """A base with the given minor version of Python; `reference` is an image by digest, None stands for Debian."""

    python: str
    reference: str | None


@rule(desc="Make the base image")
async def make_base_image(request: BaseImageRequest, platform: Platform) -> BaseImage:
    architecture = architecture_of(platform)
    if request.reference:
        return await Get(BaseImage, RegistryBaseRequest(request.reference, request.python, architecture))
    release = debian_release(request.python)
    assert release, f"no Debian release has Python {request.python}"
    return await Get(BaseImage, DebianBaseRequest(release.name, architecture))


def rules():
    return collect_rules()
