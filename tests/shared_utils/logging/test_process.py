"""The rest of the process: the standard library's loggers, warnings, structlog, Powertools, terminals."""

from __future__ import annotations

import json
import logging as standard_logging
import os
import pty
import subprocess
import sys
import warnings

import pytest
import structlog

from shared_utils import get_logger, instrument, logging


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )


def test_standard_loggers_come_out_as_the_same_lines(captured_logs, lambda_context):
    """A library's record has the invocation's fields, bound values, its logger's name, extra values, and location."""

    @instrument
    def handler(event, context):
        logging.bind(user="ann")
        library = standard_logging.getLogger("some.library")
        library.info("got %d", 3, extra={"status": 200, "name_": "x"})
        library.warning({"a": 1})
        library.info("%(a)s", {"a": 1})
        library.debug("filtered")
        try:
            raise OSError("disk")
        except OSError:
            library.exception("failed", stack_info=True)

    handler({}, lambda_context)
    assert captured_logs.messages == ["got 3", {"a": 1}, "1", "failed"]
    first, last = captured_logs[0], captured_logs[-1]
    assert first["logger"] == "some.library"
    assert first["location"].startswith("handler:")
    assert (first["user"], first["status"]) == ("ann", 200)
    assert first["function_request_id"] == lambda_context.aws_request_id
    assert last["stack_trace"]["type"] == "OSError"
    assert "test_process" in last["stack"]


def test_the_sdk_does_not_print_its_requests_at_debug(captured_logs):
    """Botocore and urllib3 stay at INFO when the level is DEBUG, unless their own level says otherwise."""
    logging.configure(level="DEBUG")
    standard_logging.getLogger("botocore.auth").debug("signature")
    standard_logging.getLogger("urllib3").debug("request")
    standard_logging.getLogger("botocore").info("shown")
    standard_logging.getLogger("mine").debug("shown too")
    logging.configure(level="INFO")
    assert captured_logs.messages == ["shown", "shown too"]
    assert standard_logging.getLogger("botocore").level == standard_logging.NOTSET


def test_warnings_are_lines(captured_logs):
    """warnings.warn makes a WARNING line with the category and the place."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old thing", DeprecationWarning, stacklevel=1)
    line = captured_logs.one(level="WARNING")
    assert (line["message"], line["category"], line["logger"]) == ("old thing", "DeprecationWarning", "py.warnings")
    assert line["file"].endswith("test_process.py")


def test_structlog_loggers_of_libraries_write_the_same_lines(captured_logs, lambda_context):
    """structlog.get_logger(), made before or after ours, bound or wrapped, ends in our line."""
    library = structlog.get_logger("library", version=1)
    plain = structlog.wrap_logger(structlog.PrintLogger(), wrapper_class=structlog.BoundLogger)

    @instrument
    def handler(event, context):
        library.info("listed", count=2)
        library.bind(a=1).warning("bound %s", "value")

    handler({}, lambda_context)
    plain.info("through the chain", token="x")
    first, second, third = captured_logs
    assert (third["message"], third["token"]) == ("through the chain", "[REDACTED]")
    assert (first["logger"], first["version"], first["count"]) == ("library", 1, 2)
    assert first["function_request_id"] == lambda_context.aws_request_id
    assert (second["message"], second["a"], second["level"]) == ("bound value", 1, "WARNING")


def test_structlog_around_a_standard_logger_makes_one_line(captured_logs):
    """A library that wraps standard loggers by structlog.stdlib gets one line for each call, of the same form."""
    library = structlog.wrap_logger(standard_logging.getLogger("wrapped"), wrapper_class=structlog.stdlib.BoundLogger)
    logging.bind(user="ann")
    library.bind(a=1).info("it", token="canary")
    standard_logging.getLogger("wrapped").setLevel("ERROR")
    library.info("filtered")
    standard_logging.getLogger("wrapped").setLevel("NOTSET")
    line = captured_logs.one()
    assert (line["message"], line["logger"], line["a"], line["user"]) == ("it", "wrapped", 1, "ann")
    assert line["token"] == "[REDACTED]"
    assert line["location"].startswith("test_structlog_around_a_standard_logger_makes_one_line:")


def test_structlogs_own_test_helper_works(captured_logs):
    """structlog.testing.capture_logs sees what our loggers log, and they write again afterwards."""
    log = get_logger(a=1)
    with structlog.testing.capture_logs() as entries:
        log.info("seen", event="kept", b=2)
    log.info("written")
    assert entries == [{"a": 1, "b": 2, "event": "seen", "event_": "kept", "log_level": "info"}]
    assert captured_logs.messages == ["written"]


POWERTOOLS = """
import json, sys
order = sys.argv[1:]
from aws_lambda_powertools import Logger
import logging
if ORDER == "before":
    theirs = Logger(service="theirs")
