"""Reads files that a command needs; what cannot be read is an error of the file: which, why, and what to do."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

from layerctl.core.errors import LayerctlError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["parse_toml", "read_bytes", "read_json", "read_text", "read_toml", "unreadable"]


def read_bytes(path: Path, *, missing: str | None = None, name: str = "") -> bytes:
    """Return what a file holds.

    Args:
        path: the file.
        missing: what to do where there is none.
        name: how errors name it; default: by its path.

    Raises:
        LayerctlError: it does not exist, or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(name or path, error, missing=missing) from None


def unreadable(name: Path | str, error: OSError, *, missing: str | None = None) -> LayerctlError:
    """Make an error of why a file cannot be read; `missing`: what to do where there is none."""
    if isinstance(error, FileNotFoundError):
        return LayerctlError(f"{name} does not exist", hint=missing or "check the name")
    hint = "name a file" if isinstance(error, IsADirectoryError) else "check the name and its permissions"
    return LayerctlError(f"{name} cannot be read: {error.strerror or error}", hint=hint)


def read_text(path: Path, *, missing: str | None = None, name: str = "") -> str:
    """Return a file's text, in UTF-8; ends of lines of any kind become line feeds.

    Raises:
        LayerctlError: as for `read_bytes`, or it is no such text.
    """
    try:
        text = read_bytes(path, missing=missing, name=name).decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"{name or path} is not text in UTF-8: {error.reason} (byte {error.start + 1})"
        raise LayerctlError(what, hint="save it in UTF-8, or name another file") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


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
        raise LayerctlError(f"{path} is not JSON: {error}", hint=hint or "mend it") from None


def read_toml(path: Path, *, missing: str | None = None) -> dict[str, Any]:
    """Return what a TOML file says.

    Raises:
        LayerctlError: as for `read_text`, or it is no TOML.
    """
    return parse_toml(read_text(path, missing=missing), path)


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """Return what the text of a TOML file says.

    Raises:
        LayerctlError: it is no TOML.
    """
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is a plain ValueError
        raise LayerctlError(f"{path} is not TOML: {error}", hint="mend it") from None
