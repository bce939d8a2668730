"""The knowledge pages: edits behind the gate, a way back, lessons from corrections, open questions, the box to try."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from bot import understanding
from bot.knowledge import BUILT_IN, Knowledge, load, read_topic, topic_file, topic_text
from bot.model import Language
from bot.understanding import Model
from bot.understanding.grouping import group
from tests.web.conftest import Served
from tests.web.console.conftest import Enter
from tests.web.console.desk import arrive, ask, hire, learner, mail, path_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHANGES = "/console/knowledge/changes"


@pytest_asyncio.fixture(loop_scope="session")
async def studio(web: Served) -> AsyncIterator[Served]:
    """A console of its own, whose knowledge a test may change."""
    await hire(web.parts, "caseworker", "reader")
    yield web
    await web.parts.examiner.end()


async def edited(page: Page, base_url: str, topic: str, answer: str) -> None:
    """Write another answer in bokmål and ask for it to be tried."""
    await page.goto(f"{base_url}/console/knowledge/topics/{topic}")
    await page.fill("#a-nb", answer)
    await page.get_by_role("button", name="Prøv og ta i bruk").click()


# ── pure ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_every_entry_survives_being_written() -> None:
    """What the console writes of an entry is what it read, for all that ship, and for text that TOML would stumble on."""
    for path in sorted((BUILT_IN / "topics").glob("*.toml")):
        topic = read_topic(path.stem, path.read_text(encoding="utf-8"))
        again = read_topic(path.stem, topic_text(topic))
        assert again == topic, path.stem
    nasty = 'He said """no\\" \\u0041 \\\\ and "\ttab\x00\x1b'
    odd = replace(topic, answers={**topic.answers, Language.NB: nasty}, questions={**topic.questions, Language.NB: ('a "b" \\ c',)})
    again = read_topic(odd.id, topic_text(odd))
    assert again.answers[Language.NB] == nasty.replace("\x00", "").replace("\x1b", "")
    assert again.questions[Language.NB] == ('a "b" \\ c',)


@pytest.mark.parametrize("name", ["../evil", "Price", "a/b", "", "a--b", "x" * 61, "æ", "a.toml"])
async def test_a_name_that_is_no_id_gives_no_file(name: str) -> None:
    """Nothing is written outside the folder of entries."""
    with pytest.raises(ValueError, match="an id has"):
        topic_file(name)


async def test_like_questions_stand_together(knowledge: Knowledge) -> None:
    """Three ways to ask for one thing make the largest group; what is like nothing stands alone."""
    texts = [
        "Hva heter variabelen for antall rom i boligen?",
        "Kan jeg få data sendt på USB-minne?",
        "Hvilken variabel viser antall rom i en bolig?",
        "Finnes det en variabel for rom i boligen før 1980?",
    ]
    groups = group(texts, knowledge.words)
    assert set(groups[0].members) == {0, 2, 3} and groups[1].members == (1,)
    assert group([], knowledge.words) == []


# ── in the browser ────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_edit_is_tried_goes_live_and_is_taken_back(enter: Enter, studio: Served, model: Model) -> None:
    """While it is tried the old answer stands; then the chat gives the new one; one click gives the old one back."""
    gate = threading.Event()
    studio.parts.learn = learner(model, wait=gate)
    before, old = studio.parts.brain.knowledge.version, studio.parts.brain.knowledge.topics["price"].answer(Language.NB)
    page = await enter(served=studio)
    await edited(page, studio.base_url, "price", "Prøvesvar om pris.")
    await expect(page.locator(".change .tag")).to_have_text("Prøves")
    assert studio.parts.brain.knowledge.topics["price"].answer(Language.NB) == old
    gate.set()
    await expect(page.locator(".change .tag")).to_have_text("I bruk")  # the page finds out by itself
    assert studio.parts.brain.knowledge.topics["price"].answer(Language.NB) == "Prøvesvar om pris."
    assert studio.parts.reload_wanted.is_set(), "the second process is given it too"
    assert "Prøvesvar om pris." in (studio.settings.service.data / "knowledge" / "topics" / "price.toml").read_text("utf-8")
    assert (await ask(studio.parts, lambda tx: tx.last_event("knowledge-changed")))["actor"] == "caseworker"

    await page.get_by_role("button", name="Gå tilbake").click()
    await expect(page.locator(".change .tag").first).to_have_text("I bruk")
    await expect(page.locator(".change .tag").nth(1)).to_have_text("Tatt tilbake")
    assert studio.parts.brain.knowledge.version == before, "nothing is left of the edit"


