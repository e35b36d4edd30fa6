"""What a line looks like: `configure(keys=…, values=…, serializer=…)`, at no cost per line."""

from __future__ import annotations

import json
import logging as standard_logging

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared_utils import get_logger, instrument, logging
from shared_utils.errors import LoggingError
from shared_utils.logging.fields import RESERVED_KEYS
from shared_utils.redaction.values import register_secret

LEAN = {
    "message": "msg",
    "timestamp": "ts",
    "location": None,
    "function_arn": None,
    "function_memory_size": None,
    "cold_start": None,
    "xray_trace_id": None,
    "function_request_id": "request",
}


def test_keys_are_renamed_and_left_out(captured_logs, lambda_context):
    """For lines of every kind: plain, with an exception, with values that need a look, the standard library's."""
    logging.configure(keys=LEAN)

    @instrument
    def handler(event, context):
        get_logger().info("plain", a=1)
        get_logger().info("in full", a={1, 2}, password="x")
        standard_logging.getLogger("library").info("library")
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        handler({}, lambda_context)
    assert [line["msg"] for line in captured_logs] == ["plain", "in full", "library", "uncaught exception"]
    for line in captured_logs:
        assert line["request"] == lambda_context.aws_request_id
        assert line["ts"].endswith("Z")
        assert not line.keys() & {"message", "timestamp", *(key for key, name in LEAN.items() if name is None)}
    assert list(captured_logs[0]) == ["level", "msg", "ts", "service", "function_name", "request", "a"]


@pytest.mark.parametrize("keys", [dict.fromkeys(["message"]), dict.fromkeys(["timestamp"]), dict.fromkeys(["level"])])
@pytest.mark.parametrize("value", [1, {1}], ids=["fast", "full"])
def test_any_key_can_be_left_out(captured_logs, keys, value):
    """The rest of the line is as ever, also when the first or the last of its head goes."""
    logging.configure(keys=keys)
    get_logger("n").info("it", a=value)
    (line,) = captured_logs
    assert line.keys() == {"level", "location", "logger", "message", "timestamp", "service", "a"} - keys.keys()


def test_a_line_can_lose_everything_of_its_own(captured_logs):
    """With every key left out only the call's values remain."""
    logging.configure(keys=dict.fromkeys(RESERVED_KEYS))
    get_logger("n").info("it", a=1, b={2})
    assert captured_logs == [{"a": 1, "b": [2]}]


@pytest.mark.parametrize("value", ["x", {1}], ids=["fast", "full"])
def test_values_under_a_renamed_key_are_kept_apart(captured_logs, value):
    """A value never replaces the line's own key under its new name; the old name is free."""
    logging.configure(keys={"message": "msg"})
    get_logger().info("it", msg=value, message="own", **{"%s": "percent"})
    (line,) = captured_logs
    assert (line["msg"], line["message"], line["%s"]) == ("it", "own", "percent")
    assert line["msg_"] == (value if value == "x" else [1])


def test_names_may_hold_anything(captured_logs):
    """Percent signs, quotes and umlauts in a key's name."""
    logging.configure(keys={"message": '100% "ü"', "level": "%s"})
    get_logger().info("it", a=1)
    assert captured_logs[0]['100% "ü"'] == "it"
    assert captured_logs[0]["%s"] == "INFO"


def test_lasting_values_stand_in_every_line(captured_logs, lambda_context):
    """In lines of every logger, of every invocation; redacted; a call, a logger or bind() may say otherwise."""
    logging.configure(values={"stage": "dev", "password": "c4n4ry", "build": {"number": 5, "token": "c4n4ry"}})

    @instrument
    def handler(event, context):
        get_logger().info("ours", a=1)
        standard_logging.getLogger("library").info("library")

    handler({}, lambda_context)
    handler({}, lambda_context)
    logging.info("outside")
    logging.info("otherwise", stage="test")
    get_logger(stage="test").info("otherwise", a=1)
    with logging.bound(stage="test"):
        logging.info("otherwise")
    assert [line["stage"] for line in captured_logs] == ["dev"] * 5 + ["test"] * 3
    assert all(line["build"] == {"number": 5, "token": "[REDACTED]"} for line in captured_logs)
    assert all(line["password"] == "[REDACTED]" for line in captured_logs)


def test_lasting_values_that_become_secret_are_masked(captured_logs):
    """A secret that is loaded later is masked in what every line carries."""
    logging.configure(values={"note": "it is c4n4ry-Sq7xZ"})
    logging.info("before")
    register_secret("c4n4ry-Sq7xZ")
    logging.info("after")
    assert [line["note"] for line in captured_logs] == ["it is c4n4ry-Sq7xZ", "it is [REDACTED]"]


