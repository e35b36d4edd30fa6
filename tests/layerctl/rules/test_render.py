"""Findings in the forms that people and machines read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from layerctl.core.diagnostics import Finding, Severity
from layerctl.pins.rules import RULES
from layerctl.rules.render import FORMATS, render

# What SARIF 2.1.0 (OASIS standard, sections 3.13 to 3.49) asks of the parts that we write.
REGION = {
    "type": "object",
    "required": ["startLine"],
    "properties": {"startLine": {"type": "integer", "minimum": 1}, "startColumn": {"type": "integer", "minimum": 1}},
    "additionalProperties": False,
}
LOCATION = {
    "type": "object",
    "required": ["physicalLocation"],
    "properties": {
        "logicalLocations": {"type": "array", "items": {"required": ["fullyQualifiedName"]}},
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation"],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "required": ["uri"],
                    "properties": {"uri": {"type": "string", "pattern": r"^[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+$"}},
                },
                "region": REGION,
            },
            "additionalProperties": False,
        },
    },
}
TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "properties": {
                                    "name": {"type": "string", "minLength": 1},
                                    "version": {"type": "string"},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id"],
                                            "properties": {
                                                "id": {"type": "string"},
                                                "shortDescription": TEXT,
                                                "fullDescription": TEXT,
                                                "help": TEXT,
                                                "defaultConfiguration": {
                                                    "properties": {"level": {"enum": ["note", "warning", "error"]}}
                                                },
                                            },
                                            "additionalProperties": False,
                                        },
                                    },
                                },
                                "additionalProperties": False,
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message", "ruleId", "level"],
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": TEXT,
                                "locations": {"type": "array", "items": LOCATION},
                            },
                            "additionalProperties": False,
                        },
                    },
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}

FINDINGS = st.lists(
    st.builds(
        Finding,
        rule=st.sampled_from(["pin-yanked", "layout-root"]),
        path=st.text(min_size=1, max_size=20).map(lambda text: text.replace("\0", "_")),
        message=st.text(min_size=1, max_size=40),
        hint=st.text(min_size=1, max_size=40),
        severity=st.sampled_from(list(Severity)),
        line=st.none() | st.integers(1, 10_000),
        column=st.none() | st.integers(1, 500),
    ),
    max_size=4,
)


@given(findings=FINDINGS)
def test_sarif(findings):
    """Whatever was found, the log is valid SARIF, its results name rules that it describes, nothing is lost."""
    log = json.loads(render(findings, "sarif", tool="pins check", rules=RULES))
    Draft7Validator(SARIF).validate(log)
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [rules[result["ruleIndex"]] for result in run["results"]] == [one.rule for one in findings]
    assert [result["level"] for result in run["results"]] == [str(one.severity) for one in findings]


@given(findings=FINDINGS)
def test_github(findings):
    """Each finding is one line, whatever is in it: a message cannot end its command or begin another."""
    lines = render(findings, "github", tool="pins check").split("\n") if findings else []
    assert len(lines) == len(findings)
    for line, finding in zip(lines, findings, strict=True):
        kind, properties, message = line.split("::", 2)[0:1] + line.split("::", 2)[1:]
        assert kind == ""
        assert properties.startswith(("error ", "warning ", "notice "))
        assert f"title={finding.rule}" in properties
        assert "\r" not in message


@given(findings=FINDINGS)
def test_json(findings):
    """JSON is a list with everything that was found."""
    told = json.loads(render(findings, "json", tool="pins check"))
    assert [(one["rule"], one["path"], one["line"], one["severity"]) for one in told] == [
        (one.rule, one.path, one.line, str(one.severity)) for one in findings
    ]


def test_github_escapes():
    """Percent signs and line ends are escaped in messages, colons and commas in properties besides."""
    finding = Finding("r", "a,b:c.yaml", "50% of\nit", "mend it", line=3)
    assert render([finding], "github", tool="x") == (
        "::error file=a%2Cb%3Ac.yaml,line=3,title=r::50%25 of%0Ait. mend it"
    )


def test_text():
    """People get the place as editors link it, the message, the rule and the hint."""
    text = render([Finding("pin-yanked", "a.yaml", "it was yanked", "take 13", line=3, column=9)], "text", tool="x")
    assert "a.yaml:3:9" in text
    assert "it was yanked" in text
    assert "pin-yanked" in text
    assert "take 13" in text


def test_nothing_found():
    """Nothing found is an empty text, an empty list, a log without results."""
    assert {form: render([], form, tool="x") for form in FORMATS if form != "sarif"} == {
        "text": "", "json": "[]", "github": "",
    }  # fmt: skip
    assert json.loads(render([], "sarif", tool="x"))["runs"][0]["results"] == []


def test_an_unknown_form():
    """A form that does not exist is a programmer's error."""
    with pytest.raises(ValueError, match="unknown format 'xml'"):
        render([], "xml", tool="x")


