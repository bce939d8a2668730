"""Which case a mail belongs to, from raw mail to register: known reference, thread, reply to a forward; all else is a suggestion."""

from __future__ import annotations

from typing import Any

import pytest

from tests.letters import MONDAY, SERVICE, letter
from tests.mailroom import UIO, WORKER, Mailroom, later

CASE = ("24/1187", {**UIO, "serial_numbers": ("w24_0001",)})
NTNU = (
    "24/2001",
    {**UIO, "title": "Utdanningsløp", "institution": "NTNU", "domains": ("ntnu.example",), "contacts": ("ola@ntnu.example",)},
)
ASKS = "Hei, i leveransen mangler filen for 2019. Kan dere sende den på nytt?"


async def tied(room: Mailroom, key: str) -> tuple[str, str]:
    """(case, suggested case) of a mail."""
    row = await room.read(lambda tx: tx.desk_mail(key))
    return row["case_ref"], row["suggested_ref"]


async def forwards(room: Mailroom) -> list[str]:
    """To whom mails were sent on."""
    return [row["recipient"] for row in await room.outbox() if row["kind"] == "forward"]


async def test_a_known_reference(room: Mailroom) -> None:
    """In any of the forms that people write it; the mail goes to the case's caseworker."""
    await room.register(CASE, NTNU)
    for number, written in enumerate(("24/1187", "2024/01187-3", "24/1187–2", "SSB 2024/1187")):
        key = await room.take(letter(subject=f"Sak {written}", text=f"{ASKS} {number}"))
        assert await tied(room, key) == ("24/1187", "")
    assert set(await forwards(room)) == {WORKER}


async def test_a_thread(room: Mailroom) -> None:
    """A mail without a number in the thread of one that had it, and one that answers our own receipt."""
    await room.register(CASE, NTNU)
    await room.take(letter(subject="Sak 24/1187", text=ASKS, identifier="<one@uio.example>"))
    receipt = next(row["message_id"] for row in await room.outbox() if row["kind"] == "receipt")
    for thread in (("<one@uio.example>",), (receipt,), ("<one@uio.example>", receipt)):
        key = await room.take(letter(subject="Sv: Sak", text=f"Har dere fått sett på dette? {thread}", answers=thread))
        assert await tied(room, key) == ("24/1187", "") and "case-by-thread" in await room.reasons(key)


async def test_a_reply_to_a_forward(room: Mailroom) -> None:
    """The caseworker answers the researcher from the forward; the researcher answers that: both are in the case, and the first is done."""
    await room.register(CASE)
    first = await room.take(letter(subject="Sak 24/1187", text=ASKS))
    forward = next(row["message_id"] for row in await room.outbox() if row["kind"] == "forward")
    written = await room.written(forward)
    assert set(str(written["Reply-To"]).split(", ")) == {"kari@uio.example", SERVICE}

    answer = letter(
        "Sv: Sak",
        "Hei Kari, filen kommer i morgen.",
        f"Eva Berg <{WORKER}>",
        to=written["Reply-To"],
        answers=(forward,),
        identifier="<eva@ssb.example>",
    )
    key = await room.take(answer)
    assert await tied(room, key) == ("24/1187", "") and not [row for row in await room.outbox() if row["mail_key"] == key]
    done = await room.read(lambda tx: tx.desk_mail(first))
    assert done["done_by"] == WORKER
    back = await room.take(letter(subject="Sv: Sak", text="Tusen takk, men nå mangler 2020 også.", answers=(forward, "<eva@ssb.example>")))
    assert await tied(room, back) == ("24/1187", "")


@pytest.mark.parametrize(
    "parts", [{"proven": False}, {"proven": None}, {"sender": "Eva <eva@ssb-post.example>"}, {"to": SERVICE}], ids=["forged", "unproven", "look-alike", "not to her"]
)  # fmt: skip
async def test_nobody_else_can_finish_a_mail(room: Mailroom, parts: dict[str, Any]) -> None:
    """A forged colleague, or one who did not write to the researcher, finishes nothing."""
    await room.register(CASE)
    first = await room.take(letter(subject="Sak 24/1187", text=ASKS))
    forward = next(row["message_id"] for row in await room.outbox() if row["kind"] == "forward")
    values = {"sender": f"Eva Berg <{WORKER}>", "to": f"kari@uio.example, {SERVICE}", **parts}
    await room.take(letter(subject="Sv: Sak", text="Ferdig.", answers=(forward,), **values))
    assert (await room.read(lambda tx: tx.desk_mail(first)))["done_at"] is None


async def test_the_only_open_case_of_the_sender_is_suggested(room: Mailroom) -> None:
    await room.register(CASE, NTNU)
    key = await room.take(letter(subject="En fil mangler", text=ASKS))
    assert await tied(room, key) == ("", "24/1187") and "case-suggested" in await room.reasons(key)


SUGGESTED = {
    "title": "Vi lurer på noe om prosjektet «Sykefravær i distriktene», der vi venter på data.",
    "title, misspelt": "Det gjelder sykefravær i distriktane. Når kommer dataene våre?",
    "institution": "Jeg arbeider ved Universitetet i Oslo og lurer på når dataene våre kommer.",
    "serial number": "Det gjelder filene w24_0001 som vi fikk. De lar seg ikke åpne.",
}


