"""Which services belong to a stack."""

from __future__ import annotations

import pytest
from pants.engine.addresses import Address
from pants.engine.internals.scheduler import ExecutionError

from pants_backend_zero.conftest import dependencies
from pants_backend_zero.stack.rules import is_below

STACK = Address("services", target_name="stack")
USER_API, USER_RPC = "services/user:user-api", "services/user:user-rpc"


def stack(repository, fields: str) -> set[str]:
    """The services that a stack with these fields depends on."""
    repository.write_files({"services/BUILD": f'zero_stack(name="stack", {fields})'})
    return dependencies(repository, STACK)


def test_a_stack_has_all_services_below_it_if_it_names_none(repository) -> None:
    repository.write_files(
        {
            "elsewhere/BUILD": (
                'zero_api(name="http", source="a.api")\n'
                'zero_service(name="other", serves=":http", logic="l.py:L", clients=["services/user:rpc"])\n'
                'zero_stack(name="stack")'
            ),
            "elsewhere/a.api": "service other {\n\t@handler Get\n\tget /\n}\n",
        }
    )
    assert stack(repository, "") == {USER_API, USER_RPC}
    other = Address("elsewhere", target_name="stack")
    assert dependencies(repository, other) == {"elsewhere:other", USER_RPC}


def test_a_folder_is_not_below_another_whose_name_begins_its_own() -> None:
    assert is_below("services/user", "services") and is_below("services", "services")
    assert is_below("services", "")
    assert not is_below("services-old/user", "services")


def test_what_a_service_calls_belongs_to_the_stack(repository) -> None:
    assert stack(repository, f'services=["{USER_API}"]') == {USER_API, USER_RPC}
    assert stack(repository, f'services=["{USER_RPC}"]') == {USER_RPC}


def test_services_that_call_each_other(repository) -> None:
    repository.write_files(
        {
            "services/a/BUILD": (
                'zero_rpc(name="rpc", source="a.proto")\n'
                'zero_service(name="a", serves=":rpc", logic="l.py:L", clients=["services/b:rpc"])'
            ),
            "services/b/BUILD": (
                'zero_rpc(name="rpc", source="b.proto")\n'
                'zero_service(name="b", serves=":rpc", logic="l.py:L", clients=["services/a:rpc"])'
            ),
            "services/a/a.proto": 'syntax = "proto3";',
            "services/b/b.proto": 'syntax = "proto3";',
        }
    )
    assert stack(repository, 'services=["services/a"]') == {"services/a:a", "services/b:b"}


def test_a_stack_is_of_services(repository) -> None:
    with pytest.raises(ExecutionError) as error:
        stack(repository, 'services=["services/user:rpc"]')
    assert (
        "The `services` field of services:stack takes `zero_service` targets, "
        "but services/user:rpc is a `zero_rpc`."
    ) in str(error.value)
