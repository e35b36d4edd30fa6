"""A structlog set-up of the user's stays in force; where there is none, ours is structlog's."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
import structlog

from shared_utils import get_logger, instrument, logging
from tests.support.programs import lines_of, run

OURS = "from shared_utils import get_logger, logging; logging.configure(format='json'); log = get_logger()\n"
THEIRS = """
import structlog
structlog.configure(
    processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level,
                structlog.processors.JSONRenderer()])
"""


@pytest.mark.parametrize("program", [OURS + THEIRS, THEIRS + OURS], ids=["after ours", "before ours"])
def test_a_configuration_of_the_users_stays_in_force(program):
    """structlog.get_logger() writes what the user's processors make, at every level; our loggers write our lines."""
    lines = lines_of(
        program
        + "structlog.get_logger('x').debug('theirs', a=1)\nlog.debug('filtered')\nlog.info('ours')\n"
        + "logging.configure(level='ERROR')\nget_logger('another')\nstructlog.get_logger().info('still theirs')"
    )
    assert lines[0] == {"event": "theirs", "a": 1, "level": "debug"}
    assert [line.get("message", line.get("event")) for line in lines] == ["theirs", "ours", "still theirs"]


@pytest.mark.parametrize("program", [OURS + "import structlog\n", "import structlog\n" + OURS])
def test_a_wrapper_class_or_factory_of_the_users_is_used_with_our_lines(program, tmp_path):
    """A user who names only a class, or only where lines go, gets that; the rest is ours."""
    file = tmp_path / "log"
    lines = lines_of(
        program + "structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))\n"
        "structlog.get_logger('n').info('filtered')\nstructlog.get_logger('n').warning('it', a=1)\n"
        f"structlog.configure(logger_factory=structlog.WriteLoggerFactory(open({str(file)!r}, 'w')))\n"
        "structlog.get_logger().warning('to the file', token='c4n4ry')\n"
    )
    assert [(line["message"], line["logger"], line["a"], line["location"]) for line in lines] == [
        ("it", "n", 1, "<module>:5")
    ]
    written = json.loads(file.read_text())
    assert (written["message"], written["token"], written["level"]) == ("to the file", "[REDACTED]", "WARNING")


def test_resetting_structlogs_defaults_is_survived():
    """After structlog.reset_defaults(), which tests call, both kinds of loggers write our lines."""
    lines = lines_of(
        OURS + "import structlog\nlibrary = structlog.get_logger('lib')\nlibrary.info('one')\n"
        "structlog.reset_defaults()\nlibrary.info('two', a=1)\nlog.info('three')\nlibrary.debug('filtered')\n"
        "from structlog.testing import capture_logs\n"
        "with capture_logs() as logs:\n    log.debug('caught')\n    library.debug('caught')\n"
        "assert len(logs) == 2, logs"
    )
    assert [(line["message"], line.get("logger"), line.get("a")) for line in lines] == [
        *(("one", "lib", None), ("two", "lib", 1), ("three", None, None))
    ]


def test_a_logger_that_was_bound_early_follows(tmp_path):
    """A structlog logger made, and bound, before our first use writes our lines from then on."""
    lines = lines_of("import structlog\nearly = structlog.get_logger('early', k=1)\n" + OURS + "early.info('it', a=2)")
    assert [(line["message"], line["logger"], line["k"], line["a"]) for line in lines] == [("it", "early", 1, 2)]


# --- around something else ---


def test_loggers_around_something_else_write_there(tmp_path, captured_logs, capsys):
    """PrintLogger, WriteLogger and BytesLogger around files get our line with its values, at its level."""
    get_logger()
    paths = [tmp_path / name for name in ("print", "write", "bytes")]
    with paths[0].open("w") as one, paths[1].open("w") as two, paths[2].open("wb") as three:
        wrapped = (structlog.PrintLogger(one), structlog.WriteLogger(two), structlog.BytesLogger(three))
        for inner in wrapped:
            log = structlog.wrap_logger(inner, k=1)
            log.bind(a=2).info("it", password="c4n4ry")
            log.debug("filtered")
            log.error("bad")
    for path in paths:
        first, second = map(json.loads, path.read_text().splitlines())
        assert (first["message"], first["k"], first["a"], first["level"]) == ("it", 1, 2, "INFO")
        assert first["password"] == "[REDACTED]"
        assert first["location"].startswith("test_loggers_around_something_else_write_there:")
        assert (second["message"], second["level"]) == ("bad", "ERROR")
    assert captured_logs == []
    assert "c4n4ry" not in capsys.readouterr().out


