"""The `_rpc.py` of a contract."""

from __future__ import annotations

from collections import defaultdict

from zero_codegen import naming
from zero_codegen.python import Bracketed, import_from, isort_key, layout, string, tuple_literal
from zero_codegen.rpc.contract import Contract, MessageType, Method, Service
from zero_codegen.templates import render

_OWN_NAMES = frozenset({"abc", "annotations", "float", "rpc"})
"""What a generated module calls things of its own; a message of that name is imported under another."""


def source(contract: Contract) -> str:
    """The Python source of a contract's abstract bases, clients and services."""
    names = _Names(contract)
    return render(
        __file__,
        "rpc.py.jinja",
        contract=contract,
        imports=names.imports(),
        services=[_ServiceView(service, names) for service in contract.services],
    )


class _Names:
    """What a generated module calls messages and methods."""

    def __init__(self, contract: Contract) -> None:
        methods = [method for service in contract.services for method in service.methods]
        used = {_outermost(message) for method in methods for message in (method.request, method.response)}
        self._taken = set(_OWN_NAMES)
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
        """In the body of a class a method hides what the module calls by its name."""
        return f"{method.python_name}_" if method.python_name in self._taken else method.python_name

    def imports(self) -> list[str]:
        """The import statements of messages and runtime, in the order of isort."""
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
        return [statement for *_, statement in sorted(statements)]

    def _free_name(self, message: MessageType) -> str:
        name = message.name
        if name in self._taken:
            name = naming.pascal(message.module.rpartition(".")[2].removesuffix("_pb2")) + naming.pascal(name)
        while name in self._taken:
            name += "_"
        return name


class _ServiceView:
    """A service as the template asks for it."""

    def __init__(self, service: Service, names: _Names) -> None:
        self.service = service
        self.methods = [_MethodView(method, names) for method in service.methods]

    def signature(self) -> str:
        head = f"def {self.service.function}("
        return layout(Bracketed(head, (f"logic: {self.service.rpc_class}",), ") -> rpc.Service:"))

    def binding(self) -> str:
        methods = tuple_literal([method.binding for method in self.methods])
        return layout(Bracketed("return rpc.Service(", (string(self.service.full_name), methods), ")"), 4)


class _MethodView:
    def __init__(self, method: Method, names: _Names) -> None:
        self.name = names.method(method)
        self.comment = method.comment or f"``{method.path}``"
        self._request, self._response = names.message(method.request), names.message(method.response)
        self._path = method.path
        self.binding = Bracketed(
            "rpc.unary(", (string(method.name), f"logic.{self.name}", self._request, self._response), ")"
        )

    def signature(self, *options: str) -> str:
        parameters = ("self", f"request: {self._request}", *options)
        return layout(Bracketed(f"async def {self.name}(", parameters, f") -> {self._response}:"), 4)

    def call(self) -> str:
        return layout(Bracketed(f"return await self._{self.name}(", ("request", "timeout"), ")"), 8)

    def stub(self) -> str:
        arguments = (string(self._path), self._request, self._response)
        return layout(Bracketed(f"self._{self.name} = channel.unary(", arguments, ")"), 8)


def _outermost(message: MessageType) -> MessageType:
    return MessageType(message.module, message.name.partition(".")[0])
