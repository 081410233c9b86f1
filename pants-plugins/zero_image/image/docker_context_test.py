from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_image.errors import ImageError
from zero_image.image.docker_context import docker_context, quoted
from zero_image.layers.base import read_base
from zero_image.layers.layer import read_layer

SPEC: dict[str, Any] = {
    "reference": "shop/api:1",
    "entrypoint": ["/app/bin/python", "-m", "shop.main"],
    "env": {"GREETING": 'a "b" $HOME \\'},
    "labels": {"title": "api"},
    "ports": ["8080", "53/udp"],
}


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(SPEC))
    return path


def test_adds_the_layers_of_the_image_to_nothing(
    base_folder: Path, sources_layer_folder: Path, spec: Path, tmp_path: Path
) -> None:
    docker_context(base_folder / "base", [sources_layer_folder], spec, tmp_path / "docker")
    assert (tmp_path / "docker" / "Dockerfile").read_text() == (
        "FROM scratch\n"
        "ADD debian.tar.gz /\n"
        "ADD first-party.tar.gz /\n"
        'ENV GREETING="a \\"b\\" \\$HOME \\\\" \\\n'
        '    LANG="C.UTF-8" \\\n'
        '    PATH="/app/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \\\n'
        '    PYTHONDONTWRITEBYTECODE="1" \\\n'
        '    PYTHONPATH="/app/src" \\\n'
        '    PYTHONSAFEPATH="1" \\\n'
        '    PYTHONUNBUFFERED="1"\n'
        'LABEL title="api"\n'
        "EXPOSE 8080/tcp 53/udp\n"
        "STOPSIGNAL SIGTERM\n"
        "USER 65532:65532\n"
        "WORKDIR /app\n"
        'ENTRYPOINT ["/app/bin/python", "-m", "shop.main"]\n'
        "CMD []\n"
    )
    (debian,) = read_base(base_folder / "base").layers
    assert (tmp_path / "docker" / "debian.tar.gz").read_bytes() == debian.blob.read_bytes()
    first_party = read_layer(sources_layer_folder).blob.read_bytes()
    assert (tmp_path / "docker" / "first-party.tar.gz").read_bytes() == first_party


def test_a_base_from_a_registry_is_named_and_not_copied(
    base_folder: Path, sources_layer_folder: Path, spec: Path, tmp_path: Path
) -> None:
    reference = f"registry.example/python@sha256:{'0' * 64}"
    base = read_base(base_folder / "base")
    base = replace(base, reference=reference, inherited=1, config={"Env": ["PATH=/opt", "KEY=1"]})
    copy = tmp_path / "base"
    copy.mkdir()
    (copy / "debian.layer").symlink_to(base_folder / "base" / "debian.layer")
    base.save(copy)
    docker_context(copy, [sources_layer_folder], spec, tmp_path / "docker")
    text = (tmp_path / "docker" / "Dockerfile").read_text()
    assert text.startswith(f"FROM {reference}\nADD first-party.tar.gz /\nENV ")
    assert 'PATH="/app/bin:/opt"' in text
    assert "KEY" not in text
    assert sorted(path.name for path in (tmp_path / "docker").iterdir()) == [
        "Dockerfile",
        "first-party.tar.gz",
    ]


def test_two_layers_of_one_name_are_told(
    base_folder: Path, sources_layer_folder: Path, spec: Path, tmp_path: Path
) -> None:
    layers = [sources_layer_folder, sources_layer_folder]
    with pytest.raises(ImageError, match="two layers have one name"):
        docker_context(base_folder / "base", layers, spec, tmp_path / "docker")
    assert not (tmp_path / "docker").exists()


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"])))
def test_a_builder_reads_back_what_was_quoted(value: str) -> None:
    inside = quoted(value)[1:-1]
    # No quote and no variable is left bare, and each backslash guards one character.
    assert re.fullmatch(r'(?:[^"$\\]|\\["$\\])*', inside)
    assert re.sub(r"\\(.)", r"\1", inside) == value
