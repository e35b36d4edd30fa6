"""The types of a class's fields, whether its annotations are objects or texts.

`typing.get_type_hints` does this too, but importing typing costs a cold start 2 ms, and it does not know the names that
a function's local class refers to.
"""

from __future__ import annotations

import sys

from shared_utils.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType
    from typing import Any

__all__ = ["evaluate_now", "field_types"]


def evaluate_now(cls: type, frame: FrameType) -> dict[str, Any]:
    """Return the types of those annotations that the names visible where `cls` is defined can resolve.

    Those of a function, or of a module that is not in sys.modules, cannot be seen later. What cannot be resolved
    yet (it refers to what is defined below) waits for `field_types`.
    """
    kinds: dict[str, Any] = {}
    annotations: dict[str, Any] = vars(cls).get("__annotations__", {})
    for name, kind in annotations.items():
        try:
            kinds[name] = _evaluate(kind, frame.f_globals, frame.f_locals)
        except Exception:  # noqa: S112 - a forward reference, for example
            continue
    return kinds


def field_types(cls: type, fields: Iterable[str]) -> dict[str, Any]:
    """Return the type of each field, None for those without annotation.

    Raises:
        ConfigError: an annotation that cannot be resolved, or a field that has a type but no source.
    """
    kinds: dict[str, Any] = dict.fromkeys(fields)
    for base in reversed(cls.__mro__):
        module = sys.modules.get(base.__module__)
        for name, kind in {**_annotations(base), **vars(base).get("_evaluated", {})}.items():
            if base.__module__ == "shared_utils.config.settings":
                continue
            if isinstance(kind, str) and name in kinds:
                try:
                    kind = _evaluate(kind, vars(module) if module else {}, vars(base))  # noqa: PLW2901
                except Exception as error:  # whatever the expression does
                    raise ConfigError(
                        f"{base.__qualname__}.{name}: the type {kind!r} cannot be resolved ({error}); "
                        "import it at run time, not only for type checkers"
                    ) from None
            if name in kinds:
                kinds[name] = kind
            elif not hasattr(cls, name) and "ClassVar" not in str(kind):
                raise ConfigError(
                    f"{base.__qualname__}.{name} has a type but no source; "
                    f"give it one: {name}: … = config.env(…), ssm(…), secret(…) or appconfig(…)"
                )
    return kinds


def _annotations(base: type) -> dict[str, Any]:
    """Return a class's own annotations; from Python 3.14 they are made when they are asked for (PEP 649)."""
    if sys.version_info >= (3, 14) and base is not object:
        try:
            return dict(base.__annotations__)
        except NameError:
            import annotationlib

            return dict(annotationlib.get_annotations(base, format=annotationlib.Format.FORWARDREF))
    return dict(vars(base).get("__annotations__", {}))


def _evaluate(kind: Any, names: dict[str, Any], local_names: Any) -> Any:
    """Return the type that a text says, or a type with texts inside (``Optional["Secret"]``)."""
    if isinstance(kind, str):
        kind = eval(kind, names, dict(local_names))  # noqa: S307 - the class's own source, as typing does it
    if "ForwardRef(" in repr(kind):
        from typing import get_type_hints

        holder = type("holder", (), {"__annotations__": {"kind": kind}})
        kind = get_type_hints(holder, names, dict(local_names), include_extras=True)["kind"]
    return kind
