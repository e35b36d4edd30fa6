"""The parsed form of a reference: ``scheme://name?option=value#key``. The rules of each scheme are its source's."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Children(Protocol):
        """Which other references are below one that names a path."""

        def name_of(self, base: str) -> str | None:
            """Return the relative name of the reference with that `base`, None when it is not below."""

        def base_of(self, name: str) -> str:
            """Return the `base` of the reference with that relative name."""


__all__ = ["Children", "Reference", "quote"]

# Bytes that a URI keeps as they are; every other becomes %XX, upper case.
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def quote(text: str, also: bytes = b"") -> str:
    """Percent-encode `text` by RFC 3986, keeping the unreserved characters and those in `also`."""
    return "".join(chr(b) if b in _UNRESERVED or b in also else f"%{b:02X}" for b in text.encode())


class Reference:
    """A scheme, a name, a key and options, in the canonical form that `sources.registry` gives them.

    `base` is the text without the key: what is read, and what is cached by. `children` is None unless it names a path.
    """

    __slots__ = ("base", "children", "key", "name", "options", "scheme")

    def __init__(self, scheme: str, name: str, key: str | None = None, options: dict[str, str] | None = None) -> None:
        self.scheme = scheme
        self.name = name
        self.key = key
        self.options = options or {}
        self.children: Children | None = None
        query = "&".join(f"{option}={self.options[option]}" for option in sorted(self.options))
        self.base = f"{scheme}://{name}" + (f"?{query}" if query else "")

    def __str__(self) -> str:
        return self.base if self.key is None else f"{self.base}#{self.key}"

    def __repr__(self) -> str:
        return f"Reference({str(self)!r})"

    @property
    def region(self) -> str | None:
        """The region to ask, when it is not the function's own: an option, or part of an ARN."""
        region = self.options.get("region")
        if region is None and self.name.startswith("arn:"):
            parts = self.name.split(":", 4)
            region = parts[3] if len(parts) > 4 else None
        return region or None
