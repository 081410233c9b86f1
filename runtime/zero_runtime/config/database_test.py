"""What a service is told of its database and its cache beyond single values."""

from __future__ import annotations

from pathlib import Path

import pytest

from zero_runtime import config


class Service(config.RpcServerConf, kw_only=True, frozen=True):
    name: config.ServiceName = "user-rpc"
    data_source: config.DataSource
    database: config.DatabaseConf = config.DatabaseConf()
    cache: config.CacheConf = config.CacheConf()


def load(folder: Path, text: str, **environ: str) -> Service:
    file = folder / "rpc.yaml"
    file.write_text(f"DataSource: sqlite://\n{text}")
    return config.load(Service, file, environ)


def test_nothing_has_to_be_said(tmp_path: Path) -> None:
    found = load(tmp_path, "")
    assert (found.database.replicas, found.database.max_open, found.database.max_lifetime) == ([], 64, 60.0)
    assert (found.cache.store, found.cache.expiry, found.cache.local) == ("redis", 604800.0, 0.0)


def test_without_a_file_rows_are_cached_in_the_process(tmp_path: Path) -> None:
    embedded = config.load(Service, None, {"ZERO_STATE_DIR": str(tmp_path)})
    assert embedded.cache.store == "memory"
    assert embedded.database.replicas == []


def test_replicas_are_a_list_in_the_environment_too(tmp_path: Path) -> None:
    sources = ["a:b@tcp(c:3306)/d?timeout=1s", "mysql://e@f/g"]
    found = load(tmp_path, "", ZERO_DATABASE__REPLICAS=",".join(sources), ZERO_DATABASE__POLICY="random")
    assert (found.database.replicas, found.database.policy) == (sources, "random")


def test_the_cache_has_a_redis_of_its_own(tmp_path: Path) -> None:
    found = load(tmp_path, "Redis: {Host: 'a:1'}\nCache: {Local: 300ms, Redis: {Host: 'b:2', Pass: p}}")
    assert (found.redis.host, found.cache.redis.host, found.cache.redis.pass_) == ("a:1", "b:2", "p")
    assert found.cache.local == 0.3


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Database: {MaxOpen: 0}", ":2:12: Database.MaxOpen: must be >= 1"),
        ("Database: {Replicas: ['']}", ":2:23: Database.Replicas[0]: must have at least 1 character"),
        ("Database: {Policy: nearest}", ":2:12: Database.Policy: must be one of `round-robin`, `random`"),
        ("Database: {MaxLifetime: 60}", ":2:12: Database.MaxLifetime: expected a duration"),
        ("Cache: {Store: memcached}", ":2:9: Cache.Store: must be one of"),
        ("Cache: {Jitter: 2}", ":2:9: Cache.Jitter: must be <= 1"),
        ("Cache: {LocalSize: 0}", ":2:9: Cache.LocalSize: must be >= 1"),
        ("Cache: {MaxLoad: 1}", ":2:9: Cache.MaxLoad: unknown key; did you mean `MaxLoads`?"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(config.ConfigError) as caught:
        load(tmp_path, text)
    assert problem in str(caught.value)
