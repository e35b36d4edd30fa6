"""The limit of `log_event` and `log_response` is one of bytes, as they are written; no secret comes out at the cut."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import instrument, logging
from shared_utils.redaction.values import register_secret

if TYPE_CHECKING:
    import io
    from collections.abc import Callable

    from shared_utils.testing import CapturedLogs

CHARACTERS = ["x", "é", "€", "😀", "\u2028", "\x01", "\x7f", "\x85", '"', "\\", "\n", "\ud800", "1,"]
SHAPES: dict[str, Callable[[str], Any]] = {
    "text": lambda text: text,
    "value": lambda text: {"body": text},
    "key": lambda text: {f"{i}{text[i : i + 30]}": i for i in range(0, len(text), 30)},
    "list": lambda text: [[one] for one in text[:2000]],
    "numbers": lambda text: [1] * len(text),
    "JSON in text": lambda text: {"body": json.dumps([text])},
    "form": lambda text: {"body": f"a={text}&b=1"},
    "deep": lambda text: {"a": [{"b": [[[{"c": text}]]]}, text]},
    "base64": lambda text: {
        "body": base64.b64encode(text.encode("utf-8", "surrogatepass")).decode(),
        "isBase64Encoded": True,
    },
}


def written_bytes(line: str, what: str) -> int:
    """Return how many bytes an event or a response takes in its line, as it was written."""
    content = line[line.index(f'"{what}":') + len(what) + 3 : -1]
    return len(content.encode())


@pytest.mark.parametrize("limit", [40, 333, 2000, 32 * 1024])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("character", CHARACTERS)
def test_the_limit_is_one_of_bytes_as_they_are_written(
    written: io.StringIO, character: str, shape: str, limit: int
) -> None:
    """Whatever it is filled with, escapes included; what is cut uses some of the room, and keeps its beginning."""
    event = SHAPES[shape](character * (limit * 2 // len(character)))
    instrument(log_event=limit, log_response=limit)(lambda event, context: event)(event, None)
    sizes = [
        written_bytes(line, what)
        for line, what in zip(written.getvalue().splitlines(), ("event", "response"), strict=True)
    ]
    assert sizes[0] == sizes[1] <= limit
    assert sizes[0] > limit // 8 or limit < 1000 or shape == "base64"


def test_what_fits_is_left_whole(written: io.StringIO) -> None:
    """An event of exactly the limit, whatever it is made of; one byte more is cut."""
    for event in (
        {"body": "x" * 500},
        {"body": "\u2028€\n" * 50},
        [1] * 300,
        [[]] * 100,
        {str(n): None for n in range(99)},
    ):
        size = len(json.dumps(event, ensure_ascii=False, separators=(",", ":")).replace("\u2028", "\\u2028").encode())
        for limit in (size, size - 1):
            instrument(log_event=limit)(lambda event, context: None)(event, None)
            shown = json.loads(written.getvalue().splitlines()[-1])["event"]
            assert (shown == event) is (limit == size)


def test_sixty_thousand_separators_do_not_make_a_long_line(written: io.StringIO) -> None:
    """They are one character, three bytes in memory, and six as they are written."""
    instrument(log_event=True)(lambda event, context: None)({"body": "\u2028" * 60_000}, None)
    assert written_bytes(written.getvalue().splitlines()[0], "event") <= 32 * 1024


def test_a_serializers_bytes_are_counted(written: io.StringIO) -> None:
    """A serializer may write six bytes for each character."""
    logging.configure(serializer=json.dumps)
    instrument(log_event=2000)(lambda event, context: None)({"body": "é" * 5000}, None)
    line = written.getvalue().splitlines()[0]
    assert 500 < len(line[line.index('"event": ') + 9 : -1]) <= 2000


@pytest.mark.parametrize("place", ["body", "base64", "JSON", "form", "multipart", "list"])
def test_a_long_secret_at_every_place_around_the_cut(captured_logs: CapturedLogs, place: str) -> None:
    """A registered value of 1,700 characters that begins before the cut and ends after it shows no part of itself."""
    secret = "".join(f"{number:04x}" for number in range(425))
    register_secret(secret)
    limit = 3000
    for before in range(0, 4000, 97 if place != "body" else 23):
        text = "x" * before + " " + secret + " " + "y" * 4000
        event: Any = {"body": text}
        if place == "base64":
            event = {"body": base64.b64encode(text.encode()).decode(), "isBase64Encoded": True}
        elif place == "JSON":
            event = {"body": json.dumps({"a": text})}
        elif place == "form":
            event = {"body": f"a={text}&b=1"}
        elif place == "multipart":
            event = {"body": f'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n{text}\r\n--b--\r\n'}
        elif place == "list":
            event = ["x" * before, secret, "y" * 4000]
        instrument(log_event=limit)(lambda event, context: None)(event, None)
        line = json.dumps(captured_logs[-1])
        assert not any(secret[at : at + 16] in line for at in range(0, len(secret) - 15, 4)), before
