"""A `zero_service` with a `schedule`."""

from __future__ import annotations

import json

import pytest
from pants.engine.addresses import Address
from pants.engine.internals.scheduler import ExecutionError

from pants_backend_zero.conftest import dependencies
from pants_backend_zero.service.graph import ServiceSpec, ServiceSpecRequest
from pants_backend_zero.service.logic import CheckedService, CheckedServiceRequest

SWEEP = Address("services/user", target_name="user-sweep")
JOB = """
zero_service(
    name="user-sweep",
    schedule="0 3 * * *",
    time_zone="Europe/Berlin",
    job_timeout=600,
    job_retries=2,
    logic="sweep.py:Sweep",
    models=[":model"],
    clients=[":rpc"],
    environments={"staging": {"schedule": "0 * * * *", "job_retries": 0}},
)
"""
LOGIC = """
from user.user_sweep_service import Context

class Sweep:
    def __init__(self, context: Context) -> None: ...
    async def run(self) -> None: ...
"""


def described(repository) -> dict:
    return json.loads(repository.request(ServiceSpec, [ServiceSpecRequest(SWEEP)]).json)


def add(repository, job: str = JOB, logic: str = LOGIC) -> None:
    with open(f"{repository.build_root}/services/user/BUILD") as file:
        build = file.read()
    repository.write_files({"services/user/BUILD": build + job, "services/user/sweep.py": logic})


def failure(repository) -> str:
    with pytest.raises(ExecutionError) as error:
        repository.request(CheckedService, [CheckedServiceRequest(SWEEP)])
    return str(error.value)


def test_a_job_is_described_with_when_it_runs(repository) -> None:
    add(repository)
    spec = described(repository)
    assert (spec["serves"], spec["port"]) == (None, None)
    job = {"schedule": "0 3 * * *", "time_zone": "Europe/Berlin", "timeout": 600, "retries": 2}
    assert spec["job"] == job
    assert spec["environments"]["staging"]["job"] == {**job, "schedule": "0 * * * *", "retries": 0}


def test_a_job_works_on_the_tables_of_the_service_that_keeps_them(repository) -> None:
    add(repository)
    assert described(repository)["tables_of"] == "user-rpc"


def test_a_job_depends_on_what_runs_it(repository) -> None:
    add(repository)
    found = dependencies(repository, SWEEP)
    assert {"services/user/sweep.py:logic", "services/user:model", "services/user:rpc"} <= found
    assert {"runtime/zero_runtime/job.py", "runtime/zero_runtime/config.py"} <= found
    assert "runtime/zero_runtime/service.py" not in found


def test_a_services_callers_are_jobs_too(repository) -> None:
    add(repository)
    server = Address("services/user", target_name="user-rpc")
    spec = json.loads(repository.request(ServiceSpec, [ServiceSpecRequest(server)]).json)
    assert [caller["service"] for caller in spec["callers"]] == ["user-api", "user-sweep"]


def test_the_logic_of_a_job_is_held_to_what_runs_it(repository) -> None:
    add(repository)
    repository.request(CheckedService, [CheckedServiceRequest(SWEEP)])
    repository.write_files({"services/user/sweep.py": LOGIC.replace("def run", "def start")})
    assert (
        "The logic of services/user:user-sweep does not fit a job.\n\n"
        "services/user/sweep.py:4:1: `Sweep` has no `run`, which is what a job does\n"
        "  = hint: add `async def run(self) -> None`"
    ) in failure(repository)


def test_a_job_serves_nothing(repository) -> None:
    add(repository, JOB.replace('name="user-sweep",', 'name="user-sweep", serves=":http",'))
    assert (
        "services/user:user-sweep has a `schedule` and serves services/user:http. A job runs and ends: "
        "remove `serves`, or make the job a target of its own."
    ) in failure(repository)


def test_what_neither_serves_nor_has_a_schedule(repository) -> None:
    add(repository, JOB.replace('    schedule="0 3 * * *",\n', ""))
    assert (
        "services/user:user-sweep serves nothing. Name its contract in the `serves` field, or say with "
        "`schedule` when it runs."
    ) in failure(repository)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            'time_zone="UTC", job_retries=0',
            "has `time_zone`, `job_retries` and is no job: it has no `schedule`",
        ),
        (
            'environments={"live": {"schedule": "@daily"}}',
            "has `schedule` and is no job: it has no `schedule` itself",
        ),
    ],
)
def test_a_service_has_no_fields_of_jobs(repository, fields: str, told: str) -> None:
    add(repository, f'zero_service(name="user-sweep", serves=":rpc", logic="sweep.py:Sweep", {fields})')
    assert f"services/user:user-sweep {told}" in failure(repository)


def test_a_job_listens_on_no_port(repository) -> None:
    add(repository, JOB.replace('name="user-sweep",', 'name="user-sweep", port=8080,'))
    assert "services/user:user-sweep has `port` and is a job, which listens on none. Remove it." in failure(
        repository
    )


def test_a_job_has_a_schedule_everywhere(repository) -> None:
    add(repository, JOB.replace('"schedule": "0 * * * *"', '"schedule": None'))
    assert (
        "The `environments` field of services/user:user-sweep takes its `schedule` away for 'staging', but a job has "
        "one everywhere."
    ) in failure(repository)
