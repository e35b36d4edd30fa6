"""Whether what is installed together satisfies what each distribution asks for, on one runtime and architecture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.markers import default_environment
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from layerctl.core.runtimes import marker_environment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from packaging.requirements import Requirement

    from layerctl.core.runtimes import Runtime
    from layerctl.python.distributions import Distribution

__all__ = ["SDK_CORE", "Unmet", "dependency_graph", "required_by", "unfit_urllib3", "unmet_requirements"]

# These three are released together and pin each other to the minor version (their own Requires-Dist).
SDK_CORE = ("boto3", "botocore", "s3transfer")


@dataclass(frozen=True, slots=True)
class Unmet:
    """A requirement that is not satisfied.

    Attributes:
        by: the distribution that asks.
        requirement: what it asks for.
        found: the distribution of that name whose version does not fit; None: there is none.
    """

    by: Distribution
    requirement: Requirement
    found: Distribution | None


def unmet_requirements(
    installed: Mapping[str, Distribution],
    runtime: Runtime,
    architecture: str,
    *,
    provided: Iterable[str] = (),
) -> list[Unmet]:
    """Judge every Requires-Dist, with markers for the runtime and with the extras that the others ask for.

    Args:
        installed: canonical name -> the distribution that wins on `sys.path`.
        runtime: a Python runtime.
        architecture: ``x86_64`` or ``arm64``.
        provided: canonical names that the runtime has, in versions that nobody publishes: any version is taken to fit.
    """
    have = frozenset(provided)
    unmet: dict[tuple[str, str], Unmet] = {}
    for by, requirement, found in _edges(installed, marker_environment(runtime, architecture)):
        if found is None:
            if canonicalize_name(requirement.name) not in have:
                unmet[by.name, str(requirement)] = Unmet(by, requirement, None)
            continue
        version = found.parsed_version
        if version is not None and not requirement.specifier.contains(version, prereleases=True):
            unmet[by.name, str(requirement)] = Unmet(by, requirement, found)
    return [unmet[key] for key in sorted(unmet)]


def dependency_graph(
    installed: Mapping[str, Distribution], targets: Iterable[tuple[Runtime, str]]
) -> dict[str, tuple[str, ...]]:
    """Which of the installed distributions each one depends on, on any of the targets.

    Args:
        installed: canonical name -> distribution.
        targets: runtimes and architectures.
    """
    graph: dict[str, set[str]] = {name: set() for name in installed}
    for runtime, architecture in targets:
        for by, _, found in _edges(installed, marker_environment(runtime, architecture)):
            if found is not None and found.name != by.name:
                graph[by.name].add(found.name)
    return {name: tuple(sorted(names)) for name, names in sorted(graph.items())}


def required_by(names: Collection[str], installed: Mapping[str, Distribution]) -> set[str]:
    """What an installer brings here with some of the distributions: they themselves, and what they require.

    Args:
        names: canonical, of `installed`.
        installed: canonical name -> distribution.
    """
    environment = {name: str(value) for name, value in default_environment().items()}
    edges = _edges(installed, environment, names)
    return {*names, *(found.name for _, _, found in edges if found is not None)}


def _edges(
    installed: Mapping[str, Distribution], environment: Mapping[str, str], start: Iterable[str] | None = None
) -> Iterator[tuple[Distribution, Requirement, Distribution | None]]:
    """Every requirement that applies: who asks, for what, and the distribution of that name, if it is there.

    Args:
        installed: canonical name -> distribution.
        environment: what markers are judged by.
        start: whose requirements are followed; None: everybody's.
    """
    seen: set[tuple[str, str]] = set()
    pending = [(name, "") for name in sorted(installed if start is None else start)]
    while pending:
        name, extra = pending.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        asked_for = {**environment, "extra": extra}
        for requirement in installed[name].requires:
            if not _applies(requirement, asked_for, extra):
                continue
            found = installed.get(canonicalize_name(requirement.name))
            yield installed[name], requirement, found
            if found is not None:
                pending += [(found.name, canonicalize_name(asked)) for asked in ("", *sorted(requirement.extras))]


def _applies(requirement: Requirement, environment: dict[str, str], extra: str) -> bool:
    if requirement.marker is None:
        return not extra  # seen already when the distribution itself was judged
    try:
        return requirement.marker.evaluate(environment)
    except ValueError:  # UndefinedEnvironmentName, or a number of thousands of digits
        return False


def unfit_urllib3(urllib3: Distribution, runtime: Runtime) -> SpecifierSet | None:
    """Return what the runtime's botocore asks of urllib3 (its own Requires-Dist), where this one does not fit."""
    allowed = SpecifierSet("<1.27" if runtime.python and runtime.python < (3, 10) else "!=2.2.0,<3")
    version = urllib3.parsed_version
    return allowed if version is not None and version not in allowed else None
