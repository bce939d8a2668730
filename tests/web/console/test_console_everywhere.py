"""Every page of the console for everybody: axe in three languages, a narrow screen, no JavaScript, the keyboard alone."""

from __future__ import annotations

import re

import pytest
import pytest_asyncio
from fastapi.routing import APIRoute
from playwright.async_api import Page, expect

from bot.store.queue import View
from bot.web.console import routes
from tests.web.axe import assert_accessible, violations
from tests.web.conftest import Served
from tests.web.console.conftest import Enter
from tests.web.console.desk import PASSWORD, arrive, ask, mail, path_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLAIN = (
    "",
    "?q=sletting",
    "?show=done",
    "/cases",
    "/cases/24%2F1187",
    "/deletions",
    "/deletions?view=overdue",
    "/deletions?view=rejected",
    "/offers",
    "/applications",
    "/knowledge",
    "/knowledge/unanswered",
    "/knowledge/try",
    "/knowledge/new",
    "/knowledge/topics/price",
    "/knowledge/changes",
    "/figures",
    "/health",
    "/people",
    "/cases/99%2F9999",
)
NO_PAGES = {"/counts", "/language/{tag}", "/mail/{key:path}/presence", "/mail/{key:path}/files/{number}", "/deletions/export.{form}"}
NO_PAGES |= {"/knowledge/changes/{number}", "/login", "/oidc/start", "/oidc/back"}
HTML = "<p>Hei <b>dere</b>, se <a href='https://evil.example'>her</a><img src='https://evil.example/p.gif'></p><table><tr><td>1</td></tr></table>"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def addresses(desk: Served) -> list[str]:
    """Every page, and items of each kind."""
    keys = await arrive(
        desk.parts,
        mail("Hvem signerer?", "Hei, hvem kan signere på tilbudet?", html=HTML, files={"liste.csv": b"a;b\n1;2\n"}),
        mail("Persondata", "Hei, det gjelder fødselsnummer 15819010029.", files={"verktøy.exe": b"MZ\x90\x00"}),
    )
    rows, _ = await ask(desk.parts, lambda tx: tx.queue(View(show="all", size=100), desk.parts.clock(), 14))
    wanted = ("Signert tilbod, sak 25/3021", "Søknad om tilgang", "Bekreftelse på sletting, sak 23/456")
    keys += [row["key"] for row in rows if (row["subject"] or "").startswith(wanted)]
    return [f"{desk.base_url}/console{path}" for path in PLAIN] + [desk.base_url + path_of(key) for key in keys]


async def test_every_page_is_in_the_list(desk: Served) -> None:
    """A new page must be looked at here too."""
    listed = [route for route in routes(desk.settings, desk.parts).routes if isinstance(route, APIRoute)]
    pages = {re.sub(r"\{.*?\}", "X", route.path) for route in listed if "GET" in route.methods and route.path not in NO_PAGES}
    shown = {re.sub(r"(?<=cases/).*|(?<=topics/).*", "X", path.partition("?")[0]) for path in PLAIN} | {"/mail/X"}
    assert pages == shown


