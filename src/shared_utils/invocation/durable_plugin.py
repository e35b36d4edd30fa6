"""The plugin for the durable execution SDK, switched on by ``DURABLE_EXECUTION_PLUGINS=shared_utils``.

With a plugin the SDK runs the handler and each branch in a copy of the context that called it, so that lines and
metrics know their invocation when several are open. The SDK finds it by the entry point group
``aws_durable_execution.plugins``.
"""

from __future__ import annotations

from threading import get_ident

from aws_durable_execution_sdk_python.plugin import DurableInstrumentationPlugin

from shared_utils.invocation import lifecycle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aws_durable_execution_sdk_python.plugin import InvocationStartInfo

__all__ = ["factory"]


class _Plugin(DurableInstrumentationPlugin):
    """Tells the invocation which thread its handler runs in."""

    def on_invocation_start(self, info: InvocationStartInfo) -> None:
        """Take note of the thread: the time-out watch looks at what it does."""
        invocation = lifecycle.here()
        if invocation is not None:
            invocation.thread = get_ident()


class _Factory:
    """Makes a plugin for each invocation."""

    def create_plugin(self, info: InvocationStartInfo, /) -> DurableInstrumentationPlugin:
        """Return a plugin for one invocation."""
        return _Plugin()


factory = _Factory()
