"""Whether the runtime is alive, and whether what the parts declare and contain is made for it."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from layerctl.check.rules.compiled import ARCHITECTURE_MISMATCH, RUNTIME_MISMATCH, compiled_mismatches
from layerctl.check.rules.unknown import CONTENT_UNKNOWN
from layerctl.core.diagnostics import Severity
from layerctl.core.runtimes import RUNTIMES_DOCUMENT, newest_python
from layerctl.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.check.case import FunctionCase
    from layerctl.check.overlay import CodePart
    from layerctl.core.diagnostics import Finding
    from layerctl.core.runtimes import Runtime

__all__ = ["check_platform", "check_runtime"]

RUNTIME_DEPRECATED = Rule(
    id="runtime-deprecated",
    commands=("check",),
    summary="The runtime is before its deprecation date.",
    looks_at="The day against AWS's table of November 2026: a note 180 days ahead, a warning past the date, an error "
    "once functions on it can't be updated.",
    example="python3.9 after 2025-12-15.",
    fix="Move to a newer runtime.",
    severity=Severity.WARNING,
)

# AWS tells the owners of functions 180 days ahead.
_NOTICE = dt.timedelta(days=180)


def check_runtime(case: FunctionCase) -> Iterator[Finding]:
    """Compare the runtime with the day: deprecated, about to be, or not known at all."""
    function, today = case.function, case.today
    if function.is_image:
        return
    place = function.runtime_place
    runtime = function.runtime
    if function.layers and (function.runtime_name is None or function.architecture is None):
        what = "runtime" if function.runtime_name is None else "architecture"
        yield CONTENT_UNKNOWN.at(
            place,
            f"only the deployment knows the function's {what}: what depends on it is not checked",
            "give the parameter a default, or name its value with --parameter",
            Severity.NOTE,
        )
    if function.runtime_name is None:
        return
    if runtime is None:
        yield CONTENT_UNKNOWN.at(
            place,
            f"the runtime {function.runtime_name!r} is not known to this release: what depends on it is not checked",
            f"check its name against {RUNTIMES_DOCUMENT}",
            Severity.NOTE,
        )
        return
    if runtime.deprecated is not None and runtime.deprecated - _NOTICE <= today:
        past = runtime.deprecated <= today
        blocked = runtime.update_blocked is not None and runtime.update_blocked <= today
        newest = newest_python(today).name if runtime.python else "a newer runtime"
        yield RUNTIME_DEPRECATED.at(
            place,
            f"{runtime.name} {'was' if past else 'will be'} deprecated on {runtime.deprecated}; "
            f"functions on it can't be updated {'since' if blocked else 'from'} {runtime.update_blocked}"
            f"{'' if blocked else ' on'}",
            f"move to {newest} (dates: {RUNTIMES_DOCUMENT})",
            Severity.ERROR if blocked else Severity.WARNING if past else Severity.NOTE,
        )
    if function.architecture is not None and function.architecture not in runtime.architectures:
        yield ARCHITECTURE_MISMATCH.at(
            place,
            f"{runtime.name} does not run on {function.architecture}",
            f"choose {' or '.join(runtime.architectures)}, or a newer runtime",
        )


def check_platform(case: FunctionCase) -> Iterator[Finding]:
    """Judge what each part declares; where it declares nothing wrong, what its files and metadata say."""
    function, parts = case.function, case.parts
    runtime = function.runtime
    if runtime is None or function.is_image:
        return
    declared: set[tuple[int, str]] = set()
    for part in parts:
        for finding in _declared(part, runtime, function.architecture):
            declared.add((part.index, finding.rule))
            yield finding
        if runtime.python is not None and (part.index, RUNTIME_MISMATCH.id) not in declared:
            yield from _distributions(part, runtime)
            yield from _folders(part, runtime)
    for part, finding in compiled_mismatches(function, parts):
        if (part.index, finding.rule) not in declared:
            yield finding


def _declared(part: CodePart, runtime: Runtime, architecture: str | None) -> Iterator[Finding]:
    runtimes, architectures = part.content.declared_runtimes, part.content.declared_architectures
    if runtimes and runtime.name not in runtimes:
        yield RUNTIME_MISMATCH.at(
            part.place,
            f"{part.label} declares {', '.join(runtimes)} as its runtimes, and the function's is {runtime.name}",
            "use a version of the layer that is made for the runtime",
            Severity.WARNING,
        )
    if architectures and architecture is not None and architecture not in architectures:
        yield ARCHITECTURE_MISMATCH.at(
            part.place,
            f"{part.label} declares {', '.join(architectures)}, and the function runs on {architecture}",
            "use a version of the layer that is made for the architecture",
            Severity.WARNING,
        )


def _distributions(part: CodePart, runtime: Runtime) -> Iterator[Finding]:
    assert runtime.python is not None
    version = "{}.{}".format(*runtime.python)
    for distribution in part.content.distributions:
        wanted = distribution.requires_python
        # the runtime's patch level is not published, so a limit like >=3.11.4 gets the benefit of the doubt
        if wanted is None or any(wanted.contains(f"{version}.{patch}") for patch in (0, 99)):
            continue
        yield RUNTIME_MISMATCH.at(
            part.place,
            f"{distribution} of {part.label} needs Python {wanted}, and the function's runtime is {runtime.name}",
            f"install a {distribution.name} that supports {runtime.name}",
        )


def _folders(part: CodePart, runtime: Runtime) -> Iterator[Finding]:
    """`python/lib/python3.12/site-packages` is on the path of python3.12 only (guide, "Python layers")."""
    folders = {
        match[1]
        for path in part.content.entries
        if not part.is_code and (match := re.match(r"python/lib/(python3\.\d+)/site-packages/", path))
    }
    if folders and runtime.name not in folders:
        yield RUNTIME_MISMATCH.at(
            part.place,
            f"{part.label} has its modules in python/lib/{', '.join(sorted(folders))}/site-packages, "
            f"which is not on the path of {runtime.name}",
            "use a layer that is made for the runtime, or one that has its modules in python/",
        )
