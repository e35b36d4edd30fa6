"""Carrying a plan out, region by region."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from layerctl.aws.regions import in_regions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from layerctl.aws.clients import Aws
    from layerctl.aws.failures import Failure
    from layerctl.core.arn import LayerVersionArn
    from layerctl.releases.prune.plan import Verdict

__all__ = ["delete"]


def delete(
    aws: Aws, verdicts: Iterable[Verdict], *, done: Callable[[str], None] = lambda region: None
) -> tuple[set[LayerVersionArn], dict[str, Failure]]:
    """Delete what is planned; a version that is gone already counts as deleted, as it does for Lambda.

    Returns:
        what is deleted, and why a region's rest is not.
    """
    planned: defaultdict[str, list[LayerVersionArn]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.delete:
            planned[verdict.arn.region].append(verdict.arn)
    deleted: set[LayerVersionArn] = set()

    def work(region: str) -> None:
        client = aws.client("lambda", region)
        for arn in planned[region]:
            client.delete_layer_version(LayerName=arn.name, VersionNumber=arn.version)
            deleted.add(arn)  # at once: the next one may fail

    return deleted, in_regions(planned, work, done=done).failures
