"""Lambda's Invoke for real: code and layers as the API would hand them out, run in AWS's runtime emulator.

An adapter to be named where it is wanted; moto by itself answers without running anything.
"""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from moto.awslambda.models import lambda_backends
from moto.awslambda.responses import LambdaResponse

if TYPE_CHECKING:
    from moto.awslambda.models import LambdaFunction

    from tests.support.local_aws.app import LocalApp


def install(app: LocalApp) -> None:
    """Put it in moto's place."""
    LambdaResponse.invoke = _invoke


def _invoke(self: LambdaResponse) -> tuple[int, dict[str, str], str]:
    name = unquote(self.path.split("/")[-2])
    function = self.backend.get_function(name, self.querystring.get("Qualifier", [None])[0])
    said = json.loads(_run(function, self.body or "{}"))
    if not said["failure"]:
        return 200, {"Content-Type": "application/json"}, json.dumps(said["answer"])
    headers = {"Content-Type": "application/json", "X-Amz-Function-Error": "Unhandled"}
    return 200, headers, json.dumps(said["answer"] or {"errorMessage": said["failure"]})


def _run(function: LambdaFunction, event: str) -> str:
    """`layerctl invoke` of a template of the function; what it prints."""
    with tempfile.TemporaryDirectory(prefix="invoked-") as scratch:
        folder = Path(scratch)
        _unpack(function.code_bytes, folder / "code")
        options = []
        for number, layer in enumerate(function.layers):
            arn = layer["Arn"].split(":")
            version = lambda_backends[arn[4]][arn[3]].get_layer_version(arn[6], arn[7])
            _unpack(version.code_bytes, folder / str(number))
            options += ["--layer", f"{arn[6]}={folder / str(number)}"]
        properties: dict[str, Any] = {
            "CodeUri": "code",
            "Handler": function.handler,
            "Runtime": function.run_time,
            "Timeout": function.timeout,
            "Layers": [layer["Arn"] for layer in function.layers],
            "Environment": {"Variables": function.environment_vars or {}},
        }
        template = folder / "template.json"
        resource = {"Type": "AWS::Serverless::Function", "Properties": properties}
        template.write_text(json.dumps({"Resources": {"Function": resource}}))
        command = [sys.executable, "-m", "layerctl", "invoke", str(template), "Function", "--event", "-", "--json"]
        done = subprocess.run(
            [*command, *options], input=event, capture_output=True, text=True, check=False, timeout=120
        )
        if done.returncode not in (0, 1):
            return json.dumps({"failure": done.stderr, "answer": None})
        return done.stdout


def _unpack(content: bytes | str, target: Path) -> None:
    data = base64.b64decode(content) if isinstance(content, str) else content
    zipfile.ZipFile(io.BytesIO(data)).extractall(target)
