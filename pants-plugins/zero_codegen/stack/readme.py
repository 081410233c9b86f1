"""The page that tells what a stack has, and how to use it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from zero_codegen import templates
from zero_codegen.service import secrets
from zero_codegen.stack.compose import PASSWORD
from zero_codegen.stack.fleet import Fleet, Member
from zero_codegen.stack.spec import StackSpec


def readme(stack: StackSpec, fleet: Fleet, compose: Mapping[str, Any]) -> str:
    def stores(member: Member) -> list[str]:
        return [*filter(None, [fleet.databases.get(member.name)]), *(["redis"] if member.uses_redis else [])]

    return templates.render(
        __file__,
        "README.md.jinja",
        stack=stack,
        fleet=fleet,
        serves=_serves,
        metrics=_metrics,
        stores=stores,
        quoted=_quoted,
        addresses=_addresses(compose),
        password=PASSWORD,
        files=[(member.name, files) for member in fleet if (files := _files(member))],
        foreign=[
            (member.name, f"ZERO_{client.attribute.upper()}__TARGET")
            for member in fleet
            for client in member.wiring.clients
            if not client.service
        ],
    )


def _serves(member: Member) -> str:
    spec = member.wiring.spec
    if spec.job is not None:
        return f"nothing; it runs at `{spec.job.schedule}`"
    return f"{'HTTP' if member.kind == 'api' else 'gRPC'} on {spec.port}"


def _metrics(member: Member) -> str:
    return f"`:{found.port}{found.path}`" if (found := member.metrics) else ""


def _files(member: Member) -> list[str]:
    """The files that it expects where its secrets are."""
    return [key for key in secrets.keys_of_secret(member.wiring, member.values) if not key.isidentifier()]


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _addresses(compose: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the compose file lets this machine reach."""
    return [
        (name, f"http://localhost:{port.split(':')[1]}")
        for name, service in compose["services"].items()
        for port in service.get("ports", ())
    ]