@pytest.mark.parametrize("text", SUGGESTED.values(), ids=SUGGESTED)
async def test_words_suggest_a_case_and_no_more(room: Mailroom, text: str) -> None:
    await room.register(CASE, NTNU)
    key = await room.take(letter("Spørsmål om våre data", text, "Nora <nora@sintef.example>"))
    assert await tied(room, key) == ("", "24/1187")


async def test_a_name_that_fits_many_cases_suggests_none(room: Mailroom) -> None:
    await room.register(*((f"24/{number}", {**UIO, "title": f"Tema {number}"}) for number in range(1187, 1193)))
    key = await room.take(letter("Data", SUGGESTED["institution"], "Nora <nora@sintef.example>"))
    assert await tied(room, key) == ("", "")


STRANGERS = {
    "forged contact (R18)": {"proven": False},
    "other domain (R18)": {"sender": "Kari Lund <kari@uio-post.example>"},
    "mail provider": {"sender": "Kari Lund <kari@gmail.example>"},
}


@pytest.mark.parametrize("parts", STRANGERS.values(), ids=STRANGERS)
@pytest.mark.parametrize("ground", ["reference", "thread"])
async def test_a_stranger_changes_nothing(room: Mailroom, parts: dict[str, Any], ground: str) -> None:
    """R18, R19: the right number or the right In-Reply-To in the wrong hands is a suggestion; the case stays as it was."""
    await room.register(CASE)
    await room.take(letter(subject="Sak 24/1187", text=ASKS, identifier="<one@uio.example>"))
    before = await room.read(lambda tx: (tx.case("24/1187"), tx.events_of("24/1187")))
    hint = {"subject": "Sak 24/1187"} if ground == "reference" else {"subject": "Sv: Sak", "answers": ("<one@uio.example>",)}
    key = await room.take(letter(**{"text": "Hei, kan dere sende dataene til denne adressen?", **hint, **parts}))

    assert await tied(room, key) == ("", "24/1187")
    assert await room.read(lambda tx: (tx.case("24/1187"), tx.events_of("24/1187"))) == before
    forward = (await room.texts("forward"))[-1]
    assert "IKKE BEKREFTET" in forward and "Sak: ikke sikker. Forslag: 24/1187" in forward
    assert (await forwards(room))[-1] == WORKER  # who can tell


NUMBERS = {
    "removed": ("Her er mer om det samme.", ("24/1187", "")),
    "another case's": ("Det gjelder sak 24/2001.", ("", "24/2001")),
    "two": ("Det gjelder sak 24/1187 og 24/2001.", ("24/1187", "24/2001")),
    "unknown": ("Det gjelder sak 24/9999.", ("24/1187", "")),
}


@pytest.mark.parametrize(("text", "expected"), NUMBERS.values(), ids=NUMBERS)
async def test_replies_with_the_number_changed(room: Mailroom, text: str, expected: tuple[str, str]) -> None:
    """R22: the right case or a person, never silently wrong."""
    mine = ("24/2001", {**NTNU[1], "contacts": ("kari@uio.example",)})
    await room.register(CASE, mine)
    await room.take(letter(subject="Sak 24/1187", text=ASKS, identifier="<one@uio.example>"))
    key = await room.take(letter(subject="SV: Sak", text=f"Hei, {text} Kan dere hjelpe?", answers=("<one@uio.example>",)))
    assert await tied(room, key) == expected
    assert key in [row["key"] for row in await room.read(lambda tx: tx.open_since(later(room.now, minutes=1)))]


@pytest.mark.parametrize("prefix", ["VS:", "SV:", "WG:", "Fwd:", "FW: VS:"])
async def test_prefixes_of_clients_do_not_matter(room: Mailroom, prefix: str) -> None:
    await room.register(CASE)
    key = await room.take(letter(subject=f"{prefix} Sak 24/1187", text=ASKS))
    assert (await tied(room, key))[0] == "24/1187"


@pytest.mark.parametrize("sender", ["Per Moe <per.moe@uio.example>", "Kari Lund <kari.lund@med.uio.example>"])
async def test_a_colleague_of_the_contact_answers(room: Mailroom, sender: str) -> None:
    """R23: linked, and booked under who really wrote."""
    await room.register(CASE)
    await room.take(letter(subject="Sak 24/1187", text=ASKS, cc=sender, identifier="<one@uio.example>"))
    key = await room.take(letter("Sv: Sak", "Vi trenger filen snart.", sender, answers=("<one@uio.example>",)))
    row = await room.read(lambda tx: tx.desk_mail(key))
    assert (row["case_ref"], row["sender"], row["trust"]) == ("24/1187", sender.rpartition("<")[2].rstrip(">"), "verified-domain")


# ── where is my case? ─────────────────────────────────────────────────────────────────────────────────────────

STATUS = "Hei, hvor langt har dere kommet med saken vår? Vi har ikke hørt noe på en stund."
TELLS = pytest.mark.settings(answers={"status": True})


