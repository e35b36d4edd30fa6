"""Why a value could not be had, and how that is told.

A `Failure` is the internal account of one read that gave no value; a `Problem` says it for one field; `error_of`
turns all problems of a load into one public error. None of them ever holds the value of a secret.
"""

from __future__ import annotations

from shared_utils.errors import ConfigError, ConfigUnavailable, InvalidConfig, MissingConfig

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DENIED", "INVALID", "MISSING", "UNAVAILABLE", "Failure", "Problem", "error_of", "one_line"]

MISSING = "missing"
"""The source answered that there is no such value: the only kind for which a default stands."""
INVALID = "invalid"
"""There is a value (or a reference), but it is not what was asked for."""
DENIED = "denied"
"""The source refused: credentials or permissions."""
UNAVAILABLE = "unavailable"
"""The source could not be reached, was too slow, throttled, or answered with something unusable."""

_LONGEST_MESSAGE = 400


def one_line(text: object, limit: int = _LONGEST_MESSAGE) -> str:
    """Fold `text` into one line of at most `limit` characters, fit for an error message."""
    folded = " ".join(str(text).split())
    return folded if len(folded) <= limit else folded[: limit - 1] + "…"


class Failure(Exception):  # noqa: N818 - never leaves this package; the public errors are in shared_utils.errors
    """One read that gave no value.

    `kind` is one of the four above, `code` the service's own error code ("" when there is none), `what` a sentence
    without a value in it, `remedy` what to do about it ("" when only the reader of the reference can know), and
    `transient` whether the same request may succeed a moment later.
    """

    def __init__(self, kind: str, what: str, *, code: str = "", remedy: str = "", transient: bool = False) -> None:
        super().__init__(what)
        self.kind = kind
        self.what = one_line(what)
        self.code = code
        self.remedy = remedy
        self.transient = transient


class Problem:
    """What is wrong with one field: its name, its source, what was wrong, and what to do."""

    __slots__ = ("code", "field", "kind", "remedy", "source", "what")

    def __init__(self, field: str, source: str, kind: str, what: str, remedy: str, code: str = "") -> None:  # noqa: PLR0917 - a record; read in one order everywhere
        self.field = field
        self.source = source
        self.kind = kind
        self.what = what
        self.remedy = remedy
        self.code = code

    def __repr__(self) -> str:
        return f"Problem({self})"

    def __str__(self) -> str:
        where = f"{self.field} ({self.source})" if self.field else self.source
        return f"{where}: {self.what}" + (f"; {self.remedy}" if self.remedy else "")


def error_of(problems: Sequence[Problem], subject: str = "") -> ConfigError:
    """Return one error that tells all `problems`, for `subject` (the Settings class; "" for a single value).

    Its class is that of the gravest kind: `ConfigUnavailable` when any value could not be read (trying again may
    help), else `InvalidConfig` when any was not what was asked for, else `MissingConfig`.
    """
    kinds = {problem.kind for problem in problems}
    if kinds & {UNAVAILABLE, DENIED}:
        kind: type[ConfigError] = ConfigUnavailable
    elif INVALID in kinds:
        kind = InvalidConfig
    else:
        kind = MissingConfig
    if subject:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        text = "\n  ".join([f"{subject}: {count}", *map(str, problems)])
    else:
        text = "\n".join(map(str, problems))
    error = kind(text)
    error.problems = tuple(problems)
    return error
