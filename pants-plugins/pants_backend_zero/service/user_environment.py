"""The environment of whoever runs Pants, for programs that act for them: kubectl, helm, docker's helpers."""

from __future__ import annotations

import os
from dataclasses import dataclass

from pants.base.build_environment import get_buildroot
from pants.engine.env_vars import EnvironmentVars, EnvironmentVarsRequest
from pants.engine.rules import Get, collect_rules, rule
from pants.util.frozendict import FrozenDict

from pants_backend_zero.subsystem import ZeroDeploy

_PATHS = ("DOCKER_CONFIG", "KUBECONFIG", "SSL_CERT_FILE")
"""Those of the variables that name files; `KUBECONFIG` may name several."""


@dataclass(frozen=True)
class UserEnvironment:
    variables: FrozenDict[str, str]


@rule
async def user_environment(deploy: ZeroDeploy) -> UserEnvironment:
    found = await Get(EnvironmentVars, EnvironmentVarsRequest((*deploy.env_vars, "PWD")))
    variables = dict(found)
    return UserEnvironment(from_folder(variables.pop("PWD", get_buildroot()), variables))


def from_folder(folder: str, variables: dict[str, str]) -> FrozenDict[str, str]:
    """The variables with absolute paths, because programs run in a folder of their own."""
    paths = {
        name: os.pathsep.join(
            path and os.path.join(folder, path) for path in variables[name].split(os.pathsep)
        )
        for name in _PATHS
        if name in variables
    }
    return FrozenDict({**variables, **paths})


def rules():
    return collect_rules()
