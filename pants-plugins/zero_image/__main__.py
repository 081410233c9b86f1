"""The command line; README.md tells what each command reads and writes."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from zero_image.errors import ImageError
from zero_image.image.parts import Parts


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
    _add_lender(sub)
    sub.add_argument(
        "--output", type=Path, required=True, help="the folder to make, with base/ and compiler/ in it"
    )

    sub = command("import-base", _import_base, "Make a base of an image with Python in it.")
    sub.add_argument("--layout", type=Path, required=True, help="an OCI layout: a folder or a tar archive")
    sub.add_argument("--arch", default="amd64", help="the architecture, as OCI names it (default: amd64)")
    sub.add_argument("--reference", default="", help="HOST/NAME@sha256:DIGEST of the image in its registry")
    sub.add_argument("--python", default="", help="the minor version to use when the image has several: 3.11")
    _add_lender(sub)
    sub.add_argument(
        "--output", type=Path, required=True, help="the folder to make, with base/ and compiler/ in it"
    )

    sub = command(
        "requirements-layer",
        _requirements_layer,
        "Make the layer of the environment and third-party distributions.",
    )
    sub.add_argument("--compiler", type=Path, required=True, help="the compiler/ of a base")
    source = sub.add_mutually_exclusive_group(required=True)
    source.add_argument("--pex", type=Path, help="a PEX that holds the distributions")
    source.add_argument(
        "--wheels", type=Path, help="a folder that holds them as the .deps/ of a packed PEX does"
    )
    sub.add_argument("--output", type=Path, required=True, help="the layer to make: NAME.layer")

    sub = command("wheel-layer", _wheel_layer, "Make a layer of third-party distributions.")
    sub.add_argument("--compiler", type=Path, required=True, help="the compiler/ of a base")
    sub.add_argument(
        "--wheel",
        type=Path,
        dest="wheels",
        action="append",
        required=True,
        help="a distribution: .deps/NAME.whl of a packed PEX",
    )
    sub.add_argument("--output", type=Path, required=True, help="the layer to make: NAME.layer")

    sub = command("requires", _requires, "Tell what third-party distributions need.")
    sub.add_argument("--wheels", type=Path, required=True, help="a folder as the .deps/ of a packed PEX is")
    sub.add_argument("--output", type=Path, required=True, help="the JSON file to write")

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
    sub.add_argument(
        "--base",
        type=Path,
        required=True,
        action=_Base,
        dest="platforms",
        metavar="BASE",
        help="the base/ of a base; each further one begins the image of another platform",
    )
    sub.add_argument(
        "--layer",
        type=Path,
        action=_Layer,
        dest="platforms",
        metavar="LAYER",
        help="a layer above the base before it, lowest first",
    )
    sub.add_argument(
        "--sbom",
        type=Path,
        action=_Sbom,
        dest="platforms",
        metavar="SBOM",
        help="a file to write with the bill of materials of the base before it: NAME.cdx.json",
    )
    sub.add_argument("--spec", type=Path, required=True, help="the image specification, a JSON file")
    sub.add_argument("--output", type=Path, required=True, help="the archive to write: NAME.oci.tar")
    sub.add_argument("--summary", type=Path, help="a JSON file to write with the image's digests")

    sub = command("docker-context", _docker_context, "Write the same image as a Dockerfile with its context.")
    sub.add_argument("--base", type=Path, required=True, help="the base/ of a base")
    sub.add_argument("--layer", type=Path, action="append", default=[], help="a layer above it, lowest first")
    sub.add_argument("--spec", type=Path, required=True, help="the image specification, a JSON file")
    sub.add_argument("--output", type=Path, required=True, help="the folder to make")

    sub = command("pull", _pull, "Fetch an image by digest from its registry (needs the network).")
    sub.add_argument("reference", help="HOST/NAME@sha256:DIGEST")
    sub.add_argument("--arch", default="amd64", help="the architecture, as OCI names it (default: amd64)")
    _add_registry_options(sub)
    sub.add_argument("--output", type=Path, required=True, help="the OCI layout to make, a folder")

    sub = command("push", _push, "Put an image into a registry (needs the network).")
    sub.add_argument("--archive", type=Path, required=True, help="the archive of `assemble`: NAME.oci.tar")
    sub.add_argument("--summary", type=Path, required=True, help="its summary, beside the bills of materials")
    sub.add_argument("--repository", required=True, help="HOST/NAME")
    sub.add_argument("--tag", dest="tags", action="append", default=[], help="a tag to give to the image")
    sub.add_argument(
        "--sibling",
        dest="siblings",
        action="append",
        default=[],
        help="HOST/NAME of a repository that may have the same layers",
    )
    _add_registry_options(sub)

    sub = command("lock", _lock, "Write the lock of a Debian base (needs the network).")
    sub.add_argument("--suite", required=True, help="Debian's release: bookworm, trixie")
    sub.add_argument("--arch", default="amd64", help="the architecture, as Debian names it (default: amd64)")
    sub.add_argument("--python", required=True, help="the minor version of the release's Python: 3.11")
    sub.add_argument(
        "--package", action="append", default=[], help="a further package, with what it depends on"
    )
    _add_archives(sub)
    sub.add_argument("--output", type=Path, required=True, help="the lock to write")

    sub = command("refresh", _refresh, "Write locks anew, with the newest packages (needs the network).")
    sub.add_argument(
        "locks", type=Path, nargs="+", metavar="LOCK", help="a lock, or a folder of locks (*.lock)"
    )
    _add_archives(sub)
    return parser


def _add_lender(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--compiler",
        type=Path,
        dest="lender",
        help="the compiler/ of a base that runs here, for a base of another architecture",
    )


def _add_registry_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--docker-config", type=Path, help="docker's config.json, for its credentials")
    sub.add_argument(
        "--plain-http", action="store_true", help="speak HTTP without TLS, as is done on this machine anyway"
    )


def _add_archives(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--mirror", action="append", default=[], help="ARCHIVE=URL instead of apt's own mirror")
    sub.add_argument("--keyring", type=Path, help="the keys of the archives, instead of the system's")


class _Base(argparse.Action):
    """`--base` begins the image of a platform, which the options after it describe."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option: str | None = None) -> None:
        namespace.platforms = [*(namespace.platforms or []), Parts(values)]


