"""Every literal layer version ARN in any text is found, counted by a regular expression of its own."""

import re
import sysconfig
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from layerctl.scan.files import scan
from layerctl.templates.literals import text_arns
from layerctl.templates.source import Source
from tests.layerctl.pins.made import CORPUS, corpus_files

PLAIN = re.compile(r"arn:aws[a-zA-Z-]*:lambda:[a-zA-Z0-9-]+:[0-9]{12}:layer:[A-Za-z0-9_-]+:[0-9]+")
REPOSITORY = Path(__file__).parents[3]
PACKAGES = Path(sysconfig.get_path("purelib"))


def _counted(paths):
    """File to what the plain expression finds in it, for every file that is UTF-8 text."""
    found = {}
    for path in paths:
        try:
            text = path.read_text("utf-8-sig")
        except (UnicodeDecodeError, OSError):
            continue
        matches = PLAIN.findall(text.replace("\r\n", "\n")) if ":layer:" in text else []
        if matches:
            found[path.as_posix()] = matches
    return found


def _found(pins):
    """File to the versions that were found in it, each place once."""
    places = {}
    for pin in pins:
        places.setdefault(pin.path, set()).add((pin.start, pin.version))
    return {path: sorted(version for _, version in versions) for path, versions in places.items()}


def _missing(counted, pins):
    found = _found(pins)
    for path, arns in counted.items():
        left = list(found.get(path, []))
        for arn in arns:
            version = int(arn.rsplit(":", 1)[1])
            if version not in left:
                yield path, arn
            else:
                left.remove(version)


def test_corpus():
    """In the corpus every ARN that the plain expression sees is a pin."""
    counted = _counted(corpus_files())
    assert sum(map(len, counted.values())) > 50
    assert list(_missing(counted, scan([CORPUS]).pins)) == []


def test_repository():
    """In every text file of this repository too."""
    names = [path for path in REPOSITORY.iterdir() if not path.name.startswith(".venv") and path.name != ".git"]
    counted = _counted(path for name in names for path in ([name] if name.is_file() else name.rglob("*")))
    assert counted
    assert list(_missing(counted, scan(names).pins)) == []


@pytest.mark.once
def test_installed_packages():
    """In every text file of the installed packages too, and none of them makes it crash."""
    report = scan([PACKAGES])
    counted = _counted(path for path in PACKAGES.rglob("*") if path.is_file() and path.suffix not in {".pyc", ".so"})
    assert counted  # botocore's examples, at least
    assert list(_missing(counted, report.pins)) == []
    assert [problem for problem in report.problems if "please report" in problem.message] == []


ARNS = st.builds(
    "arn:{}:lambda:{}:{}:layer:{}:{}".format,
    st.sampled_from(["aws", "aws-cn", "aws-us-gov"]),
    st.sampled_from(["eu-central-1", "us-gov-west-1", "cn-north-1", "ap-southeast-3"]),
    st.from_regex(r"[0-9]{12}", fullmatch=True),
    st.from_regex(r"[a-zA-Z0-9_-]{1,20}", fullmatch=True),
    st.from_regex(r"[0-9]{1,8}", fullmatch=True),
)
NOISE = st.text(max_size=20) | st.sampled_from(
    [" ", "\n", ",", '"', "'", "arn:", ":layer:", "arn:aws:lambda:", "${", "{"]
)


@given(parts=st.lists(ARNS | NOISE, max_size=12))
@example(
    parts=["arn:aws:lambda:eu-central-1:123456789012:layer:a:1", "arn:aws:lambda:eu-central-1:123456789012:layer:b:2"]
)
@example(parts=["arn:", "arn:aws:lambda:eu-central-1:123456789012:layer:a:1", ":layer:"])
def test_any_text(parts):
    """Whatever stands around them, all literal ARNs are found, at their places."""
    text = "".join(parts)
    places = {arn.start for arn in text_arns(text) if arn.version is not None}
    for match in PLAIN.finditer(text):
        start = match.end() - len(match[0].rsplit(":", 1)[1])
        assert start in places


@given(data=st.binary(max_size=300))
def test_decoding_loses_nothing(data):
    """Whatever bytes can be read at all are written back as they were."""
    from layerctl.templates.source import BinaryFileError

    try:
        source = Source.decode(data)
    except BinaryFileError:
        return
    assert source.encode() == data


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("arn:aws:lambda:eu-west-1:123456789012:layer:x", []),
        ("arn:aws:lambda:eu-west-1:123456789012:layer:x:<version>", [None]),
        ("arn:aws:lambda:*:*:layer:*:*", []),
        ("arn:aws:lambda:REGION:ACCOUNT:layer:x:3", [3]),
        ("arn:aws:lambda:<region>:<account>:layer:x:3", [3]),
        ("arn:aws:lambda:{{ region }}:123456789012:layer:x:3", [3]),
        ("arn:aws:lambda:#{AWS::Region}:#{AWS::AccountId}:layer:x:3", [3]),
        ("arn:aws:lambda:$(AWS::Region):123456789012:layer:x:3", [3]),
        ("arn:aws:lambda:%s:123456789012:layer:x:%d", [None]),
        ("arn:aws:lambda:%v:123456789012:layer:x:%(version)d", [None]),
        ("arn:aws:lambda:%s:123456789012:layer:x:%s", [None]),
        ("arn:aws:lambda:eu-west-1:123456789012:layer:x:" + "9" * 30, [int("9" * 30)]),
        ("urn:aws:lambda:eu-west-1:123456789012:layer:x:3", [3]),
    ],
)
def test_forms(text, expected):
    """Placeholders and wildcards are open parts; a version must be digits or a reference."""
    assert [arn.version for arn in text_arns(text)] == expected


@pytest.mark.parametrize(
    "unit", ["arn:aws:lambda:", ":layer:", '"a"', "${", "{", "arn:aws:lambda:a:1:layer:x:", "<a>:"]
)
def test_no_text_takes_long(unit):
    """Text made to mislead the search costs time in proportion to its length only."""
    import time

    def cost(count):
        text = "arn:aws:lambda:" + unit * count
        begin = time.process_time()
        text_arns(text)
        return time.process_time() - begin

    cost(1000)
    small = max(min(cost(10_000) for _ in range(3)), 0.002)
    assert min(cost(80_000) for _ in range(2)) < small * 40
