"""The layout of `.api` files: goctl's, without its slips.

Like `goctl api format`: tabs; one space between words; names, types and tags of fields in columns, and so the values of
`@server`, `@doc` and `info`; a blank line between statements and between routes; nothing written that means nothing
(`()` and `;` of routes). What goctl has formatted stays as it is, with these exceptions:

* Every comment is kept, and one before a closing bracket is indented like what is within the brackets. Empty groups
  (`info ()`) are kept too.
* A blank line between members stays (of several, one); there is none at the end of the file.
* Where goctl writes two spaces in a group of types (`Empty  {}`), there is one.
* What goctl moves to the margin stays where it is: tagged embedded types, and the further lines of comments and of
  strings (whose values goctl changes by that).
"""

from __future__ import annotations

from zero_codegen.api.format.layout import lay_out
from zero_codegen.api.parser import parse
from zero_codegen.source import ContractFile


def formatted(path: str, text: str) -> str:
    """The text in its layout. Raises ContractError with every syntax error; what else is wrong does not matter."""
    file = ContractFile(path, "", text)
    return lay_out(file, parse(file))
