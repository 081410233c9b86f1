from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from zero_image import testing
from zero_image.errors import ImageError
from zero_image.image.assembly import assemble
from zero_image.image.parts import Parts
from zero_image.layers.base import read_base
from zero_image.layers.sources import sources_layer
from zero_image.registry.base import import_base
from zero_image.registry.layout import OciLayout, blob_path

REFERENCE = f"registry.example/python@sha256:{'0' * 64}"
TAR = "application/vnd.oci.image.layer.v1.tar"


def put(folder: Path, data: bytes) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    (folder / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
    (folder / blob_path(digest)).write_bytes(data)
    return {"digest": digest, "size": len(data)}


def layout(folder: Path, *layers: bytes, media_type: str = TAR) -> Path:
    """An image of uncompressed layers, as a layout."""
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/usr/local/bin:/usr/bin", "KEY=1"], "User": "root"},
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(one).hexdigest()}" for one in layers],
        },
    }
    manifest = {
        "config": put(folder, json.dumps(config).encode()),
        "layers": [put(folder, one) | {"mediaType": media_type} for one in layers],
    }
    (folder / "index.json").write_text(
        json.dumps({"manifests": [put(folder, json.dumps(manifest).encode())]})
    )
    return folder


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python without bytecode, in /usr/local above a system that once had another one."""
    system = {
        "usr/bin/python3.11": b"old",
        "etc/os-release": b'ID=debian\nVERSION_ID="12"\n',
        "var/lib/dpkg/status": b"Package: libc6\nVersion: 2.36-9\nArchitecture: amd64\n\nPackage: removed\n",
    }
    host = {
        path.replace("usr/bin", "usr/local/bin").replace("usr/lib/python", "usr/local/lib/python"): data
        for path, data in testing.host_files().items()
    }
    folder = tmp_path_factory.mktemp("image")
    return layout(folder, testing.tar_of(system), testing.tar_of({"usr/bin/.wh.python3.11": b""} | host))


def test_keeps_the_layers_and_adds_bytecode(image: Path, tmp_path: Path) -> None:
    import_base(image, "amd64", REFERENCE, "", tmp_path / "out")
    base = read_base(tmp_path / "out" / "base")
    assert (base.reference, base.inherited, base.architecture) == (REFERENCE, 2, "amd64")
    assert [layer.name for layer in base.layers] == ["base-00", "base-01", "stdlib"]
    assert base.config["Env"] == ["PATH=/usr/local/bin:/usr/bin", "KEY=1"]
    for layer in base.layers[:2]:
        assert layer.blob.read_bytes() == (image / blob_path(layer.digest)).read_bytes()
    tag = f"cpython-{testing.VERSION.replace('.', '')}"
    added = [path for path, member in testing.members(base.layers[2].blob).items() if member.isreg()]
    assert f"usr/local/lib/python{testing.VERSION}/asyncio/__pycache__/base_events.{tag}.pyc" in added
    assert all(path.endswith(".pyc") for path in added)
    packages = [package for layer in base.layers for package in layer.packages]
    assert [package.purl for package in packages] == [
        "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12"
    ]


def test_layers_are_compiled_by_it_and_images_made_of_it(image: Path, tmp_path: Path) -> None:
    import_base(image, "amd64", "", testing.VERSION, tmp_path / "out")
    sources = testing.write_folder(tmp_path / "src", {"shop/main.py": b"x = 1\n"})
    sources_layer(tmp_path / "out" / "compiler", [sources], [], tmp_path / "first.layer")
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps({"reference": "shop", "entrypoint": ["/app/bin/python"]}))
    output = tmp_path / "shop.oci.tar"
    assemble([Parts(tmp_path / "out" / "base", [tmp_path / "first.layer"])], spec, output, None)
    # An archive that was assembled is a base itself, whose library is compiled already.
    import_base(output, "amd64", "", "", tmp_path / "again")
    base = read_base(tmp_path / "again" / "base")
    assert [layer.name for layer in base.layers] == [f"base-0{number}" for number in range(4)]
    assert base.inherited == 0
    (descriptor,) = OciLayout(output).index["manifests"]
    assert base.annotations == {"org.opencontainers.image.base.digest": descriptor["digest"]}
    first, again = (
        {path.relative_to(tmp_path / out).as_posix(): path.read_bytes() for path in files if path.is_file()}
        for out, files in ((out, (tmp_path / out / "compiler").rglob("*")) for out in ("out", "again"))
    )
    assert first == again


def test_an_image_without_python_is_told(tmp_path: Path) -> None:
    folder = layout(tmp_path / "image", testing.tar_of({"bin/busybox": b""}))
    with pytest.raises(ImageError, match=r"the base image has no Python 3\.11 or newer"):
        import_base(folder, "amd64", "", "", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_image_for_another_machine_is_told(image: Path, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="is an image for amd64, not for arm64"):
        import_base(image, "arm64", "", "", tmp_path / "out")


def test_layers_in_other_forms_are_told(tmp_path: Path) -> None:
    folder = layout(tmp_path / "image", b"", media_type=f"{TAR}+zstd")
    with pytest.raises(ImageError, match=r"no support for layers of type .*zstd"):
        import_base(folder, "amd64", "", "", tmp_path / "out")


def test_a_changed_layer_is_told(tmp_path: Path) -> None:
    data = testing.tar_of({"etc/x": b""})
    folder = layout(tmp_path / "image", data)
    path = folder / blob_path(f"sha256:{hashlib.sha256(data).hexdigest()}")
    path.write_bytes(testing.tar_of({"etc/y": b""}))
    with pytest.raises(ImageError, match="has the digest"):
        import_base(folder, "amd64", "", "", tmp_path / "out")
