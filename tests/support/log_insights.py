"""A part of CloudWatch Logs Insights' query language, over lines of JSON: filter, fields, and stats count(*) by.

Syntax: Amazon CloudWatch Logs user guide, "CloudWatch Logs Insights query syntax". Nested fields are reached by dots,
items of lists by numbers; booleans are 1 and 0.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

__all__ = ["query"]

_TERM = re.compile(
    r"""^(?:ispresent\((?P<present>[\w.]+)\)|(?P<key>[\w.]+)\s*(?P<operator>=|!=|>=|<=|like)\s*"""
    r"""(?:"(?P<text>[^"]*)"|(?P<number>-?\d+)|(?P<other>[a-z_.]+)))$"""
)


def query(text: str, lines: list[dict[str, Any]]) -> list[Any]:
    """Return what the query finds: for ``fields`` a tuple for each line, for ``stats`` sorted groups and counts."""
    result: list[Any] = lines
    for command in text.strip().split(" | "):
        name, _, rest = command.partition(" ")
        if name == "filter":
            result = [
                line for line in result if any(all(map(_test(line), x.split(" and "))) for x in rest.split(" or "))
            ]
        elif name == "fields":
            result = [tuple(_field(line, key) for key in rest.split(", ")) for line in result]
        elif name == "stats" and rest.startswith("count(*) by "):
            groups = Counter(_field(line, rest.removeprefix("count(*) by ")) for line in result)
            result = sorted(groups.items())
        else:
            raise ValueError(f"not a command that is known here: {command}")
    return result


def _field(line: Any, key: str) -> Any:
    for part in key.split("."):
        if isinstance(line, list):
            line = line[int(part)] if int(part) < len(line) else None
        else:
            line = line.get(part) if isinstance(line, dict) else None
    return int(line) if isinstance(line, bool) else line


def _test(line: dict[str, Any]) -> Any:
    def holds(term: str) -> bool:
        found = _TERM.match(term.strip())
        if found is None:
            raise ValueError(f"not a condition that is known here: {term}")
        if found["present"]:
            return _field(line, found["present"]) is not None
        left = _field(line, found["key"])
        right: Any = found["text"] if found["text"] is not None else _field(line, found["other"] or "")
        right = int(found["number"]) if found["number"] else right
        if left is None or type(left) is not type(right):
            return False
        match found["operator"]:
            case "=":
                return bool(left == right)
            case "!=":
                return bool(left != right)
            case ">=":
                return bool(left >= right)
            case "<=":
                return bool(left <= right)
        return right in left

    return holds
