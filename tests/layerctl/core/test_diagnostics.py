"""Findings in the forms that people and machines read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from layerctl.core.diagnostics import FORMATS, Finding, Severity, render

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
        }
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
                                            "properties": {"id": {"type": "string"}, "shortDescription": TEXT},
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
        remedy=st.text(min_size=1, max_size=40),
        severity=st.sampled_from(list(Severity)),
        line=st.none() | st.integers(1, 10_000),
        column=st.none() | st.integers(1, 500),
    ),
    max_size=4,
)


@given(findings=FINDINGS)
def test_sarif(findings):
    """Whatever was found, the log is valid SARIF, its results name rules that it describes, nothing is lost."""
    log = json.loads(render(findings, "sarif", tool="pins check", rules={"pin-yanked": "It was withdrawn."}))
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
    """People get the place as editors link it, the message, the rule and the remedy."""
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


def test_absolute_paths_are_file_addresses():
    """In SARIF an absolute path becomes a file URI, and a relative one stays relative, both encoded."""
    uris = [
        json.loads(render([Finding("r", path, "m", "r")], "sarif", tool="x"))["runs"][0]["results"][0]["locations"][0]
        ["physicalLocation"]["artifactLocation"]["uri"]
        for path in ("/tmp/a b.yaml", "a b/ü.yaml")
    ]  # fmt: skip
    assert uris == ["file:///tmp/a%20b.yaml", "a%20b/%C3%BC.yaml"]