def _uris(root, *findings):
    results = json.loads(render(findings, "sarif", tool="x", root=root))["runs"][0]["results"]
    return [one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in results]


def test_files_are_named_relative_to_the_repository(tmp_path, monkeypatch):
    """Wherever in the repository the command runs, and however a file was named, code scanning can show it."""
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    findings = [
        Finding("r", path, "m", "r", line=3) for path in ("a b/ü.yaml", "../up.yaml", str(tmp_path / "x.yaml"), "/else")
    ]
    assert _uris(tmp_path, *findings) == ["sub/a%20b/%C3%BC.yaml", "up.yaml", "x.yaml", "file:///else"]
    assert [line.partition("file=")[2].partition(",")[0] for line in render(
        findings, "github", tool="x", root=tmp_path).splitlines()] == [
        "sub/a b/ü.yaml", "up.yaml", "x.yaml", "/else",
    ]  # fmt: skip


def test_what_lies_in_an_archive_is_found_at_the_archive(tmp_path, monkeypatch):
    """A path within a zip is no file of the repository: the zip is; in a folder the file itself is."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "layer").mkdir()
    zipped = Finding("r", "python/a.py", "bad", "mend it", line=7, artifact="dist/x.zip")
    whole = Finding("r", "x.zip", "too large", "mend it", artifact="dist/x.zip")
    folder = Finding("r", "python/a.py", "bad", "mend it", line=7, artifact="layer")
    assert _uris(tmp_path, zipped, whole, folder) == ["dist/x.zip", "dist/x.zip", "layer/python/a.py"]
    log = json.loads(render([zipped, folder], "sarif", tool="x", root=tmp_path))
    Draft7Validator(SARIF).validate(log)
    first, second = log["runs"][0]["results"]
    assert first["message"]["text"] == "python/a.py:7: bad. mend it"
    assert "region" not in first["locations"][0]["physicalLocation"]
    assert second["locations"][0]["physicalLocation"]["region"] == {"startLine": 7}
    assert render([zipped], "text", tool="x").startswith("dist/x.zip: python/a.py:7: error: bad [r]")


def test_an_arn_is_no_file(tmp_path):
    """A finding about a layer version has a logical location, and an annotation without a file."""
    arn = "arn:aws:lambda:eu-central-1:123456789012:layer:x:1"
    finding = Finding("grant-too-wide", arn, "shared", "revoke it")
    (result,) = json.loads(render([finding], "sarif", tool="x", root=tmp_path))["runs"][0]["results"]
    assert result["locations"] == [{"logicalLocations": [{"fullyQualifiedName": arn}]}]
    assert render([finding], "github", tool="x") == "::error title=grant-too-wide::shared. revoke it"


def test_one_cause_in_many_files_is_told_once():
    """For people, what differs in an artifact's file only is one line with their number; machines get each."""
    message = "it is checked by time"
    findings = [
        Finding("bytecode-kind", f"python/{n:03}.pyc", message, "compile it", artifact="x.zip") for n in range(572)
    ]
    text = render(findings, "text", tool="verify")
    assert text.count("checked by time") == 1
    assert "x.zip: python/000.pyc, python/001.pyc and 570 more" in text
    assert len(json.loads(render(findings, "json", tool="verify"))) == 572
