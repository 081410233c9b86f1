"""The command line; README.md tells what each command reads and writes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from zero_image.errors import ImageError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and answers its exit status: 0, or 1 after a problem told on standard error."""
    options = vars(_parser().parse_args(arguments))
    run: Callable[..., None] = options.pop("run")
    try:
        run(**options)
    except ImageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="zero_image", description="Builds OCI images of Python services, reproducibly."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[..., None], text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        sub.set_defaults(run=run)
        return sub

    sub = command("base", _base, "Make a base of the Debian packages of a lock.")
    sub.add_argument("--lock", type=Path, required=True, help="the lock that names the packages")
    sub.add_argument("--debs", type=Path, required=True, help="the folder that holds their .deb files")
    sub.add_argument(
        "--output", type=Path, required=True, help="the folder to make, with base/ and compiler/ in it"
    )

    sub = command("import-base", _import_base, "Make a base of an image with Python in it.")
    sub.add_argument("--layout", type=Path, required=True, help="an OCI layout: a folder or a tar archive")
    sub.add_argument("--arch", default="amd64", help="the architecture, as OCI names it (default: amd64)")
    sub.add_argument("--reference", default="", help="HOST/NAME@sha256:DIGEST of the image in its registry")
    sub.add_argument("--python", default="", help="the minor version to use when the image has several: 3.11")
    sub.add_argument(
        "--output", type=Path, required=True, help="the folder to make, with base/ and compiler/ in it"
    )

    sub = command("requirements-layer", _requirements_layer, "Make a layer of third-party distributions.")
    sub.add_argument("--compiler", type=Path, required=True, help="the compiler/ of a base")
    sub.add_argument("--pex", type=Path, required=True, help="a PEX that holds the distributions")
    sub.add_argument("--output", type=Path, required=True, help="the layer to make: NAME.layer")

    sub = command("sources-layer", _sources_layer, "Make a layer of first-party sources.")
    sub.add_argument("--compiler", type=Path, required=True, help="the compiler/ of a base")
    sub.add_argument(
        "--sources",
        type=Path,
        action="append",
        default=[],
        help="a folder of Python packages and their resources",
    )
    sub.add_argument(
        "--files", type=Path, action="append", default=[], help="a folder whose content goes to /app"
    )
    sub.add_argument("--output", type=Path, required=True, help="the layer to make: NAME.layer")

    sub = command("assemble", _assemble, "Join layers into an image archive.")
    _add_image_options(sub)
    sub.add_argument("--output", type=Path, required=True, help="the archive to write: NAME.oci.tar")
    sub.add_argument("--summary", type=Path, help="a JSON file to write with the image's digests")
    sub.add_argument("--sbom", type=Path, help="a file to write with the bill of materials: NAME.cdx.json")

    sub = command("docker-context", _docker_context, "Write the same image as a Dockerfile with its context.")
    _add_image_options(sub)
    sub.add_argument("--output", type=Path, required=True, help="the folder to make")

    sub = command("pull", _pull, "Fetch an image by digest from its registry (needs the network).")
    sub.add_argument("reference", help="HOST/NAME@sha256:DIGEST")
    sub.add_argument("--arch", default="amd64", help="the architecture, as OCI names it (default: amd64)")
    sub.add_argument("--docker-config", type=Path, help="docker's config.json, for its credentials")
    sub.add_argument("--output", type=Path, required=True, help="the OCI layout to make, a folder")

    sub = command("lock", _lock, "Write the lock of a Debian base (needs the network).")
    sub.add_argument("--suite", required=True, help="Debian's release: bookworm, trixie")
    sub.add_argument("--arch", default="amd64", help="the architecture, as Debian names it (default: amd64)")
    sub.add_argument("--python", required=True, help="the minor version of the release's Python: 3.11")
    sub.add_argument(
        "--package", action="append", default=[], help="a further package, with what it depends on"
    )
    sub.add_argument("--mirror", action="append", default=[], help="ARCHIVE=URL instead of apt's own mirror")
    sub.add_argument("--keyring", type=Path, help="the keys of the archives, instead of the system's")
    sub.add_argument("--output", type=Path, required=True, help="the lock to write")
    return parser


def _add_image_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--base", type=Path, required=True, help="the base/ of a base")
    sub.add_argument("--layer", type=Path, action="append", default=[], help="a layer above it, lowest first")
    sub.add_argument("--spec", type=Path, required=True, help="the image specification, a JSON file")


# A command imports what it needs and no more: the start of a process is most of the cost of the small ones.


def _base(lock: Path, debs: Path, output: Path) -> None:
    from zero_image.debian.base import build

    build(lock, debs, output)


def _import_base(layout: Path, arch: str, reference: str, python: str, output: Path) -> None:
    from zero_image.registry.base import import_base

    import_base(layout, arch, reference, python, output)


def _requirements_layer(compiler: Path, pex: Path, output: Path) -> None:
    from zero_image.layers.requirements import requirements_layer

    requirements_layer(compiler, pex, output)


def _sources_layer(compiler: Path, sources: list[Path], files: list[Path], output: Path) -> None:
    from zero_image.layers.sources import sources_layer

    sources_layer(compiler, sources, files, output)


def _assemble(
    base: Path, layer: list[Path], spec: Path, output: Path, summary: Path | None, sbom: Path | None
) -> None:
    from zero_image.image.assembly import assemble

    assemble(base, layer, spec, output, summary, sbom)


def _docker_context(base: Path, layer: list[Path], spec: Path, output: Path) -> None:
    from zero_image.image.docker_context import docker_context

    docker_context(base, layer, spec, output)


def _pull(reference: str, arch: str, docker_config: Path | None, output: Path) -> None:
    from zero_image.registry.pull import pull

    pull(reference, arch, docker_config, output)


def _lock(
    suite: str,
    arch: str,
    python: str,
    package: list[str],
    mirror: list[str],
    keyring: Path | None,
    output: Path,
) -> None:
    from zero_image.debian.archive import KEYRING
    from zero_image.debian.locking import write_lock

    malformed = [value for value in mirror if "=" not in value]
    if malformed:
        raise ImageError(*(f"--mirror {value}: write it as ARCHIVE=URL" for value in malformed))
    mirrors = dict(value.split("=", 1) for value in mirror)
    lock = write_lock(suite, arch, python, package, mirrors, keyring or KEYRING, output)
    print(f"{output}: {len(lock.packages)} packages")


if __name__ == "__main__":
    sys.exit(main())
