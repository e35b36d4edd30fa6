"""The outcome of one read, a `Value` or a `Failure`, and the public error that tells failures.

No message here ever holds the value of a secret.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared_utils.errors import ConfigError, Problem

__all__ = [
    "BRIEFLY",
    "DENIED",
    "FAILING",
    "INVALID",
    "MISSING",
    "MORE_TIME",
    "NEVER",
    "THROTTLED",
    "UNAVAILABLE",
    "Failure",
    "Value",
    "make_error",
    "one_line",
]

MISSING = "missing"
"""The source answered that there is no such value: the only kind that a default replaces."""
INVALID = "invalid"
"""There is a value (or a reference), but it is not what was asked for."""
DENIED = "denied"
"""The source refused: credentials or permissions."""
UNAVAILABLE = "unavailable"
"""The source could not be reached, was too slow, throttled, or answered with something unusable."""

NEVER, BRIEFLY, FAILING, THROTTLED = "never", "briefly", "failing", "throttled"
"""How a failed request is tried again, see `aws.retry`."""

MORE_TIME = "try again; if it stays, give reads more time with config.configure(deadline=…, read_timeout=…)"
"""The hint of a read that ended without an answer of the service."""

_LONGEST_MESSAGE = 400


def one_line(text: object, limit: int = _LONGEST_MESSAGE) -> str:
    """Fold `text` into one line of at most `limit` characters, fit for an error message."""
    folded = " ".join(str(text).split())
    return folded if len(folded) <= limit else folded[: limit - 1] + "…"


class Value:
    """The answer of a source: str, bytes, list of str (StringList) or a JSON-like tree; and whether it is secret.

    Of a path, `sensitive_names` are the names of its secret parameters.
    """

    __slots__ = ("content", "sensitive", "sensitive_names")

    def __init__(
        self, content: object, *, sensitive: bool = False, sensitive_names: frozenset[str] = frozenset()
    ) -> None:
        self.content = content
        self.sensitive = sensitive or bool(sensitive_names)
        self.sensitive_names = sensitive_names


class Failure(Exception):  # noqa: N818 - never leaves this package; the public errors are in shared_utils.errors
    """A read without a value.

    `kind` is one of the four above, `code` the service's own error code ("" when there is none), `what` a sentence
    without a value in it, `hint` what to do about it ("" when it depends on the reference), and `retry` how the same
    request is tried again: NEVER, BRIEFLY (a few times), or until the deadline because the service is FAILING or has
    THROTTLED it.
    """

    def __init__(self, kind: str, what: str, *, code: str = "", hint: str = "", retry: str = NEVER) -> None:
        super().__init__(what)
        self.kind = kind
        self.what = one_line(what)
        self.code = code
        self.hint = hint
        self.retry = retry


def make_error(problems: Sequence[Problem], subject: str = "") -> ConfigError:
    """Return one error that tells all `problems` of `subject` (the Settings class; "" for a single value).

    Its class is that of the gravest kind: `ConfigUnavailable` when any value could not be read (trying again may
    help), else `InvalidConfig` when any was not what was asked for, else `MissingConfig`.
    """
    from shared_utils.errors import ConfigUnavailable, InvalidConfig, MissingConfig

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
