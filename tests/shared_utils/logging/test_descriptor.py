"""What a line's way to its descriptor does: encoded, locked, all of it, in order, whatever the system answers."""

from __future__ import annotations

import fcntl
import os
import resource
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils.logging import shared_output
from shared_utils.logging.shared_output import write_descriptor, write_despite, write_whole
from tests.support.idle import wait_until_idle

if TYPE_CHECKING:
    from collections.abc import Callable


class Stream:
    """A standard output of an encoding; what it is given is kept, as is when it was told to pass it on."""

    def __init__(self, descriptor: int, encoding: str = "utf-8") -> None:
        self.encoding = encoding
        self.fileno = lambda: descriptor
        self.did: list[str] = []

    def write(self, text: str) -> None:
        """Take a text."""
        text.encode(self.encoding)
        self.did.append(text)

    def flush(self) -> None:
        """Pass on what was taken."""
        self.did.append("flush")


class System:
    """The calls of the system that a write makes, in order, and its answers to writes: a number, an error, a call."""

    def __init__(self, *answers: int | Exception | Callable[[], object]) -> None:
        self.answers = list(answers)
        self.did: list[tuple[object, ...]] = []
        self.lock_fails: Exception | None = None

    def write(self, descriptor: int, data: memoryview) -> int:
        """Take some bytes."""
        answer = self.answers.pop(0) if self.answers else len(data)
        if callable(answer):
            answer()
            answer = len(data)
        if isinstance(answer, Exception):
            self.did.append((descriptor, type(answer)))
            raise answer
        self.did.append((descriptor, bytes(data[:answer])))
        return answer

    def lockf(self, descriptor: int, kind: int) -> None:
        """Lock or unlock."""
        if self.lock_fails is not None:
            raise self.lock_fails
        self.did.append((descriptor, {fcntl.LOCK_EX: "locked", fcntl.LOCK_UN: "unlocked"}[kind]))

    def wait(self, descriptor: int) -> None:
        """Wait until it takes something again."""
        self.did.append((descriptor, "waited"))


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Callable[..., System]:
    """Put a system with some answers in the place of the real one."""

    def put(*answers: Any) -> System:
        made = System(*answers)
        locks = SimpleNamespace(lockf=made.lockf, LOCK_EX=fcntl.LOCK_EX, LOCK_UN=fcntl.LOCK_UN)
        monkeypatch.setattr(shared_output, "_locks", locks)
        monkeypatch.setattr(shared_output, "os", SimpleNamespace(write=made.write))
        monkeypatch.setattr(shared_output, "_await", made.wait)
        return made

    return put


def test_a_line_is_encoded_as_its_stream_does_and_locked_while_it_is_written(system: Callable[..., System]) -> None:
    """What was printed before is passed on first; the stream itself gets nothing."""
    ours, stream = system(), Stream(7, "latin-1")
    assert write_whole(stream, "é\n", is_shared=True) is True
    assert ours.did == [(7, "locked"), (7, b"\xe9\n"), (7, "unlocked")]
    assert stream.did == ["flush"]


def test_what_the_encoding_has_not_is_left_to_the_stream(system: Callable[..., System]) -> None:
    """Its own error says which way the line takes next."""
    ours, stream = system(), Stream(7, "latin-1")
    assert write_whole(stream, "€\n", is_shared=True) is False
    assert (ours.did, stream.did) == ([], [])


