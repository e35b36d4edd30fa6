"""`layerctl audit`: OSV records against what a layer holds: affected, fixed, withdrawn, excepted."""

from __future__ import annotations

import json
import re
import zipfile
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from layerctl.__main__ import main
from layerctl.audit import RULES
from layerctl.audit.osv import UnreadableRangeError, affected_by, parse_record
from layerctl.audit.severity import Rating, rate
from tests.support.layer_zips import LayerZip
from tests.support.released import released

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HIGH = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"
LOW = "CVSS:3.1/AV:L/AC:H/PR:L/UI:R/S:U/C:N/I:N/A:L"
CRITICAL_4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"


def record(
    *events: dict[str, str], package: str = "web-lib", versions: tuple[str, ...] = (), **more: object
) -> dict[str, Any]:
    """An OSV record about one package, rated high."""
    affected = {
        "package": {"ecosystem": "PyPI", "name": package},
        "ranges": [{"type": "ECOSYSTEM", "events": list(events)}] if events else [],
        "versions": list(versions),
    }
    return {
        "schema_version": "1.7.0",
        "id": "GHSA-aaaa-bbbb-cccc",
        "modified": "2026-10-01T00:00:00Z",
        "summary": "Reads what it should not",
        "severity": [{"type": "CVSS_V3", "score": HIGH}],
        "affected": [affected],
    } | more


def since(introduced: str = "0", **ends: str) -> list[dict[str, str]]:
    """The events of a range."""
    return [{"introduced": introduced}, *({kind: version} for kind, version in ends.items())]


RANGES = [
    ("before the fix", since(fixed="2.0"), "1.9", True),
    ("at the fix", since(fixed="2.0"), "2.0", False),
    ("a pre-release of the fix", since(fixed="2.0"), "2.0rc1", True),
    ("a post-release of the fix", since(fixed="2.0"), "2.0.post1", False),
    ("ten is more than nine", since(fixed="1.10"), "1.9", True),
    ("written in another way", since(fixed="2.0.0"), "2", False),
    ("before it was introduced", since("1.5", fixed="2.0"), "1.4", False),
    ("at its introduction", since("1.5", fixed="2.0"), "1.5", True),
    ("the last one that is affected", since("1.0", last_affected="1.7"), "1.7", True),
    ("after the last one", since("1.0", last_affected="1.7"), "1.7.1", False),
    ("never fixed", since("1.0"), "99", True),
    ("a development release before zero", since(), "0.dev1", True),
    ("between two ranges", [*since("1.0", fixed="1.2"), *since("2.0", fixed="2.2")], "1.5", False),
    ("in the second range", [*since("1.0", fixed="1.2"), *since("2.0", fixed="2.2")], "2.1", True),
    (
        "events in any order",
        [{"fixed": "2.2"}, {"introduced": "2.0"}, {"fixed": "1.2"}, {"introduced": "1.0"}],
        "1.1",
        True,
    ),
    ("a local build of the last one", since("1.0", last_affected="1.7"), "1.7+ours.1", True),
    ("a local build of the fix", since(fixed="2.0"), "2.0+ours.1", False),
    ("an epoch", since(fixed="1!1.0"), "2026.1", True),
    ("beyond a limit", since("1.0", limit="2.0"), "2.5", False),
    ("within a limit", since("1.0", limit="2.0"), "1.5", True),
    ("a limit that is none", since("1.0", limit="*"), "2.5", True),
]


@pytest.mark.parametrize(("events", "version", "affected"), [row[1:] for row in RANGES], ids=[row[0] for row in RANGES])
def test_versions_are_compared_as_pypi_does(events: list[dict[str, str]], version: str, affected: bool) -> None:
    """A version is in a range by PEP 440's order, whatever the order and the spelling of the events."""
    (one,) = parse_record(record(*events)).affected
    assert affected_by(one, version) is affected


@pytest.mark.parametrize(
    ("versions", "version", "affected"),
    [(("1.0", "1.1"), "1.1", True), (("1.0",), "1.0.0", True), (("1.0",), "1.1", False), (("2004d",), "2004d", True)],
)
def test_versions_that_are_listed(versions: tuple[str, ...], version: str, affected: bool) -> None:
    """A listed version counts besides the ranges, even one that PEP 440 does not know."""
    (one,) = parse_record(record(versions=versions)).affected
    assert affected_by(one, version) is affected


def test_a_range_that_nobody_can_read() -> None:
    """A bound that PEP 440 does not know is no answer, neither yes nor no."""
    (one,) = parse_record(record(*since(fixed="2.0-final-2"))).affected
    with pytest.raises(UnreadableRangeError, match=r"2\.0-final-2"):
        affected_by(one, "1.0")


