"""The interface of a transport: one way to ask AWS."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from shared_utils.config.aws.retry import Deadline

    class Transport(Protocol):
        """One way to ask AWS."""

        name: str

        def supports(self, operation: str) -> bool:
            """Whether it offers `operation`, written like ``ssm:GetParameters``."""

        def call(
            self, operation: str, request: dict[str, Any], region: str | None, deadline: Deadline
        ) -> dict[str, Any]:
            """Ask once and return the answer as the API reference describes it. Any failure is a `Failure`."""

        def close(self) -> None:
            """Drop connections: after a fork, a restore, or for good."""


__all__ = ["Transport"]
