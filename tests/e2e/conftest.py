"""The browser of the end-to-end tests."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from embedded.browser import find_browser

# No test asks for what is left out, which takes a tenth of what Chromium takes in all; Debian's rasterises for a GPU.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-gpu-rasterization",
    "--num-raster-threads=1",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
]
SCREENSHOTS = Path(__file__).resolve().parents[2] / "test-results"

# Only a fault takes it all: a busy machine makes everything here ten times as slow.
expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one module: while it runs, so does an event loop in this thread."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Django takes Playwright's loop for its own and would refuse the ORM to the test's thread.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        chromium = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or find_browser(),  # Playwright's own are not fetched
            args=ARGUMENTS,
        )
        yield chromium
        chromium.close()


def come_to_rest(page: Page) -> None:
    """Wait until nothing slides or fades in any more."""
    page.evaluate(
        """Promise.all([document, ...[...document.querySelectorAll("*")].map((each) => each.shadowRoot)]
            .flatMap((root) => root?.getAnimations() ?? [])
            .filter((each) => each.effect.getComputedTiming().endTime < Infinity)
            .map((each) => each.finished.catch(() => null)))"""
    )


WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def check_accessible(page: Page, *, rules: Sequence[str] = (*WCAG, "best-practice"), **options: Any) -> None:
    """Nothing that axe finds against these rules."""
    come_to_rest(page)
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": list(rules)}}, **options)
    assert found.response["violations"] == [], found.generate_report()


def shoot(page: Page, name: str, **options: Any) -> None:
    """Take a picture for people to look at, if SCREENSHOTS is set: no test looks, and each takes half a second."""
    if os.environ.get("SCREENSHOTS"):
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}.png", **options)
