from aws_cdk import Aws, Stack
from aws_cdk import aws_lambda as lambda_

POWERTOOLS = 45
SHARED_ARN = "arn:aws:lambda:us-west-2:123456789012:layer:shared-utils:12"


class Todos(Stack):
    def __init__(self, scope, name):
        super().__init__(scope, name)
        self.layers = [
            lambda_.LayerVersion.from_layer_version_arn(self, "A", SHARED_ARN),
            lambda_.LayerVersion.from_layer_version_arn(
                self, "B", f"arn:aws:lambda:{self.region}:017000801446:layer:AWSLambdaPowertoolsPythonV2:{POWERTOOLS}"
            ),
            lambda_.LayerVersion.from_layer_version_arn(
                self, "C", "arn:aws:lambda:{}:017000801446:layer:formatted:26".format(Aws.REGION)
            ),
            lambda_.LayerVersion.from_layer_version_arn(
                self,
                "D",
                "arn:aws:lambda:" + self.region + ":017000801446:layer:added:27",
            ),
            lambda_.LayerVersion.from_layer_version_arn(self, "E", "arn:aws:lambda:us-west-2:"
                                                        "123456789012:layer:adjacent:28"),
        ]
