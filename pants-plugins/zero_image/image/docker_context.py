"""The command ``docker-context``: the same image as a folder with a Dockerfile.

Its archives are the very layers of the OCI image, so what runs is equal; the digest is not, as Docker packs
layers anew.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from zero_image.errors import ImageError
from zero_image.image.composition import load
from zero_image.image.spec import Spec
from zero_image.layers.base import Base
from zero_image.layers.layer import Layer
from zero_image.outputs import new_folder

_ENDINGS = (".tar.gz", ".tar")  # what ADD unpacks


def docker_context(base_folder: Path, layer_folders: Iterable[Path], spec_path: Path, output: Path) -> None:
    """Writes the folder ``output``. A base from a registry is named by digest, not copied."""
    base, above, spec = load(base_folder, layer_folders, spec_path)
    archives = {_archive(layer): layer for layer in [*base.layers[base.inherited :], *above]}
    if len(archives) < len(base.layers) - base.inherited + len(above):
        raise ImageError("two layers have one name", hint="name their folders differently")
    with new_folder(output) as partial:
        (partial / "Dockerfile").write_text("\n".join([*_instructions(base, archives, spec), ""]))
        for name, layer in archives.items():
            shutil.copyfile(layer.blob, partial / name)


def _archive(layer: Layer) -> str:
    ending = next((ending for ending in _ENDINGS if layer.blob.name.endswith(ending)), None)
    if ending is None:
        raise ImageError(f"{layer.blob}: Docker's ADD does not unpack {layer.media_type}")
    return layer.name + ending


def _instructions(base: Base, archives: Iterable[str], spec: Spec) -> Iterator[str]:
    yield f"FROM {base.reference or 'scratch'}"
    for name in archives:
        yield f"ADD {name} /"
    yield from _pairs("ENV", spec.own_environment(base))
    yield from _pairs("LABEL", spec.own_labels(base))
    if spec.exposed:
        yield f"EXPOSE {' '.join(spec.exposed)}"
    yield f"STOPSIGNAL {spec.stop_signal}"
    yield f"USER {spec.user}"
    yield f"WORKDIR {spec.workdir}"
    yield f"ENTRYPOINT {json.dumps(spec.entrypoint)}"
    yield f"CMD {json.dumps(spec.cmd)}"


def _pairs(instruction: str, values: Mapping[str, str]) -> Iterator[str]:
    if values:
        pairs = (f"{name}={quoted(value)}" for name, value in sorted(values.items()))
        yield f"{instruction} " + " \\\n    ".join(pairs)


def quoted(value: str) -> str:
    """In double quotes, where a builder still replaces variables and reads backslashes."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'
