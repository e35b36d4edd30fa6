"""What the tests of pins make: indexes, templates, and the expectations of the corpus."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from hypothesis import strategies as st

from layerctl.pins.resolve.index_source import IndexSource
from layerctl.pins.resolve.versions import VersionResolver
from layerctl.releases.index.model import LayerIndex

CORPUS = Path(__file__).parent / "corpus"
ACCOUNT = "123456789012"
RELEASES = (("1.0.0", 1), ("1.1.0", 2), ("1.2.0", 3), ("1.3.0", 11), ("1.4.0", 12), ("2.0.0", 13))
REGIONS = ("eu-central-1", "eu-west-1", "us-east-1")


def index_data(
    layer="shared-utils",
    *,
    account=ACCOUNT,
    regions=REGIONS,
    releases=RELEASES,
    yanked=(),
    runtimes=("python3.12", "python3.13"),
    architectures=("x86_64", "arm64"),
    partition="aws",
):
    """A layers.json as data; the n-th release is of the first day of the n-th month of 2026."""
    return {
        "schema": 1,
        "layer": layer,
        "releases": {
            release: {
                "content_digest": "sha256:" + "0" * 64,
                "date": f"2026-{month:02}-01T00:00:00Z",
                "runtimes": list(runtimes),
                "architectures": list(architectures),
                "yanked": {"reason": "it leaks", "date": "2026-06-01T00:00:00Z"} if release in yanked else None,
                "regions": {
                    region: {
                        "arn": f"arn:{partition}:lambda:{region}:{account}:layer:{layer}:{number}",
                        "code_sha256": "x",
                        "size": 1,
                        "date": f"2026-{month:02}-01T00:00:00Z",
                    }
                    for region in regions
                },
            }
            for month, (release, number) in enumerate(releases, 1)
        },
    }


def resolver(*indexes):
    """A resolver of indexes given as data; without any, of the usual one."""
    return VersionResolver(
        IndexSource(LayerIndex.parse(json.dumps(one)), "layers.json") for one in indexes or (index_data(),)
    )


def write_index(folder, **options):
    """A layers.json on disk."""
    path = folder / "layers.json"
    path.write_text(json.dumps(index_data(**options)))
    return path


def expectations():
    """The corpus' expectations: file to lines, as expected.txt says them."""
    expected: dict[str, list[str]] = {}
    for line in (CORPUS / "expected.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            expected.setdefault(line.split(":", 1)[0], []).append(line)
    return expected


def corpus_files():
    """Every file of the corpus, by its name in it."""
    return sorted(path for path in CORPUS.rglob("*") if path.is_file() and path.name != "expected.txt")


def copied_corpus(folder):
    """The corpus, copied to where it may be written."""
    return Path(shutil.copytree(CORPUS, folder / "corpus", ignore=shutil.ignore_patterns("expected.txt")))


# --- generated templates ----------------------------------------------------------------------------------

NAMES = st.sampled_from(["shared-utils", "other_layer", "Z9"])
NUMBERS = st.sampled_from([number for _, number in RELEASES])
PADDING = st.sampled_from(["", " ", "  # note", "   "])


@st.composite
def pinned_values(draw):
    """One YAML value that pins a layer, in one of the ways people write it, with what it pins."""
    name, number = draw(NAMES), draw(NUMBERS)
    region = draw(st.sampled_from(REGIONS))
    literal = f"arn:aws:lambda:{region}:{ACCOUNT}:layer:{name}:{number}"
    open_region = f"arn:aws:lambda:${{AWS::Region}}:{ACCOUNT}:layer:{name}:{number}"
    release = {number: release for release, number in RELEASES}[number]
    forms = [
        literal,
        f"'{literal}'",
        f'"{literal}"',
        f"{literal}  # {name} {release}",
        f'!Sub "{open_region}"',
        f"!Sub {open_region} # {release}",
        f"{{'Fn::Sub': '{open_region}'}}",
        f"!Join ['', ['arn:aws:lambda:', !Ref AWS::Region, ':{ACCOUNT}:layer:{name}:', '{number}']]",
        f"!If [Prod, {literal}, !Ref AWS::NoValue]",
        f">-\n          {literal}",
        f'"arn:aws:lambda:{region}:\\\n           {ACCOUNT}:layer:{name}:{number}"',
    ]
    return draw(st.sampled_from(forms)), name, number


@st.composite
def sam_templates(draw):
    """A SAM template as bytes, with the (name, number) pairs that it pins, in order."""
    lines = ["Transform: AWS::Serverless-2016-10-31", "Conditions: {Prod: !Equals [a, a]}", "Resources:"]
    pinned = []
    for index in range(draw(st.integers(1, 3))):
        lines += [
            f"  Function{index}:",
            "    Type: AWS::Serverless::Function",
            "    Properties:",
            f"      Description: {draw(st.sampled_from(['plain', 'été', '😀', chr(34) + 'a: b' + chr(34)]))}",
            "      CodeUri: .",
            "      Handler: app.handler",
            "      Runtime: python3.13",
            f"      Layers:{draw(PADDING)}",
        ]
        for value, name, number in draw(st.lists(pinned_values(), min_size=1, max_size=4)):
            lines.append(f"        - {value}")
            pinned.append((name, number))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    text = end.join("\n".join(lines).split("\n")) + draw(st.sampled_from(["", end]))
    marks = {"utf-8": b"", "utf-8-sig": b"", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
    encoding = draw(st.sampled_from(sorted(marks)))
    return marks[encoding] + text.encode(encoding), pinned
