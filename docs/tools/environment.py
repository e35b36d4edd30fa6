"""The reference page of environment variables, from environment.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["pages", "variables"]

_FILE = Path(__file__).with_name("environment.toml")
_INTRODUCTION = """\
<!-- Written by `make reference` from docs/tools/environment.toml. -->

# Environment variables

Arguments of the `configure` functions win over variables. A variable that is empty counts as not set. Switches
understand `1`, `true`, `yes`, `on` and their opposites, in any case.
"""


def pages() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of the page."""
    parts = [_INTRODUCTION]
    for group in _groups():
        parts += [f"## {group['title']}\n", "| variable | meaning | when it is not set |", "|---|---|---|"]
        parts += [
            f"| `{name}` | {meaning} | {otherwise} |" for name, (meaning, otherwise) in group["variables"].items()
        ]
        parts.append("")
    yield "environment.md", "\n".join(parts)


def variables() -> set[str]:
    """Return the names of all of them."""
    return {name for group in _groups() for name in group["variables"]}


def _groups() -> list[dict[str, Any]]:
    return tomllib.loads(_FILE.read_text("utf-8"))["group"]  # type: ignore[no-any-return]
