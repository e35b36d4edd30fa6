"""Every rule of every command: only here, above all commands, are they known together."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from layerctl.rules import Rule

__all__ = ["all_rules"]

# Packages and modules that define rules. A module in one of the packages needs no entry.
_PLACES = (
    "layerctl.rules.shared",
    "layerctl.verify.rules",
    "layerctl.attest.rules",
    "layerctl.audit.rules",
    "layerctl.inspection.step",
    "layerctl.check.rules",
    "layerctl.pins.rules",
    "layerctl.releases.rules",
)


@cache
def all_rules() -> dict[str, Rule]:
    """Return every rule, by id, sorted."""
    from layerctl.rules.registry import rules_in

    return dict(sorted(rules_in(*_PLACES).items()))
