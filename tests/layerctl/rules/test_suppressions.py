"""Comments that keep findings back: ``# layerctl: ignore[rule] reason``."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerctl.__main__ import main
from layerctl.core.diagnostics import Finding
from layerctl.rules.suppressions import apply_suppressions, find_suppressions
from layerctl.verify import verify
from tests.support.layer_zips import LayerZip

ARN = "arn:aws:lambda:eu-central-1:123456789012:layer:{}"


def _lines(text, rule="pin-old", path="t.yaml"):
    """Which lines' findings are told, of one finding in each line; and what is said of the comments."""
    findings = [Finding(rule, path, "m", "r", line=number) for number in range(1, text.count("\n") + 2)]
    told, _ = apply_suppressions(
        findings, find_suppressions(path, text), applied=["pin-old", "pin-yanked"], known=lambda: ["pin-old", "secret"]
    )
    return [one.line for one in told if one.rule == rule], [(one.rule, one.line) for one in told if one.rule != rule]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1  # layerctl: ignore[pin-old] waits for July\nb: 2", [2]),
        ("# layerctl: ignore[pin-old] waits for July\na: 1\nb: 2", [3]),
        ("  # layerctl: ignore[pin-old] waits for July\n\n  # another comment\n  a: 1\nb: 2", [2, 3, 5]),
        ("a = 1; // layerctl: ignore[pin-old] waits\nb", [2]),
        ("// layerctl: ignore[pin-yanked, pin-old] waits\na\nb", [3]),
        ("# layerctl: ignore[pin-*] waits\na\nb", [3]),
        ("#layerctl:ignore[pin-old] waits\na\nb", [3]),
        ("a  # layerctl: ignore[pin-old] waits\r\nb\r\nc", [2, 3]),
        ("a\nb # layerctl: ignore[pin-old] last line", [1]),
        ("layerctl: ignore[pin-old] no comment", [1]),
        ("# layerctl: ignore pin-old", [1, ]),
    ],
)  # fmt: skip
def test_which_lines_a_comment_covers(text, told):
    """Its own line; and if it stands alone, the next line that is more than a comment."""
    assert _lines(text)[0] == told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a # layerctl: ignore[pin-old]", [("suppression-invalid", 1)]),
        ("a # layerctl: ignore[] why", [("suppression-invalid", 1)]),
        ("a # layerctl: ignore[pin-odl] why", [("suppression-invalid", 1)]),
        ("a # layerctl: ignore[pin-yanked] why", [("suppression-unused", 1)]),
        ("a # layerctl: ignore[secret] another command's rule", []),
        ("a # layerctl: ignore[pin-old] why", []),
        ("a # layerctl: ignore[pin-old, pin-yanked] why", [("suppression-unused", 1)]),
    ],
)
def test_what_is_wrong_with_a_comment(text, said):
    """No reason, no rule, a rule that does not exist, and one that finds nothing are told with their line."""
    assert _lines(text)[1] == said


def test_in_a_template(tmp_path, monkeypatch, capsys):
    """`check` reads them in templates, and says how many findings were kept back."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code").mkdir()
    (tmp_path / "code/app.py").write_text("")
    layers = f"        - {ARN.format('a:1')}\n        - {ARN.format('a:2')}{{}}\n"
    template = (
        "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n"
        "    Properties:\n      CodeUri: code/\n      Handler: app.x\n      Runtime: python3.13\n      Layers:\n"
        + layers
    )
    arguments = ["check", "t.yaml", "--offline", "--ignore", "content-unknown"]
    (tmp_path / "t.yaml").write_text(template.format(""))
    assert main(arguments) == 1
    (tmp_path / "t.yaml").write_text(template.format("  # layerctl: ignore[layer-duplicate] both until June"))
    capsys.readouterr()
    assert main(arguments) == 0
    assert "1 finding kept back by comments" in capsys.readouterr().err
    (tmp_path / "t.yaml").write_text(template.format("").replace("a:2", "b:2  # layerctl: ignore[layer-duplicate] old"))
    assert main([*arguments, "--strict", "--json"]) == 1
    assert [one["rule"] for one in json.loads(capsys.readouterr().out)] == ["suppression-unused"]


def test_beside_a_pin(tmp_path, monkeypatch, capsys):
    """`pins check` reads them in whatever file holds the pin."""
    monkeypatch.chdir(tmp_path)
    pin = f'layer = "{ARN.format("x:1")}"'
    (tmp_path / "main.tf").write_text(f"# layerctl: ignore[pin-region] replicated by hand\n{pin}\n{pin}\n")
    assert main(["pins", "check", "main.tf", "--region", "us-east-1", "--json", "--offline"]) == 2  # no index
    assert [(one["rule"], one["line"]) for one in json.loads(capsys.readouterr().out)] == [("pin-region", 3)]


def test_in_a_layer(tmp_path):
    """`verify` reads them in the layer's own files; the finding of another line is still told."""
    layer = LayerZip()
    key = "TOKEN = 'gh" + "p_" + "a1" * 18 + "'"
    layer.files["python/mine.py"] = f"{key}  # layerctl: ignore[secret] revoked in May\n\n{key}\n".encode()
    found = [one for one in verify(layer.write(tmp_path / "x.zip")) if one.path == "python/mine.py"]
    assert [(one.rule, one.line) for one in found] == [("secret", 3)]
    layer.files["python/mine.py"] = b"A = 1  # layerctl: ignore[secret] nothing here\n"
    found = [one for one in verify(layer.write(tmp_path / "x.zip")) if one.path == "python/mine.py"]
    assert [(one.rule, one.line) for one in found] == [("suppression-unused", 1)]


@given(st.text(alphabet=st.sampled_from("# /layerctl:ignore[]pn-odx,*\n\r\t\u2028"), max_size=80))
def test_any_text(text):
    """Whatever a file holds: each comment has a line of the file, and the same findings are told or kept back."""
    lines = max(len(text.splitlines()), 1)
    findings = [Finding("pin-old", "a", "m", "r", line=number) for number in range(1, lines + 1)]
    comments = list(find_suppressions("a", text))
    assert all(1 <= comment.line <= lines for comment in comments)
    told, kept = apply_suppressions(findings, comments, applied=["pin-old"], known=lambda: ["pin-old"])
    assert sum(one.rule == "pin-old" for one in told) + kept == len(findings)


@pytest.mark.parametrize(
    "unit",
    [
        "# layerctl: ignore[a] why\n",
        "# layerctl: ignore[",
        "# layerctl: ",
        "//",
        "# layerctl: ignore[a\n",
        "#\t \t",
        "\n ",
    ],
)
def test_comments_are_found_in_linear_time(unit):
    """Whatever is repeated, in one line or many, doubling it again and again does not stall anybody."""
    times = []
    for doubling in range(9, 16):
        begin = time.process_time()
        list(find_suppressions("x.py", f"x = 1  # layerctl:\n{unit * 2**doubling}"))
        times.append(time.process_time() - begin)
        # four-fold growth is linear, sixteen-fold quadratic
        assert len(times) < 3 or times[-3] < 0.02 or times[-1] < 12 * times[-3], (unit, times)
        if times[-1] > 1:
            break
