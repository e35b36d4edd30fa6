"""An event or a response for the log: redacted inside whatever holds it, and cut to size. Loaded when one is logged.

What a request carries is mostly text within the event: JSON, a form, a multipart body, an address with a query, each
perhaps in base64. A key says what is secret, so each is taken apart; what cannot be is left out, and its size told.
"""

from __future__ import annotations

import json
import re

from shared_utils._json import JSONConverter
from shared_utils.invocation.encodings import (
    BASE64,
    SIGNS,
    encoded_keys,
    is_compressed,
    is_text,
    raw_of,
    text_of_bytes,
    unquoted,
)
from shared_utils.logging.fields import escape
from shared_utils.logging.settings import SETTINGS
from shared_utils.redaction import MASK, REDACTION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["shown"]

_ATTEMPTS = 8
_DEEPEST = 8  # texts within texts
# JSON up to this size keeps its layout when it holds nothing to hide; to know that no key comes twice costs time.
_SHOWN_AS_IT_CAME = 64 * 1024

# The beginning of a form: fields up to the first equals sign; what stands before the query of an address; the first
# boundary of a multipart body, with a header after it.
_FORM = re.compile(r"""(?:[^\s&=<>{}"',;]{0,256}&){0,64}[^\s&=<>{}"',;]{1,256}=""")
_ADDRESS = re.compile(r"""(?:[a-zA-Z][a-zA-Z0-9+.-]{0,31}://|/)[^\s?#"'<>{}]*(?=[?#])""")
_BOUNDARY = re.compile(r"(?:^|\n)(--[^\r\n]{1,100})\r?\n(?=[\w-]{1,64}:)")
_PART_NAME = re.compile(r"""\bname\*?=(?:"([^"\r\n]*)"|([^\s;"]+))""", re.IGNORECASE)
_PART_FILE = re.compile(r"\bfilename\*?=", re.IGNORECASE)
_TAG = re.compile(r"<([A-Za-z_][\w.:-]{0,255})((?:\s[^<>]*)?)>")
_TAG_NAME = re.compile(r"""\b(?:name|key|id)\s*=\s*(?:"([^"<>]*)"|'([^'<>]*)')""")
_TAG_VALUE = re.compile(r"""(\bvalue\s*=\s*)(?:"[^"<>]*"|'[^'<>]*')""")
_DATA_URL = re.compile(r"data:[^,\s]{0,256};base64,")
_SPACE = re.compile(r"\s*")
_CREDENTIALS = re.compile(r"(?:bearer|basic|digest|negotiate)\s+\S.*", re.IGNORECASE | re.DOTALL)


def shown(what: str, content: Any, limit: int) -> Any:
    """Return `content` as JSON types, redacted, whose text in the line has at most `limit` bytes.

    Args:
        what: the key that it will have in the line.
        content: an event, a response, or any other value.
        limit: in bytes of UTF-8 as they are written, escapes included.
    """
    allowance = 3 * limit  # so much that whatever fits is left whole: more is reckoned with than is written
    for _ in range(_ATTEMPTS):
        result = _Payload(allowance).value(content)
        size = _size(what, result)
        if size <= limit:
            return result
        allowance = max(0, min(limit, allowance * limit // size) - 64)
    return f"<{size} bytes: too long>" if limit > 30 else ""


def _size(what: str, content: Any) -> int:
    """Return how many bytes the content takes in the line."""
    if SETTINGS.serializer is not None:
        from shared_utils.logging.full import serialized

        text = serialized({what: content}, report=False)
        if text is not None:
            return len(text.encode()) - len(what) - 5
    return len(escape(json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))).encode())


