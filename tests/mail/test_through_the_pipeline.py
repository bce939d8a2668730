"""Mails that must not be read, that no machine may be answered to, and that come back: through a real store and the pipeline.

R07, R13, R15, R16, R30, R35 of the reliability list, as they end on the room.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.knowledge import Knowledge
from bot.understanding import Model
from tests.examine.files import archive
from tests.letters import NB, SERVICE, letter
from tests.mail.golden import pairs
from tests.mail.writing import mail
from tests.mailroom import Mailroom, Recorder, mailroom


@pytest.fixture
async def room(tmp_path: Path, knowledge: Knowledge, model: Model) -> AsyncIterator[Mailroom]:
    """A service of its own."""
    async with mailroom(tmp_path, knowledge, model, answers={"per_sender_per_day": 4}) as opened:
        opened.parts.sender = Recorder()
        yield opened


POISON = {
    "headers": b"".join(b"X-A%d: b\n" % number for number in range(20_000)) + b"Subject: x\n\nHei",
    "nesting": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number) for number in range(200)),
    "parts": mail("--b\n\nHei\n" * 600 + "--b--\n", "Content-Type: multipart/mixed; boundary=b"),
    "long header": b"Subject: " + b"a" * 500_000 + b"\n\nHei",
    "lines": b"Subject: x\n\n" + b"\n" * 2_100_000,
}


async def test_r07_poison_is_kept_raw_a_person_is_told_and_the_rest_flows(room: Mailroom) -> None:
    """R07: each limit that is passed ends as raw bytes in quarantine and work for a person; a question behind it is answered."""
    keys = {name: await room.take_in(content) for name, content in POISON.items()}
    question = await room.mail(NB)
    for name, key in keys.items():
        found = await room.summary(key)
        assert found["waits"], name
        assert "quarantined" in found["reasons"], name
        kept = await room.parts.store.read(lambda tx, key=key: tx.raw(key))
        assert kept.content == POISON[name], name
    assert question["reply"] == "answer" and not question["waits"]
    assert {recipient for _, recipient in room.recorder.automatic()} == {"kari@uio.example"}


@pytest.mark.long
async def test_r13_a_mail_of_sixty_megabytes_is_kept_and_a_person_is_told(room: Mailroom) -> None:
    """R13: accepted, not read, said who sent it; nothing automatic leaves."""
    content = letter("Søknad", "Hei", files={"stor.bin": b"\0" * 46 * 2**20})
    assert len(content) > 60 * 2**20
    key = await room.take_in(content)
    await room.work()
    found = await room.summary(key)
    assert found["waits"] and "quarantined" in found["reasons"]
    assert found["sender"] == "kari@uio.example"
    assert room.recorder.automatic() == []


async def test_r13_seventy_files_are_read(room: Mailroom) -> None:
    """R13: many files are work, no fault."""
    found = await room.mail(
        ("Søknad om data", "Hei,\n\nvedlagt er søknaden vår med vedlegg.\n\nKari"), files={f"{n}.txt": b"x" for n in range(70)}
    )
    assert "quarantined" not in found["reasons"]


async def test_r15_no_golden_machine_is_answered(room: Mailroom) -> None:
    """R15: every machine of the golden set arrives; nothing automatic leaves, whatever it says."""
    machines = [pair for pair in pairs() if pair.expected["auto"]]
    keys = {pair.name: await room.take_in(pair.content) for pair in machines}
    await room.work()
    assert len(keys) > 100
    for name, key in keys.items():
        found = await room.summary(key)
        assert (found["category"], found["reply"]) == ("auto", "none"), name
    assert [mail.recipient for mail in room.recorder.sent if not mail.recipient.endswith("@ssb.example")] == []


RETURNS = {
    "exim": (
        "Mail Delivery System <Mailer-Daemon@mx.uni.example>",
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n\nThe following address failed:\n\n  kari@uio.example\n\n"
        "------ This is a copy of the message ------\n\nReturn-path: <{service}>\nMessage-ID: {ours}\nSubject: Re",
    ),
    "qmail": (
        "MAILER-DAEMON@mx.uni.example",
        "failure notice",
        "Hi. This is the qmail-send program at mx.uni.example.\nI'm afraid I wasn't able to deliver your message.\n\n<kari@uio.example>:\n"
        "Sorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <{service}>\nMessage-ID: {ours}\n",
    ),
    "exchange": (
        "Microsoft Outlook <postmaster@ntnu.example>",
        "Kan ikke leveres: Re",
        "Levering til disse mottakerne eller gruppene mislyktes:\n\nkari@uio.example\nFinner ikke e-postadressen.\n\nMessage-ID: {ours}\n",
    ),
}


@pytest.mark.parametrize("system", RETURNS)
async def test_r35_a_bounce_without_a_report_is_tied_to_our_mail(room: Mailroom, system: str) -> None:
    """R35: Exim, qmail and Exchange as text alone; the caseworker is told that the answer never arrived."""
    await room.mail(NB)
    (answer,) = room.recorder.sent
    sender, subject, text = RETURNS[system]
    key = await room.take_in(mail(text.format(service=SERVICE, ours=answer.message_id), sender=sender, subject=subject))
    await room.work()
    found = await room.summary(key)
    assert (found["category"], found["reply"], found["waits"]) == ("auto", "none", True)
    assert "our-mail-bounced" in found["reasons"]
    assert [(sent.kind, sent.recipient) for sent in room.recorder.sent[1:]] == [("forward", "postmottak@ssb.example")]


async def test_r35_a_delay_is_no_bounce_and_a_strangers_bounce_is_nothing_to_us(room: Mailroom) -> None:
    """R35: what is still on its way, and what never was ours, is recorded in silence."""
    await room.mail(NB)
    (answer,) = room.recorder.sent
    delay = f"THIS IS A WARNING MESSAGE ONLY. Delivery to kari@uio.example has been delayed.\n\nMessage-ID: {answer.message_id}\n"
    foreign = "Your message could not be delivered to x@y.example.\n\nMessage-ID: <not-ours@elsewhere.example>\n"
    for subject, text in (("Delivery Status Notification (Delay)", delay), ("Undelivered Mail", foreign)):
        key = await room.take_in(mail(text, sender="mailer-daemon@mx.example", subject=subject))
        await room.work()
        found = await room.summary(key)
        assert found["category"] == "auto" and "our-mail-bounced" not in found["reasons"]
    assert len(room.recorder.sent) == 1


async def test_r17_who_wishes_no_automatic_reply_gets_none_and_a_person_reads_it(room: Mailroom) -> None:
    """R17: a person's Exchange asks for silence: no answer, no receipt, and the mail is work like any other."""
    found = await room.mail(NB, headers={"X-Auto-Response-Suppress": "OOF, AutoReply"})
    assert found["category"] != "auto" and found["reply"] == "none" and found["waits"]
    assert room.recorder.automatic() == []


async def test_r30_a_bomb_costs_a_note_and_the_mail_goes_on(room: Mailroom) -> None:
    """R30: the mail is handled, the file is said not to have been opened."""
    bomb = archive({f"{number}.txt": b"\0" * 10_000_000 for number in range(3)})
    found = await room.mail(
        ("Søknad om data", "Hei,\n\nvedlagt er søknaden vår.\n\nKari"), files={"søknad.zip": bomb, "cut.pdf": b"%PDF-1.7\n"}
    )
    assert found["category"] == "application" and "quarantined" not in found["reasons"]
