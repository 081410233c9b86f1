from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder, and so a registry, for every test."""
    monkeypatch.setenv("ZERO_STATE_DIR", str(tmp_path))
    return tmp_path
