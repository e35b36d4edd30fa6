"""Finds the pins of one file: every ARN in the text, joined with what the file's structure says of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from layerctl.pins.literals import text_arns
from layerctl.pins.model import FileReport, Pin, Problem, Unresolved
from layerctl.pins.source import BinaryFileError, Source
from layerctl.pins.structure import structural_uses

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from layerctl.pins.cloudformation import Use
    from layerctl.pins.literals import TextArn

__all__ = ["find_pins", "pins_of"]

# What people write templates in. Only files of these kinds are faulted for being binary or huge inside of a folder.
TEMPLATE_SUFFIXES = frozenset(
    {".yaml", ".yml", ".json", ".template", ".toml", ".tf", ".tfvars", ".hcl", ".cfn", ".jsonc"}
)
# CloudFormation takes 1 MB. Beyond this the text is still searched, the structure not read.
MAX_STRUCTURE = 8_000_000
MAX_TEXT = 32_000_000


def find_pins(path: Path, *, named: bool = True) -> FileReport:
    """Find the pins of one file.

    Args:
        path: the file; reported as given.
        named: whether the user named this file, rather than a folder that holds it: then anything that
            keeps it from being read in full is a problem, whatever kind of file it is.
    """
    report = FileReport()
    shown = path.as_posix()
    concerned = named or path.suffix.lower() in TEMPLATE_SUFFIXES
    try:
        source = Source.read(path)
    except OSError as error:
        report.problems.append(Problem(shown, f"cannot be read: {error.strerror}", "check its permissions"))
        return report
    except BinaryFileError as error:
        if concerned:
            report.problems.append(Problem(shown, str(error), "name text files; a template is UTF-8 or UTF-16", 1, 1))
        return report
    if concerned and len(source.text) > MAX_TEXT:
        message = f"{len(source.text) // 1_000_000} MB is too large for a template: only literal ARNs were looked for"
        report.problems.append(Problem(shown, message, "leave the file out, or split it", 1, 1))
    return pins_of(source, path, report, named=named)


def pins_of(source: Source, path: Path, report: FileReport | None = None, *, named: bool = True) -> FileReport:
    """Find the pins of a text that was read before; see `find_pins`."""
    report = report or FileReport()
    text = source.text
    written = text_arns(text) if ":layer:" in text else []
    uses: list[Use] = []
    if len(text) <= MAX_TEXT:
        uses, faults = structural_uses(text, path, named=named, concerned=bool(written), limit=MAX_STRUCTURE)
        for message, remedy, offset in faults:
            report.problems.append(Problem(path.as_posix(), message, remedy, *source.place(offset)))
    _merge(report, source, path.as_posix(), written, uses)
    return report


def _merge(report: FileReport, source: Source, shown: str, written: list[TextArn], uses: Iterable[Use]) -> None:
    """Join what the text and what the structure give: one pin per version's place, layer and region."""
    pins: dict[tuple[int, str, str | None, str | None], Pin] = {}
    starts = {arn.start: arn for arn in written if arn.version is not None}
    open_versions = {arn.arn_start: arn for arn in written if arn.version is None}
    structured: set[int] = set()
    for use in uses:
        arn = use.arn
        if arn.version is None:
            at = use.at if arn.arn_start is None else arn.arn_start
            if at not in open_versions:
                report.unresolved.append(Unresolved(shown, *source.place(at), arn.written))
            continue
        if arn.start is None or arn.end is None or arn.origin:
            continue
        text_arn = starts.get(arn.start)
        begin = text_arn.arn_start if text_arn else arn.start
        if arn.arn_start is not None and arn.start > arn.arn_start:
            ahead = source.text[arn.arn_start : arn.start]
            begin = arn.arn_start if "\n" not in ahead else begin
        structured.add(arn.start)
        region = arn.region or (use.expected_region if arn.region is None else None)
        key = (arn.start, arn.name, arn.account, region)
        line, column = source.place(begin)
        known = pins.get(key)
        functions = known.functions if known else ()
        functions += tuple(function for function in use.functions if function not in functions)
        pins[key] = Pin(
            shown, line, column, arn.partition, region, arn.account, arn.name, arn.version, arn.start, arn.end,
            functions, (known.via if known else None) or use.via,
            use.expected_region or (known.expected_region if known else None),
        )  # fmt: skip
        open_versions.pop(arn.arn_start, None) if arn.arn_start is not None else None
    for text_arn in starts.values():
        if text_arn.start not in structured:
            line, column = source.place(text_arn.arn_start)
            key = (text_arn.start, text_arn.name, text_arn.account, text_arn.region)
            pins[key] = Pin(
                shown, line, column, text_arn.partition, text_arn.region, text_arn.account, text_arn.name,
                text_arn.version or 0, text_arn.start, text_arn.end,
            )  # fmt: skip
    resolved_uses = {use.at for use in uses if use.arn.version is not None}
    for text_arn in open_versions.values():
        if (
            not _PLACEHOLDER.fullmatch(source.text[text_arn.start : text_arn.end])
            and text_arn.arn_start not in resolved_uses
        ):
            report.unresolved.append(Unresolved(shown, *source.place(text_arn.arn_start), text_arn.written))
    report.pins += sorted(pins.values(), key=lambda pin: (pin.start, pin.region or "", pin.name))


# A blank to be filled in by a reader, not a reference.
_PLACEHOLDER = re.compile(r"<.*>|\{\{<.*")
