"""A layer of an image as a folder: ``blob.tar.gz`` and ``layer.json``, which says what the blob is.

The blob is the bytes that a registry will store, so layers are assembled into images by copying alone.
"""

from __future__ import annotations

import hashlib
import io
import posixpath
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zero_image.conventions import EPOCH
from zero_image.errors import ImageError
from zero_image.layers.sbom import Package
from zero_image.outputs import FORMAT, new_folder, read_format, readable_json

if TYPE_CHECKING:
    from zero_image.filesystem.rootfs import Node
    from zero_image.python.compiler import Compiler

MEDIA_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
_INFO = "layer.json"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Layer:
    blob: Path
    digest: str
    diff_id: str
    """The digest of the uncompressed archive."""
    size: int
    media_type: str
    created_by: str
    soabi: str = ""
    """Of the Python that the layer was compiled for; empty in layers that came from elsewhere."""
    packages: tuple[Package, ...] = ()

    @property
    def name(self) -> str:
        """The folder's name without its ending: ``debian`` of ``base/debian.layer``."""
        return self.blob.parent.stem

    def descriptor(self) -> dict[str, Any]:
        """The OCI descriptor of the blob."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}

    def save(self) -> None:
        """Writes ``layer.json`` beside the blob."""
        info = {
            "format": FORMAT,
            "blob": self.blob.name,
            "media_type": self.media_type,
            "digest": self.digest,
            "diff_id": self.diff_id,
            "size": self.size,
            "created_by": self.created_by,
            "soabi": self.soabi,
            "packages": [package.to_json() for package in self.packages],
        }
        (self.blob.parent / _INFO).write_bytes(readable_json(info))


def read_layer(folder: Path) -> Layer:
    info = read_format(folder / _INFO, "layer description")
    layer = Layer(
        blob=folder / info["blob"],
        digest=info["digest"],
        diff_id=info["diff_id"],
        size=info["size"],
        media_type=info["media_type"],
        created_by=info["created_by"],
        soabi=info["soabi"],
        packages=tuple(Package.from_json(package) for package in info["packages"]),
    )
    if not layer.blob.is_file() or layer.blob.stat().st_size != layer.size:
        raise ImageError(f"{folder}: {layer.blob.name} is missing or is not the one that {_INFO} describes")
    return layer


class LayerWriter:
    """Adds members to a layer. A path is relative to the root, and its folders are made as needed."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._paths: set[str] = set()

    def __contains__(self, path: str) -> bool:
        return path in self._paths

    def node(self, path: str, node: Node) -> None:
        if node.kind == "directory":
            self.directory(path, node.mode, node.uid)
        elif node.kind == "symlink":
            self.symlink(path, node.target)
        else:
            self.file(path, node.data, node.mode)

    def directory(self, path: str, mode: int = 0o755, owner: int = 0) -> None:
        member = self._member(path, tarfile.DIRTYPE, mode)
        member.uid = member.gid = owner
        self._tar.addfile(member)

    def file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        member = self._member(path, tarfile.REGTYPE, mode)
        member.size = len(data)
        self._tar.addfile(member, io.BytesIO(data))

    def symlink(self, path: str, target: str) -> None:
        member = self._member(path, tarfile.SYMTYPE, 0o777)
        member.linkname = target
        self._tar.addfile(member)

    def _member(self, path: str, kind: bytes, mode: int) -> tarfile.TarInfo:
        if path in self._paths:
            raise ImageError(f"two files of one layer go to /{path}")
        folder = posixpath.dirname(path)
        if folder and folder not in self._paths:
            self.directory(folder)
        self._paths.add(path)
        member = tarfile.TarInfo(path)
        member.type, member.mode, member.mtime = kind, mode, EPOCH
        return member


@contextmanager
def new_layer(
    folder: Path, compiler: Compiler, created_by: str, packages: Iterable[Package] = ()
) -> Iterator[LayerWriter]:
    """A layer to fill, with ``packages`` among others; it appears at ``folder`` once the block ends well."""
    with new_folder(folder) as partial:
        blob = partial / "blob.tar.gz"
        with blob.open("wb") as file:
            stream = _Stream(file, compiler)
            with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, bufsize=_CHUNK) as tar:
                yield LayerWriter(tar)
            stream.finish()
        Layer(
            blob=blob,
            digest=f"sha256:{stream.compressed.hexdigest()}",
            diff_id=f"sha256:{stream.plain.hexdigest()}",
            size=blob.stat().st_size,
            media_type=MEDIA_TYPE,
            created_by=created_by,
            soabi=compiler.python.soabi,
            packages=tuple(packages),
        ).save()


def write_bytecode(layer: LayerWriter, compiler: Compiler, path: str, source: bytes) -> None:
    """Adds the bytecode of the module at ``path`` to a layer; raises CompileError for what is not Python."""
    folder, _, name = path.rpartition("/")
    bytecode = compiler.compile(f"/{path}", source)
    layer.file(f"{folder}/__pycache__/{name.removesuffix('.py')}.{compiler.python.cache_tag}.pyc", bytecode)


class _Stream(io.RawIOBase):
    """Compresses what is written to it, and takes both digests on the way."""

    def __init__(self, file: io.BufferedWriter, compiler: Compiler) -> None:
        self._file = file
        self._compiler = compiler
        self.plain = hashlib.sha256()
        self.compressed = hashlib.sha256()

    def write(self, chunk: bytes) -> int:  # type: ignore[override]
        self.plain.update(chunk)
        self._out(self._compiler.compress(chunk))
        return len(chunk)

    def finish(self) -> None:
        self._out(self._compiler.finish())

    def _out(self, data: bytes) -> None:
        self.compressed.update(data)
        self._file.write(data)
