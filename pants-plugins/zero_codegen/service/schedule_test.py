from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_codegen.service import schedule
from zero_codegen.service.conftest import Specify
from zero_codegen.service.spec import Spec

JOB: dict[str, Any] = {"schedule": "0 3 * * *", "time_zone": None, "timeout": 3600, "retries": 0}


@pytest.fixture
def spec(specify: Specify) -> Spec:
    return msgspec.convert(specify("order-sweep"), Spec)


def told(spec: Spec, **changes: Any) -> list[str]:
    """What is told of a job, as people read it."""
    changed = msgspec.structs.replace(spec, job=msgspec.convert(JOB | changes, type(spec.job)))
    return [mistake.render() for mistake in schedule.mistakes(changed)]


@pytest.mark.parametrize(
    "text",
    [
        "0 3 * * *",
        "*/15 9-17 * * mon-fri",
        "5,35 0 1,15 JAN,jul ?",
        "10/20 * * * 0,6",
        "0 0 29 2 *",
        "0 0 31 2 mon",
        "59 23 31 12 6",
        "  0  3 * * * ",
        *schedule.WORDS,
    ],
)
def test_schedules_that_kubernetes_takes(spec: Spec, text: str) -> None:
    assert told(spec, schedule=text) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("60 * * * *", "minute: `60` is not from 0 to 59"),
        ("0 24 * * *", "hour: `24` is not from 0 to 23"),
        ("0 0 0 * *", "day of the month: `0` is not from 1 to 31"),
        ("0 0 1 13 *", "month: `13` is not from 1 to 12"),
        (
            "0 0 * * 7",
            "day of the week: `7` is not from 0 to 6\n  | 0 0 * * 7\n  |         ^\n  = hint: Sunday is 0",
        ),
        ("0 0 * * sum", "day of the week: `sum` is not `sun` to `sat` or a number"),
        ("0 0 * * sum", "hint: did you mean `sun`?"),
        ("0 x * * *", "hour: `x` is not a number"),
        ("*/0 * * * *", "minute: the step `0` is not a number from 1 to 59"),
        ("*/90 * * * *", "minute: the step `90` is not a number from 1 to 59"),
        ("*/x * * * *", "minute: the step `x` is not a number from 1 to 59"),
        ("0 22-2 * * *", "hour: `22-2` ends before it begins"),
        ("0 22-2 * * *", "hint: write `22-23,0-2`"),
        ("0 0 L * *", "day of the month: `L` is not a number"),
        ("0 0 * * 5#2", "day of the week: `5#2` means nothing"),
        ("0 3, * * *", "hour: `` means nothing\n  | 0 3, * * *\n  |     ^"),
        ("0 0 30 feb *", "no such month has a day 30: it never runs\n  | 0 0 30 feb *\n  |     ^^^^^^"),
        ("0 0 31 4,6,9,11 *", "no such month has a day 31: it never runs"),
        ("", "it has 0 fields, not five"),
        ("0 3 * *", "it has 4 fields, not five"),
        ("0 0 3 * * *", "it has six fields, and there are none for seconds or years"),
        ("TZ=Europe/Berlin 0 3 * * *", "it has a time zone in front"),
        ("CRON_TZ=Europe/Berlin 0 3 * * *", "hint: set `time_zone`"),
        ("@dayly", "there is no word `@dayly`\n  | @dayly\n  | ^^^^^^\n  = hint: did you mean `@daily`?"),
        ("@every 5m", "there is no word `@every 5m`"),
    ],
)
def test_what_is_wrong_with_a_schedule_and_where(spec: Spec, text: str, message: str) -> None:
    (mistake,) = told(spec, schedule=text)
    assert mistake.startswith("services/order:order-sweep: `schedule`: ")
    assert message in mistake


def test_all_that_is_wrong_is_told(spec: Spec) -> None:
    assert len(told(spec, schedule="61 25,26 x * 9", time_zone="Berlin", timeout=0, retries=-1)) == 8


@pytest.mark.parametrize(("length", "mistakes"), [(52, 0), (53, 1)])
def test_the_name_of_a_run_is_longer_than_that_of_its_job(spec: Spec, length: int, mistakes: int) -> None:
    assert len(list(schedule.mistakes(msgspec.structs.replace(spec, name="a" * length)))) == mistakes


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Argentina/Ushuaia", "Etc/UTC", "UTC", None])
def test_time_zones_that_there_are(spec: Spec, zone: str | None) -> None:
    assert told(spec, time_zone=zone) == []


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Europe/Berln", "did you mean `Europe/Berlin`?"),
        ("europe/berlin", "did you mean `Europe/Berlin`?"),
        ("Local", "write it as `Area/City`, like `Europe/Berlin`"),
        ("", "write it as `Area/City`, like `Europe/Berlin`"),
    ],
)
def test_time_zones_that_there_are_not(spec: Spec, zone: str, hint: str) -> None:
    (mistake,) = told(spec, time_zone=zone)
    assert f"`time_zone`: there is no time zone `{zone}`\n  = hint: {hint}" in mistake


def parts(least: int, most: int, names: str = "") -> st.SearchStrategy[str]:
    """Fields as the grammar of cron has them."""
    value = st.integers(least, most).map(str)
    if names:
        value |= st.sampled_from(names.split())
    ascending = st.tuples(st.integers(least, most), st.integers(least, most)).map(sorted)
    ranges = ascending.map(lambda pair: f"{pair[0]}-{pair[1]}") | st.sampled_from("*?")
    step = st.integers(1, most).map("/{}".format)
    part = value | ranges | st.tuples(ranges | value, step).map("".join)
    return st.lists(part, min_size=1, max_size=4).map(",".join)


GOOD = st.tuples(
    parts(0, 59),
    parts(0, 23),
    st.just("*") | parts(1, 28),
    parts(1, 12, "jan May DEC"),
    parts(0, 6, "sun Wed SAT"),
).map(" ".join)


@given(GOOD)
def test_every_schedule_of_the_grammar_is_taken(text: str) -> None:
    assert list(schedule._wrong_parts(text)) == []


@given(st.text() | st.lists(st.text("0123459*/-,?#LW@ jan"), min_size=5, max_size=5).map(" ".join))
def test_whatever_is_written_each_mistake_is_inside_it(text: str) -> None:
    for column, length, message, _ in schedule._wrong_parts(text):
        assert message
        assert 1 <= column <= len(text) + 1
        assert length <= max(len(text), 1)