async def test_an_edit_that_makes_it_worse_does_not_go_live(enter: Enter, studio: Served, model: Model) -> None:
    """The gate refuses and says what would fall; the knowledge is as it was, on the disk too."""
    studio.parts.learn = learner(model, coverage=-0.2)
    page = await enter(served=studio)
    await edited(page, studio.base_url, "price", "Et svar som ødelegger.")
    await expect(page.locator(".change")).to_contain_text("Ikke tatt i bruk")
    await expect(page.locator(".change")).to_contain_text("coverage on the evaluation sets would fall")
    assert "ødelegger" not in studio.parts.brain.knowledge.topics["price"].answer(Language.NB)
    assert not (studio.settings.service.data / "knowledge" / "topics" / "price.toml").exists()


async def test_an_edit_with_faults_is_not_even_tried(enter: Enter, studio: Served) -> None:
    """A twin of another entry's question is named at once, and what was written is still in the form."""
    twin = studio.parts.brain.knowledge.topics["tsd"].questions[Language.NB][0]
    page = await enter(served=studio)
    await page.goto(f"{studio.base_url}/console/knowledge/topics/price")
    await page.locator("summary").first.click()
    await page.fill("#q-nb", f"{await page.input_value('#q-nb')}\n{twin}")
    await page.get_by_role("button", name="Prøv og ta i bruk").click()
    await expect(page.get_by_role("alert")).to_contain_text(twin)
    assert twin in await page.input_value("#q-nb")
    assert await ask(studio.parts, lambda tx: tx.changes(5)) == []


async def test_a_new_entry_is_written(enter: Enter, studio: Served, model: Model) -> None:
    """A new entry needs an id of its own and every language; then it is in the list."""
    studio.parts.learn = learner(model)
    page = await enter(served=studio)
    await page.goto(f"{studio.base_url}/console/knowledge/new")
    for field, text in (("#id", "price"), ("#source", "https://www.ssb.no/x")):
        await page.fill(field, text)
    for language in Language:
        await page.fill(f"#t-{language}", f"Romtall {language}")
        await page.fill(f"#a-{language}", f"Svar {language}")
        await page.fill(f"#q-{language}", f"kvantumflomme {language}\nsirupsmåling {language}")
    await page.get_by_role("button", name="Prøv og ta i bruk").click()
    await expect(page.get_by_role("alert")).to_contain_text("Det finnes alt en artikkel")
    await page.fill("#id", "room-numbers")
    await page.get_by_role("button", name="Prøv og ta i bruk").click()
    await expect(page.locator(".change .tag")).to_have_text("I bruk")
    await page.goto(f"{studio.base_url}/console/knowledge")
    await page.get_by_role("link", name="Romtall nb").click()
    await expect(page.locator("#a-en")).to_have_value("Svar en\n".strip())


