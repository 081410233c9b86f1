"""The ways of making an image of the same service on the same base: Zero's and two Dockerfiles."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from bench.http.environment import REPOSITORY
from bench.image.engine import Engine, Registry, copy
from bench.image.subject import PYTHON, Parts

BASE = "base"
LARGE, MEDIUM = 512 * 1024, 64 * 1024
"""Bytes from which on a distribution has a layer of its own, or one with others of its size, as in the backend."""

_EXECUTABLE = f"/usr/bin/python{PYTHON}"

# The form that the documentation of Pants recommends: what changes seldom and what changes often, in two PEX
# files that become one virtual environment in two layers. PEX_IGNORE_ERRORS: the base's Python may be another
# patch version than the one that the PEX was resolved for, and want a distribution that it does not have.
LAYERED = """\
FROM localhost/{base} AS deps
COPY deps.pex /deps.pex
ENV PEX_TOOLS=1 PEX_IGNORE_ERRORS=1
RUN ["{python}", "/deps.pex", "venv", "--scope=deps", "--compile", "/app"]
FROM localhost/{base} AS srcs
COPY srcs.pex /srcs.pex
ENV PEX_TOOLS=1
RUN ["{python}", "/srcs.pex", "venv", "--scope=srcs", "--compile", "/app"]
FROM localhost/{base}
COPY --from=deps /app /app
COPY --from=srcs /app /app
COPY etc /app/etc
ENTRYPOINT ["/app/bin/python", "-m", "{module}", "-f", "/app/etc/{name}.yaml"]
"""

PLAIN = """\
FROM localhost/{base}
COPY app.pex /app.pex
COPY etc /app/etc
ENV PEX_ROOT=/tmp/pex PEX_IGNORE_ERRORS=1
ENTRYPOINT ["{python}", "/app.pex", "-f", "/app/etc/{name}.yaml"]
"""


Content = Callable[[Parts], Mapping[str, Path]]
"""What of a service a Dockerfile copies, by its name in the context."""


class Contender(Protocol):
    """A way of making images. Builds are timed; `prepare` is not."""

    name: str

    def prepare(self, parts: Parts) -> None:
        """Puts what it builds from into place."""

    def build(self, parts: Parts, *, afresh: bool) -> None:
        """Makes the image: all of it, or what the last one does not have yet."""

    def push(self, parts: Parts, to: Registry) -> None:
        """Sends what the registry does not have."""


class Dockerfile:
    """An image that Podman builds; its layers are kept by Podman, and are new where their inputs are."""

    def __init__(self, name: str, text: str, content: Content, engine: Engine, folder: Path) -> None:
        self.name = name
        self._text, self._content, self._engine, self._folder = text, content, engine, folder

    def prepare(self, parts: Parts) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        (self._folder / "Dockerfile").write_text(
            self._text.format(
                base=BASE, python=_EXECUTABLE, module=parts.service.main, name=parts.service.name
            )
        )
        for name, source in {"etc": parts.configuration, **self._content(parts)}.items():
            _copy(source, self._folder / name)

    def build(self, parts: Parts, *, afresh: bool) -> None:
        self._engine.build(self._folder, self.image(parts), afresh=afresh)

    def push(self, parts: Parts, to: Registry) -> None:
        self._engine.push(self.image(parts), to)

    def image(self, parts: Parts) -> str:
        return f"{self._folder.name}-{parts.service.name}"


class Zero:
    """Zero's image, by the commands that the backend runs, one process after the other.

    Layers are kept by what they are made of, as Pants keeps them: those of distributions once for all.
    """

    name = "Zero"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._layers = folder / "layers"
        self._sources = folder / "sources"

    def adopt(self, archive: Path) -> Path:
        """Takes the lowest layer of one of Zero's images for the base of all, and answers it as a layout."""
        layout = self._folder / "layout"
        _lowest(archive, layout)
        _zero_image("import-base", f"--layout={layout}", f"--output={self._folder / 'base'}")
        return layout

    def prepare(self, parts: Parts) -> None:
        shutil.rmtree(self._sources, ignore_errors=True)
        for kind in ("common", "generated", "own", "small"):
            (self._sources / kind).mkdir(parents=True)
        for file in parts.sources.rglob("*"):
            path = file.relative_to(parts.sources)
            # All but what makes a PEX of it.
            if file.is_dir() or path.parts[0] in ("PEX-INFO", "__main__.py", "__pex__", "pex", ".bootstrap"):
                continue
            own = path.parts[0] == parts.service.package
            kind = "generated" if not parts.is_written(path) else "own" if own else "common"
            _copy(file, self._sources / kind / path)
        _copy(parts.configuration, self._sources / "files" / "etc")
        for wheel in self._wheels(parts, 0, MEDIUM):
            _copy(wheel, self._sources / "small" / wheel.name)
        config = {
            "reference": f"{parts.service.name}:latest",
            "entrypoint": [
                "/app/bin/python",
                "-m",
                parts.service.main,
                "-f",
                f"/app/etc/{parts.service.name}.yaml",
            ],
        }
        (self._sources / "spec.json").write_text(json.dumps(config))

    def build(self, parts: Parts, *, afresh: bool) -> None:
        if afresh:
            shutil.rmtree(self._layers, ignore_errors=True)
        self._layers.mkdir(exist_ok=True)
        large, medium = self._wheels(parts, LARGE), self._wheels(parts, MEDIUM, LARGE)
        sources = self._sources
        common, generated, files = (sources / name for name in ("common", "generated", "files"))
        layers = [
            *(self._layer("wheel-layer", f"--wheel={wheel}", made_of=[wheel]) for wheel in reversed(large)),
            self._layer("wheel-layer", *(f"--wheel={wheel}" for wheel in medium), made_of=medium),
            self._layer("requirements-layer", f"--wheels={sources / 'small'}", made_of=[sources / "small"]),
            self._layer("sources-layer", f"--sources={common}", made_of=[common]),
            self._layer(
                "sources-layer", f"--sources={generated}", f"--files={files}", made_of=[generated, files]
            ),
            self._layer("sources-layer", f"--sources={sources / 'own'}"),
        ]
        _zero_image(
            "assemble",
            f"--base={self._folder / 'base' / 'base'}",
            *(f"--layer={layer}" for layer in layers),
            f"--spec={sources / 'spec.json'}",
            f"--output={self._fresh(self.archive)}",
        )

    def push(self, parts: Parts, to: Registry) -> None:
        copy(f"oci-archive:{self.archive}", to, f"zero-{parts.service.name}")

    @property
    def archive(self) -> Path:
        return self._folder / "image.oci.tar"

    def _layer(self, command: str, *arguments: str, made_of: Sequence[Path] = ()) -> Path:
        """A layer that is there if it has been made of the same; always made where that is not said."""
        layer = self._layers / f"{_digest(made_of) if made_of else 'own'}.layer"
        if not made_of or not layer.exists():
            compiler = f"--compiler={self._folder / 'base' / 'compiler'}"
            _zero_image(command, compiler, *arguments, f"--output={self._fresh(layer)}")
        return layer

    @staticmethod
    def _wheels(parts: Parts, least: int, limit: int = sys.maxsize) -> list[Path]:
        """The distributions whose size is between the two."""
        wheels = sorted((parts.distributions / ".deps").iterdir())
        return [wheel for wheel in wheels if least <= wheel.stat().st_size < limit]

    @staticmethod
    def _fresh(output: Path) -> Path:
        """An output's place, with nothing there."""
        if output.is_dir():
            shutil.rmtree(output)
        output.unlink(missing_ok=True)
        return output


