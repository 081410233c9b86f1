"""The launcher `pants` from outside: real interpreters, a real set-up from PyPI, a home folder of its own."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path.cwd()  # The repository, or the sandbox that has its files at their places.
TOOLS = ("sh", "dirname", "cat", "uname", "sha256sum", "cut")  # All that a call of the launcher may need.
OWN_MINOR = "{}.{}".format(*sys.version_info[:2])
PASSED_ON = re.compile("PIP_|SSL_CERT|.*_proxy$", re.IGNORECASE)

# Stands where the script of Pants is installed, and tells what the launcher has handed to it.
REPORT = """
import json, os, sys
umask = os.umask(0o022)
handed = {"env": dict(os.environ), "cwd": os.getcwd(), "argv": sys.argv[1:], "umask": umask}
print(json.dumps({**handed, "python": sys.executable}))
"""


def load_bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "build-support" / "pants_bootstrap.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bootstrap = load_bootstrap()


class Machine:
    """A user with an empty home, few programs on PATH, and a repository with one target in a folder `a/b`."""

    def __init__(self, folder: Path) -> None:
        self.home, self.programs = folder / "home", folder / "bin"
        self.repo, self.tmp = folder / "repo", folder / "tmp"
        for made in (self.home, self.programs, self.repo / "a" / "b", self.tmp):
            made.mkdir(parents=True)
        for tool in TOOLS:
            self.add_program(tool, shutil.which(tool) or pytest.fail(f"{tool} is not on PATH"))
        shutil.copy(ROOT / "pants", self.repo)
        shutil.copytree(ROOT / "build-support", self.repo / "build-support")
        shutil.copytree(ROOT / "3rdparty" / "python", self.repo / "3rdparty" / "python")
        (self.repo / "pants.toml").write_text('[GLOBAL]\npants_version = "2.17.1"\npantsd = false\n')
        (self.repo / "a" / "b" / "BUILD").write_text('target(name="here")\n')

    @property
    def cache(self) -> Path:
        return self.home / ".cache" / "zero"

    def add_program(self, name: str, target: str) -> None:
        (self.programs / name).symlink_to(target)

    def add_failing_program(self, name: str, message: str) -> None:
        script = self.programs / name
        script.write_text(f"#!/bin/sh\necho '{message}' >&2\nexit 127\n")
        script.chmod(0o755)

    def env(self, **more: str) -> dict[str, str]:
        passed_on = {name: value for name, value in os.environ.items() if PASSED_ON.match(name)}
        own = {"HOME": str(self.home), "PATH": str(self.programs), "TMPDIR": str(self.tmp), "LANG": "C.UTF-8"}
        return {**passed_on, **own, **more}

    def start(self, *argv: str, cwd: str = ".", **env: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            argv, cwd=self.repo / cwd, env=self.env(**env), stdout=pipe, stderr=pipe, text=True
        )

    def call(self, *argv: str, cwd: str = ".", **env: str) -> tuple[int, str, str]:
        process = self.start(*argv, cwd=cwd, **env)
        out, err = process.communicate(timeout=300)
        return process.returncode, out, err

    def report(self, *argv: str, cwd: str = ".", **env: str) -> dict[str, Any]:
        status, out, err = self.call(*argv, cwd=cwd, **env)
        assert status == 0, err
        return dict(json.loads(out), err=err)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_says_what_is_missing_what_was_found_and_how_to_get_one(machine: Machine) -> None:
    machine.add_program(f"python{OWN_MINOR}", sys.executable)
    machine.add_failing_program("python3.9", "pyenv: python3.9: command not found")
    status, out, err = machine.call("./pants", "list", "::")
    assert (status, out) == (1, "")
    assert "Pants 2.17.1 runs on CPython 3.9, and none was found" in err
    assert f"found: {platform.python_version()} (" in err
    assert "bin/python3.9, which does not run: pyenv: python3.9: command not found" in err
    assert "uv python install 3.9" in err and "ZERO_PANTS_PYTHON" in err
    assert "user code runs on" not in err and "Traceback" not in err
    assert not any(machine.home.iterdir())


def test_says_so_where_there_is_no_python_at_all(machine: Machine) -> None:
    status, out, err = machine.call("./pants", "list", "::")
    assert (status, out) == (1, "")
    assert "no Python was found" in err and "uv python install 3.9" in err


def test_refuses_named_interpreters_that_do_not_serve(machine: Machine) -> None:
    (old,) = bootstrap.find(["3.9"], {})
    status, _, err = machine.call("./pants", ZERO_PANTS_PYTHON=sys.executable)
    assert f"ZERO_PANTS_PYTHON: {sys.executable} is {platform.python_version()}, not 3.9" in err
    assert status == 1
    named = f"{sys.executable}:{old.executable}"
    status, _, err = machine.call("./pants", ZERO_PANTS_PYTHON=old.executable, ZERO_PYTHONS=named)
    assert f"ZERO_PYTHONS: {old.executable} is {old.release}, not 3.11 or 3.12 or 3.13" in err
    assert status == 1
    status, _, err = machine.call("./pants", ZERO_PANTS_PYTHON=old.executable, ZERO_PYTHONS="/nowhere/python")
    assert "ZERO_PYTHONS: /nowhere/python does not run: " in err
    assert status == 1


def test_refuses_a_cache_that_pants_cannot_name(machine: Machine) -> None:
    machine.add_program("python3", sys.executable)
    status, _, err = machine.call("./pants", ZERO_CACHE=f"{machine.home}/my cache")
    assert (status, f"{machine.home}/my cache" in err) == (1, True)
    assert not any(machine.home.iterdir())


def test_prefers_path_then_the_newest_of_pyenv_then_of_uv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def installed(folder: str) -> str:
        executable = tmp_path / folder / "python3.9"
        executable.parent.mkdir(parents=True)
        executable.touch(0o755)
        return str(executable)

    monkeypatch.setenv("PATH", f"{tmp_path}/none:relative:{tmp_path}/path")
    monkeypatch.setenv("PYENV_ROOT", f"{tmp_path}/pyenv")
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", f"{tmp_path}/uv")
    expected = [
        installed(folder)
        for folder in (
            "path",
            "pyenv/versions/3.9.18/bin",
            "pyenv/versions/3.9.2/bin",
            "uv/cpython-3.9.20-linux-x86_64-gnu/bin",
        )
    ]
    for other in ("pyenv/versions/miniconda3-3.9/bin", "pyenv/versions/3.90.1/bin", "relative"):
        installed(other)
    assert list(bootstrap.candidates("3.9")) == expected


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine on which Pants is set up, by two first runs at once, after a set-up that was killed."""
    machine = Machine(tmp_path_factory.mktemp("machine"))
    (pants_python,) = bootstrap.find(["3.9"], {})
    machine.add_program("python3.9", pants_python.executable)
    machine.add_program(f"python{OWN_MINOR}", sys.executable)

    # Killed while pip is at work: pip lives on, and must keep others from what it still writes to.
    recipe = str(machine.repo / "build-support" / "pants_bootstrap.py")
    killed = machine.start(sys.executable, "-I", recipe, str(machine.cache), str(machine.cache / "never"))
    deadline = time.monotonic() + 60
    while not list(machine.cache.glob("venv/*/lib/python3.9/site-packages/*")):
        assert killed.poll() is None and time.monotonic() < deadline, "pip has not started"
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    with open(machine.cache / "lock") as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    runs = [
        machine.start("./pants", "--version"),
        machine.start("../../pants", "list", ":", cwd="a/b"),
    ]
    (version, version_err), (targets, targets_err) = (run.communicate(timeout=300) for run in runs)
    err = version_err + targets_err
    assert [run.returncode for run in runs] == [0, 0], err
    assert (version, targets) == ("2.17.1\n", "a/b:here\n")
    assert err.count("another run is setting up; waiting for it") == 2
    assert (err.count("installing Pants 2.17.1"), err.count("building pex")) == (1, 1)
    return machine


