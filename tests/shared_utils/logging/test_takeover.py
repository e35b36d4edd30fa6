"""What is taken over, and when: the root logger, warnings, structlog. Each case in a fresh process."""

from __future__ import annotations

import json

import pytest

from tests.support.programs import run

USE = """
import logging as standard, warnings
standard.getLogger("lib").warning("library")
standard.getLogger("lib").info("detail")
"""
GET = "from shared_utils import get_logger\nlog = get_logger()\n"
HANDLER = """
import logging as standard, sys
handler = standard.StreamHandler(sys.stderr)
handler.setFormatter(standard.Formatter("theirs %(message)s"))
standard.root.addHandler(handler)
standard.root.setLevel("WARNING")
"""
BASIC_CONFIG = "import logging as standard\nstandard.basicConfig(format='theirs %(message)s')\n"
STATE = """
import logging as standard, sys, warnings
def state():
    return standard.root.handlers[:], standard.root.level, warnings.showwarning, list(sys.meta_path), sys.excepthook
before = state()
"""


def outputs(program: str, **environment: str) -> tuple[list[str], list[str]]:
    """Return the messages on standard output, and the lines on standard error."""
    done = run(program, **environment)
    return [json.loads(line)["message"] for line in done.stdout.splitlines()], done.stderr.splitlines()


def test_alone_the_first_logger_takes_the_root_logger():
    """get_logger() makes lines of what libraries log, where nobody else has set logging up."""
    assert outputs(GET + USE) == (["library", "detail"], [])


def test_a_call_on_the_module_is_a_first_use_too():
    """logging.info() without a logger does the same."""
    assert outputs("from shared_utils import logging\nlogging.info('ours')\n" + USE) == (
        ["ours", "library", "detail"],
        [],
    )


def test_get_logger_leaves_an_applications_handlers_and_level_alone():
    """With a handler at the root logger get_logger() takes nothing: no handler, no level, no second line."""
    assert outputs(HANDLER + GET + USE + "log.info('ours')") == (["ours"], ["theirs library"])


@pytest.mark.parametrize(
    "setup",
    [HANDLER, BASIC_CONFIG, BASIC_CONFIG.replace("(format", "(force=True, format")],
    ids=["a handler", "basicConfig", "basicConfig by force"],
)
def test_get_logger_gives_way_to_a_later_set_up(setup):
    """A handler added, or basicConfig called, after get_logger() takes its place, with the level as it was before."""
    assert outputs(GET + setup + USE + "log.info('ours')") == (["ours"], ["theirs library"])


@pytest.mark.parametrize(
    "call",
    [
        "basicConfig(level='DEBUG', format='theirs %(message)s')",
        "basicConfig(level='DEBUG', format='theirs %(message)s', force=True)",
        (
            "config.dictConfig({'version': 1, 'formatters': {'f': {'format': 'theirs %(message)s'}}, 'root': {'level': "
            "'INFO', 'handlers': ['h']}, 'handlers': {'h': {'class': 'logging.StreamHandler', 'formatter': 'f'}}})"
        ),
    ],
    ids=["level", "force", "dictConfig"],
)
def test_every_way_to_set_logging_up_later_holds(call):
    """The level that it sets holds, and so do its handlers; ours writes none of it."""
    program = GET + f"import logging as standard, logging.config\nstandard.{call}\n" + USE + "log.info('ours')"
    assert outputs(program) == (["ours"], ["theirs library", "theirs detail"])


def test_the_standard_librarys_module_functions_change_nothing():
    """logging.warning() of the standard library, which calls basicConfig where there is no handler, finds ours."""
    assert outputs(GET + "import logging as standard\nstandard.warning('root')\n" + USE) == (
        ["root", "library", "detail"],
        [],
    )


@pytest.mark.parametrize(
    "asked",
    [
        "from shared_utils import logging\nlogging.configure()\n",
        "from shared_utils import instrument\n@instrument\ndef handler(event, context): pass\n",
    ],
    ids=["configure", "instrument"],
)
@pytest.mark.parametrize("order", ["before", "after"])
def test_configure_and_instrument_add_ours_beside_others(asked, order):
    """Both handlers write; the application's level holds, so its details stay hidden."""
    program = (asked + HANDLER if order == "before" else HANDLER + asked) + USE
    assert outputs(program) == (["library"], ["theirs library"])


def test_the_runtimes_handler_is_nobodys_set_up():
    """Lambda's own handler is replaced by get_logger(), and comes back when an application's takes over."""
    runtime = (
        "import sys, logging as standard\n"
        "from awslambdaric.bootstrap import LambdaLoggerHandler, StandardLogSink, Unbuffered\n"
        "sys.stdout = Unbuffered(sys.stdout)\nstandard.root.addHandler(LambdaLoggerHandler(StandardLogSink()))\n"
    )
    assert outputs(runtime + GET + USE) == (["library", "detail"], [])
    assert outputs(runtime + GET + BASIC_CONFIG + USE + "log.info('ours')") == (["ours"], ["theirs library"])
    left_alone = "from shared_utils import logging\nlogging.configure(stdlib=False)\n"
    assert run(runtime + GET + left_alone + USE).stdout == "library"


def test_the_standard_library_can_be_left_alone():
    """configure(stdlib=False) takes nothing over, gives back what was taken, and None takes it again."""
    program = STATE + GET + "from shared_utils import logging\nlogging.configure(stdlib=False)\n"
    check = "assert state()[:3] == before[:3], (before, state())\nlog.info('ours')\n"
    assert outputs(program + check + "logging.configure(stdlib=None)\n" + USE) == (["ours", "library", "detail"], [])


@pytest.mark.parametrize(
    "program",
    [
        "from shared_utils import errors, instrument, logging, metrics, config\nfrom shared_utils import get_logger",
        "from shared_utils import config\nassert config.get('env://A') == 'a'",
        "from shared_utils import config\nconfig.get('env://MISSING', default='')",
        "from shared_utils import metrics\nmetrics.configure(namespace='n')\nmetrics.count('x')\nmetrics.flush()",
        "from shared_utils import metrics\nmetrics.count('x')\nmetrics.flush()",
    ],
    ids=["import", "config", "config that fails", "metrics", "metrics that fail"],
)
def test_other_rooms_take_nothing_over(program):
    """Importing anything, reading configuration and recording metrics leave the process as it was."""
    run(STATE + program + "\nassert state() == before, (before, state())", A="a", SHARED_UTILS_LOG_LEVEL="DEBUG")


def test_structlog_is_configured_by_loggers_only():
    """It stays as it is until a logger of ours is asked for."""
    run(
        "import structlog\nfrom shared_utils import config, logging, metrics\nconfig.get('env://A', default='')\n"
        "metrics.count('x')\nmetrics.flush()\nassert not structlog.is_configured()\nlogging.info('x')\n"
        "assert structlog.is_configured()"
    )


def test_warnings_are_given_back_with_the_root_logger():
    """After basicConfig a warning goes where Python writes it."""
    done = run(GET + BASIC_CONFIG + "import warnings\nwarnings.simplefilter('always')\nwarnings.warn('old')\n")
    assert done.stdout == ""
    assert "UserWarning: old" in done.stderr
