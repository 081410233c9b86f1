"""What the programs run in: a virtual environment of exact versions, and modules that Zero generated."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from bench.http import environment
from bench.http.environment import REPOSITORY

PEERS = (
    "grpclib==0.4.9",
    "opentelemetry-instrumentation-grpc==0.66b2",
    "opentelemetry-exporter-otlp-proto-http==1.45.2",
    "py-async-grpc-prometheus==0.2.0",
)
"""What Zero is compared with and does not need itself; all they share with Zero has the version of Zero's
lock."""


def python() -> Path:
    """The Python of an environment with what Zero's lock says and the peers."""
    return environment.python("bench-rpc", PEERS)


def generate(python: Path, out: Path) -> None:
    """Writes the modules of the user service's contract."""
    arguments = ["--source-root", "services", "--out", str(out), "services/user/user.proto"]
    subprocess.run(
        [str(python), "-m", "zero_codegen", "rpc", "generate", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": "pants-plugins", "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
    )
