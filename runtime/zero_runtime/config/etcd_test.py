"""What a service is told of etcd beyond single values."""

from __future__ import annotations

from pathlib import Path

import pytest

from zero_runtime import config


def load(folder: Path, text: str) -> config.EtcdConf:
    file = folder / "rpc.yaml"
    file.write_text(f"Name: user-rpc\nEtcd:\n{text}")
    return config.load(config.RpcServerConf, file, {}).etcd


def test_keys_are_those_of_go_zero(tmp_path: Path) -> None:
    etcd = load(
        tmp_path,
        "  Hosts: [etcd-0:2379, '[::1]:2379']\n  Key: user.rpc\n  ID: 7\n  User: zero\n  Pass: secret\n"
        "  CertFile: a.pem\n  CertKeyFile: a.key\n  CACertFile: ca.pem\n  InsecureSkipVerify: false\n",
    )
    assert etcd.hosts == ["etcd-0:2379", "[::1]:2379"]
    assert (etcd.key, etcd.id, etcd.user, etcd.pass_) == ("user.rpc", 7, "zero", "secret")
    assert (etcd.cert_file, etcd.cert_key_file, etcd.ca_cert_file) == ("a.pem", "a.key", "ca.pem")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("  Hosts: ['http://etcd:2379']", ":3:11: Etcd.Hosts[0]: expected `host:port`"),
        ("  Hosts: [etcd]", ":3:11: Etcd.Hosts[0]: expected `host:port`"),
        ("  ID: -1", ":3:3: Etcd.ID: must be >= 0"),
        ("  CertFile: a.pem", ":2:1: Etcd: only one of CertFile and CertKeyFile is given"),
        ("  User: zero", ":2:1: Etcd: only one of User and Pass is given"),
        (
            "  InsecureSkipVerify: true",
            ":2:1: Etcd: gRPC verifies every certificate, so InsecureSkipVerify must be false: "
            "name who signed them, or the certificate itself, as CACertFile",
        ),
    ],
)
def test_mistakes(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(config.ConfigError) as caught:
        load(tmp_path, text)
    assert problem in str(caught.value)
