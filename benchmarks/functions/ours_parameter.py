"""One SSM parameter read at init."""

from shared_utils import config

PAGE_SIZE = config.get("ssm:///benchmark/page-size", type=int)


def handler(event, context):
    return {"statusCode": 200, "body": PAGE_SIZE}