@pytest.mark.parametrize(
    ("severities", "word", "rating"),
    [
        ([{"type": "CVSS_V3", "score": HIGH}], None, Rating.HIGH),
        ([{"type": "CVSS_V3", "score": LOW}], "CRITICAL", Rating.LOW),
        ([{"type": "CVSS_V3", "score": LOW}, {"type": "CVSS_V4", "score": CRITICAL_4}], None, Rating.CRITICAL),
        ([{"type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:P/I:P/A:P"}], None, Rating.HIGH),
        ([{"type": "CVSS_V3", "score": "CVSS:3.1/nonsense"}], "MODERATE", Rating.MEDIUM),
        ([{"type": "CVSS_V3", "score": "CVSS:3.1/nonsense"}], None, Rating.UNKNOWN),
        ([], "low", Rating.LOW),
        ([None, {}], None, Rating.UNKNOWN),
    ],
)
def test_ratings(severities: list[Any], word: str | None, rating: Rating) -> None:
    """The newest CVSS vector counts, then the database's word; what has neither is unknown, and above all."""
    assert rate(severities, word) is rating


Run = "Callable[..., tuple[int, list[str], str]]"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Audit a layer with web-lib 1.0 and its own wheel `good`; returns exit code, rules and all that was said."""
    monkeypatch.chdir(tmp_path)

    def audited(
        *records: dict[str, Any], exceptions: str = "", options: tuple[str, ...] = ()
    ) -> tuple[int, list[str], str]:
        artifact = released(tmp_path, distributions=(("good", "1.0"), ("web-lib", "1.0")), own="good")
        folder = tmp_path / "records"
        folder.mkdir()
        for number, one in enumerate([record(*since(fixed="1"), package="other"), *records]):
            (folder / f"{number}.json").write_text(json.dumps(one))
        if exceptions:
            (tmp_path / "audit.toml").write_text(dated(exceptions))
        code = main(["audit", str(artifact), "--records", str(folder), "--json", *options])
        said = capsys.readouterr()
        findings = json.loads(said.out) if said.out else []
        return code, [one["rule"] for one in findings], said.out + said.err

    return audited


def exception(days: int, **more: str) -> str:
    """An audit.toml with one exception that expires in so many days; `dated` says which day that is."""
    keys = {"id": "GHSA-aaaa-bbbb-cccc", "reason": "not reachable"} | more
    lines = "".join(f'{key} = "{value}"\n' for key, value in keys.items())
    return f"[[exception]]\n{lines}expires = <{days}>\n"


def dated(text: str) -> str:
    """Put dates for days from now, when a test runs: its table may have been made before midnight."""
    today = datetime.now(UTC).date()
    return re.sub("<(-?[0-9]+)>", lambda found: str(today + timedelta(days=int(found[1]))), text)


AFFECTED = record(*since(fixed="2.0"))
TABLE = [
    ("affected", [AFFECTED], "", (), 1, ["vulnerability-known"]),
    ("fixed", [record(*since(fixed="1.0"))], "", (), 0, []),
    ("withdrawn", [AFFECTED | {"withdrawn": "2026-10-02T00:00:00Z"}], "", (), 0, []),
    ("excepted", [AFFECTED], exception(30), (), 0, []),
    ("excepted by its alias", [AFFECTED | {"aliases": ["CVE-2026-1"]}], exception(30, id="CVE-2026-1"), (), 0, []),
    ("excepted for this package", [AFFECTED], exception(30, package="Web_Lib"), (), 0, []),
    ("on the last day", [AFFECTED], exception(0), (), 0, []),
    ("expired", [AFFECTED], exception(-1), (), 1, ["vulnerability-exempt", "vulnerability-known"]),
    (
        "for another package",
        [AFFECTED],
        exception(30, package="x"),
        (),
        1,
        ["vulnerability-exempt", "vulnerability-known"],
    ),
    ("nothing to except", [], exception(30), (), 0, ["vulnerability-exempt"]),
    ("below the severity that fails", [AFFECTED], "", ("--fail-on", "critical"), 0, ["vulnerability-known"]),
    ("below audit.toml's", [AFFECTED], 'fail-on = "critical"\n', (), 0, ["vulnerability-known"]),
    ("of that severity", [AFFECTED], "", ("--fail-on", "high"), 1, ["vulnerability-known"]),
    ("not rated", [AFFECTED | {"severity": []}], "", ("--fail-on", "critical"), 1, ["vulnerability-known"]),
    ("unclear", [record(*since(fixed="2-final-2"))], "", (), 0, ["vulnerability-unclear"]),
    ("unclear, excepted", [record(*since(fixed="2-final-2"))], exception(30), (), 0, []),
    ("our own wheel's name", [record(*since(), package="good")], "", (), 0, []),
    (
        "another ecosystem",
        [AFFECTED | {"affected": [{"package": {"ecosystem": "npm", "name": "web-lib"}}]}],
        "",
        (),
        0,
        [],
    ),
    ("written in another way", [record(*since(), package="Web.Lib")], "", (), 1, ["vulnerability-known"]),
    (
        "two databases",
        [AFFECTED | {"aliases": ["CVE-2026-1"]}, AFFECTED | {"id": "PYSEC-1", "aliases": ["CVE-2026-1"]}],
        "",
        (),
        1,
        ["vulnerability-known"],
    ),
    ("two vulnerabilities", [AFFECTED, AFFECTED | {"id": "PYSEC-2"}], "", (), 1, ["vulnerability-known"] * 2),
]


@pytest.mark.parametrize(
    ("given", "code", "rules"), [(row[1:4], *row[4:]) for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_what_is_found(
    run: Callable[..., tuple[int, list[str], str]],
    given: tuple[list[dict[str, Any]], str, tuple[str, ...]],
    code: int,
    rules: list[str],
) -> None:
    """Records, exceptions and severities decide together; each case has its exit code and its findings."""
    records, exceptions, options = given
    got = run(*records, exceptions=exceptions, options=options)
    assert (got[0], sorted(got[1])) == (code, rules), got[2]
    assert set(rules) <= RULES.keys()


def test_the_message_names_all_that_is_needed(run: Callable[..., tuple[int, list[str], str]]) -> None:
    """Package, version, ids, rating, what it is about, and the versions that mend it."""
    said = run(AFFECTED | {"aliases": ["CVE-2026-1"]})[2]
    assert "web-lib 1.0: CVE-2026-1, GHSA-aaaa-bbbb-cccc (high): Reads what it should not" in said
    assert "take 2.0" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[exception]]\nid = 'X'\nreason = 'r'\n", "audit.toml:1: exception[0].expires is missing"),
        ("\n[[exception]]\nid = 'X'\nreason = ' '\nexpires = 2026-01-01\n", "audit.toml:4: exception[0].reason"),
        ("[[exception]]\nid = 'X'\nreason = 'r'\nexpires = 'soon'\n", "audit.toml:4: expires is no date"),
        ("fail-on = 'bad'\n", "audit.toml:1: fail-on has the text 'bad'"),
        ("[[exceptions]]\nid = 'X'\n", "did you mean 'exception'?"),
        ("id =", "audit.toml is not TOML"),
    ],
)
def test_a_wrong_policy(run: Callable[..., tuple[int, list[str], str]], text: str, said: str) -> None:
    """A mistake in audit.toml is told with its line, and nothing is accepted."""
    code, _, out = run(AFFECTED, exceptions=text)
    assert code == 2
    assert said in out


def test_where_records_come_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder, a zip, a file and JSON lines give the same; a place without records is an error."""
    artifact = str(released(tmp_path, distributions=(("web-lib", "1.0"),)))
    text = json.dumps(AFFECTED)
    (tmp_path / "one.json").write_text(text)
    (tmp_path / "all.jsonl").write_text(f"{text}\n\n{text}\n")
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "one.json").write_text(text)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("GHSA-aaaa-bbbb-cccc.json", text)
    for place in ("one.json", "all.jsonl", "folder", "all.zip"):
        assert main(["audit", artifact, "--records", str(tmp_path / place)]) == 1
        assert "GHSA-aaaa-bbbb-cccc" in capsys.readouterr().out
    (tmp_path / "empty").mkdir()
    (tmp_path / "no.zip").write_text("no zip")
    (tmp_path / "npm.json").write_text(json.dumps(AFFECTED | {"affected": []}))
    for place in ("empty", "no.zip", "npm.json", "nowhere"):
        assert main(["audit", artifact, "--records", str(tmp_path / place)]) == 2
        assert str(tmp_path / place) in capsys.readouterr().err


