"""The base of service images: Debian packages by lock, an image of a registry by digest, or an OCI layout of the
repository."""

from __future__ import annotations

import json
import os.path
from dataclasses import dataclass
from typing import Any, Mapping

from pants.core.util_rules.system_binaries import BinaryPathRequest, BinaryPaths
from pants.engine.fs import (
    AddPrefix,
    CreateDigest,
    Digest,
    DigestContents,
    DigestSubset,
    DownloadFile,
    FileContent,
    FileDigest,
    MergeDigests,
    PathGlobs,
    Paths,
    RemovePrefix,
    Snapshot,
)
from pants.engine.platform import Platform
from pants.engine.process import FallibleProcessResult, Process, ProcessCacheScope
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.option.global_options import GlobalOptions
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel
from pants.util.resources import read_resource

from pants_backend_zero.errors import ZeroError, nearest
from pants_backend_zero.service.image_fields import LAYOUT
from pants_backend_zero.subsystem import Zero
from pants_backend_zero.tools import ImageBuilderRequest, ImageBuilderResult

BASE, COMPILER = "base", "compiler"
"""What every base consists of: layers with their description, and the base's Python as a compiler of bytecode."""


@dataclass(frozen=True)
class DebianRelease:
    """A release of Debian, with the minor version of its Python."""

    name: str
    python: str


DEBIAN_RELEASES = (DebianRelease("debian-12", "3.11"), DebianRelease("debian-13", "3.13"))


def debian_release(python: str) -> DebianRelease | None:
    """The release that has this Python ("3.11"), if one does."""
    return next((release for release in DEBIAN_RELEASES if release.python == python), None)


def architecture_of(platform: Platform) -> str:
    """As Debian and OCI name it. Images are for Linux, whatever they are built on."""
    return "arm64" if platform in (Platform.linux_arm64, Platform.macos_arm64) else "amd64"


@dataclass(frozen=True)
class BaseImage:
    """The folders `base/` and `compiler/`, the version of the Python ("3.11.2") and of the C library (2.x) in it."""

    digest: Digest
    architecture: str
    python: str
    glibc: int

    @property
    def parts(self) -> tuple[DigestSubset, DigestSubset]:
        """What selects each of the two folders."""
        base, compiler = (PathGlobs([f"{folder}/**"]) for folder in (BASE, COMPILER))
        return DigestSubset(self.digest, base), DigestSubset(self.digest, compiler)


async def _make_base(
    argv: tuple[str, ...],
    inputs: tuple[Digest, ...],
    architecture: str,
    lender: Digest | None,
    description: str,
) -> BaseImage:
    """`lender` is the compiler of a base for this machine, where the base is for another architecture."""
    borrowing: tuple[str, ...] = ()
    if lender:
        borrowing = (f"--compiler=lender/{COMPILER}",)
        inputs = (*inputs, await Get(Digest, AddPrefix(lender, "lender")))
    result = await Get(
        ImageBuilderResult,
        ImageBuilderRequest((*argv, *borrowing, "--output=made"), inputs, description, output_folder="made"),
    )
    digest = await Get(Digest, RemovePrefix(result.digest, "made"))
    (info,) = await Get(DigestContents, DigestSubset(digest, PathGlobs([f"{COMPILER}/compiler.json"])))
    python = json.loads(info.content)["python"]
    return BaseImage(digest, architecture, python["version"], python["glibc"])


# -----------------------------------------------------------------------------------------------
# Debian packages
# -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DebianBaseRequest:
    release: str
    architecture: str
    lender: Digest | None


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
        architecture=request.architecture,
        lender=request.lender,
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
            address.replace("{archive}", archive)
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
    lender: Digest | None


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
                *(["--plain-http"] if zero.plain_http(request.reference) else []),
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
        architecture=request.architecture,
        lender=request.lender,
        description=f"Make a base image of {request.reference}",
    )


# -----------------------------------------------------------------------------------------------
# A layout of the repository
# -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LayoutBaseRequest:
    """`path` is a folder or a tar archive of the repository."""

    path: str
    python: str
    architecture: str
    lender: Digest | None


@rule
async def make_layout_base(request: LayoutBaseRequest) -> BaseImage:
    layout = await Get(Snapshot, PathGlobs([request.path, f"{request.path}/**"]))
    if not layout.files:
        neighbours = await Get(Paths, PathGlobs([os.path.join(os.path.dirname(request.path), "*")]))
        close = nearest(request.path, neighbours.files)
        raise ZeroError(
            f"There is no OCI layout at {request.path!r}, which an `image_base` names: the path of a folder or a tar "
            "archive from the root of the repository, of which git must not ignore the files."
            + (f" Did you mean `{LAYOUT}{close}`?" if close else "")
        )
    return await _make_base(
        argv=(
            "import-base",
            f"--layout={request.path}",
            f"--arch={request.architecture}",
            f"--python={request.python}",
        ),
        inputs=(layout.digest,),
        architecture=request.architecture,
        lender=request.lender,
        description=f"Make a base image of {request.path}",
    )


# -----------------------------------------------------------------------------------------------
# Any of them
# -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BaseImageRequest:
    """A base with the given minor version of Python; `reference` is what `image_base` says, None stands for Debian.

    For another architecture than this machine's, `lender` is the compiler of the same base for this machine.
    """

    python: str
    reference: str | None
    architecture: str
    lender: Digest | None = None


@rule(desc="Make the base image")
async def make_base_image(request: BaseImageRequest) -> BaseImage:
    python, reference = request.python, request.reference
    architecture, lender = request.architecture, request.lender
    if reference is None:
        release = debian_release(python)
        assert release, f"no Debian release has Python {python}"
        return await Get(BaseImage, DebianBaseRequest(release.name, architecture, lender))
    if reference.startswith(LAYOUT):
        path = reference[len(LAYOUT) :]
        return await Get(BaseImage, LayoutBaseRequest(path, python, architecture, lender))
    return await Get(BaseImage, RegistryBaseRequest(reference, python, architecture, lender))


def rules():
    return collect_rules()
