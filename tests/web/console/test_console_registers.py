"""The registers in the browser: verdicts with reasons, exports, conclusions, a case's timeline and its reminder."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import openpyxl
import pytest
from playwright.async_api import Page, expect

from bot.demo import in_office_hours
from bot.pipeline import remind
from tests.web.conftest import Served
from tests.web.console.conftest import Enter
from tests.web.console.desk import arrive, ask, mail

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def entry(page: Page, reference: str, words: str = "") -> object:
    """The card of a register's entry."""
    return page.locator("article", has_text=re.compile(rf"{reference}.*{words}", re.DOTALL)).first


async def test_deletion_verdict_needs_a_reason_and_is_kept(enter: Enter, desk: Served) -> None:
    """A caseworker rejects the forged confirmation; the reason stands in the history, the case stays overdue."""
    page = await enter()
    await page.goto(f"{desk.base_url}/console/deletions?view=to-check")
    card = page.locator("article", has_text="23/456").first
    await card.get_by_role("button", name="Avvis").click()
    assert await card.locator("textarea").evaluate("field => field.validity.valueMissing"), "the browser asks for a reason"

    await card.locator("textarea").fill("Avsenderen er forfalsket.")
    await card.get_by_role("button", name="Avvis").click()

    await expect(page.get_by_role("status").first).to_have_text("Avgjørelsen er lagret.")
    rejected = page.locator("article", has_text="23/456").first
    await rejected.get_by_text("Historikk").click()
    await expect(rejected).to_contain_text("Avsenderen er forfalsket.")
    assert {row["verdict"] for row in await ask(desk.parts, lambda tx: tx.deletions()) if row["case_ref"] == "23/456"} == {"rejected"}
    await page.goto(f"{desk.base_url}/console/deletions?view=overdue")
    await expect(page.locator("tr.over")).to_contain_text("23/456")


async def test_unclear_deletion_is_confirmed_for_the_case_that_a_person_names(enter: Enter, desk: Served) -> None:
    """A confirmation without reference is tied to a case by the one who checks it; before, it cannot be confirmed."""
    words = "Hei, alle dataene i prosjektet om pendling er nå slettet, også kopier og utskrifter."
    (key,) = await arrive(desk.parts, mail("Bekreftelse på sletting", words, "Siri Aas <siri.aas@fhi.example>"))
    number = next(row["id"] for row in await ask(desk.parts, lambda tx: tx.deletions()) if row["mail_key"] == key)
    page = await enter()
    await page.goto(f"{desk.base_url}/console/deletions?view=to-check")
    form = page.locator(f'form[action="/console/deletions/{number}/verdict"]')
    await form.locator("textarea").fill("Ringt og bekreftet.")
    await form.get_by_role("button", name="Bekreft").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Det gikk ikke")

    await page.goto(f"{desk.base_url}/console/deletions?view=to-check")
    await form.locator('input[name="case"]').fill("25/3022")
    await form.locator("textarea").fill("Ringt og bekreftet.")
    await form.get_by_role("button", name="Bekreft").click()

    row = next(row for row in await ask(desk.parts, lambda tx: tx.deletions()) if row["id"] == number)
    assert (row["case_ref"], row["verdict"], row["concluded_by"]) == ("25/3022", "confirmed", "caseworker")


async def test_export_opens_safely_in_a_spreadsheet(enter: Enter, desk: Served, tmp_path: Path) -> None:
    """CSV and xlsx hold the same rows; a sentence that looks like a formula is text."""
    sentence = '=HYPERLINK("https://evil.example") alle data i sak 24/1187 er slettet.'
    await arrive(desk.parts, mail("Sletting i sak 24/1187", f"{sentence}\n", proven=None))
    page = await enter()
    await page.goto(f"{desk.base_url}/console/deletions")
    files = {}
    for name in ("CSV", "Excel (xlsx)"):
        async with page.expect_download() as waiting:
            await page.get_by_role("link", name=name).click()
        download = await waiting.value
        files[name] = tmp_path / download.suggested_filename
        await download.save_as(files[name])

    rows = list(csv.DictReader(io.StringIO(files["CSV"].read_text("utf-8-sig"))))
    cells = [cell for row in openpyxl.load_workbook(files["Excel (xlsx)"]).active.iter_rows() for cell in row]
    assert len(rows) == len(await ask(desk.parts, lambda tx: tx.deletions()))
    assert not [value for row in rows for value in row.values() if value.startswith(("=", "+", "-", "@"))]
    assert any(value.startswith("'=HYPERLINK") for row in rows for value in row.values())
    assert {cell.data_type for cell in cells if cell.value is not None} == {"s"}
    assert (await ask(desk.parts, lambda tx: tx.last_events(1)))[0]["kind"] == "register-exported"


