"""`configure(processors=[…])`: callables of structlog's protocol on every line of the process."""

from __future__ import annotations

import json
import logging as standard_logging
import warnings

import pytest
import structlog

from shared_utils import get_logger, instrument, logging
from shared_utils.errors import LoggingError
from tests.support.programs import lines_of


def add_stage(logger, method_name, event_dict):
    """Add a key, the way a user's processor does."""
    event_dict["stage"] = "dev"
    return event_dict


def test_a_plain_callable_needs_no_structlog():
    """A processor that is a function runs on lines of our loggers and module functions, without importing structlog."""
    lines = lines_of(
        "import sys\nfrom shared_utils import get_logger, logging\n"
        "def stage(logger, name, event_dict):\n"
        "    assert event_dict['event'] and event_dict['service'] == 'todos', event_dict\n"
        "    assert logger.name in (None, 'mine') and name == 'info' == event_dict['level'], name\n"
        "    return {**event_dict, 'stage': 'dev'}\n"
        "logging.configure(processors=[stage], service='todos')\n"
        "get_logger('mine').info('one', a=1)\nlogging.info('two')\nassert 'structlog' not in sys.modules\n"
    )
    assert [(line["message"], line["stage"], line["level"]) for line in lines] == [
        ("one", "dev", "INFO"),
        ("two", "dev", "INFO"),
    ]
    assert lines[0]["location"] == "<module>:8"
    assert (lines[0]["logger"], lines[0]["a"]) == ("mine", 1)


def test_every_line_of_the_process_is_processed(captured_logs, lambda_context):
    """Ours, module functions, the standard library's, warnings, structlog's, and the lines of the decorator."""
    logging.configure(processors=[add_stage])

    @instrument(log_event=True)
    def handler(event, context):
        get_logger().info("ours")
        logging.info("module")
        standard_logging.getLogger("library").info("standard")
        structlog.get_logger("other").info("structlog")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("warned", UserWarning, stacklevel=1)
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        handler({}, lambda_context)
    assert captured_logs.messages == [
        *("invocation event", "ours", "module", "standard", "structlog", "warned", "uncaught exception")
    ]
    assert {line.get("stage") for line in captured_logs} == {"dev"}
    assert {line.get("function_request_id") for line in captured_logs} == {lambda_context.aws_request_id}


def test_keys_can_be_added_renamed_and_dropped(captured_logs):
    """What a processor makes of the line's own keys stands; what it leaves alone is as without it."""

    def reshape(logger, method_name, event_dict):
        event_dict["svc"] = event_dict.pop("service")
        del event_dict["location"]
        event_dict["level"] = "notice"
        event_dict["a"] += 1
        return event_dict

    logging.configure(processors=[reshape], service="todos")
    logging.info("it", a=1)
    line = captured_logs.one(message="it")
    assert (line["svc"], line["level"], line["a"]) == ("todos", "notice", 2)
    assert line.keys() == {"level", "message", "timestamp", "svc", "a"}


def test_a_line_can_be_dropped(captured_logs):
    """structlog.DropEvent drops the line, and only that."""

    def quiet(logger, method_name, event_dict):
        if event_dict["event"] == "noise":
            raise structlog.DropEvent
        return event_dict

    logging.configure(processors=[quiet, add_stage])
    logging.info("noise")
    standard_logging.getLogger("library").warning("noise")
    logging.info("signal")
    assert captured_logs.messages == ["signal"]


@pytest.mark.parametrize("fault", ["raises", "returns nothing", "returns a list"])
def test_a_processor_that_fails_costs_no_line_and_is_reported_once(captured_logs, fault):
    """The line is written as without it and says what failed; later lines do not repeat it."""

    def broken(logger, method_name, event_dict):
        if fault == "raises":
            raise KeyError("secret-c4n4ry")
        return None if fault == "returns nothing" else [event_dict]

    logging.configure(processors=[broken, add_stage])
    logging.info("first")
    logging.info("second")
    assert captured_logs.messages == ["first", "second"]
    assert [line["stage"] for line in captured_logs] == ["dev", "dev"]
    assert ["processor_failed" in line for line in captured_logs] == [True, False]
    assert "broken" in captured_logs[0]["processor_failed"]
    assert "c4n4ry" not in str(captured_logs)


