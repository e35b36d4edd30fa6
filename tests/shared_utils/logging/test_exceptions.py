"""Errors as data: what happened, where, and what led to it, of bounded size."""

from __future__ import annotations

import json

import pytest

from shared_utils import get_logger, logging


def caught(function, *args) -> BaseException:
    """Return the exception that the call raises."""
    try:
        function(*args)
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def fail(message: str = "broken") -> None:
    """Raise."""
    raise ValueError(message)


def test_an_exception_has_type_message_notes_and_frames(captured_logs):
    """The structured form, and beside it the flat keys that saved queries use."""
    error = caught(fail)
    error.add_note("while listing")
    get_logger().error("it", exc_info=error)
    line = captured_logs.one()
    exception = line["stack_trace"]
    assert (exception["type"], exception["value"], exception["module"]) == ("ValueError", "broken", "builtins")
    assert line["exception_notes"] == ["while listing"]
    assert [frame["function"] for frame in exception["frames"]] == ["caught", "fail"]
    assert exception["frames"][-1]["file"] == __file__
    assert exception["frames"][-1]["statement"] == "raise ValueError(message)"
    assert exception["frames"][-1]["line"] == fail.__code__.co_firstlineno + 2
    assert "locals" not in exception["frames"][-1]
    assert line["exception_name"] == "ValueError"
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith("ValueError: broken\nwhile listing")


def test_the_module_of_an_exception_that_is_not_builtin_is_told(captured_logs):
    """json.decoder.JSONDecodeError is told from a namesake."""
    get_logger().error("it", exc_info=caught(json.loads, "{"))
    exception = captured_logs.one()["stack_trace"]
    assert (exception["module"], exception["type"]) == ("json.decoder", "JSONDecodeError")


@pytest.mark.parametrize("how", ["true", "one", "instance", "tuple", "method"])
def test_every_way_to_pass_an_exception(captured_logs, how):
    """exc_info takes True, 1, an exception or a tuple; `exception` takes the one being handled."""
    log = get_logger()
    try:
        fail()
    except ValueError as error:
        match how:
            case "true":
                log.info("it", exc_info=True)
            case "one":
                log.info("it", exc_info=1)
            case "instance":
                log.info("it", exc_info=error)
            case "tuple":
                log.info("it", exc_info=(type(error), error, error.__traceback__))
            case "method":
                log.exception("it")
    assert captured_logs.one()["stack_trace"]["value"] == "broken"


@pytest.mark.parametrize("value", [True, None, False, (None, None, None)])
def test_no_exception_is_no_exception(captured_logs, value):
    """exc_info without an exception adds nothing."""
    get_logger().info("it", exc_info=value)
    assert not {"exception", "exception_name", "stack_trace"} & captured_logs.one().keys()


def test_causes_and_contexts_are_chained(captured_logs):
    """`raise … from` is a cause, an exception while handling another one a context, `from None` neither."""

    def chain():
        try:
            try:
                fail("first")
            except ValueError as error:
                raise KeyError("second") from error
        except KeyError:
            raise OSError("third")  # noqa: B904 - this is the point

    def cut():
        try:
            fail("hidden")
        except ValueError:
            raise OSError("alone") from None

    get_logger().error("it", exc_info=caught(chain))
    get_logger().error("it", exc_info=caught(cut))
    first, second = captured_logs
    assert first["stack_trace"]["context"]["value"] == "'second'"
    assert first["stack_trace"]["context"]["cause"]["value"] == "first"
    assert "context" not in second["stack_trace"]
    assert "hidden" not in json.dumps(second)


