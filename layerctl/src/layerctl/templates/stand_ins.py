"""What stands in, on this machine, for what only a deployment knows of a resource: its name, its ARN, what `Ref` gives.

A name that the template gives (``TableName: orders``) is the real one, so that a local AWS finds the right table; for
any other the logical id stands. What `Ref` gives, and the forms of ARNs: AWS CloudFormation template reference, "Return
values" of each type, and the service authorization reference, "Resource types".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from layerctl.core.partitions import partition_of
from layerctl.templates.expressions import StandIn
from layerctl.templates.yaml import get, scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import yaml

__all__ = ["ACCOUNT", "DEFAULT_REGION", "StandIns", "pseudo_parameters"]

ACCOUNT = "123456789012"
DEFAULT_REGION = "eu-central-1"

# Type -> the property with its name, the ARN behind the partition, and whether `Ref` gives the "name", the "arn" or
# the "url" of a queue.
_KINDS = {
    "AWS::CloudWatch::Alarm": ("AlarmName", "cloudwatch:{region}:{account}:alarm:{name}", "name"),
    "AWS::DynamoDB::GlobalTable": ("TableName", "dynamodb:{region}:{account}:table/{name}", "name"),
    "AWS::DynamoDB::Table": ("TableName", "dynamodb:{region}:{account}:table/{name}", "name"),
    "AWS::ECR::Repository": ("RepositoryName", "ecr:{region}:{account}:repository/{name}", "name"),
    "AWS::Events::EventBus": ("Name", "events:{region}:{account}:event-bus/{name}", "name"),
    "AWS::Events::Rule": ("Name", "events:{region}:{account}:rule/{name}", "name"),
    "AWS::IAM::Role": ("RoleName", "iam::{account}:role/{name}", "name"),
    "AWS::Kinesis::Stream": ("Name", "kinesis:{region}:{account}:stream/{name}", "name"),
    "AWS::KinesisFirehose::DeliveryStream": (
        "DeliveryStreamName",
        "firehose:{region}:{account}:deliverystream/{name}",
        "name",
    ),
    "AWS::KMS::Alias": ("AliasName", "kms:{region}:{account}:{name}", "name"),
    "AWS::Lambda::Function": ("FunctionName", "lambda:{region}:{account}:function:{name}", "name"),
    "AWS::Logs::LogGroup": ("LogGroupName", "logs:{region}:{account}:log-group:{name}:*", "name"),
    "AWS::S3::Bucket": ("BucketName", "s3:::{name}", "name"),
    "AWS::Scheduler::ScheduleGroup": ("Name", "scheduler:{region}:{account}:schedule-group/{name}", "name"),
    "AWS::SecretsManager::Secret": ("Name", "secretsmanager:{region}:{account}:secret:{name}", "arn"),
    "AWS::Serverless::Function": ("FunctionName", "lambda:{region}:{account}:function:{name}", "name"),
    "AWS::Serverless::SimpleTable": ("TableName", "dynamodb:{region}:{account}:table/{name}", "name"),
    "AWS::Serverless::StateMachine": ("Name", "states:{region}:{account}:stateMachine:{name}", "arn"),
    "AWS::SNS::Topic": ("TopicName", "sns:{region}:{account}:{name}", "arn"),
    "AWS::SQS::Queue": ("QueueName", "sqs:{region}:{account}:{name}", "url"),
    "AWS::SSM::Parameter": ("Name", "ssm:{region}:{account}:parameter{slash}{name}", "name"),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", "states:{region}:{account}:stateMachine:{name}", "arn"),
}
# Attributes of `Fn::GetAtt` that are the name; for all types alike.
_NAMES = frozenset({"Name", "TableName", "QueueName", "TopicName", "BucketName", "RoleName", "FunctionName"})
# What SAM adds to the logical id of a function or an API for what it generates ("Generated CloudFormation resources"):
# the names of aliases and stages, and hashes of what a version or a deployment is made of.
_GENERATED = re.compile(r"Role|Url|UrlPublicPermissions|EventRule|Alias\w*|Version\w*|Deployment\w*|\w*Stage")
_IMPLICIT = re.compile(
    r"ServerlessRestApi\w*|ServerlessHttpApi\w*|ServerlessDeploymentApplication|CodeDeployServiceRole"
)


def pseudo_parameters(region: str | None, *, stand_in: bool) -> dict[str, str]:
    """What the pseudo parameters are: those that follow from a region, or stand-ins for all of them."""
    if not stand_in:
        return {"AWS::Region": region, "AWS::Partition": partition_of(region)} if region else {}
    region = region or DEFAULT_REGION
    return {
        "AWS::AccountId": ACCOUNT,
        "AWS::NotificationARNs": "",
        "AWS::Partition": partition_of(region),
        "AWS::Region": region,
        "AWS::StackId": f"arn:{partition_of(region)}:cloudformation:{region}:{ACCOUNT}:stack/local/0",
        "AWS::StackName": "local",
        "AWS::URLSuffix": "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com",
    }


class StandIns:
    """Gives the stand-ins of one template.

    Args:
        resources: logical id -> resource.
        parameters: name -> declaration.
        text_of: works a property out.
        region: where the template is taken to be deployed.
    """

    def __init__(
        self,
        resources: Mapping[str, yaml.Node],
        parameters: Mapping[str, yaml.Node],
        text_of: Callable[[yaml.Node | None], str | None],
        region: str | None,
    ) -> None:
        self._resources = resources
        self._parameters = parameters
        self._text_of = text_of
        self._region = region or DEFAULT_REGION
        self._naming: set[str] = set()

    def __call__(self, function: str, what: str) -> StandIn | None:
        """Return the stand-in; see `Expressions`. None for what is neither a parameter nor a resource."""
        if function == "ImportValue":
            return StandIn(f"ImportValue({what})", guess=True)
        if function == "Ref" and what in self._parameters:
            return StandIn(scalar(get(self._parameters[what], "Default")) or what, guess=True)
        logical_id, _, attribute = what.partition(".")
        if function not in {"Ref", "GetAtt"}:
            return StandIn(what or function, guess=True)
        if logical_id not in self._resources:
            return self._generated(what)
        return self._of_resource(logical_id, "Ref" if function == "Ref" else attribute)

    def name_of(self, logical_id: str) -> StandIn:
        """Return a resource's name: the template's, or its logical id."""
        resource = self._resources[logical_id]
        property_name = _KINDS.get(scalar(get(resource, "Type")) or "", ("Name",))[0]
        node = get(resource, "Properties", property_name)
        if node is None or logical_id in self._naming:
            return StandIn(logical_id, guess=True)
        self._naming.add(logical_id)
        try:
            text = self._text_of(node)
        finally:
            self._naming.discard(logical_id)
        return StandIn(text) if text else StandIn(logical_id, guess=True)

    def _of_resource(self, logical_id: str, attribute: str) -> StandIn:
        known = _KINDS.get(scalar(get(self._resources[logical_id], "Type")) or "")
        name, guess = self.name_of(logical_id)
        if known is None:
            return StandIn(logical_id if attribute == "Ref" else f"{logical_id}.{attribute}", guess=True)
        form = known[2] if attribute == "Ref" else attribute
        if form == "name" or form in _NAMES:
            return StandIn(name, guess)
        if form.lower() in {"arn", "topicarn"}:
            slash = "" if name.startswith("/") else "/"
            arn = known[1].format(region=self._region, account=ACCOUNT, name=name, slash=slash)
            return StandIn(f"arn:{partition_of(self._region)}:{arn}", guess)
        if form in {"Version", "Alias"} and known[0] == "FunctionName":  # SAM's own: a Ref to ``F.Alias`` gives an ARN
            node = get(self._resources[logical_id], "Properties", "AutoPublishAlias")
            qualifier = (self._text_of(node) if node is not None and form == "Alias" else None) or "1"
            return StandIn(f"{self._of_resource(logical_id, 'Arn').text}:{qualifier}", guess=True)
        if form in {"url", "QueueUrl"}:
            return StandIn(f"https://sqs.{self._region}.amazonaws.com/{ACCOUNT}/{name}", guess)
        return StandIn(f"{logical_id}.{attribute}", guess=True)

    def _generated(self, what: str) -> StandIn | None:
        """What SAM makes by itself: ``F.Version`` as a name of its own, ``FRole``, ``ServerlessRestApi``."""
        logical_id, _, attribute = what.partition(".")
        added = (logical_id[len(owner) :] for owner in self._resources if logical_id.startswith(owner))
        if _IMPLICIT.fullmatch(logical_id) or any(_GENERATED.fullmatch(end) for end in added):
            if logical_id.endswith("Role") and attribute == "Arn":
                return StandIn(f"arn:{partition_of(self._region)}:iam::{ACCOUNT}:role/{logical_id}", guess=True)
            return StandIn(what, guess=True)
        return None
