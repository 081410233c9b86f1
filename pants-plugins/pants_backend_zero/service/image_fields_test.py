from __future__ import annotations

import pytest
from pants.engine.addresses import Address
from pants.engine.target import InvalidFieldException

from pants_backend_zero.service.image_fields import (
    ImageBaseField,
    ImagePlatformsField,
    ImageTagsField,
)

ADDRESS = Address("services/shop", target_name="shop")


@pytest.mark.parametrize("value", [None, f"host.example/python@sha256:{'0' * 64}", "oci:3rdparty/base.tar"])
def test_bases(value):
    assert ImageBaseField(value, ADDRESS).value == value


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("python:3.11", "must name an image by digest"),
        ("oci:", "by its path from the root of the repository"),
        ("oci:/srv/base.tar", "by its path from the root of the repository"),
        ("oci:../base", "by its path from the root of the repository"),
        ("oci:base/", "by its path from the root of the repository"),
    ],
)
def test_what_is_no_base_is_told(value, problem):
    with pytest.raises(InvalidFieldException, match=problem):
        ImageBaseField(value, ADDRESS)


def test_platforms():
    assert ImagePlatformsField(None, ADDRESS).value is None
    assert ImagePlatformsField(["linux/arm64", "linux/amd64"], ADDRESS).value == (
        "linux/arm64",
        "linux/amd64",
    )


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (["linux/amd64", "linux/arm46"], "names linux/arm46. Did you mean `linux/arm64`"),
        (["windows/amd64", "plan9/mips"], "names windows/amd64, plan9/mips"),
        ([], "at least one, but was \\[\\]"),
        (["linux/amd64", "linux/amd64"], "must name each platform once"),
    ],
)
def test_what_are_no_platforms_is_told(value, problem):
    with pytest.raises(InvalidFieldException, match=problem):
        ImagePlatformsField(value, ADDRESS)


def test_tags():
    assert ImageTagsField(None, ADDRESS).value == ("latest",)
    assert ImageTagsField(["1.0", "r-{revision}"], ADDRESS).value == ("1.0", "r-{revision}")


def test_what_are_no_tags_is_told_at_once():
    with pytest.raises(InvalidFieldException, match=r"shop has 'a b', '-1', '{version}'. A tag is letters"):
        ImageTagsField(["a b", "ok", "-1", "{version}"], ADDRESS)
