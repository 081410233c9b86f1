"""Sets Pants up for the `pants` script. Runs on any CPython from 3.7 on: `pants_bootstrap.py CACHE SETTINGS`.

Below the folder CACHE it makes, from PyPI and by hash:

* `venv/<digest>`: Pants, in a virtual environment; the digest stands for its lock, interpreter and machine;
* `pex/<digest>/pex`: the tool that Pants would fetch from GitHub, built from its wheel; equal everywhere.

The file SETTINGS is shell text that hands these to Pants, with the folders of the Pythons of user code.

All is made under a lock that child processes share, and counts only when whole. So a set-up may be killed at
any moment: the next one waits for what the first left running, and makes what is missing.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote


class LockFile(NamedTuple):
    """A requirements file with hashes, and the package that it is there for."""

    path: Path
    package: str

    @property
    def version(self) -> str:
        match = re.search(f"^{self.package}==([^ ]+)", self.path.read_text(), re.MULTILINE)
        if not match:
            raise SetupError(f"{self.path} does not pin {self.package}")
        return match.group(1)


LOCKS = Path(__file__).resolve().parent.parent / "3rdparty" / "python"
PANTS_LOCK = LockFile(LOCKS / "pants.lock", "pantsbuild-pants")
PEX_LOCK = LockFile(LOCKS / "pex-cli.lock", "pex")

# SHA-256 and size of what `build_pex` makes of pex-cli.lock, whatever Python and machine it runs on.
# Where that lock has changed, the set-up fails and prints what to write here.
PEX_FINGERPRINT = ("cd161283f7a1990d737d22222c0500d3dc2012f7809295f31b58033e22acac4b", 17383004)
PEX_PLATFORMS = ("linux_arm64", "linux_x86_64", "macos_arm64", "macos_x86_64")  # As Pants names them.

PANTS_PYTHON = "3.9"  # The newest that Pants 2.17 has wheels for.
USER_PYTHONS = ("3.11", "3.12", "3.13")
OTHER_PYTHONS = ("3.7", "3.8", "3.10", "3.14")  # Of no use here, but named where none of the above is found.

# Every interpreter that is found runs this. It names its own executable, not a shim's or that of a virtual
# environment. It needs ssl and zlib, as pip and pex do; pyenv leaves them out where headers are missing.
PROBE = """
import json, os, platform, ssl, sys, zlib
minor = "%d.%d" % sys.version_info[:2]
own = os.path.join(sys.base_prefix, "bin", "python" + minor)
executable = own if os.path.exists(own) else os.path.realpath(sys.executable)
kind = platform.python_implementation() + sys.abiflags
print(json.dumps([kind, minor, platform.python_version(), executable]))
"""

# Finds a pip for the new environment, to save installing one there: the wheel that CPython or a distribution
# bundles, else one that is installed.
FIND_PIP = """
import glob, os
try:
    import ensurepip
    folders = [os.path.join(os.path.dirname(ensurepip.__file__), "_bundled"), "/usr/share/python-wheels"]
    print(os.path.join([w for f in folders for w in glob.glob(os.path.join(f, "pip-*.whl"))][0], "pip"))
except (ImportError, IndexError):
    import pip
    print(os.path.dirname(pip.__file__))
"""


class SetupError(Exception):
    """The set-up cannot go on; the message says why, and what the user can do."""


def say(text: str) -> None:
    print("pants: " + text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Announces what begins and, when it is done, how long it took."""
    start = time.monotonic()
    say(title + " ...")
    yield
    say(f"... done in {time.monotonic() - start:.1f} s")


# Finding interpreters


class Interpreter(NamedTuple):
    """A CPython that runs: its version such as `3.11`, its release such as `3.11.7`, its own executable."""

    minor: str
    release: str
    executable: str

    def __str__(self) -> str:
        return f"{self.release} ({self.executable})"


def path_folders() -> list[str]:
    return [folder for folder in os.get_exec_path() if os.path.isabs(folder)]


