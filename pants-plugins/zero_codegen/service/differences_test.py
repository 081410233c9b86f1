from typing import Any

import pytest

from zero_codegen.service.differences import (
    MISSING,
    Difference,
    Identity,
    differences,
    identified,
    lookup,
)
from zero_codegen.service.kubernetes import Manifest


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, [Difference(("a", "c"), 2, 3)]),
        ({"a": 1}, {}, [Difference(("a",), 1, MISSING)]),
        ({}, {"a": {"b": 1}}, [Difference(("a",), MISSING, {"b": 1})]),
        ({"a": [1, 2]}, {"a": [1, 3]}, [Difference(("a",), [1, 2], [1, 3])]),
        ({"a": {"b": 1}}, {"a": 1}, [Difference(("a",), {"b": 1}, 1)]),
        (
            {"containers": [{"image": "a", "name": "x"}]},
            {"containers": [{"image": "b", "name": "x"}]},
            [Difference(("containers", 0, "image"), "a", "b")],
        ),
        (
            {"containers": [{"image": "a"}]},
            {"containers": []},
            [Difference(("containers",), [{"image": "a"}], [])],
        ),
    ],
)
def test_finds_the_smallest_values_that_differ(old: Any, new: Any, expected: list[Difference]) -> None:
    assert list(differences(old, new)) == expected


def test_an_object_is_the_same_wherever_its_service_is() -> None:
    def found(namespace: str | None) -> list[Identity]:
        own = f"\n  namespace: {namespace}" if namespace else ""
        documents = (
            f"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a{own}\n",
            "apiVersion: v1\nkind: Role\nmetadata:\n  name: a\n  namespace: other\n",
        )
        return list(identified(Manifest(namespace, "", documents)))

    assert found("shop") == found("staging") == found(None)
    deployment, role = found("shop")
    assert deployment == Identity("apps/v1", "Deployment", "a", None)
    assert (deployment.group, deployment.version) == ("apps", "v1")
    assert role == Identity("v1", "Role", "a", "other")
    assert (role.group, role.version) == ("", "v1")


def test_looks_up_what_is_there() -> None:
    value = {"a": [{"b": 1}]}
    assert lookup(value, ("a", 0, "b")) == 1
    assert lookup(value, ("a", 1, "b")) is lookup(value, ("a", 0, "c")) is MISSING
    assert lookup(value, ("a", 0, "b", "c")) is MISSING
