"""What keeps a layer safe while it is shared and uploaded: the order of steps, and whose bucket it is."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from layerctl.config import LayerConfig
from layerctl.core.arn import LayerVersionArn
from layerctl.releases.policies.audience import PUBLIC, Audience, Kind
from layerctl.releases.policies.grants import Grant, granted, plan_changes
from layerctl.releases.publish.payload import Payload
from layerctl.releases.publish.s3 import put_zip
from tests.layerctl.releases.conftest import policy, put_versions
from tests.layerctl.releases.test_usage import OTHER, keys_of

ARN = LayerVersionArn("aws", "eu-central-1", "123456789012", "helpers", 1)
_audience = st.sampled_from(
    [PUBLIC, *(Audience(Kind.ACCOUNT, f"{n}" * 12) for n in (2, 3)), Audience(Kind.ORGANIZATION, "o-abcdefghij")]
)
_grants = st.lists(st.frozensets(_audience, min_size=1), max_size=4).map(
    lambda found: [Grant(f"sid-{number}", audiences) for number, audiences in enumerate(found)]
)


@settings(max_examples=300)
@given(_grants, st.frozensets(_audience), st.frozensets(_audience))
def test_who_may_use_a_version_before_and_after_may_use_it_all_the_time(grants, add, remove):
    """After each single step those who stay are let in, and at the end exactly those who are wanted."""
    remove = remove - add
    before = granted(grants, owner=ARN.account)
    state = {grant.statement_id: set(grant.audiences) for grant in grants}
    staying = before - remove
    for change in plan_changes(ARN, grants, add=add, remove=remove):
        if change.action == "grant":
            state.setdefault(change.statement_id, set()).add(change.audience)
        else:
            state.pop(change.statement_id, None)
        assert staying <= {one for audiences in state.values() for one in audiences}, f"{change} shut somebody out"
    assert {one for audiences in state.values() for one in audiences} == (before | add) - remove


def test_a_repair_grants_before_it_revokes(proxy, project, layerctl):
    """Between the requests of a repair nobody who is wanted is out: what is granted comes first."""
    put_versions(project.aws, "1.0.0", regions=("eu-central-1",))
    project.configure(regions=("eu-central-1",), accounts=(OTHER,))
    project.aws.client("lambda").add_layer_version_permission(
        LayerName="helpers", VersionNumber=1, StatementId="by-hand", Action="lambda:GetLayerVersion", Principal="*"
    )
    assert layerctl("permissions", "--repair", "--apply").code == 0
    steps = [operation for operation, _ in proxy.log if operation.endswith("LayerVersionPermission")]
    assert steps == ["AddLayerVersionPermission", "RemoveLayerVersionPermission"]
    assert [one["Sid"] for one in policy(project.aws, 1)] == [f"layerctl-account-{OTHER}"]


def test_a_bucket_of_somebody_else_gets_nothing(aws, project):
    """A name that another account took first is refused by S3, for we name the owner that we expect."""
    artifact = project.artifact()
    payload = Payload.read(artifact, LayerConfig.load(project.root / "layer" / "layer.toml"))
    theirs = aws.client("s3", **keys_of(aws, OTHER))
    where = {"LocationConstraint": "eu-central-1"}
    theirs.create_bucket(Bucket="artifacts-eu-central-1", CreateBucketConfiguration=where)
    with pytest.raises(ClientError, match=r"AccessDenied|403"):
        put_zip(aws.client("s3"), payload, "artifacts-eu-central-1", "layers", owner=aws.account)
    assert "Contents" not in theirs.list_objects_v2(Bucket="artifacts-eu-central-1")
    aws.client("s3").create_bucket(Bucket="ours", CreateBucketConfiguration=where)
    assert put_zip(aws.client("s3"), payload, "ours", "layers", owner=aws.account).startswith("layers/helpers/")
