"""What a repository wants told: `--select`, `--ignore`, and the table `[tool.layerctl]` of its pyproject.toml."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layerctl.core.errors import LayerctlError
from layerctl.core.files.find import find_above
from layerctl.core.files.read import read_toml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from layerctl.core.diagnostics import Finding

__all__ = ["Selection"]

_KEYS = ("select", "ignore", "exclude", "strict", "per-path-ignores")


@dataclass(frozen=True, slots=True)
class Selection:
    """What to tell. Rules are named by id, or by a pattern such as ``bytecode-*``.

    Attributes:
        select: the rules to tell; empty: all.
        ignore: rules not to tell.
        per_path: pattern of paths -> rules not to tell there. ``*`` matches slashes too. A path is that of the file
            relative to `root`, or that within an artifact.
        strict: warnings count as errors.
        root: the folder of the pyproject.toml.
        exclude: patterns, as in a .gitignore in `root`, of files and folders that no command looks at.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_path: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    strict: bool = False
    root: Path = field(default_factory=Path.cwd)
    exclude: tuple[str, ...] = ()

    @classmethod
    def load(cls, start: Path | None = None) -> Selection:
        """Read the table of the nearest pyproject.toml that has one; without one everything is told.

        Raises:
            LayerctlError: the file is no TOML, or the table has a key or a value that it cannot have.
        """
        path = find_above("pyproject.toml", start=start)
        if path is None:
            return cls()
        tool = read_toml(path).get("tool", {})
        table = tool.get("layerctl", {}) if isinstance(tool, dict) else {}
        where = f"{path}: [tool.layerctl]"
        if not isinstance(table, dict):
            raise LayerctlError(f"{where} is no table")
        for key in table:
            if key not in _KEYS:
                near = difflib.get_close_matches(key, _KEYS, n=1)
                raise LayerctlError(
                    f"{where} has no key {key!r}", hint=f"did you mean {near[0]}?" if near else f"there are {_KEYS}"
                )
        per_path = table.get("per-path-ignores", {})
        strict = table.get("strict", False)
        if not isinstance(per_path, dict) or not isinstance(strict, bool):
            raise LayerctlError(f"{where}: strict is true or false, per-path-ignores a table of lists")
        return cls(
            _names(table.get("select", []), f"{where} select"),
            _names(table.get("ignore", []), f"{where} ignore"),
            {pattern: _names(rules, f"{where} per-path-ignores {pattern!r}") for pattern, rules in per_path.items()},
            strict,
            path.parent,
            _names(table.get("exclude", []), f"{where} exclude", "patterns", '["tests/fixtures/", "*.sln.template"]'),
        )

    def narrowed(self, select: Iterable[str], ignore: Iterable[str], *, strict: bool) -> Selection:
        """Return this selection with a command line's options: --select replaces, --ignore adds."""
        return replace(
            self,
            select=tuple(select) or self.select,
            ignore=(*self.ignore, *ignore),
            strict=strict or self.strict,
        )

    def unknown(self, known: Collection[str]) -> list[str]:
        """Return the names and patterns that match none of the known rules."""
        named = (*self.select, *self.ignore, *(rule for rules in self.per_path.values() for rule in rules))
        return [name for name in dict.fromkeys(named) if not any(fnmatchcase(rule, name) for rule in known)]

    def wants(self, finding: Finding) -> bool:
        """Whether a finding is to be told."""
        if self.select and not _matches(finding.rule, self.select):
            return False
        if _matches(finding.rule, self.ignore):
            return False
        places = {finding.path, self._relative(finding.artifact or finding.path)}
        return not any(
            _matches(finding.rule, rules) and any(fnmatchcase(place, pattern) for place in places)
            for pattern, rules in self.per_path.items()
        )

    def _relative(self, path: str) -> str:
        absolute = Path(os.path.normpath(Path(path).absolute()))
        return absolute.relative_to(self.root).as_posix() if absolute.is_relative_to(self.root) else path


def _matches(rule: str, names: Iterable[str]) -> bool:
    return any(fnmatchcase(rule, name) for name in names)


def _names(value: Any, where: str, what: str = "rules", example: str = '["pin-old", "bytecode-*"]') -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise LayerctlError(f"{where} is {value!r}", hint=f"expected a list of {what}, e.g. {example}")
    return tuple(value)
