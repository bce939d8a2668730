"""The chat in a real browser: the researcher's path, with keyboard alone, on a narrow screen, without JavaScript, and axe on every state."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from bot import pipeline
from bot.model import Language
from tests.web.axe import assert_accessible
from tests.web.conftest import Faults, Served, events, watch

pytestmark = pytest.mark.asyncio(loop_scope="session")

SYNTHETIC = "10909040863"
LANGUAGES = [language.value for language in Language]
QUESTION = {
    "nb": "Hvor lang tid tar det å få levert data?",
    "nn": "Kor lang tid tek det å få levert data?",
    "en": "How long does it take to get the data?",
}
STRANGE = ("Hvordan baker jeg brød?", "Hva er hovedstaden i Peru?")


async def ask(page: Page, text: str) -> None:
    """Type a question, send it with Enter and wait until it has its answer."""
    before = await page.locator("#log .turn").count()
    await page.fill("#question", text)
    await page.press("#question", "Enter")
    await expect(page.locator("#log .turn")).to_have_count(before + 1)


@pytest_asyncio.fixture(loop_scope="session")
async def narrow(browser: Browser) -> AsyncIterator[Page]:
    """A page on the narrowest screen that WCAG knows (1.4.10): 320 pixels."""
    visitor = await browser.new_context(locale="nb-NO", viewport={"width": 320, "height": 640}, has_touch=True)
    opened = await visitor.new_page()
    faults = Faults()
    watch(opened, faults)
    yield opened
    await visitor.close()
    assert not faults


# ── the researcher's path ─────────────────────────────────────────────────────────────────────────────────────


async def test_ask_follow_up_and_hand_over(page: Page, web: Served) -> None:
    """The whole way: answer with source and date, follow-up, two misses, a message, the link, the button, the caseworker's mail."""
    await page.goto(f"{web.base_url}/")
    await expect(page.locator(".notice")).to_contain_text("automatisk tjeneste, ikke med et menneske")

    await ask(page, "Hvem kan få tilgang til mikrodata?")
    answer = page.locator("#last .answer")
    topic = web.parts.brain.knowledge.topics["who-can-get-access"]
    await expect(answer.locator("h3")).to_have_text(topic.title(Language.NB))
    await expect(answer.locator(".source a")).to_have_attribute("href", topic.source)
    await expect(answer.locator("time")).to_have_attribute("datetime", topic.checked.isoformat())

    await ask(page, "og hva med utlandet?")
    await expect(page.locator("#last h3")).to_have_text(re.compile("utenlandsk", re.IGNORECASE))

    for question in STRANGE:
        await ask(page, question)
    await expect(page.locator("#last")).to_contain_text("to ganger på rad")
    await expect(page.locator("#write")).to_have_attribute("open", "")

    await page.fill("#name", "Kari Forsker")
    await page.fill("#email", "kari@uio.example")
    await page.fill("#message", "Kan noen ringe meg?")
    await page.click("#handover button.primary")
    await expect(page.locator("#sent")).to_contain_text("kari@uio.example")
    await expect(page.locator("#sent")).to_be_focused()
    await assert_accessible(page)

    await asyncio.to_thread(asyncio.run, pipeline.deliver_waiting(web.parts))
    (mail,) = (web.settings.service.data / "outgoing" / "new").iterdir()
    found = re.search(r"http://\S+token=\S+", mail.read_text().replace("=\n", "").replace("=3D", "="))
    assert found is not None
    await page.goto(found[0])
    await expect(page.locator("blockquote")).to_contain_text("Kan noen ringe meg?")
    await page.click("main button.primary")
    await expect(page.locator("h1")).to_have_text("Meldingen er sendt")

    keys = await asyncio.to_thread(asyncio.run, web.parts.store.read(lambda tx: tx.known_keys("sha256:")))
    raw = await asyncio.to_thread(asyncio.run, web.parts.store.read(lambda tx: tx.raw(next(iter(keys)))))
    assert "og hva med utlandet?" in raw.content.decode()


