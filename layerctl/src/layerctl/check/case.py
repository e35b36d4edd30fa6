"""What the rules are given to look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from layerctl.check.overlay import installed_distributions, parts_of, roots_of

if TYPE_CHECKING:
    import datetime as dt

    from layerctl.check.model import CheckedFunction
    from layerctl.check.overlay import CodePart, PresentDistribution, Root

__all__ = ["FunctionCase"]


@dataclass(eq=False)
class FunctionCase:
    """One function, with its code and layers laid over each other; and the day, for dates of deprecation."""

    function: CheckedFunction
    today: dt.date

    @property
    def is_python(self) -> bool:
        """Whether its runtime is a known Python."""
        return self.function.runtime is not None and self.function.runtime.python is not None

    @cached_property
    def parts(self) -> list[CodePart]:
        """The code and the layers whose content is known."""
        return parts_of(self.function)

    @cached_property
    def roots(self) -> list[Root]:
        """The folders on `sys.path`; for Python only."""
        return roots_of(self.function, self.parts)

    @cached_property
    def installed(self) -> dict[str, list[PresentDistribution]]:
        """Every distribution on `sys.path`, by name, the one that wins first; for Python only."""
        return installed_distributions(self.function, self.parts)
