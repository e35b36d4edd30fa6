"""Fixtures of the layerctl tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.mini_repository import MiniRepository, mini_repository

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def mini(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MiniRepository:
    """A repository with a layer, and no package index but a folder; bytecode is cached for this test only."""
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return mini_repository(tmp_path / "mini", tmp_path / "wheels")
