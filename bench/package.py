"""How long `./pants package services/user::` takes: cold, with a new daemon, with nothing to do, after an edit.

    python3 bench/package.py [--runs 3]

Works on a copy of the committed tree with caches of its own, in a temporary folder that is removed at the end; Pants
itself is taken from where the launcher has it. CPU is what the client, the daemon and their processes used: on a shared
machine it says more than the clock.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
TARGETS = "services/user::"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    wall: float
    cpu: float


class Workspace:
    """A copy of the repository and the caches it builds with: its own, or those of everyday work."""

    def __init__(self, folder: Path, *, own_caches: bool = True) -> None:
        self.repository = folder / "repository"
        self._caches = folder / "caches" if own_caches else None
        subprocess.run(["git", "clone", "--quiet", REPOSITORY, self.repository], check=True)

    def package(self, *arguments: str) -> Cost:
        """Packages what the arguments say; without any, the services that are measured."""
        daemon_before = self._daemon_cpu()
        client_before = children_cpu()
        start = time.monotonic()
        subprocess.run(
            ["./pants", "--no-dynamic-ui", "package", *(arguments or [TARGETS])],
            cwd=self.repository,
            env={**os.environ, **self._places()},
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        wall = time.monotonic() - start
        daemon = self._daemon_cpu()
        # A daemon that this run started has no earlier time of its own.
        return Cost(wall, children_cpu() - client_before + daemon - min(daemon_before, daemon))

    def edit(self, path: str, line: str) -> None:
        with (self.repository / path).open("a") as file:
            file.write(line)

    def stop_daemon(self) -> None:
        """End pantsd by its process id and wait until it is gone."""
        pid = self._daemon_pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            while Path(f"/proc/{pid}").exists():
                time.sleep(0.05)

    def forget_everything(self) -> None:
        self.stop_daemon()
        if self._caches:
            shutil.rmtree(self._caches, ignore_errors=True)
        shutil.rmtree(self.repository / "dist", ignore_errors=True)

    def _places(self) -> dict[str, str]:
        if self._caches is None:
            return {}
        return {
            "PANTS_LOCAL_STORE_DIR": str(self._caches / "store"),
            "PANTS_NAMED_CACHES_DIR": str(self._caches / "named"),
        }

    def _daemon_pid(self) -> int | None:
        for file in (self.repository / ".pids").glob("**/pantsd/pid"):
            pid = int(file.read_text())
            if Path(f"/proc/{pid}").exists():
                return pid
        return None

    def _daemon_cpu(self) -> float:
        """Seconds of CPU that the daemon and its finished children have used (proc(5): fields 14 to 17)."""
        pid = self._daemon_pid()
        if pid is None:
            return 0.0
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / TICKS


def children_cpu() -> float:
    """Seconds of CPU that the children that have ended, and theirs, have used."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@contextmanager
def workspace(*, own_caches: bool = True) -> Iterator[Workspace]:
    with tempfile.TemporaryDirectory(prefix="zero-bench-") as folder:
        made = Workspace(Path(folder), own_caches=own_caches)
        try:
            yield made
        finally:
            made.stop_daemon()


def scenarios(space: Workspace) -> dict[str, tuple[Callable[[int], None], bool]]:
    """What is done before each run, by name, and whether one run is enough."""
    return {
        "cold (no cache, no daemon)": (lambda _: space.forget_everything(), True),
        "warm (disk cache, new daemon)": (lambda _: space.stop_daemon(), False),
        "no-op": (lambda _: None, False),
        "one line of logic": (lambda n: space.edit("services/user/rpc_logic.py", f"# {n}\n"), False),
        "a comment in a contract": (lambda n: space.edit("services/user/user.proto", f"// {n}\n"), False),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3, help="runs of each case but the cold one (default: 3)")
    runs = parser.parse_args().runs
    print(f"./pants package {TARGETS}, medians of {runs} (cold: 1)\n")
    print(f"{'case':<32}{'wall s':>8}{'CPU s':>8}")
    with workspace() as space:
        for name, (prepare, once) in scenarios(space).items():
            costs = []
            for number in range(1 if once else runs):
                prepare(number)
                costs.append(space.package())
            wall = statistics.median(cost.wall for cost in costs)
            cpu = statistics.median(cost.cpu for cost in costs)
            print(f"{name:<32}{wall:>8.1f}{cpu:>8.1f}", flush=True)


if __name__ == "__main__":
    main()
