"""Dependencies point one way: the generator and the image builder know neither Pants nor the runtime, and so on."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

MAY_NOT_IMPORT = {
    "pants-plugins/zero_codegen": {"pants", "pants_backend_zero", "zero_image", "zero_runtime"},
    "pants-plugins/zero_image": {"pants", "pants_backend_zero", "zero_codegen", "zero_runtime"},
    "pants-plugins/pants_backend_zero": {"zero_codegen", "zero_image", "zero_runtime"},
    "runtime/zero_runtime": {"pants", "pants_backend_zero", "zero_codegen", "zero_image"},
}


def imported_packages(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("folder", MAY_NOT_IMPORT)
def test_a_part_imports_only_what_it_may(folder: str) -> None:
    # What a test needs besides its subject is the test's own affair, and so is what generated code in its data imports.
    sources = [
        path
        for path in Path(folder).rglob("*.py")
        if not path.name.endswith("_test.py") and "testdata" not in path.parts
    ]
    assert len(sources) > 5, f"the sources of {folder} are not in the sandbox"
    wrong = [
        f"{source}: {package}"
        for source in sources
        for package in imported_packages(source)
        if package in MAY_NOT_IMPORT[folder]
    ]
    assert not wrong
