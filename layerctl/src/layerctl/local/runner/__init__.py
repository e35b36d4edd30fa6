"""Running the functions of SAM templates on this machine: what runs where, on which layers, and for how long."""

from layerctl.local.runner.planning import FunctionPlan, Runnable, RunOptions, plan
from layerctl.local.runner.service import Service, check_imports, import_failure
from layerctl.local.runner.shutdown import ShutdownSignal

__all__ = [
    "FunctionPlan",
    "RunOptions",
    "Runnable",
    "Service",
    "ShutdownSignal",
    "check_imports",
    "import_failure",
    "plan",
]
