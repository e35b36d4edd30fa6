"""The site in a real browser, opened from a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docs.tools.site import build, stage
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.browser import browser, needs_browser

if TYPE_CHECKING:
    from pathlib import Path

    from selenium.webdriver.remote.webdriver import WebDriver

__all__ = ["browser"]
pytestmark = needs_browser


def test_search_works_from_a_folder(tmp_path: Path, browser: WebDriver) -> None:
    """Opened as a file, without any server, the site finds its own pages."""
    stage(tmp_path)
    build(tmp_path)
    browser.get((tmp_path / "site" / "index.html").as_uri())
    browser.find_element("tag name", "body").send_keys(Keys.CONTROL + "k")
    WebDriverWait(browser, 20).until(lambda seen: seen.switch_to.active_element.tag_name != "body")
    browser.switch_to.active_element.send_keys("redaction")
    WebDriverWait(browser, 20).until(lambda seen: _pressed_enter(seen) and "logging.html" in seen.current_url)


def _pressed_enter(seen: WebDriver) -> bool:
    """Take the first result, once there are some."""
    seen.switch_to.active_element.send_keys(Keys.ENTER)
    return True
