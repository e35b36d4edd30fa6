"""What a new layer is to be: checked before anything is written."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from layerctl.core.errors import LayerctlError
from layerctl.releases.policies.audience import account, organization

if TYPE_CHECKING:
    from layerctl.scaffold.wheels import Wheel

__all__ = ["HELPERS", "KINDS", "Choices", "Sharing"]

KINDS = ("thin", "bare")
HELPERS = ("logging", "metrics", "config")
# What of shared-utils each helper stands for.
_NAMES = {
    "logging": ("get_logger", "instrument", "logging"),
    "metrics": ("instrument", "metrics"),
    "config": ("config",),
}


@dataclass(frozen=True, slots=True)
class Sharing:
    """Who besides its owner may use a layer's releases: nobody, unless it says so."""

    public: bool = False
    accounts: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for text in self.accounts:
            account(text)
        for text in self.organizations:
            organization(text)

    @classmethod
    def read(cls, text: str) -> Sharing:
        """Read ``public``, accounts and organisations with spaces between.

        Raises:
            LayerctlError: a word is none of them.
        """
        words = text.replace(",", " ").split()
        organizations = tuple(word for word in words if word.startswith("o-"))
        return cls(
            "public" in words, tuple(word for word in words if word not in (*organizations, "public")), organizations
        )


@dataclass(frozen=True, slots=True)
class Choices:
    """A layer to be.

    Attributes:
        kind: ``thin``: a package on top of shared-utils; ``bare``: a package of its own.
        package: what functions import.
        layer: the layer's name, the part of its ARN.
        runtimes: Lambda runtime -> the interpreter release that compiles its bytecode.
        sharing: who besides the owner may use releases.
        helpers: what of shared-utils a thin package has.
        wheels: those of layerctl and shared-utils, by name.
    """

    kind: str
    package: str
    layer: str
    runtimes: dict[str, str]
    architectures: tuple[str, ...] = ("x86_64", "arm64")
    regions: tuple[str, ...] = ()
    sharing: Sharing = Sharing()
    helpers: tuple[str, ...] = HELPERS
    wheels: dict[str, Wheel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.package) or keyword.iskeyword(self.package):
            raise LayerctlError(
                f"--package {self.package!r} is no name of a package",
                hint="small letters, digits, _: acme_lambda",
            )
        if self.package in ("shared_utils", "layerctl"):
            raise LayerctlError(f"--package {self.package!r} is taken", hint="choose a name of your own")
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,140}", self.layer):
            raise LayerctlError(f"--layer {self.layer!r} is no layer name", hint="at most 140 letters, digits, - and _")

    @property
    def distribution(self) -> str:
        """The distribution's name, as PyPA normalizes it."""
        return self.package.replace("_", "-")

    @property
    def names(self) -> list[str]:
        """What a thin package re-exports."""
        return sorted({name for helper in self.helpers for name in _NAMES[helper]})
