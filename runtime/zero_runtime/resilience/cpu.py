"""How much of what a service may use of processors it wants to use.

The load is a number from 0 to 1000: the greatest of the shares below of the time since the last look,
smoothed as in go-zero's ``core/stat/usage.go``, ``load = load * beta + share * (1 - beta)`` with ``beta =
CpuBeta`` for a look each ``CpuInterval``; a look that comes late, as it does in a loop that is overloaded,
weighs as much as those it stands for.

* **The event loop's own thread**: how long it ran on a processor, or was ready to and waited for one
  (``/proc/thread-self/schedstat``; where there is none, how long it ran). One loop of Python never uses more
  than one processor: a service on two whose loop is saturated, and so answers ever later, looks half idle
  from outside and would never shed. And a loop that neighbours starve is saturated as well, however little it
  gets to run, while one that gets what it wants is not, however busy they keep the host.
* **The container**: what its cgroup used of its quota, version 2 (``cpu.stat``, ``cpu.max``) or 1
  (``cpuacct.usage``, ``cpu.cfs_quota_us``); of several above one another the tightest. All workers share it.
* **The host**, where neither of those is known but that the thread ran: how long its processors were not idle
  (``/proc/stat``).

What a platform does not tell is left out; other than on Linux that the thread ran is all there is.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from zero_runtime.config import SheddingConf
from zero_runtime.resilience.window import Clock


class Source(Protocol):
    """Something whose use of processors is known."""

    def read(self) -> tuple[float, float]:
        """What it has used so far, and what it could have used; both grow, in any unit of time."""


class LoadMeter:
    """Looks at the sources each ``CpuInterval`` and says how high the load is."""

    def __init__(
        self, conf: SheddingConf, sources: Sequence[Source] | None = None, clock: Clock = time.monotonic
    ) -> None:
        """``sources`` are those of this process unless given."""
        self._interval = conf.cpu_interval
        self._beta = conf.cpu_beta
        self._sources = sources
        self._before: list[tuple[float, float]] = []
        self.now = 0.0
        """The load, from 0 to 1000; 0 before `start`."""
        self.latest = 0.0
        """The same without the past."""
        self._clock = clock
        self._looked = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Measures from now on, in the loop that is running, until `stop`."""
        if self._sources is None:
            self._sources = sources()
        self._before = [source.read() for source in self._sources]
        self._looked = self._clock()
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(self._interval, self._tick)

    def stop(self) -> None:
        """Ends that. Doing it twice does no harm."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def look(self) -> None:
        """Takes the shares of the time since the last look into account."""
        assert self._sources is not None
        now = [source.read() for source in self._sources]
        shares = (
            (used - used_before) / (could - could_before)
            for (used, could), (used_before, could_before) in zip(now, self._before, strict=True)
            if could > could_before
        )
        self.latest = 1000 * min(1.0, max(shares, default=0.0))
        self._before = now
        since, self._looked = self._looked, self._clock()
        beta = self._beta ** ((self._looked - since) / self._interval)
        self.now = self.now * beta + self.latest * (1 - beta)

    def _tick(self) -> None:
        self._timer = self._loop.call_later(self._interval, self._tick)
        with contextlib.suppress(OSError):  # too many open files, say: the next look makes up for this one
            self.look()


class LoopThread:
    """The thread that looks, which is the event loop's: how long it ran, or wanted to."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._file = root / "proc/thread-self/schedstat"
        self.tells_waiting = False
        """Whether it is known how long it waited for a processor."""
        with contextlib.suppress(OSError, ValueError):
            self.tells_waiting = any(self._times())  # all are 0 where the kernel does not keep them

    def read(self) -> tuple[float, float]:
        if not self.tells_waiting:
            return time.thread_time(), time.monotonic()
        return sum(self._times()) / 1e9, time.monotonic()

    def _times(self) -> tuple[int, int]:
        # ns on a processor, ns ready to be on one, times that it was on one
        ran, waited, _ = self._file.read_bytes().split()
        return int(ran), int(waited)


