"""Rules about sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerctl.core.diagnostics import Severity
from layerctl.core.runtimes import MAX_UNZIPPED, MAX_UPLOAD
from layerctl.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.core.diagnostics import Finding
    from layerctl.verify.case import ArtifactCase

__all__ = ["check_sizes"]

SIZE_BUDGET = Rule(
    id="size-budget",
    commands=("verify",),
    summary="The layer is within the budget of layer.toml.",
    looks_at="The zip's size and the unpacked size, against `[budget]`, which grows with each runtime's bytecode.",
    example="A new dependency that doubles the layer.",
    fix="See what takes the space with `layerctl inspect`, or raise the budget.",
)
SIZE_LAMBDA = Rule(
    id="size-lambda",
    commands=("verify",),
    summary="The layer is within Lambda's limits.",
    looks_at="The unpacked size (262,144,000 bytes for a function and its layers) and the zip's (52,428,800 bytes for "
    "a direct upload, a warning).",
    example="A layer with torch in it.",
    fix="Leave something out, or use a container image; upload a large zip through S3.",
)


def check_sizes(case: ArtifactCase) -> Iterator[Finding]:
    """How large it is."""
    place = case.artifact.path.name
    zipped, unzipped = case.artifact.zipped_size, case.artifact.size
    if unzipped > MAX_UNZIPPED:
        yield SIZE_LAMBDA.finding(
            place,
            f"it unpacks to {unzipped:,} bytes; a function and its layers together may have {MAX_UNZIPPED:,}",
            "leave something out, or use a container image",
        )
    if zipped is not None and zipped > MAX_UPLOAD:
        message = f"the zip has {zipped:,} bytes; a direct upload may have {MAX_UPLOAD:,}"
        yield SIZE_LAMBDA.finding(place, message, "upload it through S3, or leave something out", Severity.WARNING)
    if case.config is None:
        return
    budgets = case.config.budgets(entry.path for entry in case.artifact.entries)
    for kind, size, budget in (("zipped", zipped or 0, budgets[0]), ("unzipped", unzipped, budgets[1])):
        if size > budget:
            hint = f"see what takes the space with `layerctl inspect`, or raise budget.{kind}"
            yield SIZE_BUDGET.finding(place, f"it has {size:,} bytes {kind}; layer.toml allows {budget:,}", hint)
