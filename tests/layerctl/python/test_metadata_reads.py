"""Reading code for calls of `importlib.metadata`: whatever the code is, never an error of ours."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from layerctl.python.metadata_reads import entry_point_groups, metadata_reads

HEAD = b"import importlib.metadata\n"
WORDS = st.sampled_from(
    ["try:", "except:", "raise", "if x:", "return", "def f():", "version('a')", "next(iter(entry_points(group='g')))",
     "f()", "\n", "    ", "(", ")", "lambda:", "'", '"""', "\\", "\0", "é", "class A:", "version(__name__)", "= "]
)  # fmt: skip


@given(st.lists(WORDS, max_size=30).map("".join))
@example("+".join("a" * 20_000))
@example("(" * 500)
@example("x = '\\d'")
@example("if a: " * 200)
def test_any_text(text: str) -> None:
    """Text that is no Python, nested without end, or full of warnings gives what can be read of it, or nothing."""
    for read in metadata_reads(HEAD + text.encode(), "own"):
        assert read.line >= 1
        assert bool(read.distribution) != bool(read.group)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    """Bytes in no encoding are no error either."""
    assert isinstance(metadata_reads(HEAD + data, ""), list)
    assert isinstance(entry_point_groups([data.decode("latin-1")]), set)


@pytest.mark.parametrize("warns", [b"x = '\\d'\n", b"x = 1 is 1\n", b"assert (1, 'x')\n"])
def test_the_warnings_of_others_are_not_shown(warns: bytes, recwarn: pytest.WarningsRecorder) -> None:
    """What Python has to say about other people's code is not for those who verify it."""
    assert len(metadata_reads(HEAD + warns + b"V = importlib.metadata.version('a')\n", "")) == 1
    assert not recwarn.list
