"""A Python program that a test writes, in a process of its own: a service, a job."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import chain
from pathlib import Path


class Program:
    """It runs in its folder, and knows of the environment what it is given."""

    def __init__(self, folder: Path, text: str, *arguments: str, **environ: str) -> None:
        main = folder / "main.py"
        main.write_text(text)
        self._process = subprocess.Popen(
            [sys.executable, str(main), *arguments],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join(sys.path),
                "PYTHONDONTWRITEBYTECODE": "1",
                "ZERO_STATE_DIR": str(folder / "state"),
                **environ,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            start_new_session=True,
        )
        self.lines: list[str] = []
        """Its output, as far as it was read."""

        self.errors = ""
        """What went to stderr, after the end."""

    def wait_for(self, pattern: str) -> str:
        """Reads the output up to a line that holds ``pattern``; returns its first group, else all of it.

        Lines that were read before count: processes and threads write in any order.
        """
        assert self._process.stdout is not None
        for line in chain(list(self.lines), map(self._note, self._process.stdout)):
            if match := re.search(pattern, line):
                return match[match.re.groups and 1]
        raise AssertionError(f"{pattern!r} is not in {self.lines} {self._process.communicate()[1]}")

    def _note(self, line: str) -> str:
        self.lines.append(line.rstrip("\n"))
        return line

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def send_to_all(self, number: signal.Signals) -> None:
        """What a terminal does."""
        os.killpg(self._process.pid, number)

    def end(self) -> int:
        """Waits for the end; the rest of the output is in ``lines``, what went to stderr in ``errors``."""
        out, self.errors = self._process.communicate(timeout=30)
        self.lines += out.splitlines()
        return self._process.returncode

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Ends it with the block, and after a minute: a line that never comes fails its test."""
        watchdog = threading.Timer(60, self._end_all)
        watchdog.start()
        try:
            yield
        finally:
            watchdog.cancel()
            self._end_all()
            self._process.communicate()

    def _end_all(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.send_to_all(signal.SIGKILL)
