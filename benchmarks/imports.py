"""What the first line and document import, module by module, on the built layer (``-X importtime``)."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|\s*(\S+)")

# What Lambda's runtime client has imported before it imports the handler; not ours to pay.
_CLIENT = "import awslambdaric.bootstrap"
_WORK = """
from shared_utils import get_logger, instrument, metrics
log = get_logger()

@instrument
def handler(event, context):
    log.info("todos listed", count=3)
    metrics.count("TodosListed")

handler({}, None)
"""


def waterfall(python: Path, layer: Path, runtime: Path) -> list[dict[str, Any]]:
    """Return the modules in the order in which their import ends, with their own microseconds.

    Args:
        python: the interpreter.
        layer: the folder that holds ``python/``.
        runtime: what the runtime provides (awslambdaric).
    """
    program = f"import sys; sys.path[:0] = [{str(layer / 'python')!r}]; sys.path.append({str(runtime)!r}); {_CLIENT}"
    program += f"; print('---', file=sys.stderr, flush=True)\n{_WORK}"
    result = subprocess.run(
        [str(python), "-I", "-S", "-B", "-X", "importtime", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"POWERTOOLS_METRICS_NAMESPACE": "Benchmark", "POWERTOOLS_SERVICE_NAME": "todos"},
    )
    ours = result.stderr.split("---", 1)[1]
    return [{"module": match[3], "self_us": int(match[1])} for match in _LINE.finditer(ours)]
