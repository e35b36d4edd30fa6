"""The one source of randomness.

It is the operating system's: the state of `random` would be the same in every environment that is restored from one
SnapStart snapshot (Lambda developer guide, "Handling uniqueness with Lambda SnapStart").
"""

from __future__ import annotations

import os

__all__ = ["fraction"]


def fraction() -> float:
    """Return a random number from 0 up to, but not including, 1."""
    return int.from_bytes(os.urandom(4), "little") / 2**32
