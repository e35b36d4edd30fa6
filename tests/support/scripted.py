"""A server that answers with given bytes, connection by connection."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

from shared_utils.config.aws.endpoints import Endpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Scripted"]


class Scripted:
    """A server that gives each connection its answers, whatever is asked; None waits, and after the last it closes."""

    def __init__(self, connections: Sequence[Sequence[bytes | None]]) -> None:
        self.requests: list[tuple[int, bytes]] = []  # the number of the connection, and what came
        self._connections = list(connections)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.endpoint = Endpoint("http", "127.0.0.1", self._listening.getsockname()[1])
        self._ended = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        for number, answers in enumerate(self._connections):
            with contextlib.suppress(OSError):
                connection, _ = self._listening.accept()
                threading.Thread(target=self.answer, args=(number, connection, answers), daemon=True).start()

    def answer(self, number: int, connection: socket.socket, answers: Sequence[bytes | None]) -> None:
        """Serve one connection."""
        with connection, contextlib.suppress(OSError):
            for answer in answers:
                received = b""
                while b"\r\n\r\n" not in received:
                    data = connection.recv(65536)
                    if not data:
                        return
                    received += data
                self.requests.append((number, received))
                if answer is None:
                    self._ended.wait(10)
                    return
                connection.sendall(answer)

    def close(self) -> None:
        """Let go what waits, and listen no more."""
        self._ended.set()
        self._listening.close()
