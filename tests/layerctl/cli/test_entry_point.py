"""The `layerctl` program as a shell sees it."""

import subprocess
import sys

import pytest

PIN = "arn:aws:lambda:eu-central-1:123456789012:layer:shared-utils:{}\n"


@pytest.mark.parametrize("pins", [1, 20_000], ids=["still buffered", "more than a pipe holds"])
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_a_reader_that_goes_away_is_no_failure(tmp_path, pins, form):
    """`layerctl pins list | head -1` ends quietly with exit code 0, however much it had to say."""
    (tmp_path / "pins.txt").write_text("".join(PIN.format(number + 1) for number in range(pins)))
    command = [sys.executable, "-m", "layerctl", "pins", "list", str(tmp_path), *form]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 0


@pytest.mark.parametrize("arguments", [["--help"], ["pins", "list", "--help"], ["--version"]], ids=" ".join)
def test_help_that_nobody_reads(arguments):
    """The help's reader may go away, too."""
    command = [sys.executable, "-m", "layerctl", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 0
