"""The files of templates: their usual names, and one as text and nodes, or why it cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerctl.templates.model import Fault, Place
from layerctl.templates.source import BinaryFileError, Source
from layerctl.templates.yaml import NodeError, Tree

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SAMCONFIGS", "TEMPLATES", "read_document"]

# What the SAM CLI looks for in a folder, in this order.
TEMPLATES = ("template.yaml", "template.yml", "template.json")
SAMCONFIGS = ("samconfig.toml", "samconfig.yaml", "samconfig.yml")

# CloudFormation takes 1 MB.
_MAX_BYTES = 8_000_000


def read_document(path: Path) -> tuple[Source, Tree] | Fault:
    """Read and parse a file in YAML or JSON."""
    shown = path.as_posix()
    try:
        if path.is_dir():
            return Fault(Place(shown), "is a folder, not a template", "name the template in it")
        size = path.stat().st_size
        if size > _MAX_BYTES:
            message = f"{size / 1e6:.0f} MB is too large for a template"
            return Fault(Place(shown, 1, 1), message, "CloudFormation takes 1 MB")
        source = Source.read(path)
        return source, Tree.parse(source.text)
    except FileNotFoundError:
        return Fault(Place(shown), "does not exist", "name a template")
    except OSError as error:
        return Fault(Place(shown), f"cannot be read: {error.strerror or error}", "check the name and the permissions")
    except BinaryFileError as error:
        return Fault(Place(shown, 1, 1), str(error), "name a template, a text file in YAML or JSON")
    except NodeError as error:
        return Fault(Place(shown, *source.place(error.offset)), str(error), "mend the template")
