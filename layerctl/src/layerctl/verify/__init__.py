"""Proving what an artifact is: every rule looks at it, and everything that is wrong is told at once."""

from __future__ import annotations

from layerctl.verify.case import Options
from layerctl.verify.run import RULES, verify

__all__ = ["RULES", "Options", "verify"]
