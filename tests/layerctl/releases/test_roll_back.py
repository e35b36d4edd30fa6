"""A bad release is yanked, everybody rolled back, and forward again, while one of three regions fails in the middle."""

from __future__ import annotations

import pytest

from tests.layerctl.releases.conftest import REGIONS
from tests.support.fault_proxy import answer

INDEX = ("--index", "layers.json", "--stage", "prod")
FAILING = REGIONS[1]
OTHERS = (REGIONS[0], REGIONS[2])
BROKEN = answer(500, "InternalServerError", "no")
DENIED = answer(403, "AccessDeniedException", "no")


@pytest.fixture
def released(project, layerctl, monkeypatch):
    """1.0.0 and 1.1.0 in three regions, with index and parameters; a failure is not asked again."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for release in ("1.0.0", "1.1.0"):
        made = project.artifact(release, f"VERSION = {release!r}\n")
        assert layerctl("publish", made, *INDEX).code == 0
    return project


def latest(aws):
    """The version that each region's parameter names."""
    found = {}
    for region in REGIONS:
        held = aws.client("ssm", region).get_parameter(Name="/helpers/prod/latest")["Parameter"]["Value"]
        found[region] = int(held.rsplit(":", 1)[1])
    return found


@pytest.mark.parametrize(
    ("back", "forward"),
    [
        (("GetParametersByPath", BROKEN), ("GetParametersByPath", DENIED)),
        (("PutParameter", DENIED), ("DeleteParameters", BROKEN)),
    ],
    ids=["reading", "writing"],
)
def test_a_region_that_fails_is_named_and_made_good_by_the_same_command(proxy, released, layerctl, back, forward):
    """Back and forward: the others move, the one that fails is named with exit code 2, and a second run completes."""
    assert layerctl("index", "yank", "1.1.0", "--reason", "leaks").code == 0
    proxy.add(*back, times=99, region=FAILING)
    ran = layerctl("index", "mirror", *INDEX)
    assert (ran.code, FAILING in ran.err) == (2, True)
    assert "Traceback" not in ran.err
    assert latest(released.aws) == {FAILING: 2} | dict.fromkeys(OTHERS, 1)
    told = layerctl("index", "check", *INDEX)
    assert told.code == (2 if back[0].startswith("Get") else 1)
    assert FAILING in told.out + told.err
    proxy.heal()
    assert layerctl("index", "mirror", *INDEX).code == 0
    assert latest(released.aws) == dict.fromkeys(REGIONS, 1)

    assert layerctl("index", "unyank", "1.1.0").code == 0
    proxy.add(*forward, times=99, region=FAILING)
    assert layerctl("index", "mirror", *INDEX).code == 2
    proxy.heal()
    assert layerctl("index", "mirror", *INDEX).code == 0
    ran = layerctl("publish", "helpers-1.1.0.zip", *INDEX)
    assert ran.code == 0
    assert latest(released.aws) == dict.fromkeys(REGIONS, 2)
    assert layerctl("index", "check", *INDEX, "--strict").code == 0


def test_a_yank_reaches_a_region_that_layer_toml_no_longer_names(released, layerctl):
    """Consumers there still look at its parameter; with --region another place is left alone, and named."""
    released.configure(regions=OTHERS)
    assert layerctl("index", "yank", "1.1.0", "--reason", "leaks").code == 0
    ran = layerctl("index", "mirror", *INDEX, "--region", REGIONS[0])
    assert (ran.code, latest(released.aws)) == (0, dict.fromkeys(REGIONS[1:], 2) | {REGIONS[0]: 1})
    assert f"not mirrored: {', '.join(REGIONS[1:])}" in ran.err
    assert "not mirrored" in layerctl("index", "mirror", *INDEX, "--region", REGIONS[0], "--json").err
    assert layerctl("index", "mirror", *INDEX).code == 0
    assert latest(released.aws) == dict.fromkeys(REGIONS, 1)
