"""What `docker login` and credential helpers leave behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from zero_image.errors import ImageError
from zero_image.registry.credentials import Credentials, default_docker_config, find_credentials


def configuration(folder: Path, **config: Any) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    return path


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A credential helper called `safe`, which knows two registries and speaks nonsense of a third."""
    program = tmp_path / "docker-credential-safe"
    program.write_text("""#!/bin/sh
        test "$1" = get && read -r host
        case "$host" in
        known.example) echo '{"ServerURL": "", "Username": "me", "Secret": "secret"}' ;;
        https://index.docker.io/v1/) echo '{"Username": "<token>", "Secret": "an identity"}' ;;
        broken.example) echo '[]' ;;
        *) echo "credentials not found" && exit 1 ;;
        esac
        """)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return program


@pytest.mark.parametrize(
    ("key", "host"),
    [
        ("registry.example:5000", "registry.example:5000"),
        ("https://registry.example/v1/", "registry.example"),
        ("registry.example/v2/", "registry.example"),
        ("https://index.docker.io/v1/", "docker.io"),
    ],
)
def test_logins_are_found_under_all_names_that_docker_gave_them(key: str, host: str, tmp_path: Path) -> None:
    config = configuration(tmp_path, auths={"other.example": {"auth": "eA=="}, key: {"auth": "bWU6c2VjcmV0"}})
    assert find_credentials(config, host) == Credentials(basic="bWU6c2VjcmV0")


def test_a_registry_without_a_login_gets_none(tmp_path: Path) -> None:
    config = configuration(tmp_path, auths={"registry.example": {"auth": "bWU6c2VjcmV0"}})
    assert not find_credentials(config, "registry.example:5000")


def test_a_helper_answers_for_its_registry(helper: Path, tmp_path: Path) -> None:
    config = configuration(tmp_path, credHelpers={"known.example": "safe"})
    assert find_credentials(config, "known.example") == Credentials(basic="bWU6c2VjcmV0")


def test_one_helper_may_keep_all_logins(helper: Path, tmp_path: Path) -> None:
    config = configuration(tmp_path, credsStore="safe", auths={"strange.example": {"auth": "eA=="}})
    assert find_credentials(config, "docker.io") == Credentials(identity="an identity")
    assert find_credentials(config, "strange.example").basic == "eA=="


def test_why_a_helper_has_nothing_is_kept(helper: Path, tmp_path: Path) -> None:
    """Of a session with a cloud that has run out, say; a registry may be open to all: it is no error yet."""
    found = find_credentials(configuration(tmp_path, credsStore="safe"), "strange.example")
    assert not found
    assert found.problem == "docker-credential-safe: credentials not found"


def test_a_helper_that_is_missing_or_broken_is_told(helper: Path, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="names docker-credential-lost, which is not on PATH"):
        find_credentials(configuration(tmp_path, credsStore="lost"), "known.example")
    with pytest.raises(ImageError, match="the answer for broken.example is not a username and a secret"):
        find_credentials(configuration(tmp_path, credsStore="safe"), "broken.example")


def test_the_configuration_is_where_docker_has_it(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / ".docker", tmp_path / "elsewhere"
    environment = {"HOME": str(tmp_path)}
    assert default_docker_config(environment) is None
    for folder in (home, elsewhere):
        folder.mkdir()
        configuration(folder)
    assert default_docker_config(environment) == home / "config.json"
    environment["DOCKER_CONFIG"] = str(elsewhere)
    assert default_docker_config(environment) == elsewhere / "config.json"