@pytest.mark.parametrize("locale", ["nb-NO", "nn-NO", "en-GB"])
async def test_axe_finds_nothing(enter: Enter, desk: Served, addresses: list[str], locale: str) -> None:
    """Every page with every fold open, as a lead sees it, and the log-in."""
    page, found = await enter("lead", locale=locale), list[str]()
    for address in addresses:
        if locale != "nb-NO" and "?" in address:
            continue  # the same page with other rows
        await page.goto(address)
        await page.evaluate("() => document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
        assert (await page.locator("html").get_attribute("lang")) == locale[:2]
        found += [f"{address}: {each}" for each in await violations(page, "svg.chart text")]
        missing = await page.evaluate(r"() => (document.body.innerText.match(/\{\w+\}|undefined|\bNone\b(?! yet)/g) || [])")
        assert locale.startswith("en") or not missing, f"{address}: {missing}"
    assert not found, "\n".join(found)
    await page.get_by_role("button", name=re.compile("Logg ut|Log out")).click()
    await page.goto(f"{desk.base_url}/console/login")
    await assert_accessible(page)


async def test_texts_in_charts_have_contrast(enter: Enter, desk: Served) -> None:
    """What axe cannot judge in a drawing: every text has 4.5:1 on the card's ground (WCAG 1.4.3)."""
    page = await enter("reader")
    await page.goto(f"{desk.base_url}/console/figures")
    script = """() => [...document.querySelectorAll("svg.chart text")].map((text) =>
        [getComputedStyle(text).fill, getComputedStyle(text.closest(".card")).backgroundColor])"""
    pairs = {tuple(pair) for pair in await page.evaluate(script)}
    assert pairs
    for ink, ground in pairs:
        light, dark = sorted((luminance(ink), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)


def luminance(colour: str) -> float:
    """Relative luminance of ``rgb(…)`` (WCAG 2.1, definition)."""
    channels = [int(number) / 255 for number in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


async def test_nothing_is_cut_off_on_a_narrow_screen(enter: Enter, addresses: list[str]) -> None:
    """At 320 px no page scrolls sideways; what is wide (tables, charts) scrolls in a box that the keyboard reaches (WCAG 1.4.10)."""
    page = await enter("lead", viewport={"width": 320, "height": 640})
    wide = []
    for address in addresses:
        await page.goto(address)
        await page.evaluate("() => document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
        width = await page.evaluate("() => document.documentElement.scrollWidth")
        if width > 320:
            wide.append(f"{address}: {width}")
        boxes = "() => [...document.querySelectorAll('.scroll, .chart-box')].filter((box) => box.tabIndex !== 0).length"
        assert await page.evaluate(boxes) == 0
    assert not wide, wide


async def test_everything_works_without_javascript(enter: Enter, desk: Served) -> None:
    """Find, open, note, assign, finish: all of it as plain forms."""
    (key,) = await arrive(desk.parts, mail("Uten skript", "Hei, jeg lurer på noe ganske annet om kvantumflommer."))
    page = await enter(java_script_enabled=False)
    await page.fill("#q", "kvantumfl")
    await page.get_by_role("button", name="Søk").click()
    await page.get_by_role("link", name="Uten skript").click()
    await page.fill("#note", "Ringte, ingen svar.")
    await page.get_by_role("button", name="Lagre notatet").click()
    await expect(page.locator(".notes")).to_contain_text("Ringte, ingen svar.")
    await page.get_by_role("button", name="Ta den selv").click()
    await page.get_by_role("button", name="Merk som ferdig", exact=True).click()
    await expect(page.get_by_role("status").first).to_have_text("Merket som ferdig.")
    row = await ask(desk.parts, lambda tx: tx.desk_mail(key))
    assert (row["assigned"], row["done_by"]) == ("caseworker", "caseworker")


async def test_the_keyboard_is_enough(enter: Enter, desk: Served) -> None:
    """Log in, skip to the list, move by arrows, open, correct and finish: no pointer; the focus is always seen."""
    (key,) = await arrive(desk.parts, mail("Bare taster", "Hei, dette handler om en helt annen ting enn dere tror."))
    page = await enter()
    await page.get_by_role("button", name="Logg ut").press("Enter")
    await page.wait_for_url("**/login")
    await tab_to(page, "#name")
    await page.keyboard.type("caseworker")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console")

    await page.keyboard.press("Tab")
    assert await page.evaluate("() => document.activeElement.className") == "skip"
    await page.keyboard.press("Enter")
    assert await page.evaluate("() => document.activeElement.id") == "main"
    await tab_to(page, ".row-link")
    outline = "() => getComputedStyle(document.activeElement, '::after').outlineStyle"
    assert await page.evaluate(outline) == "solid"
    for _ in range(60):
        if "Bare taster" in await page.evaluate("() => document.activeElement.textContent"):
            break
        await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Bare taster")
    await tab_to(page, "#c-category")
    await page.keyboard.type("Sak")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status").first).to_have_text("Rettelsen er lagret.")
    assert (await ask(desk.parts, lambda tx: tx.desk_mail(key)))["category"] == "case"


async def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there."""
    for _ in range(120):
        await page.keyboard.press("Tab")
        if await page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab does not reach {selector}")
