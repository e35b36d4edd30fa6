"""Whether the runtime is alive, and whether what the parts declare and contain is made for it."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from layerctl.check.model import Issue
from layerctl.check.overlay import parts_of
from layerctl.check.rules.compiled import compiled_mismatches
from layerctl.core.diagnostics import Severity
from layerctl.core.runtimes import RUNTIMES_DOCUMENT, newest_python

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.check.model import Function
    from layerctl.check.overlay import Part
    from layerctl.core.runtimes import Runtime

__all__ = ["check_platform", "check_runtime"]

# AWS tells the owners of functions 180 days ahead.
_NOTICE = dt.timedelta(days=180)


def check_runtime(function: Function, today: dt.date) -> Iterator[Issue]:
    """Compare the runtime with the day: deprecated, about to be, or not known at all."""
    if function.is_image:
        return
    place = function.runtime_place or function.place
    runtime = function.runtime
    if function.layers and (function.runtime_name is None or function.architecture is None):
        what = "runtime" if function.runtime_name is None else "architecture"
        yield Issue(
            "content-unknown",
            place,
            f"only the deployment knows the function's {what}: what depends on it is not checked",
            "give the parameter a default, or name its value with --parameter",
            Severity.NOTE,
        )
    if function.runtime_name is None:
        return
    if runtime is None:
        yield Issue(
            "content-unknown",
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
        yield Issue(
            "runtime-deprecated",
            place,
            f"{runtime.name} {'was' if past else 'will be'} deprecated on {runtime.deprecated}; "
            f"functions on it can't be updated {'since' if blocked else 'from'} {runtime.update_blocked}"
            f"{'' if blocked else ' on'}",
            f"move to {newest} (dates: {RUNTIMES_DOCUMENT})",
            Severity.ERROR if blocked else Severity.WARNING if past else Severity.NOTE,
        )
    if function.architecture is not None and function.architecture not in runtime.architectures:
        yield Issue(
            "architecture-mismatch",
            place,
            f"{runtime.name} does not run on {function.architecture}",
            f"choose {' or '.join(runtime.architectures)}, or a newer runtime",
        )


def check_platform(function: Function) -> Iterator[Issue]:
    """Judge what each part declares; where it declares nothing wrong, what its files and metadata say."""
    runtime = function.runtime
    if runtime is None:
        return
    parts = parts_of(function)
    declared: set[tuple[int, str]] = set()
    for part in parts:
        for issue in _declared(part, runtime, function.architecture):
            declared.add((part.index, issue.rule))
            yield issue
        if runtime.python is not None and (part.index, "runtime-mismatch") not in declared:
            yield from _distributions(part, runtime)
            yield from _folders(part, runtime)
    for part, issue in compiled_mismatches(function, parts):
        if (part.index, issue.rule) not in declared:
            yield issue


def _declared(part: Part, runtime: Runtime, architecture: str | None) -> Iterator[Issue]:
    runtimes, architectures = part.content.declared_runtimes, part.content.declared_architectures
    if runtimes and runtime.name not in runtimes:
        yield Issue(
            "runtime-mismatch",
            part.place,
            f"{part.label} declares {', '.join(runtimes)} as its runtimes, and the function's is {runtime.name}",
            "use a version of the layer that is made for the runtime",
            Severity.WARNING,
        )
    if architectures and architecture is not None and architecture not in architectures:
        yield Issue(
            "architecture-mismatch",
            part.place,
            f"{part.label} declares {', '.join(architectures)}, and the function runs on {architecture}",
            "use a version of the layer that is made for the architecture",
            Severity.WARNING,
        )


def _distributions(part: Part, runtime: Runtime) -> Iterator[Issue]:
    assert runtime.python is not None
    version = "{}.{}".format(*runtime.python)
    for distribution in part.content.distributions:
        wanted = distribution.requires_python
        # the runtime's patch level is not published, so a limit like >=3.11.4 gets the benefit of the doubt
        if wanted is None or any(wanted.contains(f"{version}.{patch}") for patch in (0, 99)):
            continue
        yield Issue(
            "runtime-mismatch",
            part.place,
            f"{distribution} of {part.label} needs Python {wanted}, and the function's runtime is {runtime.name}",
            f"install a {distribution.name} that supports {runtime.name}",
        )


def _folders(part: Part, runtime: Runtime) -> Iterator[Issue]:
    """`python/lib/python3.12/site-packages` is on the path of python3.12 only (guide, "Python layers")."""
    folders = {
        match[1]
        for path in part.content.entries
        if not part.is_code and (match := re.match(r"python/lib/(python3\.\d+)/site-packages/", path))
    }
    if folders and runtime.name not in folders:
        yield Issue(
            "runtime-mismatch",
            part.place,
            f"{part.label} has its modules in python/lib/{', '.join(sorted(folders))}/site-packages, "
            f"which is not on the path of {runtime.name}",
            "use a layer that is made for the runtime, or one that has its modules in python/",
        )