class _Layer(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option: str | None = None) -> None:
        _last(parser, namespace, option).layers.append(values)


class _Sbom(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option: str | None = None) -> None:
        _last(parser, namespace, option).sbom = values


def _last(parser: argparse.ArgumentParser, namespace: argparse.Namespace, option: str | None) -> Parts:
    if not namespace.platforms:
        parser.error(f"{option} comes after the --base that it belongs to")
    last: Parts = namespace.platforms[-1]
    return last


# A command imports what it needs and no more: the start of a process is most of the cost of the small ones.


def _base(lock: Path, debs: Path, lender: Path | None, output: Path) -> None:
    from zero_image.debian.base import build

    build(lock, debs, output, lender)


def _import_base(
    layout: Path, arch: str, reference: str, python: str, lender: Path | None, output: Path
) -> None:
    from zero_image.registry.base import import_base

    import_base(layout, arch, reference, python, output, lender)


def _requirements_layer(compiler: Path, pex: Path | None, wheels: Path | None, output: Path) -> None:
    from zero_image.layers.requirements import pex_layer, wheels_layer

    if pex is not None:
        pex_layer(compiler, pex, output)
    elif wheels is not None:
        wheels_layer(compiler, wheels, output)


def _wheel_layer(compiler: Path, wheels: list[Path], output: Path) -> None:
    from zero_image.layers.requirements import wheel_layer

    wheel_layer(compiler, wheels, output)


def _requires(wheels: Path, output: Path) -> None:
    from zero_image.python.metadata import write_requires

    write_requires(wheels, output)


def _sources_layer(compiler: Path, sources: list[Path], files: list[Path], output: Path) -> None:
    from zero_image.layers.sources import sources_layer

    sources_layer(compiler, sources, files, output)


def _assemble(platforms: list[Parts], spec: Path, output: Path, summary: Path | None) -> None:
    from zero_image.image.assembly import assemble

    assemble(platforms, spec, output, summary)


def _docker_context(base: Path, layer: list[Path], spec: Path, output: Path) -> None:
    from zero_image.image.docker_context import docker_context

    docker_context(base, layer, spec, output)


def _pull(reference: str, arch: str, docker_config: Path | None, plain_http: bool, output: Path) -> None:
    from zero_image.registry.pull import pull

    pull(reference, arch, docker_config, output, plain_http)


def _push(
    archive: Path,
    summary: Path,
    repository: str,
    tags: list[str],
    siblings: list[str],
    docker_config: Path | None,
    plain_http: bool,
) -> None:
    from zero_image.registry.credentials import default_docker_config
    from zero_image.registry.push import push

    config = docker_config or default_docker_config()
    print(push(archive, summary, repository, tags, siblings, config, plain_http))


def _lock(
    suite: str,
    arch: str,
    python: str,
    package: list[str],
    mirror: list[str],
    keyring: Path | None,
    output: Path,
) -> None:
    from zero_image.debian.locking import write_lock

    lock = write_lock(suite, arch, python, package, _mirrors(mirror), keyring, output)
    print(f"{output}: {len(lock.packages)} packages")


def _refresh(locks: list[Path], mirror: list[str], keyring: Path | None) -> None:
    from zero_image.debian.locking import refresh_locks

    for line in refresh_locks(locks, _mirrors(mirror), keyring):
        print(line)


def _mirrors(values: list[str]) -> dict[str, str]:
    malformed = [value for value in values if "=" not in value]
    if malformed:
        raise ImageError(*(f"--mirror {value}: write it as ARCHIVE=URL" for value in malformed))
    return dict(value.split("=", 1) for value in values)


if __name__ == "__main__":
    gc.disable()  # it ends before garbage matters; looking for some takes a small command 6 % of its time
    sys.exit(main())
