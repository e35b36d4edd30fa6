"""The examples' templates as plain data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

__all__ = ["EXAMPLES", "read_template"]

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


class _Loader(yaml.SafeLoader):
    """Reads !Sub and other short forms as their plain value."""


_Loader.add_multi_constructor("!", lambda loader, tag, node: loader.construct_scalar(node))  # type: ignore[no-untyped-call]


def read_template(service: str) -> dict[str, Any]:
    """Return a template with its intrinsic functions as text."""
    loaded: dict[str, Any] = yaml.load((EXAMPLES / service / "template.yaml").read_text(), _Loader)
    return loaded