def test_a_damaged_record_is_named(run: Callable[..., tuple[int, list[str], str]]) -> None:
    """A record that cannot be read makes the audit incomplete: exit 2, with its place."""
    code, _, said = run({"id": "X"}, record(affected=[{"package": {"ecosystem": "PyPI"}}]))
    assert code == 2
    assert "1.json: it is no OSV record" in said
    assert "2.json: GHSA-aaaa-bbbb-cccc is not as OSV's schema says" in said


def test_what_is_audited(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An SBOM, a folder and a layer of others are audited alike; what the SBOM does not say of the zip is told."""
    (tmp_path / "records.json").write_text(json.dumps(AFFECTED))
    options = ["--records", str(tmp_path / "records.json")]
    artifact = released(tmp_path, distributions=(("good", "1.0"), ("web-lib", "1.0")), own="good")
    sbom = tmp_path / "good-1.0.0.cdx.json"
    assert main(["audit", str(sbom), *options]) == 1
    assert "not audited: pkg:generic/good/good@1.0" in capsys.readouterr().err
    layer = LayerZip()
    layer.add_distribution("late", "3.0")
    layer.add_distribution("web-lib", "1.0")
    layer.write(artifact)
    assert main(["audit", str(artifact), *options]) == 1
    assert "late 3.0 is in the zip, and not in the SBOM" in capsys.readouterr().out
    sbom.unlink()
    assert main(["audit", str(artifact), *options]) == 1
    with zipfile.ZipFile(artifact) as archive:
        archive.extractall(tmp_path / "folder")
    assert main(["audit", str(tmp_path / "folder"), *options]) == 1
    assert capsys.readouterr().out.count("vulnerability-known") == 2


def test_dates_are_days(tmp_path: Path) -> None:
    """An exception expires by a day, whatever the hour."""
    from layerctl.audit import load_policy

    (tmp_path / "audit.toml").write_text(dated(exception(1)))
    (one,) = load_policy(tmp_path / "audit.toml").exemptions
    assert type(one.expires) is date
