"""Reads text that a command needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_text"]


def read_text(path: Path, *, missing: str | None = None) -> str:
    """Return a file's text.

    Args:
        path: the file, in UTF-8.
        missing: what to do where there is none.

    Raises:
        LayerctlError: it does not exist, or cannot be read.
    """
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise LayerctlError(f"{path} does not exist", hint=missing) from None
    except (OSError, UnicodeDecodeError) as error:
        raise LayerctlError(f"{path} cannot be read: {error}") from None
