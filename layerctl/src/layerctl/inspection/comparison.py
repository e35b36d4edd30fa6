"""Compares two artifacts in every respect: what `layerctl diff` shows, and release notes name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from layerctl.artifact import open_artifact
from layerctl.inspection.api import ApiChange, ApiDifference, api_difference
from layerctl.inspection.difference import Difference, difference
from layerctl.inspection.step import changes_of
from layerctl.inspection.survey import Survey, owners_of, survey

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from layerctl.artifact import Artifact
    from layerctl.config import LayerConfig

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two artifacts, and everything in which they differ.

    Attributes:
        packages: those whose public API was compared; empty: all.
        content: distributions, files and bytes.
        changes: everything that asks for a step of the version, the largest first.
    """

    before: Survey
    after: Survey
    packages: tuple[str, ...]
    content: Difference
    api: ApiDifference
    changes: list[ApiChange]

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return step, how, name and what of each change; that the content is another one goes without saying."""
        return [
            (str(change.step), change.how, change.path, change.what)
            for change in self.changes
            if change.what != "content"
        ]


def compare(
    old: Path, new: Path, config: LayerConfig | None, *, packages: tuple[str, ...] = (), public: Collection[str] = ()
) -> Comparison:
    """Compare two artifacts.

    Args:
        old: a zip or folder.
        new: another.
        config: names the layer's own distribution, and modules that are public.
        packages: whose public API; none: the packages of the layer's own distribution, else all.
        public: modules that are public though no ``__all__`` names them, besides those of `config`.

    Raises:
        LayerctlError: an artifact cannot be read, or its sources cannot be parsed.
    """
    with open_artifact(old) as before, open_artifact(new) as after:
        was, now = survey(before, config), survey(after, config)
        content = difference(before, after, was, now)
        packages = packages or _own_packages(config, before, after)
    api = api_difference(old, new, packages, public=(*public, *(config.public_modules if config else ())))
    return Comparison(was, now, packages, content, api, changes_of(content, api, was, now))


def _own_packages(config: LayerConfig | None, *artifacts: Artifact) -> tuple[str, ...]:
    """Return the packages of the layer's own distribution, where one of the artifacts holds them."""
    if config is None or config.distribution is None:
        return ()
    found: set[str] = set()
    for artifact in artifacts:
        for name, owner in owners_of(artifact).items():
            top, _, rest = name.removeprefix("python/").partition("/")
            if owner == config.distribution and name.endswith(".py") and name.startswith("python/"):
                found.add(top if rest else top.removesuffix(".py"))
    return tuple(sorted(found))
