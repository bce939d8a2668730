"""The pages of the chat without a browser: what works without JavaScript, what every response carries, and what no request may do."""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from bot.model import Language
from bot.web.pages import accepted
from bot.web.texts import BUILT_IN
from tests.web.conftest import Served, ServeWith, events

SYNTHETIC = "10909040863"
FRIEND = "https://www.uio.example"
LANGUAGES = [language.value for language in Language]


@pytest.fixture
def visitor(site: Served) -> Iterator[httpx2.Client]:
    """A browser without JavaScript, in the least."""
    with httpx2.Client(base_url=site.base_url, headers={"accept-language": "nb"}, timeout=60) as opened:
        yield opened


def hidden(page: str) -> list[str]:
    """The conversation that the page carries in its first form."""
    form = page[page.index('id="ask"') : page.index("</form>", page.index('id="ask"'))]
    return [html.unescape(value) for value in re.findall(r'name="earlier" value="([^"]*)"', form)]


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_word_stands_in_every_language() -> None:
    words = tomllib.loads((BUILT_IN / "words.toml").read_text(encoding="utf-8"))

    assert set(words) == set(LANGUAGES)
    for language in LANGUAGES:
        assert set(words[language]) == set(words["nb"]), language
        for name, text in words[language].items():
            assert re.findall(r"{\w*}", str(text)) == re.findall(r"{\w*}", str(words["nb"][name])), (language, name)


def test_no_word_is_kept_that_no_page_says() -> None:
    files = [*BUILT_IN.glob("*.jinja"), *(Path(__file__).parents[2] / "bot" / "web").glob("*.py")]
    said = "\n".join(path.read_text(encoding="utf-8") for path in files)
    unused = {
        name for name in tomllib.loads((BUILT_IN / "words.toml").read_text(encoding="utf-8"))["nb"] if not re.search(rf"\b{name}\b", said)
    }

    assert unused == set()


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "nb"),
        ("nn-NO,nn;q=0.9,no;q=0.8,en;q=0.5", "nn"),
        ("no", "nb"),
        ("en-GB,en;q=0.9,nb;q=0.8", "en"),
        ("de-DE,de;q=0.9", "en"),
        ("da", "nb"),
        ("en;q=0.1, nn;q=0.9", "nn"),
        ("nb;q=0, en", "en"),
        ("*", "nb"),
        (";;;,,q=,\x7f", "nb"),
        ("x" * 9000, "nb"),
    ],
)
def test_the_page_speaks_what_the_browser_asks_for(header: str, language: str) -> None:
    assert accepted(header) is Language(language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["/", "/privacy", "/accessibility", "/handover", "/nothing", "/handover/confirm"])
def test_every_page_speaks_every_language(visitor: httpx2.Client, path: str, language: str) -> None:
    page = visitor.get(f"{path}?lang={language}")

    assert f'<html lang="{language}">' in page.text
    assert page.headers["content-language"] == language
    for other in LANGUAGES:
        assert f'href="?lang={other}"' in page.text


# ── a conversation without JavaScript ─────────────────────────────────────────────────────────────────────────


def test_a_question_gets_its_answer_with_source_and_date(visitor: httpx2.Client, site: Served) -> None:
    page = visitor.post("/", data={"question": "Hvor lang tid tar det å få levert data?"}).text

    topic = site.parts.brain.knowledge.topics["delivery-time"]
    assert f'href="{html.escape(topic.source)}"' in page
    assert f'<time datetime="{topic.checked}">' in page
    assert topic.title(Language.NB) in page
    assert "Automatisk svar" in page
    assert hidden(page) == [":|Hvor lang tid tar det å få levert data?"]


def test_the_answer_speaks_the_language_of_the_question_and_is_marked_so(visitor: httpx2.Client) -> None:
    page = visitor.post("/?lang=nb", data={"question": "How long does it take to get the data?"}).text

    assert '<html lang="nb">' in page
    assert '<div lang="en">' in page


