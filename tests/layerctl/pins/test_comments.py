"""Comments that name a pin's release: they follow the pin, or go where nobody knows the new release."""

import pytest

from layerctl.pins.edit import bump_file
from layerctl.pins.resolve.targets import BumpRequest
from layerctl.pins.resolve.versions import VersionResolver
from tests.layerctl.pins.made import resolver

ARN = "arn:aws:lambda:eu-central-1:123456789012:layer:shared-utils:2"
OTHER = "arn:aws:lambda:eu-central-1:123456789012:layer:other:2"
# file: a text with a comment that says shared-utils 1.1.0, and what is left of it where the new release is not known
PLACES = {
    "behind.yaml": (f"Layers:\n  - {ARN}  # shared-utils 1.1.0\n", f"Layers:\n  - {ARN}\n"),
    "bare.yaml": (f"Layers:\n  - {ARN} # v1.1.0\n", f"Layers:\n  - {ARN}\n"),
    "more.yaml": (f"- {ARN} # shared-utils 1.1.0, see the wiki\n", f"- {ARN} # shared-utils, see the wiki\n"),
    "bare-more.yaml": (f"- {ARN} # 1.1.0, see the wiki\n", f"- {ARN} # see the wiki\n"),
    "above.yaml": (f"Layers:\n  # shared-utils 1.1.0\n  - {ARN}\n", f"Layers:\n  - {ARN}\n"),
    "above-bare.yaml": (f"Layers:\r\n  # 1.1.0\r\n  - {ARN}\r\n", f"Layers:\r\n  - {ARN}\r\n"),
    "above-key.yaml": (f"# shared-utils 1.1.0\nLayers:\n  - {ARN}\n", f"Layers:\n  - {ARN}\n"),
    "behind-key.yaml": (f"Layers: # shared-utils: 1.1.0\n  - {ARN}\n", f"Layers:\n  - {ARN}\n"),
    "above-two.yaml": (f"# shared-utils 1.1.0\n# see the wiki\n- {ARN}\n", f"# see the wiki\n- {ARN}\n"),
    "main.tf": (f'layers = ["{ARN}"] // shared-utils 1.1.0\n', f'layers = ["{ARN}"]\n'),
    "app.ts": (f"const a = '{ARN}'; /* shared-utils 1.1.0 */\n", f"const a = '{ARN}';\n"),
    "before.ts": (f"f(/* shared-utils 1.1.0 */ '{ARN}');\n", f"f( '{ARN}');\n"),
    "doc.ts": (f"/**\n * shared-utils 1.1.0\n */\nconst a = '{ARN}';\n", f"/**\n */\nconst a = '{ARN}';\n"),
    "app.py": (f"# shared-utils 1.1.0\nLAYER = '{ARN}'\n", f"LAYER = '{ARN}'\n"),
    "a.md": (f"`{ARN}` <!-- shared-utils 1.1.0 -->\n", f"`{ARN}`\n"),
    "a.sql": (f"select '{ARN}' -- shared-utils 1.1.0\n", f"select '{ARN}'\n"),
    "a.ini": (f"layer = {ARN} ; shared-utils 1.1.0", f"layer = {ARN}"),
    "a.jsonc": (f'{{"Layers": [\n// shared-utils 1.1.0\n"{ARN}"]}}\n', f'{{"Layers": [\n"{ARN}"]}}\n'),
}


def bump(tmp_path, name, text, known, **request):
    """The file's text after a bump, line ends as they are."""
    path = tmp_path / name
    path.write_bytes(text.encode())
    return bump_file(path, BumpRequest(**request), known)


@pytest.mark.parametrize("name", PLACES)
def test_it_follows(tmp_path, name):
    """Behind, before and above a pin, in every way to write comments, the release is the new one."""
    text = PLACES[name][0]
    assert bump(tmp_path, name, text, resolver()).text == text.replace("1.1.0", "1.4.0").replace(ARN, f"{ARN[:-1]}12")


@pytest.mark.parametrize("name", PLACES)
def test_it_goes(tmp_path, name):
    """Where nobody knows the new release, what named the old one is taken out, and it is said so."""
    outcome = bump(tmp_path, name, PLACES[name][0], VersionResolver([]), to="3")
    assert outcome.text == PLACES[name][1].replace(ARN, f"{ARN[:-1]}3")
    assert "its comment said 1.1.0" in outcome.notes[0]


@pytest.mark.parametrize(
    "text",
    [
        f"# shared-utils 1.1.0\n- {OTHER}\n- {ARN}\n",
        f"# shared-utils 1.1.0\n\n- {ARN}\n",
        f"# needs boto3 1.1.0\n- {ARN}\n",
        f"# since shared-utils 1.1.0 there are metrics\n- {ARN}\n",
        f"Version: 1.1.0\nLayers:\n- {ARN}\n",
        f"# 1.1.0 of boto3\n- {ARN}\n",
    ],
)
def test_others_stay(tmp_path, text):
    """A release of something else, a bound, or a comment at another pin is left as it is."""
    assert bump(tmp_path, "template.yaml", text, resolver()).text == text.replace(ARN, f"{ARN[:-1]}12")


def test_one_comment_of_several_pins(tmp_path):
    """A comment behind two pins of one layer is changed once."""
    text = f"Layers: [{ARN}, {ARN}] # shared-utils 1.1.0\n"
    changed = text.replace(ARN, f"{ARN[:-1]}12").replace("1.1.0", "1.4.0")
    assert bump(tmp_path, "template.yaml", text, resolver()).text == changed
