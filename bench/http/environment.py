"""What the servers run in: a virtual environment of exact versions, and modules that Zero generated."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

_LOCK = REPOSITORY / "3rdparty/python/default.lock"
_PEERS = ("fastapi==0.165.0", "starlette==1.10.0")
"""What Zero is compared with and does not need itself; all they share with Zero has the version of Zero's lock."""


def python(name: str = "bench-http", peers: Sequence[str] = _PEERS) -> Path:
    """The Python of an environment with what Zero's lock says and the peers; made once, kept below ~/.cache."""
    content = "\n".join([sys.version, *peers, _LOCK.read_text()])
    folder = _cache() / f"{name}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"
    python = folder / "bin/python"
    complete = folder / "complete"
    if not complete.exists():
        print(f"setting up {folder} …", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        _install(python, "--requirement", str(_LOCK))
        pins = folder / "constraints.txt"
        pins.write_text("\n".join(line.split()[0] for line in _LOCK.read_text().splitlines() if "==" in line))
        _install(python, "--constraint", str(pins), *peers)
        complete.touch()
    return python


def generate(python: Path, out: Path) -> None:
    """Writes the module of the user service's contract."""
    arguments = ["--source-root", "services", "--out", str(out), "services/user/user.api"]
    subprocess.run(
        [str(python), "-m", "zero_codegen", "api", "generate", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": "pants-plugins", "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
    )


def _install(python: Path, *what: str) -> None:
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what], check=True
    )


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "zero"