def test_a_processor_that_logs_does_not_call_itself(captured_logs):
    """A line written by a processor is not processed: it would have no end."""

    def talkative(logger, method_name, event_dict):
        logging.warning("from within")
        standard_logging.getLogger("library").warning("from a library within")
        return event_dict

    logging.configure(processors=[talkative])
    logging.info("it")
    assert captured_logs.messages == ["from within", "from a library within", "it"]


def test_redaction_and_the_size_limit_come_last(captured_logs):
    """What a processor adds is masked by key and by value, and cut."""
    from shared_utils.redaction.values import register_secret

    register_secret("c4n4ry-of-values")

    def leak(logger, method_name, event_dict):
        event_dict |= {"password": "c4n4ry", "deep": [{"api_key": "c4n4ry"}], "text": "it is c4n4ry-of-values"}
        event_dict["event"] = "token=c4n4ry"
        event_dict["service"] = "c4n4ry-of-values"
        event_dict["big"] = "x" * 5000
        return event_dict

    logging.configure(processors=[leak], max_line_bytes=2000)
    logging.info("it")
    (line,) = captured_logs
    assert "c4n4ry" not in json.dumps(line)
    assert len(json.dumps(line)) < 2100
    assert "cut" in line["big"]


def test_a_renderer_at_the_end_bypasses_nothing(captured_logs):
    """A chain that ends in structlog's JSONRenderer is taken as the dict that it rendered."""
    logging.configure(processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()])
    logging.info("it", password="c4n4ry", a=1)
    line = captured_logs.one(message="it")
    assert (line["password"], line["a"], line["level"]) == ("[REDACTED]", 1, "info")


# --- structlog's own, as they are ---


def where_it_is() -> None:
    """Log with every kind of logger."""
    get_logger("mine").info("here")
    logging.info("and here")
    standard_logging.getLogger("library").info("there")
    structlog.get_logger().info("everywhere")


def test_callsite_parameters_are_those_of_the_caller(captured_logs):
    """CallsiteParameterAdder finds the function that logged, for every kind of logger; with and without location."""
    parameter = structlog.processors.CallsiteParameter
    adder = structlog.processors.CallsiteParameterAdder(
        {parameter.FUNC_NAME, parameter.LINENO, parameter.MODULE, parameter.PATHNAME}
    )
    first = where_it_is.__code__.co_firstlineno
    for location in (True, False):
        logging.configure(processors=[adder], location=location)
        where_it_is()
    assert [line["func_name"] for line in captured_logs] == ["where_it_is"] * 8
    assert [line["lineno"] for line in captured_logs] == [first + n for n in (2, 3, 4, 5)] * 2
    assert {line["module"] for line in captured_logs} == {"test_processors"}
    assert ["location" in line for line in captured_logs] == [True] * 4 + [False] * 4


def test_callsite_parameters_of_awaited_calls(captured_logs):
    """The awaited methods have the place of the await."""
    import asyncio

    async def awaits():
        await get_logger().ainfo("here")

    adder = structlog.processors.CallsiteParameterAdder({structlog.processors.CallsiteParameter.FUNC_NAME})
    logging.configure(processors=[adder])
    asyncio.run(awaits())
    assert captured_logs.one()["func_name"] == "awaits"
    assert captured_logs.one()["location"].startswith("awaits:")


def test_stacks_end_at_the_caller(captured_logs):
    """StackInfoRenderer prints the caller's stack, with none of our frames at its end."""
    logging.configure(processors=[structlog.processors.StackInfoRenderer()])
    logging.info("it", stack_info=True)
    stack = captured_logs.one(message="it")["stack"]
    assert 'logging.info("it", stack_info=True)' in stack.splitlines()[-1]


