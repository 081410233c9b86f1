"""Modules that are generated in a test, from contracts as a service has them."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from pathlib import Path
from types import ModuleType

import pytest

from zero_codegen import model
from zero_codegen.model.settings import Settings
from zero_codegen.source import Output, read_contracts

_numbers = itertools.count()


def told(folder: Path, contract: str, settings: Settings, name: str = "shop.sql") -> list[str]:
    """Writes a contract to a folder and generates its module beside it; gives what is printed of mistakes."""
    (folder / name).write_text(contract, "utf-8")
    files, unread = read_contracts([str(folder / name)], [str(folder)])
    diagnostics = model.generate(files, Output(folder), {file.path: settings for file in files})
    return [diagnostic.render() for diagnostic in (*unread, *diagnostics)]


def generate(folder: Path, contract: str, settings: Settings, name: str = "shop.sql") -> Path:
    """The same of a good contract: the module's file."""
    if mistakes := told(folder, contract, settings, name):
        pytest.fail("\n".join(mistakes), pytrace=False)
    return folder / name.replace(".sql", "_model.py")


def load(path: Path) -> ModuleType:
    """The module of a file."""
    name = f"generated_{next(_numbers)}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where msgspec looks for the types of annotations
    spec.loader.exec_module(module)
    return module
