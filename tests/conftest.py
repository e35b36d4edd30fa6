"""Fixtures that any test may ask for."""

from tests.support.emulated import built_layer, emulated
from tests.support.running import serve

__all__ = ["built_layer", "emulated", "serve"]
