"""Which lines are written: levels, Lambda's own level, sampling, buffering."""

from __future__ import annotations

import logging as standard_logging

import pytest

from shared_utils import get_logger, instrument, logging
from shared_utils.errors import LoggingError

VARIABLES = [
    "SHARED_UTILS_LOG_LEVEL",
    "POWERTOOLS_LOG_LEVEL",
    "LOG_LEVEL",
    "AWS_LAMBDA_LOG_LEVEL",
    "AWS_LAMBDA_LOG_FORMAT",
    "SHARED_UTILS_LOG_FORMAT",
    "SHARED_UTILS_LOG_SAMPLE_RATE",
    "POWERTOOLS_LOGGER_SAMPLE_RATE",
    "SHARED_UTILS_SERVICE",
    "POWERTOOLS_SERVICE_NAME",
]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def own_levels():
    """Set levels of standard loggers, and take them back."""
    names = {"app", "app.db", "app.db.pool", "noisy", "noisy.child", "botocore"}

    def set_level(name: str, level: str) -> None:
        standard_logging.getLogger(name).setLevel(level)

    yield set_level
    for name in names:
        standard_logging.getLogger(name).setLevel("NOTSET")


def speak() -> None:
    """Log once at each level."""
    log = get_logger()
    for level in ("debug", "info", "warning", "error", "critical"):
        getattr(log, level)(level)


@pytest.mark.parametrize(
    ("environment", "argument", "lowest"),
    [
        ({}, None, "info"),
        ({"LOG_LEVEL": "ERROR"}, None, "error"),
        ({"LOG_LEVEL": "ERROR", "POWERTOOLS_LOG_LEVEL": "warning"}, None, "warning"),
        ({"LOG_LEVEL": "ERROR", "POWERTOOLS_LOG_LEVEL": "ERROR", "SHARED_UTILS_LOG_LEVEL": "debug"}, None, "debug"),
        ({"SHARED_UTILS_LOG_LEVEL": "DEBUG"}, "CRITICAL", "critical"),
        ({"SHARED_UTILS_LOG_LEVEL": "40"}, None, "error"),
        ({"SHARED_UTILS_LOG_LEVEL": ""}, None, "info"),
        ({"SHARED_UTILS_LOG_LEVEL": "WARN"}, None, "warning"),
        ({"SHARED_UTILS_LOG_LEVEL": "FATAL"}, None, "critical"),
        ({"SHARED_UTILS_LOG_LEVEL": "TRACE"}, None, "debug"),
        ({}, standard_logging.ERROR, "error"),
        ({"AWS_LAMBDA_LOG_LEVEL": "ERROR"}, None, "error"),
        ({"AWS_LAMBDA_LOG_LEVEL": "FATAL"}, None, "critical"),
        ({"AWS_LAMBDA_LOG_LEVEL": "DEBUG"}, None, "debug"),
        ({"AWS_LAMBDA_LOG_LEVEL": "TRACE"}, None, "debug"),
        ({"AWS_LAMBDA_LOG_LEVEL": "DEBUG", "LOG_LEVEL": "WARNING"}, None, "warning"),
        ({"AWS_LAMBDA_LOG_LEVEL": "INFO"}, None, "info"),
        ({"AWS_LAMBDA_LOG_LEVEL": "TRACE"}, "DEBUG", "debug"),
    ],
)
def test_the_level_comes_from_the_first_that_says_one(captured_logs, monkeypatch, environment, argument, lowest):
    """Argument, SHARED_UTILS_LOG_LEVEL, POWERTOOLS_LOG_LEVEL, LOG_LEVEL, INFO; Lambda's own level is the floor."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    logging.configure(level=argument)
    captured_logs.clear()
    speak()
    levels = ["debug", "info", "warning", "error", "critical"]
    assert captured_logs.messages == levels[levels.index(lowest) :]


@pytest.mark.parametrize("name", ["SHARED_UTILS_LOG_LEVEL", "SHARED_UTILS_LOG_FORMAT", "SHARED_UTILS_LOG_SAMPLE_RATE"])
def test_a_bad_variable_is_ignored_with_a_warning(captured_logs, monkeypatch, name):
    """A variable that cannot be used says so, once, and the default applies: a typo must not stop a function."""
    monkeypatch.setenv(name, "nonsense")
    logging.configure(level=None, format=None)
    logging.configure(level=None)
    assert captured_logs.one(level="WARNING")["message"] == f"{name} is not valid and is ignored"
    assert captured_logs.one()["value"] == "nonsense"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("level", "LOUD"),
        ("level", -1),
        ("level", True),
        ("level", 2.5),
        ("format", "xml"),
        ("service", 1),
        ("buffer", -1),
        ("buffer", "20KB"),
        ("sample_rate", 1.5),
        ("sample_rate", "0.5"),
        ("sample_rate", float("nan")),
        ("redact", "password"),
        ("redact", [1]),
        ("redact", 5),
        ("redact_patterns", ["("]),
        ("redact_patterns", "abc"),
        ("location", "yes"),
        ("max_line_bytes", 10),
        ("max_line_bytes", True),
        ("exception_locals", 1),
    ],
)
def test_a_bad_option_is_refused_and_changes_nothing(captured_logs, option, value):
    """The error names the option, the value and what is expected; the earlier set-up stays."""
    logging.configure(level="WARNING")
    with pytest.raises(LoggingError, match=rf"{option}=.*expected"):
        logging.configure(**{option: value})
    speak()
    assert captured_logs.messages == ["warning", "error", "critical"]


def test_options_add_up_and_none_takes_one_back(captured_logs, monkeypatch):
    """What is not given stays as it is; None goes back to the environment."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "from-environment")
    logging.configure(service="mine")
    logging.configure(level="DEBUG")
    logging.debug("one")
    logging.configure(service=None)
    logging.debug("two")
    assert [line["service"] for line in captured_logs] == ["mine", "from-environment"]


