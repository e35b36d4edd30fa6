"""Which functions of a template are run: each stands alone, and what is left out is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from layerctl.core.errors import LayerctlError
from layerctl.local.runner import RunOptions, plan

pytestmark = pytest.mark.emulator

HERE = "Runtime: python3.11, Handler: app.handler"
BROKEN = {
    "code in S3": ("CodeUri: s3://bucket/key", "it lies in S3"),
    "no code": ("CodeUri: nowhere", "is not a folder"),
    "unknown layer": ("Layers: [!ImportValue other]", "nothing on this machine stands for the layer"),
    "unknown runtime": ("Runtime: !FindInMap [Nothing, a, b]", "Nothing.a.b is not in Mappings"),
    "wrong timeout": ("Timeout: 1000", "its Timeout is '1000', and Lambda takes 1 to 900"),
    "unknown condition": ("Timeout: !If [Nowhere, 1, 2]", "the condition 'Nowhere' is not defined"),
    "wrong event": ("Events: {A: {Type: Api, Properties: {Path: /x}}}", "the event A has no Path or no Method"),
}


def _template(folder: Path, broken: str) -> Path:
    (folder / "app.py").write_text("def handler(event, context):\n    return 1\n")
    key = broken.partition(":")[0]
    kept = ", ".join(part for part in HERE.split(", ") if not part.startswith(key))
    path = folder / "template.yaml"
    path.write_text(
        f"Resources:\n  Bad: {{Type: AWS::Serverless::Function, Properties: {{{kept}, {broken}}}}}\n"
        f"  Good: {{Type: AWS::Serverless::Function, Properties: {{{HERE}, CodeUri: .}}}}\n"
    )
    return path


@pytest.mark.parametrize("case", BROKEN)
def test_each_function_stands_alone(tmp_path: Path, case: str) -> None:
    """A function that cannot be run keeps no other from it: a note says why, or an error where it was asked for."""
    broken, message = BROKEN[case]
    path = _template(tmp_path, broken)
    planned = plan([path], RunOptions())
    assert [runnable.label for runnable in planned.runnables] == ["Good"]
    (note,) = (note for note in planned.notes if "left out" in note)
    assert message in note
    assert "template.yaml:2" in note
    with pytest.raises(LayerctlError, match="Bad"):
        plan([path], RunOptions(), only="Bad")


def test_an_unknown_variable_is_not_set(tmp_path: Path) -> None:
    """The function runs without it, and it is said."""
    path = _template(tmp_path, "Environment: {Variables: {A: !Ref Nowhere, B: b}}")
    planned = plan([path], RunOptions())
    bad = planned.runnables[0]
    assert (bad.label, bad.function.environment) == ("Bad", {"B": "b"})
    assert any("Bad: the variable A is not set: Ref to 'Nowhere'" in note for note in planned.notes)


def test_a_samconfig_sets_parameters(tmp_path: Path) -> None:
    """What its default environment sets stands before the parameters' defaults, and behind --parameter."""
    path = _template(tmp_path, "Environment: {Variables: {A: !Ref Stage}}")
    path.write_text("Parameters: {Stage: {Type: String, Default: dev}}\n" + path.read_text())
    (tmp_path / "samconfig.toml").write_text('[default.deploy.parameters]\nparameter_overrides = "Stage=qa Other=1"\n')
    for options, expected in ((RunOptions(), "qa"), (RunOptions(parameters={"Stage": "prod"}), "prod")):
        assert plan([path], options).runnables[0].function.environment == {"A": expected}


def test_what_the_cdk_synthesised(tmp_path: Path) -> None:
    """A cdk.out runs as it is: the manifest names the stacks, assets are the code and the layers."""
    for folder, file in (("asset.code", "app.py"), ("asset.layer/python", "shared.py")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / file).write_text("def handler(event, context):\n    return 1\n")
    content = {"S3Bucket": {"Fn::Sub": "cdk-${AWS::AccountId}"}, "S3Key": "x.zip"}
    resources = {
        "F": {
            "Type": "AWS::Lambda::Function",
            "Metadata": {"aws:asset:path": "asset.code"},
            "Properties": {
                "Runtime": "python3.11", "Handler": "app.handler", "Code": content, "Layers": [{"Ref": "L"}],
            },
        },
        "L": {
            "Type": "AWS::Lambda::LayerVersion",
            "Metadata": {"aws:asset:path": "asset.layer"},
            "Properties": {"Content": content},
        },
    }  # fmt: skip
    (tmp_path / "App.template.json").write_text(json.dumps({"Resources": resources}))
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "App.template.json"}}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {"App": stack}}))
    (runnable,) = plan([tmp_path], RunOptions()).runnables
    assert (runnable.code, runnable.sources) == (tmp_path / "asset.code", (tmp_path / "asset.layer",))