@pytest.fixture
def observed(ready: Machine) -> Iterator[Machine]:
    """The same machine, with a script in the place of Pants that tells what it is given."""
    (script,) = ready.cache.glob("venv/*/bin/pants")
    original = script.read_text()
    script.write_text(REPORT)
    yield ready
    script.write_text(original)


def test_leaves_nothing_outside_its_cache(ready: Machine) -> None:
    def names(folder: Path) -> set[str]:
        return {path.name for path in folder.iterdir()}

    of_pants = {"pants", ".pants.d", ".pids"}
    assert names(ready.cache) == {"lock", "pex", "settings", "venv"}
    assert names(ready.home) == {".cache"}
    assert names(ready.home / ".cache") - of_pants == {"zero"}
    assert names(ready.repo) - of_pants == {"3rdparty", "a", "build-support", "pants.toml"}
    assert not [name for name in names(ready.tmp) if not name.startswith("immutable_inputs")]  # Pants' own.


def test_hands_over_to_pants(observed: Machine) -> None:
    report = observed.report("../../pants", "two words", "--", "*", cwd="a/b")
    assert report["argv"] == ["two words", "--", "*"]
    assert report["cwd"] == str(observed.repo / "a" / "b")
    assert report["umask"] == 0o022
    assert report["err"] == ""
    assert Path(report["python"]).parent.parent.parent == observed.cache / "venv"

    env = report["env"]
    pex = Path(env["PANTS_PEX_CLI_URL_TEMPLATE"].replace("file://", ""))
    known = json.loads(env["PANTS_PEX_CLI_KNOWN_VERSIONS"])
    sha256, size = bootstrap.fingerprint(pex)
    assert pex.is_relative_to(observed.cache)
    assert f"{env['PANTS_PEX_CLI_VERSION']}|linux_x86_64|{sha256}|{size}" in known
    folders = json.loads(env["PANTS_PYTHON_BOOTSTRAP_SEARCH_PATH"])
    assert Path(folders[0], f"python{OWN_MINOR}").exists()
    assert Path(folders[-1], "python3.9").exists()


