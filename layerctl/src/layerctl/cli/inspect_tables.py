"""The same for a terminal: tables of distributions, bytecode and changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from layerctl.cli.output import note, print_table
from layerctl.core.text import size_text
from layerctl.inspection.page import percent_text, signed_text

if TYPE_CHECKING:
    from layerctl.inspection.difference import Difference
    from layerctl.inspection.imports import Waterfall
    from layerctl.inspection.survey import Survey

__all__ = ["write_changes", "write_tables"]

_MOST_EXPENSIVE = 12


def write_tables(found: Survey, changes: Difference | None, waterfall: Waterfall | None) -> None:
    """Print what was found."""
    zipped = f", {size_text(found.zipped)} zipped" if found.zipped is not None else ""
    title = f"{found.name} {found.version}".strip()
    click.echo(f"{title}: {found.files:,} files, {size_text(found.unzipped)} unzipped{zipped}")
    click.echo(found.digest)
    runtimes = [covered.runtime for covered in found.coverage]
    columns = ["distribution", "version", "licence", "files", "size", "share", "of budget"]
    columns += [f"bytecode {runtime.removeprefix('python')}" for runtime in runtimes]
    rows = [
        [
            part.name,
            part.version,
            part.licence or "-",
            f"{part.files:,}",
            size_text(part.size),
            percent_text(part.share),
            percent_text(part.of_budget),
            *(percent_text(part.compiled[runtime] / part.modules) if part.modules else "-" for runtime in runtimes),
        ]
        for part in found.parts
    ]
    total = [
        "all",
        "",
        "",
        f"{found.files:,}",
        size_text(found.unzipped),
        "100%",
        percent_text(found.unzipped / found.budgets[0][2]),
    ]
    print_table(columns, [*rows, [*total, *(percent_text(covered.share) for covered in found.coverage)]])
    budgets = [
        (label, size_text(used), size_text(most), percent_text(used / most)) for label, used, most in found.budgets
    ]
    print_table(["budget", "used", "of", ""], budgets)
    if changes is not None:
        write_changes(changes)
    if waterfall is not None:
        ranked = sorted(waterfall.imports, key=lambda module: -module.own)[:_MOST_EXPENSIVE]
        click.echo(
            f"importing {', '.join(waterfall.modules)} on {waterfall.interpreter}: {waterfall.total / 1000:.1f} ms"
        )
        for module, lacks in waterfall.skipped:
            note(f"note: {module} was left out: {lacks}")
        print_table(
            ["module", "itself", "with what it imports"],
            [(module.name, f"{module.own / 1000:.1f} ms", f"{module.total / 1000:.1f} ms") for module in ranked],
        )


def write_changes(changes: Difference) -> None:
    """Print what differs: sizes, numbers of files, distributions."""
    if changes.same_content:
        click.echo(f"same content as {changes.old}")
        return
    counts = ", ".join(f"{changes.count(how):,} {how}" for how in ("added", "removed", "changed"))
    click.echo(f"since {changes.old}: {signed_text(changes.bytes)} unzipped; files: {counts}")
    rows = [
        (part.name, part.how, part.before or "-", part.after or "-", signed_text(part.bytes)) for part in changes.parts
    ]
    print_table(["distribution", "change", "before", "after", "bytes"], rows)