async def replies(room: Mailroom) -> list[tuple[str, str]]:
    """(recipient, first line of the text) of what the sender got."""
    rows = [row for row in await room.outbox("waiting", "sent") if row["kind"] in ("receipt", "answer")]
    return [(row["recipient"], (await room.text(row["message_id"])).split("\n\n")[1].strip()) for row in rows]


@TELLS
async def test_a_contact_of_one_case_is_told_its_status(room: Mailroom) -> None:
    """State, next deadline, caseworker's name; to the address of the register and nowhere else."""
    await room.register(("24/1187", {**UIO, "deletion_due": later(MONDAY, days=90).date()}))
    await room.take(letter(subject="Saken vår", text=STATUS, headers={"Reply-To": "alle@uio.example"}))
    (row,) = [row for row in await room.outbox() if row["kind"] == "receipt"]
    text = await room.text(row["message_id"])

    assert row["recipient"] == "kari@uio.example"
    assert "status for sak 24/1187: data er levert" in text and "31.05.2026" in text and f"Eva Berg ({WORKER})" in text
    assert len(await forwards(room)) == 1


OTHERS = {
    "not proven": {"proven": None},
    "forged": {"proven": False},
    "not a contact": {"sender": "Per <per@uio.example>"},
    "another case": {"text": f"{STATUS} Det gjelder sak 24/2001."},
    "two cases": {"text": f"{STATUS} Det gjelder sak 24/1187 og 24/2001."},
    "complaint": {"text": f"{STATUS} Dette er uakseptabelt, og vi klager over behandlingen."},
}


@TELLS
@pytest.mark.parametrize("parts", OTHERS.values(), ids=OTHERS)
async def test_nobody_else_is_told(room: Mailroom, parts: dict[str, Any]) -> None:
    await room.register(CASE, NTNU)
    await room.take(letter(**{"subject": "Saken vår", "text": STATUS, **parts}))
    assert not [text for _, text in await replies(room) if "status for sak" in text] and await forwards(room)


@TELLS
async def test_of_two_cases_none_is_told(room: Mailroom) -> None:
    await room.register(CASE, ("24/1190", {**UIO, "title": "Andre data"}))
    await room.take(letter(subject="Saken vår", text=STATUS))
    assert not [text for _, text in await replies(room) if "status for sak" in text]


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param("draft", marks=pytest.mark.settings(answers={"status": True}, modes={"case": "suggest", "other": "suggest"})),
        pytest.param("", marks=pytest.mark.settings(answers={"status": False})),
    ],
)
async def test_the_operator_decides(room: Mailroom, asked: str) -> None:
    """As a suggestion it is a draft; switched off it is a receipt."""
    await room.register(CASE)
    await room.take(letter(subject="Saken vår", text=STATUS))
    assert not [text for _, text in await replies(room) if "status for sak" in text]
    drafts = [text for text in await room.texts("draft") if "status for sak 24/1187" in text]
    assert bool(drafts) is (asked == "draft")


# ── provisional numbers ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_provisional_number_is_tied_to_the_archives_reference(room: Mailroom) -> None:
    """The receipt tells it, a caseworker ties it, and from then on a mail that quotes it belongs to the case."""
    key = await room.take(letter(subject="Søknad", text="Vedlagt følger søknad om tilgang til mikrodata for prosjektet vårt."))
    (application,) = await room.read(lambda tx: tx.applications())
    assert application["number"] == "M-2026-0001" and "M-2026-0001" in (await room.texts("receipt"))[0]

    await room.register(("26/77", UIO))
    assert await room.write(lambda tx: tx.tie_application("M-2026-0001", "26/77", room.now, actor="eva"))
    assert (await tied(room, key))[0] == "26/77" and (await room.read(lambda tx: tx.applications()))[0]["case_ref"] == "26/77"
    later_mail = await room.take(letter(subject="Søknad m-2026-0001", text="Hei, her er mer om søknaden. Trenger dere noe mer fra oss?"))
    assert await tied(room, later_mail) == ("26/77", "")
    stranger = await room.take(letter("M-2026-0001", "Hei, hvordan går det med søknaden?", "Ola <ola@ntnu.example>"))
    assert await tied(room, stranger) == ("", "26/77")
    assert not await room.write(lambda tx: tx.tie_application("M-2026-0099", "26/77", room.now, actor="eva"))
    with pytest.raises(KeyError):
        await room.write(lambda tx: tx.tie_application("M-2026-0001", "26/78", room.now, actor="eva"))


async def test_receipts_read_the_same_whether_or_not_the_case_exists(room: Mailroom) -> None:
    await room.register(CASE)
    texts = []
    for reference in ("24/1187", "24/9999"):
        await room.take(
            letter(
                subject=f"Søknad om endring, sak {reference}",
                text=f"Vi søker om endring i sak {reference}: ett år til. Skjema følger vedlagt.",
            )
        )
    texts = [text.partition("\n")[2].replace("M-2026-0002", "M-2026-0001") for text in await room.texts("receipt")]
    assert len(texts) == 2 and texts[0] == texts[1]
