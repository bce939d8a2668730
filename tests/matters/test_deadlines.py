"""Deadlines, reminders and digests under a clock that the test turns: in time, once, to nobody who has answered, quiet at night."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.compose import Templates
from bot.knowledge import Knowledge
from bot.matters.calendar import add_months, holidays_between, office_hours, working_day
from bot.model import Verdict
from bot.pipeline import remind, remind_forever
from bot.run import BUILT_IN
from bot.understanding import Model
from tests.letters import MONDAY, letter
from tests.mailroom import UIO, WORKER, Mailroom, mailroom

DAY = timedelta(days=1)
CONTACTS = pytest.mark.settings(deadlines={"remind_contacts": True})
DECIDED = {**UIO, "decision_date": date(2024, 5, 2), "deletion_due": date(2026, 3, 20)}
OFFERED = {**UIO, "state": "offered", "decision_date": date(2026, 1, 15), "offer_sent": date(2026, 2, 18)}
DONE = "Vi bekrefter at alle data i sak 24/1187 er slettet, også kopier."


async def reminders(room: Mailroom, *states: str) -> list[tuple[str, str, str]]:
    """(kind, recipient, state) of the mails that remind of a case."""
    rows = await room.outbox(*states)
    return [(row["kind"], row["recipient"], row["state"]) for row in rows if row["case_ref"] == "24/1187" and row["mail_key"] == ""]


async def pass_days(room: Mailroom, days: int, *, step: timedelta = DAY) -> None:
    """Let so many days go by, looking at the deadlines at each step."""
    end = room.now + days * DAY
    while room.now < end:
        room.now += step
        await room.remind()


# ── the calendar ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("day", "working"),
    [
        (date(2026, 3, 2), True),
        (date(2026, 3, 7), False),  # Saturday
        (date(2026, 4, 2), False),  # Maundy Thursday
        (date(2026, 5, 14), False),  # Ascension Day
        (date(2026, 5, 17), False),
        (date(2026, 12, 24), True),  # no holiday in law
        (date(2026, 12, 25), False),
        (date(2026, 12, 29), True),
    ],
)
def test_working_days(day: date, working: bool) -> None:
    assert working_day(day) is working


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        (datetime(2026, 3, 2, 5, 59, tzinfo=UTC), False),  # 06:59 in Oslo
        (datetime(2026, 3, 2, 6, 0, tzinfo=UTC), True),
        (datetime(2026, 3, 2, 14, 59, tzinfo=UTC), True),
        (datetime(2026, 3, 2, 15, 0, tzinfo=UTC), False),
        (datetime(2026, 7, 1, 5, 30, tzinfo=UTC), True),  # summer time
        (datetime(2026, 4, 3, 9, 0, tzinfo=UTC), False),  # Good Friday
    ],
)
def test_office_hours(moment: datetime, open_: bool) -> None:
    assert office_hours(moment) is open_


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(0, 120))
@settings(max_examples=200, deadline=None)
def test_months_never_skip_one(day: date, months: int) -> None:
    """The month is the one that is counted to, the day the same or the month's last."""
    moved = add_months(day, months)
    assert (moved.year * 12 + moved.month) - (day.year * 12 + day.month) == months
    assert moved.day == day.day or (moved.day < day.day and (moved + DAY).day == 1)


def test_holidays_of_a_period() -> None:
    assert holidays_between(date(2026, 4, 1), date(2026, 4, 7)) == (date(2026, 4, 2), date(2026, 4, 3), date(2026, 4, 6))
    assert holidays_between(date(2026, 4, 7), date(2026, 4, 1)) == ()


# ── before the deadline ───────────────────────────────────────────────────────────────────────────────────────


@CONTACTS
async def test_a_friendly_reminder_before_the_deadline_cites_the_decision(room: Mailroom) -> None:
    await room.register(("24/1187", DECIDED))
    assert await room.remind()
    assert await reminders(room) == [("reminder", "kari@uio.example", "sent")]
    (text,) = await room.texts("reminder")
    mail = await room.written(next(row["message_id"] for row in await room.outbox() if row["kind"] == "reminder"))

    assert "etter vedtaket av 02.05.2024 i sak 24/1187" in text and "20.03.2026" in text
    assert mail["Auto-Submitted"] == "auto-generated" and "https://bot.ssb.example/privacy" in text