def test_trusts_what_the_user_trusts(observed: Machine) -> None:
    def ca_certs(**env: str) -> str | None:
        given = {"SSL_CERT_FILE": "", **env}
        value: str | None = observed.report("./pants", **given)["env"].get("PANTS_CA_CERTS_PATH")
        return value

    assert ca_certs() is None
    assert ca_certs(SSL_CERT_FILE="/a.pem") == "/a.pem"
    assert ca_certs(SSL_CERT_FILE="/a.pem", PANTS_CA_CERTS_PATH="/b.pem") == "/b.pem"


def test_leaves_the_search_path_to_the_user(observed: Machine) -> None:
    report = observed.report("./pants", PANTS_PYTHON_BOOTSTRAP_SEARCH_PATH="['<PATH>']")
    assert report["env"]["PANTS_PYTHON_BOOTSTRAP_SEARCH_PATH"] == "['<PATH>']"


def test_looks_again_when_interpreters_come_and_go(observed: Machine) -> None:
    interpreter = observed.programs / f"python{OWN_MINOR}"
    interpreter.unlink()
    status, _, err = observed.call("./pants")
    assert (status, "user code runs on CPython 3.11 or 3.12 or 3.13, and none was found" in err) == (1, True)
    assert "Pants 2.17.1 runs on" not in err
    interpreter.symlink_to(sys.executable)
    assert f"user code on {platform.python_version()}" in observed.report("./pants")["err"]
    assert observed.report("./pants")["err"] == ""


def test_makes_again_what_has_been_lost(observed: Machine) -> None:
    (pex,) = observed.cache.glob("pex/*/pex")
    pex.unlink()
    err = observed.report("./pants")["err"]
    assert ("building pex" in err, "installing Pants" in err) == (True, False)
    assert bootstrap.fingerprint(pex) == bootstrap.PEX_FINGERPRINT
