"""Finds the rules and checks of a package of rule modules, so that a new rule is a new file and nothing else."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Any

from layerctl.rules.model import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType

__all__ = ["checks_in", "rules_in"]


def rules_in(*names: str, command: str | None = None) -> dict[str, Rule]:
    """Return the rules that some modules, or the modules of some packages, define or use, by id in that order.

    Args:
        names: the modules or packages. A module that names itself has defined its rules before.
        command: only the rules that this command applies.
    """
    rules: dict[str, Rule] = {}
    for module in _modules(names):
        for value in vars(module).values():
            if isinstance(value, Rule) and (command is None or command in value.commands):
                assert rules.setdefault(value.id, value) is value, f"two rules are called {value.id}"
    return rules


def checks_in(package: str) -> list[Callable[[Any], Iterable[Any]]]:
    """Return the functions ``check_…`` that the modules of a package define, by module and place in it."""
    return [
        value
        for module in _modules([package])
        for name, value in vars(module).items()
        if name.startswith("check_") and getattr(value, "__module__", None) == module.__name__
    ]


def _modules(names: Iterable[str]) -> Iterator[ModuleType]:
    for name in names:
        module = import_module(name)
        yield module
        for info in pkgutil.iter_modules(getattr(module, "__path__", ())):
            yield import_module(f"{name}.{info.name}")
