"""The widget in a foreign page on another origin of loopback: one script tag, a strict policy, and styles that stay where they are."""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Frame, Page, expect

from tests.web.axe import assert_accessible
from tests.web.conftest import Faults, Served, ServeWith, watch

pytestmark = pytest.mark.asyncio(loop_scope="session")

# the strictest policy that the script can live under: our origin for the script and the frame, nothing else, and no strings as markup
POLICY = "default-src 'none'; script-src {bot}; frame-src {bot}; style-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
HOST = """<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>En forskers side</title>
<link rel="stylesheet" href="/rude.css"><script src="{bot}/widget.js"{more} defer></script></head>
<body><main><h1>Vår forskning</h1><button id="own">Vår egen knapp</button><p>Tekst.</p></main></body></html>"""
RUDE = """
* { color: red !important; font-size: 40px !important; text-transform: uppercase !important; letter-spacing: 1em; border-radius: 0 !important; }
button, iframe, div { background: yellow !important; display: none; position: static !important; visibility: hidden; }
#own { display: block; visibility: visible; }
mikrodata-chat { display: none !important; opacity: 0.01; transform: scale(0.1); }
"""


class Foreign(BaseHTTPRequestHandler):
    """A site of somebody else's."""

    def __init__(self, bot: str, more: dict[str, str], *rest: object) -> None:
        """``bot``: our origin; ``more``: attributes of the script tag and language of the page."""
        self._bot, self._more = bot, more
        super().__init__(*rest)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """The page, and its rude styles."""
        css = self.path == "/rude.css"
        text = RUDE if css else HOST.format(bot=self._bot, **{"lang": "nb", "more": "", **self._more})
        self.send_response(200)
        self.send_header("Content-Type", "text/css" if css else "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", POLICY.format(bot=self._bot))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def foreign(web_server: ServeWith) -> Iterator[tuple[str, Served, dict[str, str]]]:
    """(origin of the foreign page, our server that lets it embed us, what the page says of itself)."""
    more: dict[str, str] = {}
    bot: list[str] = [""]
    with ThreadingHTTPServer(("127.0.0.1", 0), lambda *rest: functools.partial(Foreign, bot[0], more)(*rest)) as server:
        origin = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        with web_server(web={"cors": (origin,)}) as served:
            bot[0] = served.base_url
            yield origin, served, more
        server.shutdown()
        thread.join()


@pytest_asyncio.fixture(loop_scope="session")
async def host(context: BrowserContext, foreign: tuple[str, Served, dict[str, str]]) -> AsyncIterator[Page]:
    """The foreign page, opened; a breach of its policy or of ours fails the test."""
    faults = Faults()
    opened = await context.new_page()
    watch(opened, faults)
    await opened.goto(foreign[0])
    yield opened
    assert not faults, faults


async def chat_of(page: Page) -> Frame:
    """Open the widget and give the frame of the chat."""
    await page.get_by_role("button", name="Spør om mikrodata").click()
    handle = await page.locator("mikrodata-chat iframe").element_handle()
    assert handle is not None
    frame = await handle.content_frame()
    assert frame is not None
    await frame.wait_for_selector("#question")
    return frame


async def test_one_script_tag_brings_the_chat_into_a_foreign_page(host: Page, foreign: tuple[str, Served, dict[str, str]]) -> None:
    """Ask, get an answer with its source, open a source in a window of its own: all inside the frame."""
    frame = await chat_of(host)
    assert frame.url == f"{foreign[1].base_url}/?embed=1&lang=nb"
    await expect(frame.locator(".notice")).to_contain_text("automatisk tjeneste")
    await frame.fill("#question", "Hvor lang tid tar det å få levert data?")
    await frame.press("#question", "Enter")

    await expect(frame.locator("#last .source a")).to_have_attribute("target", "_blank")
    await frame.get_by_role("link", name="English").click()
    await expect(frame.locator("html")).to_have_attribute("lang", "en")
    await expect(frame.locator("body")).to_have_class("embedded")
    await expect(frame.locator("#log .turn")).to_have_count(1)


async def test_a_person_is_reached_from_within_the_frame(host: Page, foreign: tuple[str, Served, dict[str, str]]) -> None:
    frame = await chat_of(host)
    await frame.fill("#question", "menneske")
    await frame.press("#question", "Enter")
    await frame.fill("#name", "Kari")
    await frame.fill("#email", "kari@uio.example")
    await frame.fill("#message", "Hei")
    await frame.click("#handover button.primary")

    await expect(frame.locator("#sent")).to_contain_text("kari@uio.example")


async def test_nothing_is_asked_of_us_before_somebody_wants_it(
    context: BrowserContext, foreign: tuple[str, Served, dict[str, str]]
) -> None:
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(foreign[0])
    await expect(page.get_by_role("button", name="Spør om mikrodata")).to_be_visible()

    assert [address for address in asked if address.startswith(foreign[1].base_url)] == [f"{foreign[1].base_url}/widget.js"]
    assert await context.cookies() == []


