"""structlog is set up the moment it is imported; it is not imported here.

Its import is most of what a first line used to cost: seventeen modules of its own, dataclasses, inspect and asyncio.
Our logger speaks its bound-logger protocol without it, so a function whose libraries do not use structlog never loads
it. Where one does, a finder on `sys.meta_path` sees the import, lets it happen as ever, and calls back.
"""

from __future__ import annotations

import sys

from shared_utils.logging.settings import SETTINGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

__all__ = ["join"]


def join() -> None:
    """Set structlog up now if it is imported, else right after it will be."""
    structlog = sys.modules.get("structlog")
    if structlog is not None:
        _set_up(structlog)
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder(_set_up))


def _set_up(_structlog: ModuleType) -> None:
    from shared_utils.logging.structlog_defaults import set_up

    set_up()


class _Finder:
    """Finds structlog by the other finders, once, and has its loader call back (importlib's finder protocol)."""

    def __init__(self, call_back: Callable[[ModuleType], None]) -> None:
        self._call_back = call_back

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of structlog, and None for every other module."""
        if name != "structlog":
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader, self._imported)  # type: ignore[assignment]
                return spec
        return None

    def _imported(self, module: ModuleType) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        self._call_back(module)


class _Loader:
    """Loads as the loader that it stands for, which the module keeps, and calls back."""

    def __init__(self, loader: Any, imported: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._imported = imported

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Create the module as its own loader does."""
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, then call back; an import that fails leaves the finder where it was."""
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._imported(module)


SETTINGS.on_use.append(join)
