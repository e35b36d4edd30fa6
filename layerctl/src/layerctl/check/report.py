"""Puts it together: templates in, findings out, one for each problem however many functions share it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from layerctl.check.contents import Contents, Sources
from layerctl.check.model import Issue
from layerctl.check.rules.limits import check_limits
from layerctl.check.rules.platform import check_platform, check_runtime
from layerctl.check.rules.publishing import check_publishing
from layerctl.check.rules.requirements import check_requirements
from layerctl.check.rules.shadowing import check_shadowing
from layerctl.core.diagnostics import Finding, Severity
from layerctl.templates.check_stacks import read_stack
from layerctl.templates.regions import deployment_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from layerctl.check.model import Function

__all__ = ["Report", "Summary", "check_templates"]


@dataclass(frozen=True, slots=True)
class Summary:
    """What was found out about one function, for people.

    Attributes:
        layers: name -> unzipped bytes, in order; None where the content is not known.
        code: unzipped bytes; None where it is not known.
        origins: what was looked into, and where it was taken from.
    """

    path: str
    function: str
    runtime: str
    architecture: str
    code: int | None
    layers: tuple[tuple[str, int | None], ...]
    origins: tuple[tuple[str, str], ...]

    @property
    def total(self) -> int:
        """Bytes of everything known."""
        return (self.code or 0) + sum(size or 0 for _, size in self.layers)


@dataclass(slots=True)
class Report:
    """The result of a check.

    Attributes:
        unreadable: whether a template could not be read, or not in full.
        unused: names the user gave content for that no template mentions.
    """

    findings: list[Finding] = field(default_factory=list)
    functions: list[Summary] = field(default_factory=list)
    unreadable: bool = False
    unused: list[str] = field(default_factory=list)


def check_templates(
    paths: Sequence[Path],
    sources: Sources | None = None,
    *,
    parameters: Mapping[str, str] | None = None,
    region: str | None = None,
    today: dt.date | None = None,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """Check every function of the templates.

    Args:
        paths: SAM, CloudFormation and Serverless templates.
        sources: where contents are found.
        parameters: values of template parameters, in place of their defaults.
        region: what `AWS::Region` stands for; default: what the files beside a template say (samconfig.toml).
        today: the day that deprecation dates are compared with; default: today, UTC.
        progress: told the name of each template that is done.

    Raises:
        LayerctlError: content that `sources` names cannot be read.
    """
    day = today or dt.datetime.now(dt.UTC).date()
    sources = sources or Sources()
    report = Report()
    shared: dict[Issue, list[str]] = defaultdict(list)
    with Contents(sources) as contents:
        for path in paths:
            stack = read_stack(path, parameters=parameters, region=region or _deployed_to(path))
            contents.fill(stack)
            for problem in stack.problems:
                report.unreadable = True
                shared[problem] = []
            for function in stack.functions:
                for issue in _issues(function, day):
                    if function.name not in shared[issue]:
                        shared[issue].append(function.name)
                summary = _summary(path, function)
                if summary not in report.functions:
                    report.functions.append(summary)
            if progress is not None:
                progress(path.name)
        given = {*sources.layers, *sources.code, *(name for name in sources.deployed if name != "*")}
        report.unused = sorted(given - contents.used)
    report.findings = sorted(
        (_finding(issue, functions) for issue, functions in shared.items()),
        key=lambda finding: (finding.path, finding.line or 0, finding.column or 0, finding.rule, finding.message),
    )
    return report


def _deployed_to(path: Path) -> str | None:
    regions = deployment_of(path).regions
    return next(iter(regions)) if len(regions) == 1 else None


def _issues(function: Function, today: dt.date) -> Iterator[Issue]:
    yield from check_runtime(function, today)
    yield from check_limits(function)
    if function.is_image:
        return
    yield from _unknown(function)
    yield from check_publishing(function)
    yield from check_shadowing(function)
    yield from check_platform(function)
    if function.runtime is not None and function.runtime.python is not None:
        yield from check_requirements(function)


def _unknown(function: Function) -> Iterator[Issue]:
    """Say what could not be looked at. A function without layers is Lambda's and its author's own affair."""
    if function.code_unknown and function.layers:
        place = function.code_place or function.place
        yield Issue("content-unknown", place, function.code_unknown, function.code_remedy, Severity.NOTE)
    for layer in function.layers:
        if layer.unknown and layer.content is None:
            message = f"the content of {layer.label} is not known: {layer.unknown}"
            yield Issue("content-unknown", layer.place, message, layer.remedy, Severity.NOTE)


def _finding(issue: Issue, functions: Iterable[str]) -> Finding:
    names = list(functions)
    who = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    message = f"{who}: {issue.message}" if names else issue.message
    place = issue.place
    return Finding(issue.rule, place.path, message, issue.remedy, issue.severity, place.line, place.column)


def _summary(path: Path, function: Function) -> Summary:
    looked_into = [(function.name, function.code), *((layer.name, layer.content) for layer in function.layers)]
    return Summary(
        path.as_posix(),
        function.name,
        function.runtime_name or ("image" if function.is_image else "?"),
        function.architecture or "?",
        None if function.code is None or function.code_unknown else function.code.size,
        tuple((layer.name, layer.content.size if layer.content is not None else None) for layer in function.layers),
        tuple((name, content.origin) for name, content in looked_into if content is not None),
    )
