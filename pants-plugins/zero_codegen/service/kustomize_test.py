"""What an overlay says. That it makes what it should is tested with the real tool, in tests/kubernetes."""

from typing import Any

import pytest
import yaml

from zero_codegen.service.kubernetes import Manifest
from zero_codegen.service.kustomize import kustomize


def manifest(*objects: dict[str, Any], namespace: str | None = None) -> Manifest:
    return Manifest(namespace, "# What it is.\n", tuple(yaml.dump(each) for each in objects))


def thing(kind: str = "Thing", name: str = "a", **content: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": kind, "metadata": {"name": name}, **content}


def overlay(base: Manifest, there: Manifest) -> tuple[dict[str, str], dict[str, Any]]:
    files = kustomize("a", base, {"staging": there})
    return files, yaml.safe_load(files["overlays/staging/kustomization.yaml"])


def test_the_base_is_the_manifest() -> None:
    base = manifest(thing())
    files = kustomize("a", base, {})
    assert files.keys() == {"base/kustomization.yaml", "base/a.yaml"}
    assert files["base/a.yaml"] == base.text
    assert yaml.safe_load(files["base/kustomization.yaml"])["resources"] == ["a.yaml"]


def test_an_environment_without_a_difference_is_the_base() -> None:
    files, found = overlay(manifest(thing()), manifest(thing()))
    assert len(files) == 3
    assert found == {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["../../base"],
    }


def test_an_overlay_holds_what_differs() -> None:
    there = manifest(thing(spec={"b/c": 2, "d": "x\ny\n"}))
    _, found = overlay(manifest(thing(spec={"b/c": 1, "e~": 1})), there)
    (patch,) = found["patches"]
    assert patch["target"] == {"group": "example.com", "version": "v1", "kind": "Thing", "name": "a"}
    assert yaml.safe_load(patch["patch"]) == [
        {"path": "/spec/b~1c", "value": 2, "op": "replace"},
        {"path": "/spec/e~0", "op": "remove"},
        {"path": "/spec/d", "value": "x\ny\n", "op": "add"},
    ]
    assert "    value: |\n      x\n      y\n    op: add" in patch["patch"].replace("\n", "\n  ")


def test_objects_come_and_go() -> None:
    files, found = overlay(manifest(thing(), thing("Old")), manifest(thing(), thing("New")))
    assert found["resources"] == ["../../base", "added.yaml"]
    assert yaml.safe_load(files["overlays/staging/added.yaml"]) == thing("New")
    (patch,) = found["patches"]
    assert yaml.safe_load(patch["patch"]) == {"$patch": "delete", **thing("Old")}


@pytest.mark.parametrize(("name", "selector"), [("a-b", "a-b"), ("shop.user-api", r"shop\.user-api")])
def test_an_object_is_selected_by_its_very_name(name: str, selector: str) -> None:
    _, found = overlay(manifest(thing(name=name, x=1)), manifest(thing(name=name, x=2)))
    assert found["patches"][0]["target"]["name"] == selector
