"""structlog beside us: not imported by us, and set up from the moment that somebody imports it."""

from __future__ import annotations

import pytest

from tests.support.programs import lines_of as run

_PREPARE = "import sys; from shared_utils import get_logger, logging; logging.configure(format='json')\n"


def test_a_line_does_not_import_structlog() -> None:
    """A logger, its first line and a bound value need no structlog."""
    lines = run(_PREPARE + "get_logger().bind(a=1).info('x')\nassert 'structlog' not in sys.modules")
    assert [line["message"] for line in lines] == ["x"]


@pytest.mark.parametrize(
    "order",
    [
        _PREPARE + "get_logger()\nimport structlog\n",
        "import structlog\n" + _PREPARE + "get_logger()\n",
        "import structlog\nlog = structlog.get_logger('early')\n" + _PREPARE + "get_logger()\n",
        _PREPARE + "get_logger()\nfrom structlog.contextvars import bind_contextvars\nimport structlog\n",
    ],
    ids=["after", "before", "logger-before", "by-submodule"],
)
def test_structlog_writes_our_lines_whenever_it_is_imported(order: str) -> None:
    """A library's structlog.get_logger() writes the same lines, imported before or after ours."""
    lines = run(order + "structlog.get_logger('lib', k=1).info('x', a=[1])\nassert structlog.is_configured()")
    assert [(line["message"], line["k"], line["a"], line["logger"]) for line in lines] == [("x", 1, [1], "lib")]


def test_what_structlog_binds_in_the_context_stands_in_our_lines() -> None:
    """structlog.contextvars and ours meet in one line."""
    source = _PREPARE + "log = get_logger()\nimport structlog\n"
    lines = run(source + "structlog.contextvars.bind_contextvars(tenant='t-1')\nlog.info('x')")
    assert lines[0]["tenant"] == "t-1"


def test_the_finder_leaves_when_structlog_is_there() -> None:
    """After structlog's import nothing of ours is left on sys.meta_path, and the module has its own loader."""
    run(
        _PREPARE + "get_logger(); before = len(sys.meta_path)\nimport structlog\n"
        "assert len(sys.meta_path) == before - 1\n"
        "assert type(structlog.__spec__.loader).__module__.startswith(('_frozen_importlib', 'importlib'))"
    )


def test_a_failed_import_of_structlog_is_the_users_error_and_can_be_tried_again() -> None:
    """Where structlog is not installed, importing it raises as ever, and logging goes on."""
    blocked = "import sys; path = list(sys.path); sys.path[:] = [p for p in path if 'site-packages' not in p]\n"
    lines = run(
        _PREPARE + "log = get_logger()\n" + blocked + "try:\n    import structlog\nexcept ImportError:\n    pass\n"
        "else:\n    raise SystemExit('found')\nlog.info('still here')\nsys.path[:] = path\nimport structlog\n"
        "structlog.get_logger().info('now too')"
    )
    assert [line["message"] for line in lines] == ["still here", "now too"]


def test_capture_logs_captures_our_loggers_too() -> None:
    """structlog.testing.capture_logs, which swaps the processors, sees the calls of our loggers."""
    source = _PREPARE + "log = get_logger()\nfrom structlog.testing import capture_logs\n"
    lines = run(
        source + "with capture_logs() as logs:\n    log.info('caught', a=1)\n"
        "assert logs == [{'event': 'caught', 'a': 1, 'log_level': 'info'}], logs\nlog.info('written')"
    )
    assert [line["message"] for line in lines] == ["written"]


def test_our_logger_fulfils_structlogs_protocol() -> None:
    """bind, unbind, try_unbind, new, equality and get_context behave as those of structlog's own base class."""
    from structlog import BoundLoggerBase, get_context
    from structlog.typing import BindableLogger

    from shared_utils import get_logger

    ours, theirs = get_logger(a=1), BoundLoggerBase(None, [], {"a": 1})
    assert isinstance(ours, BindableLogger)
    for pair in ((ours, theirs), (ours.bind(b=2), theirs.bind(b=2)), (ours.new(c=3), theirs.bind().new(c=3))):
        assert get_context(pair[0]) == get_context(pair[1])
    assert get_context(ours) == {"a": 1}
    assert get_context(ours.unbind("a")) == get_context(ours.try_unbind("a", "z")) == {}
    with pytest.raises(KeyError):
        ours.unbind("z")
    assert ours == ours.bind()
    assert ours != ours.bind(b=2)
