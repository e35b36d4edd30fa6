"""Running the functions of SAM templates on this machine: what runs where, on which layers, and for how long."""

from layerctl.local.runner.console import Console, waiting
from layerctl.local.runner.ending import Ending
from layerctl.local.runner.options import run_options, with_run_options
from layerctl.local.runner.planning import Plan, Runnable, RunOptions, plan
from layerctl.local.runner.service import Service, check_imports, failure_of, import_failure

__all__ = [
    "Console",
    "Ending",
    "Plan",
    "RunOptions",
    "Runnable",
    "Service",
    "check_imports",
    "failure_of",
    "import_failure",
    "plan",
    "run_options",
    "waiting",
    "with_run_options",
]