@CONTACTS
async def test_offers_too(room: Mailroom) -> None:
    await room.register(("24/1187", OFFERED))  # due on 4 March, reminded three days before
    await room.remind()
    (text,) = await room.texts("reminder")
    assert "vedtaket av 15.01.2026 i sak 24/1187" in text and "tilbudet vi sendte 18.02.2026" in text and "04.03.2026" in text


@pytest.mark.parametrize(
    "register",
    [
        pytest.param(DECIDED, id="not configured"),
        pytest.param({**DECIDED, "decision_date": None}, id="no decision to cite", marks=CONTACTS),
        pytest.param(
            DECIDED, id="as suggestion", marks=pytest.mark.settings(deadlines={"remind_contacts": True}, modes={"deletion": "suggest"})
        ),
        pytest.param({**DECIDED, "contacts": ("eva@ssb.example",)}, id="to ourselves", marks=CONTACTS),
    ],
)
async def test_else_it_is_a_draft(room: Mailroom, register: dict[str, Any]) -> None:
    """A person reads it and sends it: no automatic headers, no words of a machine."""
    await room.register(("24/1187", register))
    await room.remind()
    ((kind, recipient, state),) = await reminders(room)
    assert (kind, state) == ("draft", "draft") and recipient == register["contacts"][0]
    mail = await room.written((await room.outbox("draft"))[0]["message_id"])
    assert mail["Auto-Submitted"] is None and "automatisk" not in (await room.texts("draft"))[0]


@pytest.mark.settings(deadlines={"remind_contacts": True}, service={"mode": "shadow"})
async def test_in_shadow_nothing_is_written(room: Mailroom) -> None:
    """Neither reminder nor digest; once it is no shadow any more, the reminder is made."""
    await room.register(("24/1187", DECIDED))
    await room.remind()
    assert await room.outbox() == [] and await room.read(lambda tx: tx.reminded()) == frozenset()
    assert [(row["kind"], row["due"]) for row in await room.read(lambda tx: tx.deadlines())] == [("deletion", date(2026, 3, 20))]


@CONTACTS
async def test_in_the_language_that_they_last_wrote_in(room: Mailroom) -> None:
    await room.register(("24/1187", {**DECIDED, "contacts": ("kari@uio.example", "mary@uio.example")}))
    await room.take(
        letter(
            "Case 24/1187",
            "Hello, one of the files that we received cannot be opened. Could you please send it again?",
            "Mary <mary@uio.example>",
        )
    )
    await room.take(letter(subject="Sak 24/1187", text="Hei, eg lurer på kva fil vi ikkje har fått enno. Kan de sende ho på nytt?"))
    await room.remind()
    texts = {row["recipient"]: await room.text(row["message_id"]) for row in await room.outbox() if row["kind"] == "reminder"}
    assert "Under the decision of 02 May 2024" in texts["mary@uio.example"]
    assert "etter vedtaket frå 02.05.2024" in texts["kari@uio.example"]


QUIET = {
    "Sunday": datetime(2026, 3, 1, 10, tzinfo=UTC),
    "Good Friday": datetime(2026, 4, 3, 10, tzinfo=UTC),
    "night": datetime(2026, 3, 2, 3, tzinfo=UTC),
}


@CONTACTS
@pytest.mark.parametrize("moment", QUIET.values(), ids=QUIET)
async def test_quiet_when_nobody_works(room: Mailroom, moment: datetime) -> None:
    await room.register(("24/1187", {**DECIDED, "deletion_due": moment.date() + 10 * DAY}))
    room.now = moment
    assert await room.remind() == 0 and await room.outbox() == []
    assert await room.read(lambda tx: tx.deadlines())  # it stands all the same


@CONTACTS
async def test_what_could_not_be_sent_on_friday_waits_for_monday(room: Mailroom) -> None:
    """The relay was down; when it is back it is Saturday."""
    await room.register(("24/1187", DECIDED))
    room.now = datetime(2026, 3, 6, 14, 30, tzinfo=UTC)
    await remind(room.parts)
    room.now += DAY
    await room.deliver()
    assert await reminders(room) == [("reminder", "kari@uio.example", "waiting")]
    room.now = datetime(2026, 3, 9, 7, tzinfo=UTC)
    await room.deliver()
    assert await reminders(room) == [("reminder", "kari@uio.example", "sent")]


