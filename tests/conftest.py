"""Fixtures that any test may ask for, and what every test leaves behind it: nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.support.emulated import built_layer, emulated
from tests.support.running import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["built_layer", "emulated", "serve"]

# A loaded machine is slow now and then, and so is a first example, which loads what it needs: that is no finding.
settings.register_profile("loaded", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("loaded")


@pytest.fixture(autouse=True)
def logging_is_left_as_it_was() -> Iterator[None]:
    """Take shared_utils' handler off the root logger: it would write other tests' records to standard output."""
    yield
    if "shared_utils.logging.takeover" in sys.modules:
        from shared_utils.logging import state, takeover

        takeover.uninstall()
        state.reset()
