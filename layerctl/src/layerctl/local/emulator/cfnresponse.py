"""`cfnresponse`, which Lambda lays beside code that stands in a template.

CloudFormation user guide, "cfn-response module": what a custom resource's function answers CloudFormation with. Names
and order of the arguments are those of that page.
"""

# ruff: noqa: N803, PLR0917, T201

import json
from typing import Any

import urllib3

SUCCESS = "SUCCESS"
FAILED = "FAILED"


def send(
    event: dict[str, Any],
    context: Any,
    responseStatus: str,
    responseData: dict[str, Any],
    physicalResourceId: str | None = None,
    noEcho: bool = False,
    reason: str | None = None,
) -> None:
    """Say how it went, and hand over what `Fn::GetAtt` gives."""
    log = context.log_stream_name
    answer = {
        "Status": responseStatus,
        "Reason": reason or f"See the details in CloudWatch Log Stream: {log}",
        "PhysicalResourceId": physicalResourceId or log,
        **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
        "NoEcho": noEcho,
        "Data": responseData,
    }
    body = json.dumps(answer)
    headers = {"content-type": "", "content-length": str(len(body))}
    try:
        sent = urllib3.PoolManager().request("PUT", event["ResponseURL"], body=body.encode(), headers=headers)
        print("cfnresponse: CloudFormation said", sent.status)
    except urllib3.exceptions.HTTPError as error:
        print("cfnresponse: CloudFormation could not be told:", error)
