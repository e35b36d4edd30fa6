"""Where an event holds the correlation id: which paths find it, and which are refused when the handler is decorated."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared_utils import instrument, logging
from shared_utils.errors import LoggingError
from shared_utils.invocation.correlation import finder
from shared_utils.redaction.values import register_secret

PATHS = logging.correlation_paths


@pytest.mark.parametrize(
    ("path", "event", "found"),
    [
        ("headers.x-request-id", {"headers": {"X-Request-Id": "a"}}, "a"),
        ('headers."x-request-id"', {"headers": {"x-request-id": "a"}}, "a"),
        ("a[0].b[1]", {"a": [{"b": [1, 2]}]}, "2"),
        ("[0].messageId", [{"messageId": "a"}], "a"),
        ("id", {"id": 7}, "7"),
        (PATHS.API_GATEWAY_REST, {"requestContext": {"requestId": "a"}}, "a"),
        (PATHS.API_GATEWAY_HTTP, {"requestContext": {"requestId": "a"}}, "a"),
        (PATHS.APPLICATION_LOAD_BALANCER, {"headers": {"x-amzn-trace-id": "Root=1-a"}}, "Root=1-a"),
        (PATHS.ALB, {"multiValueHeaders": {"x-amzn-trace-id": ["Root=1-a"], "x": []}}, "Root=1-a"),
        ("headers.x-request-id", {"headers": {}, "multiValueHeaders": {"x-request-id": ["a"]}}, None),
        ("headers.x-request-id", {"multiValueHeaders": {"x-request-id": "text"}}, None),
        ("headers.x-request-id", {"multiValueHeaders": None}, None),
        (PATHS.EVENT_BRIDGE, {"id": "a"}, "a"),
        (PATHS.APPSYNC_RESOLVER, {"request": {"headers": {"x-amzn-trace-id": "a"}}}, "a"),
        (PATHS.SQS, {"Records": [{"messageId": "a"}, {"messageId": "b"}]}, "a"),
        (PATHS.XRAY_HEADER, {"headers": {"X-Amzn-Trace-Id": "a"}}, "a"),
        (lambda event: event["deep"]["id"], {"deep": {"id": "a"}}, "a"),
        ("headers.x-request-id", {"headers": None}, None),
        ("headers.x-request-id", {}, None),
        ("headers.x-request-id", None, None),
        ("headers.x-request-id", "text", None),
        ("headers", {"headers": {"a": 1}}, None),
        ("a[5]", {"a": [1]}, None),
        ("a[0]", {"a": "text"}, None),
        ("id", {"id": ""}, None),
    ],
)
def test_the_correlation_id_is_found_in_the_event(captured_logs, lambda_context, path, event, found):
    """By path, by ready-made path or by a function; what is not there is no error."""

    @instrument(correlation_id=path)
    def handler(event, context):
        logging.info("served")

    handler(event, lambda_context)
    handler({}, lambda_context)
    assert [line.get("correlation_id") for line in captured_logs.find(message="served")] == [found, None]


def test_a_correlation_function_that_raises_does_not_fail_the_handler(captured_logs, lambda_context):
    """A warning names the reason, and the handler runs."""

    @instrument(correlation_id=lambda event: event["missing"])
    def handler(event, context):
        return "served"

    assert handler({}, lambda_context) == "served"
    assert captured_logs.one(level="WARNING")["reason"] == "KeyError"


# Paths of other languages, and what JMESPath knows besides: each could never match, or not the one value.
MISTAKEN = [
    *[("$.detail.id", "detail.id"), ("@.detail.id", "detail.id"), ("$['detail']['id']", "detail.id")],
    *[("/detail/id", "detail.id"), ('event["detail"]["id"]', "detail.id"), ("`detail`.id", "detail.id")],
    *[("'detail'.id", "detail.id"), (".detail.id", "detail.id"), ("detail.id.", "detail.id")],
    *[("detail..id", "detail.id"), (" detail.id", "detail.id"), ("detail.id\n", "detail.id")],
    *[("Records[-1].id", "Records[0].id"), ("Records[*].id", "Records[0].id"), ("Records[].id", "Records[0].id")],
    *[
        ("Records[?a=='b'].id", "Records[0].id"),
        ("Records[0:1].id", "Records[0].id"),
        ("Records.0.id", "Records[0].id"),
    ],
    *[("Records.*.id", "Records[0].id"), ("Records[x].id", "Records[0].id"), ("Records[0]id", "Records[0].id")],
    *[("a.b | c", "a.b.c"), ("a || b", "a"), ('a."".b', "a.b"), ("a b", "a.b"), ("a.", "a")],
    *[("headers['x-id']", "headers.x-id"), ("headers.x:y", 'headers."x:y"'), ("a.b|[0]", "a.b[0]")],
]


@pytest.mark.parametrize(("path", "right"), MISTAKEN)
def test_a_path_that_can_never_match_is_refused_with_the_right_form(path: str, right: str) -> None:
    """The mistake shows at deployment, not in lines without an id; what to write instead is accepted."""
    with pytest.raises(LoggingError, match=r"correlation_id=.*expected a path such as") as caught:
        instrument(correlation_id=path)(lambda event, context: None)
    assert str(caught.value).endswith(f"did you mean {right}?")
    assert finder(right)


@pytest.mark.parametrize(
    ("path", "event"),
    [
        ("powertools_json(body).id", {"body": '{"id": "a"}'}),
        ("powertools_json(Records[0].body).detail.x-id", {"Records": [{"body": '{"detail": {"x-id": "a"}}'}]}),
        ("powertools_base64(body).id", {"body": "eyJpZCI6ICJhIn0="}),
    ],
)
def test_a_function_of_powertools_is_refused_with_one_of_python(path: str, event: dict[str, Any]) -> None:
    """What the message says to write finds the id."""
    with pytest.raises(LoggingError, match="functions are not called") as caught:
        instrument(correlation_id=path)
    code = str(caught.value).partition(", write ")[2]
    assert eval(code, {"json": json, "base64": __import__("base64")})(event) == "a"


@pytest.mark.parametrize(
    "path",
    ["", " ", "a[", 'a."b', 'a."\\x"', 5, ["a"], "length(a)", "a.{b: c}", "&a", "!a", "a==b", '""', "a" * 999 + "."],
)
def test_what_means_no_path_is_refused_too(path: Any) -> None:
    """Where nothing like a path can be seen the message says what one looks like."""
    with pytest.raises(LoggingError, match=r"correlation_id=.*expected a path such as headers.x-request-id"):
        instrument(correlation_id=path)


@given(st.text(alphabet="abZ09_-.[]\"'$@*|`() \\é:\n", max_size=12))
@example('"\n"')
@example('a."b\tc"')
def test_any_accepted_path_finds_the_value_in_an_event_made_from_it(path: str) -> None:
    """A path is refused, and what the message suggests is accepted, or it finds what lies there."""
    try:
        find = finder(path)
    except LoggingError as refused:
        suggested = re.search(r"did you mean (.*)\?$", str(refused), re.DOTALL)
        assert suggested is None or finder(suggested[1])
        return
    event: Any = "found"
    for name, index in reversed(re.findall(r'("(?:[^"\\]|\\.)*"|[^.\[\]"]+)|\[(\d+)\]', path)):
        if index:
            event = [None] * int(index) + [event] if int(index) < 1000 else None
        else:
            event = {json.loads(name) if name.startswith('"') else name: event}
    assert find(event) == "found" or "found" not in str(event)


def test_a_huge_correlation_id_costs_no_line_its_message(captured_logs, lambda_context):
    """An id comes from outside, and may be a megabyte: it is cut, and the lines are whole."""

    @instrument(correlation_id="id")
    def handler(event, context):
        logging.info("served", value={1})

    handler({"id": "x" * 1_000_000}, lambda_context)
    line = captured_logs.one(message="served")
    assert line["correlation_id"] == "x" * 256
    assert line["value"] == [1]


def test_a_secret_in_the_correlation_id_is_masked(captured_logs, lambda_context):
    """Known before or after the id was found, on every kind of line."""

    @instrument(correlation_id="id")
    def handler(event, context):
        logging.info("served", secret_known=event["known"])
        register_secret("c4n4ry-Sq7xZ")
        logging.info("served")
        logging.info("served", value={1})

    for known in (False, True):
        handler({"id": "id c4n4ry-Sq7xZ", "known": known}, lambda_context)
    assert [line["correlation_id"] for line in captured_logs] == ["id c4n4ry-Sq7xZ"] + ["id [REDACTED]"] * 5
