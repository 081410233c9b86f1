"""The packaged services as the packaged compose file starts them, but as processes of this machine:
what the file tells them, with the addresses of real servers in place of the names of containers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.end_to_end.fleet import running
from tests.servers import postgresql
from tests.servers.process import free_port
from tests.servers.redis import RedisServer, redis

STACK = Path("services/stack").absolute()

FOLDERS = {"user-rpc": "services.user", "user-api": "services.user", "shop": "services.shop"}
"""Where the services that are started are packaged; those that others call come first."""

PASSWORD = "only-for-trying-not-for-production"
"""Of everything in the compose file."""

RULES = [{"Match": ["GET /v1/shop/products/*"], "Rate": {"Rate": 20, "Burst": 20}}]
"""A limit per time, so that there is something to tell of one."""


def read(path: str) -> dict[str, Any]:
    """A file of the packaged stack."""
    found: dict[str, Any] = yaml.safe_load((STACK / path).read_text())
    return found


def asked(query: str, window: str) -> str:
    """A query of the dashboard as Grafana sends it, for all services."""
    return query.replace("$service", ".*").replace("$namespace", ".*").replace("$__rate_interval", window)


@dataclass(frozen=True)
class Running:
    """The fleet: an HTTP client for each service with a gateway's address, and where metrics are."""

    clients: Mapping[str, httpx.Client]
    metrics: Mapping[str, str]
    redis: RedisServer

    def prometheus(self) -> dict[str, Any]:
        """The packaged configuration of Prometheus, with the addresses of this fleet."""
        configuration = read("prometheus/prometheus.yml")
        jobs = [job for job in configuration["scrape_configs"] if job["job_name"] in self.metrics]
        for job in jobs:
            (targets,) = job["static_configs"]
            targets["targets"] = [self.metrics[job["job_name"]]]
        configuration["scrape_configs"] = jobs
        configuration["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
        return configuration


@contextmanager
def fleet(folder: Path) -> Iterator[Running]:
    """Logs are in ``folder``."""
    services = read("compose.yaml")["services"]
    metrics: dict[str, str] = {}
    with ExitStack() as stack:
        database, cache = stack.enter_context(postgresql()), stack.enter_context(redis())
        places = {"redis:6379": cache.address}
        clients = {}
        for name, packaged in FOLDERS.items():
            told = {key: _placed(value, places) for key, value in services[name]["environment"].items()}
            if "ZERO_DATA_SOURCE" in told:
                told["ZERO_DATA_SOURCE"] = database.create_database(
                    told["ZERO_DATA_SOURCE"].rpartition("/")[2]
                )
            metrics[name] = f"127.0.0.1:{free_port()}"
            own = {
                "ZERO_HOST": "127.0.0.1",
                "ZERO_PORT": "0",
                "ZERO_LISTEN_ON": "127.0.0.1:0",
                "ZERO_DEV_SERVER__PORT": metrics[name].rpartition(":")[2],
                "ZERO_SHUTDOWN__WRAP_UP_TIME": "0s",
                # Nobody collects: the services have to do without.
                "ZERO_TELEMETRY__ENDPOINT": "127.0.0.1:1",
                "ZERO_LOG__FLUENTD__HOST": "127.0.0.1",
                "ZERO_LOG__FLUENTD__PORT": "1",
            }
            environment = {**_basics(folder), **told, **own}
            pex = Path(packaged, name, f"{name}.pex").absolute()
            command: list[str | Path] = [
                sys.executable,
                pex,
                "-f",
                _configuration(Path(packaged, name, "etc", f"{name}.yaml"), folder),
            ]
            service = stack.enter_context(running(command, environment, folder / f"{name}.log"))
            if ports := services[name].get("ports"):
                clients[name] = stack.enter_context(
                    httpx.Client(base_url=f"http://{service.address}", timeout=20)
                )
                assert len(ports) == 1
            else:
                port = yaml.safe_load(Path(packaged, name, "etc", f"{name}.yaml").read_text())["ListenOn"]
                places[f"dns:///{name}:{port.rpartition(':')[2]}"] = f"direct:///{service.address}"
        yield Running(clients, metrics, cache)


def _placed(value: str, places: Mapping[str, str]) -> str:
    return places.get(value, value)


def _basics(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "PEX_ROOT": str(folder / "pex")}


def _configuration(packaged: Path, folder: Path) -> Path:
    """The packaged configuration, with limits per time where there is Redis to keep them in."""
    configuration = yaml.safe_load(packaged.read_text())
    if "Redis" in configuration:
        configuration["Rules"] = RULES
    file = folder / packaged.name
    file.write_text(yaml.safe_dump(configuration))
    return file
