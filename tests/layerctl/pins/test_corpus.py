"""The corpus: what is found in it, and that a bump and a bump back leave every byte as it was."""

import logging
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerctl.pins.bump import bump_all
from layerctl.pins.edit import bump_file, write
from layerctl.pins.resolve.targets import BumpRequest
from layerctl.pins.resolve.versions import VersionResolver
from layerctl.scan.files import scan
from layerctl.scan.finder import pins_of
from layerctl.templates.source import Source
from tests.layerctl.pins.made import (
    ACCOUNT,
    CORPUS,
    REGIONS,
    copied_corpus,
    corpus_files,
    expectations,
    index_data,
    resolver,
    sam_templates,
)

# Templates that AWS's own tools can judge: they hold functions of SAM or CloudFormation.
TEMPLATES = [path for path in corpus_files() if path.parent.name in {"sam", "cfn"}]


def _shown(pin):
    functions = ",".join(function.name for function in pin.functions) or "-"
    return f"{pin.place} {pin.name}:{pin.version} {pin.region or '-'} {pin.account or '-'} {functions}"


def test_it_is_large_enough():
    """The corpus holds at least 40 files with pins, and an expectation for nothing else."""
    expected = expectations()
    names = {path.relative_to(CORPUS).as_posix() for path in corpus_files()}
    assert len(expected) >= 40
    assert set(expected) <= names


@pytest.mark.parametrize("path", corpus_files(), ids=lambda path: path.relative_to(CORPUS).as_posix())
def test_every_pin_is_found(path, monkeypatch):
    """In each file exactly the expected pins are found, with place, layer, version, region, account and functions."""
    monkeypatch.chdir(CORPUS)
    name = path.relative_to(CORPUS)
    report = scan([name])
    assert [_shown(pin) for pin in report.pins] == expectations().get(name.as_posix(), [])
    assert report.problems == []


def test_version_characters_are_the_version(monkeypatch):
    """Where a pin says its version stands, exactly its digits stand."""
    monkeypatch.chdir(CORPUS)
    for pin in scan([CORPUS]).pins:
        text = Source.read(CORPUS / pin.path).text
        assert text[pin.start : pin.end] == str(pin.version)


def _every_layer(pins):
    """An index for each layer that is pinned, with the pinned numbers as releases 1.N.0 and one more."""
    numbers, accounts = {}, {}
    for pin in pins:
        numbers.setdefault(pin.name, set()).add(pin.version)
        accounts.setdefault(pin.name, pin.account or ACCOUNT)
    regions = sorted({pin.region for pin in pins if pin.region} | set(REGIONS))
    for name, known in numbers.items():
        if re.fullmatch(r"[A-Za-z0-9_-]+", name):
            releases = [(f"1.{number}.0", number) for number in sorted(known | {max(known) + 100})]
            yield index_data(name, account=accounts[name], regions=regions, releases=releases[-12:])


@pytest.mark.parametrize("path", corpus_files(), ids=lambda path: path.relative_to(CORPUS).as_posix())
def test_bump_and_back(path, tmp_path):
    """Bumped by number and back: the original bytes but for comments on releases nobody knows; twice is as once."""
    folder = copied_corpus(tmp_path)
    copy = folder / path.relative_to(CORPUS)
    before = copy.read_bytes()
    nothing = VersionResolver([])
    for name in sorted({pin.name for pin in scan([copy]).pins}):
        pins = [pin for pin in scan([copy]).pins if pin.name == name]
        if len({pin.version for pin in pins}) > 1:
            continue  # two versions of one layer cannot both be gone back to with one command
        moved = bump_file(copy, BumpRequest("4321", name), nothing)
        if moved.problems:
            assert "do not go to one number" in str(moved.problems[0])
            continue
        for comment in [edit for edit in reversed(moved.edits) if not edit.text]:
            text = moved.source.text
            before = moved.source.encode(text[: comment.start] + text[comment.end :])
        assert write(moved) is None
        assert {pin.version for pin in scan([copy]).pins if pin.name == name} == {4321}
        assert bump_file(copy, BumpRequest("4321", name), nothing).edits == []
        assert write(bump_file(copy, BumpRequest(str(pins[0].version), name), nothing)) is None
        assert copy.read_bytes() == before


def _accepted(template):
    """Whether AWS's own translator takes a SAM template, and what cfn-lint has against a template."""
    from cfnlint import ManualArgs, lint
    from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
    from samtranslator.translator.transform import transform
    from samtranslator.yaml_helper import yaml_parse

    logging.getLogger("samtranslator").setLevel(logging.CRITICAL)
    source = Source.decode(template)
    faults = {(match.rule.id, str(match.path)) for match in lint(source.text, config=ManualArgs(regions=["eu-west-1"]))}
    translated = True
    if "Serverless" in source.text:
        loader = ManagedPolicyLoader(None)
        loader.load = dict
        try:
            transform(yaml_parse(source.text), {}, loader)
        except Exception:
            translated = False
    return translated, faults


@pytest.mark.xdist_group("cfn-lint")  # its import takes seconds
@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(CORPUS).as_posix())
def test_aws_accepts_bumped_templates(path, tmp_path, monkeypatch):
    """Samtranslator takes every bumped template that it took before, and cfn-lint finds nothing new in it."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    before = _accepted(path.read_bytes())
    report = scan([copy])
    outcome = bump_all(report, BumpRequest("latest"), resolver(*_every_layer(report.pins)), comment=True)
    assert outcome.summary().split()[0] != "0"
    after = _accepted(copy.read_bytes())
    assert after[0] >= before[0]
    assert after[1] <= before[1]


@settings(max_examples=60)
@given(made=sam_templates(), target=st.sampled_from(["1.0.0", "1.2.0", "1.4.0", "2.0.0"]), comment=st.booleans())
def test_generated_templates(tmp_path_factory, made, target, comment):
    """In any template the pins are found; a bump moves one layer's only; twice is once; back are the original bytes."""
    data, pinned = made
    path = tmp_path_factory.mktemp("made") / "template.yaml"
    path.write_bytes(data)
    report = scan([path])
    assert report.problems == []
    assert [(pin.name, pin.version) for pin in report.pins] == pinned
    known = resolver()
    moved = bump_file(path, BumpRequest(target, major=True), known, comment=comment)
    assert moved.problems == []
    assert write(moved) is None
    number = {"1.0.0": 1, "1.2.0": 3, "1.4.0": 12, "2.0.0": 13}[target]
    expected = [(name, number if name == "shared-utils" else old) for name, old in pinned]
    assert [(pin.name, pin.version) for pin in scan([path]).pins] == expected
    again = bump_file(path, BumpRequest(target, major=True), known, comment=comment)
    assert again.source.encode(again.text) == path.read_bytes()
    ours = {old for name, old in pinned if name == "shared-utils"}
    if len(ours) == 1 and not comment:
        assert write(bump_file(path, BumpRequest(str(ours.pop()), major=True), known)) is None
        assert path.read_bytes() == data


def test_pins_of_agrees_with_scan():
    """A text that was read before gives what the file gives."""
    path = CORPUS / "sam" / "literal.yaml"
    assert pins_of(Source.read(path), path).pins == scan([path]).pins