@pytest.mark.parametrize("size", [4095, 4096, 4097])
@pytest.mark.parametrize("shared", [True, False])
def test_the_size_of_a_line_that_needs_a_lock_is_in_bytes(
    system: Callable[..., System], size: int, *, shared: bool
) -> None:
    """More than a pipe takes whole, or any where others write; characters do not count."""
    ours = system()
    text = "é" * (size // 2) + "x" * (size % 2)
    assert write_whole(Stream(7), text, is_shared=shared) is (shared or size > 4096)
    assert bool(ours.did) is (shared or size > 4096)


def test_a_line_that_is_taken_in_parts_is_written_to_its_end(system: Callable[..., System]) -> None:
    """Under one lock; where nothing is taken at the moment it waits and goes on, as often as needed."""
    ours = system(2, BlockingIOError(), BlockingIOError(), 1)
    write_whole(Stream(7), "abcdef", is_shared=True)
    assert ours.did == [
        (7, "locked"),
        (7, b"ab"),
        *[(7, BlockingIOError), (7, "waited")] * 2,
        (7, b"c"),
        (7, b"def"),
        (7, "unlocked"),
    ]


@pytest.mark.parametrize("error", [OSError(5, "gone"), BrokenPipeError()])
def test_a_line_without_a_reader_is_lost_and_the_next_is_not(system: Callable[..., System], error: Exception) -> None:
    """The lock is given back, and nothing raises."""
    ours = system(error)
    for text in ("first", "next"):
        assert write_whole(Stream(7), text, is_shared=True) is True
    assert ours.did == [
        *[(7, "locked"), (7, type(error)), (7, "unlocked")],
        *[(7, "locked"), (7, b"next"), (7, "unlocked")],
    ]


def test_after_an_error_that_ends_the_write_the_next_line_is_written(system: Callable[..., System]) -> None:
    """As when a signal handler raises within it."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    ours = system(interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(Stream(7), "first", is_shared=True)
    write_whole(Stream(7), "next", is_shared=True)
    assert ours.did == [(7, "locked"), (7, "unlocked"), (7, "locked"), (7, b"next"), (7, "unlocked")]


@pytest.mark.parametrize("error", [OSError(22, "no locks here"), AttributeError("no locks at all")])
def test_a_file_without_locks_is_written_all_the_same(system: Callable[..., System], error: Exception) -> None:
    """Some kinds of files, and some systems, have none."""
    ours = system(2)
    ours.lock_fails = error
    assert write_whole(Stream(7), "abc", is_shared=True) is True
    assert ours.did == [(7, b"ab"), (7, b"c")]


def test_a_line_that_comes_within_another_one_is_written_behind_it(system: Callable[..., System]) -> None:
    """A signal handler's: both are whole, each to its own descriptor."""
    ours = system(2, lambda: write_whole(Stream(8), "within", is_shared=True))
    write_whole(Stream(7), "abcd", is_shared=True)
    assert ours.did == [
        *[(7, "locked"), (7, b"ab"), (7, b"cd"), (7, "unlocked")],
        *[(8, "locked"), (8, b"within"), (8, "unlocked")],
    ]
    assert not shared_output._waiting


@pytest.mark.parametrize("high", [False, True])
def test_a_full_pipe_is_waited_for(monkeypatch: pytest.MonkeyPatch, *, high: bool) -> None:
    """Until its reader reads, at no cost meanwhile; also where the descriptor is too high a number for select."""
    if high and resource.getrlimit(resource.RLIMIT_NOFILE)[0] <= 1100:
        pytest.skip("too few descriptors here")
    read, write = os.pipe()
    os.set_blocking(write, False)
    number = fcntl.fcntl(write, fcntl.F_DUPFD, 1100) if high else write
    waits: list[int] = []
    real = shared_output._await

    def wait(descriptor: int) -> None:
        waits.append(descriptor)
        real(descriptor)

    monkeypatch.setattr(shared_output, "_await", wait)
    text, parts = "x" * 300_000, []

    def read_all() -> None:
        time.sleep(0.1)
        while part := os.read(read, 1 << 20):
            parts.append(part)

    reader = threading.Thread(target=read_all)
    reader.start()
    began, busy = time.monotonic(), time.thread_time()
    assert write_whole(Stream(number), text, is_shared=False) is True
    passed, took = time.monotonic() - began, time.thread_time() - busy
    for descriptor in {write, number}:
        os.close(descriptor)
    reader.join(20)
    os.close(read)
    assert b"".join(parts) == text.encode()
    assert 1 <= len(waits) < 1000
    assert took < 0.3 * passed


def test_a_pipe_that_is_closed_is_waited_for_no_longer() -> None:
    """Another thread may close it while its reader reads nothing: the line is lost, and no other one waits for it."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    writing = threading.Thread(
        target=write_whole, args=(Stream(write), "x" * 300_000), kwargs={"is_shared": False}, daemon=True
    )
    writing.start()
    wait_until_idle(os.getpid(), but=threading.get_native_id())
    assert writing.is_alive()
    os.close(write)
    writing.join(20)
    os.close(read)
    assert not writing.is_alive()


def test_what_a_stream_cannot_encode_goes_to_it_in_escapes(system: Callable[..., System]) -> None:
    """Each character beyond ASCII by itself, those beyond 16 bits as pairs; at once, with one newline."""
    ours, stream = system(), Stream(7, "ascii")
    write_despite(UnicodeEncodeError("ascii", "é", 0, 1, "no"), stream, '{"a":"é€x😀"}')
    assert "".join(part for part in stream.did if part != "flush") == '{"a":"\\u00e9\\u20acx\\ud83d\\ude00"}\n'
    assert stream.did[-1] == "flush"
    assert ours.did == []


@pytest.mark.parametrize(
    ("stream", "error", "data"),
    [
        (None, ValueError("closed"), '"é"\n'.encode()),
        (object(), ValueError("closed"), '"é"\n'.encode()),
        (Stream(7, "unknown"), UnicodeEncodeError("unknown", "é", 0, 1, "no"), b'"\\u00e9"\n'),
    ],
    ids=["none", "broken", "of no encoding"],
)
def test_what_a_broken_stream_cannot_take_goes_to_the_descriptor(
    system: Callable[..., System], stream: object, error: Exception, data: bytes
) -> None:
    """In escapes where they were called for, else as it is, with its newline."""
    ours = system()
    write_despite(error, stream, '"é"')
    assert ours.did == [(1, "locked"), (1, data), (1, "unlocked")]


def test_half_a_pair_is_escaped(system: Callable[..., System]) -> None:
    """UTF-8 has no lone surrogates."""
    ours = system()
    write_descriptor("é\ud800")
    assert ours.did[1] == (1, "é\\ud800\n".encode())
