"""The race of a host's addresses, exactly: who starts when, how long is waited, who wins, and what a failure says."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils.config.aws import connect as _connect
from shared_utils.config.aws.connect import connect

if TYPE_CHECKING:
    from collections.abc import Sequence

REFUSED, GONE = errno.ECONNREFUSED, errno.EHOSTUNREACH


class Racer:
    """A socket that is connecting; its outcome comes some seconds after its start."""

    def __init__(self, name: str, code: int, at: float) -> None:
        self.name = name
        self.code = code
        self.at = at
        self.closed = False

    def getsockopt(self, *_: int) -> int:
        """Return how connecting ended."""
        return self.code

    def close(self) -> None:
        """End it."""
        self.closed = True


class Race:
    """A world in which addresses answer after some seconds: `(seconds, code)` each, or a code at once, or never."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *addresses: tuple[float, int] | int | None) -> None:
        self.now = 100.0
        self.started: list[tuple[str, float]] = []
        self.waits: list[float] = []
        self.racers: dict[str, Racer] = {}
        self._addresses = {chr(97 + number): address for number, address in enumerate(addresses)}
        self.found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (name, 1)) for name in self._addresses]
        self.asked: list[tuple[object, ...]] = []
        monkeypatch.setattr(_connect, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(_connect, "_start", self._start)
        monkeypatch.setattr(_connect, "_wait", self._wait)
        monkeypatch.setattr(socket, "getaddrinfo", self._resolve)

    def _resolve(self, *given: object) -> list[Any]:
        self.asked.append(given)
        return self.found

    def _start(self, new: object, info: Any) -> Any:
        assert new is socket.socket
        name = info[4][0]
        self.started.append((name, self.now - 100))
        answer = self._addresses[name]
        if isinstance(answer, int):
            raise OSError(answer, os.strerror(answer))
        seconds, code = (1e9, 0) if answer is None else answer
        self.racers[name] = Racer(name, code, self.now + seconds)
        return self.racers[name]

    def _wait(self, racing: Sequence[Racer], seconds: float) -> list[Racer]:
        assert racing
        assert not any(racer.closed for racer in racing)
        self.waits.append(seconds)
        first = min(racer.at for racer in racing)
        self.now = min(self.now + seconds, max(first, self.now))
        return [racer for racer in racing if racer.at <= self.now]

    def run(self, seconds: float = 10.0, avoid: set[object] | None = None) -> str:
        """Return which address is connected to."""
        won: Any = connect(b"h.x", 443, self.now + seconds, {(name, 1) for name in avoid or ()})
        racer, address = won
        assert (address, racer.closed) == ((racer.name, 1), False)
        assert all(other.closed for other in self.racers.values() if other is not racer)
        return str(racer.name)


RACES: dict[str, tuple[Sequence[Any], str, list[tuple[str, float]], list[float]]] = {
    "the first answers": ([(0.1, 0), (0.1, 0)], "a", [("a", 0)], [0.25]),
    "the only one answers late": ([(3, 0)], "a", [("a", 0)], [10.0]),
    "the first is slow": ([(5, 0), (0.1, 0)], "b", [("a", 0), ("b", 0.25)], [0.25, 9.75]),
    "the first wins beside others": (
        [(0.6, 0), None, None, (0, 0)],
        "a",
        [("a", 0), ("b", 0.25), ("c", 0.5)],
        [0.25, 0.25, 0.25],
    ),
    "the first two are refused at once": ([REFUSED, REFUSED, (0.1, 0)], "c", [(x, 0) for x in "abc"], [10.0]),
    "one is refused later": ([(0.1, REFUSED), (0.1, 0)], "b", [("a", 0), ("b", 0.1)], [0.25, 9.9]),
    "one is refused beside another": (
        [(4, 0), (0.1, REFUSED), (9, 0)],
        "a",
        [("a", 0), ("b", 0.25), ("c", 0.35)],
        [0.25, 0.25, 9.65],
    ),
    "two answer at once": ([(0.35, 0), (0.1, 0)], "a", [("a", 0), ("b", 0.25)], [0.25, 9.75]),
}


@pytest.mark.parametrize("case", RACES)
def test_who_starts_when_and_who_wins(monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    """The next address starts after a quarter of a second, or when one has failed; the first to answer wins."""
    addresses, winner, started, waits = RACES[case]
    race = Race(monkeypatch, *addresses)
    assert race.run() == winner
    assert [(name, round(at, 6)) for name, at in race.started] == started
    assert [round(seconds, 6) for seconds in race.waits] == waits
    assert race.asked == [(b"h.x", 443, 0, socket.SOCK_STREAM)]


def test_the_addresses_that_are_avoided_come_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """In their order, as the others in theirs."""
    race = Race(monkeypatch, *[REFUSED] * 3, (0, 0))
    assert race.run(avoid={"a", "b"}) == "d"
    assert [name for name, _ in race.started] == ["c", "d"]
    race = Race(monkeypatch, *[REFUSED] * 4)
    with pytest.raises(ConnectionRefusedError):
        race.run(avoid={"a", "c"})
    assert [name for name, _ in race.started] == ["b", "d", "a", "c"]


FAILURES: dict[str, tuple[Sequence[Any], type[OSError], int | None, float]] = {
    "all refused at once": ([REFUSED, GONE], OSError, GONE, 0),
    "refused later": ([(1, GONE), (2, REFUSED)], ConnectionRefusedError, REFUSED, 2.25),
    "refused, then nothing": ([REFUSED, None], TimeoutError, None, 10),
    "nothing": ([None, None], TimeoutError, None, 10),
}


@pytest.mark.parametrize("case", FAILURES)
def test_what_is_said_when_nobody_answers(monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    """What the last one failed with, at once; where one is still waited for when the time is over, that it is."""
    addresses, kind, code, seconds = FAILURES[case]
    race = Race(monkeypatch, *addresses)
    with pytest.raises(kind) as caught:
        race.run()
    assert caught.value.errno == code
    assert caught.value.strerror == (None if code is None else os.strerror(code))
    assert caught.value.args == (("",) if code is None else (code, os.strerror(code)))
    assert all(racer.closed for racer in race.racers.values())
    assert race.now == 100 + seconds


@pytest.mark.parametrize(
    ("seconds", "waits"), [(0.0, []), (0.125, [0.125]), (0.25, [0.25]), (0.75, [0.25, 0.25, 0.25])]
)
def test_the_race_ends_with_its_time(monkeypatch: pytest.MonkeyPatch, seconds: float, waits: list[float]) -> None:
    """To the moment, and no wait is longer than what is left."""
    race = Race(monkeypatch, *[None] * 9)
    with pytest.raises(TimeoutError):
        _connect._race(socket.socket, race.found, race.now + seconds)
    assert race.waits == waits


def test_a_host_without_addresses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than an error of the race."""
    with pytest.raises(OSError, match=r"^h\.x has no address$"):
        Race(monkeypatch).run()


def test_a_socket_does_not_block_and_fails_with_the_systems_words() -> None:
    """Of the family, kind and protocol that the address asks for; closed when it fails at once."""
    made: list[Any] = []

    class Socket(socket.socket):
        def __init__(self, *given: Any) -> None:
            made.append(given)
            super().__init__(*given)
            made.append(self)

        def connect_ex(self, address: Any) -> int:
            made.append(address)
            return int(address[1])

    for code in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
        sock = _connect._start(Socket, (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", code)))
        assert made == [(socket.AF_INET6, socket.SOCK_STREAM, 6), sock, ("::1", code)]
        assert sock.gettimeout() == 0
        sock.close()
        made.clear()
    with pytest.raises(ConnectionRefusedError) as caught:
        _connect._start(Socket, (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", REFUSED)))
    assert caught.value.args == (REFUSED, os.strerror(REFUSED))
    assert made[1].fileno() == -1


@pytest.mark.parametrize("poll", [True, False])
def test_those_that_can_be_written_to_are_told(monkeypatch: pytest.MonkeyPatch, *, poll: bool) -> None:
    """With poll and where there is none, in time, and none when none has connected."""
    if not poll:
        monkeypatch.delattr(select, "poll")
    ours, theirs = socket.socketpair()
    full, reader = socket.socketpair()
    with ours, theirs, full, reader:
        full.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                full.send(b"x" * 65536)
        reader.send(b"x")  # what can only be read has not connected
        assert _connect._wait([full, ours], 5.0) == [ours]
        assert _connect._wait([full], 0.001) == []
        assert _connect._wait([], 0.001) == []
        theirs.close()
        assert _connect._wait([ours], 5.0) == [ours]


def test_waits_are_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll counts in thousandths of one."""
    waited: list[float] = []

    def poll(given: float) -> list[Any]:
        waited.append(given)
        return []

    made = SimpleNamespace(register=lambda *_: None, poll=poll)
    monkeypatch.setattr(select, "poll", lambda: made)
    assert _connect._wait([], 0.25) == []
    assert waited == [250.0]
