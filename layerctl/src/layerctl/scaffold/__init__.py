"""A new layer's repository, written from templates, and what makes a layer of an existing one."""

from __future__ import annotations

from layerctl.scaffold.choices import Choices
from layerctl.scaffold.write import Outcome, create

__all__ = ["Choices", "Outcome", "create"]
