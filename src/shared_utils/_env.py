"""Environment variables: what is set, what a switch says, whether anything changed; and the service's name.

A variable that is empty counts as not set: AWS's emulator passes those that it does not know as empty strings.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

__all__ = ["decoded", "first_of", "in_lambda", "on_service", "service", "set_service", "stored", "switch", "text_of"]

# The words that Powertools' switches understand (its strtobool).
_TRUE = frozenset({"1", "y", "yes", "t", "true", "on"})
_FALSE = frozenset({"0", "n", "no", "f", "false", "off", ""})

aws_allowed = True
"""Whether configuration may ask AWS itself; the pytest plugin says no (see `shared_utils.testing.config`)."""
_service: str | None = None
on_service: list[Callable[[], None]] = []  # called when `set_service` has been


def text_of(name: str) -> str:
    """Return the variable's text without white space around it; "" when it is not set."""
    look_up, (key,) = stored((name,))
    return (decoded(look_up(key)) or "").strip()


def first_of(*names: str) -> tuple[str, str] | None:
    """Return name and text of the first of the variables that is set, or None."""
    for name in names:
        text = text_of(name)
        if text:
            return name, text
    return None


def service() -> str | None:
    """Return the service's name: as `set_service` was given it, else from the environment."""
    found = first_of("SHARED_UTILS_SERVICE", "POWERTOOLS_SERVICE_NAME")
    return _service or (found[1] if found else None)


def set_service(name: str | None) -> None:
    """Set the service's name for logging and metrics; None leaves it to the environment."""
    global _service  # noqa: PLW0603 - the one place that holds it
    _service = name
    for callback in on_service:
        callback()


def switch(text: str) -> bool | None:
    """Return what a switch's text says, in any case; "" is off. None when it is neither on nor off."""
    word = text.strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def in_lambda() -> bool:
    """Whether this is Lambda itself, and not the SAM CLI or `layerctl run`, which say so (AWS_SAM_LOCAL).

    Source: Lambda developer guide, "Defined runtime environment variables".
    """
    if text_of("AWS_SAM_LOCAL").lower() == "true":
        return False
    return first_of("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_INITIALIZATION_TYPE") is not None


def stored(names: Iterable[str]) -> tuple[Callable[[Any], Any], tuple[Any, ...]]:
    """Return a look-up and the keys to look up: ``tuple(map(lookup, keys))`` is the variables as they are stored.

    For hot paths that must notice a change. `os.environ.get` takes 0.7 µs for a variable that is not set (it raises two
    KeyErrors); the dictionary behind it is asked instead, where there is one. `decoded` makes text of what it holds.
    """
    data = getattr(os.environ, "_data", None)
    if data is None:
        return os.environ.get, tuple(names)
    return data.get, tuple(map(os.environ.encodekey, names))


def decoded(value: Any) -> str | None:
    """Return the text of a variable as `stored` looks it up."""
    return os.fsdecode(value) if isinstance(value, bytes) else value
