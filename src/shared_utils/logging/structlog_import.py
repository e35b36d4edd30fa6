"""The import of structlog, which happens as ever, and is told. Loaded when it happens."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

__all__ = ["find"]


def find(
    asked: object, path: Sequence[str] | None, target: ModuleType | None, call_back: Callable[[], None]
) -> ModuleSpec | None:
    """Return structlog's spec, as another finder than `asked` finds it; `call_back` is called once it is imported."""
    for finder in sys.meta_path:
        spec = None if finder is asked else finder.find_spec("structlog", path, target)
        if spec is not None:
            if spec.loader is not None:
                spec.loader = _Loader(spec.loader, call_back)  # type: ignore[assignment]
            return spec
    return None


class _Loader:
    """Loads as the loader that it stands for, which the module keeps, and calls back."""

    def __init__(self, loader: Any, call_back: Callable[[], None]) -> None:
        self._loader = loader
        self._call_back = call_back

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Create the module as its own loader does."""
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, then call back; an import that fails leaves the finder where it was."""
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._call_back()
