"""Types that hold each other so deeply that nothing can follow them."""

from __future__ import annotations

from collections.abc import Iterator

from zero_codegen.api import tree
from zero_codegen.api.contract import Contract
from zero_codegen.api.problem import Problem

_MAX_DEPTH = 100


def check(contract: Contract) -> Iterator[Problem]:
    """One problem for each declared type whose chain of types in types is the first to be too long."""
    names = {
        name: [str(each) for each in tree.names_in(declaration.type) if each in contract.declarations]
        for name, declaration in contract.declarations.items()
    }
    depths: dict[str, int] = {}
    for start in names:
        # Each is entered before the types it names and left behind them; those in between are worth 0 to a cycle.
        stack = [(start, False)]
        while stack:
            name, entered = stack.pop()
            if entered:
                depths[name] = 1 + max((depths[inner] for inner in names[name]), default=0)
                if depths[name] == _MAX_DEPTH + 1:
                    message = f"`{name}` holds types within types, more than {_MAX_DEPTH} deep"
                    yield Problem(contract.declarations[name].name, message)
            elif name not in depths:
                depths[name] = 0
                stack.append((name, True))
                stack += ((inner, False) for inner in names[name])
