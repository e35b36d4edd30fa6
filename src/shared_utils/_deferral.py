"""Keep a heavy module out of a start-up that does not use it.

``import structlog`` takes more than twice as long as it must, because structlog's modules import asyncio at their
top and use it only inside the ``a*`` methods of their own bound loggers. While `deferred` is active, such an import
is answered with a stand-in that imports the real module when an attribute is first asked for. When the block ends,
the stand-ins are gone from ``sys.modules``: whoever imports the module afterwards gets the real one, as ever.
"""

from __future__ import annotations

import _thread
import logging
import sys
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["deferred"]


class _StandIn(ModuleType):
    """Answers for a module that has not been imported; every attribute is the real module's."""

    def __getattr__(self, attribute: str) -> Any:
        # Asked while the block is still active: whoever asks needs the real module now.
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), attribute)


@contextmanager
def deferred(*names: str) -> Iterator[None]:
    """Within the block, ``import name`` yields a stand-in for each of `names` that is not loaded already.

    Does nothing while other threads run: one of them could pick up a stand-in that is not meant for it.
    Only for modules that the code imported in the block touches inside functions.
    """
    stand_ins = [] if _thread._count() else [_StandIn(name) for name in names if name not in sys.modules]
    # A log record asks asyncio, when it is loaded, for the current task; and structlog makes a record at import.
    tasks = "logAsyncioTasks"  # from Python 3.12 on
    asks_for_tasks = getattr(logging, tasks, False)
    for stand_in in stand_ins:
        sys.modules[stand_in.__name__] = stand_in
    if asks_for_tasks:
        setattr(logging, tasks, False)
    try:
        yield
    finally:
        if asks_for_tasks:
            setattr(logging, tasks, True)
        for stand_in in stand_ins:
            if sys.modules.get(stand_in.__name__) is stand_in:
                del sys.modules[stand_in.__name__]
