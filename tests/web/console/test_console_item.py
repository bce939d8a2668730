"""A mail in the console: the caseworker's path, what is shown safely, what is locked, what goes out, and who else is here."""

from __future__ import annotations

import email
import email.policy
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from bot.pipeline import deliver_waiting
from tests.web.conftest import Served, ServeWith
from tests.web.console.conftest import Enter
from tests.web.console.desk import arrive, ask, hire, learner, mail, path_of, surely_asked

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVIL = "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">"


@pytest_asyncio.fixture(loop_scope="session")
async def drafting(web_server: ServeWith) -> AsyncIterator[Served]:
    """A console of a service that drafts its answers."""
    with web_server(service={"mode": "suggest"}) as served:
        served.parts.learn = learner(served.parts.brain.model)
        await hire(served.parts, "caseworker", "caseworker-2", "lead")
        yield served
        await served.parts.examiner.end()


async def sent(served: Served, after: timedelta = timedelta(seconds=31)) -> list[EmailMessage]:
    """What people wrote and left when so much time has passed, as it lies in the Maildir."""
    later = replace(served.parts, clock=lambda: served.parts.clock() + after)
    while await deliver_waiting(later):
        pass
    folder = Path(served.settings.service.data) / "outgoing" / "new"
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    mails = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in files]
    return [each for each in mails if isinstance(each, EmailMessage) and each["Auto-Submitted"] is None]


# ── the caseworker's path ─────────────────────────────────────────────────────────────────────────────────────


