from __future__ import annotations

import fcntl
import os
import select
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from zero_runtime.observability import output as module
from zero_runtime.observability.dropped import DROPPED
from zero_runtime.observability.metrics import Metrics
from zero_runtime.observability.output import Deferred, Output, Record
from zero_runtime.observability.sinks import Descriptor

_LONG = 60.0  # a delay that no test waits for


class Content(Record):
    content: str


class Line(Deferred):
    """A line that becomes JSON, unless it is empty."""

    content: str

    def line(self) -> Content | None:
        return Content("now", self.content) if self.content else None


class Pipe:
    """Takes lines; reads what was written."""

    def __init__(self) -> None:
        self.end, self.fd = os.pipe()
        self.dropped: list[int] = []
        self._outputs: list[Output] = []

    def output(self, delay: float) -> Output:
        output = Output(Descriptor(self.fd), delay, self.dropped.append)
        self._outputs.append(output)
        return output

    def close(self) -> None:
        os.close(self.end)
        for output in self._outputs:
            output.close()
        os.close(self.fd)

    def has_something(self, within: float) -> bool:
        return bool(select.select((self.end,), (), (), within)[0])

    def read(self) -> list[bytes]:
        """The lines until the other end is closed, or has nothing more for now."""
        data = b""
        while self.has_something(0.05) and (part := os.read(self.end, 1 << 20)):
            data += part
        return data.splitlines()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


def raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


def test_lines_keep_their_order(pipe: Pipe) -> None:
    output = pipe.output(_LONG)
    for number in range(3000):
        output.write(raw(f"line {number}") if number % 2 else Line(f"{number}"))
    written: list[bytes] = []
    output.write(Line(""))
    output.write(raw("last"), urgent=True)
    while written[-1:] != [b"last"]:
        written += pipe.read()
    assert written[:2] == [b'{"@timestamp":"now","content":"0"}', b"line 1"]
    assert len(written) == 3001
    output.close()


def test_lines_wait_for_others_unless_they_are_urgent(pipe: Pipe) -> None:
    output = pipe.output(_LONG)
    output.write(raw("patient"))
    assert not pipe.has_something(0.1)
    output.write(raw("urgent"), urgent=True)
    assert pipe.has_something(5)
    assert pipe.read() == [b"patient", b"urgent"]
    output.close()


def test_lines_come_by_themselves_after_the_delay(pipe: Pipe) -> None:
    output = pipe.output(0.01)
    for number in range(3):  # also when the thread has been idle
        output.write(raw(f"{number}"))
        assert pipe.has_something(5)
        assert pipe.read() == [b"%d" % number]
    output.close()


def test_closing_writes_everything_and_opens_again_when_there_is_more(pipe: Pipe) -> None:
    output = pipe.output(_LONG)
    output.write(raw("first"))
    output.close()
    assert pipe.read() == [b"first"]
    output.write(raw("second"), urgent=True)
    assert pipe.has_something(5)
    output.close()
    assert pipe.read() == [b"second"]


