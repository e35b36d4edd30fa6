"""Versions and aliases of functions in a stack, as SAM writes them for `AutoPublishAlias`; moto makes no such alias.

CodeDeploy, which moves an alias step by step, is not here: an alias moves at once, as with `AllAtOnce`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.awslambda.models import LambdaVersion, lambda_backends
from moto.core.common_models import CloudFormationModel

if TYPE_CHECKING:
    from tests.support.local_aws.app import LocalApp


class Alias(CloudFormationModel):
    """AWS::Lambda::Alias."""

    def __init__(self, properties: dict[str, Any], account_id: str, region: str) -> None:
        self._backend = lambda_backends[account_id][region]
        self._function, self._name = properties["FunctionName"], properties["Name"]
        version = str(properties["FunctionVersion"])
        alias = self._backend.create_alias(self._name, self._function, version, "", "")
        self.physical_resource_id = alias.arn

    @staticmethod
    def cloudformation_name_type() -> str:
        return "Name"

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::Lambda::Alias"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **_: Any
    ) -> Alias:
        return cls(cloudformation_json["Properties"], account_id, region_name)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Alias,
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> Alias:
        version = str(cloudformation_json["Properties"]["FunctionVersion"])
        original_resource._backend.update_alias(original_resource._name, original_resource._function, version, "", "")
        return original_resource

    def delete(self, account_id: str, region: str) -> None:
        self._backend.delete_alias(self._name, self._function)


def install(app: LocalApp) -> None:
    """Let a version tell its number, and an alias be one."""
    LambdaVersion.has_cfn_attr = classmethod(lambda cls, attr: attr == "Version")
    LambdaVersion.get_cfn_attribute = lambda self, attribute_name: self.version
    LambdaVersion.physical_resource_id = property(lambda self: f"version-{self.version}")