def test_loggers_around_standard_loggers_have_their_handlers_and_levels():
    """A wrapped logger of the standard library writes to its own handlers, and filters by its own level."""
    done = run(
        OURS + "import sys, structlog, logging as standard\ninner = standard.getLogger('app.db')\n"
        "handler = standard.StreamHandler(sys.stderr)\n"
        "handler.setFormatter(standard.Formatter('%(name)s %(message)s'))\n"
        "inner.addHandler(handler)\ninner.setLevel('DEBUG')\n"
        "library = structlog.wrap_logger(inner, wrapper_class=structlog.stdlib.BoundLogger)\n"
        "library.debug('it', a=1)\n"
        "plain = structlog.wrap_logger(standard.getLogger('quiet'))\nplain.debug('filtered')\n"
        "standard.getLogger('quiet').setLevel('ERROR')\nplain.warning('filtered')\nplain.error('bad')\n"
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    plain.exception('worse')\n"
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(line["message"], line["level"], line["logger"]) for line in lines] == [
        *(("it", "DEBUG", "app.db"), ("bad", "ERROR", "quiet"), ("worse", "ERROR", "quiet"))
    ]
    assert lines[0]["location"] == "<module>:9"
    assert lines[2]["exception_name"] == "ZeroDivisionError"
    name, _, text = done.stderr.strip().partition(" ")
    assert (name, json.loads(text)["a"]) == ("app.db", 1)


# --- chains of one's own ---


def test_a_chain_that_ends_in_render_makes_our_lines(captured_logs, lambda_context):
    """Right location, level, name, bound values; what earlier processors set stands; levels, sampling, buffer apply."""

    @instrument
    def handler(event, context):
        logging.bind(user="ann")
        log.bind(a=1).info("it", password="c4n4ry")
        log.debug("detail")
        if event:
            log.error("bad")

    get_logger()
    render = logging.processors.render
    log = structlog.wrap_logger(
        logging.processors.LoggerFactory()("mine"),
        processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper("%Y"), render],
        wrapper_class=structlog.make_filtering_bound_logger(0),
    )
    logging.configure(buffer=True)
    handler(False, lambda_context)
    handler(True, lambda_context)
    assert captured_logs.messages == ["it", "it", "detail", "bad"]
    first = captured_logs[0]
    assert (first["level"], first["logger"], first["user"], first["a"]) == ("info", "mine", "ann", 1)
    assert first["location"].startswith("handler:")
    assert len(first["timestamp"]) == 4
    assert first["password"] == "[REDACTED]"
    assert first["function_request_id"] == lambda_context.aws_request_id
    captured_logs.clear()
    logging.configure(buffer=False, sample_rate=1)
    handler(False, lambda_context)
    assert captured_logs.messages == ["it", "detail"]


def test_awaited_calls_of_a_chain_have_their_place(captured_logs):
    """Structlog's awaited methods run in a thread; the line's location is the await."""
    import asyncio

    log = structlog.wrap_logger(
        logging.processors.LoggerFactory()(),
        processors=[logging.processors.render],
        wrapper_class=structlog.make_filtering_bound_logger(0),
    )

    async def awaits():
        await log.ainfo("here")

    asyncio.run(awaits())
    assert captured_logs.one(message="here")["location"].startswith("awaits:")


def test_fields_and_redaction_for_a_chain_with_another_renderer():
    """`add_fields` and `redact` give a chain that ends in JSONRenderer the line's keys, and nothing to hide."""
    lines = lines_of(
        OURS + "import structlog\nfrom shared_utils.logging import processors\n"
        "structlog.configure(processors=[processors.add_fields, structlog.processors.format_exc_info,\n"
        "                                processors.redact, structlog.processors.JSONRenderer()])\n"
        "logging.configure(service='todos')\nlogging.bind(user='ann')\n"
        "log = structlog.get_logger()\n"
        "def f():\n    log.info('it', password='c4n4ry', deep=[{'token': 'c4n4ry'}], service='mine')\n"
        "f()\n"
        "try:\n    raise ValueError('password=c4n4ry')\nexcept ValueError:\n    log.error('x', exc_info=True)"
    )
    first, second = lines
    assert first["location"].startswith("f:")
    assert (first["event"], first["level"], first["user"], first["service"]) == ("it", "INFO", "ann", "mine")
    assert (first["password"], first["deep"]) == ("[REDACTED]", [{"token": "[REDACTED]"}])
    assert "ValueError: password=[REDACTED]" in second["exception"]
    assert "c4n4ry" not in json.dumps(lines)


