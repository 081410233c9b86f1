"""A compose file that starts the services with all that is around them, on one machine.

It is for trying and for tests by hand, not for production: passwords are known to everybody, and services
create their tables (`Mode: dev`). What a service reads differently here it is told by variables of its
environment, so images are those that are deployed.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from zero_codegen.naming import snake
from zero_codegen.service import databases, folders, keys, secrets
from zero_codegen.stack import collectors
from zero_codegen.stack.fleet import Fleet, Member
from zero_codegen.stack.spec import StackSpec

PASSWORD = "only-for-trying-not-for-production"
"""Of everything here; long enough for the keys of tokens."""
LOOPBACK = "127.0.0.1"
"""Where ports are published: nobody else reaches what has such a password."""
ETCD, REDIS = "etcd:2379", "redis:6379"

Path: TypeAlias = tuple[str, ...]
"""Of a key of the configuration."""

_FLUENTD = ("Log", "Fluentd")
_USER = "zero"
_SCHEMES = {"postgresql": ("postgresql", 5432), "mariadb": ("mysql", 3306)}
_INIT = "/docker-entrypoint-initdb.d/init.sql"
_PYTHON = "/app/bin/python"
"""Of Zero's images, which have no shell."""


def compose(stack: StackSpec, fleet: Fleet) -> dict[str, Any]:
    """The content of `compose.yaml`; paths are relative to its folder."""
    infrastructure = _infrastructure(stack, fleet)
    ports = {int(port.split(":")[1]) for each in infrastructure.values() for port in each.get("ports", ())}
    services = {}
    for member in fleet:
        services[member.name] = _service(stack, fleet, member)
        if member.kind == "api":
            published = next(port for port in range(member.port, 1 << 16) if port not in ports)
            ports.add(published)
            services[member.name]["ports"] = [f"{LOOPBACK}:{published}:{member.port}"]
    volumes = (
        volume.partition(":")[0] for each in infrastructure.values() for volume in each.get("volumes", ())
    )
    return {
        "services": services | infrastructure,
        "volumes": {volume: {} for volume in volumes if not volume.startswith(".")},
    }


def init_sql(stack: StackSpec, fleet: Fleet) -> str:
    """What the database does at its first start: a database for each that services have."""
    names = sorted(set(fleet.databases.values()))
    if stack.database == "postgresql":
        return "".join(f'CREATE DATABASE "{name}";\n' for name in names)
    return "".join(
        f"CREATE DATABASE `{name}`;\nGRANT ALL ON `{name}`.* TO '{_USER}'@'%';\n" for name in names
    )


def _service(stack: StackSpec, fleet: Fleet, member: Member) -> dict[str, Any]:
    spec, is_job = member.wiring.spec, member.kind == "job"
    found: dict[str, Any] = {
        "image": f"{spec.image_repository}:latest",
        "environment": _environment(stack, fleet, member),
        # Hardened as in Kubernetes, so that what does not work there does not work here.
        "read_only": True,
        "tmpfs": [folders.TEMPORARY, *_folders(member)],
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "depends_on": _needs(stack, fleet, member),
    }
    if any(not key.isidentifier() for key in secrets.keys_of_secret(member.wiring, member.values)):
        found["volumes"] = [f"./secrets/{member.name}:{secrets.FOLDER}:ro"]
    if is_job:
        return found | {"profiles": ["jobs"]}
    asking = f"import urllib.request as u; u.urlopen({member.ready!r}, timeout=2)"
    return found | {"restart": "unless-stopped", "healthcheck": _check("CMD", _PYTHON, "-c", asking)}


def _needs(stack: StackSpec, fleet: Fleet, member: Member) -> dict[str, dict[str, str]]:
    """What starts before it: of the services that it calls those that do not call it in turn, by whatever
    way."""
    healthy = [name for name in member.calls if member.name not in fleet.reached_from(name)]
    healthy += [stack.database] if member.has_database else []
    healthy += ["redis"] if member.uses_redis else []
    healthy += ["etcd"] if member.uses_etcd else []
    return {name: {"condition": "service_healthy"} for name in healthy} | {
        name: {"condition": "service_started"} for name in ("fluentd", "otel-collector")
    }


def _environment(stack: StackSpec, fleet: Fleet, member: Member) -> dict[str, str]:
    """What a service reads from its environment: where everything is, and its secrets."""
    places = _places(stack, fleet, member)
    replaced = {secrets.variable(*path) for path in places}
    wanted = secrets.keys_of_secret(member.wiring, member.values)
    found = {key: PASSWORD for key in wanted if key.isidentifier() and key not in replaced}
    return found | {"ZERO_" + "__".join(map(snake, path)).upper(): value for path, value in places.items()}