def _zero_image(*arguments: str) -> None:
    """Without site-packages: it needs none, and what this machine's do at every start is not counted."""
    subprocess.run(
        [sys.executable, "-S", "-m", "zero_image", *arguments],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "pants-plugins"), "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
    )


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy2(source, target)


def _digest(paths: Sequence[Path]) -> str:
    """Of files, and of folders' files, with their names."""
    made = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                made.update(f"{file.relative_to(path.parent)}\n".encode() + file.read_bytes())
    return made.hexdigest()


def _lowest(archive: Path, layout: Path) -> None:
    """Writes an image of the lowest layer alone, as an OCI layout."""
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(document: dict[str, Any], kind: str) -> dict[str, Any]:
        content = json.dumps(document).encode()
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        media = f"application/vnd.oci.image.{kind}.v1+json"
        return {"mediaType": media, "digest": f"sha256:{digest}", "size": len(content)}

    with tarfile.open(archive) as tar:

        def read(name: str) -> bytes:
            file = tar.extractfile(name)
            assert file is not None
            return file.read()

        def blob(descriptor: dict[str, Any]) -> bytes:
            return read(f"blobs/{descriptor['digest'].replace(':', '/')}")

        manifest = json.loads(blob(json.loads(read("index.json"))["manifests"][0]))
        config = json.loads(blob(manifest["config"]))
        layer = manifest["layers"][0]
        (blobs / layer["digest"].partition(":")[2]).write_bytes(blob(layer))
    kept = {key: config[key] for key in ("architecture", "os")}
    below = {"type": "layers", "diff_ids": config["rootfs"]["diff_ids"][:1]}
    path = {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin"]}
    history = [{"created_by": "Debian"}]  # Podman wants one for each layer
    made = put({**kept, "config": path, "rootfs": below, "history": history}, "config")
    lowest = put(
        {"schemaVersion": 2, "mediaType": manifest["mediaType"], "config": made, "layers": [layer]},
        "manifest",
    )
    index = {"schemaVersion": 2, "manifests": [lowest]}
    (layout / "index.json").write_text(json.dumps(index))
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
