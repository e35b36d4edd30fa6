"""Whether a new layer version alone moves the alias that a SAM function is called by.

Source: AWS SAM developer guide, `AutoPublishAlias` and `AutoPublishAliasAllProperties`, and the transform itself
(aws-sam-translator, `_construct_version`), against which the tests hold these rules: without all-properties only code,
environment, memory and SnapStart make a version; with it the function's properties do *as they are written*, so that
a version number in a parameter or mapping counts for nothing; `AutoPublishCodeSha256` decides alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerctl.core.diagnostics import Severity
from layerctl.core.text import some
from layerctl.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerctl.check.case import FunctionCase
    from layerctl.core.diagnostics import Finding

__all__ = ["check_publishing"]

ALIAS_NOT_PUBLISHED = Rule(
    id="alias-not-published",
    commands=("check",),
    summary="A new layer version alone moves the function's alias.",
    looks_at="`AutoPublishAlias`, `AutoPublishAliasAllProperties`, `AutoPublishCodeSha256`, and how the layer's "
    "version is written.",
    example="`AutoPublishAlias: live` alone: a bumped layer changes $LATEST, and callers of `live` stay on the old "
    "one.",
    fix="Set `AutoPublishAliasAllProperties: true`, and write the ARN into Layers.",
    severity=Severity.WARNING,
)


def check_publishing(case: FunctionCase) -> Iterator[Finding]:
    """Say when a bump would change $LATEST and leave the alias where it is (aws-sam-cli #7775)."""
    function, alias = case.function, case.function.declared.alias
    if function.is_image or alias is None or not function.layers:
        return
    hidden = [layer.name for layer in function.layers if not layer.declared.visible]
    if alias.code_sha256:
        why, hint = "AutoPublishCodeSha256 alone decides when a version is published", "change it with every bump"
    elif not alias.all_properties:
        why = "AutoPublishAlias looks at code, environment and memory only"
        hint = "set AutoPublishAliasAllProperties: true"
    elif hidden:
        why = f"the version of {some(hidden)} is not written in the function's own properties"
        hint = "write the ARN into Layers, or set PublishLambdaVersion: true on a layer of the same template"
    else:
        return
    yield ALIAS_NOT_PUBLISHED.at(
        alias.place,
        f"a new layer version alone publishes no function version, and alias {alias.name} stays on the old one: {why}",
        hint,
        Severity.WARNING,
    )
