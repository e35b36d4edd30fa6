"""Versions from `layers.json`: a file, or an https address."""

from __future__ import annotations

import http.client
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from layerctl.core.errors import LayerctlError
from layerctl.pins.resolve.versions import PublishedVersion
from layerctl.releases.index.model import LayerIndex

if TYPE_CHECKING:
    from layerctl.scan.model import Pin

__all__ = ["IndexSource", "load_index"]

_MAX_BYTES = 20_000_000
_TIMEOUT_SECONDS = 20.0


class IndexSource:
    """An index that was read."""

    def __init__(self, index: LayerIndex, name: str) -> None:
        self.name = name
        self.index = index
        self.layers = frozenset({index.layer})
        self.failures: dict[str, str] = {}
        self._versions = [
            PublishedVersion(
                published.arn,
                release.version,
                published.date,
                release.runtimes,
                release.architectures,
                release.yanked.reason if release.yanked else None,
                release.yanked.severity if release.yanked else "",
                release.notes,
            )
            for release in index.releases.values()
            for published in release.regions.values()
        ]

    def published(self, pin: Pin) -> list[PublishedVersion] | None:
        """The index's versions, if the pin's layer is the index's: by name, and by account where the pin has one."""
        if pin.name != self.index.layer:
            return None
        mine = [one for one in self._versions if pin.account in {None, one.arn.account}]
        return mine if mine or not self._versions else None


def load_index(where: str) -> IndexSource:
    """Read an index from a file or an address.

    Args:
        where: a path, or an address that begins with ``https://`` (``http://`` to this machine only).

    Raises:
        LayerctlError: it cannot be read, or is no index.
    """
    if "://" in where:
        return IndexSource(LayerIndex.parse(_fetch(where), _shown(where)), _shown(where))
    return IndexSource(LayerIndex.load(Path(where)), where)


def _fetch(address: str) -> str:
    import urllib.error
    import urllib.request

    if not _allowed(address):
        raise LayerctlError(f"{_shown(address)}: only https addresses are read", hint="use https://, or a file")

    class Redirects(urllib.request.HTTPRedirectHandler):
        """Follows a redirect only to where we would have gone at once."""

        def redirect_request(self, *request: Any) -> urllib.request.Request | None:
            if not _allowed(request[-1]):
                raise urllib.error.URLError("it leads away from https")
            return super().redirect_request(*request)

    try:
        with urllib.request.build_opener(Redirects).open(address, timeout=_TIMEOUT_SECONDS) as answer:
            data: bytes = answer.read(_MAX_BYTES + 1)
    except urllib.error.HTTPError as error:
        error.close()  # it is the answer, too
        raise LayerctlError(f"{_shown(address)}: HTTP {error.code}", hint="check the address of the index") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise LayerctlError(f"{_shown(address)} cannot be fetched: {reason}", hint="check the network") from None
    if len(data) > _MAX_BYTES:
        raise LayerctlError(f"{_shown(address)} is larger than {_MAX_BYTES} bytes", hint="check the address")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise LayerctlError(f"{_shown(address)} is not UTF-8 text", hint="check the address") from None


def _allowed(address: str) -> bool:
    """https, or http to this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"})


def _shown(address: str) -> str:
    """The address without user, password and query, which may hold a token."""
    if "://" not in address:
        return address
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
