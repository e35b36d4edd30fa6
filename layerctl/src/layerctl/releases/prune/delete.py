"""Carrying a plan out, region by region."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from layerctl.aws.regions import in_regions
from layerctl.releases.index.mirror import delete_parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from layerctl.aws.clients import Aws
    from layerctl.aws.failures import Failure
    from layerctl.core.arn import LayerVersionArn
    from layerctl.releases.prune.plan import PruneDecision

__all__ = ["delete"]


def delete(
    aws: Aws,
    decisions: Iterable[PruneDecision],
    mirrored: Mapping[LayerVersionArn, Sequence[str]],
    *,
    done: Callable[[LayerVersionArn], None],
) -> dict[str, Failure]:
    """Delete what is planned; a version that is gone already counts as deleted, as it does for Lambda.

    A version's parameters in the index's mirror go first: where only they could be deleted, `layerctl index mirror`
    writes them again, and nothing names a version that is gone.

    Args:
        aws: whose versions.
        decisions: the plan.
        mirrored: version to its parameters.
        done: called with each version as it is deleted, in threads.

    Returns:
        why a region's rest is not deleted.
    """
    planned: defaultdict[str, list[LayerVersionArn]] = defaultdict(list)
    for decision in decisions:
        if decision.delete:
            planned[decision.arn.region].append(decision.arn)

    def work(region: str) -> None:
        client = aws.client("lambda", region)
        for arn in planned[region]:
            if names := mirrored.get(arn):
                delete_parameters(aws.client("ssm", region), names)
            client.delete_layer_version(LayerName=arn.name, VersionNumber=arn.version)
            done(arn)  # at once: the next one may fail

    return in_regions(planned, work).failures
