"""Asks an address on the web. What a failure means to the user, the caller says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import urllib.request

__all__ = ["WebError", "ask"]


class WebError(Exception):
    """There is no answer that can be used; the message says why, without the address.

    Attributes:
        code: the HTTP status of an answer that is an error; None for every other failure.
    """

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason)
        self.code = code


def ask(
    request: urllib.request.Request, *handlers: type[urllib.request.BaseHandler], timeout: float, most: int
) -> bytes:
    """Return the body of an answer.

    Args:
        request: to an address whose scheme the caller has looked at.
        handlers: of urllib, in place of its own, e.g. for redirects.
        timeout: seconds, of each wait.
        most: bytes; a longer answer is refused.

    Raises:
        WebError: see there.
    """
    import http.client
    import urllib.error
    import urllib.request

    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=timeout) as answer:
            data: bytes = answer.read(most + 1)
    except urllib.error.HTTPError as error:
        error.close()  # it is the answer, too
        raise WebError(f"HTTP {error.code}", error.code) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise WebError(str(reason) or type(error).__name__) from None
    if len(data) > most:
        raise WebError(f"the answer is larger than {most} bytes")
    return data
