"""The part of structlog's bound-logger protocol that carries values (`structlog.typing.BindableLogger`).

As in structlog a logger is immutable, and `_logger`, `_processors` and `_context` are there for custom wrappers and for
`structlog.get_context`.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing's, without the import: it would cost every cold start 2 ms
if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any, Self

__all__ = ["Bindable"]


class Bindable:
    """Carries values from call to call."""

    __slots__ = ("_context", "_encoded", "_logger", "_processors")

    def __init__(self, logger: Any, processors: Any, context: MutableMapping[str, Any]) -> None:
        self._logger = logger
        self._processors = processors
        self._context = context
        self._encoded: object = None  # kept by the line for the next one

    def bind(self, **new_values: Any) -> Self:
        """Return a logger with these values added."""
        # A context may be of a class of one's own (structlog.configure(context_class=…)).
        context = self._context.__class__({**self._context, **new_values})  # type: ignore[call-arg]
        return self.__class__(self._logger, self._processors, context)

    def unbind(self, *keys: str) -> Self:
        """Return a logger without these values.

        Raises:
            KeyError: one of them is not bound.
        """
        logger = self.bind()
        for key in keys:
            del logger._context[key]
        return logger

    def try_unbind(self, *keys: str) -> Self:
        """Return a logger without these values, bound or not."""
        logger = self.bind()
        for key in keys:
            logger._context.pop(key, None)
        return logger

    def new(self, **new_values: Any) -> Self:
        """Return a logger with these values only."""
        return self.try_unbind(*self._context).bind(**new_values)

    def __repr__(self) -> str:
        return f"<{self.__class__.__name__}(context={self._context!r}, processors={self._processors!r})>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bindable) and self._context == other._context

    # As in structlog: what is equal by its values has no hash.
    __hash__ = None  # type: ignore[assignment]
