"""The consumer of the warehouse's queue: each message says which order is on its way.

A message that fails stays in the queue by itself, and after three attempts goes to the dead-letter queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from shared_utils import get_logger, instrument, logging, metrics

from .store import OrderStateError, store

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from shared_utils.logging import BoundLogger

log = get_logger()
logging.configure(levels={"botocore": "WARNING"})
# Where every message fails, each has its line already: the function itself has not failed.
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@instrument
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Work on a batch; the answer names the messages that are to come again."""
    return process_partial_response(event, record_handler=ship, processor=processor, context=context)  # type: ignore[return-value]


def ship(record: SQSRecord) -> None:
    """Work on one message."""
    with logging.bound(message_id=record.message_id):  # in each line until the end of the block, botocore's too
        said = log
        try:
            order_id, tracking = parse_shipment(record.json_body)
            said = log.bind(order_id=order_id)
            note_shipment(said, order_id, tracking)
        except Exception:
            said.exception("message failed")  # the processor takes the exception: without this nobody would see it
            metrics.count("ShipmentsFailed")
            raise


def note_shipment(said: BoundLogger, order_id: str, tracking: str) -> None:
    """Change the order, unless an earlier delivery of the same message did: a queue delivers at least once."""
    try:
        store().ship(order_id, tracking)
    except OrderStateError as error:
        if error.order.get("tracking") != tracking:
            raise
        said.info("shipment known already")
        return
    said.info("order shipped", tracking=tracking)
    metrics.count("OrdersShipped")


def parse_shipment(document: Any) -> tuple[str, str]:
    """Return order and tracking number of ``{"order_id": "…", "tracking": "…"}``."""
    values = (document.get("order_id"), document.get("tracking")) if isinstance(document, dict) else (None, None)
    if not all(isinstance(value, str) and value for value in values):
        raise ValueError("a message must have the texts order_id and tracking")
    return values  # type: ignore[return-value]