@pytest.mark.parametrize("middle", ["", "processors.redact, "])
def test_fields_that_a_chain_adds_stand_once(middle):
    """`add_fields` before `render` gives the line's keys once, with what the processors between made of them."""
    (line,) = lines_of(
        OURS + "import structlog\nfrom shared_utils.logging import processors\n"
        "def rename(logger, name, event_dict):\n    return event_dict | {'service': 'mine'}\n"
        "structlog.configure(logger_factory=processors.LoggerFactory(), processors=["
        f"processors.add_fields, rename, {middle}processors.render])\n"
        "def f():\n    structlog.get_logger('n').warning('it', password='c4n4ry')\n"
        "f()"
    )
    assert line.pop("timestamp")
    assert line == {
        "level": "WARNING",
        "location": "f:8",
        "logger": "n",
        "message": "it",
        "service": "mine",
        "password": "[REDACTED]",
    }


@pytest.mark.parametrize("name", ["logging_setup", "structlog_config", "shared_utils_of_mine", "loggingx.sub"])
def test_a_module_named_like_a_library_is_the_callers(name):
    """Only the packages themselves are passed over in the search for who logged, not what begins with their names."""
    (line,) = lines_of(
        OURS + f"import structlog\n__name__ = {name!r}\ndef f():\n    structlog.wrap_logger(structlog.PrintLogger(),"
        " processors=[__import__('shared_utils.logging.processors').logging.processors.render]).info('it')\nf()"
    )
    assert line["location"] == "f:5"


# --- testing, copying, context variables ---


def test_capture_logs_sees_all_levels(captured_logs):
    """capture_logs sees lines below the level, of loggers and module functions, with the caller's place if asked."""
    log = get_logger("mine")
    structlog.get_logger()
    adder = structlog.processors.CallsiteParameterAdder({structlog.processors.CallsiteParameter.FUNC_NAME})
    with structlog.testing.capture_logs(processors=[adder]) as entries:
        log.debug("one")
        logging.debug("two")
        structlog.get_logger().debug("three")
        log.log(5, "four")
    log.debug("filtered")
    log.info("written")
    assert [(entry["event"], entry["log_level"]) for entry in entries] == [
        *(("one", "debug"), ("two", "debug"), ("three", "debug"), ("four", "debug"))
    ]
    assert {entry["func_name"] for entry in entries} == {"test_capture_logs_sees_all_levels"}
    assert captured_logs.messages == ["written"]


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda log: pickle.loads(pickle.dumps(log))], ids=["copy", "deep", "pickle"]
)
def test_copies_and_pickles_are_loggers_like_the_first(captured_logs, duplicate):
    """A copy has the name and the values, logs with the place of its call, and is captured like any."""
    log = duplicate(get_logger("mine", items=[1]).bind(a=1))
    log.info("it")
    line = captured_logs.one(message="it")
    assert line["location"].startswith("test_copies_and_pickles_are_loggers_like_the_first:")
    assert (line["logger"], line["items"], line["a"]) == ("mine", [1], 1)
    with structlog.testing.capture_logs() as entries:
        log.info("caught")
    assert len(entries) == 1


def test_our_loggers_are_structlogs_bindable_loggers():
    """Isinstance holds against structlog's protocol, for ours and what structlog.get_logger() makes."""
    from structlog.typing import BindableLogger, FilteringBoundLogger

    get_logger()
    for log in (get_logger(), structlog.get_logger().bind()):
        assert isinstance(log, BindableLogger)
        assert all(hasattr(log, name) for name in vars(FilteringBoundLogger) if not name.startswith("_"))


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_values_of_structlogs_context_variables_end_with_the_invocation(captured_logs, lambda_context, kind):
    """They stand in the lines of every logger and of the uncaught exception, and in none of the next invocation."""

    def work(event):
        if event:
            structlog.contextvars.bind_contextvars(tenant="acme")
            get_logger().info("ours")
            raise ValueError("broken")
        get_logger().info("next")

    if kind == "def":

        @instrument
        def handler(event, context):
            work(event)
    else:

        @instrument
        async def handler(event, context):
            work(event)

    with pytest.raises(ValueError, match="broken"):
        handler(True, lambda_context)
    handler(False, lambda_context)
    assert [(line["message"], line.get("tenant")) for line in captured_logs] == [
        *(("ours", "acme"), ("uncaught exception", "acme"), ("next", None))
    ]


def test_values_of_structlogs_context_variables_stand_in_the_timeout_warning(captured_logs):
    """The warning comes from another thread, with what the handler's context holds."""
    import time

    from shared_utils.testing import LambdaContext

    @instrument
    def handler(event, context):
        structlog.contextvars.bind_contextvars(tenant="acme")
        logging.bind(user="ann")
        deadline = time.monotonic() + 10
        while not captured_logs.find(level="WARNING") and time.monotonic() < deadline:
            time.sleep(0.01)

    handler({}, LambdaContext(timeout=0.3))
    line = captured_logs.one(level="WARNING")
    assert (line["tenant"], line["user"]) == ("acme", "ann")