class _Encoded:
    """Stands for a text that its surroundings say is base64."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class _Payload(JSONConverter):
    """Converts as usual, and looks into texts."""

    def __init__(self, allowance: int, depth: int = 0) -> None:
        super().__init__(allowance)
        self._depth = depth

    def items(self, items: Iterable[tuple[Any, Any]], into: dict[str, Any]) -> dict[str, Any]:
        """Add `items` as usual; what stands beside a value may say that it is base64, or what it is called."""
        pairs = list(items)
        content = {key: value for key, value in pairs if type(key) is str}
        if not SIGNS.isdisjoint(content):
            encoded = encoded_keys(content)
            pairs = [(key, _marked(value, key) if key in encoded else value) for key, value in pairs]
        return super().items(_without_named_secrets(pairs), into)

    def text(self, text: str, *, keep_end: bool = False, longest: int | None = None) -> str:
        """Return `text` as usual, after a look into it."""
        return super().text(self._looked_into(text), keep_end=keep_end, longest=longest)

    def _convert(self, value: Any) -> Any:
        kind = type(value)
        if kind is _Encoded:
            return self.text(self._decoded(value.text))
        if issubclass(kind, (bytes, bytearray, memoryview)):
            return self.text(self._of_bytes(bytes(value), "bytes"))
        return super()._convert(value)

    def _looked_into(self, text: str) -> str:
        """Return a text without the secrets that only its form tells; plain text as it is."""
        if self._depth >= _DEEPEST:
            return f"<{len(text)} characters: nested too deep>"
        start = text.lstrip("\ufeff \t\r\n")
        first = start[:1]
        if first and first in '{["':
            return self._json(text, start)
        if BASE64.fullmatch(text):
            return self._guessed(text)
        if _BOUNDARY.search(text, 0, 4096):
            return self._multipart(text)
        address = _ADDRESS.match(start)
        if address:
            place = start[: address.end() + 1]
            query, hash_sign, fragment = start[address.end() + 1 :].partition("#")
            return place + self._form(query) + (hash_sign and f"#{self._form(fragment)}")
        if _FORM.match(start):
            return self._form(text)
        if first == "<":
            return _without_named_elements(text)
        if _DATA_URL.match(start):
            head, _, data = start.partition(",")
            return f"{head},{self._guessed(data)}"
        return MASK if _CREDENTIALS.fullmatch(start) else text

    def _nested(self, text: str) -> str:
        """Return a text within this one, without secrets and uncut."""
        return REDACTION.scrub(_Payload(self.left, self._depth + 1)._looked_into(text))

    def _json(self, text: str, start: str) -> str:
        """Return a text of one JSON value or several without secrets; what is none of it as plain text."""
        repeated = [True] if len(start) > _SHOWN_AS_IT_CAME else []
        decoder = json.JSONDecoder(
            object_pairs_hook=None if repeated else lambda pairs: _object(pairs, repeated),
            parse_int=lambda digits: int(digits) if len(digits) < 1000 else digits,
        )
        pieces: list[str] = []
        changed = False
        at = shown = 0
        while at < len(start):
            if shown > self.left:  # as much as the line takes
                return "\n".join([*pieces, "…"])
            try:
                content, end = decoder.raw_decode(start, at)
            except RecursionError:
                return f"<{len(text)} characters: nested too deep>"
            except ValueError:
                if re.search(r"\\u00[2-7]", start[at:]):  # keys may be written so; a reader would find them
                    return f"<{len(text)} characters: broken JSON>"
                pieces.append(start[at:])
                break
            clean = _Payload(min(3 * (end - at) + 64, max(self.left, 64)), self._depth + 1).value(content)
            changed = changed or bool(repeated) or clean != content
            pieces.append(json.dumps(clean, ensure_ascii=False))
            shown += len(pieces[-1])
            space = _SPACE.match(start, end)
            at = end if space is None else space.end()
        return "\n".join(pieces) if changed else text

    def _form(self, text: str) -> str:
        """Return the fields of a form or a query, ``application/x-www-form-urlencoded``, without secrets."""
        fields = []
        shown = 0
        for field in text.split("&"):
            if shown > self.left:  # as much as the line takes
                fields.append("…")
                break
            shown += len(field)
            name, equals, value = field.partition("=")
            plain = unquoted(name)
            if equals and (REDACTION.is_sensitive(plain) or REDACTION.is_sensitive(unquoted(plain))):
                field = f"{name}={MASK}"  # noqa: PLW2901
            elif equals and value:
                said = unquoted(value)
                clean = self._nested(said)
                if clean != said:
                    field = f"{name}={clean.replace('&', '%26')}"  # noqa: PLW2901
            fields.append(field)
        return "&".join(fields)

    def _multipart(self, text: str) -> str:
        """Return the parts of a multipart body by name, files as their size (RFC 7578)."""
        found = _BOUNDARY.search(text)
        parts = []
        for part in text.split(found[1].rstrip() if found else text)[1:]:
            if part.startswith("--"):
                break
            head, _, body = part.lstrip("\r\n").replace("\r\n", "\n").partition("\n\n")
            body = body.removesuffix("\n")
            named = _PART_NAME.search(head)
            name = unquoted(named[1] or named[2] or "") if named else ""
            if REDACTION.is_sensitive(name):
                body = MASK
            elif _PART_FILE.search(head) or not is_text(body):
                body = f"<{len(body)} bytes>"
            else:
                body = self._nested(body)
            parts.append(f"{name}={body}")
        return "<multipart> " + "; ".join(parts)

    def _decoded(self, text: str) -> str:
        """Return what a text in base64 says, or its size."""
        raw = raw_of(text)
        return f"<not base64, {len(text)} characters>" if raw is None else self._of_bytes(raw, "base64")

    def _guessed(self, text: str) -> str:
        """Return a text that may be base64, as it is; its size when it says a secret or hides what it says."""
        raw = raw_of(text)
        if raw is None:
            return text
        said = text_of_bytes(raw)
        if is_compressed(raw) or (said is not None and self._nested(said) != said):
            return f"<base64, {len(raw)} bytes>"
        return text

    def _of_bytes(self, raw: bytes, what: str) -> str:
        text = text_of_bytes(raw)
        if text is None and _BOUNDARY.search(raw[:4096].decode("latin-1")):
            return self._multipart(raw.decode("latin-1"))
        return f"<{what}, {len(raw)} bytes>" if text is None else text


def _marked(value: Any, key: str) -> Any:
    if key == "awslogs" and isinstance(value, dict):
        return {name: _marked(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_marked(item, key) for item in value]
    return _Encoded(value) if isinstance(value, str) else value


def _without_named_secrets(pairs: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Mask the value in ``{"name": "password", "value": …}``."""
    lower = {key.lower(): value for key, value in pairs if type(key) is str and len(key) < 16}
    values = lower.keys() & {"value", "values", "stringvalue", "val"}
    names = [lower[key] for key in ("name", "key", "id", "field") if isinstance(lower.get(key), str)] if values else []
    if not any(REDACTION.hides(name, lower[key]) for name in names for key in values):
        return pairs
    return [(key, MASK if type(key) is str and key.lower() in values else value) for key, value in pairs]


def _without_named_elements(text: str) -> str:
    """Return XML or HTML without what stands in elements that are called, or name, something secret."""
    pieces = []
    done = 0
    for tag in _TAG.finditer(text):
        if tag.start() < done:
            continue
        named = _TAG_NAME.search(tag[2])
        if REDACTION.is_sensitive(tag[1].rpartition(":")[2]) or (
            named and REDACTION.is_sensitive(named[1] or named[2] or "")
        ):
            attributes = _TAG_VALUE.sub(rf'\1"{MASK}"', tag[2])
            pieces += [text[done : tag.start()], f"<{tag[1]}{attributes}>"]
            done = tag.end()
            end = text.find(f"</{tag[1]}", done)
            if end >= 0:
                pieces.append(MASK)
                done = end
    return "".join([*pieces, text[done:]]) if pieces else text


def _object(pairs: list[tuple[str, Any]], repeated: list[bool]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        repeated.append(True)
    return content
