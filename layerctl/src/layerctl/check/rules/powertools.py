"""The rule about parts of Powertools that need more than Powertools itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerctl.core.diagnostics import Severity
from layerctl.python.powertools_parts import EXTRAS
from layerctl.python.reached import reached_modules
from layerctl.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from layerctl.check.case import FunctionCase
    from layerctl.check.overlay import Root
    from layerctl.core.diagnostics import Finding

__all__ = ["check_powertools"]

POWERTOOLS_PART = Rule(
    id="powertools-part-missing",
    commands=("check",),
    summary="What the parts of Powertools need that the function's code uses is on the function's path.",
    looks_at="Imports of `Tracer`, the parser, validation, data masking, Redis and JWT, and arguments such as "
    "`enable_validation=True`, in the function's own modules: each needs an extra of `aws-lambda-powertools`. A note "
    "where no import leads from the handler to the module, or not all contents are known.",
    example="`from aws_lambda_powertools import Tracer`, and no aws-xray-sdk in code or layers.",
    fix="Add what is named to the function's requirements or to the layer, or take a layer that has it.",
)
_POWERTOOLS = "aws-lambda-powertools"
_MODULE = "aws_lambda_powertools"
_SWITCHED_OFF = frozenset({"1", "true", "yes", "on", "y", "t"})


def check_powertools(case: FunctionCase) -> Iterator[Finding]:
    """Hold what the code uses of Powertools against what lies on the path."""
    function = case.function
    if not case.is_python or function.is_image or function.code is None:
        return
    if not function.code.powertools_parts:
        return
    if not function.complete and not _has(case.roots, _MODULE):
        return  # it is in what could not be looked at, with or without its extras
    reached = _reached(case)
    told: set[str] = set()
    for path, uses in sorted(function.code.powertools_parts.items(), key=lambda item: item[0] not in reached):
        loaded = path in reached
        for use in uses:
            lacking = [module for module in (_MODULE, *EXTRAS[use.extra]) if not _has(case.roots, module)]
            if not lacking or use.extra in told or (use.extra == "tracer" and _tracing_is_off(case)):
                continue
            told.add(use.extra)
            modules = " and ".join(lacking)
            where = "nowhere on the function's path" if function.complete else "in nothing that could be looked at"
            yield POWERTOOLS_PART.at(
                function.declared.code.place,
                f"{path}:{use.line}: {use.what} needs {modules}: {'they are' if len(lacking) > 1 else 'it is'} {where}"
                + ("" if loaded else ", and no import leads from the handler to that file"),
                f"add {_wanted(case, use.extra)} to the function's requirements or to a layer"
                + (
                    "" if function.complete else "; make the rest of the content known to be sure (see content-unknown)"
                ),
                Severity.ERROR if function.complete and loaded else Severity.NOTE,
            )


def _reached(case: FunctionCase) -> Collection[str]:
    """The modules of the code that the handler loads; all of them where it is not found."""
    code, handler = case.function.code, case.function.declared.handler
    assert code is not None
    modules = frozenset(path for path in code.entries if path.endswith(".py"))
    found = reached_modules(handler.text, modules, code.read) if handler and handler.text else None
    return modules if found is None else found


def _has(roots: list[Root], module: str) -> bool:
    """Whether a module or package lies on the path."""
    path = module.replace(".", "/")
    names = (f"{path}/__init__.py", f"{path}.py")
    return any(name in root.files for root in roots for name in names) or any(
        file.startswith(f"{path}/") for root in roots for file in root.files
    )


def _wanted(case: FunctionCase, extra: str) -> str:
    """What to install: what the Powertools that is there says of its extra, and the extra itself."""
    name = extra.removesuffix("-kms")
    installed = case.installed.get(_POWERTOOLS, ())
    wanted = sorted(
        f"{requirement.name}{requirement.specifier}"
        for holder in installed[:1]
        for requirement in holder.distribution.requires
        if requirement.marker is not None
        and not requirement.marker.evaluate({"extra": ""})
        and requirement.marker.evaluate({"extra": name})
    )
    return f"{', '.join(wanted)} ({_POWERTOOLS}[{name}])" if wanted else f"{_POWERTOOLS}[{name}]"


def _tracing_is_off(case: FunctionCase) -> bool:
    value = case.function.declared.environment.get("POWERTOOLS_TRACE_DISABLED")
    return value is not None and (value.text or "").lower() in _SWITCHED_OFF
