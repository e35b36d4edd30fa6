"""Addresses that do not answer, and resolvers that do not either: RFC 8305, within the deadline."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import config
from shared_utils.config.aws import connect as _connect
from tests.support.fake_aws import Answer, FakeSsm
from tests.support.fault_proxy import black_hole, slow_resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.fake_aws import Call, Server

    Serve = Callable[..., Server]

STREAM = (socket.SOCK_STREAM, 6, "")


@pytest.fixture
def hole() -> Iterator[int]:
    """A port on which nothing answers."""
    with black_hole() as port:
        yield port


def resolve_to(patch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    """Let every name have these addresses."""

    def getaddrinfo(host: object, port: object, *_: object, **__: object) -> list[Any]:
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, *STREAM, (address, number))
            for address, number in addresses
        ]

    patch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_the_black_hole_is_one(hole: int) -> None:
    """The port that these tests use takes no connection and refuses none."""
    with socket.socket() as sock:
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            sock.connect(("127.0.0.1", hole))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_dead_address_does_not_hide_a_good_one(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, hole: int, place: int
) -> None:
    """Of three addresses one is good: it is reached, wherever in the answer it stands, and by one request."""
    server = serve(FakeSsm(**{"/a": "1"}))
    addresses = [("127.0.0.1", hole), ("127.0.0.1", hole)]
    addresses.insert(place, ("127.0.0.1", server.port))
    resolve_to(monkeypatch, *addresses)
    began = time.monotonic()
    assert config.get("ssm:///a") == "1"
    assert time.monotonic() - began < 5
    assert len(server.calls) == 1


def test_a_refusing_address_costs_no_time(serve: Serve, monkeypatch: pytest.MonkeyPatch, hole: int) -> None:
    """After a refusal the next address is tried at once, not after the delay between attempts."""
    server = serve(FakeSsm(**{"/a": "1"}))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        refusing = listener.getsockname()[1]
    started: list[float] = []
    real = _connect._start

    def start(*given: Any) -> Any:
        started.append(time.monotonic())
        return real(*given)

    monkeypatch.setattr(_connect, "_start", start)
    resolve_to(monkeypatch, ("127.0.0.1", refusing), ("127.0.0.1", refusing), ("127.0.0.1", server.port))
    assert config.get("ssm:///a") == "1"
    assert len(started) == 3
    assert started[2] - started[0] < 0.25


def test_only_dead_addresses_end_in_time(monkeypatch: pytest.MonkeyPatch, hole: int) -> None:
    """When no address answers, the read ends at its deadline with the address in the error."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
    resolve_to(monkeypatch, ("127.0.0.1", hole), ("127.0.0.1", hole))
    config.configure(deadline=0.7)
    began = time.monotonic()
    with pytest.raises(config.ConfigUnavailable, match="no connection to localhost:1 within"):
        config.get("ssm:///a")
    assert time.monotonic() - began < 4


def test_families_take_turns() -> None:
    """IPv6 and IPv4 addresses are tried in turns, beginning with the family that the system puts first."""

    def info(family: int, number: int) -> Any:
        return (family, *STREAM, (str(number), 1))

    four, six = socket.AF_INET, socket.AF_INET6
    given = [info(six, 1), info(six, 2), info(six, 3), info(four, 4), info(four, 5)]
    assert [one[4][0] for one in _connect.interleave(given)] == ["1", "4", "2", "5", "3"]
    given = [info(four, 1), info(six, 2), info(six, 3)]
    assert [one[4][0] for one in _connect.interleave(given)] == ["1", "2", "3"]
    assert _connect.interleave([]) == []


def test_the_losers_of_the_race_are_closed(serve: Serve, monkeypatch: pytest.MonkeyPatch, hole: int) -> None:
    """No socket is left open but the one that is used."""
    server = serve(FakeSsm(**{"/a": "1"}))
    made: list[Any] = []
    real = _connect._start

    def start(*given: Any) -> Any:
        made.append(real(*given))
        return made[-1]

    monkeypatch.setattr(_connect, "_start", start)
    resolve_to(monkeypatch, ("127.0.0.1", hole), ("127.0.0.1", server.port))
    assert config.get("ssm:///a") == "1"
    assert sorted(sock.fileno() >= 0 for sock in made) == [False, True]