def release_folders() -> list[Path]:
    """The folders in which pyenv and uv keep a folder for each release."""
    pyenv = os.environ.get("PYENV_ROOT") or "~/.pyenv"
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    uv = os.environ.get("UV_PYTHON_INSTALL_DIR") or f"{data}/uv/python"
    return [Path(pyenv, "versions").expanduser(), Path(uv).expanduser()]


def candidates(minor: str) -> Iterator[str]:
    """Executables named for a version: those on PATH in order, then pyenv's and uv's from the newest down."""
    folders = path_folders()
    release = re.compile(rf"(?:cpython-)?{re.escape(minor)}\.(\d+)(?:-|$)")
    for parent in release_folders():
        matches = [(release.match(folder.parent.name), str(folder)) for folder in parent.glob("*/bin")]
        patches = [(int(match.group(1)), folder) for match, folder in matches if match]
        folders += [folder for _, folder in sorted(patches, reverse=True)]
    for folder in folders:
        executable = os.path.join(folder, "python" + minor)
        if os.path.isfile(executable) and os.access(executable, os.X_OK):
            yield executable


def probe(executable: str) -> Interpreter:
    """Runs an executable, since a shim may stand for a version that pyenv then refuses to run.

    Raises SetupError with the reason where it does not run or is no ordinary CPython.
    """
    argv = [executable, "-I", "-c", PROBE]
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupError(f"does not run: {error}") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise SetupError(f"does not run: {lines[-1] if lines[0].startswith('Traceback') else lines[0]}")
    kind, minor, release, own_executable = json.loads(done.stdout)
    if kind != "CPython":
        raise SetupError(f"is {kind} {release}, not an ordinary CPython")
    return Interpreter(minor, release, own_executable)


def find(minors: Sequence[str], unusable: dict[str, str]) -> list[Interpreter]:
    """For each version the first candidate that works; `unusable` takes the reasons against the others."""
    found = []
    for minor in minors:
        for executable in candidates(minor):
            if executable not in unusable:
                try:
                    found.append(probe(executable))
                    break
                except SetupError as error:
                    unusable[executable] = str(error)
    return found


def named_in(variable: str, minors: Sequence[str]) -> list[Interpreter]:
    """The interpreters that an environment variable names, between colons; none where it is not set."""
    interpreters = []
    for name in filter(None, os.environ.get(variable, "").split(":")):
        try:
            interpreter = probe(shutil.which(name) or name)
        except SetupError as error:
            raise SetupError(f"{variable}: {name} {error}") from None
        if interpreter.minor not in minors:
            raise SetupError(f"{variable}: {name} is {interpreter.release}, not {' or '.join(minors)}")
        interpreters.append(interpreter)
    return interpreters


def find_interpreters() -> tuple[Interpreter, list[Interpreter]]:
    """The Python that runs Pants, and those of user code (none where Pants' own option says where they are).

    Raises SetupError naming all that is missing and all that was found.
    """
    unusable: dict[str, str] = {}
    pants_python = named_in("ZERO_PANTS_PYTHON", [PANTS_PYTHON]) or find([PANTS_PYTHON], unusable)
    user_pythons = named_in("ZERO_PYTHONS", USER_PYTHONS)
    wanted = not user_pythons and not os.environ.get("PANTS_PYTHON_BOOTSTRAP_SEARCH_PATH")
    if wanted:
        user_pythons = find(USER_PYTHONS, unusable)
    missing = {}
    if not pants_python:
        missing[PANTS_PYTHON] = f"Pants {PANTS_LOCK.version} runs on CPython {PANTS_PYTHON}"
    if wanted and not user_pythons:
        missing[USER_PYTHONS[1]] = f"user code runs on CPython {' or '.join(USER_PYTHONS)}"
    if missing:
        found = find([PANTS_PYTHON, *USER_PYTHONS, *OTHER_PYTHONS], unusable)
        get = " ".join(missing)
        lines = [
            *(f"{need}, and none was found" for need in missing.values()),
            "looked on PATH, in {} (pyenv) and in {} (uv)".format(*release_folders()),
            f"found: {', '.join(map(str, found)) or 'no CPython that works'}",
            *(f"found: {executable}, which {reason}" for executable, reason in unusable.items()),
            f"to get what is missing, for example: uv python install {get}, or: pyenv install {get}",
            "to name one elsewhere: ZERO_PANTS_PYTHON=<path> for Pants, ZERO_PYTHONS=<path> for user code",
        ]
        raise SetupError("\n  ".join(lines))
    return pants_python[0], user_pythons


