"""A file of environment variables in the format of ``sam local … --env-vars``.

SAM developer guide, "Environment variables": ``{"Function": {"NAME": "value"}}``, where Function is a logical id or a
name, and ``Parameters`` stands for all functions. As there, only variables that the template gives a function are
replaced; unlike there, what has no effect is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from layerctl.core.errors import LayerctlError
from layerctl.core.files.read import read_text
from layerctl.core.json_text import parse_json

if TYPE_CHECKING:
    from pathlib import Path

    from layerctl.templates.sam import LocalFunction

__all__ = ["EnvVars"]

_EVERY = "Parameters"


class EnvVars:
    """The variables of such a file.

    Args:
        path: the file, JSON.

    Raises:
        LayerctlError: it cannot be read, or has another form.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values = _read(path)
        self._used: set[tuple[str, str]] = set()
        self._known: set[str] = {_EVERY}

    def of(self, function: LocalFunction) -> dict[str, str]:
        """The variables of a function that the file replaces."""
        found: dict[str, str] = {}
        # The logical id goes before the name, and both before what is for all.
        own = next((name for name in (function.logical_id, function.name) if name in self._values), None)
        self._known |= {function.logical_id, function.name}
        for key in (_EVERY, own):
            for name, value in self._values.get(key or "", {}).items():
                if name in function.environment:
                    found[name] = value
                    self._used.add((str(key), name))
        return found

    def notes(self, *, every: bool) -> list[str]:
        """What had no effect on the functions that were asked about, in one line each.

        Args:
            every: these were all functions, so that what belongs to none of them belongs nowhere.
        """
        notes = []
        for key, values in self._values.items():
            if not every and key in (_EVERY, *(self._values.keys() - self._known)):
                continue
            if key not in self._known:
                notes.append(f"{self._path}: there is no function {key} here")
            elif missing := [name for name in values if (key, name) not in self._used]:
                whose = "no function such a variable" if key == _EVERY else f"{key} no such variable"
                notes.append(
                    f"{self._path}: {', '.join(missing)} not set: the template gives {whose} to replace"
                    " (--env sets any)"
                )
        return notes


def _read(path: Path) -> dict[str, dict[str, str]]:
    name = f"--env-vars {path}"
    data = parse_json(read_text(path, name=name).removeprefix("\ufeff"), name, hint="mend it")
    hint = 'expected {"FunctionId": {"NAME": "value"}}, or "Parameters" in place of a function\'s id'
    if not isinstance(data, dict):
        raise LayerctlError(f"--env-vars {path} is no JSON object", hint=hint)
    for name, values in data.items():
        if not isinstance(values, dict):
            raise LayerctlError(f"--env-vars {path}: the value of {name} is no object", hint=hint)
    return {
        name: {key: _text(path, name, key, value) for key, value in values.items()} for name, values in data.items()
    }


def _text(path: Path, name: str, key: str, value: Any) -> str:
    """A value as the function gets it. Its text is not shown: it may be a secret."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
    raise LayerctlError(f"--env-vars {path}: {name}.{key} is no text", hint="write JSON in quotes, as one text")
