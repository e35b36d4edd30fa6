"""The examples that we give are what we ask of others: each passes `layerctl check` on the layer as it is built."""

from pathlib import Path

import pytest

from layerctl.check.contents import Sources
from layerctl.check.given import find_templates
from layerctl.check.report import check_templates
from layerctl.core.diagnostics import exit_code

ROOT = Path(__file__).resolve().parents[3]
TEMPLATES = sorted(
    path.relative_to(ROOT).as_posix()
    for name in ("template.yaml", "serverless.yml")
    for path in (ROOT / "examples").rglob(name)
    if ".aws-sam" not in path.parts
)


def test_there_are_examples():
    """The services of the walk-through are among the examples."""
    assert {"examples/todos/template.yaml", "examples/users/template.yaml"} <= set(TEMPLATES)


@pytest.mark.parametrize("template", TEMPLATES)
def test_example_passes(template, built_layer):
    """Every function of the example gets the built layer, all of whose content is known, and nothing is wrong."""
    report = check_templates(find_templates([ROOT / template]), Sources(layers={"shared-utils": built_layer}))
    assert not report.unreadable
    assert exit_code(report.findings, strict=True) == 0, report.findings
    assert report.functions or "/layers/" in template, "only the layer's own stack has no function"
    for function in report.functions:
        assert [name for name, size in function.layers if size] == [name for name, _ in function.layers] != []
    assert not [finding for finding in report.findings if "the content of layer" in finding.message]