@pytest.mark.parametrize("kind", ["ours", "standard"])
def test_exceptions_can_be_rendered_by_structlog(captured_logs, kind):
    """dict_tracebacks and format_exc_info put what they make under ``exception``; ours is left out then."""
    log = get_logger() if kind == "ours" else standard_logging.getLogger("library")
    for processor in (structlog.processors.dict_tracebacks, structlog.processors.format_exc_info):
        logging.configure(processors=[processor])
        try:
            raise OSError("disk")
        except OSError:
            log.exception("failed")
    first, second = captured_logs
    assert first["exception"][0]["exc_type"] == "OSError"
    assert second["exception"].startswith("Traceback")
    assert "exception_name" not in first
    assert "exc_info" not in first


def test_times_names_and_bytes(captured_logs):
    """TimeStamper, EventRenamer, UnicodeDecoder and add_log_level do what they do under structlog."""
    logging.configure(
        processors=[
            structlog.processors.UnicodeDecoder(),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%Y", key="year"),
            structlog.processors.TimeStamper(),
            structlog.processors.EventRenamer("msg", "_event"),
        ]
    )
    logging.warning("it", raw="é".encode(), _event="own")
    (line,) = captured_logs
    assert (line["msg"], line["level"], line["raw"], line["message"]) == ("it", "warning", "é", "own")
    assert isinstance(line["timestamp"], float)
    assert line["year"].startswith("20")


def test_levels_are_lambdas_where_it_filters(captured_logs, monkeypatch):
    """With Lambda's JSON format a level that a processor only writes differently has the name that the filter knows."""
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", "JSON")
    logging.configure(processors=[structlog.processors.add_log_level])
    logging.warning("it")
    assert captured_logs.one()["level"] == "WARN"


def test_structlogs_level_filter_asks_our_level(captured_logs):
    """filter_by_level drops what is below the level, and add_logger_name knows the logger's name."""
    logging.configure(processors=[structlog.stdlib.filter_by_level, structlog.stdlib.add_logger_name])
    get_logger("mine").debug("dropped")
    get_logger("mine").info("kept")
    standard_logging.getLogger("library").info("kept too")
    assert [(line["message"], line["logger"]) for line in captured_logs] == [("kept", "mine"), ("kept too", "library")]
    assert not any("processor_failed" in line for line in captured_logs)


def test_processors_can_ask_the_logger_what_they_ask_the_standard_librarys(captured_logs):
    """What structlog's processors ask of a standard library logger can be asked of ours: disabled, level, name."""
    asked = []

    def ask(logger, method_name, event_dict):
        asked.append((logger.name, logger.disabled, logger.isEnabledFor(10), logger.getEffectiveLevel()))
        return event_dict

    logging.configure(processors=[ask], level="INFO")
    get_logger("mine").info("it")
    assert asked == [("mine", False, False, 20)]


def test_values_never_hide_what_processors_look_at(captured_logs):
    """A value named like one of the line's keys, or ``event``, gets an underscore before processors see it."""
    seen = {}

    def look(logger, method_name, event_dict):
        seen.update(event_dict)
        return event_dict

    logging.configure(processors=[look])
    logging.info("it", event="own", level=3, service="mine")
    assert (seen["event"], seen["event_"], seen["level"], seen["level_"], seen["service"]) == (
        *("it", "own", "info", 3, "mine"),
    )


@pytest.mark.parametrize("value", ["add", [1], 5, [None]])
def test_what_are_no_processors_is_refused(captured_logs, value):
    """The error names the option, the value and what is expected."""
    with pytest.raises(LoggingError, match=r"processors=.*expected a list of callables"):
        logging.configure(processors=value)


def test_processors_can_be_taken_back(captured_logs):
    """None goes back to none; what is left out stays."""
    logging.configure(processors=[add_stage])
    logging.configure(level="DEBUG")
    logging.info("with")
    logging.configure(processors=None)
    logging.info("without")
    assert ["stage" in line for line in captured_logs] == [True, False]
