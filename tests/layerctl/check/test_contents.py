"""What a function's code and layers hold is looked through once, however many functions share it."""

from layerctl.check.contents import Contents, Sources
from layerctl.templates.load import read_template

FUNCTION = (
    "{Type: AWS::Serverless::Function, Properties: {Runtime: python3.13, Handler: app.run, CodeUri: src, Layers: [%s]}}"
)


def test_functions_share_what_is_looked_through(tmp_path):
    """Two functions of one folder and one layer have the same content, a layer from that folder another."""
    for name in ("src", "own"):
        (tmp_path / name / "python").mkdir(parents=True)
        (tmp_path / name / "python" / "app.py").write_text("")
    (tmp_path / "template.yaml").write_text(
        f"Resources:\n  A: {FUNCTION % '!Ref L'}\n  B: {FUNCTION % '!Ref L, !Ref M'}\n"
        "  L: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: own}}\n"
        "  M: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: src}}\n"
    )
    with Contents(Sources()) as contents:
        first, second = map(contents.fill, read_template(tmp_path / "template.yaml").functions)
    assert first.code is not None
    assert first.code is second.code
    assert first.layers[0].content is second.layers[0].content
    assert second.layers[1].content is not second.code