async def test_feedback_is_thanked_for_and_kept(page: Page, web: Served) -> None:
    await page.goto(f"{web.base_url}/?lang=en")
    await ask(page, QUESTION["en"])
    await page.get_by_role("group", name="Did this help you?").get_by_role("button", name="No").click()

    await expect(page.locator(".thanks")).to_be_focused()
    await expect(page.locator("#write")).to_have_attribute("open", "")
    assert [event["subject"] for event in events(web, "chat-feedback")] == ["delivery-time"]


async def test_a_choice_is_pressed_and_answered_in_its_language(page: Page, site: Served, vague: dict[str, str]) -> None:
    await page.goto(f"{site.base_url}/?lang=nb")
    await ask(page, vague["en"])
    choices = page.locator("#last .choices button")
    assert 2 <= await choices.count() <= 3
    title = await choices.first.inner_text()
    await choices.first.click()

    await expect(page.locator("#log .turn")).to_have_count(2)
    await expect(page.locator("#last .answer [lang=en] h3")).to_have_text(title)


async def test_a_wish_for_a_person_opens_the_form_and_goes_there(page: Page, site: Served) -> None:
    await page.goto(f"{site.base_url}/")
    await ask(page, "Jeg vil snakke med et menneske")

    await expect(page.locator("#name")).to_be_focused()
    await expect(page.locator("#last")).to_contain_text("så svarer et menneske")


async def test_an_identity_number_is_warned_of_while_typing_and_masked_when_sent(page: Page, site: Served) -> None:
    await page.goto(f"{site.base_url}/")
    warning = page.locator("#question-warning")
    await page.fill("#question", "Jeg er 109090 4086")
    await expect(warning).to_be_empty()
    await page.fill("#question", "Jeg er 109090 40863")
    await expect(warning).to_contain_text("ser ut som et fødselsnummer")
    await page.press("#question", "Enter")

    await expect(page.locator("#last")).to_contain_text("•••••• •••••")
    await expect(page.locator("#last .warning")).to_contain_text("fødselsnummer")
    assert "40863" not in await page.content()


async def test_another_language_keeps_the_conversation(page: Page, site: Served) -> None:
    await page.goto(f"{site.base_url}/?lang=nb")
    await ask(page, QUESTION["nb"])
    await page.get_by_role("navigation", name="Språk").get_by_text("English").click()

    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page.locator("#log .said")).to_have_text(QUESTION["nb"])
    await ask(page, QUESTION["en"])
    await expect(page.locator("#log .turn")).to_have_count(2)
    await page.get_by_role("navigation", name="Language").get_by_text("Nynorsk", exact=True).click()
    await expect(page.locator("html")).to_have_attribute("lang", "nn")
    await expect(page.locator("#log .turn")).to_have_count(2)


async def test_a_server_that_does_not_answer_is_told(page: Page, site: Served) -> None:
    await page.goto(f"{site.base_url}/")
    await page.route("**/*", lambda route: route.abort())
    await page.fill("#question", QUESTION["nb"])
    await page.press("#question", "Enter")

    await expect(page.locator("#status")).to_contain_text("kom ikke fram")
    await expect(page.locator("#question")).to_have_value(QUESTION["nb"])
    await page.unroute("**/*")
    await page.press("#question", "Enter")
    await expect(page.locator("#log .turn")).to_have_count(1)


async def test_two_quick_presses_are_one_question(page: Page, site: Served) -> None:
    await page.goto(f"{site.base_url}/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method) if request.method == "POST" else None)
    await page.fill("#question", QUESTION["nb"])
    await page.evaluate("""() => {
        const button = document.querySelector("#ask button.primary");
        button.click();
        button.click();
    }""")

    await expect(page.locator("#log .turn")).to_have_count(1)
    assert asked == ["POST"]


@pytest.mark.parametrize("attack", ["<img src=x onerror=alert(1)>", "</textarea><script>alert(1)</script>", "{{7*7}}"])
async def test_markup_stays_text_in_the_page(page: Page, site: Served, attack: str) -> None:
    """Typed, answered, carried along, shown again in another language: never an element."""
    dialogs: list[Any] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog))
    await page.goto(f"{site.base_url}/")
    await ask(page, attack)
    await expect(page.locator("#last .said")).to_have_text(attack)
    await page.get_by_text("Nynorsk", exact=True).click()
    await expect(page.locator("html")).to_have_attribute("lang", "nn")

    await expect(page.locator("#log .said")).to_have_text(attack)
    assert await page.locator("#log .said *").count() == 0
    assert not dialogs


