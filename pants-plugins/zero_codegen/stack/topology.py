"""Who calls whom, and what they keep their data in: the graph of a fleet, for a picture or as Mermaid."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from zero_codegen.stack.fleet import Fleet, Member

Kind = Literal["api", "rpc", "job", "store", "registry", "foreign"]

_SHAPES: dict[Kind, tuple[str, str]] = {
    "api": ("([", "])"),
    "rpc": ("[", "]"),
    "job": ("{{", "}}"),
    "store": ("[(", ")]"),
    "registry": ("[(", ")]"),
    "foreign": ("[/", "/]"),
}
"""What Mermaid draws around a node."""


@dataclass(frozen=True)
class Node:
    """Its name in the graph, and the two lines of its box."""

    name: str
    kind: Kind
    title: str
    subtitle: str


@dataclass(frozen=True)
class Topology:
    """`edges` lead from a node to one that it asks, by their names."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]


def topology(fleet: Fleet) -> Topology:
    """The services in their order, then what they use that is none of them."""
    nodes = {member.name: Node(member.name, member.kind, member.name, _what(member)) for member in fleet}
    edges = []
    for member in fleet:
        for used in _uses(fleet, member):
            nodes.setdefault(used.name, used)
            edges.append((member.name, used.name))
    return Topology(tuple(nodes.values()), tuple(dict.fromkeys(edges)))


def mermaid(graph: Topology) -> str:
    """The graph in Mermaid's language, which GitHub, GitLab and editors draw."""
    return "".join(f"{line}\n" for line in _mermaid(graph))


def _mermaid(graph: Topology) -> Iterator[str]:
    yield "flowchart LR"
    for node in graph.nodes:
        left, right = _SHAPES[node.kind]
        yield f'  {_identifier(node.name)}{left}"{node.title}<br/>{node.subtitle}"{right}'
    for source, target in graph.edges:
        yield f"  {_identifier(source)} --> {_identifier(target)}"


def _uses(fleet: Fleet, member: Member) -> Iterator[Node]:
    """What a service asks. Names with a colon are no service's."""
    for client in member.wiring.clients:
        yield Node(client.service or f"foreign:{client.key}", "foreign", client.key, "elsewhere")
    if database := fleet.databases.get(member.name):
        yield Node(f"database:{database}", "store", database, "database")
    if member.uses_redis:
        uses = {"limits": any(each.limits_in_redis for each in fleet), "cache": fleet.caches_in_redis}
        yield Node("store:redis", "store", "redis", ", ".join(name for name, used in uses.items() if used))
    if member.uses_etcd:
        yield Node("store:etcd", "registry", "etcd", "registry")


def _what(member: Member) -> str:
    spec = member.wiring.spec
    if spec.job is not None:
        return spec.job.schedule
    return f"{'HTTP' if member.kind == 'api' else 'gRPC'} :{spec.port}"


def _identifier(name: str) -> str:
    return re.sub(r"\W", "_", name)