# Making what is missing


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Holds the folder's lock. Children that are given the descriptor hold it too, until the last ends."""
    with open(folder / "lock", "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run is setting up; waiting for it ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


@contextlib.contextmanager
def emptied(folder: Path) -> Iterator[Path]:
    """The folder, without what an earlier run may have left in it; removed in the end."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Workshop(NamedTuple):
    """Makes what is missing below the cache, with temporary files in `scratch` and the lock held."""

    cache: Path
    scratch: Path
    lock: int
    python: Interpreter

    def venv(self) -> Path:
        """The environment of Pants. Its path stays what it is: Pants' caches have it in their keys."""
        made_of = [PANTS_LOCK.path.read_text(), self.python.executable, sys.platform, platform.machine()]
        venv = self.cache / "venv" / hashlib.sha256("\0".join(made_of).encode()).hexdigest()[:16]
        whole = venv / "complete"
        if not whole.exists():
            with step(f"installing Pants {PANTS_LOCK.version} in {self.cache}, once"):
                shutil.rmtree(venv, ignore_errors=True)
                make = [self.python.executable, "-I", "-m", "venv", "--without-pip", venv]
                self.run(make, "a virtual environment cannot be made")
                # Not --only-binary: psutil has no wheel for Linux on arm64, nor ijson for macOS on arm64.
                self.pip(venv, "install", "--ignore-installed", "-r", PANTS_LOCK.path)
                whole.touch()
        return venv

    def pex(self, venv: Path) -> Path:
        pex = self.cache / "pex" / PEX_FINGERPRINT[0][:16] / "pex"
        if not pex.exists() or fingerprint(pex) != PEX_FINGERPRINT:
            with step(f"building pex {PEX_LOCK.version}"):
                built = self.build_pex(venv)
                if fingerprint(built) != PEX_FINGERPRINT:
                    raise SetupError(
                        f"the pex tool has the fingerprint {fingerprint(built)}, not {PEX_FINGERPRINT}; "
                        f"if {PEX_LOCK.path} was changed on purpose, record it in {Path(__file__).name}"
                    )
                pex.parent.mkdir(parents=True, exist_ok=True)
                built.replace(pex)
        return pex

    def build_pex(self, venv: Path) -> Path:
        self.pip(venv, "download", "--only-binary=:all:", f"--dest={self.scratch}", "-r", PEX_LOCK.path)
        (wheel,) = self.scratch.glob("pex-*.whl")
        library = self.scratch / "library"
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(library)
        built = self.scratch / "pex"
        content = [f"pex=={PEX_LOCK.version}", "--script=pex", "--no-pypi", "--pre-resolved-dist", wheel]
        serves = ["--interpreter-constraint=CPython>=3.7", "--python-shebang=/usr/bin/env python3"]
        # The bytes would else depend on zlib and on the user's environment.
        fixed = ["--no-compress", "--runtime-pex-root=~/.cache/pex"]
        self.run(
            [venv / "bin" / "python", "-m", "pex", *content, *serves, *fixed, f"--output-file={built}"],
            "pex cannot build itself",
            HOME=str(self.scratch),  # Without ~/.pexrc, and with nothing left in ~/.cache/pex.
            PEX_ROOT=str(self.scratch / "pex-root"),
            PYTHONPATH=str(library),
        )
        return built

    def pip(self, venv: Path, *arguments: object) -> None:
        find_pip = [self.python.executable, "-I", "-c", FIND_PIP]
        pip = subprocess.run(find_pip, capture_output=True, text=True)
        if pip.returncode:
            raise SetupError(f"{self.python} has no pip; install it, or ensurepip, or name another CPython")
        pinned = ["--require-hashes", "--no-deps"]
        silent = ["--quiet", "--no-input", "--no-cache-dir", "--disable-pip-version-check"]
        trusted = os.environ.get("SSL_CERT_FILE")
        self.run(
            [venv / "bin" / "python", "-I", pip.stdout.strip(), *arguments, *pinned, *silent],
            "pip failed; it needs PyPI or the index in PIP_INDEX_URL, and trusts the file in SSL_CERT_FILE",
            PIP_USER="0",
            # pip asks rustc for its version, and a rustup that is first asked leaves a folder in the user's home.
            PATH="/usr/local/bin:/usr/bin:/bin",
            **({"PIP_CERT": trusted} if trusted else {}),
        )

    def run(self, argv: Sequence[object], failure: str, **env: str) -> None:
        # What the user has set for Python, pex and time stamps must not change what is made.
        ours = ("PYTHON", "PEX_", "SOURCE_DATE_EPOCH")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        status = subprocess.call(
            [str(argument) for argument in argv],
            env={**kept, "TMPDIR": str(self.scratch), **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # Standard output is Pants'; a program may read it.
            pass_fds=[self.lock],
        )
        if status:
            raise SetupError(f"{failure} (exit status {status})")


def fingerprint(file: Path) -> tuple[str, int]:
    """SHA-256, and size in bytes."""
    content = file.read_bytes()
    return hashlib.sha256(content).hexdigest(), len(content)


def quoted(words: Iterable[object]) -> str:
    return " ".join(shlex.quote(str(word)) for word in words)


def settings_text(venv: Path, pex: Path, pants_python: Interpreter, user_pythons: list[Interpreter]) -> str:
    """Shell text that defines `venv`, `export_options` and `is_current` for the script."""
    version = f"v{PEX_LOCK.version}"
    known = ["{}|{}|{}|{}".format(version, system, *PEX_FINGERPRINT) for system in PEX_PLATFORMS]
    options = {
        "PANTS_PEX_CLI_VERSION": version,
        "PANTS_PEX_CLI_URL_TEMPLATE": f"file://{pex}",
        "PANTS_PEX_CLI_KNOWN_VERSIONS": json.dumps(known),
    }
    executables = [interpreter.executable for interpreter in (*user_pythons, pants_python)]
    if user_pythons:
        folders = dict.fromkeys(os.path.dirname(executable) for executable in executables)
        options["PANTS_PYTHON_BOOTSTRAP_SEARCH_PATH"] = json.dumps(list(folders))
    needed = [venv / "bin" / "python", venv / "bin" / "pants", pex, *executables]
    watched = dict.fromkeys([*path_folders(), *map(str, release_folders())])
    return f"""\
venv={quoted([venv])}
export_options() {{
    export {" ".join(f"{name}={shlex.quote(value)}" for name, value in options.items())}
}}
is_current() {{
    for file in {quoted(needed)}; do [ -x "$file" ] || return 1; done
    # A folder that has changed may hold another interpreter. A shared, read-only cache is taken as it is.
    [ -w "$settings" ] || return 0
    for folder in {quoted(watched)}; do [ ! "$folder" -nt "$settings" ] || return 1; done
}}
"""


def set_up(cache: Path, settings: Path) -> None:
    if quote(str(cache), safe="/+,=@") != str(cache):
        raise SetupError(f"Pants cannot use a tool from {cache}, for its special characters; set ZERO_CACHE")
    pants_python, user_pythons = find_interpreters()
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache) as lock, emptied(cache / "scratch") as scratch:
        workshop = Workshop(cache, scratch, lock, pants_python)
        venv = workshop.venv()
        draft = scratch / "settings"
        draft.write_text(settings_text(venv, workshop.pex(venv), pants_python, user_pythons))
        settings.parent.mkdir(exist_ok=True)
        draft.replace(settings)
    say(f"Pants runs on {pants_python}, user code on {', '.join(map(str, user_pythons)) or 'what you named'}")


def main(cache: str, settings: str) -> int:
    try:
        set_up(Path(cache), Path(settings))
        return 0
    except SetupError as error:
        say(f"error: {error}")
    except OSError as error:
        say(f"error: {error}; ZERO_CACHE can name another folder to set up in")
    except KeyboardInterrupt:
        say("interrupted; the next run makes what is missing")
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
