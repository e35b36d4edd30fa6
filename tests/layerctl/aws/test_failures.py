"""AWS's refusals in words: a missing grant and a policy that forbids are two things."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from layerctl.aws.failures import describe

USER = "User: arn:aws:sts::123456789012:assumed-role/ci/x is not authorized to perform: lambda:PublishLayerVersion"
RESOURCE = " on resource: arn:aws:lambda:eu-west-1:123456789012:layer:helpers"


def said(message: str):
    """What is made of AWS's message."""
    answer = {"Error": {"Code": "AccessDeniedException", "Message": message}}
    return describe(ClientError(answer, "PublishLayerVersion"), "eu-west-1")


@pytest.mark.parametrize(
    ("ending", "policy"),
    [
        (" with an explicit deny in a service control policy", "a service control policy"),
        (
            " with an explicit deny in a service control policy: arn:aws:organizations::1:policy/p-1",
            "a service control",
        ),
        (" with an explicit deny in a resource control policy", "a resource control policy"),
        (" with an explicit deny in an identity-based policy", "an identity-based policy"),
        (" with an explicit deny in a permissions boundary", "a permissions boundary"),
        (" with an explicit deny in a session policy", "a session policy"),
        (" with an explicit deny in a VPC endpoint policy", "a VPC endpoint policy"),
        (" with an explicit deny in a resource-based policy", "a resource-based policy"),
        (" because no service control policy allows the lambda:PublishLayerVersion action", "a service control policy"),
        (" because no permissions boundary allows the lambda:PublishLayerVersion action", "a permissions boundary"),
        (" because no session policy allows the lambda:PublishLayerVersion action", "a session policy"),
    ],
)
@pytest.mark.parametrize("resource", [RESOURCE, ""])
def test_a_policy_that_forbids_is_told_as_such(ending, policy, resource):
    """An explicit deny, or a limit that does not allow, names the policy; no grant of the caller's is asked for."""
    failure = said(USER + resource + ending)
    assert failure.kind == "denied"
    assert policy in failure.what
    assert "forbids to lambda:PublishLayerVersion" in failure.what
    assert "no grant of the caller's own overrides that" in str(failure.hint)
    assert "give the caller" not in str(failure)


@pytest.mark.parametrize(
    "ending", ["", " because no identity-based policy allows the lambda:PublishLayerVersion action"]
)
def test_a_missing_grant_is_told_as_such(ending):
    """Where only a grant is missing, the right to ask for is named."""
    failure = said(USER + RESOURCE + ending)
    assert "not allowed to lambda:PublishLayerVersion on arn:aws:lambda" in failure.what
    assert "give the caller lambda:PublishLayerVersion" in str(failure.hint)
