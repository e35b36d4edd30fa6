"""Running the functions of SAM templates on this machine: what runs where, on which layers, and for how long."""

from layerctl.runner._console import Console, waiting
from layerctl.runner._ending import Ending
from layerctl.runner._options import run_options, with_run_options
from layerctl.runner._plan import Plan, Runnable, RunOptions, plan
from layerctl.runner._service import Service, check_imports, failure_of, import_failure

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