def test_a_choice_is_answered_in_the_language_it_was_offered_in(visitor: httpx2.Client, site: Served, vague: dict[str, str]) -> None:
    unsure = visitor.post("/?lang=nb", data={"question": vague["en"]}).text
    values = re.findall(r'name="topic" value="([^"]+)"', unsure)
    chosen = visitor.post("/?lang=nb", data={"topic": values[0], "earlier": hidden(unsure)}).text

    assert 2 <= len(values) <= 3
    topic = site.parts.brain.knowledge.topics[values[0].partition(":")[0]]
    assert f"<h3>{html.escape(topic.title(Language.EN))}</h3>" in chosen
    again = visitor.post("/?lang=nb", data={"question": "takk", "earlier": hidden(chosen)}).text
    assert f"<h3>{html.escape(topic.title(Language.EN))}</h3>" in again, "it is the same when the page is made anew"


def test_the_conversation_goes_along_and_two_misses_open_the_way_to_a_person(visitor: httpx2.Client) -> None:
    first = visitor.post("/", data={"question": "Hvordan baker jeg brød?"}).text
    second = visitor.post("/", data={"question": "Hva er hovedstaden i Peru?", "earlier": hidden(first)}).text

    assert "utenfor det jeg kan svare på" in first
    assert '<details id="write">' in first
    assert '<details id="write" open>' in second
    assert "to ganger på rad" in second
    assert hidden(second) == [":|Hvordan baker jeg brød?", ":|Hva er hovedstaden i Peru?"]


def test_another_language_keeps_the_conversation_and_what_is_half_written(visitor: httpx2.Client) -> None:
    first = visitor.post("/?lang=nb", data={"question": "Hvor lang tid tar det å få levert data?"}).text
    other = visitor.post("/?lang=en", data={"only": "language", "question": "Og hva", "earlier": hidden(first)}).text

    assert 'formaction="?lang=en#last"' in first
    assert '<html lang="en">' in other
    assert hidden(other) == hidden(first)
    assert ">Og hva</textarea>" in other


def test_a_long_conversation_forgets_its_beginning(visitor: httpx2.Client) -> None:
    page = visitor.post("/", data={"question": "takk", "earlier": [f"|spørsmål {number}" for number in range(30)]}).text

    assert hidden(page) == [f":|spørsmål {number}" for number in range(23, 30)] + [":|takk"]


def test_an_empty_question_is_no_question(visitor: httpx2.Client) -> None:
    page = visitor.post("/", data={"question": " \n "})

    assert page.status_code == 200
    assert 'class="turn"' not in page.text


@pytest.mark.parametrize(("verdict", "thanks"), [("yes", "Takk for tilbakemeldingen."), ("no", "Takk for at du sier fra.")])
def test_feedback_is_kept_and_thanked_for_where_it_was_given(web: Served, verdict: str, thanks: str) -> None:
    earlier = [":|Hvor lang tid tar det å få levert data?", ":|Hva koster det å låne mikrodata?"]
    page = httpx2.post(f"{web.base_url}/?lang=nb", data={"helped": f"{verdict}:delivery-time:0", "earlier": earlier}).text

    (event,) = events(web, "chat-feedback")
    assert event["subject"] == "delivery-time"
    assert f'"helped":{"true" if verdict == "yes" else "false"}' in event["facts"].replace(" ", "")
    first, second = page.split('<article class="turn"')[1:]
    assert thanks in first
    assert thanks not in second
    assert 'value="yes:price:1"' in second


@pytest.mark.parametrize("value", ["yes", "yes:", "yes:nothing:0", "maybe:price:0", "yes:price:x", ":::", "yes:price:999999999999"])
def test_feedback_that_makes_no_sense_breaks_nothing(visitor: httpx2.Client, value: str) -> None:
    assert visitor.post("/", data={"helped": value}).status_code == 200


