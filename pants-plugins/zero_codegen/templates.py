"""Jinja2 templates that lie in a `templates` folder beside the module that renders them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2

from zero_codegen import python


@cache
def environment(package_file: str) -> jinja2.Environment:
    """The templates of a package, by its `__file__`; a name they do not know is an error, not a blank."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(package_file).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"string": python.string, "docstring": python.docstring}
    environment.globals |= {"bracketed": python.bracketed}
    return environment


def render(package_file: str, template: str, **values: object) -> str:
    """Render one template: `render(__file__, "api.py.jinja", service=...)`."""
    return environment(package_file).get_template(template).render(values)
