"""Routes with what the `@server` blocks around and above them add."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from lark import Token

from zero_codegen import naming
from zero_codegen.api import tree
from zero_codegen.api.golang import seconds
from zero_codegen.api.problem import piece, without_space

_MODULES = frozenset({"abc", "builtins", "msgspec", "rest"})
"""Modules that generated classes refer to: an attribute of such a name would hide them."""


class Middleware(NamedTuple):
    """A middleware by its name in the contract."""

    name: Token

    @property
    def attribute(self) -> str:
        """The method of logic that it is: `audit_middleware` for both `Audit` and `AuditMiddleware`."""
        words = naming.words(self.name)
        return "_".join([*(words[:-1] if words[-1:] == ["middleware"] else words), "middleware"])


@dataclass(frozen=True, eq=False)
class Endpoint:
    """A route and its settings: those of its own `@server`, then those of the service block it is in."""

    route: tree.Route
    servers: tuple[tree.Server, ...]

    def entry(self, key: str) -> tree.Entry | None:
        """The setting of a key; an empty one takes back what the service block says."""
        entries = (server.entry(key) for server in self.servers)
        found = next((entry for entry in entries if entry is not None), None)
        return found if found is None or found.text else None

    @cached_property
    def segments(self) -> tuple[Token, ...]:
        """The pieces of the whole path, prefix first; parameters still have their colon."""
        prefix = self.entry("prefix")
        return tuple(
            segment
            for token in [*(prefix.values if prefix else ()), self.route.path]
            for segment in _split_path(token)
        )

    @cached_property
    def path(self) -> str:
        """The whole path, without a slash at its end."""
        return "/" + "/".join(self.segments)

    @cached_property
    def parameters(self) -> Mapping[str, Token]:
        """The path's parameters by name, without the colon."""
        return {
            segment[1:]: piece(segment, 1, len(segment))
            for segment in self.segments
            if segment.startswith(":") and len(segment) > 1
        }

    @cached_property
    def group(self) -> str:
        """The names of its group, joined by `/`."""
        return joined(self._text("group") or self._text("folder")).strip("/")

    @cached_property
    def attribute(self) -> str:
        """The name of its method in Python: the handler's, behind its group's unless it begins with that."""
        group, handler = naming.words(self.group), naming.words(self.route.handler)
        said = handler[: len(group)] == group
        return attribute_of(self.route.handler if said else "_".join([*group, *handler]))

    @cached_property
    def jwt(self) -> Token | None:
        """The name of the settings of `jwt:`."""
        return self._name("jwt")

    @cached_property
    def jwt_transition(self) -> Token | None:
        """The name of the settings of `jwtTransition:`."""
        return self._name("jwtTransition")

    @property
    def signature(self) -> bool:
        """Whether requests have to be signed."""
        return self._text("signature") == "true"

    @property
    def sse(self) -> bool:
        """Whether it answers with a stream of server-sent events."""
        return self._text("sse") == "true"

    @cached_property
    def middlewares(self) -> tuple[Middleware, ...]:
        """The middlewares, outermost first."""
        entry = self.entry("middleware")
        return tuple(map(Middleware, names_in(entry))) if entry else ()

    @property
    def timeout(self) -> float | None:
        """In seconds; None for the server's own, 0 for none at all."""
        entry = self.entry("timeout")
        return seconds(entry.text) if entry else None

    @property
    def max_bytes(self) -> int | None:
        """What a request's body may have; None for the server's own limit."""
        text = self._text("maxBytes")
        return int(text) if text.isdecimal() else None

    @property
    def summary(self) -> str:
        """What the group is about."""
        return self._text("summary")

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of the group in documentation."""
        return tuple(tag.strip() for tag in self._text("tags").split(",") if tag.strip())

    @property
    def auth_type(self) -> str:
        """The name of a security scheme in documentation."""
        return self._text("authType")

    @cached_property
    def docs(self) -> Mapping[str, str]:
        """The entries of `@doc` by key; its text alone is the `summary`."""
        doc = self.route.doc
        if doc is None:
            return {}
        text = {"summary": tree.unquoted(doc.text)} if doc.text else {}
        return text | {str(entry.key): entry.text for entry in doc.entries}

    @property
    def produces(self) -> str:
        """The media type of its response, where `@doc` has it."""
        return self.docs.get("produces", "")

    @property
    def consumes(self) -> str:
        """The media type of its request, where `@doc` has it."""
        return self.docs.get("consumes", "")

    def _text(self, key: str) -> str:
        entry = self.entry(key)
        return entry.text if entry else ""

    def _name(self, key: str) -> Token | None:
        entry = self.entry(key)
        return tree.bare(entry.values[0]) if entry else None


def joined(value: str) -> str:
    """A value without the space around its slashes and hyphens, which goctl passes over."""
    return re.sub(r"\s*([/-])\s*", r"\1", value)


def names_in(entry: tree.Entry) -> Iterator[Token]:
    """The names of a list, which may also stand in one string: `A, B` and `"A, B"`."""
    for value in map(tree.bare, entry.values):
        for name in re.finditer(r"[^,\s][^,]*", value):
            yield piece(value, *name.span())


def attribute_of(name: str) -> str:
    """The attribute of Python classes that a name of the contract becomes."""
    attribute = naming.identifier(name)
    return f"{attribute}_" if attribute in _MODULES else attribute


def _split_path(token: Token) -> Iterator[Token]:
    is_quoted = token.type in ("STRING", "RAW")
    position = 1 if is_quoted else 0
    for part in tree.unquoted(token).split("/"):
        if part.strip():
            segment = piece(token, position, position + len(part))
            yield segment if is_quoted else without_space(segment)
        position += len(part) + 1
