"""A root file system held in memory: unpacked, merged and looked through before it becomes a layer."""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from zero_image.errors import ImageError
from zero_image.filesystem import elf

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
# Where the dynamic loader looks besides a library's own run path, by the ld.so.conf of Debian-like systems.
_LIBRARY_FOLDERS = (
    "usr/local/lib",
    "usr/local/lib/{0}",
    "lib/{0}",
    "usr/lib/{0}",
    "lib64",
    "usr/lib64",
    "lib",
    "usr/lib",
)
_MAX_LINKS = 40  # as in Linux


@dataclass(frozen=True)
class Node:
    kind: Literal["file", "directory", "symlink"]
    mode: int
    data: bytes = b""
    """Content of a file; empty when its reader chose not to keep it."""
    target: str = ""
    uid: int = 0
    gid: int = 0


class RootFs:
    """Nodes by path, each with its folders; paths are relative and normalised (``usr/bin/python3``)."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}

    def file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        self._put(path, Node("file", mode, data))

    def directory(self, path: str, mode: int = 0o755, owner: int = 0) -> None:
        self._put(path, Node("directory", mode, uid=owner, gid=owner))

    def symlink(self, path: str, target: str) -> None:
        self._put(path, Node("symlink", 0o777, target=target))

    def _put(self, path: str, node: Node) -> None:
        folder = posixpath.dirname(path)
        if folder and folder not in self.nodes:
            self.directory(folder)
        self.nodes[path] = node

    def files(self, folder: str, suffix: str = "") -> Iterator[str]:
        """The files below ``folder`` whose name ends in ``suffix``, sorted."""
        return (
            path
            for path in sorted(self.nodes)
            if path.startswith(folder + "/") and path.endswith(suffix) and self.nodes[path].kind == "file"
        )

    def real(self, path: str) -> str | None:
        """The path of what ``path`` names once symbolic links are followed; None when nothing is there."""
        todo, done = path.strip("/").split("/")[::-1], ""
        links = 0
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                done = posixpath.dirname(done)
                continue
            done = posixpath.join(done, part)
            node = self.nodes.get(done)
            if node is not None and node.kind == "symlink":
                links += 1
                if links > _MAX_LINKS:
                    return None
                todo += node.target.split("/")[::-1]
                done = "" if node.target.startswith("/") else posixpath.dirname(done)
        return done if done in self.nodes else None

    def read(self, path: str) -> bytes | None:
        """The content of the file that ``path`` leads to, or None."""
        real = self.real(path)
        node = self.nodes[real] if real is not None else None
        return node.data if node is not None and node.kind == "file" else None

    def apply(
        self,
        tar: tarfile.TarFile,
        *,
        keep: Callable[[str], bool] = lambda path: True,
        place: Callable[[str], str] = lambda path: path,
        whiteouts: bool = False,
    ) -> None:
        """Unpacks a tar archive over what is there.

        ``place`` says where a member goes, ``keep`` whether a file's content is wanted, else it is empty.
        With ``whiteouts`` the archive is an image layer, whose ``.wh.`` members delete. Owners become root,
        set-id bits are dropped, devices and sockets left out.
        """
        for member in tar:
            original = posixpath.normpath("/" + member.name).lstrip("/")
            folder, name = posixpath.split(original)
            if whiteouts and name == _OPAQUE:
                self._delete(folder, itself=False)
            elif whiteouts and name.startswith(_WHITEOUT):
                self._delete(posixpath.join(folder, name.removeprefix(_WHITEOUT)))
            elif original:
                self._add(tar, member, original, keep, place)

    def _add(
        self,
        tar: tarfile.TarFile,
        member: tarfile.TarInfo,
        original: str,
        keep: Callable[[str], bool],
        place: Callable[[str], str],
    ) -> None:
        folder, name = posixpath.split(place(original))
        path = posixpath.join(self.real(folder) or folder, name)
        mode = member.mode & 0o1777
        if member.isdir():
            if path in self.nodes and self.nodes[path].kind != "directory":
                self._delete(path)
            self.directory(path, mode)
        elif member.issym():
            target = member.linkname
            if path != original and "/" in target and not target.startswith("/"):
                # It was relative to the folder that the member has been moved away from.
                target = posixpath.normpath(posixpath.join("/", posixpath.dirname(original), target))
            if posixpath.join("/", posixpath.dirname(path), target) != "/" + path:
                self._delete(path)
                self.symlink(path, target)
        elif member.islnk():
            linked = self.real(place(posixpath.normpath("/" + member.linkname).lstrip("/")))
            if linked is None:
                raise ImageError(f"{member.name} is a hard link to {member.linkname}, which is not there")
            self._put(path, self.nodes[linked])
        elif member.isreg():
            stream = tar.extractfile(member) if keep(path) else None
            self._delete(path)
            self.file(path, stream.read() if stream else b"", mode)

    def _delete(self, path: str, *, itself: bool = True) -> None:
        node = self.nodes.get(path)
        if node is not None and node.kind == "directory":
            for below in [below for below in self.nodes if below.startswith(path + "/")]:
                del self.nodes[below]
        if itself:
            self.nodes.pop(path, None)

    def needed_libraries(self, path: str) -> tuple[dict[str, str], set[str]]:
        """The libraries that the ELF file ``path`` loads, and those these load in turn.

        Answers the real path of each by the name it is asked for, and the names that nothing here provides.
        """
        found: dict[str, str] = {}
        missing: set[str] = set()
        todo = [path]
        while todo:
            current = todo.pop()
            data = self.read(current) or b""
            if not elf.is_elf(data):
                continue
            facts = elf.parse(data)
            folders = [
                folder.replace("$ORIGIN", "/" + posixpath.dirname(current)).strip("/")
                for folder in facts.runpath
            ] + [folder.format(f"{facts.machine}-linux-gnu") for folder in _LIBRARY_FOLDERS]
            for name in facts.needed:
                if name in found or name in missing:
                    continue
                candidates = (self.real(f"{folder}/{name}") for folder in folders)
                real = next((candidate for candidate in candidates if candidate is not None), None)
                if real is None:
                    missing.add(name)
                else:
                    found[name] = real
                    todo.append(real)
        return found, missing

    def without(self, unwanted: Callable[[str, Node], bool]) -> None:
        """Deletes the nodes for which ``unwanted`` is true."""
        self.nodes = {path: node for path, node in self.nodes.items() if not unwanted(path, node)}
