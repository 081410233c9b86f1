"""What programs that act for the user are told of files of theirs."""

from __future__ import annotations

import os.path

import pytest
from pants.base.build_root import BuildRoot
from pants.testutil.option_util import create_subsystem

from pants_backend_zero.service.user_environment import from_folder
from pants_backend_zero.subsystem import Zero


def test_paths_hold_in_any_folder() -> None:
    given = {"KUBECONFIG": "a.yaml:/b.yaml::c/d", "DOCKER_CONFIG": "../docker", "USER": "me"}
    assert dict(from_folder("/here", given)) == {
        "KUBECONFIG": "/here/a.yaml:/b.yaml::/here/c/d",
        "DOCKER_CONFIG": "/here/../docker",
        "USER": "me",
    }


@pytest.mark.parametrize(
    ("path", "whole"),
    [
        (None, None),
        ("/etc/docker.json", "/etc/docker.json"),
        ("ci/docker.json", "/repository/ci/docker.json"),
        ("~/docker.json", os.path.expanduser("~/docker.json")),
    ],
)
def test_the_configuration_of_docker_that_an_option_names(path: str | None, whole: str | None) -> None:
    with BuildRoot().temporary("/repository"):
        assert create_subsystem(Zero, docker_config=path).docker_config == whole
