"""Finds the pins of one file: every ARN in the text, joined with what the file's structure says of it."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from layerctl.core.partitions import REGION
from layerctl.scan.index_text import looks_like_index
from layerctl.scan.model import INDEX, FileProblem, FileReport, Pin, Unread, Unresolved
from layerctl.scan.walk import TEMPLATE_SUFFIXES
from layerctl.templates.literals import text_arns
from layerctl.templates.source import BinaryFileError, FileFault, Source
from layerctl.templates.structure import Structure, structural_uses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from layerctl.templates.literals import TextArn
    from layerctl.templates.nested import Part
    from layerctl.templates.uses import Use

__all__ = ["find_pins", "pins_of"]

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
        what = f"cannot be read: {error.strerror}"
        report.problems.append(FileProblem(shown, what, "check its permissions", named=named))
        return report
    except BinaryFileError as error:
        if concerned:
            hint = "name text files; a template is UTF-8 or UTF-16"
            report.problems.append(FileProblem(shown, str(error), hint, 1, 1, named=named))
        return report
    if concerned and len(source.text) > MAX_TEXT:
        message = f"{len(source.text) // 1_000_000} MB is too large for a template: only literal ARNs were looked for"
        report.problems.append(FileProblem(shown, message, "leave the file out, or split it", 1, 1, named=named))
    return pins_of(source, path, report, named=named)


def pins_of(source: Source, path: Path, report: FileReport | None = None, *, named: bool = True) -> FileReport:
    """Find the pins of a text that was read before; see `find_pins`."""
    report = report or FileReport()
    text = source.text
    written = text_arns(text) if "layer" in text else []
    structure = Structure()
    if len(text) <= MAX_TEXT:
        try:
            structure = structural_uses(text, path, written, named=named, limit=MAX_STRUCTURE)
        except Exception as error:  # one strange file must not keep the others from being searched
            what = f"its structure could not be read ({type(error).__name__}: {error})"
            hint = "please report this file; its literal ARNs were found"
            structure = Structure(faults=[FileFault(what, hint, 0)])
        for fault in structure.faults:
            place = source.place(fault.offset)
            stands_for_all = named and fault.of_template
            report.problems.append(
                FileProblem(path.as_posix(), fault.message, fault.hint, *place, named=stands_for_all)
            )
        report.unread += [_unread(path, source, part) for part in structure.nested]
    _merge(report, source, path.as_posix(), written, structure.uses)
    report.unread += _elsewhere(path, source, structure.uses, {part.target for part in report.unread})
    if path.suffix == ".json" and looks_like_index(text[:1000]):
        report.pins = [pin._replace(via=INDEX) for pin in report.pins]
    return report


def _unread(path: Path, source: Source, part: Part) -> Unread:
    """A part that is another file, until it turns out to be one of the files that are searched."""
    what, hint = f"{part.what} is not on this machine, and was not searched", "search it where it is"
    if part.path is not None:
        what, hint = f"{part.what}, {part.path.as_posix()}, was not searched", "name it as well"
    target = str(part.path.resolve()) if part.path is not None else ""
    return Unread(path.as_posix(), *source.place(part.offset), what, hint, target, part.shared)


def _elsewhere(path: Path, source: Source, uses: Iterable[Use], known: set[str]) -> Iterator[Unread]:
    """The other files in which versions stand that this one's structure leads to: variables, included files."""
    for use in uses:
        origin = use.arn.origin
        if use.arn.version is not None and origin and (target := os.path.realpath(origin)) not in known:
            known.add(target)
            what = f"a layer version stands in {origin}, which was not searched"
            yield Unread(path.as_posix(), *source.place(use.at), what, "name it as well", target)


def _merge(report: FileReport, source: Source, shown: str, written: list[TextArn], uses: Iterable[Use]) -> None:
    """Join what the text and what the structure give: one pin per version's place, layer and region."""
    pins: dict[tuple[int, str, str | None, str | None], Pin] = {}
    in_text = {arn.start: arn for arn in written if arn.version is not None}
    unresolved: dict[int, str] = {
        arn.arn_start: arn.written
        for arn in written
        if arn.version is None and not _BLANK.fullmatch(source.text, arn.start, arn.end)
    }
    opaque: dict[int, str] = {}
    resolved: set[int | None] = set()
    for use in uses:
        arn = use.arn
        here = arn.arn_start if not arn.arn_origin else None
        if arn.version is None:
            undecided = unresolved if ":layer:" in arn.written else opaque
            undecided.setdefault(use.at if here is None else here, arn.written)
            continue
        resolved |= {here, use.at}
        if arn.start is None or arn.end is None or arn.origin:
            continue
        text_arn = in_text.pop(arn.start, None)
        region = arn.region or use.expected_region
        key = (arn.start, arn.name, arn.account, region)
        known = pins.get(key)
        if known is not None:
            place = known.line, known.column
        elif text_arn is not None:
            place = source.place(text_arn.arn_start)
        else:
            whole = here is not None and here < arn.start and source.text[arn.start - 1] == ":"
            place = source.place(here if whole and here is not None else arn.start)
        functions = known.functions if known else ()
        functions += tuple(function for function in use.functions if function not in functions)
        via = known.via if known and (known.functions or not use.via) else use.via
        expected = use.expected_region or (known.expected_region if known else _key_before(source.text, here))
        pins[key] = Pin(
            shown, *place, arn.partition, region, arn.account, arn.name, arn.version, arn.start, arn.end,
            functions, via, expected,
        )  # fmt: skip
    for text_arn in in_text.values():
        if text_arn.version is not None:
            expected = _key_before(source.text, text_arn.arn_start)
            region = text_arn.region or expected
            pins[text_arn.start, text_arn.name, text_arn.account, region] = Pin(
                shown, *source.place(text_arn.arn_start), text_arn.partition, region, text_arn.account,
                text_arn.name, text_arn.version, text_arn.start, text_arn.end, expected_region=expected,
            )  # fmt: skip
    report.pins += sorted(pins.values(), key=lambda pin: (pin.start, pin.region or "", pin.name))
    opaque |= {at: text for at, text in unresolved.items() if at not in resolved}
    report.unresolved += [Unresolved(shown, *source.place(at), text) for at, text in sorted(opaque.items())]


# A table by region, in whatever language: "eu-west-1": "arn:...", eu-west-1 = "arn:...", 'eu-west-1' => 'arn:...'.
_KEY = re.compile(rf"(?<![\w-])[\"']?(?P<region>{REGION})[\"']?\s*(?:=>|:|=)\s*[\"'`]?$")


def _key_before(text: str, at: int | None) -> str | None:
    """The region that an ARN stands under as its key, on the same line or the one before."""
    match = _KEY.search(text, max(at - 80, 0), at) if at is not None else None
    return match["region"] if match else None


# A blank to be filled in by a reader, not a reference.
_BLANK = re.compile(r"<.*>|\{\{<.*")
