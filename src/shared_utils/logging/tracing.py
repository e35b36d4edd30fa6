"""The active span of OpenTelemetry in a line. Loaded when its API is."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from shared_utils.logging.render import Context

__all__ = ["with_span"]


def with_span(values: dict[str, Any], contexts: tuple[Context, ...]) -> dict[str, Any]:
    """Return `values` with the ids of the active span, as OpenTelemetry names and writes them."""
    try:
        span = sys.modules["opentelemetry.trace"].get_current_span().get_span_context()
        if not span.is_valid:
            return values
        ids = {"trace_id": format(span.trace_id, "032x"), "span_id": format(span.span_id, "016x")}
    except (AttributeError, KeyError, TypeError, ValueError):  # half imported, or somebody's own
        return values
    for context in contexts:
        ids = {key: value for key, value in ids.items() if key not in context._context}
    return {**ids, **values}
