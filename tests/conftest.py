"""Fixtures that any test may ask for."""

from tests.support.emulated import built_layer, emulated

__all__ = ["built_layer", "emulated"]
