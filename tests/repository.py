"""A copy of the repository, and `./pants` in it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

PARTS = ("pants", "pants.toml", "BUILD", "build-support", "pants-plugins", "3rdparty", "runtime", "services")


class Repository:
    """A copy of the repository that a test may spoil."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for part in PARTS:
            source = Path(part)
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, root / part)

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.root / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def pants(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["./pants", "--no-dynamic-ui", "--no-colors", *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
        )

    def refused(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What Pants prints when it refuses."""
        result = self.pants(*arguments)
        assert result.returncode == 1, result.stderr
        assert "Traceback (most recent call last)" not in result.stderr
        return result

    def git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True)

    def stop(self) -> None:
        for pid in self.root.glob(".pids/**/pantsd/pid"):
            with suppress(ProcessLookupError):
                os.kill(int(pid.read_text()), signal.SIGKILL)
