"""The site in a real browser, opened from a folder: its search, and its pages on a desk and a phone, light and dark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from docs.tools.site import ROOT, build, stage
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.browser import browser, needs_browser

if TYPE_CHECKING:
    from pathlib import Path

    from selenium.webdriver.remote.webdriver import WebDriver

__all__ = ["browser"]
pytestmark = [*needs_browser, pytest.mark.once]

SCREENSHOTS = ROOT / "build" / "screenshots"
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
PAGES = {"first": "index", "guide": "guides/secrets", "reference": "reference/commands/publish"}
# Wide tables, long names, pictures: where something would stick out.
WIDE = ("reference/environment", "reference/log-keys", "performance", "architecture", "powertools", "guides/orders")
LUMINANCE = """
const colour = getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number);
return (colour[0] + colour[1] + colour[2]) / 3;
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built."""
    folder = tmp_path_factory.mktemp("site")
    stage(folder)
    build(folder)
    return folder / "site"


def test_search_works_from_a_folder(site: Path, browser: WebDriver) -> None:
    """Opened as a file, without any server, the site finds its own pages."""
    browser.get((site / "index.html").as_uri())
    browser.find_element("tag name", "body").send_keys(Keys.CONTROL + "k")
    WebDriverWait(browser, 20).until(lambda seen: seen.switch_to.active_element.tag_name != "body")
    browser.switch_to.active_element.send_keys("redaction")
    WebDriverWait(browser, 20).until(lambda seen: _pressed_enter(seen) and "logging.html" in seen.current_url)


def _pressed_enter(seen: WebDriver) -> bool:
    """Take the first result, once there are some."""
    seen.switch_to.active_element.send_keys(Keys.ENTER)
    return True


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_pages_fit_the_screen(site: Path, browser: WebDriver, size: str, scheme: str) -> None:
    """No page is wider than the screen, each shows its heading and its pictures, and the scheme is the reader's.

    A picture of the first page, of a guide and of a page of the reference is left in build/screenshots.
    """
    width, height = SIZES[size]
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)  # type: ignore[attr-defined]
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone"}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)  # type: ignore[attr-defined]
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    browser.get((site / "index.html").as_uri())
    browser.execute_script("localStorage.clear()")  # where the scheme of an earlier visit is kept
    try:
        for name, page in {**PAGES, **dict.fromkeys(WIDE if scheme == "light" else ())}.items():
            browser.get((site / f"{page or name}.html").as_uri())
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width, name
            assert browser.find_element("tag name", "h1").is_displayed()
            broken = "return [...document.images].filter(image => !image.naturalWidth).map(image => image.src)"
            assert browser.execute_script(broken) == []
            assert (browser.execute_script(LUMINANCE) > 128) is (scheme == "light"), name
            if page:
                assert browser.save_screenshot(str(SCREENSHOTS / f"{name}-{size}-{scheme}.png"))
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})  # type: ignore[attr-defined]