def test_an_address_that_answers_nothing_is_not_the_first_of_the_next_try(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that takes connections and then says nothing: the next try goes to another address."""

    def silent(call: Call) -> Answer | None:
        dead.stopping.wait(10)
        return None

    good = serve(FakeSsm(**{"/a": "1"}))
    dead = serve(silent)
    resolve_to(monkeypatch, ("127.0.0.1", dead.port), ("127.0.0.1", good.port))
    config.configure(read_timeout=0.3)
    assert config.get("ssm:///a") == "1"
    assert (len(dead.calls), len(good.calls)) == (1, 1)


def test_a_slow_resolver_counts_against_the_deadline(serve: Serve) -> None:
    """A look-up of six seconds holds a read with a deadline of half a second for about that."""
    serve(FakeSsm(**{"/a": "1"}))
    config.configure(deadline=0.5)
    began = time.monotonic()
    told = r"no connection to localhost:\d+: its name was not found within"
    with slow_resolver(6), pytest.raises(config.ConfigUnavailable, match=told):
        config.get("ssm:///a")
    assert time.monotonic() - began < 4


def test_a_resolver_that_is_slow_but_in_time_is_waited_for(serve: Serve) -> None:
    """A look-up within the time-out for connecting is no failure."""
    server = serve(FakeSsm(**{"/a": "1"}))
    with slow_resolver(0.3):
        assert config.get("ssm:///a") == "1"
    assert len(server.calls) == 1


def test_an_unknown_name_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that the resolver does not know is told with the resolver's words."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://nowhere.example")
    config.configure(deadline=1)
    with pytest.raises(config.ConfigUnavailable, match=r"no connection to nowhere.example: Name or service not known"):
        config.get("ssm:///a")


def test_no_select_poll_and_no_limit_of_select(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept connections are looked at without poll (not everywhere there) and beyond select's 1,024 descriptors."""
    import resource
    import select

    monkeypatch.delattr(select, "poll", raising=False)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 1400:
        pytest.skip("too few descriptors here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1400), hard))
    server = serve(FakeSsm(**{"/a": "1", "/b": "2"}))
    opened = [socket.socket() for _ in range(1100)]
    try:
        assert config.get("ssm:///a") == "1"
        assert config.get("ssm:///b") == "2"
        assert server.connections == 1
        server.hang_up()
        assert config.get("ssm:///b", max_age=0) == "2"
        assert server.connections == 2
    finally:
        for sock in opened:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_reads_at_exit_need_no_thread(monkeypatch: pytest.MonkeyPatch, serve: Serve) -> None:
    """When the interpreter starts no more threads (3.12 and later, at exit), a read is made in the one there is."""
    serve(FakeSsm(**{f"/{number}": str(number) for number in range(25)}))
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name.startswith("shared_utils"):
            raise RuntimeError("can't start new thread at interpreter shutdown")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    fields = {f"p{number}": config.ssm(f"/{number}") for number in range(25)}
    assert type("Many", (config.Settings,), fields).load().p24 == "24"


PLAIN = """
import sys
before = set(sys.modules)  # what measures coverage has loaded some
from shared_utils import config
assert config.get("ssm:///a") == "1"
assert config.get("ssm:///b", max_age=0) == "2"
print(sorted({"socket", "selectors", "ssl"} & set(sys.modules) - before))
"""


def test_a_read_over_plain_http_needs_no_import_of_socket(serve: Serve) -> None:
    """The extension, an emulator and a container's credentials are reached without its enumerations."""
    server = serve(FakeSsm(**{"/a": "1", "/b": "2"}))
    done = subprocess.run([sys.executable, "-c", PLAIN], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
    assert len(server.calls) == 2


def test_what_has_patched_socket_is_respected(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that forbid connections (pytest-socket) and other event loops (gevent) put a class of theirs there."""
    server = serve(FakeSsm(**{"/a": "1"}))

    class Forbidden(socket.socket):
        def __init__(self, *_: object, **__: object) -> None:
            super().__init__()
            self.close()
            raise OSError("no connections in this test")

    monkeypatch.setattr(socket, "socket", Forbidden)
    config.configure(deadline=0.3)
    with pytest.raises(config.ConfigUnavailable, match="no connections in this test"):
        config.get("ssm:///a")
    assert not server.calls
