"""Templates that name a layer version, read as text: whatever the language, a pin has ``layer:NAME:NUMBER`` in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from layerctl.arn import LAYER_VERSION_ARN
from layerctl.errors import LayerctlError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["TemplateUse", "scan_templates"]

_SUFFIXES = {".yaml", ".yml", ".json", ".template", ".tf", ".tfvars", ".ts", ".js", ".py", ".toml"}
_SKIPPED = {".git", "node_modules", ".aws-sam", ".venv", "cdk.out", ".terraform"}
_MAX_SIZE = 10 * 2**20


@dataclass(frozen=True, slots=True)
class TemplateUse:
    """A pin in a file.

    Attributes:
        place: ``path:line``.
        version: the version number; None where the text does not say it (``layer:NAME:${Version}``).
        region, account: as the pin says; None where it has a variable instead, and so may mean any.
    """

    place: str
    version: int | None
    region: str | None = None
    account: str | None = None

    def may_be(self, account: str, region: str, version: int) -> bool:
        """Whether the pin can mean this version of the layer."""
        return self.version in (None, version) and self.region in (None, region) and self.account in (None, account)


def scan_templates(paths: Iterable[Path], layer: str) -> list[TemplateUse]:
    """Find the pins of a layer in files, and in all templates below folders.

    Raises:
        LayerctlError: a file that was named cannot be read.
    """
    uses: list[TemplateUse] = []
    for path in paths:
        for file in _files(path):
            uses += _scan(file, layer)
    return uses


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for entry in sorted(path.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            if entry.name not in _SKIPPED:
                yield from _files(entry)
        elif entry.suffix in _SUFFIXES and entry.is_file():
            yield entry


def _scan(file: Path, layer: str) -> Iterator[TemplateUse]:
    try:
        if file.stat().st_size > _MAX_SIZE:
            raise LayerctlError(f"{file} is larger than 10 MB", remedy="name the templates themselves")
        text = file.read_text("utf-8", errors="replace")
    except OSError as error:
        raise LayerctlError(f"{file} cannot be read: {error.strerror}") from None
    # "…:layer:NAME:3" or "…:layer:NAME:${Version}", but not the "…:layer:NAME:*" of an IAM policy.
    pin = re.compile(rf"(?<![\w-])layer:{re.escape(layer)}:(?!\*)(?P<version>\d+(?![\w$]))?")
    for number, line in enumerate(text.splitlines(), start=1):
        literal = {match.end(): match for match in LAYER_VERSION_ARN.finditer(line)}
        for match in pin.finditer(line):
            place = f"{file}:{number}"
            whole = literal.get(match.end())
            if match["version"] is None:
                yield TemplateUse(place, None)
            elif whole is not None:
                yield TemplateUse(place, int(whole["version"]), whole["region"], whole["account"])
            else:
                yield TemplateUse(place, int(match["version"]))
