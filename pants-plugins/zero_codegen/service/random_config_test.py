"""Whatever a target's `config` says: it is refused, or a manifest is made of it; and it is not changed."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zero_codegen.service import configuration, keys, kubernetes, network
from zero_codegen.service.conftest import Wire
from zero_codegen.service.wiring import Wiring

IMAGE = f"user@sha256:{'0' * 64}"
PLACES = st.sampled_from(
    (
        *(
            "dns:///a:1",
            "k8s://shop/user-rpc:8080",
            "k8s:///user-rpc:8080",
            "k8s://b/c:80",
            "k8s://",
            "etcd://",
        ),
        *("etcd:///a:1,b?key=c", "${A}:1", "${B:-x}", "/run/secrets/zero/tls.key", "a:1", "5s", "root", ""),
    )
)
SCALARS = PLACES | st.integers(-1, 70000) | st.booleans() | st.none()
JUNK = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(PLACES, SCALARS, max_size=1)


def values(known: keys.Keys | keys.Each | None) -> st.SearchStrategy[Any]:
    """Mostly of the shape that a key takes."""
    if known is None:
        return SCALARS | st.lists(PLACES, max_size=2)
    if isinstance(known, keys.Each):
        return st.lists(values(known.keys), max_size=2) | JUNK
    below = st.fixed_dictionaries({}, optional={key: values(each) for key, each in known.items()})
    return st.one_of(below, below, below, JUNK) if known else st.dictionaries(PLACES, PLACES, max_size=2)


CONFIGS = {
    "user-api": {**keys.SERVERS["api"], "Auth": keys.JWT, "UserRpc": keys.CLIENT, "Unknown": None},
    "order-rpc": {
        **keys.SERVERS["rpc"],
        "DataSource": None,
        "Database": keys.DATABASE,
        "Cache": keys.CACHE,
        "UserRpc": keys.CLIENT,
    },
}


@pytest.mark.parametrize("name", CONFIGS)
def test_any_config_is_refused_or_taken(wired: Wire, name: str) -> None:
    wiring = wired(name)

    @given(st.data())
    @settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
    def check(data: st.DataObject) -> None:
        chosen = data.draw(st.lists(st.sampled_from(sorted(CONFIGS[name])), unique=True, max_size=3))
        config = {key: data.draw(values(CONFIGS[name][key])) for key in chosen}
        configured(dataclasses.replace(wiring, spec=msgspec.structs.replace(wiring.spec, config=config)))

    check()


def configured(wiring: Wiring) -> None:
    before = copy.deepcopy(wiring.spec.config)
    found = configuration.configuration(wiring)
    mistakes = [*configuration.mistakes(wiring, found), *network.mistakes(wiring, found)]
    assert wiring.spec.config == before
    if not mistakes:
        objects = kubernetes.manifest(wiring, found, IMAGE).objects
        assert {each["kind"] for each in objects} >= {"ConfigMap", "Deployment", "NetworkPolicy"}
