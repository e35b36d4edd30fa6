"""Error trackers and tracing beside us: the real Sentry and OpenTelemetry SDKs, each in a fresh process."""

from __future__ import annotations

import json
import logging as standard_logging

import pytest

from shared_utils import get_logger, instrument, logging
from tests.support.programs import run

SENTRY = """
import json, sys, sentry_sdk
from sentry_sdk.transport import Transport
class Captured(Transport):
    events = []
    def capture_envelope(self, envelope):
        event = envelope.get_event()
        if event is not None:
            self.events.append(event)
def init():
    sentry_sdk.init(dsn="https://public@localhost/1", transport=Captured)
def done():
    sentry_sdk.flush()
    json.dump(Captured.events, sys.stderr)
"""
OURS = "from shared_utils import get_logger, instrument, logging\nlog = get_logger('app')\n"


def events_of(program: str) -> tuple[list[dict], list[dict]]:
    """Return the events that Sentry would have sent, and the lines on standard output."""
    done = run(SENTRY + program + "\ndone()\n")
    return json.loads(done.stderr), [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("program", ["init()\n" + OURS, OURS + "init()\n"], ids=["before", "after"])
def test_sentry_gets_one_event_for_each_error_of_ours(program):
    """log.error and log.exception give one event each, with the exception in it, whichever came first."""
    events, lines = events_of(
        program + "log.info('crumb', a=1)\nlog.error('bad %s', 'thing', order_id=17)\n"
        "try:\n    {}['missing']\nexcept KeyError:\n    logging.exception('worse')\n"
    )
    assert [line["message"] for line in lines] == ["crumb", "bad thing", "worse"]
    first, second = events
    assert (first["logentry"]["message"], first["level"], first["logger"]) == ("bad thing", "error", "app")
    assert first["extra"]["order_id"] == 17
    assert [crumb["message"] for crumb in first["breadcrumbs"]["values"]] == ["crumb"]
    assert second["exception"]["values"][-1]["type"] == "KeyError"
    assert second["exception"]["values"][-1]["stacktrace"]["frames"][-1]["function"] == "<module>"


def test_sentry_gets_one_event_of_an_uncaught_exception_and_of_a_library():
    """The decorator's line is one event; a record of the standard library stays one."""
    events, _ = events_of(
        "init()\n" + OURS + "import logging as standard\n@instrument\ndef handler(event, context):\n"
        "    standard.getLogger('library').error('once')\n    raise ValueError('broken')\n"
        "try:\n    handler({}, None)\nexcept ValueError:\n    pass\n"
    )
    assert [event["logentry"]["message"] for event in events] == ["once", "uncaught exception"]
    assert events[1]["exception"]["values"][-1]["type"] == "ValueError"


def test_what_sentry_gets_is_redacted():
    """Values, messages and the texts of exceptions hold no secret that we know of; types and places stay."""
    events, _ = events_of(
        "init()\n" + OURS + "from shared_utils.redaction.values import register_secret\n"
        "register_secret('c4n4ry-Sq7xZ')\n"
        "def fail():\n    try:\n        raise KeyError('c4n4ry-' + 'Sq7xZ')\n    except KeyError as error:\n"
        "        raise RuntimeError('no ' + 'c4n4ry-' + 'Sq7xZ') from error\n"
        "try:\n    fail()\nexcept RuntimeError:\n"
        "    log.exception('with c4n4ry-' + 'Sq7xZ', note='c4n4ry-' + 'Sq7xZ')\n"
    )
    assert "c4n4ry-Sq7xZ" not in json.dumps(events)
    assert events[0]["extra"]["note"] == "[REDACTED]"
    values = events[0]["exception"]["values"]
    assert [value["type"] for value in values] == ["KeyError", "RuntimeError"]
    assert values[1]["value"] == "no [REDACTED]"
    assert values[1]["stacktrace"]["frames"][-1]["function"] == "fail"


OTEL = """
import json, sys, warnings, logging as standard
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from opentelemetry.sdk._logs import LoggingHandler
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    handler = LoggingHandler(logger_provider=provider)
def add():
    standard.getLogger().addHandler(handler)
def done():
    records = [data.log_record for data in exporter.get_finished_logs()]
    json.dump([[r.body, r.severity_text, dict(r.attributes)] for r in records], sys.stderr, default=str)
"""


@pytest.mark.parametrize(
    "setup",
    [
        "add()\n" + OURS,
        OURS + "add()\n",
        "add()\n" + OURS + "logging.configure()\n",
        OURS + "logging.configure()\nlog.info('before')\nadd()\n",
    ],
    ids=["before", "after", "configured", "late"],
)
def test_a_handler_at_the_root_logger_gets_one_record_per_line(setup):
    """OpenTelemetry's LoggingHandler exports our lines and the libraries', once each, with values and exception."""
    done = run(
        OTEL + setup + "log.info('it', order_id=17, password='c4n4ry')\nlog.debug('filtered')\n"
        "try:\n    {}['missing']\nexcept KeyError:\n    log.exception('bad')\n"
        "standard.getLogger('library').error('library')\ndone()\n"
    )
    records = json.loads(done.stderr)
    assert [(body, severity) for body, severity, _ in records] == [
        *(("it", "INFO"), ("bad", "ERROR"), ("library", "ERROR"))
    ]
    attributes = records[0][2]
    assert (attributes["order_id"], attributes["password"]) == (17, "[REDACTED]")
    assert attributes["code.function.name"] == "<module>"
    assert records[1][2]["exception.type"] == "KeyError"
    lines = [json.loads(line)["message"] for line in done.stdout.splitlines()]
    assert [message for message in lines if message not in {"before", "library"}] == ["it", "bad"]


TRACING = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
tracer = trace.get_tracer("test")
import logging as standard
"""


def test_lines_within_a_span_carry_its_ids():
    """trace_id and span_id in OpenTelemetry's form, for every logger; a value of that name given in a call stays."""
    done = run(
        OURS + TRACING + "log.info('outside')\nwith tracer.start_as_current_span('work') as span:\n"
        "    log.bind(a=1).info('ours', b=2)\n    standard.getLogger('library').warning('library')\n"
        "    log.info('own', trace_id='mine')\n    log.bind(span_id='mine').info('bound', x={1})\n"
        "    ids = span.get_span_context()\n"
        "import sys; print(trace.format_trace_id(ids.trace_id), trace.format_span_id(ids.span_id), file=sys.stderr)"
    )
    outside, *within, own, bound = [json.loads(line) for line in done.stdout.splitlines()]
    trace_id, span_id = done.stderr.split()
    assert not outside.keys() & {"trace_id", "span_id"}
    assert {(line["trace_id"], line["span_id"]) for line in within} == {(trace_id, span_id)}
    assert (own["trace_id"], own["span_id"]) == ("mine", span_id)
    assert (bound["trace_id"], bound["span_id"]) == (trace_id, "mine")


def test_a_handler_that_fails_or_logs_costs_no_line(captured_logs, capsys):
    """What another handler raises does not reach the caller; a line that it logs is not handed to it again."""

    class Bad(standard_logging.Handler):
        def emit(self, record):
            get_logger().warning("from the handler")
            raise ValueError("broken handler")

    handler = Bad()
    standard_logging.getLogger().addHandler(handler)
    try:
        logging.info("it")
    finally:
        standard_logging.getLogger().removeHandler(handler)
    assert captured_logs.messages == ["it", "from the handler"]
    assert "broken handler" in capsys.readouterr().err


def test_pytests_caplog_gets_our_lines(captured_logs, caplog, lambda_context):
    """A test that looks at records sees ours, with level, logger and values."""

    @instrument
    def handler(event, context):
        get_logger("mine").warning("it", order_id=17)

    handler({}, lambda_context)
    (record,) = caplog.records
    assert (record.name, record.levelname, record.getMessage(), record.order_id) == ("mine", "WARNING", "it", 17)
    assert record.funcName == "handler"