async def test_offer_shows_what_the_signature_says_and_is_concluded(enter: Enter, desk: Served) -> None:
    """The offer that was changed after signing says so in words; the valid one is accepted by a person."""
    page = await enter()
    await page.goto(f"{desk.base_url}/console/offers")
    changed = page.locator("article", has_text="tilbod-25-3022").first
    await expect(changed).to_contain_text("Signert innhold er endret")
    valid = page.locator("article", has_text="tilbod-25-3021").first
    await expect(valid).to_contain_text("Utstederen er kjent og godkjent")
    await expect(valid).to_contain_text("Signatur: Anne Grimstveit")

    await valid.get_by_label("Konklusjon").select_option("accepted")
    await valid.get_by_role("button", name="Lagre").click()

    await expect(page.locator("article")).to_contain_text("25/3021")
    states = {row["case_ref"]: row["state"] for row in await ask(desk.parts, lambda tx: tx.offers())}
    assert states["25/3021"] == "accepted" and states["25/3022"] == "received"


async def test_application_is_tied_to_the_archives_reference(enter: Enter, desk: Served) -> None:
    """A provisional number gets the case that the archive gave; what was not found is said."""
    page = await enter()
    await page.goto(f"{desk.base_url}/console/applications")
    card = page.locator("article", has_text=re.compile(r"M-\d{4}-0001"))  # other tests' mails may have brought others
    await expect(card.locator("li.missing", has_text="DPIA")).to_be_visible()
    await card.get_by_label("Saksreferanse").fill("99/9999")
    await card.get_by_role("button", name="Lagre").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Det gikk ikke")

    await page.go_back()
    await card.get_by_label("Saksreferanse").fill("24/1187")
    await card.get_by_label("Konklusjon").select_option("incomplete")
    await card.get_by_role("button", name="Lagre").click()

    await expect(card.locator("h3")).to_have_text(re.compile(r"M-\d{4}-0001 → 24/1187"))


async def test_case_tells_its_story_and_sends_its_reminder(enter: Enter, desk: Served) -> None:
    """Dates, mails and deadlines in one line; the overdue reminder is edited, approved, and taken back within the half minute."""
    await remind(replace(desk.parts, clock=partial(in_office_hours, desk.parts.clock())))
    page = await enter()
    await page.goto(f"{desk.base_url}/console/cases?q=utdanningsl")
    await page.get_by_role("link", name="23/456").click()
    await expect(page.locator(".timeline li.over")).to_contain_text("Slettefrist")
    await expect(page.locator(".timeline")).to_contain_text("Sletting registrert ola.hansen@ntnu.example")

    draft = page.locator("form.draft").first
    await draft.locator("textarea").fill("Hei, har dere slettet?")
    await draft.get_by_role("button", name="Godkjenn og send").click()
    await expect(page.get_by_role("status").first).to_contain_text("30 sekunder")
    waiting = [row for row in await ask(desk.parts, lambda tx: tx.outgoing_of_case("23/456")) if row["kind"] == "person"]
    assert [row["state"] for row in waiting] == ["waiting"]
    assert b"har dere slettet" in await ask(desk.parts, lambda tx: tx.outgoing_content(waiting[0]["message_id"]))

    await page.get_by_role("button", name="Angre sendingen").click()
    await expect(page.locator("form.draft textarea").first).to_have_value("Hei, har dere slettet?\n")


async def test_cases_are_found_by_words_and_state(enter: Enter, desk: Served) -> None:
    """Search looks in reference, title, institution and contacts; what is past a deadline comes first."""
    page = await enter("reader")
    await page.goto(f"{desk.base_url}/console/cases")
    assert await page.locator("tbody th").first.inner_text() == "23/456"
    for words, found in (("anne.grimstveit", ["25/3022", "25/3021"]), ("ntnu distriktene", ["24/1187"]), ("finnes ikke", [])):
        await page.fill("#q", words)
        await page.get_by_role("button", name="Søk").click()
        await expect(page.locator("tbody th")).to_have_text(found)
    await page.goto(f"{desk.base_url}/console/cases?state=delivered")
    assert set(await page.locator("tbody th").all_inner_texts()) == {"24/1187", "23/456"}
