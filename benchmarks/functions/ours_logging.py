"""Logging and the decorator only: what one does not import must not be paid for."""

from shared_utils import get_logger, instrument

log = get_logger()


@instrument
def handler(event, context):
    log.info("todos listed", count=3)
    return {"statusCode": 200}