def test_text_that_is_no_unicode(pipe: Pipe) -> None:
    output = pipe.output(_LONG)
    output.write(Line("good"))
    output.write(Line("\udc80"))
    output.write(raw("text"))
    output.close()
    good, bad = b'{"@timestamp":"now","content":"good"}', rb'{"@timestamp":"now","content":"\\udc80"}'
    assert pipe.read() == [good, bad, b"text"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_line_that_fails_does_not_silence_the_log(pipe: Pipe) -> None:
    class Broken(Deferred):
        def line(self) -> None:
            raise RuntimeError("a bug")

    output = pipe.output(0)
    output.write(Broken())
    while not pipe.has_something(0.01):
        output.write(raw("still here"))
    assert pipe.read()[0] == b"still here"


def test_a_stdout_that_is_not_read_blocks_nobody(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_BYTES", 100_000)
    output = pipe.output(0)
    for number in range(5000):
        output.write(raw(f"{number:099}"))
    output.prepare()
    written: list[bytes] = []
    while pipe.has_something(0.2):
        written += os.read(pipe.end, 1 << 20).splitlines()
    output.close()
    assert [*map(int, written)] == [*range(len(written))]
    assert len(written) + sum(pipe.dropped) == 5000
    assert sum(pipe.dropped) > 2000
    output.write(raw("more"))
    output.close()
    assert pipe.read() == [b"more"]


def test_what_nobody_reads_is_put_together_nevertheless(pipe: Pipe) -> None:
    output = pipe.output(0)
    made = threading.Event()

    class Last(Deferred):
        def line(self) -> None:
            made.set()

    for number in range(5000):
        output.write(raw(f"{number:099}"))
    output.write(Last())
    assert made.wait(5)


def test_flushing_gives_up_when_nobody_reads(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STALLED", 0.1)
    output = pipe.output(0)
    for number in range(5000):
        output.write(raw(f"{number:099}"))
    output.flush()  # the thread has what it needs
    output.close()
    output.flush()
    written = pipe.read()
    assert len(written) < 5000
    output.write(raw("more"), urgent=True)
    while len(written) < 5001:
        assert pipe.has_something(5)
        written += pipe.read()
    assert [*map(int, written[:-1])] == [*range(5000)]


def test_a_long_line_that_nobody_reads_ends_with_the_rest(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_STALLED", 0.1)
    output = pipe.output(0)
    lines = [f"{number}" * 10_000 for number in range(20, 40)]
    for line in lines:
        output.write(raw(line))
    closing = threading.Thread(target=output.close, daemon=True)
    closing.start()
    closing.join(5)
    assert not closing.is_alive()
    output.write(raw("more"), urgent=True)
    written = b""
    while not written.endswith(b"more\n"):
        assert pipe.has_something(5)
        written += os.read(pipe.end, 1 << 20)
    assert written.decode().splitlines() == [*lines, "more"]


def test_lines_that_are_not_put_together_are_bounded(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_LINES", 10)
    begun, go_on = threading.Event(), threading.Event()

    class Hanging(Deferred):
        def line(self) -> None:
            begun.set()
            go_on.wait(5)

    output = pipe.output(0)
    output.write(Hanging())
    assert begun.wait(5)
    for number in range(15):
        output.write(raw(f"{number}"))
    go_on.set()
    output.close()
    assert pipe.read() == [b"%d" % number for number in range(10)]
    assert sum(pipe.dropped) == 5


def test_a_fork_does_not_wait_for_a_stdout_that_is_not_read(pipe: Pipe) -> None:
    output = pipe.output(0)
    for number in range(5000):
        output.write(raw(f"{number:099}"))
    assert pipe.has_something(5)
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    written: list[bytes] = []
    while len(written) < 5000:
        assert pipe.has_something(5)
        written += os.read(pipe.end, 4000).splitlines()
    assert [*map(int, written)] == [*range(5000)]
    output.close()


def test_a_stdout_that_does_not_block(pipe: Pipe) -> None:
    flags = fcntl.fcntl(pipe.fd, fcntl.F_GETFL)
    fcntl.fcntl(pipe.fd, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    output = pipe.output(0)
    for number in range(5000):
        output.write(raw(f"{number:099}"))
    written = 0
    while written < 500_000:
        assert pipe.has_something(5)
        written += len(os.read(pipe.end, 1 << 16))
    output.close()


def test_a_stdout_that_is_gone_harms_nothing() -> None:
    end, fd = os.pipe()
    os.close(end)
    output = Output(Descriptor(fd), 0, print)
    output.write(raw("nobody reads this"))
    output.close()
    os.close(fd)


def test_a_fork_writes_nothing_twice(pipe: Pipe) -> None:
    output = pipe.output(_LONG)
    output.write(raw("before"))
    child = os.fork()
    if child == 0:
        output.write(raw("child"))
        output.flush()
        os._exit(0)
    os.waitpid(child, 0)
    output.write(raw("parent"))
    output.close()
    assert pipe.read() == [b"before", b"child", b"parent"]


def test_lines_of_several_processes_do_not_mix(pipe: Pipe) -> None:
    output = pipe.output(0.001)
    children = []
    for letter in "abcd":
        child = os.fork()
        if child == 0:
            for _ in range(2000):
                output.write(raw(letter * 333))
            output.close()
            os._exit(0)
        children.append(child)
    data = b""
    while data.count(b"\n") < 8000:
        assert pipe.has_something(5)
        data += os.read(pipe.end, 1 << 16)
    for child in children:
        os.waitpid(child, 0)
    assert {*data.splitlines()} == {letter * 333 for letter in (b"a", b"b", b"c", b"d")}


_PROCESS = """
import logging, sys
from zero_runtime import logs
from zero_runtime.config import LogConf
logs.configure(LogConf(), "test")
for number in range(10_000):
    logging.getLogger("a").info(number)
sys.exit(3)
"""


def test_nothing_is_lost_when_the_process_exits() -> None:
    done = subprocess.run([sys.executable, "-c", _PROCESS], capture_output=True)
    assert (done.returncode, done.stderr) == (3, b"")
    assert [msgspec.json.decode(line)["content"] for line in done.stdout.splitlines()] == [
        str(number) for number in range(10_000)
    ]


def test_what_a_full_disk_does_not_take_is_counted_and_told_once_there_is_room(tmp_path: Path) -> None:
    """Nobody could be told before that: it would be the next line to be dropped."""
    metrics = Metrics()
    metrics.attach(0)
    told: list[int] = []
    file = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    fd = os.open("/dev/full", os.O_WRONLY)
    output = Output(Descriptor(fd), 0, told.append)
    for _ in range(2):
        output.write(raw("a"))
        output.write(raw("b"))
        output.flush()
    assert metrics.series()[DROPPED] == {("unread",): [4.0]}
    assert told == []
    os.dup2(file, fd)
    output.write(raw("c"))
    output.close()
    assert told == [4]
    assert metrics.series()[DROPPED] == {("unread",): [4.0]}
    assert (tmp_path / "log").read_bytes() == b"c\n"
    os.close(fd)
    os.close(file)


def test_without_a_place_lines_are_put_together_all_the_same() -> None:
    made: list[str] = []

    class Counting(Deferred):
        def line(self) -> Record:
            made.append("line")
            return Record("now")

    output = Output(None, _LONG, print)
    output.write(Counting())
    output.close()
    assert made == ["line"]
