"""An adapter for a local AWS that starts full: 2,000 functions with five published versions, every fifth with a layer.

Made through the API, 12,000 function versions would take minutes; here they are put into moto's memory.
"""

from __future__ import annotations

import copy

from moto.awslambda.models import LambdaAlias, LambdaFunction, lambda_backends

from tests.support.local_aws.app import LocalApp

ACCOUNT = "123456789012"
REGION = "eu-central-1"
FUNCTIONS = 2_000
VERSIONS = 5
LAYERS = 7  # versions of the layer; functions use all but the last two


def install(app: LocalApp) -> None:
    """Fill the region."""
    backend = lambda_backends[ACCOUNT][REGION]
    for _ in range(LAYERS):
        backend.publish_layer_version({"LayerName": "helpers", "Content": {"ZipFile": ""}})
    model = LambdaFunction(
        ACCOUNT,
        {
            "FunctionName": "model",
            "Code": {"ZipFile": ""},
            "Role": f"arn:aws:iam::{ACCOUNT}:role/r",
            "Runtime": "python3.13",
        },
        REGION,
    )
    layers = [
        [{"Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:helpers:{number}", "CodeSize": 1}]
        for number in range(1, LAYERS + 1)
    ]
    for number in range(FUNCTIONS):
        latest = copy.copy(model)
        latest.function_name = f"function-{number:04}"
        latest.function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{latest.function_name}"
        uses = number % 5 == 0
        latest.layers = layers[0] if uses else []
        published = []
        for version in range(1, VERSIONS + 1):
            one = copy.copy(latest)
            one.set_version(version)
            one.layers = layers[version % (LAYERS - 2)] if uses else []
            published.append(one)
        backend._lambdas._functions[latest.function_name] = {"latest": latest, "versions": published}
        if number % 10 == 0:
            alias = LambdaAlias(ACCOUNT, REGION, "live", latest.function_name, "5", "", "")
            backend._lambdas._aliases[latest.function_arn] = {"live": alias}
