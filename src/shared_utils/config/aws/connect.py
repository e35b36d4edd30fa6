"""Connections to the addresses of a host, as RFC 8305 ("Happy Eyeballs") says, within a deadline that includes DNS.

The import of `socket` would cost each cold start, most of it for enumerations; what it stands on, `_socket`, does what
is needed here. Where `socket` is loaded all the same it is used: TLS needs its class, and a function's own code or its
tests may have patched it (gevent, pytest-socket).
"""

from __future__ import annotations

import _socket
import errno
import os
import select
import sys
import time

from shared_utils.config.aws.retry import run_within

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Collection, Sequence
    from typing import Any

    AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]

__all__ = ["connect", "interleave"]

_ATTEMPT_DELAY = 0.25
"""Seconds after which the next address is tried beside those that have not answered (RFC 8305, section 5)."""
_UNDER_WAY = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK})


def connect(host: bytes, port: int, ends: float, avoid: Collection[object] = ()) -> tuple[socket.socket, object]:
    """Return a connected socket to the first address that answers, and that address.

    Args:
        host: the name or address, as bytes: a str would load the idna codec, 2 ms.
        port: the port.
        ends: the moment to give up, by the monotonic clock.
        avoid: addresses that are tried last.

    Raises:
        TimeoutError: none answered in time.
        OSError: all of them refused, or the host has none.
    """
    sockets: Any = sys.modules.get("socket", _socket)
    try:
        found = run_within(ends - time.monotonic(), lambda: sockets.getaddrinfo(host, port, 0, _socket.SOCK_STREAM))
    except TimeoutError:
        raise TimeoutError(": its name was not found") from None
    ordered = sorted(interleave(found), key=lambda info: info[4] in avoid)
    if not ordered:
        raise OSError(f"{host.decode()} has no address")
    return _race(sockets.socket, ordered, ends)


def interleave(infos: Sequence[AddressInfo]) -> list[AddressInfo]:
    """Return the addresses with the families in turns, in the system's order otherwise (RFC 8305, section 4)."""
    families: dict[int, list[AddressInfo]] = {}
    for info in infos:
        families.setdefault(info[0], []).append(info)
    longest = max(map(len, families.values()), default=0)
    return [same[number] for number in range(longest) for same in families.values() if number < len(same)]


def _start(new: type[socket.socket], info: AddressInfo) -> socket.socket:
    """Return a `new` socket that is connecting, or has connected. Raises OSError."""
    family, kind, protocol, _, address = info
    sock = new(family, kind, protocol)
    sock.setblocking(False)
    code = sock.connect_ex(address)
    if code in _UNDER_WAY:
        return sock
    sock.close()
    raise OSError(code, os.strerror(code))


def _race(new: type[socket.socket], infos: Sequence[AddressInfo], ends: float) -> tuple[socket.socket, object]:
    waiting = list(infos)
    racing: dict[socket.socket, object] = {}
    failure: OSError = TimeoutError("")
    winner = None
    try:
        while winner is None and (waiting or racing):
            if waiting:
                info = waiting.pop(0)
                try:
                    racing[_start(new, info)] = info[4]
                except OSError as error:
                    failure = error
                    continue
            pause = ends - time.monotonic()
            if pause <= 0:
                raise TimeoutError("")
            for sock in _wait(racing, min(pause, _ATTEMPT_DELAY) if waiting else pause):
                code = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
                if code == 0:
                    winner = sock
                    break
                failure = OSError(code, os.strerror(code))
                del racing[sock]
                sock.close()
        if winner is None:
            raise failure
        return winner, racing[winner]
    finally:
        for sock in racing:
            if sock is not winner:
                sock.close()


def _wait(racing: Collection[socket.socket], seconds: float) -> list[socket.socket]:
    """Return the sockets that have connected, or failed to, within some seconds; none when there is none."""
    if not hasattr(select, "poll"):  # Windows, and some builds for macOS
        from selectors import EVENT_WRITE, DefaultSelector

        with DefaultSelector() as selector:
            for sock in racing:
                selector.register(sock, EVENT_WRITE)
            return [key.fileobj for key, _ in selector.select(seconds)]  # type: ignore[misc]
    poll = select.poll()
    numbers = {sock.fileno(): sock for sock in racing}
    for number in numbers:
        poll.register(number, select.POLLOUT)
    return [numbers[number] for number, _ in poll.poll(seconds * 1000)]
