"""How bad a vulnerability is: the qualitative ratings of CVSS (v3.1 specification, section 5)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Rating", "rate"]


class Rating(IntEnum):
    """A rating; `UNKNOWN` stands above all, so that what nobody rated is not passed over."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4
    UNKNOWN = 5

    def __str__(self) -> str:
        return self.name.lower()


# The lowest score of each rating.
_SCORES = ((9.0, Rating.CRITICAL), (7.0, Rating.HIGH), (4.0, Rating.MEDIUM), (0.1, Rating.LOW), (0.0, Rating.NONE))
_WORDS = {
    "LOW": Rating.LOW,
    "MODERATE": Rating.MEDIUM,
    "MEDIUM": Rating.MEDIUM,
    "HIGH": Rating.HIGH,
    "CRITICAL": Rating.CRITICAL,
}
# The newest version of CVSS that a record has counts.
_ORDER = ("CVSS_V4", "CVSS_V3", "CVSS_V2")


def rate(severities: Iterable[Any], word: object) -> Rating:
    """Return the rating of a record.

    Args:
        severities: OSV's ``severity`` lists, the affected package's first: ``{"type": "CVSS_V3", "score": vector}``.
        word: the database's own rating, for records without a vector that can be read.
    """
    found = [rated for rated in severities if isinstance(rated, dict)]
    for kind in _ORDER:
        scores = [
            score
            for rated in found
            if rated.get("type") == kind and (score := _score(kind, rated.get("score"))) is not None
        ]
        if scores:
            return next(rating for least, rating in _SCORES if max(scores) >= least)
    return _WORDS.get(word.upper(), Rating.UNKNOWN) if isinstance(word, str) else Rating.UNKNOWN


def _score(kind: str, vector: object) -> float | None:
    """Return the base score of a vector; None where it is none."""
    from cvss import CVSS2, CVSS3, CVSS4
    from cvss.exceptions import CVSSError

    if not isinstance(vector, str):
        return None
    try:
        if kind == "CVSS_V4":
            return float(CVSS4(vector).base_score)
        return float(CVSS3(vector).base_score) if kind == "CVSS_V3" else float(CVSS2(vector).base_score)
    except (CVSSError, ValueError, TypeError):
        return None