# ── keyboard, narrow, without JavaScript ──────────────────────────────────────────────────────────────────────


async def test_everything_can_be_done_with_the_keyboard_alone(page: Page, web: Served) -> None:
    """Skip link, question, feedback and hand-over by Tab, Enter and Space; what has the focus always shows it."""
    await page.goto(f"{web.base_url}/")
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#main")).to_be_focused()

    await tab_to(page, "#question")
    await page.keyboard.type(QUESTION["nb"])
    await page.keyboard.press("Enter")
    await expect(page.locator("#log .turn")).to_have_count(1)
    await expect(page.locator("#question")).to_be_focused()
    await tab_to(page, "#last .feedback button >> nth=0", "Shift+Tab")
    await page.keyboard.press("Space")
    await expect(page.locator(".thanks")).to_be_focused()

    await tab_to(page, "#write summary")
    await page.keyboard.press("Enter")
    await tab_to(page, "#name")
    await page.keyboard.type("Kari Forsker")
    await page.keyboard.press("Tab")
    await page.keyboard.type("kari@uio.example")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Kan noen ringe?")
    await tab_to(page, "#handover button.primary")
    await page.keyboard.press("Enter")
    await expect(page.locator("#sent")).to_be_focused()


async def tab_to(page: Page, selector: str, key: str = "Tab") -> None:
    """Press ``key`` until the element has the focus; every stop on the way is visible and shows that it is there."""
    for _ in range(40):
        await page.keyboard.press(key)
        shown = await page.evaluate("""() => {
            const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
            return at === document.body || (box.width > 0 && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2);
        }""")
        assert shown, f"the focus cannot be seen on {await page.evaluate('document.activeElement.outerHTML.slice(0, 120)')}"
        if await page.locator(selector).evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"{selector} is not reached by {key}")


async def test_the_order_of_the_focus_survives_an_error(page: Page, site: Served) -> None:
    await page.goto(f"{site.base_url}/handover?lang=nb")
    await page.fill("#email", "kari")
    await page.keyboard.press("Enter")
    await expect(page).to_have_title(re.compile("^Noe mangler"))
    await page.get_by_role("link", name="Skriv navnet ditt").click()

    await expect(page.locator("#name")).to_be_focused()
    await expect(page.locator("#email")).to_have_value("kari")
    await assert_accessible(page)


async def test_faults_in_the_form_beneath_the_chat_are_told_without_losing_the_conversation(page: Page, site: Served) -> None:
    await page.goto(f"{site.base_url}/")
    await ask(page, QUESTION["nb"])
    await page.click("#write summary")
    await page.click("#handover button.primary")

    await expect(page.locator("#errors")).to_be_focused()
    await expect(page.locator("#log .turn")).to_have_count(1)
    await assert_accessible(page)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_nothing_is_wider_than_320_pixels(narrow: Page, site: Served, language: str) -> None:
    await narrow.goto(f"{site.base_url}/?lang={language}")
    await ask(narrow, QUESTION[language])
    await expect(narrow.locator("#last")).to_be_focused()  # not the field: the keyboard of a phone would cover the answer
    await ask(narrow, "https://www.uio.example/" + "lang" * 60)
    await ask(narrow, "menneske")
    for path in ("", "privacy", "accessibility", "handover", "nothing"):
        if path:
            await narrow.goto(f"{site.base_url}/{path}?lang={language}")
        assert await narrow.evaluate("document.documentElement.scrollWidth") <= 320, path or "chat"
        small = await narrow.evaluate("""() => [...document.querySelectorAll("a, button, input:not([type=hidden]), summary, textarea")]
            .filter((each) => each.offsetParent && getComputedStyle(each).display !== "inline" && !each.matches(".skip"))
            .filter((each) => each.getBoundingClientRect().height < 24).map((each) => each.outerHTML.slice(0, 80))""")
        assert small == []


