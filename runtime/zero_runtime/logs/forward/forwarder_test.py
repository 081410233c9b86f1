from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.servers.certificates import Authority
from tests.servers.fluentd import Fluentd, fluentd
from zero_runtime.config import FluentdConf, InvalidValue
from zero_runtime.config.durations import Duration
from zero_runtime.logs.forward import Forwarder, forwarder
from zero_runtime.observability.access import AccessLine

Make = Callable[..., Forwarder]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes forwarders to a port, which are closed in the end, and try again at once."""
    monkeypatch.setattr(forwarder, "_PAUSE", 0.01)
    monkeypatch.setattr(forwarder, "_LONGEST_PAUSE", 0.02)
    made: list[Forwarder] = []

    def make(port: int, timeout: float = 5.0, **settings: Any) -> Forwarder:
        conf = FluentdConf(host="127.0.0.1", port=port, timeout=Duration(timeout), **settings)
        made.append(Forwarder(conf, "user-api"))
        return made[-1]

    yield make
    for each in made:
        each.close()


def lines(*contents: object) -> list[msgspec.Raw]:
    """Lines as `logs.formats.Json` makes them."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return [msgspec.Raw(json.dumps({"@timestamp": now, "content": str(each)}).encode()) for each in contents]


def test_lines_become_events(make: Make) -> None:
    with fluentd() as collector:
        sender = make(collector.port)
        raw = (
            b'{"@timestamp":"2026-01-31T12:00:00.250+00:00","level":"info","user":7,'
            b'"size":1180591620717411303424}'
        )
        access = AccessLine(
            "2026-01-31T12:00:00.500+00:00", "info", "user-api", "zero.access", "GET /\udc80", "1.0ms", 200
        )
        sender.add([msgspec.Raw(raw), access])
        sender.close()
        first, second = collector.events
    noon = int(datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp()) * 1_000_000_000
    assert (first.tag, first.nanoseconds) == ("user-api", noon + 250_000_000)
    assert first.record == {
        "@timestamp": "2026-01-31T12:00:00.250+00:00",
        "level": "info",
        "user": "7",
        "size": "1180591620717411303424",
    }
    assert second.nanoseconds == noon + 500_000_000
    assert (second.record["content"], second.record["logger"]) == ("GET /\\udc80", "zero.access")


def test_a_record_may_have_the_line_as_text(make: Make) -> None:
    """Fluentd's `single_value` then writes the lines as they are."""
    with fluentd() as collector:
        sender = make(collector.port, key="log", tag="zero.user")
        access = AccessLine(
            "2026-01-31T12:00:00.500+00:00", "info", "user-api", "zero.access", "GET /", "1ms"
        )
        sender.add([*lines("名"), access])
        sender.close()
        first, second = collector.events
    assert first.tag == "zero.user"
    assert [*first.record] == [*second.record] == ["log"]
    assert json.loads(first.record["log"])["content"] == "名"
    assert json.loads(second.record["log"])["@timestamp"] == "2026-01-31T12:00:00.500+00:00"


@pytest.mark.parametrize("ack", [True, False])
def test_order_and_batches(make: Make, ack: bool) -> None:
    with fluentd() as collector:
        sender = make(collector.port, ack=ack)
        for number in range(0, 3000, 100):
            sender.add(lines(*range(number, number + 100)))
        sender.close()
        collector.wait(3000)  # unacknowledged ones may still be under way
        assert collector.contents() == [*map(str, range(3000))]
        assert len(collector.chunks) == len({*collector.chunks}) <= 30
        assert bool(collector.chunks) == ack
        assert collector.connections == 1


@pytest.mark.parametrize("binary", [True, False], ids=["Fluentd", "Fluent Bit"])
def test_handshake(make: Make, binary: bool) -> None:
    with fluentd(shared_key="secret", texts_as_binary=binary) as collector:
        sender = make(collector.port, shared_key="secret")
        sender.add(lines("a"))
        sender.close()
        assert collector.contents() == ["a"]


def test_handshake_with_user(make: Make) -> None:
    with fluentd(shared_key="secret", users={"zero": "word"}) as collector:
        sender = make(collector.port, shared_key="secret", user="zero", pass_="word")
        sender.add(lines("a"))
        sender.close()
        assert collector.contents() == ["a"]


def test_a_collector_may_want_a_connection_for_each_chunk(make: Make) -> None:
    with fluentd(shared_key="secret", keepalive=False) as collector:
        sender = make(collector.port, shared_key="secret")
        for number in range(3):
            sender.add(lines(number))
            collector.wait(number + 1)
        sender.close()
        assert collector.connections == 3


