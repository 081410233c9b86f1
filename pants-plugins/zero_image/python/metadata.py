"""The command ``requires``: what distributions say that they need, for whoever decides whether all of it is there."""

from __future__ import annotations

import re
from email.parser import BytesHeaderParser
from pathlib import Path

from zero_image.errors import ImageError
from zero_image.outputs import new_file, readable_json
from zero_image.python.pex import Wheel, read_wheel


def write_requires(folder: Path, output: Path) -> None:
    """Writes a JSON object: the ``Requires-Dist`` of each distribution in ``folder``, by the name of its wheel."""
    if not folder.is_dir():
        raise ImageError(f"{folder}: there is no such folder")
    needs = {path.name: _requires(read_wheel(path)) for path in sorted(folder.iterdir())}
    with new_file(output) as partial:
        partial.write_bytes(readable_json(needs))


def _requires(wheel: Wheel) -> list[str]:
    for member in wheel.members:
        if re.fullmatch(r"site/[^/]+\.dist-info/METADATA", member.path):
            return [
                str(value)
                for value in BytesHeaderParser().parsebytes(member.read()).get_all("Requires-Dist", [])
            ]
    return []