from shared_utils import get_logger
ours = get_logger()
if ORDER == "after":
    theirs = Logger(service="theirs")
child = Logger(service="theirs", child=True)
ours.info("ours")
theirs.info("theirs", extra={"a": 1})
child.info("child")
logging.getLogger("library").info("library")
"""


@pytest.mark.parametrize("order", ["before", "after"])
def test_powertools_logger_beside_ours_keeps_its_lines_and_only_its(order):
    """Each line of Powertools' Logger is written once, by itself."""
    done = run(f"ORDER = {order!r}\n{POWERTOOLS}")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["message"] for line in lines] == ["ours", "theirs", "child", "library"]
    assert [line["service"] for line in lines] == ["service_undefined", "theirs", "theirs", "service_undefined"]
    assert lines[1]["a"] == 1


RUNTIME = """
import sys, os
from awslambdaric.bootstrap import LambdaLoggerHandler, StandardLogSink, Unbuffered
import logging
sys.stdout = Unbuffered(sys.stdout)
logging.getLogger().addHandler(LambdaLoggerHandler(StandardLogSink()))
import shared_utils
assert len(logging.getLogger().handlers) == 1
from shared_utils import get_logger
log = get_logger()
logging.getLogger("library").warning("once")
log.info("ours")
print("printed")
log.info("in order")
logging.getLogger("library").warning("too many", 1, 2)
logging.getLogger("library").warning(ValueError("%s"), 1)
"""


def test_the_runtimes_own_handler_is_replaced_not_doubled():
    """With awslambdaric's handler at the root logger each record is one line; prints keep their place."""
    lines = run(RUNTIME).stdout.splitlines()
    assert [json.loads(line)["message"] if line[0] == "{" else line for line in lines] == [
        "once",
        "ours",
        "printed",
        "in order",
        "too many 1 2",
        "1",
    ]


def test_redirected_output_gets_the_lines(capsys):
    """Lines follow sys.stdout of the moment: contextlib.redirect_stdout, pytest's capsys."""
    import contextlib
    import io

    stream = io.StringIO()
    logging.configure(format="json")
    with contextlib.redirect_stdout(stream):
        logging.info("redirected")
    logging.info("captured")
    logging.configure(format=None)
    assert json.loads(stream.getvalue())["message"] == "redirected"
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["message"] == "captured"


CONSOLE = """
from shared_utils import get_logger
log = get_logger("mine")
log.info("hello", count=3, password="canary")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("failed")
"""


def on_a_terminal(**environment: str) -> str:
    """Run the program with a terminal as its output."""
    parent, child = pty.openpty()
    env = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_LAMBDA", "SHARED_UTILS"))}
    with subprocess.Popen(
        [sys.executable, "-c", CONSOLE], stdout=child, stderr=child, env={**env, **environment}
    ) as process:
        os.close(child)
        output = b""
        while True:
            try:
                piece = os.read(parent, 65536)
            except OSError:  # Linux reports the end of a terminal as an input/output error
                break
            if not piece:
                break
            output += piece
        process.wait(60)
    os.close(parent)
    return output.decode()


def test_people_at_a_terminal_get_structlogs_console():
    """Outside Lambda, on a terminal: coloured key=value lines and a readable traceback, redacted all the same."""
    text = on_a_terminal(TERM="xterm")
    assert "\x1b[" in text
    assert "hello" in text
    assert "ZeroDivisionError" in text
    assert "canary" not in text
    assert '{"level"' not in text


@pytest.mark.parametrize(
    ("environment", "is_json"),
    [
        ({"SHARED_UTILS_LOG_FORMAT": "json"}, True),
        ({"AWS_LAMBDA_FUNCTION_NAME": "todos"}, True),
        ({"AWS_LAMBDA_FUNCTION_NAME": "todos", "SHARED_UTILS_LOG_FORMAT": "console"}, False),
    ],
)
def test_the_format_can_be_forced(environment, is_json):
    """In Lambda lines are JSON even on a terminal; SHARED_UTILS_LOG_FORMAT decides either way."""
    assert ('{"level"' in on_a_terminal(**environment)) is is_json


def test_without_a_terminal_lines_are_json():
    """A pipe or a file gets JSON."""
    assert json.loads(run(CONSOLE).stdout.splitlines()[0])["message"] == "hello"


def test_a_forked_child_logs_on():
    """After os.fork both processes write whole lines."""
    program = """
import os
from shared_utils import get_logger, instrument
from shared_utils.testing import LambdaContext
log = get_logger()
@instrument
def handler(event, context):
    child = os.fork()
    log.info("child" if child == 0 else "parent")
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
handler({}, LambdaContext())
"""
    messages = [json.loads(line)["message"] for line in run(program).stdout.splitlines()]
    # From Python 3.12 on os.fork warns when there are threads; `instrument` has one that watches the time.
    assert sorted(message for message in messages if "multi-threaded" not in message) == ["child", "parent"]
