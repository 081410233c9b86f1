"""What configurations of gRPC services and their callers are refused for, and what they are read as."""

from __future__ import annotations

from pathlib import Path

import pytest

from zero_runtime import config


class Server(config.RpcServerConf, kw_only=True, frozen=True):
    name: config.ServiceName = "user-rpc"


class Gateway(config.ServiceConf, kw_only=True, frozen=True):
    name: config.ServiceName = "user-api"
    user_rpc: config.RpcClientConf


def loaded(kind: type[config.ServiceConf], folder: Path, text: str) -> config.ServiceConf:
    file = folder / "service.yaml"
    file.write_text(f"Name: x\n{text}")
    return config.load(kind, file, {})


def test_a_server_with_everything(tmp_path: Path) -> None:
    conf = loaded(
        Server,
        tmp_path,
        """
Timeout: 1500
MethodTimeouts: [{FullMethod: /user.User/Login, Timeout: 300ms}, {FullMethod: /user.User/Watch, Timeout: 0s}]
Auth: true
Redis: {Host: redis:6379}
CertFile: a.crt
KeyFile: a.key
CACertFile: ca.crt
MaxSendMsgSize: 1000
Keepalive: {MaxConnectionAge: 5m, MinTime: 1s}
Middlewares: {Stat: false, StatConf: {SlowThreshold: 1s}}
""",
    )
    assert isinstance(conf, Server)
    assert [(each.full_method, each.timeout) for each in conf.method_timeouts] == [
        ("/user.User/Login", 0.3),
        ("/user.User/Watch", 0),
    ]
    assert (conf.keepalive.max_connection_age, conf.keepalive.min_time, conf.keepalive.time) == (
        300.0,
        1.0,
        60.0,
    )
    assert conf.middlewares.trace and not conf.middlewares.stat
    assert conf.middlewares.stat_conf.slow_threshold == 1.0


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("CertFile: a.crt", "only one of CertFile and KeyFile is given"),
        ("CACertFile: ca.crt", "`CACertFile` needs CertFile and KeyFile"),
        ("Auth: true", "`Auth` needs Redis"),
        ("MethodTimeouts: [{FullMethod: Login, Timeout: 1s}]", "MethodTimeouts[0].FullMethod: "),
        ("MethodTimeouts: [{FullMethod: /user.User/Login}]", "MethodTimeouts[0].Timeout: "),
        ("MethodTimeouts: [{FullMethod: /user.User/Login, Timeout: soon}]", "MethodTimeouts[0].Timeout: "),
        ("MaxRecvMsgSize: -1", "MaxRecvMsgSize: "),
        ("Keepalive: {Tiem: 1s}", "did you mean `Time`?"),
        ("Middlewares: {Breakr: true}", "did you mean `Breaker`?"),
    ],
)
def test_mistakes_of_servers_are_told(tmp_path: Path, text: str, wrong: str) -> None:
    with pytest.raises(config.ConfigError) as caught:
        loaded(Server, tmp_path, text)
    assert wrong in str(caught.value)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("{}", "one of Target, Endpoints and Etcd is required"),
        ("{Etcd: {Hosts: ['a:2379']}}", "`Etcd` needs the Key of the service that is called"),
        ("{Target: 'a:1', KeyFile: a.key}", "only one of CertFile and KeyFile is given"),
        ("{Target: 'a:1', BalancerName: random}", "UserRpc.BalancerName: "),
        ("{Target: 'a:1', Transport: http3}", "UserRpc.Transport: "),
        ("{Target: 'a:1', Retry: {Attempts: 0}}", "UserRpc.Retry.Attempts: "),
        ("{Endpoints: ['']}", "UserRpc.Endpoints[0]: "),
    ],
)
def test_mistakes_of_clients_are_told(tmp_path: Path, text: str, wrong: str) -> None:
    with pytest.raises(config.ConfigError) as caught:
        loaded(Gateway, tmp_path, f"UserRpc: {text}")
    assert wrong in str(caught.value)


def test_passwords_come_from_variables(tmp_path: Path) -> None:
    environ = {
        "ZERO_REDIS__HOST": "redis:6379",
        "ZERO_REDIS__PASS": "secret",
        "ZERO_ETCD__USER": "root",
        "ZERO_ETCD__PASS": "123",
    }
    file = tmp_path / "service.yaml"
    file.write_text("Name: x")
    conf = config.load(Server, file, environ)
    assert (conf.redis.pass_, conf.etcd.pass_) == ("secret", "123")
