"""Fixtures that any test may ask for, and what every test leaves behind it: nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.emulated import built_layer, emulated
from tests.support.running import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["built_layer", "emulated", "serve"]


@pytest.fixture(autouse=True)
def logging_is_left_as_it_was() -> Iterator[None]:
    """Take shared_utils' handler off the root logger: it would write other tests' records to standard output."""
    yield
    if "shared_utils.logging.takeover" in sys.modules:
        from shared_utils.logging import state, takeover

        takeover.uninstall()
        state.reset()