async def test_styles_leak_neither_way(host: Page) -> None:
    """The page's rude styles do not reach the button; ours change nothing of the page."""
    button = host.get_by_role("button", name="Spør om mikrodata")
    await expect(button).to_be_visible()
    told = await button.evaluate("""button => {
        const style = getComputedStyle(button), box = button.getBoundingClientRect();
        return { color: style.color, size: style.fontSize, transform: style.textTransform, spacing: style.letterSpacing,
            position: style.position, ground: style.backgroundColor, opacity: getComputedStyle(button.getRootNode().host).opacity,
            right: innerWidth - box.right, bottom: innerHeight - box.bottom };
    }""")
    assert told == {
        "color": "rgb(255, 255, 255)",
        "size": "16px",
        "transform": "none",
        "spacing": "normal",
        "position": "fixed",
        "ground": "rgb(0, 81, 61)",
        "opacity": "1",
        "right": 16,
        "bottom": 16,
    }
    own = await host.locator("#own").evaluate("button => [getComputedStyle(button).color, getComputedStyle(button).fontSize]")
    assert own == ["rgb(255, 0, 0)", "40px"]
    assert await host.evaluate("document.querySelectorAll('style, link[rel=stylesheet]').length") == 1
    assert await host.evaluate("document.adoptedStyleSheets.length") == 0


async def test_keyboard_alone_opens_uses_and_closes_it(host: Page) -> None:
    await host.locator("#own").focus()
    await host.keyboard.press("Tab")
    await expect(host.get_by_role("button", name="Spør om mikrodata")).to_be_focused()
    await host.keyboard.press("Enter")
    await expect(host.get_by_role("dialog")).to_be_visible()
    await expect(host.get_by_role("button", name="Lukk")).to_be_focused()
    await host.keyboard.press("Escape")
    await expect(host.get_by_role("dialog")).to_be_hidden()
    await expect(host.get_by_role("button", name="Spør om mikrodata")).to_be_focused()

    frame = await chat_of(host)
    await frame.focus("#question")
    await host.keyboard.press("Escape")
    await expect(host.get_by_role("dialog")).to_be_hidden()
    await expect(host.get_by_role("button", name="Spør om mikrodata")).to_be_focused()


async def test_what_is_half_written_survives_closing(host: Page) -> None:
    frame = await chat_of(host)
    await frame.fill("#question", "Hva koster")
    await host.get_by_role("button", name="Lukk").click()
    frame = await chat_of(host)

    await expect(frame.locator("#question")).to_have_value("Hva koster")


async def test_no_message_of_the_page_closes_it(host: Page) -> None:
    """Only our own frame may: a message that another window sends is not listened to."""
    await chat_of(host)
    await host.evaluate("postMessage('mikrodata-chat-close', '*')")
    await host.evaluate("new Promise(done => setTimeout(done, 50))")

    await expect(host.get_by_role("dialog")).to_be_visible()


@pytest.mark.parametrize(
    ("page", "tag", "name"),
    [
        ("nn-NO", "", "Spør om mikrodata"),
        ("en", "", "Ask about microdata"),
        ("de", "", "Ask about microdata"),
        ("en", ' data-lang="nb"', "Spør om mikrodata"),
    ],
)
async def test_it_speaks_the_language_of_the_page_or_of_its_tag(
    context: BrowserContext, foreign: tuple[str, Served, dict[str, str]], page: str, tag: str, name: str
) -> None:
    foreign[2].update(lang=page, more=tag)
    opened = await context.new_page()
    await opened.goto(foreign[0])
    await opened.get_by_role("button", name=name).click()

    expected = "nb" if tag else {"nn-NO": "nn"}.get(page, "en")
    await expect(opened.locator("mikrodata-chat iframe")).to_have_attribute("src", re.compile(f"lang={expected}$"))


async def test_it_fills_a_phone(host: Page) -> None:
    await host.set_viewport_size({"width": 320, "height": 640})
    frame = await chat_of(host)

    box = await host.locator("mikrodata-chat iframe").bounding_box()
    assert box is not None
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 320, 640)
    assert await frame.evaluate("document.documentElement.scrollWidth") <= 320
    title = await frame.locator(".languages").bounding_box()
    close = await host.get_by_role("button", name="Lukk").bounding_box()
    assert title is not None
    assert close is not None
    assert title["x"] + title["width"] <= close["x"] or title["y"] >= close["y"] + close["height"], "the button to close covers nothing"


async def test_axe_finds_nothing_in_the_widget_and_its_frame(context: BrowserContext, foreign: tuple[str, Served, dict[str, str]]) -> None:
    page = await context.new_page()
    await page.goto(foreign[0])
    await page.evaluate("document.querySelector('link').disabled = true")  # the page's own rudeness is not ours to mend
    await assert_accessible(page)
    frame = await chat_of(page)
    await assert_accessible(frame)
    await frame.fill("#question", "menneske")
    await frame.press("#question", "Enter")
    await expect(frame.locator("#log .turn")).to_have_count(1)
    await assert_accessible(frame)


async def test_a_page_that_is_not_on_the_list_cannot_frame_us(context: BrowserContext, site: Served) -> None:
    page = await context.new_page()
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Foreign, site.base_url, {})) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        await page.goto(f"http://127.0.0.1:{server.server_port}")
        await page.get_by_role("button", name="Spør om mikrodata").click()
        await page.evaluate("new Promise(done => setTimeout(done, 300))")
        handle = await page.locator("mikrodata-chat iframe").element_handle()
        assert handle is not None
        frame = await handle.content_frame()
        assert frame is not None
        assert frame.url.startswith("chrome-error:")
        assert any("frame-ancestors" in text or "X-Frame-Options" in text for text in said)
        server.shutdown()
        thread.join()
