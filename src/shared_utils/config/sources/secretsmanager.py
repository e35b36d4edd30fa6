"""Secrets Manager: one secret with one GetSecretValue. Keys of one JSON secret share it."""

from __future__ import annotations

from shared_utils.config.aws.endpoints import arn_prefix
from shared_utils.config.outcomes import UNAVAILABLE, Failure, Value
from shared_utils.config.sources.base import Reading, Source, register_secret_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from shared_utils.config.references import Reference

__all__ = ["SOURCE"]


class _SecretsManager(Source):
    options = frozenset({"region", "stage", "version_id"})
    service = "secretsmanager"
    secret = True

    def normalise(self, name: str, key: str | None, options: dict[str, str]) -> str:
        if options.get("stage") == "AWSCURRENT" and "version_id" not in options:  # the default
            del options["stage"]
        return name

    def read(self, reading: Reading, reference: Reference) -> None:
        request = {"SecretId": reference.name}
        if "stage" in reference.options:
            request["VersionStage"] = reference.options["stage"]
        if "version_id" in reference.options:
            request["VersionId"] = reference.options["version_id"]
        answer = reading.ask("secretsmanager:GetSecretValue", request, reference.region)
        reading.deliver(reference.base, _secret_value(answer, reference.base))

    def local_value(self, reference: Reference, given: Any) -> Value:
        if isinstance(given, bytes):
            return _secret_value({"SecretBinary": given}, reference.base)
        if not isinstance(given, str):
            import json

            given = json.dumps(given, default=str)
        return _secret_value({"SecretString": given}, reference.base)

    def actions(self, reference: Reference) -> list[str]:
        return ["secretsmanager:GetSecretValue"]

    def resources(self, reference: Reference, region: str, account: str) -> list[str]:
        if reference.name.startswith("arn:"):
            return [reference.name]
        # Secrets Manager appends a hyphen and six characters of its own.
        return [f"{arn_prefix('secretsmanager', region, account)}:secret:{reference.name}-??????"]


def _secret_value(answer: dict[str, Any], owner: str) -> Value:
    """Return the value in a GetSecretValue answer, text or bytes, after its secret parts are known to the logger."""
    text = answer.get("SecretString")
    if text is None:
        from shared_utils.redaction.values import register_secret

        binary = answer["SecretBinary"]
        if isinstance(binary, str):
            from base64 import b64decode

            binary = b64decode(binary, validate=True)
        register_secret(binary, owner=owner)
        return Value(bytes(binary), sensitive=True)
    if not isinstance(text, str):
        raise Failure(UNAVAILABLE, "the answer has no value in it")
    register_secret_text(text, owner)
    return Value(text, sensitive=True)


SOURCE = _SecretsManager()
