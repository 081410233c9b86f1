from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest

from zero_runtime import config


class Shop(config.RestConf, kw_only=True, frozen=True):
    name: config.ServiceName = "shop"
    data_source: config.DataSource


class Sweep(config.JobConf, kw_only=True, frozen=True):
    name: config.ServiceName = "sweep"
    data_source: Annotated[config.DataSource, config.Embedded(config.sqlite_file_of("shop"))]


def test_a_job_shares_the_database_of_the_service_whichever_is_first(tmp_path: Path) -> None:
    environ = {"ZERO_STATE_DIR": str(tmp_path)}
    shared = f"sqlite:///{tmp_path}/services/shop/data.db"
    assert config.load(Sweep, environ=environ).data_source == shared
    assert config.load(Shop, environ=environ).data_source == shared
    assert not (tmp_path / "services" / "sweep").exists()


@pytest.mark.parametrize(
    ("variables", "served"),
    [
        ({}, (False, False, False)),
        ({"ZERO_MODE": "pro"}, (False, False, False)),
        ({"ZERO_DEV_SERVER__ENABLED": "true"}, (True, True, True)),
        ({"ZERO_PROMETHEUS__HOST": "0.0.0.0"}, (False, True, True)),
    ],
)
def test_a_job_serves_what_it_is_told_to(
    tmp_path: Path, variables: dict[str, str], served: tuple[bool, ...]
) -> None:
    conf = config.load(Sweep, environ={"ZERO_STATE_DIR": str(tmp_path), **variables})
    assert (conf.has_dev_server, conf.has_admin, conf.has_metrics) == served
