"""The generated pages of docs/reference are those that the code gives today, and their tables miss nothing."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from docs.tools import environment, log_keys, reference

from shared_utils.logging.fields import RESERVED_KEYS

ROOT = Path(__file__).resolve().parents[2]
# Variables that only the tests of a machine, or other programs, are asked about.
_PREFIXES = re.compile(
    r"(POWERTOOLS|SHARED_UTILS|AWS|LAYERCTL|DURABLE|PARAMETERS|REQUESTS_CA)_[A-Z_]*[A-Z]|LOG_LEVEL|NO_COLOR"
)
# What the emulator gives a function, and what layerctl reads from a template: not read by us from our own environment.
_NOT_READ = re.compile(
    r"AWS_(IAM|ENDPOINT_URL_LAMBDA|EXECUTION_ENV|LAMBDA_(FUNCTION_(VERSION|TIMEOUT)|LOG_(GROUP|STREAM)_NAME))|AWS_LAMBDA_EXEC_WRAPPER"
    r"|POWERTOOLS_TRACE_DISABLED"
)


def test_the_pages_are_up_to_date() -> None:
    """`make reference` would change no page."""
    written = dict(reference.pages())
    there = {page.relative_to(reference.FOLDER).as_posix(): page for page in reference.FOLDER.rglob("*.md")}
    assert sorted(there) == sorted(written)
    stale = [name for name, page in there.items() if page.read_text("utf-8") != written[name]]
    assert not stale, "run `make reference`"


def test_every_variable_that_is_read_is_on_the_page() -> None:
    """Each string of the runtime package that is a variable's name has a row, and each row a reader."""
    named: set[str] = set()
    for source in [*(ROOT / "src").rglob("*.py"), *(ROOT / "layerctl/src").rglob("*.py")]:
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _PREFIXES.fullmatch(node.value):
                named.add(node.value)
    runtime = {name for name in named if not _NOT_READ.fullmatch(name)}
    assert environment.variables() >= runtime
    unread = {name for name in environment.variables() - named if name != "NO_COLOR"}  # rich reads that one
    assert not unread


def test_every_key_of_a_line_is_on_the_page() -> None:
    """The page has the keys that a line may have, and no other."""
    assert log_keys.keys() == set(RESERVED_KEYS)