def _places(stack: StackSpec, fleet: Fleet, member: Member) -> dict[Path, str]:
    """What a service is told in place of what its configuration says."""
    found: dict[Path, str] = {
        ("Mode",): "dev",
        ("Telemetry", "Endpoint"): f"otel-collector:{collectors.OTLP_GRPC}",
        ("Telemetry", "Batcher"): "otlpgrpc",
        **_server(member, _FLUENTD, "Host", "fluentd"),
        (*_FLUENTD, "Port"): str(collectors.FLUENTD_PORT),
    }
    if "OtlpHttpSecure" in member.section("Telemetry"):
        found["Telemetry", "OtlpHttpSecure"] = "false"
    if member.kind != "job":
        found["DevServer", "Enabled"] = "true"
    if member.has_database:
        scheme, port = _SCHEMES[stack.database]
        place = f"{scheme}://{_USER}:{PASSWORD}@{stack.database}:{port}/{fleet.databases[member.name]}"
        found[(keys.DATA_SOURCE,)] = place
        if databases.replicas(member.values):
            found["Database", "Replicas"] = place
    if member.section("Redis").get("Host"):
        found |= _server(member, ("Redis",), "Host", REDIS)
    if member.wiring.caches and member.section("Cache", "Redis").get("Host"):
        found |= _server(member, ("Cache", "Redis"), "Host", REDIS)
    if member.is_registered:
        found |= _server(member, ("Etcd",), "Hosts", ETCD)
    for client in member.wiring.clients:
        if client.key in member.looks_up:
            found |= _server(member, (client.key, "Etcd"), "Hosts", ETCD)
        elif client.service and not member.section(client.key).get("Endpoints"):
            found[client.key, "Target"] = f"dns:///{client.service}:{client.port}"
    return found


def _folders(member: Member) -> list[str]:
    """Those that it writes to, here where there is a Fluentd."""
    fluentd = {**member.section(*_FLUENTD), "Host": "fluentd"}
    log = {**member.section("Log"), "Fluentd": fluentd}
    return [folder.path for folder in folders.folders({"Log": log})]


def _server(member: Member, section: Path, key: str, host: str) -> dict[Path, str]:
    """A server of the compose file in place of one that is configured: without accounts and TLS."""
    plain = {"User": "", "Pass": "", "SharedKey": "", "Tls": "false", "Type": "node"}
    plain |= {"CertFile": "", "CertKeyFile": "", "CACertFile": ""}
    given = member.section(*section)
    return {(*section, key): host} | {
        (*section, name): value for name, value in plain.items() if name in given
    }


def _infrastructure(stack: StackSpec, fleet: Fleet) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    if fleet.databases:
        found[stack.database] = _database(stack)
    if fleet.uses_redis:
        found["redis"] = {"healthcheck": _check("CMD", "redis-cli", "ping")}
    if fleet.uses_etcd:
        found["etcd"] = {
            "command": [
                "etcd",
                "--listen-client-urls=http://0.0.0.0:2379",
                f"--advertise-client-urls=http://{ETCD}",
            ],
            "healthcheck": _check("CMD", "etcdctl", "endpoint", "health"),
        }
    found |= {
        "fluentd": {
            "volumes": ["./fluentd/fluent.conf:/fluentd/etc/fluent.conf:ro", "logs:/fluentd/log"],
        },
        "otel-collector": {
            "command": ["--config=/etc/otel-collector/config.yaml"],
            "volumes": ["./otel-collector:/etc/otel-collector:ro"],
            "depends_on": ["jaeger"],
        },
        "jaeger": {"environment": {"COLLECTOR_OTLP_ENABLED": "true"}, "ports": [_published(16686)]},
        "prometheus": {
            "volumes": ["./prometheus:/etc/prometheus:ro", "metrics:/prometheus"],
            "ports": [_published(9090)],
        },
        "grafana": {
            "environment": {
                "GF_AUTH_ANONYMOUS_ENABLED": "true",
                "GF_AUTH_ANONYMOUS_ORG_ROLE": "Editor",  # who may look at traces, too
                "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": f"/etc/grafana/dashboards/{stack.name}.json",
            },
            "volumes": [
                "./grafana/provisioning:/etc/grafana/provisioning:ro",
                "./grafana/dashboards:/etc/grafana/dashboards:ro",
            ],
            "ports": [_published(3000)],
            "depends_on": ["prometheus"],
        },
    }
    return {
        name: {"image": stack.image(name), **rest, "restart": "unless-stopped"}
        for name, rest in found.items()
    }


def _database(stack: StackSpec) -> dict[str, Any]:
    init = f"./database/init.sql:{_INIT}:ro"
    if stack.database == "postgresql":
        return {
            "environment": {"POSTGRES_USER": _USER, "POSTGRES_PASSWORD": PASSWORD},
            "volumes": [init, "database:/var/lib/postgresql/data"],
            # By TCP: while it sets itself up, it listens on its socket alone.
            "healthcheck": _check("CMD", "pg_isready", f"--username={_USER}", "--host=127.0.0.1"),
        }
    return {
        "environment": {
            "MARIADB_USER": _USER,
            "MARIADB_PASSWORD": PASSWORD,
            "MARIADB_RANDOM_ROOT_PASSWORD": "yes",
        },
        "volumes": [init, "database:/var/lib/mysql"],
        "healthcheck": _check("CMD", "healthcheck.sh", "--connect", "--innodb_initialized"),
    }


def _check(*command: str) -> dict[str, Any]:
    return {"test": [*command], "interval": "3s", "timeout": "3s", "retries": 40}


def _published(port: int) -> str:
    return f"{LOOPBACK}:{port}:{port}"