async def test_from_log_in_to_a_reply_that_left(enter: Enter, drafting: Served) -> None:
    """See why, correct, edit and approve the draft, take it back, approve again: the mail leaves in its thread as a person's."""
    content = mail("Hvem kan signere?", surely_asked(drafting.parts.brain.model))
    (key,) = await arrive(drafting.parts, content)
    page = await enter(served=drafting)
    await expect(page.locator(".row").first).to_contain_text("Utkast klart")
    await page.get_by_role("link", name="Hvem kan signere?").click()

    why = page.locator(".why")
    await expect(why).to_contain_text("Hvem som kan signere tilbudet")
    await expect(why).to_contain_text("over grensen")
    await expect(why).to_contain_text("Kategorien er satt til å foreslå")
    await why.evaluate("(card) => card.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    await expect(why.locator(".near li.for").first).to_be_visible()
    await expect(why).to_contain_text(f"knowledge {drafting.parts.brain.knowledge.version}")

    await page.locator("#c-topic").select_option("offer-acceptance")
    await page.get_by_role("button", name="Lagre: Tema").click()
    await expect(page.get_by_role("status").first).to_have_text("Rettelsen er lagret.")
    await expect(page.locator(".why")).to_contain_text("who-can-sign → offer-acceptance")
    lessons = await ask(drafting.parts, lambda tx: tx.corrections())
    assert len(lessons) == 1 and '"faq": "offer-acceptance"' in lessons[0]

    draft = page.locator("form.draft")
    await draft.locator("textarea").fill("Hei Kari,\n\ndet er den som har fullmakt hos dere.\n\nHilsen Per")
    await draft.get_by_role("button", name="Godkjenn og send").click()
    await expect(page.get_by_role("status").first).to_contain_text("angre")
    await page.locator(".letter", has_text="Svar fra saksbehandler").get_by_role("button", name="Angre sendingen").click()
    await expect(page.locator("form.draft textarea")).to_have_value("Hei Kari,\n\ndet er den som har fullmakt hos dere.\n\nHilsen Per\n")
    assert not [each for each in await sent(drafting) if each["To"] == "kari.lund@uib.example"], "what was taken back does not leave"

    await page.get_by_role("button", name="Godkjenn og send").click()
    await page.get_by_role("button", name="Merk som ferdig", exact=True).click()
    (reply,) = [each for each in await sent(drafting) if each["To"] == "kari.lund@uib.example"]
    body = reply.get_body(("plain",))
    assert body is not None and "den som har fullmakt" in body.get_content()
    original = email.message_from_bytes(content)
    assert reply["In-Reply-To"] == original["Message-ID"] and reply["Subject"] == "Re: Hvem kan signere?"
    assert reply["Auto-Submitted"] is None and reply["X-Auto-Response-Suppress"] is None, "a person wrote it"
    assert (await ask(drafting.parts, lambda tx: tx.desk_mail(key)))["done_by"] == "caseworker"
    kinds = [event["kind"] for event in await ask(drafting.parts, lambda tx: tx.events_of(key))]
    assert kinds[-1] == "done" and "corrected" in kinds


async def test_two_people_on_one_mail_see_each_other(enter: Enter, drafting: Served) -> None:
    """At once when the page opens, and without loading it again when somebody comes later."""
    (key,) = await arrive(drafting.parts, mail("Sammen", "Hei, kan dere ringe meg om noe annet?"))
    first = await enter("caseworker", served=drafting)
    await first.clock.install()
    await first.goto(drafting.base_url + path_of(key))
    await expect(first.locator(".others")).to_be_hidden()
    second = await enter("caseworker-2", served=drafting)
    await second.goto(drafting.base_url + path_of(key))
    await expect(second.locator(".others")).to_contain_text("caseworker")
    await first.clock.fast_forward(21_000)
    await expect(first.locator(".others")).to_contain_text("caseworker-2")


async def test_counts_are_live(enter: Enter, drafting: Served) -> None:
    """A mail that comes in while the queue is open is counted without loading the page."""
    page = await enter(served=drafting)
    await page.clock.install()
    await page.goto(f"{drafting.base_url}/console")
    before = int(await page.locator(".badge").inner_text())
    await arrive(drafting.parts, mail("Ny", "Hei, jeg har et helt annet spørsmål om kantiner."))
    await page.clock.fast_forward(16_000)
    await expect(page.locator(".badge")).to_have_text(str(before + 1))


async def test_what_the_assistant_did_is_undone(enter: Enter, desk: Served) -> None:
    """An automatic answer that has not left is stopped; the mail goes back into the queue, assigned, with a note of a call."""
    (key,) = await arrive(desk.parts, mail("Signatur", surely_asked(desk.parts.brain.model), "Ada Vik <ada.vik@uib.example>"))
    page = await enter()
    await page.goto(desk.base_url + path_of(key))
    await expect(page.get_by_role("region", name="Behandling")).to_contain_text("Trenger ikke et menneske")
    await page.get_by_role("button", name="Angre sendingen").click()
    await expect(page.get_by_role("status").first).to_have_text("Forkastet.")
    assert [row["state"] for row in await ask(desk.parts, lambda tx: tx.outgoing_of(key))] == ["discarded"]
    await page.get_by_role("button", name="Legg tilbake i køen").click()
    await page.get_by_role("button", name="Ta den selv").click()
    await page.fill("#note", "Ringte Ada.")
    await page.get_by_label("Notatet er om en telefonsamtale").check()
    await page.get_by_role("button", name="Lagre notatet").click()
    await expect(page.locator(".notes .tag")).to_have_text("Telefon")
    row = await ask(desk.parts, lambda tx: tx.desk_mail(key))
    assert (row["needs_person"], row["assigned"]) == (1, "caseworker")


async def test_the_queue_is_searched_and_filtered(enter: Enter, desk: Served) -> None:
    """Words of body, sender and file name, beginnings of words, a case reference; a filter is in the address and can be cleared."""
    await arrive(
        desk.parts, mail("Vedlagt", "Hei, se på kryptofyttene.", "Bo Å <bo@uia.example>", files={"kodebok-2019.csv": b"a;b\n1;2\n"})
    )
    page = await enter("reader")
    for words in ("kryptofytt", "bo@uia.example", "kodebok-2019", 'vedlagt "kryptofyttene"'):
        await page.goto(f"{desk.base_url}/console")
        await page.fill("#q", words)
        await page.get_by_role("button", name="Søk").click()
        await expect(page.locator(".row-link")).to_have_text(["Vedlagt"])
    await page.goto(f"{desk.base_url}/console?q=25%2F3021")
    await expect(page.locator(".row")).to_contain_text(["25/3021"])
    await page.goto(f"{desk.base_url}/console?show=all&category=application")
    assert set(await page.locator(".row .category").all_inner_texts()) == {"Søknad"}
    await page.get_by_role("link", name="Nullstill").click()
    assert page.url.endswith("/console")


async def test_the_most_urgent_comes_first(enter: Enter, drafting: Served) -> None:
    """An access request stands above a deadline, which stands above what only waits."""
    now = drafting.parts.clock()
    case = {"title": "Frist", "state": "delivered", "deletion_due": now.date() + timedelta(days=3), "contacts": ("kari.lund@uib.example",)}
    await drafting.parts.store.write(lambda tx: tx.upsert_cases([("26/77", case)], now))
    await arrive(
        drafting.parts,
        mail("Bare noe", "Hei, kan dere hjelpe meg med noe helt annet enn vanlig?"),
        mail("Sak 26/77", "Hei, i sak 26/77 mangler det en fil i leveransen. Kan dere sende den på nytt?"),
        mail("Innsyn", "Hei, jeg ber om innsyn i alle dokumenter i saken om utlån av data, jf. offentleglova.", "Presse <p@avis.example>"),
    )
    page = await enter(served=drafting)
    assert await page.locator(".row-link").all_inner_texts() == ["Innsyn", "Sak 26/77", "Bare noe"]


# ── safety ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_nothing_of_a_mail_runs_or_loads(enter: Enter, desk: Served) -> None:
    """Scripts in subject, names, file names, bodies and HTML are text; the HTML part loads nothing and links nowhere (XSS)."""
    html = f"""<html><head><base href="https://evil.example/"><style>body{{background:url(https://evil.example/x)}}</style>
        <meta http-equiv="refresh" content="0;url=https://evil.example"></head><body onload="document.title='pwned'">{EVIL}
        <a href="javascript:alert(1)">klikk</a><form action="https://evil.example"><input name="csrf"><button>OK</button></form>
        <iframe src="https://evil.example"></iframe><svg><script>alert(1)</script></svg><table background="https://evil.example/t">
        <tr><td style="position:fixed">celle</td></tr></table><p>Trygg tekst</p></body></html>"""
    content = mail(f"Farlig {EVIL}", f"Hei {EVIL}\n", f'"{EVIL.replace(chr(34), chr(39))}" <x@uib.example>', html=html,
                   files={f"{EVIL}.csv": b"a\n"})  # fmt: skip
    (key,) = await arrive(desk.parts, content)
    page = await enter("lead")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: asked.append(f"dialog {dialog.message}"))
    for address in ("/console", "/console?q=farlig", path_of(key), f"/console?assigned={EVIL}&q={EVIL}"):
        await page.goto(desk.base_url + address)
        assert await page.title() != "pwned"
    await page.goto(desk.base_url + path_of(key))
    await page.get_by_text("Vis HTML-utgaven").click()
    frame = page.frame_locator("iframe.mail-frame")
    await expect(frame.locator("body")).to_contain_text("Trygg tekst")
    assert (
        await frame.locator("script, a, img, form, input, iframe, svg, style, meta[http-equiv], base, link, [style], [onload]").count() == 0
    )
    assert await page.locator("iframe.mail-frame").get_attribute("sandbox") == ""
    await page.fill("#note", EVIL)
    await page.get_by_role("button", name="Lagre notatet").click()
    await expect(page.locator(".notes")).to_contain_text("<script>")
    assert await page.title() != "pwned"
    foreign = [url for url in asked if not url.startswith((desk.base_url, "about:"))]
    assert not foreign, foreign


