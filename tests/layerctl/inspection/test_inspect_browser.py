"""The page of `layerctl inspect --html` in a real browser: drawn, zoomed by mouse and keyboard, safe, and complete."""

import os
from pathlib import Path

import pytest

from layerctl.artifact import open_artifact, write_zip
from layerctl.inspection.difference import difference
from layerctl.inspection.page import page
from layerctl.inspection.survey import survey
from tests.layerctl.inspection.test_inspect import EVIL, dist, make
from tests.support.browser import browser, needs_browser

__all__ = ["browser"]
pytestmark = needs_browser
# Where screenshots are kept to be looked at; `build/` is not in git.
SHOTS = Path(os.environ.get("LAYERCTL_SCREENSHOTS", Path(__file__).parents[3] / "build" / "screenshots"))


@pytest.fixture(scope="module")
def report(tmp_path_factory, built_layer):
    """The page of the real layer, compared with a made-up earlier one, and with a hostile file name in it."""
    folder = tmp_path_factory.mktemp("report")
    old = make(folder / "shared-utils-0.9.0.zip", dist("structlog", "25.1.0", {"structlog/__init__.py": ""}))
    evil = make(
        folder / "evil-1.zip", dist("alpha", "1", {"alpha/__init__.py": "A = 1\n" * 50}) | {EVIL.replace("/", ""): "x"}
    )
    layer = folder / "shared-utils-1.0.0.zip"
    with open_artifact(built_layer) as content:
        write_zip(content, layer)
    name = "x" * 180
    wide = make(folder / "wide-1.zip", dist(name, "1", {f"{name}.py": "A = 1\n"}, licence="L" * 120))
    pages = {}
    for name, path in (("layer", layer), ("evil", evil), ("wide", wide)):
        with open_artifact(old) as before, open_artifact(path) as after:
            was, now = survey(before), survey(after)
            pages[name] = folder / f"{name}.html"
            pages[name].write_text(page(now, difference(before, after, was, now)), "utf-8")
    return pages


def _open(browser, path, *, width=1200, height=900, scheme="light"):
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    browser.get(path.as_uri())


def _tiles(browser):
    return browser.find_elements("css selector", "#map > .tile")


def _trail(browser):
    return browser.find_element("css selector", "#crumbs [aria-current]").text


def _keep(browser, name):
    SHOTS.mkdir(parents=True, exist_ok=True)
    browser.save_screenshot(str(SHOTS / f"{name}.png"))


def test_zoom_by_mouse(browser, report):
    """A click on a distribution shows its files, the trail leads back, and the browser has nothing to complain of."""
    _open(browser, report["layer"])
    root, count = _trail(browser), len(_tiles(browser))
    assert count >= 4
    _keep(browser, "inspect-light")
    tile = _tiles(browser)[0]
    name = tile.get_attribute("aria-label").partition(",")[0]
    tile.click()
    assert _trail(browser) == name
    assert len(_tiles(browser)) > 1
    _keep(browser, "inspect-zoomed")
    browser.find_element("css selector", "#crumbs button").click()
    assert (_trail(browser), len(_tiles(browser))) == (root, count)
    assert browser.get_log("browser") == []


def test_zoom_by_keyboard(browser, report):
    """Tab reaches the map, arrows move, Enter looks inside, Escape goes back; what has the focus is said."""
    from selenium.webdriver import ActionChains, Keys

    _open(browser, report["layer"])
    root = _trail(browser)
    ActionChains(browser).send_keys(Keys.TAB, Keys.ARROW_RIGHT).perform()
    label = browser.execute_script("return document.activeElement.getAttribute('aria-label')")
    assert label == _tiles(browser)[1].get_attribute("aria-label")
    assert browser.find_element("id", "said").text == label
    ActionChains(browser).send_keys(Keys.ENTER).perform()
    assert _trail(browser) == label.partition(",")[0]
    ActionChains(browser).send_keys(Keys.ESCAPE).perform()
    assert _trail(browser) == root


def test_tiles_fill_the_map(browser, report):
    """The tiles' areas are as their sizes, they cover the map, and no two of them overlap."""
    _open(browser, report["layer"])
    boxes = browser.execute_script(
        "return [...document.querySelectorAll('#map > .tile')].map(t => {const r = t.querySelector('rect');"
        "return ['x','y','width','height'].map(a => +r.getAttribute(a))})"
    )
    sizes = browser.execute_script("return JSON.parse(document.getElementById('tree').textContent).c.map(n => n.s)")
    area = browser.execute_script(
        "const b = document.getElementById('map').getBoundingClientRect(); return b.width * b.height"
    )
    for (_, _, width, height), size in zip(boxes, sizes, strict=True):
        assert width * height == pytest.approx(area * size / sum(sizes), rel=1e-6)
    for index, (x, y, width, height) in enumerate(boxes):
        for other_x, other_y, other_width, other_height in boxes[index + 1 :]:
            across = min(x + width, other_x + other_width) - max(x, other_x)
            down = min(y + height, other_y + other_height) - max(y, other_y)
            assert min(across, down) < 1e-6


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone(browser, report, scheme):
    """At 375 pixels nothing sticks out sideways, in light and in dark, and the map is still there."""
    _open(browser, report["layer"], width=375, height=812, scheme=scheme)
    assert browser.execute_script("return document.documentElement.scrollWidth") == 375
    assert len(_tiles(browser)) >= 4
    _keep(browser, f"inspect-phone-{scheme}")


def test_phone_with_long_names(browser, report):
    """Names without a place to break do not make the page wider than the phone."""
    _open(browser, report["wide"], width=375, height=812)
    assert browser.execute_script("return document.documentElement.scrollWidth") == 375


def test_dark_is_dark(browser, report):
    """The page follows the reader's colour scheme."""
    _open(browser, report["layer"], scheme="dark")
    red, green, blue = browser.execute_script(
        "return getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)"
    )
    assert max(red, green, blue) < 60
    _keep(browser, "inspect-dark")


def test_hostile_name_runs_nothing(browser, report):
    """A file name full of markup is shown as it is, in the map and in the lists, and no script of it runs."""
    _open(browser, report["evil"])
    labels = [tile.get_attribute("aria-label") for tile in _tiles(browser)]
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    assert EVIL.replace("/", "") in browser.find_element("tag name", "body").text
    _tiles(browser)[next(index for index, label in enumerate(labels) if "no distribution" in label)].click()
    assert any(EVIL.replace("/", "") in tile.get_attribute("aria-label") for tile in _tiles(browser))
    assert browser.execute_script("return document.querySelectorAll('img, body script').length") == 2
    assert browser.get_log("browser") == []


def test_nothing_is_loaded(browser, report):
    """Opening the page asks for the page and for nothing else."""
    import json

    browser.get_log("performance")
    _open(browser, report["layer"])
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {
        message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"
    }
    assert asked == {report["layer"].as_uri()}
