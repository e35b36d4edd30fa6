"""How the plays of `make pipeline` show what they did."""

from __future__ import annotations

from rich.console import Console

__all__ = ["PipelineError", "check", "console", "say"]

console = Console(highlight=False, soft_wrap=True)


class PipelineError(Exception):
    """A step did not come out as it should."""


def say(number: int, title: str, *evidence: str) -> None:
    """Print a step and what shows it."""
    console.print(f"\n[bold cyan]{number:>2}[/] [bold]{title}[/]")
    for line in evidence:
        console.print(f"   [dim]{line}[/]")


def check(holds: bool, what: str) -> None:
    """End the play when something is not as it should be."""
    if not holds:
        raise PipelineError(what)
    console.print(f"   [green]✓[/] {what}")
