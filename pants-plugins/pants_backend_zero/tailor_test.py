"""`tailor` proposes targets for contracts that have none."""

from __future__ import annotations

from pants.core.goals.tailor import PutativeTargets

from pants_backend_zero.tailor import PutativeContractTargetsRequest


def test_contracts_without_an_owner_get_a_target_named_after_their_kind(repository) -> None:
    repository.write_files(
        {
            "new/BUILD": 'zero_rpc(name="b", source="b.proto")',
            **{f"new/{name}": "" for name in ("a.proto", "b.proto", "c.sql")},
        }
    )
    found = repository.request(PutativeTargets, [PutativeContractTargetsRequest(("new", "services/user"))])
    assert [(target.type_alias, target.path, target.name, target.triggering_sources) for target in found] == [
        ("zero_models", "new", "model", ("c.sql",)),
        ("zero_rpcs", "new", "rpc", ("a.proto",)),
    ]
