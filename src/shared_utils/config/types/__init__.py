"""The types that a value can be read as. `composite` is imported only for those that `scalars` does not have."""

from __future__ import annotations

from shared_utils.config.types.scalars import CONVERTERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["convert"]


def convert(content: Any, kind: Any) -> Any:
    """Return `content` as a `kind`.

    Args:
        content: str, bytes, StringList, or a JSON-like tree.
        kind: a type or type expression; None, Any and object take it as it is.

    Raises:
        ConversionError: it is not one.
    """
    converter = CONVERTERS.get(kind) if isinstance(kind, type) else None
    if converter is not None:
        return converter(content)
    if kind is None and isinstance(content, str):
        return content
    from shared_utils.config.types.composite import convert_any

    return convert_any(content, kind)
