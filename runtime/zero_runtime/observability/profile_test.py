from __future__ import annotations

import threading
import time

from zero_runtime.observability.profile import profile


def busy(until: float) -> None:
    while time.monotonic() < until:
        sum(range(100))


def test_the_stack_that_takes_the_time_comes_first() -> None:
    worker = threading.Thread(target=busy, args=(time.monotonic() + 0.6,), name="worker")
    idle = threading.Thread(target=threading.Event().wait, args=(0.6,), name="idle")
    worker.start()
    idle.start()
    lines = profile(0.4, threading.Event()).splitlines()
    worker.join()
    idle.join()
    of_worker = [line.rpartition(" ") for line in lines if line.startswith("worker;")]
    assert all(stack.endswith(f"{__name__}.busy") for stack, _, _ in of_worker)
    assert sum(int(count) for _, _, count in of_worker) >= 10
    assert not any(line.startswith("idle;") or f"{profile.__module__}.profile" in line for line in lines)
