"""Environment variables. `resolve` reads them, because their values may be references to other sources."""

from __future__ import annotations

from shared_utils.config.outcomes import INVALID, Failure
from shared_utils.config.sources.base import Source

__all__ = ["SOURCE"]


class _Env(Source):
    def normalise(self, name: str, key: str | None, options: dict[str, str]) -> str:
        if "=" in name or "\0" in name:
            raise Failure(INVALID, "no variable can have this name", hint="write env://NAME")
        return name


SOURCE = _Env()
