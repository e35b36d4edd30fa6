"""Uses each room of the layer once, and tells which version of it answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import shared_utils
from shared_utils import config, get_logger, instrument, metrics

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

log = get_logger()


@instrument
def handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Log, count, read a value, and answer."""
    service = config.get("env://POWERTOOLS_SERVICE_NAME")
    metrics.count("Canary")
    log.info("the layer answers", service_read=service)
    return {"version": shared_utils.__version__, "service": service}
