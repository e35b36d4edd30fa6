"""Values that belong to an invocation: in every line, in no other's, gone afterwards."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared_utils import get_logger, instrument, logging
from tests.support.programs import lines_of

BIND_FIRST = """
import sys
from shared_utils import get_logger, instrument, logging

log = get_logger()
bind_at = {place!r}

def bind(place):
    if place == bind_at:
        assert "shared_utils.logging.context" not in sys.modules
        {bind}

@instrument
def handler(event, context):
    log.info(f"before {{event}}")
    bind(f"in {{event}}")
    log.info(f"after {{event}}")

bind("at init")
handler(1, None)
bind("between")
log.info("between")
handler(2, None)
log.info("at last")
"""


def test_bound_values_stand_in_every_line_until_unbound(captured_logs):
    """Bind adds, unbind takes away, bound is for a block, clear takes all; later ones replace earlier ones."""
    logging.bind(a=1, b=2)
    logging.bind(b=3)
    with logging.bound(c=4):
        logging.info("all")
    logging.unbind("a", "unknown")
    logging.info("rest")
    logging.clear()
    logging.info("none")
    assert [{key: line.get(key) for key in "abc"} for line in captured_logs] == [
        {"a": 1, "b": 3, "c": 4},
        {"a": None, "b": 3, "c": None},
        {"a": None, "b": None, "c": None},
    ]


def test_the_nearest_value_wins(captured_logs):
    """A value of the call beats the logger's, the logger's beats the bound one."""
    logging.bind(x="bound", y="bound", z="bound")
    get_logger(x="logger", y="logger").info("it", x="call")
    line = captured_logs.one()
    assert (line["x"], line["y"], line["z"]) == ("call", "logger", "bound")


def test_bound_is_a_decorator_and_survives_exceptions(captured_logs):
    """Whatever happens in the block, afterwards everything is as before."""

    @logging.bound(job="nightly")
    def work():
        logging.info("inside")
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - raised two lines above
        work()
    logging.info("outside")
    inside, outside = captured_logs
    assert inside["job"] == "nightly"
    assert "job" not in outside


def test_64_threads_do_not_see_each_others_values(captured_logs):
    """64 threads bind and log at the same time: no value crosses."""
    together = threading.Barrier(64)

    def work(number: int) -> None:
        together.wait()
        logging.bind(number=number)
        log = get_logger(own=number)
        for _ in range(5):
            log.info("working", called=number)
        with logging.bound(inner=number):
            log.info("working", called=number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(captured_logs) == 64 * 6
    assert all(
        line["number"] == line["own"] == line["called"] == line.get("inner", line["own"]) for line in captured_logs
    )


def test_64_tasks_do_not_see_each_others_values(captured_logs):
    """64 asyncio tasks that take turns: no value crosses, and the parent keeps its own."""

    async def work(number: int) -> None:
        logging.bind(number=number)
        for _ in range(5):
            await asyncio.sleep(0)
            await get_logger().ainfo("working", called=number)

    async def main() -> None:
        logging.bind(number="parent", shared=1)
        await asyncio.gather(*(work(number) for number in range(64)))
        logging.info("parent")

    asyncio.run(main())
    assert all(line["number"] == line["called"] for line in captured_logs.find(message="working"))
    assert len(captured_logs.find(message="working", shared=1)) == 64 * 5
    assert captured_logs.one(message="parent")["number"] == "parent"


def test_worker_threads_log_for_the_invocation(captured_logs, lambda_context):
    """The invocation's own fields are in lines of worker threads; bound values too when the context is copied."""

    @instrument
    def handler(event, context):
        logging.bind(user="ann")
        with ThreadPoolExecutor(2) as pool:
            pool.submit(logging.info, "plain").result()
            pool.submit(contextvars.copy_context().run, logging.info, "copied").result()

    handler({}, lambda_context)
    plain, copied = captured_logs.one(message="plain"), captured_logs.one(message="copied")
    assert plain["function_request_id"] == copied["function_request_id"] == lambda_context.aws_request_id
    assert "user" not in plain
    assert copied["user"] == "ann"


def test_a_task_left_behind_keeps_its_identity_and_values(captured_logs, lambda_context):
    """A task that goes on while the next invocation is served logs for the one that started it."""
    gate = None

    async def linger():
        logging.bind(user="ann")
        await gate.wait()
        logging.info("late")

    @instrument
    async def handler(event, context):
        nonlocal gate
        if event == 1:
            gate = asyncio.Event()
            handler.task = asyncio.ensure_future(linger())
            await asyncio.sleep(0)
        else:
            gate.set()
            await handler.task

    handler(1, lambda_context)
    second = type(lambda_context)()
    handler(2, second)
    line = captured_logs.one(message="late")
    assert line["user"] == "ann"
    assert line["function_request_id"] == lambda_context.aws_request_id != second.aws_request_id


def test_values_bound_at_init_last_for_the_first_invocation(captured_logs, lambda_context):
    """Bound values belong to an invocation: the first one takes what was bound before it, and takes it along."""
    logging.bind(init=1)

    @instrument
    def handler(event, context):
        logging.info("served")

    handler({}, lambda_context)
    handler({}, lambda_context)
    first, second = captured_logs
    assert first["init"] == 1
    assert "init" not in second


def test_other_libraries_context_variables_do_not_leak(captured_logs, lambda_context):
    """Each invocation has a context of its own, for any context variable."""
    variable = contextvars.ContextVar("variable", default="clean")
    seen = []

    @instrument
    def handler(event, context):
        seen.append(variable.get())
        variable.set("dirty")

    handler({}, lambda_context)
    handler({}, lambda_context)
    assert seen == ["clean", "clean"]


