"""From a checked contract to the source of its Python module."""

from __future__ import annotations

import re

from zero_codegen import templates
from zero_codegen.api.contract import Contract
from zero_codegen.api.emit.classes import classes_of
from zero_codegen.api.emit.endpoints import endpoints_of


def emit_module(contract: Contract) -> str:
    """The text of `<stem>_api.py`."""
    classes, aliases = classes_of(contract)
    body = templates.render(
        __file__,
        "body.py.jinja",
        contract=contract,
        classes=classes,
        aliases=aliases,
        endpoints=endpoints_of(contract),
    )
    typing = [name for name in ("Annotated", "Any", "Literal") if re.search(rf"\b{name}\b", body)]
    return templates.render(__file__, "module.py.jinja", contract=contract, typing=typing, body=body)
