"""structlog for the lines and Powertools for the metrics, as a careful team would put them together."""

import structlog
from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ],
    wrapper_class=structlog.make_filtering_bound_logger(20),
    cache_logger_on_first_use=True,
)
log = structlog.get_logger()
metrics = Metrics()


@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context):
    structlog.contextvars.bind_contextvars(function_request_id=context.aws_request_id)
    log.info("todos listed", count=3)
    metrics.add_metric(name="TodosListed", unit=MetricUnit.Count, value=1)
    structlog.contextvars.clear_contextvars()
    return {"statusCode": 200}
