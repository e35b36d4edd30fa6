"""What an import of ours pulls in, and does not: every cold start pays for it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

# Loaded by Lambda's runtime client before the handler is imported, on every supported Python.
RUNTIME = "import __future__, json, logging, os, re, time, traceback, warnings, importlib, contextlib, decimal\n"

PACKAGE = {"shared_utils"}
LOGGING = PACKAGE | {
    *("contextvars", "_contextvars", "shared_utils._env"),
    *(f"shared_utils.{name}" for name in ("invocation", "invocation.lifecycle", "redaction")),
    *("shared_utils.logging", "shared_utils.logging.fields"),
    *("shared_utils.logging.logger", "shared_utils.logging.output", "shared_utils.logging.render"),
    *("shared_utils.logging.settings", "shared_utils.logging.state", "shared_utils.logging.takeover"),
}
INSTRUMENT = LOGGING | {f"shared_utils.invocation.{module}" for module in ("decorator", "serving")}
INVOCATION = """
from shared_utils import get_logger, instrument, logging
log = get_logger().bind(a=1)

@instrument
def handler(event, context):
    logging.bind(b=1)
    log.info("it", c=[{"d": 1.5}])

handler({}, None)
"""
# The interpreter's own: which of these are loaded at start-up differs between versions.
STARTUP = {"_typing", "_opcode", "copyreg", "_weakrefset"}


def imported(program: str) -> set[str]:
    """Return the modules that `program` loads in a fresh interpreter after Lambda's runtime client."""
    source = (
        f"import sys\n{RUNTIME}before = set(sys.modules)\n{program}\n"
        "import json; json.dump(sorted(set(sys.modules) - before), sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", source], capture_output=True, text=True, check=True, timeout=60, env={}
    )
    return set(json.loads(done.stderr)) - STARTUP


@pytest.mark.parametrize(
    ("program", "allowed"),
    [
        ("import shared_utils", PACKAGE),
        ("from shared_utils import get_logger", LOGGING),
        ("from shared_utils import logging; logging.info('it', a=1)", LOGGING),
        ("from shared_utils import get_logger, instrument", INSTRUMENT),
        (INVOCATION, INSTRUMENT | {"shared_utils.logging.context"}),
        ("import shared_utils.errors", PACKAGE | {"shared_utils.errors"}),
    ],
    ids=["package", "logger", "line", "decorator", "invocation", "errors"],
)
def test_an_import_pulls_in_only(program, allowed):
    """No typing, structlog, asyncio, dataclasses, inspect, Powertools or boto3: just these modules."""
    assert imported(program) <= allowed


def test_nothing_happens_at_import():
    """Importing sets nothing up: no handler, no level, no filter, no finder, no output, no environment read."""
    program = """
import os, sys, logging as standard_logging, warnings
class Watched(dict):
    def __getitem__(self, key):
        raise AssertionError(f"{key} was read at import")
    get = __contains__ = __getitem__
state = lambda: (list(sys.meta_path), standard_logging.root.handlers[:], standard_logging.root.level,
                 warnings.showwarning, sys.stdout)
before, environment = state(), os.environ
os.environ = Watched()
from shared_utils import errors, get_logger, instrument, logging
from shared_utils.logging import bind
os.environ = environment
assert state() == before
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_exported_names():
    """The public names, sorted; each can be had, and an unknown one is an AttributeError."""
    import shared_utils
    from shared_utils import logging

    assert shared_utils.__all__ == sorted(shared_utils.__all__)
    assert shared_utils.__all__ == [
        *("__version__", "config", "configure", "errors", "get_logger", "instrument", "logging", "metrics", "testing"),
    ]
    assert logging.__all__ == sorted(logging.__all__)
    assert logging.__all__ == [
        *("BoundLogger", "bind", "bound", "bound_values", "clear", "clear_buffer", "configure", "correlation_paths"),
        *("critical", "debug", "error", "exception", "flush_buffer", "get_correlation_id", "get_logger", "info", "log"),
        *("processors", "set_correlation_id", "unbind", "warning"),
    ]
    for module in (shared_utils, logging, shared_utils.testing):
        assert all(getattr(module, name) is not None for name in module.__all__)
        assert dir(module)
        with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
            module.nonsense  # noqa: B018
