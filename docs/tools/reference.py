"""Write docs/layer-toml.md and the pages of docs/reference: ``python -m docs.tools.reference``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from docs.tools import api, commands, environment, layer_toml, log_keys, metric_limits

from layerctl.config import layer_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FOLDER", "pages", "write"]

FOLDER = Path(__file__).resolve().parents[1] / "reference"


def pages() -> Iterator[tuple[str, str]]:
    """Yield the path, below docs/reference, and the text of each page."""
    for module, folder in (
        (api, "api/"),
        (commands, "commands/"),
        (environment, ""),
        (log_keys, ""),
        (metric_limits, ""),
    ):
        for name, text in module.pages():
            yield f"{folder}{name}", text


def write() -> None:
    """Replace the folder with the pages of today."""
    written = dict(pages())  # before anything is deleted
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name, text in written.items():
        page = FOLDER / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, "utf-8")
    layer_toml.PAGE.write_text(layer_toml.render(layer_schema()), "utf-8")


if __name__ == "__main__":
    write()
