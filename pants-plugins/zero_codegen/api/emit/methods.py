"""The methods of a contract: those that logic implements, and those of the client."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from typing import NamedTuple

from zero_codegen.api.contract import BUILTINS, Contract
from zero_codegen.api.emit.annotations import annotation, builtin
from zero_codegen.api.emit.wire import Handler
from zero_codegen.python import Bracketed, Piece, joined, layout


class Method(NamedTuple):
    """A method: its signature, its docstring, and the statement below; an abstract one has none."""

    signature: str
    doc: str
    body: str = ""


def logic_methods(handlers: Sequence[Handler], contract: Contract) -> Iterator[Method]:
    """One for each endpoint and, behind them, one for each middleware."""
    hidden = _hidden(handlers)
    for handler in handlers:
        claims = ["claims: rest.Claims"] if handler.has_claims else []
        answer = annotation(handler.response, contract, hidden) if handler.response else "None"
        results: dict[str, Piece] = {
            "events": Bracketed("AsyncIterator[", (answer,), "]"),
            "content": "rest.Content",
        }
        result = results.get(handler.answer, answer)
        yield Method(_signature(handler, claims, result, contract, hidden), _doc(handler, contract))
    for middleware in contract.middlewares:
        parameters = ("self", "request: rest.Request", "proceed: rest.Endpoint")
        head = f"async def {middleware.attribute}("
        said = (
            f"Stands before what says ``middleware: {middleware.name}``: ``await proceed(request)`` calls it."
        )
        yield Method(layout(Bracketed(head, parameters, ") -> rest.Response:"), 4), said)


def client_methods(handlers: Sequence[Handler], contract: Contract) -> Iterator[Method]:
    """One for each endpoint."""
    hidden = _hidden(handlers)
    for handler in handlers:
        token = ["*", f'token: {builtin("str", hidden)} = ""'] if handler.has_claims else []
        answer = annotation(handler.received, contract, hidden) if handler.received else "None"
        results: dict[str, Piece] = {
            "events": Bracketed("AsyncGenerator[", (answer, "None"), "]"),  # to be closed early
            "content": builtin("bytes", hidden),
        }
        result = results.get(handler.answer, answer)
        signature = _signature(handler, token, result, contract, hidden)
        yield Method(signature, _doc(handler, contract), _call(handler))


def _signature(
    handler: Handler, more: Sequence[str], result: Piece, contract: Contract, hidden: Set[str]
) -> str:
    """`more` are parameters behind the request."""
    parameters: list[Piece] = ["self"]
    if handler.request:
        parameters.append(joined("request: ", annotation(handler.request, contract, hidden)))
    word = "def" if handler.answer == "events" else "async def"
    head = f"{word} {handler.endpoint.attribute}("
    return layout(Bracketed(head, (*parameters, *more), f") -> {result}:"), 4)


def _doc(handler: Handler, contract: Contract) -> str:
    """What the contract says of a route, and the route itself."""
    endpoint = handler.endpoint
    said = [contract.comments(endpoint.route.first, endpoint.route.path)]
    for key, text in endpoint.docs.items():
        said.append(text if key in ("summary", "description") else f"{key}: {text}")
    said.append(f"``{endpoint.route.method.upper()} {endpoint.path}``")
    return "\n\n".join(filter(None, said))


def _call(handler: Handler) -> str:
    """The statement that calls a handler."""
    head = f"return await {handler.call}(" if handler.received else f"await {handler.call}("
    if handler.answer == "events":
        head = f"return {handler.call}.events("
    elif handler.answer == "content":
        head = f"return await {handler.call}.content("
    request = ["request"] if handler.request else []
    token = ["token=token"] if handler.has_claims else []
    return layout(Bracketed(head, ("self._transport", *request, *token), ")"), 8)


def _hidden(handlers: Sequence[Handler]) -> Set[str]:
    """The built-in names that methods of the class around them hide."""
    return BUILTINS & {handler.endpoint.attribute for handler in handlers}
