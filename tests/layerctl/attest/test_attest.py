"""`layerctl attest` and `verify --attestation`: a chain that holds, and each way in which it can be broken."""

from __future__ import annotations

import base64
import json
import shutil
import stat
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from layerctl.__main__ import main
from layerctl.attest import Builder, Envelope, FileKey, PublicKey, Trust, check_attestation, new_key, statement
from layerctl.build.manifest import LayerSource, manifest_path, sbom_path
from tests.support.layer_zips import LayerZip
from tests.support.released import released

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WORKFLOW = "https://forge.example/acme/layer/.github/workflows/release.yml@refs/tags/v1.0.0"


@dataclass
class Chain:
    """A signed release, before something is done to it."""

    folder: Path

    def __post_init__(self) -> None:
        self.zip = released(self.folder)
        self.key = self.folder / "key.pem"
        new_key(self.key)
        self.attestation = self.folder / "good-1.0.0.intoto.json"
        self.write(statement(self.zip, Builder(WORKFLOW), expires=datetime.now(UTC) + timedelta(days=365)))

    def write(self, said: dict[str, Any]) -> None:
        """Sign a statement with the chain's key."""
        self.attestation.write_text(Envelope.sign(said, FileKey.load(self.key)).to_json())

    def change(self, edit: Callable[[dict[str, Any]], None], *, sign: bool = False) -> None:
        """Change the statement in its envelope; only with `sign` is it signed anew."""
        envelope = json.loads(self.attestation.read_text())
        said = json.loads(base64.b64decode(envelope["payload"]))
        edit(said)
        if sign:
            self.write(said)
        else:
            envelope["payload"] = base64.b64encode(json.dumps(said).encode()).decode()
            self.attestation.write_text(json.dumps(envelope))

    def check(self, *builders: str, artifact: Path | None = None, now: datetime | None = None) -> list[tuple[str, str]]:
        """The rules that find something, with their messages."""
        trust = Trust([PublicKey.load(self.key.with_name("key.pem.pub"))], builders)
        found = check_attestation(artifact or self.zip, self.attestation, trust, now=now)
        return [(one.rule, one.message) for one in found]


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    """A chain that holds."""
    return Chain(tmp_path)


def test_a_chain_that_holds(chain: Chain) -> None:
    """A signed release is accepted as zip, unpacked, without its manifest, and by its builder."""
    assert chain.check() == []
    assert chain.check(WORKFLOW) == []
    folder = chain.folder / "unpacked"
    with zipfile.ZipFile(chain.zip) as archive:
        archive.extractall(folder)
    assert chain.check(artifact=folder) == []
    manifest_path(chain.zip).unlink()
    assert chain.check() == []


