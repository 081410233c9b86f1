"""Which Python an image gets where this machine has none that Debian has."""

from __future__ import annotations

import pytest
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints

from pants_backend_zero.service.python import first_release

UNIVERSE = ("3.9", "3.10", "3.11", "3.12", "3.13")


@pytest.mark.parametrize(
    ("constraints", "python"),
    [
        (["CPython>=3.11,<3.14"], "3.11"),
        (["CPython>=3.12,<3.14"], "3.13"),
        (["CPython==3.12.*", "CPython==3.13.*"], "3.13"),
    ],
)
def test_the_first_release_of_debian_whose_python_is_allowed(constraints: list[str], python: str) -> None:
    release = first_release(InterpreterConstraints(constraints), UNIVERSE)
    assert release
    assert release.python == python


def test_no_release_of_debian_has_it() -> None:
    assert first_release(InterpreterConstraints(["CPython==3.12.*"]), UNIVERSE) is None
