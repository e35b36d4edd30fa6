"""Rules that more than one command applies."""

from __future__ import annotations

from layerctl.core.diagnostics import Severity
from layerctl.rules.model import Rule

__all__ = [
    "BYTECODE_STALE",
    "DEPENDENCY_MISSING",
    "DEPENDENCY_VERSION",
    "METADATA_MISSING",
    "MODE_UNREADABLE",
    "SDK_PARTIAL",
    "SUPPRESSION_INVALID",
    "SUPPRESSION_UNUSED",
    "TEMPLATE_INVALID",
    "TEMPLATE_UNREAD",
]

BYTECODE_STALE = Rule(
    id="bytecode-stale",
    commands=("verify", "check"),
    summary="Each .pyc was compiled from the source that Python finds beside it.",
    looks_at="`verify`: the hash of its source in the header of each .pyc (PEP 552). `check`: whether a layer "
    "overwrites a source whose unchecked bytecode another layer keeps; Python would run the old code.",
    example="An edited `python/acme/core.py` beside the `__pycache__/core.cpython-313.pyc` of the earlier text.",
    fix="Compile again with `layerctl build`; between layers, put the one with the bytecode last or ship it in both.",
)
DEPENDENCY_MISSING = Rule(
    id="dependency-missing",
    commands=("verify", "check"),
    summary="What a distribution needs is in the layer, in the function's code, or provided by the runtime.",
    looks_at="`Requires-Dist` of each distribution, its markers and extras judged for each runtime and architecture.",
    example="`requests` in the layer, and `idna`, which it needs, in no part of the function.",
    fix="Lock the layer's dependencies together (`layerctl lock`), or attach a layer that has it.",
)
DEPENDENCY_VERSION = Rule(
    id="dependency-version",
    commands=("verify", "check"),
    summary="What a distribution needs is there in a version that fits.",
    looks_at="`Requires-Dist` of each distribution, against the version that Python finds first.",
    example="`acme` needs `attrs>=23`, and an earlier layer has attrs 21.4.",
    fix="Lock the layer's dependencies together (`layerctl lock`), or install one that fits before it on sys.path.",
)
METADATA_MISSING = Rule(
    id="metadata-missing",
    commands=("verify", "check"),
    summary="Code that reads the metadata of installed distributions finds them.",
    looks_at="Calls of `importlib.metadata`, `importlib_metadata` and `pkg_resources` that no `try` guards, against "
    "the `*.dist-info` folders that are there.",
    example="`opentelemetry` without its `*.dist-info`: it looks for its context by entry point and raises "
    "StopIteration.",
    fix="Keep the `*.dist-info` folders when a layer is made smaller.",
)
MODE_UNREADABLE = Rule(
    id="mode-unreadable",
    commands=("verify", "check"),
    summary="Another user can read each file and enter each folder: Lambda runs as one.",
    looks_at="The permission bits of files and folders. `check`: of each layer and of the function's code.",
    example="A file of mode 0600, as `umask 077` leaves it.",
    fix="Give files 0644 and folders 0755.",
)
SDK_PARTIAL = Rule(
    id="sdk-partial",
    commands=("verify", "check"),
    summary="The AWS SDK is there completely or not at all, and what it shares with others fits the runtime's.",
    looks_at="The SDK's own boto3, botocore and s3transfer; urllib3 against what the runtime's botocore takes; in an "
    "own layer all of `provided.sdk` in layer.toml.",
    example="botocore alone in a layer: the runtime's boto3 would run on it, in a pair that never met.",
    fix="Leave them all to the runtime, or ship all of them together (`bundle-sdk = true`).",
)
TEMPLATE_INVALID = Rule(
    id="template-invalid",
    commands=("check", "pins check"),
    summary="The template could be read in full.",
    looks_at="YAML and JSON of the template, its sections, and the tags of intrinsic functions. A warning where it was "
    "found in a folder, an error and exit code 2 where it was named.",
    example="A template without `Resources`, or with the same key twice.",
    fix="Mend the template; the line is named.",
)
TEMPLATE_UNREAD = Rule(
    id="template-unread",
    commands=("check", "pins check"),
    summary="Everything that the template refers to was read too.",
    looks_at="Nested applications and stacks, `${file(…)}` of a serverless.yml, and what `Fn::ForEach` goes over. "
    "`pins check` reads what is named or lies in a folder that is, and warns of the rest.",
    example="An `AWS::Serverless::Application` whose Location is in S3.",
    fix="Check what is named by itself, or give the parameter that decides it.",
    severity=Severity.NOTE,
)
SUPPRESSION_INVALID = Rule(
    id="suppression-invalid",
    commands=("verify", "check", "pins check"),
    summary="Each `layerctl: ignore[…]` comment names rules that exist, and says why.",
    looks_at="Comments `# layerctl: ignore[rule] reason` and `// layerctl: ignore[rule] reason` in the files looked "
    "at.",
    example="`# layerctl: ignore[pin-yankd]`",
    fix="Name rules as `layerctl rule` lists them, and write the reason behind the bracket.",
    severity=Severity.WARNING,
)
SUPPRESSION_UNUSED = Rule(
    id="suppression-unused",
    commands=("verify", "check", "pins check"),
    summary="Each `layerctl: ignore[…]` comment keeps a finding from being told.",
    looks_at="Comments `layerctl: ignore[rule]` whose rule finds nothing in their line or the next.",
    example="A comment that was left behind when the pin below it was bumped.",
    fix="Take the comment away.",
    severity=Severity.WARNING,
)