async def test_files_are_fetched_or_locked(enter: Enter, desk: Served) -> None:
    """A table is saved, never shown; a program is locked and stays so for whoever knows the address."""
    content = mail("Filer", "Hei, her er filene.", files={'li"ste\u202e.csv': b"a;b\n1;2\n", "oppsett.exe": b"MZ\x90\x00" + b"\0" * 400})
    (key,) = await arrive(desk.parts, content)
    page = await enter("caseworker")
    await page.goto(desk.base_url + path_of(key))
    if await page.get_by_role("button", name="Vis innholdet").count():
        await page.get_by_role("button", name="Vis innholdet").click()
    await expect(page.locator(".files li", has_text="oppsett.exe")).to_contain_text("Låst")
    jar = {cookie["name"]: cookie["value"] for cookie in await page.context.cookies()}
    async with httpx2.AsyncClient(
        base_url=desk.base_url, timeout=60, headers={"Cookie": "; ".join(f"{k}={v}" for k, v in jar.items())}
    ) as client:
        locked = await client.get(f"{path_of(key)}/files/1")
        assert locked.status_code == 403 and b"MZ" not in locked.content
        fetched = await client.get(f"{path_of(key)}/files/0")
    if fetched.status_code == 200:
        assert fetched.content == b"a;b\n1;2\n"
        assert fetched.headers["content-disposition"].startswith("attachment; filename=")
        assert fetched.headers["content-type"] == "application/octet-stream" and "sandbox" in fetched.headers["content-security-policy"]
    else:
        assert fetched.status_code == 403


