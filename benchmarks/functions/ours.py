"""Logging, metrics and the decorator, as a function author writes them."""

from shared_utils import get_logger, instrument, metrics

log = get_logger()


@instrument
def handler(event, context):
    log.info("todos listed", count=3)
    metrics.count("TodosListed")
    return {"statusCode": 200}
