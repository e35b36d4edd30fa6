"""The diff that a bump shows is a patch that `git apply` takes, whatever the file looks like."""

import shutil
import subprocess
import tempfile
from difflib import unified_diff
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerctl.pins.edit import bump_file
from layerctl.pins.resolve.targets import BumpRequest
from layerctl.pins.resolve.versions import VersionResolver
from tests.layerctl.pins.made import resolver

ARN = "arn:aws:lambda:eu-central-1:123456789012:layer:shared-utils:2"
TEXTS = [ARN, f"- {ARN} # shared-utils 1.1.0", "# shared-utils 1.1.0", "", "a"]
TEXTS += ["\f", "x\vy", "\x1cz", "\x85", "\u2028", "é"]  # where str.splitlines() ends a line, and git does not
LINES = st.lists(st.sampled_from(TEXTS), max_size=25)


def applied(folder, path, diff):
    """The file's bytes after `git apply` in its folder; it must be what it was before the bump."""
    command = [shutil.which("git"), "apply", "--whitespace=nowarn", "-"]
    done = subprocess.run(command, cwd=folder, input=diff, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr + diff
    return path.read_bytes()


@settings(max_examples=60)
@given(
    lines=LINES,
    end=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    known=st.booleans(),
    name=st.sampled_from(["a.txt", "with space.yaml", 'quo"te.txt', "tab\there.txt", "ü.txt", "folder/a.txt"]),
)
def test_it_applies(*, lines, end, last, encoding, known, name):
    """No final newline, form feeds, CRLF, byte order marks, comments that go: the patch gives what the bump writes."""
    with tempfile.TemporaryDirectory() as scratch, pytest.MonkeyPatch.context() as patch:
        folder = Path(scratch)
        patch.chdir(folder)
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes((end.join(lines) + (end if last else "")).encode(encoding))
        request, source = (BumpRequest(), resolver()) if known else (BumpRequest("3"), VersionResolver([]))
        bump = bump_file(path, request, source, comment=True)
        if bump.edits:
            assert applied(folder, path, bump.diff()) == bump.source.encode(bump.text)


def test_it_is_what_difflib_finds(tmp_path, monkeypatch):
    """Changes near to and far from each other make the hunks that difflib makes."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "notes.txt"
    lines = [ARN if index in {0, 3, 4, 12, 30, 37, 59} else f"line {index}" for index in range(60)]
    path.write_text("\n".join(lines) + "\n")
    bump = bump_file(path, BumpRequest(), resolver())
    before, after = path.read_text().splitlines(), bump.text.splitlines()
    expected = unified_diff(before, after, "a/notes.txt", "b/notes.txt", lineterm="")
    assert bump.diff().decode().splitlines() == list(expected)