async def test_corrections_are_learned_and_unlearned(enter: Enter, studio: Served, model: Model) -> None:
    """What a person set right in an item waits to be learned, is learned behind the gate, and goes again on one click."""
    studio.parts.learn = learner(model)
    text = "Hei, finnes det opplysninger om antall rom i boligen før 1980, og hvilken koding er brukt?"
    key, _ = await arrive(studio.parts, mail("Variabel", text), mail("Annet", "Hei, kan dere komme og holde foredrag?"))
    page = await enter(served=studio)
    await page.goto(studio.base_url + path_of(key))
    await page.locator("#c-topic").select_option("price-variable-lists")
    await page.get_by_role("button", name="Lagre: Tema").click()
    await expect(page.get_by_role("status").first).to_have_text("Rettelsen er lagret.")

    await page.goto(studio.base_url + CHANGES)
    await page.get_by_role("button", name="Lær av rettelsene").click()
    await expect(page.locator(".change .tag")).to_have_text("I bruk")
    learned = studio.settings.service.data / "knowledge" / "learned" / "corrections.jsonl"
    assert "antall rom" in learned.read_text("utf-8")
    assert any("antall rom" in each for each in studio.parts.brain.knowledge.topics["price-variable-lists"].questions[Language.NB])
    assert await page.get_by_role("button", name="Lær av rettelsene").count() == 0, "nothing is learned twice"

    await page.get_by_role("button", name="Gå tilbake").click()
    await expect(page.locator(".change .tag").nth(1)).to_have_text("Tatt tilbake")
    assert not learned.exists()


async def test_open_questions_show_what_to_write_next(enter: Enter, desk: Served) -> None:
    """Questions without an answer are grouped, with a link to each mail and the entry that came nearest."""
    texts = (
        "Hei, finnes det opplysninger om antall rom i boligen etter 1990, og hvilken koding er brukt?",
        "Hallo, er det opplysninger om antall rom i boligen, og hvilken koding har de?",
    )
    await arrive(desk.parts, *(mail("Variabel", text, f"Siri {number} <siri{number}@fhi.example>") for number, text in enumerate(texts)))
    page = await enter("reader")
    await page.goto(f"{desk.base_url}/console/knowledge/unanswered")
    largest = page.locator("article").first
    assert int(await largest.locator(".badge").inner_text()) >= 2
    await largest.locator("summary").click()
    await largest.locator("li a").first.click()
    await expect(page.locator(".mail-text").first).to_contain_text("antall rom")


async def test_try_box_says_what_it_would_do_and_why(enter: Enter, desk: Served) -> None:
    """An answer with its nearest examples and the threshold; an identity number is masked; nonsense is not answered."""
    page = await enter("reader")
    await page.goto(f"{desk.base_url}/console/knowledge/try")
    await page.fill("#question", "Hvem kan signere på tilbudet? Fødselsnummeret mitt er 15819010029.")
    await page.get_by_role("button", name="Spør").click()
    await expect(page.get_by_role("heading", name="Hvorfor")).to_be_visible()
    assert "15819010029" not in await page.content()
    await page.fill("#question", "Hvem kan signere på tilbudet?")
    await page.get_by_role("button", name="Spør").click()
    await expect(page.get_by_role("heading", name="Assistenten ville svart")).to_be_visible()
    await expect(page.locator(".near li.for").first).to_contain_text("Talte for")
    assert "question" not in page.url, "what is typed stands in no address"
    await page.fill("#question", "Hva er klokka på Mars i morgen?")
    await page.get_by_role("button", name="Spør").click()
    await expect(page.get_by_role("heading", name="Assistenten ville ikke svart")).to_be_visible()


@pytest.mark.long
async def test_an_edit_is_learned_for_real(enter: Enter, studio: Served) -> None:
    """With the real trainer: the new model is measured, kept in the cache, and answers with the new text."""
    page = await enter(served=studio)
    page.set_default_timeout(300_000)
    await edited(page, studio.base_url, "price", "Vi har skrevet dette svaret på nytt. Prisen avhenger av oppdraget.")
    await expect(page.locator(".change .tag")).to_have_text("I bruk", timeout=300_000)
    brain = studio.parts.brain
    assert brain.model.assurance.version == brain.knowledge.version != load().version
    asked = understanding.ask("Hva koster det å få tilgang til mikrodata?", brain.model)
    assert asked.faq != "price" or "skrevet dette svaret på nytt" in asked.answer