# ── identity numbers and markup ───────────────────────────────────────────────────────────────────────────────


def test_an_identity_number_is_hidden_and_warned_of(visitor: httpx2.Client) -> None:
    page = visitor.post("/", data={"question": f"Jeg er {SYNTHETIC}, hva koster det?"}).text
    later = visitor.post("/", data={"question": "takk", "earlier": hidden(page)}).text

    for each in (page, later):
        assert SYNTHETIC not in each
        assert "•••••• •••••" in each
        assert "så ut til å inneholde et fødselsnummer" in each


@pytest.mark.parametrize(
    "attack",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "{% include '/etc/passwd' %}", "javascript:alert(1)"],
)
def test_what_a_visitor_writes_is_text(visitor: httpx2.Client, attack: str) -> None:
    page = visitor.post("/", data={"question": attack, "earlier": [f"|{attack}", f"{attack}:{attack}|x"], "topic": attack}).text
    fragment = visitor.post("/", data={"question": attack}, headers={"x-fragment": "1"}).text
    query = visitor.get("/", params={"lang": attack, "embed": attack, "token": attack}).text

    for each in (page, fragment, query):
        assert "<script>alert" not in each
        assert "<img src=x" not in each
        assert 'href="javascript' not in each
        assert "49" not in re.sub(r"v=\w+", "", each)


# ── what every response carries ───────────────────────────────────────────────────────────────────────────────

PATHS = [
    "/",
    "/privacy",
    "/accessibility",
    "/handover",
    "/nothing",
    "/health",
    "/static/chat.css",
    "/widget.js",
    "/api/openapi.json",
    "/api/nothing",
]


@pytest.mark.parametrize("path", PATHS)
def test_every_response_is_guarded(visitor: httpx2.Client, path: str) -> None:
    headers = visitor.get(path).headers

    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert policy["base-uri"] == policy["object-src"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers
    assert "set-cookie" not in headers


def test_refusals_of_the_outermost_layer_are_guarded_too(visitor: httpx2.Client) -> None:
    foreign = visitor.post("/", data={"question": "x"}, headers={"origin": "https://evil.example"})
    large = visitor.post("/", content=b"x" * 200_000)

    for refused, status in ((foreign, 403), (large, 413)):
        assert refused.status_code == status
        assert "content-security-policy" in refused.headers


@pytest.mark.parametrize("path", ["/", "/?lang=en", "/privacy", "/accessibility", "/handover", "/nothing"])
def test_nothing_on_a_page_is_inline_or_from_elsewhere(visitor: httpx2.Client, path: str) -> None:
    page = visitor.get(path).text

    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)
    assert not re.findall(r'(?:src|<link[^>]*href)="(?!/static/)', page)


def test_pages_are_never_kept_and_static_files_for_ever(visitor: httpx2.Client) -> None:
    page = visitor.get("/")
    addresses = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))

    assert page.headers["cache-control"] == "no-store"
    assert len(addresses) == 3
    for address in addresses:
        assert "immutable" in visitor.get(address).headers["cache-control"]
    assert "immutable" not in visitor.get("/static/chat.css").headers["cache-control"]


# ── what no request may do ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/", "/handover", "/handover/confirm", "/api/ask", "/api/feedback", "/api/handover"])
@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}])
def test_a_foreign_page_cannot_post_in_a_visitors_name(visitor: httpx2.Client, path: str, headers: dict[str, str]) -> None:
    assert visitor.post(path, data={"question": "x"}, headers=headers).status_code == 403