@pytest.mark.parametrize(
    ("server", "client", "reason"),
    [
        ({"shared_key": "secret"}, {"shared_key": "other"}, "it refuses the handshake: shared_key mismatch"),
        ({"shared_key": "secret"}, {}, "it asks for a shared key: `Log.Fluentd.SharedKey` has to be set"),
        ({}, {"shared_key": "secret", "timeout": 0.1}, "it asks for no shared key within 0.1 s"),
        (
            {"shared_key": "secret", "users": {"zero": "word"}},
            {"shared_key": "secret", "user": "zero", "pass_": "drow"},
            "it refuses the handshake: username/password mismatch",
        ),
        ({"acknowledge": lambda chunk: {"ack": "?"}}, {}, "it acknowledges something else than it was sent"),
        ({"acknowledge": lambda chunk: None}, {"timeout": 0.1}, "it acknowledges nothing within 0.1 s"),
    ],
)
def test_reasons(
    make: Make,
    caplog: pytest.LogCaptureFixture,
    server: dict[str, Any],
    client: dict[str, Any],
    reason: str,
) -> None:
    collector = Fluentd(**server)
    collector.start()
    sender = make(collector.port, **client)
    sender.add(lines("a"))
    told(caplog, f"the log cannot be sent to 127.0.0.1:{collector.port}: {reason}; it waits")
    collector.stop()
    collector.shared_key = client.get("shared_key", "")
    collector.users = {}
    collector.acknowledge = lambda chunk: {"ack": chunk}
    collector.start()
    told(caplog, f"the log is sent to 127.0.0.1:{collector.port} again; 0 lines were dropped")
    assert {*collector.contents()} == {"a"}
    collector.stop()


def told(caplog: pytest.LogCaptureFixture, message: str) -> None:
    """Waits until that is logged."""
    deadline = time.monotonic() + 10
    while message not in caplog.messages:
        assert time.monotonic() < deadline, caplog.messages
        time.sleep(0.01)


def test_tls(make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    authority = Authority(tmp_path)
    with fluentd(certificate=authority.issue("collector"), shared_key="secret") as collector:
        settings = {"tls": True, "shared_key": "secret"}
        sender = make(collector.port, ca_cert_file=str(authority.file), **settings)
        sender.add(lines("a"))
        sender.close()
        make(collector.port, timeout=0.1, **settings).add(lines("b"))
        place = f"the log cannot be sent to 127.0.0.1:{collector.port}"
        told(
            caplog,
            f"{place}: its certificate is not trusted: unable to get local issuer certificate; it waits",
        )
    assert collector.contents() == ["a"]


def test_settings_that_cannot_be_used(make: Make, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(
        InvalidValue, match=r"^Log.Fluentd.Spill: .*/file/sub cannot be written: not a directory$"
    ):
        make(1, spill=str(file / "sub"))
    with pytest.raises(InvalidValue, match=r"^Log.Fluentd.CACertFile: .*/none cannot be read: no such file"):
        make(1, tls=True, ca_cert_file=str(tmp_path / "none"))
    with pytest.raises(InvalidValue, match=r"^Log.Fluentd.CACertFile: .*/file has no certificate in PEM$"):
        make(1, tls=True, ca_cert_file=str(file))


Step = tuple[int, str]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(1, 300), st.sampled_from(["go on", "restart", "stop", "start", "lose an answer"])
        ),
        min_size=1,
        max_size=12,
    )
)
def test_nothing_is_lost_when_the_collector_starts_again(make: Make, steps: list[Step]) -> None:
    losing = [0]

    def acknowledge(chunk: str) -> dict[str, str] | None:
        if losing[0]:
            losing[0] -= 1
            return {"ack": "another"}
        return {"ack": chunk}

    with fluentd(acknowledge=acknowledge) as collector:
        sender = make(collector.port)
        runs, total = True, 0
        for number, step in steps:
            sender.add(lines(*range(total, total + number)))
            total += number
            if runs and step in ("restart", "stop"):
                collector.stop()
                runs = False
            if not runs and step in ("restart", "start"):
                collector.start()
                runs = True
            losing[0] += step == "lose an answer"
        if not runs:
            collector.start()
        sender.close()
        arrived = [*dict.fromkeys(map(int, collector.contents()))]
    assert arrived == [*range(total)]


