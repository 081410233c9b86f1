from typing import Any, get_args, get_origin

import msgspec
import pytest

from zero_codegen import naming
from zero_codegen.service import administration, configuration, folders, keys, kubernetes, telemetry
from zero_runtime import config


def keys_of(kind: type[msgspec.Struct]) -> keys.Keys:
    """The keys of a configuration type of the runtime, in the form of the table."""
    fields = msgspec.structs.fields(kind)
    return {field.encode_name: keys_below(field.type) for field in fields}


def keys_below(kind: Any) -> keys.Keys | keys.Each | None:
    if get_origin(kind) is dict:
        return {}
    if get_origin(kind) is list:
        (element,) = get_args(kind)
        return keys.Each(keys_of(element)) if is_struct(element) else None
    structs = [each for each in (kind, *get_args(kind)) if is_struct(each)]
    return keys_of(structs[0]) if structs else None


def is_struct(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        (keys.SERVERS["api"], config.RestConf),
        (keys.SERVERS["rpc"], config.RpcServerConf),
        (keys.SERVERS["job"], config.JobConf),
        (keys.JWT, config.JwtConf),
        (keys.JWT_TRANSITION, config.JwtTransitionConf),
        (keys.CLIENT, config.RpcClientConf),
        (keys.DATABASE, config.DatabaseConf),
        (keys.CACHE, config.CacheConf),
    ],
)
def test_knows_the_keys_of_the_runtime(table: keys.Keys, kind: type[msgspec.Struct]) -> None:
    assert table == keys_of(kind)


def test_knows_the_defaults_of_the_runtime() -> None:
    conf = config.JobConf(name="sweep")
    server, prometheus, fluentd = conf.dev_server, conf.prometheus, conf.log.fluentd
    assert (server.port, prometheus.port) == (administration.PORT, administration.PROMETHEUS_PORT)
    assert (server.health_path, server.ready_path) == (administration.HEALTH_PATH, administration.READY_PATH)
    assert {administration.METRICS_PATH} == {server.metrics_path, prometheus.path}
    assert (fluentd.port, fluentd.spill_bytes) == (telemetry.FLUENTD_PORT, folders.SPILL_SIZE << 20)
    assert configuration.seconds(kubernetes.FLUENTD_TIMEOUT) == fluentd.timeout
    assert configuration.seconds(configuration.WAIT_TIME) == conf.shutdown.wait_time


@pytest.mark.parametrize(
    "attribute", ["auth", "user_rpc", "http2_auth", "user_id_rpc", "class_", "data_source"]
)
def test_spells_keys_as_the_runtime_does(attribute: str) -> None:
    kind = msgspec.defstruct("Config", [(attribute, int)], rename="pascal")
    assert kind.__struct_encode_fields__ == (naming.pascal(attribute),)