def test_a_bound_logger_is_structlogs_protocol(captured_logs):
    """bind, unbind, try_unbind, new and the context behave as structlog documents."""
    import structlog

    log = get_logger("mine", a=1)
    assert isinstance(log, structlog.typing.BindableLogger)
    bound = log.bind(b=2)
    assert structlog.get_context(bound) == {"a": 1, "b": 2}
    assert structlog.get_context(log) == {"a": 1}
    assert structlog.get_context(bound.unbind("a")) == {"b": 2}
    assert structlog.get_context(bound.try_unbind("a", "zzz")) == {"b": 2}
    with pytest.raises(KeyError):
        bound.unbind("zzz")
    assert structlog.get_context(bound.new(c=3)) == {"c": 3}
    assert log == get_logger("other", a=1)
    log.bind(b=2).info("it")
    line = captured_logs.one()
    assert (line["logger"], line["a"], line["b"]) == ("mine", 1, 2)


@pytest.mark.parametrize("name", ["debug", "info", "warning", "warn", "error", "critical", "fatal", "exception", "msg"])
def test_every_level_method_has_an_async_twin(captured_logs, name):
    """`await log.ainfo(…)` writes what `log.info(…)` writes, from the same place."""
    logging.configure(level="DEBUG")
    log = get_logger()

    async def speak():
        getattr(log, name)("it", a=1)
        await getattr(log, f"a{name}")("it", a=1)

    asyncio.run(speak())
    sync, async_ = captured_logs
    assert {**sync, "timestamp": "", "location": ""} == {**async_, "timestamp": "", "location": ""}
    assert {line["location"].partition(":")[0] for line in captured_logs} == {"speak"}


def test_log_takes_the_level_as_a_value(captured_logs):
    """Log and alog take a number or a name."""
    log = get_logger()
    log.log(30, "number")
    asyncio.run(log.alog("error", "name"))
    logging.log("WARNING", "module")
    assert [line["level"] for line in captured_logs] == ["WARNING", "ERROR", "WARNING"]


def test_what_is_bound_may_change_under_way(captured_logs):
    """Lines follow changes of a bound list, of a context changed in place, and of secrets registered later."""
    items = [1]
    log = get_logger(items=items, plain="value")
    log.info("it")
    items.append(2)
    log.info("it")
    plain = get_logger(plain="value")
    plain.info("it")
    plain._context["plain"] = "changed"
    plain.info("it")
    assert [line.get("items") for line in captured_logs[:2]] == [[1], [1, 2]]
    assert [line["plain"] for line in captured_logs[2:]] == ["value", "changed"]


def test_a_bound_secret_is_masked_however_late_it_is_known(captured_logs):
    """A bound value that becomes secret, by registration or by configuration, is masked from then on."""
    from shared_utils.redaction.values import forget, register_secret

    log = get_logger(code="c4n4ry-Sq7xZ", pet="rex")
    log.info("it")
    register_secret("c4n4ry-Sq7xZ")
    log.info("it")
    logging.configure(redact=["pet"])
    log.info("it")
    forget()
    assert [(line["code"], line["pet"]) for line in captured_logs] == [
        ("c4n4ry-Sq7xZ", "rex"),
        ("[REDACTED]", "rex"),
        ("[REDACTED]", "[REDACTED]"),
    ]


def test_no_key_stands_twice(captured_logs):
    """Keys that the invocation, the logger and the call have in common stand once, with the nearest value."""
    import io

    written = io.StringIO()
    from shared_utils.logging import output

    output.observers.append(written.write)
    logging.bind(a="bound", b="bound")
    log = get_logger(b="logger", c="logger")
    log.info("1", c="call")
    log.info("2", a="call")
    log.info("3", d="call")
    get_logger(c="logger").info("4", d="call")
    output.observers.remove(written.write)
    assert [{key: line.get(key) for key in "abcd"} for line in captured_logs] == [
        {"a": "bound", "b": "logger", "c": "call", "d": None},
        {"a": "call", "b": "logger", "c": "logger", "d": None},
        {"a": "bound", "b": "logger", "c": "logger", "d": "call"},
        {"a": "bound", "b": "bound", "c": "logger", "d": "call"},
    ]
    assert all(written.getvalue().count(f'"{key}":') == count for key, count in zip("abcd", (4, 4, 4, 2), strict=True))


OURS, STRUCTLOGS = "logging.bind(a=1)", "import structlog; structlog.contextvars.bind_contextvars(a=1)"


@pytest.mark.parametrize(
    ("bind", "place", "shown"),
    [
        (OURS, "at init", ["before 1", "after 1"]),
        (OURS, "in 1", ["after 1"]),
        (OURS, "between", ["between", "before 2", "after 2"]),
        (OURS, "in 2", ["after 2"]),
        # structlog's are its context's, which no invocation ends.
        (STRUCTLOGS, "at init", ["before 1", "after 1", "between", "before 2", "after 2", "at last"]),
        (STRUCTLOGS, "in 1", ["after 1"]),
        (STRUCTLOGS, "between", ["between", "before 2", "after 2", "at last"]),
        (STRUCTLOGS, "in 2", ["after 2"]),
    ],
)
def test_what_is_bound_first_is_bound_as_ever(bind: str, place: str, shown: list[str]) -> None:
    """What holds bound values loads at the first of them, wherever that is, and they stand in the same lines."""
    lines = lines_of(BIND_FIRST.format(place=place, bind=bind))
    assert len(lines) == 6
    assert [line["message"] for line in lines if "a" in line] == shown
