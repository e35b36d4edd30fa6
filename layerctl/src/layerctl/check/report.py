"""Puts it together: templates in, findings out, one for each problem however many functions share it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from layerctl.check.case import FunctionCase
from layerctl.check.contents import Contents, Sources
from layerctl.check.given import waits_for_engine
from layerctl.core.diagnostics import Severity
from layerctl.core.errors import LayerctlError
from layerctl.rules.registry import checks_in, rules_in
from layerctl.rules.shared import TEMPLATE_INVALID, TEMPLATE_UNREAD
from layerctl.scan.model import ENGINE, LeftOut
from layerctl.templates.load import read_template
from layerctl.templates.model import Fault, Place, Template
from layerctl.templates.regions import deployment_of
from layerctl.templates.samconfig import overridden_parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from layerctl.check.given import GivenTemplates
    from layerctl.check.model import CheckedFunction
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
    def complete(self) -> bool:
        """Whether the content of its code and of all its layers is known; an image has neither."""
        if self.runtime == "image":
            return True
        return self.code is not None and all(size is not None for _, size in self.layers)

    @property
    def total(self) -> int:
        """Bytes of everything known."""
        return (self.code or 0) + sum(size or 0 for _, size in self.layers)


@dataclass(slots=True)
class CheckedTemplates:
    """The result of a check.

    Attributes:
        templates: those that were checked by themselves; the others are nested in these.
        others: named files that were left out, as they are no templates.
        left_out: files of folders that become templates only once a template engine has run.
        unreadable: whether a template that was named could not be read, or not in full.
        unused: names the user gave content for that no template mentions.
    """

    findings: list[Finding] = field(default_factory=list)
    functions: list[Summary] = field(default_factory=list)
    templates: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    unreadable: bool = False
    unused: list[str] = field(default_factory=list)


def check_templates(
    given: GivenTemplates,
    sources: Sources | None = None,
    *,
    parameters: Mapping[str, str] | None = None,
    region: str | None = None,
    today: dt.date | None = None,
    progress: Callable[[str], None] | None = None,
    skip_others: bool = False,
) -> CheckedTemplates:
    """Check every function of the templates.

    Args:
        given: SAM, CloudFormation and Serverless templates, as `find_templates` finds them.
        sources: where contents are found.
        parameters: values of template parameters, in place of the samconfig's and of their defaults.
        region: what `AWS::Region` stands for; default: what the files beside a template say (samconfig.toml).
        today: the day that deprecation dates are compared with; default: today, UTC.
        progress: told the path of each template that is done.
        skip_others: whether named files that are no templates are left out.

    Raises:
        LayerctlError: content that `sources` names cannot be read.
    """
    day = today or dt.datetime.now(dt.UTC).date()
    sources = sources or Sources()
    read = [(_read(path, parameters or {}, region), named) for path, named in given.files]
    within = {path.resolve() for template, _ in read for path in template.nested}
    with Contents(sources) as contents:
        checker = _Checker(contents, day)
        for problem in given.problems:
            checker.fault(TEMPLATE_INVALID.at(problem, problem.message, problem.hint), named=problem.named)
        for template, named in read:
            if not template.recognised and (skip_others or not named):
                checker.report.others += [template.path] * named
            elif not named and template.problems and waits_for_engine(template.path):
                checker.report.left_out.append(LeftOut(template.path.as_posix(), ENGINE))
            elif named or template.path.resolve() not in within:
                checker.check(template, named=named)
            if progress is not None:
                progress(template.path.as_posix())
        names = {*sources.layers, *sources.code, *(name for name in sources.deployed if name != "*")}
        checker.report.unused = sorted(names - contents.used)
        return checker.result()


class _Checker:
    """Checks templates one by one, and keeps each finding once, with the functions that it is about."""

    def __init__(self, contents: Contents, day: dt.date) -> None:
        self.report = CheckedTemplates()
        self._contents = contents
        self._day = day
        self._found: dict[Finding, list[str]] = defaultdict(list)

    def check(self, template: Template, *, named: bool) -> None:
        """Add what a template gives."""
        self.report.templates.append(template.path)
        for fault in template.unread:
            self._found[TEMPLATE_UNREAD.at(fault.place, fault.message, fault.hint)] = []
        faults = [
            *template.problems,
            *(function.problem for function in template.functions if function.problem is not None),
        ]
        try:
            for declared in template.functions:
                if declared.problem is None:
                    self._function(template.path, self._contents.fill(declared))
        except LayerctlError:
            raise
        except Exception as error:  # one strange template must not keep the others from being checked
            faults.append(_strange(template.path, error))
        for fault in faults:
            self.fault(TEMPLATE_INVALID.at(fault.place, fault.message, fault.hint), named=named)

    def fault(self, finding: Finding, *, named: bool) -> None:
        """Add that something could not be read; what was found in a folder does not stand for the whole."""
        self.report.unreadable |= named
        if not named:
            hint = f"{finding.hint}, or leave it out with --exclude"
            finding = replace(finding, severity=Severity.WARNING, hint=hint)
        self._found[finding] = []

    def result(self) -> CheckedTemplates:
        """The report, with the findings by place."""
        self.report.findings = sorted(
            (_named(finding, functions) for finding, functions in self._found.items()),
            key=lambda finding: (finding.path, finding.line or 0, finding.column or 0, finding.rule, finding.message),
        )
        return self.report

    def _function(self, path: Path, function: CheckedFunction) -> None:
        for finding in _findings(function, self._day):
            if function.name not in self._found[finding]:
                self._found[finding].append(function.name)
        summary = _summary(path, function)
        if summary not in self.report.functions:
            self.report.functions.append(summary)


def _read(path: Path, parameters: Mapping[str, str], region: str | None) -> Template:
    overrides = {**_agreed(overridden_parameters(path)), **parameters}
    try:
        return read_template(path, parameters=overrides, region=region or _deployed_to(path))
    except LayerctlError:
        raise
    except Exception as error:
        return Template(path, problems=[_strange(path, error)])


def _strange(path: Path, error: Exception) -> Fault:
    what = f"it could not be checked ({type(error).__name__}: {error})"
    return Fault(Place(path.as_posix(), 1, 1), what, "please report this file")


def _deployed_to(path: Path) -> str | None:
    regions = deployment_of(path).regions
    return next(iter(regions)) if len(regions) == 1 else None


def _agreed(environments: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The parameters that all environments of a samconfig set alike: what is checked must hold in each."""
    every = list(environments.values())
    return {
        name: value
        for environment in every[:1]
        for name, value in environment.items()
        if all(other.get(name) == value for other in every)
    }


def _findings(function: CheckedFunction, today: dt.date) -> Iterator[Finding]:
    case = FunctionCase(function, today)
    for check in checks_in("layerctl.check.rules"):
        yield from check(case)


def _named(finding: Finding, functions: list[str]) -> Finding:
    """A finding with the functions that it is about."""
    who = ", ".join(functions[:3]) + (f" and {len(functions) - 3} more" if len(functions) > 3 else "")
    return replace(finding, message=f"{who}: {finding.message}") if functions else finding


def _summary(path: Path, function: CheckedFunction) -> Summary:
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