def test_the_statement_says_what_it_was_made_from(chain: Chain) -> None:
    """Builder, commit, locks, interpreters, parameters and the three files are in a SLSA v1 predicate."""
    envelope = json.loads(chain.attestation.read_text())
    said = json.loads(base64.b64decode(envelope["payload"]))
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert (said["_type"], said["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://slsa.dev/provenance/v1",
    )
    assert [one["name"] for one in said["subject"]] == [
        "good-1.0.0.zip",
        "good-1.0.0.manifest.json",
        "good-1.0.0.cdx.json",
    ]
    definition, run = said["predicate"]["buildDefinition"], said["predicate"]["runDetails"]
    assert definition["externalParameters"]["runtimes"] == {"python3.13": "3.13.0"}
    assert [one.get("uri", one["name"]) for one in definition["resolvedDependencies"]] == [
        "source",
        "layer/requirements.txt",
        "pkg:generic/cpython@3.13.0",
    ]
    assert run["builder"]["id"] == WORKFLOW


def _tampered_zip(chain: Chain) -> None:
    with zipfile.ZipFile(chain.zip, "a") as archive:
        archive.writestr("python/good/late.py", "EVIL = True\n")


def _replaced_zip(chain: Chain) -> None:
    layer = LayerZip()
    layer.files["python/good/core.py"] = b"ANSWER = 43\n"
    layer.write(chain.zip)


def _cut_zip(chain: Chain) -> None:
    chain.zip.write_bytes(chain.zip.read_bytes()[:-200])


def _mode_in_zip(chain: Chain) -> None:
    layer = LayerZip()
    layer.modes["python/good/core.py"] = stat.S_IFREG | 0o755
    layer.write(chain.zip)


def _packed_anew(chain: Chain) -> None:
    with zipfile.ZipFile(chain.zip) as archive:
        entries = [(info, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(chain.zip, "w", zipfile.ZIP_STORED) as archive:
        for info, data in entries:
            info.compress_type = zipfile.ZIP_STORED
            archive.writestr(info, data)


def _tampered_manifest(chain: Chain) -> None:
    path = manifest_path(chain.zip)
    path.write_text(path.read_text().replace('"MIT"', '"GPL"'))


def _tampered_sbom(chain: Chain) -> None:
    path = sbom_path(chain.zip)
    path.write_text(path.read_text().replace('"good"', '"fine"'))


def _tampered_statement(chain: Chain) -> None:
    chain.change(lambda said: said["predicate"]["runDetails"]["builder"].update(id="https://else.example"))


def _tampered_type(chain: Chain) -> None:
    envelope = json.loads(chain.attestation.read_text())
    chain.attestation.write_text(json.dumps(envelope | {"payloadType": "application/other"}))


def _tampered_signature(chain: Chain) -> None:
    envelope = json.loads(chain.attestation.read_text())
    envelope["signatures"][0]["sig"] = base64.b64encode(b"\0" * 64).decode()
    chain.attestation.write_text(json.dumps(envelope))


def _other_key(chain: Chain) -> None:
    chain.key = chain.folder / "other.pem"
    new_key(chain.key)
    chain.change(lambda said: None, sign=True)
    chain.key = chain.folder / "key.pem"


def _other_key_that_pretends(chain: Chain) -> None:
    ours = json.loads(chain.attestation.read_text())["signatures"][0]["keyid"]
    _other_key(chain)
    envelope = json.loads(chain.attestation.read_text())
    envelope["signatures"][0]["keyid"] = ours
    chain.attestation.write_text(json.dumps(envelope))


def _other_release(chain: Chain) -> None:
    layer = LayerZip()
    layer.files["python/good/core.py"] = b"ANSWER = 44\n"
    chain.zip = released(chain.folder, "1.1.0", layer=layer)


def _other_predicate(chain: Chain) -> None:
    chain.change(lambda said: said.update(predicateType="https://cyclonedx.org/bom"), sign=True)


def _lacks_subject(chain: Chain) -> None:
    chain.change(lambda said: said["subject"][0].pop("annotations"), sign=True)


def _no_object(chain: Chain) -> None:
    chain.change(lambda said: said.update(predicate=[]), sign=True)


def _dirty(chain: Chain) -> None:
    chain.zip = released(chain.folder, source=LayerSource("c0ffee", True, {}))
    chain.write(statement(chain.zip, Builder()))


def _no_commit(chain: Chain) -> None:
    chain.zip = released(chain.folder, source=LayerSource(None, False, {}))
    chain.write(statement(chain.zip, Builder()))


BROKEN = [
    (_tampered_zip, "attestation-content", "it was changed"),
    (_replaced_zip, "attestation-content", "it was changed"),
    (_cut_zip, "attestation-content", "unreadable"),
    (_mode_in_zip, "attestation-content", "it was changed"),
    (_packed_anew, "attestation-packed", "packed anew"),
    (_tampered_manifest, "attestation-content", "changed after it was attested"),
    (_tampered_sbom, "attestation-content", "changed after it was attested"),
    (_tampered_statement, "attestation-signature", "was changed after it was signed"),
    (_tampered_type, "attestation-signature", "was changed after it was signed"),
    (_tampered_signature, "attestation-signature", "was changed after it was signed"),
    (_other_key, "attestation-key", "which is not trusted"),
    (_other_key_that_pretends, "attestation-signature", "was changed after it was signed"),
    (_other_release, "attestation-subject", "the statement is about good-1.0.0.zip"),
    (_other_predicate, "attestation-format", "predicateType is not"),
    (_lacks_subject, "attestation-format", "names no content digest"),
    (_no_object, "attestation-format", "not as they must be"),
    (_dirty, "attestation-source", "differed from commit"),
    (_no_commit, "attestation-source", "no git checkout"),
]


@pytest.mark.parametrize(("spoil", "rule", "message"), BROKEN, ids=[spoil.__name__[1:] for spoil, _, _ in BROKEN])
def test_each_break_has_its_own_message(chain: Chain, spoil: Callable[[Chain], None], rule: str, message: str) -> None:
    """What was done to a chain is told by one finding, of the rule and with the words that fit."""
    spoil(chain)
    found = chain.check()
    assert [one for one, _ in found] == [rule]
    assert message in found[0][1]


def test_an_expired_statement(chain: Chain) -> None:
    """A statement is not trusted from its end on, and tells the day."""
    assert chain.check(now=datetime.now(UTC) + timedelta(days=364)) == []
    (found,) = chain.check(now=datetime.now(UTC) + timedelta(days=366))
    assert found[0] == "attestation-expired"


def test_another_builder(chain: Chain) -> None:
    """A builder that was not expected is named beside the one that was."""
    (found,) = chain.check("https://forge.example/acme/layer/.github/workflows/release.yml@refs/heads/main")
    assert found[0] == "attestation-builder"
    assert WORKFLOW in found[1]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"payload": ""}', '{"payloadType": "x", "payload": "%", "signatures": [{}]}']
)
def test_what_is_no_envelope(chain: Chain, text: str) -> None:
    """Anything else in the envelope's place is told, whatever it is."""
    chain.attestation.write_text(text)
    assert [rule for rule, _ in chain.check()] == ["attestation-format"]


def test_the_command_line(chain: Chain, capsys: pytest.CaptureFixture[str]) -> None:
    """Sign and verify by commands: exit 0 where the chain holds, 1 where it is broken, 2 for a wrong use."""
    key, public = chain.folder / "mine", chain.folder / "mine.pub"
    assert main(["attest", "new-key", str(key)]) == 0
    assert key.stat().st_mode & 0o777 == 0o600
    assert main(["attest", "new-key", str(key)]) == 2
    assert main(["attest", "sign", str(chain.zip), "--key", str(key), "--valid-for", "90d"]) == 0
    attested = ["--attestation", str(chain.attestation)]
    capsys.readouterr()
    assert main(["attest", "public-key", "--key", str(key)]) == 0
    assert capsys.readouterr().out == public.read_text()
    trusted = [*attested, "--trusted-key", str(public), "--select", "attestation-*"]
    assert main(["verify", str(chain.zip), *trusted]) == 0
    assert main(["verify", str(chain.zip), *trusted, "--builder", WORKFLOW]) == 1
    assert main(["verify", str(chain.zip), *attested]) == 2
    assert main(["verify", str(chain.zip), *attested, "--trusted-key", str(key)]) == 2
    assert "is a private key" in capsys.readouterr().err


def test_nothing_is_signed_that_was_changed(chain: Chain, capsys: pytest.CaptureFixture[str]) -> None:
    """A zip that is not its manifest's, a lacking SBOM, a key that others may read: exit 2, and nothing is written."""
    sign = ["attest", "sign", str(chain.zip), "--key", str(chain.key), "--out", str(chain.folder / "out.json")]
    chain.key.chmod(0o644)
    assert main(sign) == 2
    chain.key.chmod(0o600)
    shutil.move(sbom_path(chain.zip), chain.folder / "elsewhere")
    assert main(sign) == 2
    shutil.move(chain.folder / "elsewhere", sbom_path(chain.zip))
    _tampered_zip(chain)
    assert main(sign) == 2
    assert "chmod 600" in (said := capsys.readouterr().err)
    assert "is not the zip that good-1.0.0.manifest.json describes" in said
    assert not (chain.folder / "out.json").exists()


@pytest.mark.parametrize(
    ("environ", "builder"),
    [
        (
            {
                "GITHUB_ACTIONS": "true",
                "GITHUB_SERVER_URL": "https://forge.example",
                "GITHUB_REPOSITORY": "acme/layer",
                "GITHUB_WORKFLOW_REF": "acme/layer/.github/workflows/release.yml@refs/tags/v1.0.0",
                "GITHUB_RUN_ID": "7",
            },
            WORKFLOW,
        ),
        (
            {"GITLAB_CI": "true", "CI_PROJECT_URL": "https://lab.example/acme/layer", "CI_COMMIT_REF_NAME": "v1"},
            "https://lab.example/acme/layer/-/blob/v1/.gitlab-ci.yml",
        ),
        (
            {"CODEBUILD_BUILD_ARN": "arn:aws:codebuild:eu-central-1:123456789012:build/layer:1f"},
            "arn:aws:codebuild:eu-central-1:123456789012:project/layer",
        ),
        ({}, "urn:layerctl:local-build"),
    ],
    ids=["github", "gitlab", "codebuild", "local"],
)
def test_a_pipeline_names_itself(environ: dict[str, str], builder: str) -> None:
    """The builder's id is the pipeline's definition, by which it can be recognised from run to run."""
    assert Builder.from_environment(environ).id == builder