@CONTACTS
async def test_never_twice_not_even_after_a_restart(tmp_path: Path, knowledge: Knowledge, model: Model) -> None:
    """The reminders that were made are in the database; the outbox may even have been cleaned."""
    for run in range(3):
        async with mailroom(tmp_path / "data", knowledge, model, deadlines={"remind_contacts": True}) as room:
            room.now = MONDAY + run * DAY
            await room.register(("24/1187", DECIDED))
            made = [await room.remind() for _ in range(3)]
            texts = [row for row in await room.outbox() if row["kind"] == "reminder"]
            assert len(texts) == (1 if run == 0 else 0) and (made[0] >= 1) is (run == 0 or made[0] == 1)
            await room.write(lambda tx: tx.db.conn.execute("DELETE FROM outbox WHERE kind = 'reminder'"))


@CONTACTS
async def test_a_deadline_that_is_moved_is_reminded_of_anew(room: Mailroom) -> None:
    await room.register(("24/1187", DECIDED))
    await room.remind()
    await room.register(("24/1187", {"deletion_due": date(2026, 9, 1)}))
    await room.remind()
    assert len(await reminders(room)) == 1
    room.now = datetime(2026, 8, 10, 9, tzinfo=UTC)
    await room.remind()
    assert len(await reminders(room)) == 2
    assert [row["due"] for row in await room.read(lambda tx: tx.deadlines())] == [date(2026, 9, 1)]


# ── who has answered ──────────────────────────────────────────────────────────────────────────────────────────

ANSWERED = {
    "confirmed": ({}, True),
    "to be checked": ({"text": "Noen av dataene i sak 24/1187 er slettet."}, True),
    "contact, nothing proven": ({"proven": None}, True),
    "colleague of the contact": ({"sender": "Per <per@uio.example>"}, True),
    "forged": ({"proven": False}, False),
    "a stranger": ({"sender": "Ola <ola@ntnu.example>"}, False),
}


@CONTACTS
@pytest.mark.parametrize(("parts", "answered"), ANSWERED.values(), ids=ANSWERED)
async def test_nobody_is_reminded_who_has_answered(room: Mailroom, parts: dict[str, Any], answered: bool) -> None:
    """And nobody can quieten a reminder in somebody else's name."""
    await room.register(("24/1187", DECIDED))
    await room.take(letter(**{"subject": "Sletting", "text": DONE, **parts}))
    await room.remind()
    assert (await reminders(room) == []) is answered


@CONTACTS
async def test_a_rejected_confirmation_is_no_answer(room: Mailroom) -> None:
    await room.register(("24/1187", DECIDED))
    await room.take(letter(subject="Sletting", text=DONE))
    (row,) = await room.read(lambda tx: tx.deletions())
    await room.write(lambda tx: tx.set_verdict(row["id"], Verdict.REJECTED, "feil sak", room.now, actor="eva"))
    await room.remind()
    assert len(await reminders(room)) == 1


@CONTACTS
async def test_a_reminder_that_waits_is_taken_back_when_the_answer_comes(room: Mailroom) -> None:
    """Sending is paused; meanwhile the researcher confirms. Rejected, the reminder is made anew: nobody has been reminded."""
    await room.register(("24/1187", DECIDED))
    await room.write(lambda tx: tx.set_flag("paused", "1", room.now))
    await room.remind()
    assert await reminders(room) == [("reminder", "kari@uio.example", "waiting")]
    await room.take(letter(subject="Sletting", text=DONE))
    room.now += DAY
    await room.remind()
    assert await reminders(room) == [("reminder", "kari@uio.example", "discarded")]
    (row,) = await room.read(lambda tx: tx.deletions())
    await room.write(lambda tx: tx.set_verdict(row["id"], Verdict.REJECTED, "feil", room.now, actor="eva"))
    await room.remind()
    assert await reminders(room, "waiting") == [("reminder", "kari@uio.example", "waiting")]


@CONTACTS
async def test_a_reminder_held_past_its_deadline_never_leaves(room: Mailroom) -> None:
    """After the deadline there is only a draft."""
    await room.register(("24/1187", DECIDED))
    await room.write(lambda tx: tx.set_flag("paused", "1", room.now))
    await room.remind()
    room.now = datetime(2026, 3, 23, 9, tzinfo=UTC)
    await room.remind()
    await room.write(lambda tx: tx.set_flag("paused", "0", room.now))
    await room.deliver()
    assert await reminders(room) == [("reminder", "kari@uio.example", "discarded"), ("draft", "kari@uio.example", "draft")]


