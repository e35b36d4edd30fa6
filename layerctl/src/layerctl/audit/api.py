"""Records of the OSV API (https://google.github.io/osv.dev/api/), where there is a network."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

from layerctl.audit.osv import parse_record
from layerctl.audit.records import Records
from layerctl.core.errors import LayerctlError
from layerctl.core.web import WebError, ask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from layerctl.audit.components import Component

__all__ = ["ask_api"]

_TIMEOUT = 30  # seconds
_MAX = 64 << 20  # bytes of an answer
_BATCH = 1000  # queries in one request, at most
_PAGES = 100  # of one query; a loop ends here


def ask_api(components: Iterable[Component], address: str) -> Records:
    """Return the records that the API has for some components.

    Args:
        components: what to ask about, by name: the versions are matched here, by the same rules as offline.
        address: ``https://api.osv.dev``, or another of the same protocol.

    Raises:
        LayerctlError: it cannot be asked, or its answer is not OSV's.
    """
    if urllib.parse.urlsplit(address).scheme not in ("https", "http"):
        raise LayerctlError(f"{address!r} is no address of an OSV API", hint="expected https://…")
    address = address.rstrip("/")
    records = Records(origin=address)
    names = sorted({component.name for component in components})
    ids = {found for start in range(0, len(names), _BATCH) for found in _ids(address, names[start : start + _BATCH])}
    for record_id in sorted(ids):
        try:
            records.add(parse_record(_ask(f"{address}/v1/vulns/{urllib.parse.quote(record_id, safe='')}")))
        except ValueError as error:
            records.problems.append(f"{address}: {record_id}: {error}")
    return records


def _ids(address: str, names: list[str]) -> Iterator[str]:
    pending = [{"package": {"ecosystem": "PyPI", "name": name}} for name in names]
    for _ in range(_PAGES):
        answer = _ask(f"{address}/v1/querybatch", {"queries": pending})
        results = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(results, list) or len(results) != len(pending):
            raise LayerctlError(f"{address} answers something else than OSV", hint="name another --api, or --records")
        again: list[dict[str, Any]] = []
        for query, result in zip(pending, results, strict=True):
            yield from (str(vulnerability["id"]) for vulnerability in (result or {}).get("vulns") or ())
            if token := (result or {}).get("next_page_token"):
                again.append(query | {"page_token": token})
        if not again:
            return
        pending = again
    raise LayerctlError(f"{address} has no end of pages", hint="name another --api, or --records")


def _ask(address: str, body: dict[str, Any] | None = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})  # noqa: S310 - checked above
    hint = "run again, or name OSV's records on this machine with --records"
    try:
        return json.loads(ask(request, timeout=_TIMEOUT, most=_MAX))
    except (WebError, ValueError, RecursionError) as error:
        raise LayerctlError(f"{address} cannot be asked: {error}", hint=hint) from None
