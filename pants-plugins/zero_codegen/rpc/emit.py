"""The `_rpc.py` of a contract."""

from __future__ import annotations

from collections import defaultdict

from zero_codegen import naming
from zero_codegen.python import Bracketed, import_from, isort_key, layout, string, tuple_literal
from zero_codegen.rpc.contract import Contract, MessageType, Method, Service
from zero_codegen.rpc.names import class_name
from zero_codegen.templates import render

_OWN_NAMES = frozenset({"abc", "annotations", "rpc", "AsyncIterable", "AsyncIterator", "Unpack", "_contract"})
_PARAMETERS = frozenset({"channel", "logic", "options", "request", "requests", "self"})
"""What a generated module calls things of its own; a message of that name is imported under another."""

_OPTIONS = "**options: Unpack[rpc.CallOptions]"


def source(contract: Contract) -> str:
    """The Python source of a contract's abstract bases, clients and services."""
    names = _Names(contract)
    return render(
        __file__,
        "rpc.py.jinja",
        contract=contract,
        standard_imports=_standard_imports(contract),
        imports=names.imports(),
        services=[_ServiceView(service, names) for service in contract.services],
    )


class _Names:
    """What a generated module calls messages and methods."""

    def __init__(self, contract: Contract) -> None:
        methods = [method for service in contract.services for method in service.methods]
        used = {_outermost(message) for method in methods for message in (method.request, method.response)}
        self._contract = contract
        self._taken = set(_OWN_NAMES | _PARAMETERS)
        for service in contract.services:
            self._taken |= {service.rpc_class, service.client_class, service.function}
        self._messages: dict[MessageType, str] = {}
        # The contract's own messages come first: they keep their names.
        for message in sorted(used, key=lambda it: (it.module != contract.module, it.module, it.name)):
            self._messages[message] = self._free_name(message)
            self._taken.add(self._messages[message])

    def message(self, message: MessageType) -> str:
        _, dot, inner = message.name.partition(".")
        return self._messages[_outermost(message)] + dot + inner

    def method(self, method: Method) -> str:
        """In the body of a class a method hides what the module calls by its name, but no parameter."""
        hides = method.python_name in self._taken - _PARAMETERS
        return f"{method.python_name}_" if hides else method.python_name

    def imports(self) -> list[str]:
        """The import statements of messages and runtime, in the order of isort.

        The contract's own messages are imported even if no method has one of them: with them the services are
        registered, which reflection looks for.
        """
        plain: dict[str, list[str]] = defaultdict(list, {"zero_runtime": ["rpc"]})
        statements = []
        for message, name in self._messages.items():
            if name == message.name:
                plain[message.module].append(name)
            else:
                statement = f"from {message.module} import {message.name} as {name}"
                statements.append((message.module, isort_key(message.name), statement))
        for module, names in plain.items():
            statements.append((module, min(map(isort_key, names)), import_from(module, names)))
        found = [statement for *_, statement in sorted(statements)]
        own = self._contract.module
        if all(message.module != own for message in self._messages):
            found.insert(0, f"import {own} as _contract  # noqa: F401 -- registers the services")
        return found

    def _free_name(self, message: MessageType) -> str:
        name = message.name
        if name in self._taken:
            stem = message.module.rpartition(".")[2].removesuffix("_pb2")
            name = class_name(stem, naming.pascal(name))
        while name in self._taken:
            name += "_"
        return name


class _ServiceView:
    """A service as the template asks for it."""

    def __init__(self, service: Service, names: _Names) -> None:
        self.service = service
        self.methods = [_MethodView(method, names) for method in service.methods]

    def docstring(self, last: str) -> str:
        paragraphs = (self.service.comment, "Deprecated." if self.service.deprecated else "", last)
        return "\n\n".join(filter(None, paragraphs))

    def signature(self) -> str:
        head = f"def {self.service.function}("
        return layout(Bracketed(head, (f"logic: {self.service.rpc_class}",), ") -> rpc.Service:"))

    def binding(self) -> str:
        methods = tuple_literal([method.binding for method in self.methods])
        return layout(Bracketed("return rpc.Service(", (string(self.service.full_name), methods), ")"), 4)


class _MethodView:
    """A method as the template asks for it."""

    def __init__(self, method: Method, names: _Names) -> None:
        self.name = names.method(method)
        self._method = method
        self._request, self._response = names.message(method.request), names.message(method.response)
        arguments = (string(method.name), f"logic.{self.name}", self._request, self._response)
        self.binding = Bracketed(f"rpc.{method.kind}(", arguments, ")")

    def docstring(self) -> str:
        comment = self._method.comment or f"``{self._method.path}``"
        return f"{comment}\n\nDeprecated." if self._method.deprecated else comment

    def logic(self) -> str:
        """The signature that logic implements: with `yield` in it, where it answers with a stream."""
        head, response = "async def", self._response
        if self._method.response_streams:
            head, response = "def", f"AsyncIterator[{self._response}]"
        return self._signature(head, "AsyncIterator", response)

    def client(self) -> str:
        """The signature of a call."""
        head, response = "async def", self._response
        if self._method.response_streams:
            head, response = "def", f"rpc.Stream[{self._response}]"
        return self._signature(head, "AsyncIterable", response, _OPTIONS)

    def call(self) -> str:
        arguments = ("requests" if self._method.request_streams else "request", "options")
        head = "return" if self._method.response_streams else "return await"
        return layout(Bracketed(f"{head} self._{self.name}(", arguments, ")"), 8)

    def stub(self) -> str:
        idempotent = ("idempotent=True",) if self._method.idempotent else ()
        arguments = (string(self._method.path), self._request, self._response, *idempotent)
        return layout(Bracketed(f"self._{self.name} = channel.{self._method.kind}(", arguments, ")"), 8)

    def _signature(self, head: str, requests: str, response: str, *options: str) -> str:
        request = f"request: {self._request}"
        if self._method.request_streams:
            request = f"requests: {requests}[{self._request}]"
        parameters = ("self", request, *options)
        return layout(Bracketed(f"{head} {self.name}(", parameters, f") -> {response}:"), 4)


def _outermost(message: MessageType) -> MessageType:
    return MessageType(message.module, message.name.partition(".")[0])


def _standard_imports(contract: Contract) -> list[str]:
    methods = [method for service in contract.services for method in service.methods]
    names = []
    if any(method.request_streams for method in methods):
        names.append("AsyncIterable")
    if any(method.request_streams or method.response_streams for method in methods):
        names.append("AsyncIterator")
    found = ["from typing import Unpack"] if methods else []
    return [import_from("collections.abc", names), *found] if names else found
