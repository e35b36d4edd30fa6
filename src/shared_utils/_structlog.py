"""structlog, imported without what only it needs and we never call.

asyncio alone takes half of its import, for async methods of loggers that are not ours. uuid is there for a deprecated
module, ast and tokenize for functions of `inspect`, which comes with dataclasses and is not called.
"""

from __future__ import annotations

from shared_utils._deferral import deferred

with deferred("asyncio", "uuid", "ast", "tokenize"):
    import structlog
    from structlog import contextvars

__all__ = ["structlog", "structlog_values"]

# Every variable that structlog.contextvars has ever bound; empty when nobody uses it, as in most functions.
_registry = getattr(contextvars, "_CONTEXT_VARS", {"unknown": None})


def structlog_values() -> dict[str, object]:
    """Return what libraries bound in this context by structlog's own functions."""
    return contextvars.get_contextvars() if _registry else {}
