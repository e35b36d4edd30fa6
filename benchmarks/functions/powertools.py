"""Powertools' Logger and Metrics, as its documentation shows them."""

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger()
metrics = Metrics()


@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context):
    logger.info("todos listed", count=3)
    metrics.add_metric(name="TodosListed", unit=MetricUnit.Count, value=1)
    return {"statusCode": 200}