def test_a_collector_that_is_away_blocks_nobody_and_what_does_not_fit_is_counted(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    collector = Fluentd()
    collector.start()
    collector.stop()
    sender = make(collector.port, buffer_bytes=1 << 16)
    begin = time.monotonic()
    for number in range(50):
        sender.add(lines(*range(number * 100, number * 100 + 100)))
    assert time.monotonic() - begin < 1
    told(caplog, f"too much of the log waits for 127.0.0.1:{collector.port}: lines are dropped")
    collector.start()
    sender.close()
    arrived = [*map(int, collector.contents())]
    assert arrived == [*range(len(arrived))]
    assert 500 < len(arrived) < 3000
    dropped = 5000 - len(arrived)
    told(caplog, f"the log is sent to 127.0.0.1:{collector.port} again; {dropped} lines were dropped")
    collector.stop()


def test_a_collector_that_hangs_blocks_nobody(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:  # the system connects, and nobody ever reads
        sender = make(listener.getsockname()[1], timeout=0.2)
        begin = time.monotonic()
        for number in range(50):
            sender.add(lines(*range(number * 1000, number * 1000 + 100)))
        sender.close()
        assert time.monotonic() - begin < 2


def test_what_does_not_fit_goes_to_the_folder(make: Make, tmp_path: Path) -> None:
    collector = Fluentd()
    collector.start()
    collector.stop()
    sender = make(collector.port, buffer_bytes=1 << 16, spill=str(tmp_path))
    for number in range(50):
        sender.add(lines(*range(number * 100, number * 100 + 100)))
    assert len([*tmp_path.iterdir()]) > 3
    collector.start()
    collector.wait(5000)
    assert {*map(int, collector.contents())} == {*range(5000)}
    sender.close()
    assert [*tmp_path.iterdir()] == []
    collector.stop()


def test_what_waits_at_the_end_is_sent_after_the_next_start(make: Make, tmp_path: Path) -> None:
    collector = Fluentd()
    collector.start()
    collector.stop()
    first = make(collector.port, spill=str(tmp_path))
    first.add(lines("before"))
    begin = time.monotonic()
    first.close()
    assert time.monotonic() - begin < 3
    collector.start()
    second = make(collector.port, spill=str(tmp_path))
    second.add(lines("after"))
    collector.wait(2)
    assert collector.contents() == ["before", "after"]
    second.close()
    assert [*tmp_path.iterdir()] == []
    collector.stop()


def test_what_waits_at_the_end_without_a_folder_is_told(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    collector = Fluentd()
    collector.start()
    collector.stop()
    sender = make(collector.port, timeout=0.3)
    sender.add(lines("a", "b"))
    sender.close()
    assert f"2 lines of the log were not sent to 127.0.0.1:{collector.port}" in caplog.messages


def test_closing_waits_for_a_collector_that_comes_back(make: Make) -> None:
    collector = Fluentd()
    collector.start()
    collector.stop()
    sender = make(collector.port)
    sender.add(lines("a"))
    collector.start()
    sender.close()
    sender.add(lines("b"))
    sender.close()
    assert collector.contents() == ["a"]
    collector.stop()


def test_a_fork_sends_nothing_twice(make: Make) -> None:
    with fluentd() as collector:
        sender = make(collector.port)
        sender.add(lines("before"))
        collector.wait(1)
        sender.before_fork()
        child = os.fork()
        sender.after_fork(child=child == 0)
        if child == 0:
            logging.disable()
            sender.add(lines("child"))
            sender.close()
            os._exit(0)
        os.waitpid(child, 0)
        sender.add(lines("parent"))
        sender.close()
        assert collector.contents() == ["before", "child", "parent"]
        assert collector.connections == 2


def test_a_fork_that_may_have_no_thread_any_more(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """From Python 3.12 on there are none while the interpreter ends."""
    sender = make(1)
    sender.close()
    sender.before_fork()
    sender.after_fork(child=True)  # as if this were it

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", start)
    sender.add(lines("a"))
    sender.close()
    assert caplog.messages == ["1 lines of the log were not sent to 127.0.0.1:1"]


_PROCESS = """
import logging, sys, time
from zero_runtime import logs
from zero_runtime.config import FluentdConf, LogConf
from zero_runtime.config.durations import Duration
fluentd = FluentdConf(host="127.0.0.1", port=int(sys.argv[1]), timeout=Duration(1.0), spill=sys.argv[2])
logs.configure(LogConf(encoding="plain", fluentd=fluentd), "test")
logging.getLogger("a").info("a")
"""


@pytest.mark.parametrize("spills", [True, False])
def test_a_process_exits_in_time_when_the_collector_is_away(tmp_path: Path, spills: bool) -> None:
    collector = Fluentd()
    collector.start()
    collector.stop()
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", _PROCESS, str(collector.port), str(tmp_path) if spills else ""],
        capture_output=True,
        text=True,
    )
    assert time.monotonic() - begin < 5
    assert (done.returncode, done.stderr) == (0, "")
    place = f"127.0.0.1:{collector.port}"
    assert f"zero.logs: the log cannot be sent to {place}: connection refused; it waits" in done.stdout
    assert bool([*tmp_path.iterdir()]) == spills
    assert ("lines of the log were not sent to " in done.stdout) != spills
