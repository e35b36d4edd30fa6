"""Proving what an artifact is: every rule looks at it, and everything that is wrong is told at once."""

from __future__ import annotations

from layerctl.verify._context import Options
from layerctl.verify._rules import RULES
from layerctl.verify._run import verify

__all__ = ["RULES", "Options", "verify"]