def test_members_of_groups_are_shown(captured_logs):
    """An exception group has its members, nested ones too, and says how many are left out."""
    many = [ValueError(str(number)) for number in range(30)]
    inner = ExceptionGroup("inner", [OSError("x")])
    get_logger().error("it", exc_info=ExceptionGroup("outer", [inner, ExceptionGroup("many", [*many, inner])]))
    exception = captured_logs.one()["stack_trace"]
    inner, many = exception["exceptions"]
    assert inner["exceptions"][0]["value"] == "x"
    assert len(many["exceptions"]) == 10
    assert many["exceptions_not_shown"] == 21


def _raise(error: BaseException) -> None:
    raise error


def test_a_circular_chain_ends(captured_logs):
    """Exceptions that are each other's cause are shown once."""
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    get_logger().error("it", exc_info=first)
    exception = captured_logs.one()["stack_trace"]
    assert exception["cause"]["value"] == "second"
    assert "cause" not in exception["cause"]


def test_depth_number_and_size_are_bounded(captured_logs):
    """Deep recursion, chains of 1000 and messages of 10 MB make one line of bounded size."""

    def recurse(depth: int) -> None:
        if depth:
            recurse(depth - 1)
        fail("x" * 10_000_000)

    def chain(depth: int) -> None:
        try:
            if depth:
                chain(depth - 1)
            fail(str(depth))
        except ValueError as error:
            raise ValueError(f"{depth}") from error

    log = get_logger()
    log.error("deep", exc_info=caught(recurse, 300))
    log.error("long", exc_info=caught(chain, 150))
    log.error("endless", exc_info=caught(_endless))
    deep, long, endless = captured_logs
    assert len(deep["stack_trace"]["frames"]) == 51
    assert deep["stack_trace"]["frames"][10] == {"frames_not_shown": 253}
    assert json.dumps(long).count('"cause"') <= 11
    assert endless["exception_name"] == "RecursionError"
    assert [len(json.dumps(line)) < 300_000 for line in captured_logs] == [True] * 3


def _endless() -> None:
    _endless()


class Broken(Exception):
    """Cannot be printed, and lies about its notes."""

    __notes__ = 5

    def __str__(self) -> str:
        raise RuntimeError("no")


def test_a_broken_exception_is_still_a_line(captured_logs):
    """An exception whose own methods raise is reported by its name."""
    get_logger().error("it", exc_info=caught(_raise, Broken()))
    line = captured_logs.one(message="it")
    assert line["exception_name"] == "Broken"
    assert line["stack_trace"]["frames"]


def test_locals_are_shown_when_asked_for(captured_logs):
    """Local variables of each frame, shortened, with secrets masked by the variable's name."""

    def compute():
        password = "canary"  # noqa: F841
        items = list(range(1000))  # noqa: F841
        fail()

    logging.configure(exception_locals=True)
    get_logger().error("it", exc_info=caught(compute))
    frame = captured_logs.one()["stack_trace"]["frames"][1]
    assert frame["locals"]["password"] == "[REDACTED]"
    assert len(json.dumps(frame["locals"]["items"])) < 400


def test_stack_info_shows_how_one_got_there(captured_logs):
    """stack_info adds the call stack as text."""
    get_logger().info("it", stack_info=True)
    stack = captured_logs.one()["stack"]
    assert "test_stack_info_shows_how_one_got_there" in stack
    assert stack.splitlines()[-1].strip() == 'get_logger().info("it", stack_info=True)'


def test_of_a_deep_traceback_both_ends_are_shown(captured_logs):
    """The outermost ten frames and the innermost forty, each where it belongs."""
    namespace: dict = {}
    for number in range(99):
        exec(f"def f{number}():\n    f{number + 1}()", namespace)
    exec("def f99():\n    raise ValueError", namespace)
    get_logger().error("it", exc_info=caught(namespace["f0"]))
    frames = captured_logs.one()["stack_trace"]["frames"]
    names = [frame.get("function", "") for frame in frames]
    assert names[1:10] == [f"f{number}" for number in range(9)]
    assert frames[10] == {"frames_not_shown": 51}
    assert names[11:] == [f"f{number}" for number in range(60, 100)]
