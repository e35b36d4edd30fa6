"""Puts it together: templates in, findings out, one for each problem however many functions share it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from layerctl.check.case import FunctionCase
from layerctl.check.contents import Contents, Sources
from layerctl.rules.registry import checks_in, rules_in
from layerctl.rules.shared import TEMPLATE_INVALID, TEMPLATE_UNREAD
from layerctl.templates.load import read_template, templates_in
from layerctl.templates.regions import deployment_of
from layerctl.templates.samconfig import overridden_parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from layerctl.check.model import Function
    from layerctl.core.diagnostics import Finding

__all__ = ["RULES", "CheckedTemplates", "Summary", "check_templates"]

RULES = rules_in("layerctl.check.rules", "layerctl.rules.shared", command="check")


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
class CheckedTemplates:
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
) -> CheckedTemplates:
    """Check every function of the templates.

    Args:
        paths: SAM, CloudFormation and Serverless templates.
        sources: where contents are found.
        parameters: values of template parameters, in place of the samconfig's and of their defaults.
        region: what `AWS::Region` stands for; default: what the files beside a template say (samconfig.toml).
        today: the day that deprecation dates are compared with; default: today, UTC.
        progress: told the name of each template that is done.

    Raises:
        LayerctlError: content that `sources` names cannot be read.
    """
    day = today or dt.datetime.now(dt.UTC).date()
    sources = sources or Sources()
    report = CheckedTemplates()
    shared: dict[Finding, list[str]] = defaultdict(list)
    with Contents(sources) as contents:
        for path in [found for given in paths for found in templates_in(given) or [given]]:
            overrides = {**_agreed(overridden_parameters(path)), **(parameters or {})}
            template = read_template(path, parameters=overrides, region=region or _deployed_to(path))
            for fault in template.unread:
                shared[TEMPLATE_UNREAD.at(fault.place, fault.message, fault.hint)] = []
            faults = [*template.problems, *(one.problem for one in template.functions if one.problem is not None)]
            for fault in faults:
                report.unreadable = True
                shared[TEMPLATE_INVALID.at(fault.place, fault.message, fault.hint)] = []
            for declared in template.functions:
                if declared.problem is not None:
                    continue
                function = contents.fill(declared)
                for finding in _findings(function, day):
                    if function.name not in shared[finding]:
                        shared[finding].append(function.name)
                summary = _summary(path, function)
                if summary not in report.functions:
                    report.functions.append(summary)
            if progress is not None:
                progress(path.name)
        given = {*sources.layers, *sources.code, *(name for name in sources.deployed if name != "*")}
        report.unused = sorted(given - contents.used)
    report.findings = sorted(
        (_named(finding, functions) for finding, functions in shared.items()),
        key=lambda finding: (finding.path, finding.line or 0, finding.column or 0, finding.rule, finding.message),
    )
    return report


def _deployed_to(path: Path) -> str | None:
    regions = deployment_of(path).regions
    return next(iter(regions)) if len(regions) == 1 else None


def _agreed(environments: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The parameters that all environments of a samconfig set alike: what is checked must hold in each."""
    every = list(environments.values())
    return {
        name: value
        for one in every[:1]
        for name, value in one.items()
        if all(other.get(name) == value for other in every)
    }


def _findings(function: Function, today: dt.date) -> Iterator[Finding]:
    case = FunctionCase(function, today)
    for check in checks_in("layerctl.check.rules"):
        yield from check(case)


def _named(finding: Finding, functions: list[str]) -> Finding:
    """A finding with the functions that it is about."""
    who = ", ".join(functions[:3]) + (f" and {len(functions) - 3} more" if len(functions) > 3 else "")
    return replace(finding, message=f"{who}: {finding.message}") if functions else finding


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
