"""The default base: Debian packages unpacked into one layer, with Python and nothing to log in with.

In the manner of distroless images: no shell, no package manager, a user of its own, and a package database in
``status.d`` that vulnerability scanners know.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable
from pathlib import Path

from zero_image.conventions import USER
from zero_image.debian.deb import Deb
from zero_image.debian.lockfile import OCI_ARCHITECTURES, DebianLock, read_lock
from zero_image.errors import ImageError
from zero_image.filesystem import elf
from zero_image.filesystem.rootfs import Node, RootFs
from zero_image.layers.base import BASE, COMPILER, Base
from zero_image.layers.layer import new_layer, read_layer
from zero_image.layers.sbom import Package, cyclonedx
from zero_image.layers.stdlib import write_stdlib_bytecode
from zero_image.outputs import new_folder
from zero_image.python.compiler import Compiler
from zero_image.python.extraction import find_python, write_compiler

CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")  # since Debian 12
# What a service never reads. Of the documentation the copyright notices stay, as their licences ask.
_UNWANTED = re.compile(
    r"""(?:
      boot | media | mnt | srv
    | etc/(?: ca-certificates | cron[^/]* | default | init\.d | issue[^/]* | kernel | motd | opt
            | profile[^/]* | skel | update-motd\.d )
    | etc/python3[^/]*  # the hook of a crash reporter
    | usr/(?: games | include | src )
    | usr/lib/python3[^/]*/test
    | usr/share/(?: applications | apport | base-files | binfmts | bug | info | lintian | locale | man | menu
                  | pixmaps )
    | usr/share/zoneinfo/(?: posix | right )  # copies with another epoch or with leap seconds
    | var/(?: backups | local | mail | spool )
    )(?:/|$)""",
    re.VERBOSE,
)
_USERS = (("root", 0, "/root"), ("nobody", 65534, "/nonexistent"), ("nonroot", USER, "/home/nonroot"))


def build(lock_path: Path, debs: Path, output: Path, lender: Path | None = None) -> None:
    """Unpacks the packages that ``lock_path`` names, found in the folder ``debs``, and writes ``output``.

    ``lender`` is the compiler of a base for this machine, where the lock is for another architecture.
    """
    lock = read_lock(lock_path)
    _verify(lock, debs)
    root = _root(lock, debs)
    packages = [
        Package.deb(
            package.name, package.version, package.architecture, f"{lock.distribution}-{lock.release}"
        )
        for package in lock.packages
    ]
    with new_folder(output) as partial:
        python = write_compiler(root, find_python(root, lock.python), lender, partial / COMPILER)
        folder = partial / BASE
        created_by = f"{lock.distribution} {lock.release} packages"
        with (
            Compiler(partial / COMPILER) as compiler,
            new_layer(folder / "debian.layer", compiler, created_by, packages) as layer,
        ):
            for path in sorted(root.nodes):
                layer.node(path, root.nodes[path])
            write_stdlib_bytecode(layer, compiler, root)
            layer.file("usr/share/sbom/debian.cdx.json", cyclonedx(packages))
        layers = (read_layer(folder / "debian.layer"),)
        Base(OCI_ARCHITECTURES[lock.architecture], python.soabi, layers).save(folder)


def _verify(lock: DebianLock, debs: Path) -> None:
    """Raises ImageError for all packages that are not there or are others than the lock says."""
    problems: list[str] = []
    for package in lock.packages:
        path = debs / package.filename
        if not path.is_file():
            problems.append(f"{path} is missing: {package.name} {package.version} of the lock")
        elif (found := hashlib.sha256(path.read_bytes()).hexdigest()) != package.sha256:
            problems.append(f"{path} has SHA-256 {found}, the lock says {package.sha256}")
    if problems:
        raise ImageError(*problems)


def _root(lock: DebianLock, debs: Path) -> RootFs:
    root = RootFs()
    for package in sorted(lock.packages, key=lambda package: package.name):
        deb = Deb(debs / package.filename)
        with deb.data() as tar:
            root.apply(tar, place=_merged)
        root.file(f"var/lib/dpkg/status.d/{package.name}", deb.control().encode())
    for name in _MERGED:
        if f"usr/{name}" in root.nodes:
            root.symlink(name, f"usr/{name}")
    certificates = list(root.files("usr/share/ca-certificates", ".crt"))
    root.file(CERTIFICATES, b"".join(root.nodes[path].data for path in certificates))
    root.without(_is_unwanted)
    root.without(lambda path, node: node.kind == "symlink" and root.real(path) is None)
    _check_libraries(root)
    _add_system_files(root, lock)
    return root


def _merged(path: str) -> str:
    """Where a package's file lies in a system whose /bin, /lib and /sbin are those of /usr."""
    return f"usr/{path}" if path.partition("/")[0] in _MERGED else path


def _is_unwanted(path: str, node: Node) -> bool:
    if path.startswith("usr/share/doc/") and node.kind == "file":
        return not path.endswith("/copyright")
    if path.startswith(("usr/bin/", "usr/sbin/")):
        # Scripts: there is no shell to run them.
        return not elf.is_elf(node.data)
    return _UNWANTED.match(path) is not None


def _check_libraries(root: RootFs) -> None:
    """Drops Python's own modules whose library the lock leaves out (nis, dbm); raises for any other gap."""
    problems: list[str] = []
    for path, node in list(root.nodes.items()):
        if node.kind != "file" or not elf.is_elf(node.data):
            continue
        _, missing = root.needed_libraries(path)
        if missing and "/lib-dynload/" in path:
            del root.nodes[path]
        elif missing:
            problems.append(f"/{path} needs {', '.join(sorted(missing))}, which no package of the lock has")
    if problems:
        raise ImageError(*problems, hint="write the lock anew and add the package with --package")


def _add_system_files(root: RootFs, lock: DebianLock) -> None:
    root.symlink("usr/bin/python3", f"python{lock.python}")
    # Where OpenSSL looks when neither the program nor SSL_CERT_FILE says otherwise.
    root.symlink("usr/lib/ssl/cert.pem", f"/{CERTIFICATES}")
    root.symlink("usr/lib/ssl/certs", f"/{posixpath.dirname(CERTIFICATES)}")
    root.file(
        "etc/passwd",
        _lines(f"{name}:x:{id_}:{id_}:{name}:{home}:/sbin/nologin" for name, id_, home in _USERS),
    )
    root.file("etc/group", _lines(f"{name}:x:{id_}:" for name, id_, _ in _USERS))
    root.file("etc/nsswitch.conf", _lines(["passwd: files", "group: files", "hosts: files dns"]))
    root.directory("home/nonroot", 0o700, owner=USER)


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
