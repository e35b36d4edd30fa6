"""The floor: a handler that does nothing."""


def handler(event, context):
    return {"statusCode": 200}