class Host:
    """All processors of the machine, in ticks of the kernel."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._file = root / "proc/stat"

    def read(self) -> tuple[float, float]:
        # cpu user nice system idle iowait irq softirq steal guest guest_nice; guests count as users already
        ticks = [int(field) for field in self._file.read_bytes().partition(b"\n")[0].split()[1:9]]
        total = sum(ticks)
        return total - ticks[3] - ticks[4], total


class CgroupV2:
    """A control group of version 2 with a quota."""

    def __init__(self, folder: Path, clock: Clock = time.monotonic) -> None:
        self._stat = folder / "cpu.stat"
        self._cores = _Cores(clock)
        self._max = folder / "cpu.max"

    def cores(self) -> float | None:
        """How many processors it may use at a time, by its quota; None without one."""
        quota, period = self._max.read_text().split()
        return None if quota == "max" else int(quota) / int(period)

    def read(self) -> tuple[float, float]:
        for line in self._stat.read_bytes().splitlines():
            name, _, value = line.partition(b" ")
            if name == b"usage_usec":
                return int(value) / 1e6, self._cores.until_now(self.cores())
        raise OSError(f"{self._stat} has no usage_usec")


class CgroupV1:
    """A control group of version 1 with a quota, in the hierarchies of ``cpu`` and ``cpuacct``."""

    def __init__(self, cpu: Path, cpuacct: Path, clock: Clock = time.monotonic) -> None:
        self._quota = cpu / "cpu.cfs_quota_us"
        self._period = cpu / "cpu.cfs_period_us"
        self._usage = cpuacct / "cpuacct.usage"
        self._cores = _Cores(clock)

    def cores(self) -> float | None:
        """How many processors it may use at a time, by its quota; None without one."""
        quota = int(self._quota.read_text())
        return None if quota <= 0 else quota / int(self._period.read_text())

    def read(self) -> tuple[float, float]:
        return int(self._usage.read_text()) / 1e9, self._cores.until_now(self.cores())


class _Cores:
    """What could be used so far under a quota, which may change while the service runs."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at = clock()
        self._seconds = 0.0

    def until_now(self, cores: float | None) -> float:
        now = self._clock()
        self._seconds += (now - self._at) * (cores or os.cpu_count() or 1)
        self._at = now
        return self._seconds


def sources(root: Path = Path("/")) -> list[Source]:
    """What there is to look at in this process; ``root`` is where ``/proc`` and ``/sys`` are."""
    thread = LoopThread(root)
    found: list[Source] = [thread]
    group = tightest(root)
    other = Host(root) if group is None and not thread.tells_waiting else group
    if other is not None:
        with contextlib.suppress(OSError, ValueError, IndexError):  # not Linux, or hidden from us
            other.read()
            found.append(other)
    return found


def tightest(root: Path = Path("/")) -> CgroupV1 | CgroupV2 | None:
    """The control group of this process, or above it, that allows the fewest processors; None without a
    quota."""
    best: CgroupV1 | CgroupV2 | None = None
    fewest = float("inf")
    for group in _groups(root):
        try:
            cores = group.cores()
        except (OSError, ValueError):
            continue  # the root of a hierarchy has no quota
        if cores is not None and cores < fewest:
            best, fewest = group, cores
    return best


def _groups(root: Path) -> Iterator[CgroupV1 | CgroupV2]:
    """The control groups of this process and those above them, as far as they are mounted here."""
    try:
        own = (root / "proc/self/cgroup").read_text().splitlines()
        mounts = [line.split() for line in (root / "proc/self/mountinfo").read_text().splitlines()]
    except OSError:
        return
    for line in own:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            for folder in _folders(root, mounts, "cgroup2", "", path):
                yield CgroupV2(folder)
        elif "cpu" in controllers.split(","):
            accounts = next((other for other in own if "cpuacct" in other.split(":")[1].split(",")), line)
            used = _folders(root, mounts, "cgroup", "cpuacct", accounts.split(":", 2)[2])
            for folder, account in zip(_folders(root, mounts, "cgroup", "cpu", path), used, strict=False):
                yield CgroupV1(folder, account)


def _folders(root: Path, mounts: list[list[str]], kind: str, controller: str, path: str) -> list[Path]:
    """The folder of a control group and those above it, in the hierarchy of ``controller``."""
    for mount in mounts:
        # 36 25 0:31 /docker/abc /sys/fs/cgroup/cpu ro,nosuid - cgroup cgroup rw,cpu,cpuacct
        shown, point, options = mount[3], mount[4], mount[mount.index("-") + 1 :]
        if options[0] != kind or (controller and controller not in options[2].split(",")):
            continue
        below = os.path.relpath(path, shown)
        # What is mounted may be a part of the hierarchy that this process, by its own account, is not in.
        parts = () if below.startswith("..") or below == "." else Path(below).parts
        top = root / point.lstrip("/")
        return [top.joinpath(*parts[:length]) for length in range(len(parts), -1, -1)]
    return []