@CONTACTS
async def test_an_offer_that_came_back_is_not_asked_for(room: Mailroom) -> None:
    await room.register(("24/1187", OFFERED))
    await room.take(letter(subject="Tilbudet", text="Vi aksepterer tilbudet i sak 24/1187."))
    await room.remind()
    assert await reminders(room) == []


# ── after the deadline ────────────────────────────────────────────────────────────────────────────────────────


@CONTACTS
async def test_after_the_deadline_only_drafts_again_and_again(room: Mailroom) -> None:
    """One draft at a time, a new one each fortnight; a person may send it, the bot never does."""
    await room.register(("24/1187", {**DECIDED, "deletion_due": date(2026, 3, 3)}))
    await pass_days(room, 40)
    found = await reminders(room)
    assert {kind for kind, _, state in found if state == "sent"} == {"reminder"}
    assert [kind for kind, _, state in found if state == "sent"].count("reminder") == 1  # the one before the deadline
    assert [state for kind, _, state in found if kind == "draft"] == ["discarded", "discarded", "draft"]
    assert "var fristen for å slette dataene 03.03.2026" in (await room.texts("draft", "draft"))[0]


@CONTACTS
async def test_nothing_stands_in_a_closed_case(room: Mailroom) -> None:
    await room.register(("24/1187", {**DECIDED, "state": "closed"}))
    await room.remind()
    assert await room.read(lambda tx: tx.deadlines()) == [] and await reminders(room) == []


# ── the other kinds ───────────────────────────────────────────────────────────────────────────────────────────


async def test_every_kind_stands_in_the_database(room: Mailroom) -> None:
    """Offer, deletion, complaint, preliminary answer, unanswered forward: with day, case and desk."""
    await room.register(
        ("24/1187", {**UIO, "delivered": date(2025, 11, 30), "deletion_due": date(2026, 12, 1)}),
        ("24/2001", {**OFFERED, "contacts": ("per@uio.example",), "title": "Annet"}),
    )
    key = await room.take(letter(subject="Sak 24/1187", text="Hei, i leveransen mangler filen for 2019. Kan dere sende den på nytt?"))
    await room.deliver()
    await room.remind()
    assert [(row["kind"], row["subject"], str(row["due"]), row["case_ref"], row["desk"]) for row in await room.read(lambda tx: tx.deadlines())] == [
        ("offer", "24/2001", "2026-03-04", "24/2001", WORKER),
        ("forward", key, "2026-03-09", "24/1187", WORKER),
        ("preliminary", key, "2026-04-02", "24/1187", WORKER),
        ("complaint", "24/1187", "2026-05-30", "24/1187", WORKER),
        ("deletion", "24/1187", "2026-12-01", "24/1187", WORKER),
    ]  # fmt: skip


ASKS = "Hei, jeg søker en å snakke med om et forskningsprosjekt om boliger fra 1970. Har dere tid til et møte?"


async def test_a_preliminary_answer_is_drafted_in_time(room: Mailroom) -> None:
    """Three weeks after the mail came, as a draft in its thread, with a reason and a day for a person to fill in; once."""
    key = await room.take(letter("Møte", ASKS, "Nora <nora@sintef.example>"))
    await pass_days(room, 20)
    assert not [row for row in await room.outbox("draft") if row["mail_key"] == key]
    await pass_days(room, 20)
    (draft,) = [row for row in await room.outbox("draft") if row["mail_key"] == key]
    text, mail = await room.text(draft["message_id"]), await room.written(draft["message_id"])
    assert draft["recipient"] == "nora@sintef.example" and "02.03.2026" in text and "[skriv inn grunnen]" in text
    assert mail["Auto-Submitted"] is None and mail["In-Reply-To"]


@pytest.mark.parametrize("how", ["done", "answered"])
async def test_no_preliminary_answer_where_somebody_has_acted(room: Mailroom, how: str) -> None:
    key = await room.take(letter("Møte", ASKS, "Nora <nora@sintef.example>"))
    if how == "done":
        await room.write(lambda tx: tx.mark_done(key, room.now, actor="eva"))
    else:
        from tests.held import answer

        await room.write(lambda tx: tx.add_mail(answer(key, "nora@sintef.example", "person"), room.now))
    await pass_days(room, 40)
    assert not [row for row in await room.outbox("draft") if row["mail_key"] == key]


