"""Where a process spends its time, by looking at it now and then: cheap enough for production."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from types import FrameType

_INTERVAL = 0.01
"""Seconds between two looks. Go's profiler looks as often."""

_IDLE = frozenset(("select", "poll", "wait", "_wait_for_tstate_lock", "accept"))
"""What a thread does that waits for something to do, if it is Python that does it."""


def profile(seconds: float, stop: threading.Event) -> str:
    """The stacks that the threads of this process were seen with, the most frequent first; ``stop`` ends it
    early.

    A line is what flame graphs are drawn from: the functions from the outermost on, with ``;`` in between,
    a blank, and how often. The thread that looks does not see itself. Blocks.
    """
    own = threading.get_ident()
    seen: Counter[tuple[str, ...]] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end and not stop.is_set():
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        for thread, frame in sys._current_frames().items():
            if thread != own and frame.f_code.co_name not in _IDLE:
                seen[(names.get(thread, str(thread)), *_stack(frame))] += 1
        time.sleep(_INTERVAL)
    return "".join(f"{';'.join(stack)} {count}\n" for stack, count in seen.most_common())


def _stack(frame: FrameType | None) -> list[str]:
    functions: list[str] = []
    while frame is not None:
        functions.append(f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}")
        frame = frame.f_back
    return functions[::-1]
