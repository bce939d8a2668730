"""The accessibility check can fail: a page with known faults, behind our own strict policy, gives exactly those."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from tests.web.axe import assert_accessible, violations
from tests.web.conftest import Served

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_axe_finds_what_is_wrong(page: Page, web: Served) -> None:
    """An image without a text and pale letters are found on a page of ours that was spoilt, and nothing before."""
    await page.goto(f"{web.base_url}/")
    await assert_accessible(page)

    await page.evaluate("""() => {
        const image = document.createElement("img");
        image.src = "/static/icon.svg";
        document.querySelector("main").append(image);
        document.querySelector("h1").style.color = "#dddddd";
    }""")

    assert {sentence.partition(":")[0] for sentence in await violations(page)} == {"image-alt", "color-contrast"}
