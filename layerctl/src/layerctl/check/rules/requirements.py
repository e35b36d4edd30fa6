"""What the function needs and does not get: missing distributions, wrong versions, and half of an SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from layerctl.core.diagnostics import Severity
from layerctl.core.runtimes import PROVIDED_OTHER, PROVIDED_SDK
from layerctl.python.requirements import SDK_CORE, unfit_urllib3, unmet_requirements
from layerctl.rules import Rule
from layerctl.rules.shared import DEPENDENCY_MISSING, DEPENDENCY_VERSION, SDK_PARTIAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.check.case import FunctionCase
    from layerctl.check.model import CheckedFunction
    from layerctl.check.overlay import CodePart, PresentDistribution, Root
    from layerctl.core.diagnostics import Finding

__all__ = ["check_requirements"]

SDK_SHADOWED = Rule(
    id="sdk-shadowed",
    commands=("check",),
    summary="Nothing that is bundled hides what the runtime provides.",
    looks_at="The SDK's own boto3, botocore, s3transfer and what they share with others (urllib3, python-dateutil, "
    "six).",
    example="A layer with the whole SDK, which hides the runtime's.",
    fix="Nothing, if that is meant; otherwise leave it out and save its space.",
    severity=Severity.NOTE,
)

# What botocore asks of the packages it shares with everyone (its own Requires-Dist; the 1.26 limit is for < 3.10).
_SDK_SHARED = {"python-dateutil": "dateutil", "six": "six", "urllib3": "urllib3"}
# Well-known distributions whose module has another name.
_IMPORTED_AS = {
    "beautifulsoup4": "bs4",
    "pillow": "PIL",
    "pyjwt": "jwt",
    "pyopenssl": "OpenSSL",
    "python-dateutil": "dateutil",
    "python-dotenv": "dotenv",
    "pyyaml": "yaml",
    "ruamel-yaml": "ruamel",
    "scikit-learn": "sklearn",
}


def check_requirements(case: FunctionCase) -> Iterator[Finding]:
    """Judge what the Python function's path holds against what its distributions ask for."""
    if case.is_python and not case.function.is_image:
        yield from _requirements(case.function, case.installed, case.roots)
        yield from _sdk(case.function, case.installed, case.roots)


def _requirements(
    function: CheckedFunction, installed: dict[str, list[PresentDistribution]], roots: list[Root]
) -> Iterator[Finding]:
    assert function.runtime is not None
    winners = {name: same[0] for name, same in installed.items()}
    unmet = unmet_requirements(
        {name: winner.distribution for name, winner in winners.items()},
        function.runtime,
        function.architecture or "x86_64",
        provided=PROVIDED_SDK | PROVIDED_OTHER | _importable(roots),
    )
    for missing in unmet:
        by = winners[missing.by.name]
        wanted = f"{missing.by} of {by.part.label} needs {missing.requirement.name}{missing.requirement.specifier}"
        if missing.found is not None:
            holder = winners[missing.found.name].part
            yield DEPENDENCY_VERSION.at(
                max(by.part.place, holder.place),
                f"{wanted}, and {holder.label} has {missing.found.version}",
                f"install a {missing.found.name} that fits, in {by.part.label} or before it on sys.path",
            )
        elif function.complete:
            yield DEPENDENCY_MISSING.at(
                by.part.place,
                f"{wanted}, which is nowhere on the function's path",
                f"add {missing.requirement.name} to {by.part.label}, or attach a layer that has it",
            )
        else:
            yield DEPENDENCY_MISSING.at(
                by.part.place,
                f"{wanted}, which is in nothing that could be looked at",
                "make the rest of the content known (see content-unknown), or check it there",
                Severity.NOTE,
            )


def _importable(roots: list[Root]) -> set[str]:
    """Names of top-level modules: a distribution without its metadata, as people strip it to save space."""
    names = {path.partition("/")[0].partition(".")[0] for root in roots for path in root.files}
    return {str(canonicalize_name(name)) for name in names if name} | {
        distribution for distribution, module in _IMPORTED_AS.items() if module in names
    }


def _sdk(
    function: CheckedFunction, installed: dict[str, list[PresentDistribution]], roots: list[Root]
) -> Iterator[Finding]:
    assert function.runtime is not None
    assert function.runtime.python is not None
    core = {name: holder for name in SDK_CORE if (holder := _module_holder(roots, name)) is not None}
    if core and len(core) < len(SDK_CORE):
        missing = [name for name in SDK_CORE if name not in core]
        part = next(iter(core.values()))
        yield SDK_PARTIAL.at(
            part.place,
            f"{part.label} has {' and '.join(core)} but {' and '.join(missing)} would come from the runtime, "
            "in a version that need not fit",
            f"bundle {', '.join(SDK_CORE)} together at versions that fit, or none of them",
            Severity.ERROR if function.complete else Severity.WARNING,
        )
        return
    if core:
        part = core["botocore"]
        yield SDK_SHADOWED.at(
            part.place,
            f"the SDK of {part.label} ({_version(installed, 'boto3')}) hides the runtime's own",
            "nothing to do if that is meant; otherwise leave it out and save its space",
            Severity.NOTE,
        )
        return
    shared = [name for name, module in _SDK_SHARED.items() if _module_holder(roots, module) is not None]
    urllib3 = installed.get("urllib3", [None])[0]
    if urllib3 and (allowed := unfit_urllib3(urllib3.distribution, function.runtime)):
        yield SDK_PARTIAL.at(
            urllib3.part.place,
            f"{urllib3.distribution} of {urllib3.part.label} hides the runtime's own, and the runtime's botocore "
            f"needs urllib3{allowed}",
            f"install urllib3{allowed}, or bundle the whole SDK",
        )
    elif shared:
        holders = [holder for name in shared if (holder := _module_holder(roots, _SDK_SHARED[name])) is not None]
        where = " and ".join(dict.fromkeys(holder.label for holder in holders))
        yield SDK_SHADOWED.at(
            holders[0].place,
            f"{', '.join(shared)} of {where} {'hides' if len(shared) == 1 else 'hide'} the runtime's own, "
            "and its boto3 will use it",
            "nothing to do if tests run with the same versions",
            Severity.NOTE,
        )


def _module_holder(roots: list[Root], module: str) -> CodePart | None:
    """The part that wins for a top-level module or package."""
    for root in roots:
        for path in (f"{module}/__init__.py", f"{module}.py"):
            if path in root.files:
                return root.files[path]
    return None


def _version(installed: dict[str, list[PresentDistribution]], name: str) -> str:
    same = installed.get(name)
    return str(same[0].distribution) if same else f"{name}, version unknown"
