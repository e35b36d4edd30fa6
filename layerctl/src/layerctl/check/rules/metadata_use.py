"""The rule about metadata that was pruned away though code reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from layerctl.core.diagnostics import Severity
from layerctl.core.runtimes import PROVIDED_OTHER, PROVIDED_SDK
from layerctl.python.metadata_reads import entry_point_groups, unmet_reads
from layerctl.rules.shared import METADATA_MISSING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.check.case import FunctionCase
    from layerctl.core.diagnostics import Finding

__all__ = ["check_metadata_use"]


def check_metadata_use(case: FunctionCase) -> Iterator[Finding]:
    """Code at import that asks for a distribution or an entry point that is nowhere on the function's path."""
    if not case.is_python or not case.function.complete or case.function.is_image:
        return
    have = {canonicalize_name(name) for name in (*PROVIDED_SDK, *PROVIDED_OTHER, *case.installed)}
    groups = entry_point_groups(text for part in case.parts for text in part.content.entry_points)
    for part in case.parts:
        reads = part.content.metadata_reads
        for path, read, what in unmet_reads(sorted(reads), reads.__getitem__, have, groups):
            if read.at_import:
                message = (
                    f"{part.path(path)} of {part.label} asks for {what} when it is imported, which is nowhere on the "
                    "function's path"
                )
                hint = "keep the *.dist-info folders when a layer is made smaller"
                yield METADATA_MISSING.at(part.place, message, hint, Severity.ERROR)
