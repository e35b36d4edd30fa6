"""One SSM parameter read at init, through Powertools and boto3."""

from aws_lambda_powertools.utilities import parameters

PAGE_SIZE = int(parameters.get_parameter("/benchmark/page-size"))


def handler(event, context):
    return {"statusCode": 200, "body": PAGE_SIZE}
