"""Confirmations of deletion from raw mail to register: confirmed without a person only where nothing at all is in doubt."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bot.model import Verdict
from tests.documents import docx, pdf
from tests.letters import KARI, MONDAY, SERVICE, letter
from tests.mailroom import UIO, Mailroom, later

CASE = ("24/1187", {**UIO, "serial_numbers": ("w24_0001", "w24_0002")})
OTHER = ("24/2001", {**UIO, "title": "Boforhold", "contacts": ("per@uio.example",)})
DONE = "Hei,\n\nvi bekrefter at alle data i sak 24/1187 ble slettet 27.02.2026, også kopier og utskrifter.\n\nHilsen Kari Lund\n"


async def entry(room: Mailroom, **parts: Any) -> dict[str, Any]:
    """The one entry that a mail makes."""
    await room.register(CASE, OTHER)
    await room.take(letter(**{"subject": "Sletting", "text": DONE, **parts}))
    (row,) = await room.read(lambda tx: tx.deletions())
    return row


async def test_a_confirmation_without_a_doubt_is_confirmed_with_all_that_it_says(room: Mailroom) -> None:
    row = await entry(room)

    assert {name: row[name] for name in ("case_ref", "verdict", "deleted_on", "partial", "copies", "sender", "trust", "concluded_by")} == {
        "case_ref": "24/1187",
        "verdict": "confirmed",
        "deleted_on": "2026-02-27",
        "partial": 0,
        "copies": 1,
        "sender": "kari@uio.example",
        "trust": "verified-sender",
        "concluded_by": "bot",
    }
    assert "ble slettet 27.02.2026" in row["sentence"] and row["received"].startswith("2026-03-02T09:00")


async def test_the_receipt_says_only_that_it_came(room: Mailroom) -> None:
    """The same words for a confirmed, a doubtful and an unknown case: a receipt tells nobody which cases there are."""
    await room.register(CASE)
    for subject, text in (
        ("Sak 24/1187", DONE),
        ("Sak 24/1187 ", DONE.replace("alle data", "noen av dataene")),
        ("S", DONE.replace("24/1187", "24/9999")),
    ):
        await room.take(letter(subject=subject, text=text))
    receipts = [text.partition("\n")[2] for text in await room.texts("receipt")]

    assert await room.deletions() == [("24/1187", "confirmed"), ("24/1187", "to-check"), ("24/9999", "to-check")]
    assert len(receipts) == 3 and len(set(receipts)) == 1
    assert not {"bekreftet", "register", "godkjent"} & set(receipts[0].lower().split())


async def test_it_counts_as_received_when_it_came_not_when_it_was_read(room: Mailroom) -> None:
    """After days of downtime the register says when the mail arrived."""
    await room.register(CASE)
    room.now = later(MONDAY, days=2)
    await room.take(letter(text=DONE), received=MONDAY)
    assert (await room.read(lambda tx: tx.deletions()))[0]["received"].startswith("2026-03-02")


DOUBTS = [
    ("forged", {"proven": False}, "dmarc-fail"),
    ("nothing proven", {"proven": None}, "sender-not-verified"),
    ("a stranger", {"sender": "Ola <ola@ntnu.example>"}, "sender-not-verified"),
    ("a stranger at a mail provider", {"sender": "Kari Lund <kari.lund@gmail.example>"}, "sender-not-verified"),
    ("a colleague passes it on", {"sender": "Eva Berg <eva.berg@ssb.example>"}, "sender-not-verified"),
    ("part of the data", {"text": DONE.replace("alle data", "deler av dataene")}, "deletion-partial"),
    ("most of the data", {"text": DONE.replace("alle data", "det meste av dataene")}, "deletion-partial"),
    ("one year", {"text": "Hei, filene fra 2019 i sak 24/1187 er slettet."}, "deletion-partial"),
    ("the main file", {"text": "Hei, hovedfilen i sak 24/1187 er slettet."}, "deletion-partial"),
    ("one delivery of two", {"text": "Alle data i sak 24/1187 med løpenummer w24_0001 er slettet."}, "deletion-partial"),
    ("a delivery of another case", {"text": "Alle data i sak 24/1187 (w24_0001, w24_0002, w24_0009) er slettet."}, "deletion-partial"),
    ("not the copies", {"text": "Vi har slettet alle data i sak 24/1187, men vi har ikke slettet sikkerhetskopiene."}, "deletion-partial"),
    (
        "the copies later",
        {"text": "Alle data i sak 24/1187 er slettet. Papirkopiene skal makuleres i juni."},
        "deletion-not-stated-clearly",
    ),
    ("no reference", {"text": "Vi bekrefter at alle data er slettet."}, "no-reference"),
    ("unknown reference", {"text": DONE.replace("24/1187", "24/9999")}, "reference-not-in-register"),
    ("two references", {"text": DONE + "\nDet samme gjelder sak 24/2001.\n"}, "several-references"),
    ("ambiguous number beside", {"text": DONE + "\nSe også journalnr. 25367/2024.\n"}, "several-references"),
    ("only a title", {"subject": "Alle data i sak 24/1187 er slettet", "text": "Hilsen Kari"}, "deletion-not-stated-clearly"),
    (
        "somebody else's words",
        {
            "subject": "VS: Sletting i sak 24/1187",
            "text": "Se under.\n\n---------- Forwarded message ----------\nFrom: Per <per@uio.example>\nSubject: Sletting\n\nAlle data i sak 24/1187 er slettet.\n",
        },
        "deletion-not-stated-clearly",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "reason"), [case[1:] for case in DOUBTS], ids=[case[0] for case in DOUBTS])
async def test_any_doubt_and_a_person_checks(room: Mailroom, parts: dict[str, Any], reason: str) -> None:
    """One doubt is enough, and it is named."""
    await room.register(CASE, OTHER)
    key = await room.take(letter(**{"subject": "Sletting", "text": DONE, **parts}))
    rows = await room.read(lambda tx: tx.deletions())

    assert rows and {row["verdict"] for row in rows} == {"to-check"}
    assert any(reason in row["why"] for row in rows)
    assert not await room.read(lambda tx: tx.confirmed_deletions())
    assert key in [row["key"] for row in await room.read(lambda tx: tx.open_since(later(room.now, minutes=1)))]


@pytest.mark.parametrize(
    "text",
    [
        "Vi har ikke slettet dataene i sak 24/1187 ennå.",
        "Vi skal slette alle data i sak 24/1187 i juni.",
        "Kan vi få utsatt slettingen i sak 24/1187?",
        "Hei, hvordan sletter vi data i sak 24/1187?",
        "Takk.\n\nmandag 2. mars 2026 skrev mikrodata@ssb.example:\n> Vi har fått bekreftet at alle data i sak 24/1187 er slettet.\n",
    ],
)
async def test_what_is_no_confirmation_is_never_confirmed(room: Mailroom, text: str) -> None:
    """Promises, denials, questions, and words that stand only in what is quoted (R26, R27)."""
    await room.register(CASE)
    await room.take(letter(subject="Sak 24/1187", text=text))
    assert "confirmed" not in [verdict for _, verdict in await room.deletions()]


@pytest.mark.parametrize("kind", ["pdf", "docx"])
async def test_an_attached_form_speaks_for_its_sender(room: Mailroom, kind: str) -> None:
    """The deletion stands in a form beside a mail that says next to nothing."""
    make = {"pdf": pdf, "docx": docx}[kind]
    form = make(
        "Bekreftelse på sletting", "Saksreferanse: 24/1187", "Vi bekrefter at alle data er slettet, også kopier.", "Dato: 27.02.2026"
    )
    row = await entry(room, subject="Bekreftelse", text="Hei,\n\nse vedlegg.\n\nKari\n", files={f"slettebekreftelse.{kind}": form})

    assert (row["case_ref"], row["verdict"]) == ("24/1187", "confirmed")
    assert "alle data er slettet" in row["sentence"]


async def test_a_mail_inside_a_mail_is_somebody_elses_word(room: Mailroom) -> None:
    inner = letter("Sletting 24/1187", DONE, "Per <per@uio.example>")
    await room.register(CASE)
    await room.take(letter(subject="Sak 24/1187", text="Hei, se vedlagt.", files={"sletting.eml": inner}))
    assert "confirmed" not in [verdict for _, verdict in await room.deletions()]


async def test_a_colleague_of_the_contact_confirms_by_the_domain(room: Mailroom) -> None:
    row = await entry(room, sender="Per Moe <per.moe@med.uio.example>", text=DONE.replace("24/1187", "2024/01187-3"))
    assert (row["case_ref"], row["verdict"], row["trust"], row["sender"]) == (
        "24/1187",
        "confirmed",
        "verified-domain",
        "per.moe@med.uio.example",
    )


async def test_all_deliveries_named_is_the_whole_case(room: Mailroom) -> None:
    row = await entry(room, text="Alle data i sak 24/1187 med løpenummer W24-0001 og w24_0002 er slettet, også kopier.")
    assert (row["verdict"], sorted(row["serial_numbers"])) == ("confirmed", ["w24_0001", "w24_0002"])


@pytest.mark.parametrize("reference", ["24/2001", "24/1187"])
async def test_a_reference_that_contradicts_the_thread_is_for_a_person(room: Mailroom, reference: str) -> None:
    """R22: the number in the text is another than the thread's: perhaps a slip of the pen."""
    await room.register(CASE, OTHER)
    await room.take(letter(subject="Sak 24/1187", text="Hei, når må data i sak 24/1187 slettes?", identifier="<first@uio.example>"))
    await room.take(letter(subject="Sv: Sak", text=DONE.replace("24/1187", reference), answers=("<first@uio.example>",)))
    assert await room.deletions() == [(reference, "confirmed" if reference == "24/1187" else "to-check")]


