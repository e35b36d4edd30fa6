"""What listens to the standard library's records hears our lines: who counts as one, and what a record of ours says."""

from __future__ import annotations

import io
import logging as standard
import sys
from typing import TYPE_CHECKING, Any

import pytest

from shared_utils import get_logger, instrument, logging
from shared_utils.logging import output
from shared_utils.logging.fields import MISSING
from shared_utils.logging.listeners import listeners
from shared_utils.logging.output import write_line
from shared_utils.logging.takeover import RootHandler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared_utils.testing import CapturedLogs


class Heard(standard.Handler):
    """A handler of an application's own; it fails when it is told to."""

    def __init__(self, level: int = 0) -> None:
        super().__init__(level)
        self.records: list[standard.LogRecord] = []
        self.fails = False

    def emit(self, record: standard.LogRecord) -> None:
        """Keep a record."""
        self.records.append(record)
        if self.fails:
            raise ValueError("broken handler")

    @property
    def one(self) -> standard.LogRecord:
        """The only record."""
        (record,) = self.records
        return record

    @property
    def messages(self) -> list[str]:
        """What the records say."""
        return [record.getMessage() for record in self.records]


@pytest.fixture
def heard(captured_logs: CapturedLogs) -> Iterator[Heard]:
    """A handler at the root logger, beside ours."""
    handler = Heard()
    standard.root.addHandler(handler)
    yield handler
    standard.root.removeHandler(handler)


def of_module(name: str, kind: str = "Handler", base: type = standard.Handler) -> standard.Handler:
    """Return a handler of another package's class."""
    made: standard.Handler = type(kind, (base,), {"__module__": name})()
    return made


HANDLERS: dict[str, tuple[Any, bool]] = {
    "standard output": (lambda: standard.StreamHandler(sys.stdout), False),
    "standard error": (lambda: standard.StreamHandler(sys.stderr), False),
    "standard error by default": (standard.StreamHandler, False),
    "the first standard output": (lambda: standard.StreamHandler(sys.__stdout__), False),
    "the first standard error": (lambda: standard.StreamHandler(sys.__stderr__), False),
    "another stream": (lambda: standard.StreamHandler(io.StringIO()), True),
    "no stream": (standard.NullHandler, True),
    "ours": (RootHandler, False),
    "ours by name": (lambda: of_module("shared_utils.x"), False),
    "the runtime's": (lambda: of_module("awslambdaric.bootstrap"), False),
    "one whose package is named alike": (lambda: of_module("shared_utils_of_others.x"), True),
    "caplog's": (lambda: of_module("_pytest.logging", "LogCaptureHandler"), True),
    "one for a report": (lambda: of_module("_pytest.logging", "_LiveLoggingNullHandler"), False),
    "one that is told apart by pytest's name alone": (lambda: of_module("_pytest_of_others", "Handler"), True),
    "one with a console that is no stream handler": (
        lambda: of_module("others", base=type("Own", (standard.Handler,), {"stream": sys.stdout})),
        True,
    ),
}


