"""The scripts of continuous integration: what they refuse, and what they leave alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / ".ci" / "python-3.14"


def run(*arguments, **environment):
    """Run the script that installs Python 3.14; nothing is on its PATH but what the system has."""
    return subprocess.run(
        [SCRIPT, *arguments],
        env={"PATH": "/usr/bin:/bin", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("script", sorted((ROOT / ".ci").iterdir()), ids=lambda path: path.name)
def test_a_script_is_bash_that_stops_at_the_first_error(script):
    """Each script can be run, is understood by bash, and stops where something fails."""
    assert script.stat().st_mode & 0o100
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    assert "\nset -euo pipefail\n" in script.read_text("utf-8")


def test_a_folder_that_is_somebody_elses_is_left_alone(tmp_path):
    """A PREFIX with files in it that the script did not put there is refused, and nothing in it is touched."""
    (tmp_path / "precious").write_text("mine")
    answer = run(str(tmp_path))
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.count("\n") == 1
    assert f"{tmp_path} exists" in answer.stderr
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("precious", "mine")]


def test_a_relative_prefix_is_refused(tmp_path):
    """The interpreter finds its libraries by their absolute paths, so PREFIX has to be one."""
    answer = run("here")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "absolute path, not here" in answer.stderr


def test_without_apt_it_says_what_to_do(tmp_path):
    """Where packages cannot be had, one line says so and what to do instead, and nothing is left behind."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "env", "ls", "cat"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    answer = run(str(tmp_path / "prefix"), PATH=str(tools))
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "no apt-get here: install Python 3.14 in another way" in answer.stderr
    assert not (tmp_path / "prefix").exists()


def test_one_that_is_there_is_printed_and_kept(tmp_path):
    """An interpreter of the right version that works is named, and nothing is installed over it."""
    python = tmp_path / "bin" / "python3.14"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\n[ "$2" = "import sys; print(sys.executable)" ] && echo {python}\nexit 0\n')
    python.chmod(0o755)
    answer = run(str(tmp_path))
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, f"{python}\n", "")