@pytest.mark.parametrize("serializer", [orjson.dumps, json.dumps, lambda line: json.dumps(line) + "\n"])
def test_a_serializer_makes_the_line(captured_logs, serializer, lambda_context):
    """It gets a dict of JSON types, redacted, with the line's keys; text and bytes will do."""
    logging.configure(serializer=serializer, keys={"message": "msg"}, values={"stage": "dev"})

    @instrument
    def handler(event, context):
        get_logger("n").info("it", a={1}, password="c4n4ry", text="ü\u2028")

    handler({}, lambda_context)
    (line,) = captured_logs
    assert (line["msg"], line["a"], line["password"], line["text"]) == ("it", [1], "[REDACTED]", "ü\u2028")
    assert (line["stage"], line["logger"]) == ("dev", "n")
    assert line["function_request_id"] == lambda_context.aws_request_id


def fails(line: dict) -> str:
    """Raise, as a serializer may."""
    raise TypeError("c4n4ry")


@pytest.mark.parametrize(
    "serializer",
    [fails, lambda line: None, lambda line: json.dumps(line, indent=1), lambda line: "", lambda line: b"\xff"],
    ids=["raises", "nothing", "several lines", "empty", "no text"],
)
def test_a_serializer_that_fails_costs_no_line(captured_logs, serializer):
    """The line is written as JSON, and the first one says so."""
    logging.configure(serializer=serializer)
    logging.info("first", a=1)
    logging.info("second")
    assert captured_logs.messages == ["first", "second"]
    assert ["serializer_failed" in line for line in captured_logs] == [True, False]
    assert "c4n4ry" not in str(captured_logs)


def test_the_limit_holds_for_what_a_serializer_makes(captured_logs):
    """A serializer that needs more room than JSON gets less to write."""
    logging.configure(serializer=lambda line: json.dumps(line, ensure_ascii=True), max_line_bytes=2000)
    logging.info("it", text="ü" * 5000)
    (line,) = captured_logs
    assert len(json.dumps(line)) < 2000
    assert "cut" in line["text"]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.sampled_from(["event", "value", "nested", "bound", "key", "lasting", "standard", "exception"]),
    shape=st.sampled_from(["keys", "serializer", "processors", "all"]),
    secret=st.sampled_from(["c4n4ry-Sq7xZ", 'c4n4ry "quoted"', "c4n4ry-ümlaut", "c4n4ry\\back"]),
)
def test_no_shape_lets_a_secret_through(captured_logs, place, shape, secret):
    """A registered value is in no line, wherever it stands and whatever the line looks like."""
    captured_logs.clear()
    register_secret(secret)
    every = shape == "all"
    logging.configure(
        keys=LEAN if shape == "keys" or every else None,
        serializer=json.dumps if shape == "serializer" or every else None,
        processors=[lambda logger, name, event_dict: dict(event_dict)] if shape == "processors" or every else None,
        values={"lasting": f"a {secret}"} if place == "lasting" else None,
    )
    log = get_logger(**({"bound": secret} if place == "bound" else {}))
    values = {"value": {"v": secret}, "nested": {"v": [{"w": f"x{secret}y"}]}, "key": {f"k{secret}": 1}}.get(place, {})
    if place == "standard":
        standard_logging.getLogger("library").warning("it %s", secret, extra={"v": secret})
    elif place == "exception":
        try:
            raise ValueError(secret)
        except ValueError:
            log.exception("it", v=secret)
    else:
        log.info(secret if place == "event" else "it", **values)
    assert len(captured_logs) == 1
    assert "c4n4ry" not in json.dumps(captured_logs, ensure_ascii=False)


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("keys", ["message"], "a mapping"),
        ("keys", {"mesage": "msg"}, "did you mean 'message'"),
        ("keys", {"message": ""}, "a name, or None"),
        ("keys", {"message": "level"}, "would stand twice"),
        ("keys", {"message": "exc_info"}, "a name, or None"),
        ("values", [1], "a mapping"),
        ("values", {"service": "x"}, "one of its own"),
        ("values", {"": "x"}, "a mapping of names"),
        ("serializer", "orjson", "a callable"),
        ("stdlib", "no", "True or False"),
    ],
)
def test_a_bad_shape_is_refused(captured_logs, option, value, says):
    """The error names the option, the value and what is expected; the earlier set-up stays."""
    with pytest.raises(LoggingError, match=rf"{option}=.*expected.*{says}"):
        logging.configure(**{option: value})
    logging.info("as before")
    assert captured_logs.messages == ["as before"]


def test_a_serializer_gets_the_keys_that_a_line_has(captured_logs):
    """A serializer of one's own makes lines of the same keys as without it, the location among them."""
    get_logger("named").info("it", count=1)
    logging.configure(serializer=json.dumps)
    get_logger("named").info("it", count=1)
    without, line = captured_logs
    assert line.keys() == without.keys()
    assert line["location"].partition(":")[0] == without["location"].partition(":")[0]