async def test_protected_mail_is_opened_by_name(enter: Enter, desk: Served) -> None:
    """A mail with an identity number is hidden everywhere until a caseworker opens it, which the audit log remembers."""
    (key,) = await arrive(desk.parts, mail("Hemmelig tittel", "Hei, jeg heter Kari og har fødselsnummer 15819010029."))
    reader = await enter("reader")
    for address in ("/console?show=all", "/console?q=hemmelig", path_of(key)):
        await reader.goto(desk.base_url + address)
        assert "15819010029" not in await reader.content() and "Hemmelig tittel" not in await reader.locator("main").inner_text()
    assert await reader.get_by_role("button", name="Vis innholdet").count() == 0
    page = await enter("caseworker")
    await page.goto(desk.base_url + path_of(key))
    await page.get_by_role("button", name="Vis innholdet").click()
    await expect(page.locator(".mail-text").first).to_contain_text("jeg heter Kari")
    assert "15819010029" not in await page.content(), "the number itself is masked even then"
    last = (await ask(desk.parts, lambda tx: tx.events_of(key)))[-1]
    assert (last["kind"], last["actor"]) == ("restricted-opened", "caseworker")


async def test_a_reply_cannot_carry_headers(enter: Enter, drafting: Served) -> None:
    """Line breaks in a subject become blanks: no further recipient, no further header (CWE-93)."""
    (key,) = await arrive(drafting.parts, mail("Vanlig", "Hei, kan dere svare meg om noe helt annet?", "Per <per@uib.example>"))
    page = await enter(served=drafting)
    await page.goto(drafting.base_url + path_of(key))
    await page.evaluate("""() => { const field = document.querySelector("#r-subject"); const area = document.createElement("textarea");
        area.name = "subject"; area.value = "Svar\\r\\nBcc: evil@evil.example\\r\\n\\r\\nkropp"; field.replaceWith(area); }""")
    await page.fill("#r-text", "Hei Per")
    await page.get_by_role("button", name="Send og merk som ferdig").click()
    await expect(page.get_by_role("status").first).to_contain_text("30 sekunder")
    (reply,) = [each for each in await sent(drafting) if each["To"] == "per@uib.example"]
    assert reply["Bcc"] is None and reply["Subject"] == "Svar Bcc: evil@evil.example kropp"


async def test_two_who_approve_the_same_draft_send_it_once(enter: Enter, drafting: Served) -> None:
    """The second one is told that it is too late."""
    (key,) = await arrive(drafting.parts, mail("Dobbelt", surely_asked(drafting.parts.brain.model), "Tor <tor@uib.example>"))
    pages: list[Page] = [await enter(name, served=drafting) for name in ("caseworker", "caseworker-2")]
    for page in pages:
        await page.goto(drafting.base_url + path_of(key))
    for page in pages:
        await page.get_by_role("button", name="Godkjenn og send").click()
    await expect(pages[1].get_by_role("heading", level=1)).to_have_text("Det gikk ikke")
    assert len([each for each in await sent(drafting) if each["To"] == "tor@uib.example"]) == 1
