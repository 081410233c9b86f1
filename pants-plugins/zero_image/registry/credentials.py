"""The credentials that ``docker login`` stored (docker's ``config.json``: auths, credHelpers, credsStore)."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zero_image.errors import ImageError
from zero_image.outputs import read_json

DOCKER_HUB = "docker.io"
_HUB_KEY = (
    "https://index.docker.io/v1/"  # docker's own name for its hub, in its configuration and to its helpers
)
_TOKEN_USER = "<token>"  # stands where a helper gives an identity token (docker-credential-helpers)


@dataclass(frozen=True)
class Credentials:
    """One of two, or none: ``basic`` is ``user:password`` in base64, ``identity`` a token to get others.

    ``problem`` is why there is none, where a helper says so.
    """

    basic: str = ""
    identity: str = ""
    problem: str = ""

    def __bool__(self) -> bool:
        return bool(self.basic or self.identity)


def default_docker_config(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Docker's configuration where docker itself looks for it, if there is one."""
    folder = environment.get("DOCKER_CONFIG") or os.path.join(environment.get("HOME", "~"), ".docker")
    path = Path(folder) / "config.json"
    return path if path.is_file() else None


def find_credentials(docker_config: Path, host: str) -> Credentials:
    """What a configuration has for a registry; empty when it has nothing."""
    config = read_json(docker_config, "docker configuration")
    helpers, auths = config.get("credHelpers") or {}, config.get("auths") or {}
    keys = (_HUB_KEY, host) if host == DOCKER_HUB else (host,)
    helper = next((helpers[key] for key in keys if key in helpers), config.get("credsStore"))
    problem = ""
    if helper:
        for key in keys:
            if found := _ask_helper(f"docker-credential-{helper}", key, docker_config):
                return found
            problem = found.problem
    entries = {_registry_of(name): entry for name, entry in auths.items()}
    entry: dict[str, Any] = next((entries[key] for key in map(_registry_of, keys) if key in entries), {})
    return Credentials(str(entry.get("auth", "")), str(entry.get("identitytoken", "")), problem)


def _registry_of(key: str) -> str:
    """The host of a key, which may be an address: logins of old have ``https://HOST/v1/``."""
    return key.partition("://")[2].partition("/")[0] if "://" in key else key.partition("/")[0]


def _ask_helper(program: str, key: str, docker_config: Path) -> Credentials:
    try:
        result = subprocess.run([program, "get"], input=f"{key}\n", capture_output=True, text=True)
    except FileNotFoundError:
        raise ImageError(f"{docker_config} names {program}, which is not on PATH") from None
    if result.returncode:
        # Helpers tell problems on either; a registry may still be open to all.
        return Credentials(problem=f"{program}: {(result.stdout + result.stderr).strip()}")
    try:
        answer = json.loads(result.stdout)
        user, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, LookupError, TypeError):
        raise ImageError(f"{program}: the answer for {key} is not a username and a secret") from None
    if user == _TOKEN_USER:
        return Credentials(identity=secret)
    return Credentials(base64.b64encode(f"{user}:{secret}".encode()).decode())