async def test_an_unanswered_forward_comes_up_in_the_digest(room: Mailroom) -> None:
    await room.register(("24/1187", UIO))
    key = await room.take(letter(subject="Sak 24/1187", text="Hei, i leveransen mangler filen for 2019. Kan dere sende den på nytt?"))
    await room.deliver()
    await pass_days(room, 7)
    assert not [text for text in await room.texts("digest") if "videresendt e-post uten svar" in text]
    await pass_days(room, 2)
    (text, *_) = [text for text in await room.texts("digest") if "videresendt e-post uten svar siden 09.03.2026, sak 24/1187" in text]
    assert f"/console/mail/sha256%3A{key[7:]}" in text
    await room.write(lambda tx: tx.mark_done(key, room.now, actor="eva"))
    told = len(await room.texts("digest"))
    room.now += DAY
    await room.remind()
    assert len(await room.texts("digest")) == told  # nothing to tell any more


# ── the digest ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_one_digest_a_working_day_without_content(room: Mailroom) -> None:
    """Each desk its own: numbers, references and days; no names, no subjects, no text."""
    await room.register(
        ("24/1187", {**UIO, "deletion_due": date(2026, 3, 1), "title": "Hemmelig tittel"}),
        ("24/2001", {**OFFERED, "caseworker": "per.vik@ssb.example"}),
    )
    await room.take(
        letter(subject="Svært spesielt emne", text="Hei, finnes det opplysninger om antall rom i boligen før 1980? Ordet kakadue.")
    )
    await pass_days(room, 7, step=timedelta(hours=6))
    digests = [(row["recipient"], row["created"][:10]) for row in await room.outbox() if row["kind"] == "digest"]
    days = [f"2026-03-{day:02d}" for day in (3, 4, 5, 6, 9)]

    assert sorted(set(digests)) == sorted(digests)  # one a day and desk
    assert [day for to, day in digests if to == WORKER] == days
    assert {to for to, _ in digests} == {WORKER, "per.vik@ssb.example", "postmottak@ssb.example"}
    texts = "\n".join(await room.texts("digest"))
    assert "sletting innen 01.03.2026, sak 24/1187" in texts and "svar på tilbudet innen 04.03.2026, sak 24/2001" in texts
    assert not [word for word in ("spesielt", "kakadue", "Kari", "kari@", "Hemmelig") if word in texts]
    assert all(
        "24/2001" not in text for text in [await room.text(r["message_id"]) for r in await room.outbox() if r["recipient"] == WORKER]
    )


async def test_nothing_to_tell_and_no_digest(room: Mailroom) -> None:
    await room.register(("24/1187", UIO))
    await pass_days(room, 3)
    assert await room.outbox() == []


async def test_what_was_reported_is_ours_to_do(room: Mailroom) -> None:
    """A confirmation that has to be checked is no draft to the researcher, but a line for the caseworker."""
    await room.register(("24/1187", {**DECIDED, "deletion_due": date(2026, 3, 1)}))
    await room.take(letter(subject="Sletting", text="Noen av dataene i sak 24/1187 er slettet."))
    await room.remind()
    assert await reminders(room) == []
    assert any("sak 24/1187 (melding er kommet og må kontrolleres)" in text for text in await room.texts("digest"))


async def test_a_broken_template_stops_nothing_else(room: Mailroom, tmp_path: Path) -> None:
    """A misspelt name in the operator's own text: the loop goes on, nothing half-made stays, and mended it is made."""
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "reminder-deletion.nb.txt.jinja").write_text("Sak {{ sak }}\n\nHei")
    await room.register(("24/1187", DECIDED))
    sound, room.parts.templates = room.parts.templates, Templates([tmp_path, BUILT_IN / "templates"])
    loop = asyncio.create_task(remind_forever(room.parts))
    await asyncio.sleep(0.3)
    assert not loop.done()
    loop.cancel()
    assert await room.outbox() == [] and await room.read(lambda tx: tx.reminded()) == frozenset()
    room.parts.templates = sound
    await room.remind()
    assert len(await reminders(room)) == 1
