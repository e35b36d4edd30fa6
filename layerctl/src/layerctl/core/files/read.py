"""Reads files that a command needs; what cannot be read is an error of the file."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_bytes", "read_json", "read_text", "read_toml"]


def read_bytes(path: Path, *, missing: str | None = None) -> bytes:
    """Return what a file holds.

    Args:
        path: the file.
        missing: what to do where there is none.

    Raises:
        LayerctlError: it does not exist, or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise LayerctlError(f"{path} does not exist", hint=missing) from None
    except OSError as error:
        raise LayerctlError(f"{path} cannot be read: {error.strerror or error}") from None


def read_text(path: Path, *, missing: str | None = None) -> str:
    """Return a file's text, in UTF-8; ends of lines of any kind become line feeds.

    Raises:
        LayerctlError: as for `read_bytes`, or it is no such text.
    """
    try:
        return read_bytes(path, missing=missing).decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise LayerctlError(f"{path} cannot be read: {error}") from None


def read_json(path: Path, *, missing: str | None = None, hint: str | None = None) -> Any:
    """Return what a JSON file says.

    Args:
        path: the file.
        missing: what to do where there is none.
        hint: what to do where it is no JSON.

    Raises:
        LayerctlError: as for `read_text`, or it is no JSON.
    """
    try:
        return json.loads(read_text(path, missing=missing))
    except (ValueError, RecursionError) as error:
        raise LayerctlError(f"{path} is not JSON: {error}", hint=hint) from None


def read_toml(path: Path, *, missing: str | None = None) -> dict[str, Any]:
    """Return what a TOML file says.

    Raises:
        LayerctlError: as for `read_text`, or it is no TOML.
    """
    try:
        return tomllib.loads(read_text(path, missing=missing))
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is a plain ValueError
        raise LayerctlError(f"{path} is not TOML: {error}") from None
