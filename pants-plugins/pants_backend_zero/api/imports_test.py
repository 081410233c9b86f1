"""The imports of an `.api` file, wherever they stand."""

from __future__ import annotations

import pytest

from pants_backend_zero.api.imports import imported_paths


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ('import "a.api"', ["a.api"]),
        ('import"a.api"import /* why */ "../b/b.api" // c', ["a.api", "../b/b.api"]),
        ('import (\n\t"a.api" // "x.api"\n\t/* "y.api" */ "b.api"\n)', ["a.api", "b.api"]),
        ('import (\n\t"a.api"\n)\ninfo (title: "b.api")', ["a.api"]),
        ('import "a.api"\n"b.api"', ["a.api"]),
        ("import ()", []),
        ('// import "a.api"', []),
        ('info (desc: `import "a.api"` author: "x")', []),
        ('type important { A string `json:"import"` }', []),
        ('import "a.api', []),
        ("", []),
    ],
)
def test_paths(text: str, paths: list) -> None:
    assert list(imported_paths(text)) == paths
