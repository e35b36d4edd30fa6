"""Ctrl-C while pins are searched and moved."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from layerctl.__main__ import main
from layerctl.pins import bump
from layerctl.pins.edit import bump_file
from tests.layerctl.pins.made import write_index
from tests.layerctl.pins.test_bump import arn, template


def test_ctrl_c_says_which_files_are_done(tmp_path, monkeypatch, capsys):
    """Interrupted between two files, it names those that are moved and those that are as they were."""
    index = write_index(tmp_path)
    for name in ("a.yaml", "b.yaml", "c.yaml"):
        (tmp_path / name).write_text(template(arn(2)))

    def interrupted(path, *request, **more):
        if path.name == "b.yaml":
            raise KeyboardInterrupt
        return bump_file(path, *request, **more)

    monkeypatch.setattr(bump, "bump_file", interrupted)
    monkeypatch.chdir(tmp_path)
    assert main(["pins", "bump", "a.yaml", "b.yaml", "c.yaml", "--index", str(index)]) == 130
    said = capsys.readouterr().err
    assert "interrupted while moving pins; done: a.yaml; not done: b.yaml, c.yaml" in said
    assert [(tmp_path / name).read_text() == template(arn(2)) for name in ("a.yaml", "b.yaml")] == [False, True]


def test_ctrl_c_stops_the_workers_of_a_large_search(tmp_path):
    """Many files are searched by several processes: they end with the run, at once, and none of them complains."""
    for number in range(64):
        (tmp_path / f"{number}.yaml").write_text(template(*[arn(2)] * 2500))
    process = subprocess.Popen(
        [sys.executable, "-m", "layerctl", "pins", "list", str(tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while len(children.read_text().split()) < 3:  # two workers, and what tracks their resources
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it, too
    began = time.monotonic()
    said = process.communicate(timeout=60)[1]
    assert time.monotonic() - began < 10
    assert process.returncode == 130
    assert said.split("\n") == ["error: interrupted while searching", "", "interrupted", ""]