async def test_a_question_beside_a_confirmation_is_not_lost(room: Mailroom) -> None:
    """R28: the register has the deletion, and a person has the question."""
    key = await room.take(letter(text=DONE + "\nHva koster det å få tilgang på nytt senere?\n"))
    await room.register(CASE)
    assert (await room.summary(key))["category"] == "deletion"
    assert key in [row["key"] for row in await room.read(lambda tx: tx.open_since(later(room.now, minutes=1)))]


async def test_a_copy_makes_no_second_entry(room: Mailroom) -> None:
    await room.register(CASE)
    mail = letter(text=DONE)
    await room.take(mail)
    await room.take(b"X-Relay: second\r\n" + mail)
    assert await room.deletions() == [("24/1187", "confirmed")]


async def test_verdicts_can_be_changed_and_the_history_says_all(room: Mailroom) -> None:
    """Confirmed by the bot, rejected by a person, tied and confirmed again: each step with who and why; the log has them too."""
    row = await entry(room)
    await room.write(lambda tx: tx.set_verdict(row["id"], Verdict.REJECTED, "gjaldt et annet uttrekk", room.now, actor="eva"))
    assert not await room.read(lambda tx: tx.confirmed_deletions())
    await room.write(lambda tx: tx.set_verdict(row["id"], Verdict.CONFIRMED, "avklart på telefon", room.now, actor="eva"))

    history = (await room.read(lambda tx: tx.deletion_history()))[row["id"]]
    assert [(step["verdict"], step["actor"]) for step in history] == [("confirmed", "bot"), ("rejected", "eva"), ("confirmed", "eva")]
    assert await room.read(lambda tx: tx.confirmed_deletions()) == {"24/1187"}
    assert not list(await room.read(lambda tx: list(tx.audit_faults())))


async def test_the_receipt_goes_to_the_sender_alone(room: Mailroom) -> None:
    await room.register(CASE)
    await room.take(letter(text=DONE, cc="Per <per@uio.example>", to=f"{SERVICE}, alle@uio.example", date=MONDAY))
    assert [row["recipient"] for row in await room.outbox() if row["kind"] == "receipt"] == ["kari@uio.example"]
    assert KARI.endswith("<kari@uio.example>") and date(2026, 3, 2) == MONDAY.date()
