"""structlog's documented recipes, each in a fresh process with us in it, set up before and after ours."""

from __future__ import annotations

import json

import pytest

from tests.support.programs import run

OURS = """
from shared_utils import get_logger
ours = get_logger()
"""
# https://www.structlog.org/en/stable/standard-library.html, "Rendering using structlog-based formatters within logging"
PROCESSOR_FORMATTER = """
import logging, sys, structlog
structlog.configure(
    processors=[structlog.stdlib.add_log_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
)
formatter = structlog.stdlib.ProcessorFormatter(
    foreign_pre_chain=[structlog.stdlib.add_log_level],
    processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
)
handler = logging.StreamHandler()
handler.setFormatter(formatter)
root_logger = logging.getLogger()
root_logger.addHandler(handler)
root_logger.setLevel(logging.INFO)
"""
USE = """
structlog.get_logger("a").info("theirs", k=1)
logging.getLogger("b").info("standard")
logging.getLogger("b").debug("filtered")
ours.info("ours", k=2)
"""


def both(setup: str) -> list[str]:
    """Return the program with the recipe before our first use, and after it."""
    return [setup + OURS + USE, OURS + setup + USE]


def outputs(program: str) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Return the lines of JSON on standard output and on standard error."""
    done = run(program)
    return tuple([json.loads(line) for line in text.splitlines()] for text in (done.stdout, done.stderr))


@pytest.mark.parametrize("program", both(PROCESSOR_FORMATTER), ids=["before", "after"])
def test_processor_formatter(program):
    """The recipe's handler gets structlog's and the standard library's events, once; ours stay on standard output."""
    out, err = outputs(program)
    assert out == [out[0]]
    assert (out[0]["message"], out[0]["k"]) == ("ours", 2)
    assert err == [
        {"event": "theirs", "k": 1, "level": "info"},
        {"event": "standard", "level": "info"},
    ]


# The same page, "Rendering within structlog", with logging.basicConfig as its example has it.
WITHIN_STRUCTLOG = """
import logging, sys, structlog
structlog.configure(
    processors=[structlog.stdlib.filter_by_level, structlog.stdlib.add_logger_name, structlog.stdlib.add_log_level,
                structlog.stdlib.PositionalArgumentsFormatter(), structlog.processors.StackInfoRenderer(),
                structlog.processors.format_exc_info, structlog.processors.UnicodeDecoder(),
                structlog.processors.JSONRenderer()],
    wrapper_class=structlog.stdlib.BoundLogger,
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
logging.basicConfig(format="%(message)s", stream=sys.stderr, level=logging.INFO)
"""


@pytest.mark.parametrize("program", both(WITHIN_STRUCTLOG), ids=["before", "after"])
def test_rendering_within_structlog_with_basic_config(program):
    """BasicConfig takes effect also after our first use, and writes what structlog renders, once."""
    done = run(program)
    assert [json.loads(line)["message"] for line in done.stdout.splitlines()] == ["ours"]
    first, second = done.stderr.splitlines()
    assert json.loads(first) == {"event": "theirs", "k": 1, "level": "info", "logger": "a"}
    assert second == "standard"


# The same page, "Rendering using logging-based formatters".
LOG_KWARGS = """
import logging, sys, structlog
structlog.configure(
    processors=[structlog.stdlib.add_log_level, structlog.stdlib.render_to_log_kwargs],
    wrapper_class=structlog.stdlib.BoundLogger, logger_factory=structlog.stdlib.LoggerFactory(),
)
"""


@pytest.mark.parametrize("program", both(LOG_KWARGS), ids=["before", "after"])
def test_rendering_by_the_handlers_of_the_standard_library(program):
    """Without handlers of its own the recipe's records come out as our lines, values included."""
    out, err = outputs(program)
    assert [(line["message"], line.get("k")) for line in out] == [("theirs", 1), ("standard", None), ("ours", 2)]
    assert err == []


# https://www.structlog.org/en/stable/frameworks.html, "Celery": its task loggers are the standard library's.
CELERY = """
import logging, sys, structlog
task_logger = logging.getLogger("celery.task").getChild("app")
handler = logging.StreamHandler()
handler.setFormatter(logging.Formatter("[%(levelname)s/%(name)s] %(message)s"))
logging.getLogger("celery.task").addHandler(handler)
logging.getLogger("celery.task").propagate = False
logging.getLogger("celery.task").setLevel("INFO")
"""


@pytest.mark.parametrize("program", [CELERY + OURS, OURS + CELERY], ids=["before", "after"])
def test_celerys_task_loggers(program):
    """A wrapped task logger writes where Celery's handlers say, with its values; bound task ids stand in the line."""
    done = run(
        program + "log = structlog.wrap_logger(task_logger)\n"
        "structlog.contextvars.bind_contextvars(task_id='t-1')\nlog.info('it', k=1)\nlog.debug('filtered')\n"
        "ours.info('ours')\n"
    )
    prefix, _, text = done.stderr.strip().partition("] ")
    assert prefix == "[INFO/celery.task.app"
    line = json.loads(text)
    assert (line["message"], line["k"], line["task_id"]) == ("it", 1, "t-1")
    assert [json.loads(line)["task_id"] for line in done.stdout.splitlines()] == ["t-1"]


# https://www.structlog.org/en/stable/configuration.html and .../logging-best-practices.html: output on standard error.
STDERR = """
import logging, sys, structlog
structlog.configure(processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
                    logger_factory=structlog.PrintLoggerFactory(sys.stderr))
"""


@pytest.mark.parametrize("program", both(STDERR), ids=["before", "after"])
def test_output_on_standard_error(program):
    """PrintLoggerFactory(sys.stderr) writes structlog's events there; the rest is ours."""
    out, err = outputs(program)
    assert [line["message"] for line in out] == ["standard", "ours"]
    assert err == [{"event": "theirs", "k": 1, "level": "info"}]


# https://www.structlog.org/en/stable/thread-local.html
THREAD_LOCAL = """
import logging, sys, warnings, structlog
warnings.simplefilter("ignore", DeprecationWarning)
from structlog.threadlocal import tmp_bind, wrap_dict
structlog.configure(context_class=wrap_dict(dict))
"""


def test_thread_local_contexts():
    """With wrap_dict as the context class, values bound by one logger stand in the lines of every other one."""
    done = run(
        OURS
        + THREAD_LOCAL
        + "structlog.get_logger().bind(x=42)\nlog = structlog.get_logger('lib')\nlog.info('it', k=1)\n"
        "with tmp_bind(log, y=1) as bound:\n    bound.info('within')\nlog.info('after')\nlog.new(z=1).info('new')\n"
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(line["message"], line.get("x"), line.get("y"), line.get("z")) for line in lines] == [
        *(("it", 42, None, None), ("within", 42, 1, None), ("after", 42, None, None), ("new", None, None, 1))
    ]


@pytest.mark.parametrize("order", ["before", "after"])
def test_recreate_defaults_on_the_standard_library(order):
    """structlog.stdlib.recreate_defaults() stays in force: its lines are structlog's console's, ours are JSON."""
    recreate = "import logging, structlog\nstructlog.stdlib.recreate_defaults()\n"
    done = run((recreate + OURS if order == "before" else OURS + recreate) + USE)
    lines = done.stdout.splitlines()
    assert len(lines) == 4 if "filtered" in done.stdout else 3
    assert "theirs" in lines[0]
    assert "k=1" in lines[0]
    assert json.loads(lines[-1])["message"] == "ours"