@pytest.mark.parametrize("case", HANDLERS)
def test_who_listens(monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    """Whatever does not write to the console, where the line is already, and is neither ours nor the runtime's."""
    monkeypatch.setattr(sys, "__stdout__", io.StringIO())
    monkeypatch.setattr(sys, "__stderr__", io.StringIO())
    make, listens = HANDLERS[case]
    handler = make()
    monkeypatch.setattr(standard.root, "handlers", [handler])
    assert listeners() == ([handler] if listens else None)
    monkeypatch.setattr(standard.root, "handlers", [standard.StreamHandler(sys.stdout), handler, Heard()])
    assert listeners() == standard.root.handlers[1 if listens else 2 :]


def put_tracker(patch: pytest.MonkeyPatch, call: Callable[..., None], module: str | None = "a_tracker") -> None:
    """Put a function of another module in the place of callHandlers."""
    call.__module__ = module  # type: ignore[assignment]
    patch.setattr(standard.Logger, "callHandlers", call)


@pytest.mark.parametrize("module", ["sentry_sdk.integrations.logging", "loggings", None])
def test_what_takes_the_place_of_call_handlers_listens(monkeypatch: pytest.MonkeyPatch, module: str | None) -> None:
    """As Sentry does, which is no handler, whatever its module is."""
    monkeypatch.setattr(standard.root, "handlers", [])
    assert listeners() is None

    put_tracker(monkeypatch, lambda *_: None, module)
    assert listeners() == []


def leave_ours_alone() -> None:
    """Leave our handler alone at the root logger, as in Lambda: pytest's, which it adds for each phase, listens."""
    get_logger("app").info("set up")
    for handler in standard.root.handlers[:]:
        if not isinstance(handler, RootHandler):
            standard.root.removeHandler(handler)
    get_logger("app").info("first")
    assert output._quiet_handlers is standard.root.handlers  # from here on no line looks


def test_what_was_put_there_after_a_line_hears_the_next(
    captured_logs: CapturedLogs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function in the place of callHandlers, and a handler, whichever way it comes; and none that is gone."""
    leave_ours_alone()
    said: list[str] = []
    real = standard.Logger.callHandlers

    def call(logger: standard.Logger, record: standard.LogRecord) -> None:
        said.append(record.getMessage())
        real(logger, record)

    with monkeypatch.context() as patch:
        put_tracker(patch, call)
        get_logger("app").info("second")
    get_logger("app").info("third")
    assert said == ["second"]
    for add in (
        standard.root.addHandler,
        lambda handler: standard.root.handlers.append(handler),
        lambda handler: standard.root.handlers.insert(0, handler),
        lambda handler: setattr(standard.root, "handlers", [*standard.root.handlers, handler]),
    ):
        handler = Heard()
        get_logger("app").info("before")
        add(handler)
        get_logger("app").info("heard")
        standard.root.removeHandler(handler)
        get_logger("app").info("after")
        assert handler.messages == ["heard"]


def test_where_the_root_logger_is_not_taken_over_a_later_handler_hears(captured_logs: CapturedLogs) -> None:
    """Its list of handlers is a plain one, which tells nobody that it changes."""
    leave_ours_alone()
    logging.configure(stdlib=False)
    standard.root.handlers = []
    get_logger("app").info("before")
    handler = Heard()
    standard.root.handlers.append(handler)
    get_logger("app").info("heard")
    standard.root.removeHandler(handler)
    assert handler.messages == ["heard"]


def test_what_listens_hears_each_line_once_with_all_that_it_has(heard: Heard, captured_logs: CapturedLogs) -> None:
    """Level, name, message, values, bound ones too, and place; nothing below the level, and no record twice."""
    logging.configure(level="INFO")
    with logging.bound(bound=1):
        here = sys._getframe().f_lineno
        get_logger("app", own=2).warning("it", a=3)
    get_logger("app").debug("too low")
    get_logger("app").info(event="by keyword")
    standard.getLogger("library").warning("theirs")
    standard.root.removeHandler(heard)
    get_logger("app").info("not heard")
    first, second, third = heard.records
    assert (first.levelno, first.name, first.getMessage()) == (30, "app", "it")
    assert (first.__dict__["a"], first.__dict__["own"], first.__dict__["bound"]) == (3, 2, 1)
    assert (first.funcName, first.lineno) == ("test_what_listens_hears_each_line_once_with_all_that_it_has", here + 1)
    assert second.getMessage() == "by keyword"
    assert (third.name, third.getMessage()) == ("library", "theirs")
    assert captured_logs.messages == ["it", "by keyword", "theirs", "not heard"]


PLACES: list[tuple[Any, str, int, str | None]] = [
    ("work:17", "(unknown)", 17, "work"),
    ("a:b:17", "(unknown)", 17, "a:b"),
    ("work:x", "(unknown)", 0, "work"),
    (None, "(unknown)", 0, None),
]


@pytest.mark.parametrize(("where", "path", "line", "function"), PLACES)
def test_a_record_says_where(heard: Heard, where: Any, path: str, line: int, function: str | None) -> None:
    """By a finished text the function and its line; nothing where nothing is known."""
    write_line(30, "it", {}, where, "app")
    record = heard.one
    assert (record.pathname, record.lineno, record.funcName) == (path, line, function)


def test_a_record_has_the_file_the_line_and_the_function_of_the_call(heard: Heard) -> None:
    """As one of the standard library's own has."""
    code, line = sys._getframe().f_code, sys._getframe().f_lineno
    get_logger("app").info("it")
    record = heard.one
    assert (record.pathname, record.lineno, record.funcName) == (code.co_filename, line + 1, code.co_name)


@pytest.mark.parametrize(("name", "shown"), [("app", "app"), (None, "root"), ("", "root")])
def test_a_record_has_the_name_of_the_logger(heard: Heard, name: str | None, shown: str) -> None:
    """The root logger's where there is none."""
    write_line(30, "it", {"a": 1}, None, name)
    record = heard.one
    assert (record.name, record.levelno, record.levelname, record.args) == (shown, 30, "WARNING", ())
    assert (record.__dict__["a"], record.exc_info, record.stack_info) == (1, None, None)


def test_values_stand_beside_what_a_record_has_of_its_own(heard: Heard) -> None:
    """Under another name; what says how a line is made is no value."""
    own = {"name": 1, "args": 2, "message": 3, "asctime": 4, "lineno": 5, "free": 6}
    write_line(30, "100 %s", {**own, "stack_info": False, "stacklevel": 2}, None, "app")
    record = heard.one
    assert record.getMessage() == "100 %s"
    assert {key: record.__dict__[f"{key}_"] for key in own if key != "free"} == {
        key: value for key, value in own.items() if key != "free"
    }
    assert record.__dict__["free"] == 6
    assert record.name == "app"
    assert not record.__dict__.keys() & {"stacklevel", "stack_info_", "stacklevel_", "free_", "exc_info_"}
    assert not record.__dict__.keys() & {"asctime"}


@pytest.mark.parametrize("how", ["True", "the exception", "its triple"])
def test_a_record_has_the_exception(heard: Heard, how: str) -> None:
    """However it was given, with its traceback, without the secrets in its text."""
    try:
        raise KeyError("password=c4n4ry")
    except KeyError as error:
        caught = error
        given = {"True": True, "the exception": error, "its triple": sys.exc_info()}[how]
        write_line(40, "it", {"exc_info": given}, None, "app")
    assert heard.one.exc_info is not None
    kind, error_seen, traceback = heard.one.exc_info
    assert kind is type(error_seen)
    assert (kind.__name__, traceback) == ("KeyError", caught.__traceback__)
    assert "c4n4ry" not in str(error_seen)


@pytest.mark.parametrize("given", [None, False, (None, None, None)])
def test_no_exception_is_none(heard: Heard, given: object) -> None:
    """A record without one has none, as the standard library's."""
    write_line(40, "it", {"exc_info": given}, None, "app")
    assert heard.one.exc_info is None
    assert "exc_info_" not in heard.one.__dict__


def test_a_record_is_of_the_factory_that_is_set(heard: Heard) -> None:
    """Tracing sets one that adds its ids."""

    class Own(standard.LogRecord):
        pass

    standard.setLogRecordFactory(Own)
    try:
        get_logger("app").info("it")
    finally:
        standard.setLogRecordFactory(standard.LogRecord)
    assert type(heard.one) is Own


@pytest.mark.parametrize(("name", "shown"), [("app", "app"), (None, "root")])
def test_a_tracker_is_called_with_a_logger_of_that_name(
    captured_logs: CapturedLogs, monkeypatch: pytest.MonkeyPatch, name: str | None, shown: str
) -> None:
    """It may look at the logger, not at the record, for whom to ignore."""
    names: list[str] = []

    def call(logger: standard.Logger, record: standard.LogRecord) -> None:
        names.append(logger.name)

    put_tracker(monkeypatch, call)
    write_line(30, "it", {}, None, name)
    assert names == [shown]


def test_the_level_of_a_handler_holds(captured_logs: CapturedLogs) -> None:
    """It hears what is of its level or above."""
    handler = Heard(standard.ERROR)
    standard.root.addHandler(handler)
    try:
        for level in ("info", "warning", "error", "critical"):
            getattr(get_logger("app"), level)(level)
    finally:
        standard.root.removeHandler(handler)
    assert handler.messages == ["error", "critical"]


def test_what_is_kept_in_the_buffer_is_not_heard(heard: Heard, lambda_context: Any) -> None:
    """A line below the level that is written is heard neither when it is made nor when an error brings it out."""

    @instrument
    def handler(event: object, context: object) -> None:
        get_logger("app").debug("detail")
        get_logger("app").info("written")
        get_logger("app").error("broken")

    logging.configure(level="INFO", buffer=True)
    handler({}, lambda_context)
    assert heard.messages == ["written", "broken"]


@pytest.mark.parametrize(
    ("event", "values", "message"),
    [
        (MISSING, {"event": "by keyword"}, "by keyword"),
        (MISSING, {}, ""),  # the line has no message
        ("it", {"event": "a value"}, "it"),
        (5, {}, 5),
        ({"a": 1}, {}, {"a": 1}),
        ({"password": "c4n4ry", "a": {1}}, {}, {"password": "[REDACTED]", "a": [1]}),
    ],
)
def test_the_message_of_a_record(heard: Heard, event: Any, values: dict[str, Any], message: Any) -> None:
    """It is that of the line."""
    write_line(30, event, values, None, "app")
    assert heard.one.msg == message


def test_nearer_values_win_in_a_record_too(heard: Heard) -> None:
    """The call's over those that are bound, and both over those of the block around."""
    with logging.bound(a="block", b="block", c="block"):
        get_logger("app", a="bound", b="bound").info("it", a="call")
    record = heard.one
    assert [record.__dict__[key] for key in "abc"] == ["call", "bound", "block"]


def test_what_a_handler_logs_is_not_handed_to_it_and_the_next_line_is(
    heard: Heard, captured_logs: CapturedLogs
) -> None:
    """While it handles one record; after that, also after it failed, it hears again."""
    real = heard.emit

    def emit(record: standard.LogRecord) -> None:
        get_logger("inner").info("from the handler")
        real(record)

    heard.emit = emit  # type: ignore[method-assign]
    get_logger("app").info("first")
    heard.fails = True
    raises, standard.raiseExceptions = standard.raiseExceptions, False
    try:
        get_logger("app").info("second")
    finally:
        standard.raiseExceptions = raises
    heard.fails = False
    get_logger("app").info("third")
    assert heard.messages == ["first", "second", "third"]
    assert captured_logs.messages.count("from the handler") == 3


@pytest.mark.parametrize("raises", [True, False])
def test_what_a_handler_raises_is_shown_as_the_standard_library_does(
    heard: Heard, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, raises: bool
) -> None:
    """On standard error, unless logging.raiseExceptions says no; the line is written in either case."""
    monkeypatch.setattr(standard, "raiseExceptions", raises)
    heard.fails = True
    get_logger("app").info("it")
    assert ("ValueError: broken handler" in capsys.readouterr().err) is raises


def test_where_only_a_tracker_listens_nothing_is_printed_besides(
    captured_logs: CapturedLogs, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The standard library prints a warning that no handler takes on standard error: ours is written already."""
    real = standard.Logger.callHandlers

    def call(logger: standard.Logger, record: standard.LogRecord) -> None:
        real(logger, record)

    put_tracker(monkeypatch, call)
    get_logger("app").warning("it")
    assert capsys.readouterr().err == ""
