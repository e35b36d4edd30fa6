"""The todos service for the CDK: the code of examples/todos on the layer, pinned by its ARN."""

from pathlib import Path

from aws_cdk import App, Environment, Stack
from aws_cdk import aws_lambda as lambda_

LAYER = "arn:aws:lambda:eu-central-1:123456789012:layer:shared-utils:1"  # shared-utils 1.0.0
CODE = Path(__file__).parents[1] / "todos" / "src"


class Todos(Stack):
    """One function with its address."""

    def __init__(self, scope: App) -> None:
        super().__init__(scope, "todos", env=Environment(region="eu-central-1"))
        function = lambda_.Function(
            self,
            "Function",
            handler="app.handler",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            code=lambda_.Code.from_asset(str(CODE)),
            layers=[lambda_.LayerVersion.from_layer_version_arn(self, "Shared", LAYER)],
            logging_format=lambda_.LoggingFormat.JSON,
            environment={"POWERTOOLS_SERVICE_NAME": "todos", "POWERTOOLS_METRICS_NAMESPACE": "Examples"},
        )
        function.add_function_url(auth_type=lambda_.FunctionUrlAuthType.AWS_IAM)


app = App()
Todos(app)
app.synth()