async def test_the_researchers_path_without_javascript(browser: Browser, web: Served) -> None:
    visitor = await browser.new_context(locale="nb-NO", java_script_enabled=False)
    page = await visitor.new_page()
    await page.goto(f"{web.base_url}/")
    await page.fill("#question", QUESTION["nb"])
    await page.click("#ask button.primary")
    assert "delivery-time" not in page.url
    await expect(page.locator("#last .source a")).to_have_count(1)
    await page.click("#last .feedback button >> nth=0")
    await expect(page.locator("#last .thanks")).to_have_text("Takk for tilbakemeldingen.")
    for question in STRANGE:
        await page.fill("#question", question)
        await page.click("#ask button.primary")
    await expect(page.locator("#log .turn")).to_have_count(3)
    await expect(page.locator("#name")).to_be_visible()
    await page.get_by_role("button", name="English").click()
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page.locator("#log .turn")).to_have_count(3)
    await page.fill("#name", "Kari")
    await page.fill("#email", "kari@uio.example")
    await page.fill("#message", "Hello")
    await page.click("#handover button.primary")
    await expect(page.locator("h1")).to_have_text("Check your e-mail")
    await visitor.close()


# ── axe on every page and state, in three languages ───────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", LANGUAGES)
async def test_axe_on_every_state_of_the_chat(page: Page, site: Served, vague: dict[str, str], language: str) -> None:
    await page.goto(f"{site.base_url}/?lang={language}")
    await assert_accessible(page)
    await ask(page, QUESTION[language])
    await assert_accessible(page)
    await ask(page, vague[language])
    await expect(page.locator("#last .choices")).to_have_count(1)
    await assert_accessible(page)
    await page.click(".feedback button >> nth=1")
    await expect(page.locator(".thanks")).to_have_count(1)
    for question in (f"fnr {SYNTHETIC}", *STRANGE, "menneske"):
        await ask(page, question)
    await expect(page.locator("#write")).to_have_attribute("open", "")
    await assert_accessible(page)
    await page.click("#handover button.primary")
    await expect(page.locator("#errors")).to_be_focused()
    await assert_accessible(page)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_axe_on_every_page(page: Page, site: Served, language: str) -> None:
    for path in ("privacy", "accessibility", "handover", "nothing", "handover/confirm"):
        await page.goto(f"{site.base_url}/{path}?lang={language}")
        await assert_accessible(page)


@pytest.mark.parametrize("media", [{"color_scheme": "dark"}, {"forced_colors": "active"}, {"contrast": "more", "color_scheme": "dark"}])
async def test_axe_in_the_colours_that_a_visitor_prefers(page: Page, site: Served, vague: dict[str, str], media: dict[str, Any]) -> None:
    await page.emulate_media(**media)
    await page.goto(f"{site.base_url}/?lang=nb")
    await ask(page, QUESTION["nb"])
    await ask(page, vague["nb"])
    await ask(page, f"Jeg heter {SYNTHETIC}")
    await ask(page, "menneske")
    await page.click("#handover button.primary")
    await expect(page.locator("#errors")).to_be_focused()
    await assert_accessible(page)


async def test_enlarged_text_and_wider_spacing_lose_nothing(page: Page, site: Served) -> None:
    """WCAG 1.4.4 and 1.4.12: text at twice the size, and the spacing that a reader may set, without overlap or sideways scrolling."""
    await page.goto(f"{site.base_url}/?lang=nb")
    await ask(page, QUESTION["nb"])
    await page.evaluate("""() => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync("* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; } html { font-size: 200%; }");
        document.adoptedStyleSheets = [sheet];
    }""")

    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    clipped = await page.evaluate("""() => [...document.querySelectorAll("button, a, summary, p, h1, h2, h3")]
        .filter((each) => each.offsetParent && !each.matches(".unseen, .skip") && getComputedStyle(each).overflow !== "visible")
        .filter((each) => each.scrollWidth > each.clientWidth + 1)
        .map((each) => each.outerHTML.slice(0, 80))""")
    assert clipped == []
