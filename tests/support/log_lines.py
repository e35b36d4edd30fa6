"""Reading log lines as strict readers do."""

from __future__ import annotations

import json

__all__ = ["strict"]


def strict(line: str) -> dict:
    """Parse a line as a strict reader does: no NaN, no key twice."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    def once(pairs: list) -> dict:
        keys = [key for key, _ in pairs]
        assert len(keys) == len(set(keys)), f"a key stands twice in {keys}"
        return dict(pairs)

    return json.loads(line, parse_constant=refuse, object_pairs_hook=once)
