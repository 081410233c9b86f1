"""What the load is made of."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from zero_runtime.config import SheddingConf
from zero_runtime.config.durations import Duration
from zero_runtime.resilience import LoadMeter
from zero_runtime.resilience.cpu import CgroupV1, CgroupV2, Host, LoopThread, sources, tightest


class Used:
    """A source that has used so much of what it could, look by look."""

    def __init__(self, *readings: tuple[float, float]) -> None:
        self._readings = iter(readings)

    def read(self) -> tuple[float, float]:
        return next(self._readings)


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_the_load_is_the_greatest_share_smoothed() -> None:
    async def test() -> None:
        # Shares since the last look: 1.0, 0.5, none (no time went by), 2.0 (is 1); those of the other 0.2.
        one = Used((0, 0), (1, 1), (2, 3), (2, 3), (6, 5), (7, 6))
        other = Used(*((look, look * 5) for look in range(6)))
        now = 10.0
        meter = LoadMeter(SheddingConf(cpu_beta=0.8, cpu_interval=Duration(0.25)), [one, other], lambda: now)
        meter.start()
        assert meter.now == 0
        table = [
            # 0*0.8 + 1000*0.2; 200*0.8 + 500*0.2; 260*0.8 + 200*0.2; 248*0.8 + 1000*0.2
            (0.25, 200.0, 1000.0),
            (0.25, 260.0, 500.0),
            (0.25, 248.0, 200.0),
            (0.25, 398.4, 1000.0),
            # three intervals late, so that it is the fourth power: 398.4*0.4096 + 1000*0.5904
            (1.0, 753.58464, 1000.0),
        ]
        for seconds, load, latest in table:
            now += seconds
            meter.look()
            assert [meter.now, meter.latest] == pytest.approx([load, latest])
        meter.stop()
        meter.stop()

    asyncio.run(test())


def test_a_busy_loop_is_a_load_of_its_own() -> None:
    async def test(busy: bool) -> float:
        meter = LoadMeter(SheddingConf(cpu_beta=0.0, cpu_interval=Duration(0.05)), [LoopThread()])
        meter.start()
        until = time.monotonic() + 0.3
        while time.monotonic() < until:
            if not busy:
                await asyncio.sleep(0.01)
            elif time.thread_time() >= 0:
                await asyncio.sleep(0)
        meter.stop()
        return meter.now

    # Others may use the processor for a while: then even a loop that does little waits.
    assert any(asyncio.run(test(False)) < 500 for _ in range(10))
    assert asyncio.run(test(True)) > 500


def test_a_thread_that_waits_for_a_processor_is_busy_too(tmp_path: Path) -> None:
    # ran 1.5 s, waited 0.5 s
    write(tmp_path, **{"proc/thread-self/schedstat": "1500000000 500000000 17\n"})
    assert LoopThread(tmp_path).read()[0] == 2.0
    before = time.thread_time()
    assert LoopThread(tmp_path / "nowhere").read()[0] >= before


def test_the_host(tmp_path: Path) -> None:
    # user nice system idle iowait irq softirq steal; guests are among users: 700 of 1000 are not idle
    write(tmp_path, **{"proc/stat": "cpu  400 50 150 250 50 20 30 50 9 9\ncpu0 1 1 1 1 1 1 1 1 0 0\n"})
    assert Host(tmp_path).read() == (700, 1000)


def test_cgroups_of_version_2(tmp_path: Path) -> None:
    mount = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
    top = "sys/fs/cgroup"
    write(
        tmp_path,
        **{
            "proc/self/cgroup": "0::/kube/pod/main\n",
            "proc/self/mountinfo": mount,
            f"{top}/kube/cpu.max": "max 100000\n",
            f"{top}/kube/pod/cpu.max": "50000 100000\n",
            f"{top}/kube/pod/cpu.stat": "usage_usec 2500000\nuser_usec 1\n",
            f"{top}/kube/pod/main/cpu.max": "200000 100000\n",
        },
    )
    group = tightest(tmp_path)
    assert isinstance(group, CgroupV2)
    assert (group.cores(), group.read()[0]) == (0.5, 2.5)
    now = [0.0]
    group = CgroupV2(tmp_path / top / "kube" / "pod", clock=lambda: now[0])
    now[0] = 10.0
    assert group.read() == (2.5, 5.0)  # half a core for 10 s
    write(tmp_path, **{f"{top}/kube/pod/cpu.max": "100000 100000\n"})
    now[0] = 14.0
    assert group.read() == (2.5, 9.0)  # and a whole one for 4 s


def test_cgroups_of_version_1(tmp_path: Path) -> None:
    # A container: the hierarchies are mounted from its own group on, at which their roots are shown.
    mounts = [
        "40 35 0:30 /docker/abc /sys/fs/cgroup/cpu ro,nosuid - cgroup cgroup rw,cpu",
        "41 35 0:31 /docker/abc /sys/fs/cgroup/cpuacct ro,nosuid - cgroup cgroup rw,cpuacct",
        "42 35 0:32 /docker/abc /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw,memory",
    ]
    write(
        tmp_path,
        **{
            "proc/self/cgroup": "5:memory:/docker/abc\n4:cpuacct:/docker/abc\n3:cpu:/docker/abc\n0::/\n",
            "proc/self/mountinfo": "\n".join(mounts) + "\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "150000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/cpuacct/cpuacct.usage": "3000000000\n",
        },
    )
    group = tightest(tmp_path)
    assert isinstance(group, CgroupV1)
    assert (group.cores(), group.read()[0]) == (1.5, 3.0)
    write(tmp_path, **{"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n"})
    assert tightest(tmp_path) is None


def test_what_is_looked_at(tmp_path: Path) -> None:
    def kinds() -> list[type]:
        return [type(source) for source in sources(tmp_path)]

    assert kinds() == [LoopThread]  # not Linux
    write(tmp_path, **{"proc/stat": "cpu  400 50 150 250 50 20 30 50 9 9\n"})
    assert kinds() == [LoopThread, Host]
    write(tmp_path, **{"proc/thread-self/schedstat": "1 1 1\n"})
    assert kinds() == [LoopThread]  # it tells what the host is too busy for
    write(
        tmp_path,
        **{
            "proc/self/cgroup": "0::/\n",
            "proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
            "sys/fs/cgroup/cpu.max": "50000 100000\n",
            "sys/fs/cgroup/cpu.stat": "usage_usec 1\n",
        },
    )
    assert kinds() == [LoopThread, CgroupV2]


def test_the_sources_of_this_machine() -> None:
    for source in sources():
        used, could = source.read()
        assert used >= 0
        assert could >= 0


def test_it_goes_on_when_a_source_cannot_be_read() -> None:
    class Flaky:
        reads = 0

        def read(self) -> tuple[float, float]:
            self.reads += 1
            if self.reads == 2:
                raise OSError(24, "Too many open files")
            return self.reads, self.reads

    async def test() -> None:
        source = Flaky()
        meter = LoadMeter(SheddingConf(cpu_interval=Duration(0.005)), [source])
        meter.start()
        while source.reads < 4:
            await asyncio.sleep(0.005)
        meter.stop()
        assert meter.now > 0

    asyncio.run(asyncio.wait_for(test(), 5))


def test_a_kernel_that_does_not_keep_the_times_of_threads(tmp_path: Path) -> None:
    write(tmp_path, **{"proc/thread-self/schedstat": "0 0 0\n"})
    thread = LoopThread(tmp_path)
    assert not thread.tells_waiting
    assert thread.read()[0] > 0
