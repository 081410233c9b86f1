"""The same artefacts by way of etcd: what the local registry does by default, it does when configured."""

from __future__ import annotations

import os
from pathlib import Path

from tests.end_to_end.fleet import fleet
from tests.end_to_end.flow import register_login_and_look_up
from tests.end_to_end.pex_test import API, RPC
from tests.servers.etcd import etcd


def test_the_gateway_finds_the_user_service_in_etcd(tmp_path: Path) -> None:
    with etcd() as registry:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PEX_ROOT": str(tmp_path / "pex"),
            "ZERO_STATE_DIR": str(tmp_path),
            "ZERO_REGISTER": "none",
            "ZERO_ETCD__HOSTS": registry.host,
            "ZERO_USER_RPC__TARGET": f"etcd:///{registry.host}?key=user-rpc",
        }
        with fleet(RPC, API, environment, tmp_path) as client:
            register_login_and_look_up(client)
            assert len(registry.entries("user-rpc/")) == 1
        assert registry.entries("user-rpc/") == {}
