"""The command ``import-base``: makes a base of an image that was built elsewhere and has Python in it.

Its layers stay as they are, and one is added with the bytecode of its standard library where it has none:
images commonly leave that out to be small, and a service starts 2.7 times faster with it.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from zero_image.debian.control import paragraphs
from zero_image.errors import ImageError
from zero_image.filesystem.rootfs import RootFs
from zero_image.layers.base import BASE, COMPILER, Base
from zero_image.layers.layer import MEDIA_TYPE, Layer, new_layer, read_layer
from zero_image.layers.sbom import Package
from zero_image.layers.stdlib import stdlib_modules, write_stdlib_bytecode
from zero_image.outputs import new_folder
from zero_image.python.compiler import Compiler
from zero_image.python.extraction import find_python, write_compiler
from zero_image.registry.layout import OciLayout, blob_path

_GZIP = (MEDIA_TYPE, ".tar.gz")
_TAR = ("application/vnd.oci.image.layer.v1.tar", ".tar")
# OCI's name of a layer's type, and the ending of such a file, by what manifests of OCI and of docker say.
_LAYER_TYPES = {
    MEDIA_TYPE: _GZIP,
    "application/vnd.docker.image.rootfs.diff.tar.gzip": _GZIP,
    "application/vnd.oci.image.layer.v1.tar": _TAR,
    "application/vnd.docker.image.rootfs.diff.tar": _TAR,
}


def import_base(
    layout_path: Path,
    architecture: str,
    reference: str,
    python: str,
    output: Path,
    lender: Path | None = None,
) -> None:
    """``reference`` names the image in its registry; ``python`` chooses one when the image has several.

    ``lender`` is the compiler of a base for this machine, where the image is for another architecture.
    """
    layout = OciLayout(layout_path)
    manifest, descriptor = layout.manifest(architecture)
    config = layout.document(manifest["config"])
    if config["architecture"] != architecture:
        raise ImageError(f"{layout_path} is an image for {config['architecture']}, not for {architecture}")
    root = RootFs()
    with new_folder(output) as partial:
        folder = partial / BASE
        descriptors = zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True)
        layers = [
            _take_layer(layout, descriptor, diff_id, folder / f"base-{number:02}.layer", root)
            for number, (descriptor, diff_id) in enumerate(descriptors)
        ]
        inherited = len(layers)
        write_compiler(root, find_python(root, python), lender, partial / COMPILER)
        layers[-1] = _with_packages(layers[-1], root)
        with Compiler(partial / COMPILER) as compiler:
            if not _has_bytecode(root, compiler):
                stdlib = folder / "stdlib.layer"
                with new_layer(stdlib, compiler, "bytecode of the standard library") as layer:
                    write_stdlib_bytecode(layer, compiler, root)
                layers.append(read_layer(stdlib))
            Base(
                architecture=config["architecture"],
                variant=config.get("variant", ""),
                soabi=compiler.python.soabi,
                layers=tuple(layers),
                config=config.get("config") or {},
                reference=reference,
                digest=descriptor["digest"],
                inherited=inherited if reference else 0,
            ).save(folder)


def _take_layer(
    layout: OciLayout, descriptor: dict[str, Any], diff_id: str, folder: Path, root: RootFs
) -> Layer:
    """Copies a layer's blob, verifies its digest and unpacks into ``root`` what the compiler may need."""
    media_type, ending = _LAYER_TYPES.get(descriptor["mediaType"], ("", ""))
    if not media_type:
        raise ImageError(
            f"{layout.path}: no support for layers of type {descriptor['mediaType']}",
            hint="copy the image with its layers compressed by gzip, which every tool reads",
        )
    folder.mkdir(parents=True)
    blob = folder / f"blob{ending}"
    with layout.open(blob_path(descriptor["digest"])) as source, blob.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
    with blob.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if f"sha256:{found}" != descriptor["digest"]:
        raise ImageError(f"{layout.path}: the layer {descriptor['digest']} has the digest sha256:{found}")
    with tarfile.open(blob) as tar:
        root.apply(tar, keep=_may_matter, whiteouts=True)
    layer = Layer(blob, descriptor["digest"], diff_id, blob.stat().st_size, media_type, "base image")
    layer.save()
    return layer


def _may_matter(path: str) -> bool:
    """Whether a file's content is worth memory: Python, libraries, the package database."""
    name = path.rpartition("/")[2]
    return (
        name.startswith(("python", "ld-"))
        or ".so" in name
        or ("/python3." in path and name.endswith(".py") and "-packages/" not in path)
        or "var/lib/dpkg/status" in path
        or name == "os-release"
    )


def _has_bytecode(root: RootFs, compiler: Compiler) -> bool:
    """Whether the base brings compiled modules; asyncio's stand for all, as every service imports it."""
    modules = [path for path in stdlib_modules(root, compiler) if path.endswith("/asyncio/base_events.py")]
    return all(
        f"{path.rpartition('/')[0]}/__pycache__/base_events.{compiler.python.cache_tag}.pyc" in root.nodes
        for path in modules
    )


def _with_packages(layer: Layer, root: RootFs) -> Layer:
    """The last layer with the Debian packages that the whole base has, for the bill of materials."""
    lines = (root.read("etc/os-release") or b"").decode().splitlines()
    release = dict(line.split("=", 1) for line in lines if "=" in line)
    distro = f"{release.get('ID', 'debian')}-{release.get('VERSION_ID', '')}".replace('"', "")
    files = [*root.files("var/lib/dpkg/status.d"), *root.files("var/lib/dpkg", "/status")]
    packages = [
        Package.deb(package["Package"], package["Version"], package["Architecture"], distro)
        for path in files
        if not path.endswith(".md5sums")
        for package in paragraphs(root.nodes[path].data.decode(errors="replace"))
        if {"Package", "Version", "Architecture"} <= package.keys()
    ]
    known = replace(layer, packages=tuple(packages))
    known.save()
    return known
