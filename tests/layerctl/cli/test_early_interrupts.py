"""Ctrl-C in the first tenth of a second of a command, while its modules load."""

import signal
import subprocess
import sys

import pytest

# Runs layerctl as `python -m layerctl` does, and sends it Ctrl-C when a module is looked for.
_PROGRAM = """
import os, runpy, signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[0]:
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell may have ignored for what runs beside it
sys.argv[0], sys.argv[1:] = sys.argv[1], sys.argv[2:]
sys.meta_path.insert(0, Interrupt())
runpy.run_module("layerctl", run_name="__main__")
"""
# In the order in which they load: of the entry point, of the command, of what the command does.
_MOMENTS = (
    "click", "layerctl.cli.app", "layerctl.cli.groups", "layerctl.cli.pins", "layerctl.cli.exclusions",
    "layerctl.scan.files",
)  # fmt: skip


@pytest.mark.parametrize("module", _MOMENTS)
def test_ctrl_c_while_modules_load(tmp_path, module):
    """Nothing is shown but, at most, that it was interrupted; a shell sees 130, by the code or by the signal."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, module, "pins", "list", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in {-signal.SIGINT, 130}
    assert done.stdout == ""
    assert done.stderr.strip() in {"", "interrupted"}
