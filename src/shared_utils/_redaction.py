"""Secrets that this process has seen, so that no log line repeats one. Imports nothing: configuration feeds it."""

from __future__ import annotations

__all__ = ["register_secret", "secrets"]

secrets: set[str] = set()
"""Every secret text that was loaded or revealed."""


def register_secret(value: str) -> None:
    """Remember a text that must not appear in any log line."""
    if value:
        secrets.add(value)
