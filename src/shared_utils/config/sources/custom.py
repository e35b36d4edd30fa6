"""Sources of the application's own: a scheme and a function that reads a path."""

from __future__ import annotations

from contextvars import copy_context

from shared_utils.config.aws.retry import run_within
from shared_utils.config.outcomes import INVALID, MISSING, MORE_TIME, UNAVAILABLE, Failure, Value
from shared_utils.config.sources.base import Reading, Source, register_secret_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from shared_utils.config.references import Reference

    Reader = Callable[[str], str | bytes | None]

__all__ = ["CustomSource"]


class CustomSource(Source):
    """What comes after the scheme, question mark included, goes to a function."""

    options = None

    def __init__(self, scheme: str, reader: Reader, *, secret: bool) -> None:
        self._scheme = scheme
        self._reader = reader
        self.secret = secret

    def read(self, reading: Reading, reference: Reference) -> None:
        """Deliver what the function returns; whatever it raises is a failure."""
        context = copy_context()  # the reader runs in another thread, and may log
        left = reading.deadline.remaining()
        failure = None
        content: object = None
        try:
            content = run_within(left, lambda: context.run(self._reader, reference.name))
        except TimeoutError:
            failure = Failure(UNAVAILABLE, f"the reader of {self._scheme}:// gave no answer in time", hint=MORE_TIME)
        except Exception as error:  # its text may hold a value
            what = f"the reader of {self._scheme}:// raised {type(error).__name__}"
            failure = Failure(UNAVAILABLE, what, hint="look at the function that was registered for it")
        if failure is not None:
            raise failure
        if content is None:
            raise Failure(MISSING, f"the reader of {self._scheme}:// found nothing", hint="correct the reference")
        if not isinstance(content, (str, bytes)):
            what = f"the reader of {self._scheme}:// returned {type(content).__name__}"
            raise Failure(INVALID, what, hint="let it return str, bytes, or None for what is missing")
        reading.deliver(reference.base, self.local_value(reference, content))

    def local_value(self, reference: Reference, given: object) -> Value:
        """Return the value, after the logger knows it if it is secret."""
        if self.secret:
            from shared_utils.redaction.values import register_secret

            if isinstance(given, str):
                register_secret_text(given, reference.base)
            else:
                register_secret(given, owner=reference.base)
        return Value(given, sensitive=self.secret)