def test_the_names_of_levels(captured_logs, monkeypatch):
    """Python's names by default; with JSON log format the ones that Lambda's filter knows, others nearest."""
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", "JSON")
    logging.configure(level="DEBUG")
    speak()
    standard_logging.getLogger("library").log(25, "between")
    get_logger().log(5, "too low")
    get_logger().log(99, "very high")
    get_logger().log("nonsense", "unknown")
    assert [line["level"] for line in captured_logs] == [
        "DEBUG",
        "INFO",
        "WARN",
        "ERROR",
        "FATAL",
        "INFO",
        "FATAL",
        "INFO",
    ]
    monkeypatch.delenv("AWS_LAMBDA_LOG_FORMAT")
    captured_logs.clear()
    logging.configure(level="DEBUG")
    speak()
    assert [line["level"] for line in captured_logs] == ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


def test_a_level_below_lambdas_own_is_warned_of(captured_logs, monkeypatch):
    """Levels, sampling and buffering that Lambda's own level would swallow are pointed out."""
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", "WARN")
    logging.configure(level="DEBUG", sample_rate=1, buffer=True)
    level, sampling = captured_logs
    assert (level["level"], level["lambda_level"]) == ("WARNING", "WARNING")
    assert "below Lambda's own" in level["message"]
    assert "sampled debug lines will not show" in sampling["message"]
    speak()
    assert captured_logs.messages[2:] == ["warning", "error", "critical"]


@pytest.mark.parametrize("rate", [0, 0.0, 1, 1.0])
def test_sampling_shows_debug_lines_for_that_share_of_invocations(captured_logs, lambda_context, rate):
    """The dice are rolled for each invocation, and apply to loggers and stdlib loggers that exist already."""
    log = get_logger().bind(a=1)
    logging.configure(sample_rate=rate)

    @instrument
    def handler(event, context):
        log.debug("sampled")
        standard_logging.getLogger("library").debug("library")

    handler({}, lambda_context)
    log.debug("outside")
    assert captured_logs.messages == (["sampled", "library"] if rate else [])
    assert all(line["sampling_rate"] == rate for line in captured_logs)


def test_the_share_is_right(captured_logs, monkeypatch):
    """Of 400 invocations about a quarter is sampled with a rate of 0.25, from the environment."""
    monkeypatch.setenv("POWERTOOLS_LOGGER_SAMPLE_RATE", "0.25")
    logging.configure()

    @instrument
    def handler(event, context):
        logging.debug("sampled")

    for _ in range(400):
        handler({}, None)
    assert 50 < len(captured_logs) < 160  # less than once in a billion runs it is not


def test_buffered_lines_of_a_good_invocation_are_not_written(captured_logs, lambda_context):
    """Without an error the low-level lines of the invocation are gone; the next one starts with none."""
    logging.configure(buffer=True)

    @instrument
    def handler(event, context):
        logging.debug("detail", number=event)
        logging.info("written at once")
        if event == 2:
            logging.error("broken")

    handler(1, lambda_context)
    handler(2, lambda_context)
    assert captured_logs.messages == ["written at once", "written at once", "detail", "broken"]
    assert captured_logs.one(message="detail")["number"] == 2


def test_buffered_lines_are_written_when_the_handler_raises(captured_logs, lambda_context):
    """An uncaught exception brings the details out, before the line that reports it."""
    logging.configure(buffer=True, level="ERROR")

    @instrument
    async def handler(event, context):
        logging.debug("detail")
        standard_logging.getLogger("library").info("library detail")
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        handler({}, lambda_context)
    assert captured_logs.messages == ["detail", "library detail", "uncaught exception"]


