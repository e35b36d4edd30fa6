"""The rule about metadata that was pruned away though code reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from layerctl.core.diagnostics import Severity
from layerctl.core.runtimes import PROVIDED_OTHER, PROVIDED_SDK
from layerctl.python.metadata_reads import entry_point_groups, metadata_reads, unmet_reads
from layerctl.rules.shared import METADATA_MISSING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.core.diagnostics import Finding
    from layerctl.python.metadata_reads import MetadataRead
    from layerctl.verify.case import ArtifactCase

__all__ = ["check_metadata_use"]


def check_metadata_use(case: ArtifactCase) -> Iterator[Finding]:
    """Code that asks for a distribution or an entry point that is not in the layer."""
    provided = case.config.provided if case.config else PROVIDED_SDK | PROVIDED_OTHER
    have = {canonicalize_name(name) for name in (*provided, *(one.name for one in case.distributions))}
    texts = [
        case.artifact.read(entry).decode("utf-8", "replace")
        for entry in case.readable
        if entry.path.endswith("-info/entry_points.txt")
    ]

    def reads_of(path: str) -> list[MetadataRead]:
        package = path.removeprefix("python/").partition("/")[0].removesuffix(".py")
        return metadata_reads(case.artifact.read(case.artifact.require(path)), package)

    # What is called on demand may be optional: without its modules too, nothing was pruned away.
    there = {entry.path.removeprefix("python/").partition("/")[0].partition(".")[0] for entry in case.artifact.entries}
    importable = {canonicalize_name(name) for name in there if name}
    modules = sorted(case.metadata_readers - case.damaged)
    for path, read, what in unmet_reads(modules, reads_of, have, entry_point_groups(texts)):
        if not read.at_import and read.distribution and canonicalize_name(read.distribution) not in importable:
            continue
        when = "when it is imported" if read.at_import else "when that is called"
        severity = Severity.ERROR if read.at_import else Severity.WARNING
        message = f"{when} it asks for {what}, which is not in the layer"
        hint = "keep the *.dist-info folders when a layer is made smaller"
        yield METADATA_MISSING.finding(path, message, hint, severity, line=read.line)
