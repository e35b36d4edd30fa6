"""docs/architecture.md says what the code is: its ways are those of real calls, its picture that of the imports."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grimp
import pytest

import shared_utils
from shared_utils import config, get_logger, instrument, logging, metrics
from shared_utils.config.client import client
from shared_utils.testing import CapturedLogs, CapturedMetrics, LambdaContext
from tests.support import rooms
from tests.support.fake_aws import Answer, Server

PACKAGE = Path(shared_utils.__file__).parent
PAGE = rooms.PAGE.read_text("utf-8")
Step = tuple[str, str]


def way(heading: str) -> list[Step]:
    """Return the files and functions of one of the page's tables."""
    section = PAGE.split(f"### {heading}\n")[1].split("\n#")[0]
    return re.findall(r"^\| `([\w/.]+\.py)` \| `([\w.]+)` \|", section, re.MULTILINE)


def follow(call: Callable[[], object]) -> list[Step]:
    """Return the functions of shared_utils that a call comes to, in the order in which it comes to each first."""
    seen: dict[Step, None] = {}

    def note(frame: Any, event: str, _: object) -> None:
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(f"{PACKAGE}{os.sep}"):
            seen[Path(file).relative_to(PACKAGE).as_posix(), frame.f_code.co_qualname] = None

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(before)
    return list(seen)


def assert_is_followed(heading: str, call: Callable[[], object]) -> None:
    """The steps of a way are called, in its order, and no file is there twice."""
    steps = way(heading)
    assert len(steps) >= 7
    files = [file for file, _ in steps]
    assert len(set(files)) == len(files)
    called = follow(call)
    assert set(steps) <= set(called), set(steps) - set(called)
    assert [step for step in called if step in steps] == steps


def test_the_way_of_a_line(captured_logs: CapturedLogs) -> None:
    """A plain line in a handler takes the page's way."""
    log = get_logger()

    @instrument
    def handler(event: Any, context: Any) -> None:
        logging.bind(a=1)
        log.info("before")  # the first line of an invocation works out its fields
        assert_is_followed("A line", lambda: log.info("todos listed", count=3))

    handler({}, LambdaContext())
    assert captured_logs.find(message="todos listed")


def test_the_way_of_a_metric(captured_metrics: CapturedMetrics) -> None:
    """A count in a handler, until its document is written, takes the page's way."""

    @instrument
    def handler(event: Any, context: Any) -> None:
        metrics.count("Walked")

    metrics.configure(cold_start=False)
    assert_is_followed("A metric", lambda: handler({}, LambdaContext()))
    metrics.configure(cold_start=None)
    assert captured_metrics.values("Walked") == [1]


def test_the_way_of_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """A parameter that is read for the first time takes the page's way."""
    parameter = {
        "Name": "/walked",
        "Value": "5",
        "Type": "String",
        "Version": 1,
        "ARN": "arn:aws:ssm:x:1:parameter/walked",
    }
    server = Server(lambda _: Answer({"Parameter": parameter}))
    for name in [name for name in os.environ if name.startswith(("AWS_", "SHARED_UTILS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    client().forget()
    try:
        assert_is_followed("A value", lambda: config.get("ssm:///walked", type=int))
    finally:
        client().forget()
        server.stop()


def test_every_file_and_function_that_the_page_names_exists() -> None:
    """A renamed file or function is renamed on the page too."""
    for file, function in way("A line") + way("A metric") + way("A value"):
        source = (PACKAGE / file).read_text("utf-8")
        assert re.search(rf"\b(?:def|class) {function.split('.')[-1]}\b", source), (file, function)
    for file in re.findall(r"`((?:\w+/)+\w+\.py)`", PAGE):
        assert (PACKAGE / file).exists(), file


def test_the_picture_is_that_of_the_imports() -> None:
    """The picture is what `make picture` draws now, and each of its lines goes down."""
    (drawn,) = rooms.PICTURE.findall(PAGE)
    assert drawn == rooms.draw(), "run: make picture"
    depth = {room: number for number, layer in enumerate(rooms.layers()) for room in layer}
    assert sum(map(len, rooms.imports().values())) > 15
    for room, others in rooms.imports().items():
        assert all(depth[room] < depth[other] for other in others), (room, others)


def test_every_module_is_in_a_room() -> None:
    """No module escapes the order of the rooms, and each room of the contract has modules."""
    modules = grimp.build_graph("shared_utils", cache_dir=None).modules - {"shared_utils", "shared_utils.invocation"}
    assert {module for module in modules if rooms.room_of(module) is None} == set()
