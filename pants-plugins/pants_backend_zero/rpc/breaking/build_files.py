"""The protos that BUILD files of another revision make contracts, read from their text.

Pants knows the targets of today only. Of a call of `zero_rpc` or `zero_rpcs` the arguments are taken that are written
out; what macros, loops and `__defaults__` add is not seen.
"""

from __future__ import annotations

import ast
import os.path
import re
from dataclasses import dataclass
from typing import Iterable, Iterator, Sequence

from pants_backend_zero.rpc.target_types import (
    RpcGeneratingSourcesField,
    RpcSourceField,
    ZeroRpcsTarget,
    ZeroRpcTarget,
)


@dataclass(frozen=True)
class DeclaredProto:
    """The file of a contract, and the target that it was: the folder of its BUILD file and its name there."""

    path: str
    folder: str
    name: str


def declared_protos(path: str, text: str, protos: Sequence[str]) -> Iterator[DeclaredProto]:
    """Which of the files are contracts by the BUILD file at `path`; of one that does not parse, none."""
    folder = os.path.dirname(path)
    try:
        calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    except SyntaxError:
        return
    for call in calls:
        kind = call.func.id if isinstance(call.func, ast.Name) else None
        arguments = dict(_literals(call))
        name = arguments.get("name", os.path.basename(folder))
        if kind == ZeroRpcTarget.alias:
            globs = (arguments.get(RpcSourceField.alias, ""),)
        elif kind == ZeroRpcsTarget.alias:
            globs = arguments.get(RpcGeneratingSourcesField.alias, RpcGeneratingSourcesField.default)
        else:
            continue
        yield from (DeclaredProto(proto, folder, name) for proto in matching(folder, globs, protos))


def _literals(call: ast.Call) -> Iterator[tuple[str, object]]:
    for keyword in call.keywords:
        try:
            yield keyword.arg or "", ast.literal_eval(keyword.value)
        except ValueError:
            continue


def matching(folder: str, globs: Iterable[str], paths: Iterable[str]) -> list[str]:
    """The paths that Pants' globs, relative to the folder, match: `*`, `**` and `!` before what is left out."""
    patterns = [(glob.startswith("!"), _pattern(os.path.join(folder, glob.lstrip("!")))) for glob in globs]
    return [
        path
        for path in paths
        if any(pattern.fullmatch(path) for left_out, pattern in patterns if not left_out)
        and not any(pattern.fullmatch(path) for left_out, pattern in patterns if left_out)
    ]


def _pattern(glob: str) -> re.Pattern[str]:
    wildcards = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    return re.compile("".join(wildcards.get(part, re.escape(part)) for part in parts))
