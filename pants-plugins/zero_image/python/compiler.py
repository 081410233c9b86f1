"""The base image's Python at work on the build machine: it compiles bytecode and compresses layers.

Bytecode is made by the very interpreter that will run it, taken out of the base image with its own dynamic
loader and libraries. So neither the Python of the build machine nor its zlib has a say in an image's bytes.
For a base of another architecture, one of the same release for this machine does the work.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import TracebackType

from zero_image.errors import ImageError
from zero_image.outputs import read_format
from zero_image.python.info import PythonInfo

INFO = "compiler.json"
LOADER = "ld.so"
LIBRARIES = "lib"
HOME = "python"
WORKER = "worker.py"


class CompileError(Exception):
    """A source file that is not Python; the text is ``line:column: what is wrong``."""


def read_compiler(folder: Path) -> PythonInfo:
    """The Python of the image that the compiler in ``folder`` is for."""
    return PythonInfo.from_json(read_format(folder / INFO, "compiler description")["python"])


class Compiler:
    """A running interpreter; use it as a context manager. One at a time may write a gzip stream."""

    def __init__(self, folder: Path, python: PythonInfo | None = None) -> None:
        """``folder`` was made by ``extraction.extract``, which alone passes ``python``."""
        self.python = python or read_compiler(folder)
        self._folder = folder.resolve()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Compiler:
        home = self._folder / HOME
        command: list[str | Path] = [
            *(self._folder / LOADER, "--inhibit-cache", "--library-path", self._folder / LIBRARIES),
            *(home / "bin" / Path(self.python.executable).name, "-S", "-s", "-P", "-B"),
            self._folder / WORKER,
        ]
        # No locale, hash seed or variable of the build machine reaches the interpreter.
        environment = {"PYTHONHOME": str(home), "PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "LC_ALL": "C"}
        try:
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1 << 16
            )
        except OSError as error:
            here = f"{os.uname().sysname} {os.uname().machine}"
            raise ImageError(
                f"the base image's Python, made for Linux on {self.python.machine}, does not run on this "
                f"{here}: {error.strerror}",
                hint="it compiles the image's bytecode: build on a machine or remote worker like the image's, or "
                "lend it with --compiler that of a base for this machine",
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._running()
        if kind is not None:
            process.kill()
        process.communicate()

    def compile(self, path: str, source: bytes) -> bytes:
        """The bytes of the .pyc of a module whose path in the image is ``path``; raises CompileError."""
        answered, body = self._ask(b"c", path.encode(), source)
        if not answered:
            raise CompileError(body.decode())
        return body

    def compress(self, chunk: bytes) -> bytes:
        """What comes out of the gzip stream when ``chunk`` goes in; often nothing yet."""
        return self._ask(b"z", b"", chunk)[1]

    def finish(self) -> bytes:
        """The end of the gzip stream; the next ``compress`` begins another."""
        return self._ask(b"f")[1]

    def describe(self) -> list[str]:
        """The interpreter's version, SOABI, cache tag and C library, as it says itself."""
        return self._ask(b"?")[1].decode().split("\n")

    def _ask(self, operation: bytes, name: bytes = b"", body: bytes = b"") -> tuple[bool, bytes]:
        process = self._running()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(
                operation + len(name).to_bytes(4, "big") + len(body).to_bytes(4, "big") + name
            )
            process.stdin.write(body)
            process.stdin.flush()
            head = process.stdout.read(5)
        except BrokenPipeError:
            head = b""
        if len(head) < 5:
            raise ImageError(
                f"the base image's Python stopped with exit status {process.wait()}; see above for why"
            )
        return head[:1] == b"+", process.stdout.read(int.from_bytes(head[1:], "big"))

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "Compiler is a context manager"
        return self._process
