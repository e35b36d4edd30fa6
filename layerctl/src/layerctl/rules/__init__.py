"""What a rule is: its identity, its documentation, and which of its findings a repository wants to see.

A module of rules holds `Rule` objects and functions `check_…` that yield findings. `registry` finds both.
"""

from layerctl.rules.model import Rule

__all__ = ["Rule"]