def test_a_full_buffer_drops_the_oldest_and_says_how_many(captured_logs, lambda_context):
    """The buffer is bounded in bytes; what was dropped is counted in a line of its own."""
    logging.configure(buffer=2000, location=False)

    @instrument
    def handler(event, context):
        for number in range(100):
            logging.debug("detail", number=number)
        logging.error("broken")

    handler({}, lambda_context)
    note, *kept, error = captured_logs
    assert note["dropped_lines"] == 100 - len(kept)
    assert note["level"] == "WARNING"
    assert [line["number"] for line in kept] == list(range(100 - len(kept), 100))
    assert 0 < len(kept) < 20
    assert error["message"] == "broken"


def test_a_line_larger_than_the_buffer_is_counted(captured_logs, lambda_context):
    """One line that cannot fit is not lost without a word."""
    logging.configure(buffer=500)

    @instrument
    def handler(event, context):
        logging.debug("detail", big="x" * 1000)
        logging.error("broken")

    handler({}, lambda_context)
    assert [line.get("dropped_lines") for line in captured_logs] == [1, None]


def test_is_enabled_for_follows_the_level(captured_logs):
    """Both spellings of the protocol answer for the level of the moment."""
    log = get_logger()
    assert (log.is_enabled_for(10), log.is_enabled_for(20), log.isEnabledFor(20)) == (False, True, True)
    logging.configure(level="DEBUG")
    assert log.is_enabled_for(10)
    assert log.get_effective_level() == log.getEffectiveLevel() == 10


# --- of single loggers ---


def test_a_level_of_a_standard_logger_holds_in_both_directions(captured_logs, own_levels):
    """A lower one shows its details, a higher one silences it; loggers below it follow."""
    logging.configure(level="INFO")
    own_levels("app.db", "DEBUG")
    own_levels("noisy", "ERROR")
    for name in ("app.db", "app.db.pool", "app", "noisy", "noisy.child"):
        standard_logging.getLogger(name).debug("%s detail", name)
        standard_logging.getLogger(name).warning(name)
    assert captured_logs.messages == ["app.db detail", "app.db", "app.db.pool detail", "app.db.pool", "app"]
    assert captured_logs[0]["level"] == "DEBUG"


def test_levels_are_set_for_ours_and_the_standard_librarys_by_name(captured_logs, own_levels):
    """configure(levels=…) sets several; None, and a later call without one, takes it back."""
    logging.configure(levels={"app.db": "DEBUG", "noisy": "error"})
    for get in (get_logger, standard_logging.getLogger):
        for name in ("app.db", "app.db.pool", "app", "noisy"):
            get(name).debug("detail of %s", name)
            get(name).warning("of %s", name)
    half = ["detail of app.db", "of app.db", "detail of app.db.pool", "of app.db.pool", "of app"]
    assert captured_logs.messages == half * 2
    assert get_logger("app.db").is_enabled_for(10)
    assert not get_logger("noisy").is_enabled_for(30)
    assert not get_logger().is_enabled_for(10)
    captured_logs.clear()
    logging.configure(levels=None)
    for get in (get_logger, standard_logging.getLogger):
        get("app.db").debug("detail")
        get("noisy").warning("back")
    assert captured_logs.messages == ["back", "back"]


def test_an_own_level_is_written_at_once_also_with_a_buffer(captured_logs, lambda_context, own_levels):
    """A line that its logger's level asks for does not wait for an error."""
    logging.configure(buffer=True, levels={"app.db": "DEBUG"})

    @instrument
    def handler(event, context):
        get_logger("app.db").debug("asked for")
        standard_logging.getLogger("app.db").debug("asked for too")
        get_logger("app").debug("buffered")

    handler({}, lambda_context)
    assert captured_logs.messages == ["asked for", "asked for too"]
    assert {line["function_request_id"] for line in captured_logs} == {lambda_context.aws_request_id}


@pytest.mark.parametrize("levels", ["DEBUG", [("a", "DEBUG")], {"a": "LOUD"}, {"": "DEBUG"}, {1: "DEBUG"}])
def test_bad_levels_are_refused(captured_logs, levels):
    """The error names the option, the value and what is expected."""
    with pytest.raises(LoggingError, match=r"levels=.*expected"):
        logging.configure(levels=levels)


@pytest.mark.parametrize("name", ["botocore", "app.db"])
def test_an_sdk_logger_can_be_lowered_by_name(captured_logs, own_levels, name):
    """What is held at INFO while ours is DEBUG shows its details when it is asked for by name."""
    logging.configure(level="DEBUG", levels={name: "DEBUG"})
    standard_logging.getLogger(name).debug("details")
    assert captured_logs.messages == ["details"]


def test_what_is_only_held_at_info_has_no_own_level(captured_logs, lambda_context):
    """The SDK's loggers, held at INFO while details are buffered, are buffered like the rest."""
    logging.configure(buffer=True, level="WARNING")

    @instrument
    def handler(event, context):
        standard_logging.getLogger("botocore").info("buffered")

    handler({}, lambda_context)
    assert captured_logs == []