def test_our_own_page_can(visitor: httpx2.Client, site: Served) -> None:
    assert visitor.post("/", data={"question": "x"}, headers={"origin": site.base_url, "sec-fetch-site": "same-origin"}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "//evil.example/",
        "/\\evil.example",
        "/%2f%2fevil.example",
        "//evil.example/privacy/",
        "/chat?next=//evil.example",
        "/https://evil.example",
        "/static/..%2f..%2fwords.toml",
        "/static//etc/passwd",
        "/static/%2e%2e/__init__.py",
    ],
)
def test_no_address_leads_to_another_site_or_out_of_the_folder(visitor: httpx2.Client, site: Served, path: str) -> None:
    response = visitor.get(f"{site.base_url}{path}")

    target = response.headers.get("location", "")
    assert response.status_code in (200, 308, 404)
    assert not target or httpx2.URL(site.base_url).join(target).host == "127.0.0.1"
    assert 'href="//' not in response.text
    assert 'href="/\\' not in response.text


def test_the_old_address_of_the_chat_leads_to_it(visitor: httpx2.Client) -> None:
    moved = visitor.get("/chat?lang=en")

    assert (moved.status_code, moved.headers["location"]) == (308, "/?lang=en")


def test_a_form_with_files_or_too_many_fields_is_refused(visitor: httpx2.Client) -> None:
    files = visitor.post("/", files={"question": ("x.txt", b"hei")})
    fields = visitor.post("/", data={f"f{number}": "x" for number in range(60)})

    assert (files.status_code, fields.status_code) == (400, 400)
    assert "Forespørselen ble avvist" in files.text


def test_too_many_questions_are_told_in_the_page(web_server: ServeWith) -> None:
    with web_server(web={"chat_per_minute": 1}) as (base, _, _):
        httpx2.post(f"{base}/?lang=nn", data={"question": "takk"})
        page = httpx2.post(f"{base}/?lang=nn", data={"question": "takk"})
        fragment = httpx2.post(f"{base}/?lang=nn", data={"question": "takk"}, headers={"x-fragment": "1"})

    for refused in (page, fragment):
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert "sekund og prøv igjen" in refused.text
    assert "<html" not in fragment.text


def test_only_configured_origins_may_frame_the_chat_and_nobody_the_rest(web_server: ServeWith) -> None:
    with web_server(web={"cors": (FRIEND,)}) as (base, _, _):
        for path in ("/", "/handover", "/privacy"):
            headers = httpx2.get(f"{base}{path}").headers
            assert f"frame-ancestors 'self' {FRIEND}" in headers["content-security-policy"]
            assert "x-frame-options" not in headers
        for path in ("/handover/confirm", "/console", "/health", "/nothing"):
            assert "frame-ancestors 'none'" in httpx2.get(f"{base}{path}").headers["content-security-policy"]


def test_https_is_asked_for_where_we_are_reached_by_it(web_server: ServeWith) -> None:
    with web_server(web={"public_url": "https://bot.ssb.example"}) as (base, _, _):
        assert "max-age=31536000" in httpx2.get(f"{base}/").headers["strict-transport-security"]
        own = httpx2.post(f"{base}/", data={"question": "takk"}, headers={"origin": "https://bot.ssb.example", "host": "inside"})
        assert own.status_code == 200


def test_a_fault_tells_nothing_of_itself(web: Served, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        async def write(self, work: object) -> None:
            raise RuntimeError("the secret of the fault")

    whole, web.parts.store = web.parts.store, Broken()  # type: ignore[assignment]
    try:
        response = httpx2.post(f"{web.base_url}/", data={"helped": "yes:price:0"})
    finally:
        web.parts.store = whole

    assert response.status_code == 500
    assert "secret" not in response.text
    assert "secret" not in caplog.text


def test_the_chat_can_be_switched_off(web_server: ServeWith) -> None:
    with web_server(web={"chat": False}) as (base, _, _):
        assert httpx2.get(f"{base}/").headers["location"] == "/console"
        assert httpx2.post(f"{base}/api/ask", json={"question": "x"}).status_code == 404
        assert httpx2.get(f"{base}/widget.js").status_code == 404
        assert httpx2.get(f"{base}/privacy").status_code == 200, "linked from every automatic mail"
