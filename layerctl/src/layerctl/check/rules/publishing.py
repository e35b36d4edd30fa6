"""Whether a new layer version alone moves the alias that a SAM function is called by.

Source: AWS SAM developer guide, `AutoPublishAlias` and `AutoPublishAliasAllProperties`, and the transform itself
(aws-sam-translator, `_construct_version`), against which the tests hold these rules: without all-properties only code,
environment, memory and SnapStart make a version; with it the function's properties do *as they are written*, so that
a version number in a parameter or mapping counts for nothing; `AutoPublishCodeSha256` decides alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerctl.check.model import Issue
from layerctl.core.diagnostics import Severity
from layerctl.core.text import some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.check.model import Function

__all__ = ["check_publishing"]


def check_publishing(function: Function) -> Iterator[Issue]:
    """Say when a bump would change $LATEST and leave the alias where it is (aws-sam-cli #7775)."""
    alias = function.alias
    if alias is None or not function.layers:
        return
    hidden = [layer.name for layer in function.layers if not layer.visible]
    if alias.code_sha256:
        why, remedy = "AutoPublishCodeSha256 alone decides when a version is published", "change it with every bump"
    elif not alias.all_properties:
        why = "AutoPublishAlias looks at code, environment and memory only"
        remedy = "set AutoPublishAliasAllProperties: true"
    elif hidden:
        why = f"the version of {some(hidden)} is not written in the function's own properties"
        remedy = "write the ARN into Layers, or set PublishLambdaVersion: true on a layer of the same template"
    else:
        return
    yield Issue(
        "alias-not-published",
        alias.place,
        f"a new layer version alone publishes no function version, and alias {alias.name} stays on the old one: {why}",
        remedy,
        Severity.WARNING,
    )
