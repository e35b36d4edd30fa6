"""JSON that people write: by the standard, and with the place of a mistake."""

from __future__ import annotations

import json
from typing import Any

from layerctl.core.errors import LayerctlError

__all__ = ["no_constant", "parse_json"]


def parse_json(text: str, name: str, *, hint: str | None = None) -> Any:
    """Read JSON.

    Args:
        text: what was written.
        name: what it is, for errors: a path, and perhaps words before it.
        hint: what to do where it is not JSON.

    Raises:
        LayerctlError: it is not JSON, with line and column, or is nested too deep.
    """
    try:
        return json.loads(text, parse_constant=no_constant)
    except RecursionError:
        raise LayerctlError(f"{name} is nested too deep", hint=hint) from None
    except json.JSONDecodeError as error:
        raise LayerctlError(f"{name}:{error.lineno}:{error.colno} is not JSON: {error.msg}", hint=hint) from None
    except ValueError as error:
        raise LayerctlError(f"{name} is not JSON: {error}", hint=hint) from None


def no_constant(name: str) -> Any:
    """Refuse NaN and Infinity, which RFC 8259 does not have, Lambda's API does not take, and Python's parser does."""
    raise ValueError(f"{name} is no JSON value")
