"""AWS::SecretsManager::Secret for moto's CloudFormation, which has none: with a value, or a generated one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from moto.cloudformation import parsing
from moto.core.common_models import CloudFormationModel
from moto.secretsmanager.models import secretsmanager_backends

if TYPE_CHECKING:
    from tests.support.local_aws.app import LocalApp


class Secret(CloudFormationModel):
    """AWS::SecretsManager::Secret."""

    def __init__(self, arn: str) -> None:
        self.physical_resource_id = arn

    @staticmethod
    def cloudformation_name_type() -> str:
        return "Name"

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::SecretsManager::Secret"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr == "Id"

    def get_cfn_attribute(self, attribute_name: str) -> str:
        return self.physical_resource_id

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **kwargs: Any
    ) -> Secret:
        properties = cloudformation_json["Properties"]
        backend = secretsmanager_backends[account_id][region_name]
        text = properties.get("SecretString")
        if generated := properties.get("GenerateSecretString"):
            text = backend.get_random_password(
                password_length=int(generated.get("PasswordLength", 32)),
                exclude_characters=generated.get("ExcludeCharacters", ""),
                exclude_numbers=generated.get("ExcludeNumbers", False),
                exclude_punctuation=generated.get("ExcludePunctuation", False),
                exclude_uppercase=generated.get("ExcludeUppercase", False),
                exclude_lowercase=generated.get("ExcludeLowercase", False),
                include_space=generated.get("IncludeSpace", False),
                require_each_included_type=generated.get("RequireEachIncludedType", True),
            )
            text = json.loads(text)["RandomPassword"]
            if "GenerateStringKey" in generated:
                document = json.loads(generated["SecretStringTemplate"])
                text = json.dumps(document | {generated["GenerateStringKey"]: text})
        answer = backend.create_secret(
            name=properties.get("Name", resource_name),
            secret_string=text,
            secret_binary=None,
            description=properties.get("Description"),
            tags=properties.get("Tags", []),
            kms_key_id=properties.get("KmsKeyId"),
            client_request_token=None,
            replica_regions=[],
            force_overwrite=False,
        )
        return cls(json.loads(answer)["ARN"])

    @classmethod
    def update_from_cloudformation_json(cls, original_resource: Secret, **_: Any) -> Secret:
        return original_resource  # a generated value is made once, as in CloudFormation

    def delete(self, account_id: str, region: str) -> None:
        secretsmanager_backends[account_id][region].delete_secret(self.physical_resource_id, None, True)


def install(app: LocalApp) -> None:
    """Make it known."""
    for known in (parsing.get_model_map, parsing.get_model_list, parsing.get_name_type_map):
        known.cache_clear()
