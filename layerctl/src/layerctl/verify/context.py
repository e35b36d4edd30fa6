"""What the rules are given to look at."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from layerctl.core.runtimes import ARCHITECTURES, newest_python, runtime_of, supported_pythons

if TYPE_CHECKING:
    from collections.abc import Callable

    from layerctl.artifact import Artifact, Entry
    from layerctl.build.manifest import Manifest
    from layerctl.config import LayerConfig
    from layerctl.core.runtimes import Runtime
    from layerctl.python.distributions import Distribution

__all__ = ["Context", "Options"]


@dataclass(frozen=True, slots=True)
class Options:
    """What to check besides the rules that only read.

    Attributes:
        imports: run the layer's code: import its modules on each interpreter found.
        rebuild: build the layer from the checkout again and compare.
    """

    imports: bool = False
    rebuild: bool = False


@dataclass(slots=True)
class Context:
    """An artifact, and all that is known of it.

    Attributes:
        artifact: opened with ``strict=False``.
        distributions: what lies in it.
        config: the `layer.toml` to judge by; None judges by Lambda's own rules only.
        manifest: the manifest beside the zip.
        damaged: files whose content can't be read; rules leave them out.
        advance: told how many bytes were looked at.
    """

    artifact: Artifact
    distributions: list[Distribution]
    config: LayerConfig | None
    manifest: Manifest | None
    damaged: set[str] = field(default_factory=set)
    advance: Callable[[int], None] = lambda size: None

    @property
    def readable(self) -> list[Entry]:
        """The files whose content can be read."""
        return [entry for entry in self.artifact.entries if entry.path not in self.damaged]

    @property
    def runtimes(self) -> list[Runtime]:
        """The runtimes that the layer declares; without a layer.toml, all that are supported today."""
        if self.config is None:
            return supported_pythons(dt.datetime.now(dt.UTC).date())
        return [runtime for name in self.config.runtimes if (runtime := runtime_of(name) or _newer(name))]

    @property
    def architectures(self) -> tuple[str, ...]:
        """The architectures that the layer declares."""
        return self.config.architectures if self.config else tuple(ARCHITECTURES)

    @property
    def own(self) -> str | None:
        """The canonical name of our own distribution."""
        return canonicalize_name(self.config.distribution) if self.config and self.config.distribution else None

    def owner(self, path: str) -> Distribution | None:
        """The distribution that a file belongs to."""
        return next((one for one in self.distributions if path in one.files), None)


def _newer(name: str) -> Runtime | None:
    """A runtime that came after our table: taken to be like the newest one in it."""
    newest = newest_python(dt.date.min)
    return replace(newest, name=name, magic=None) if name.startswith("python3.") else None
