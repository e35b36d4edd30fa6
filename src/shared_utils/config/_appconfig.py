"""AppConfig: sessions, their single-use tokens, and the interval at which one may poll."""

from __future__ import annotations

from shared_utils.config._errors import UNAVAILABLE, Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from shared_utils.config._cache import Value
    from shared_utils.config._references import Reference
    from shared_utils.config._transports import Transport

__all__ = ["Sessions"]


class Sessions:
    """One session for each profile that is read."""

    def read(self, reference: Reference, transport: Transport, ask: Callable[..., dict[str, Any]]) -> Value:
        """Return the newest configuration."""
        raise Failure(UNAVAILABLE, "AppConfig is not read yet")
