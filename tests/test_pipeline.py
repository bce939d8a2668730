"""The pipeline whole: real store, real model, real policy; only the last step to the world is a recorder."""

from __future__ import annotations

import asyncio
import contextlib
import email
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import pipeline
from bot.decide import Facts, Policy, decide
from bot.knowledge import Knowledge
from bot.model import Address, Automatic, Category, Delivery, Examined, Findings, Message, Outgoing, Past, Raw, Reply, Result, Understanding
from bot.pipeline import Pace
from bot.store import StoreUnavailable
from bot.store.keeping import KeepingRules
from bot.understanding import Model
from tests.letters import CASE, DELETED, EN, KARI, MONDAY, NB, NN, SERVICE, UNKNOWN, letter, text_of
from tests.mailroom import Mailroom, Recorder, mailroom

OLA = "Ola Hansen <ola.hansen@ntnu.example>"
DAY = timedelta(days=1)
NTNU = {"contacts": ("ola.hansen@ntnu.example",), "domains": ("ntnu.example",), "caseworker": "sara@ssb.example", "state": "delivered"}
Open = Callable[..., AbstractAsyncContextManager[Mailroom]]


@pytest.fixture
def opened(tmp_path: Path, knowledge: Knowledge, model: Model) -> Open:
    """``async with opened(service={"mode": "shadow"}) as room``: a service of its own, twice in one test if wanted."""
    numbers = iter(range(100))

    @asynccontextmanager
    async def open_room(**sections: dict[str, Any]) -> AsyncIterator[Mailroom]:
        async with mailroom(
            tmp_path / f"data-{next(numbers)}", knowledge, model, **{"answers": {"per_sender_per_day": 4}, **sections}
        ) as room:
            room.parts.sender = Recorder()
            yield room

    return open_room


@pytest.fixture
async def room(opened: Open) -> AsyncIterator[Mailroom]:
    """A service with the settings that most tests want, and one case."""
    async with opened() as room:
        await room.register(("24/1187", NTNU))
        yield room


def kinds(room: Mailroom) -> list[tuple[str, str]]:
    """(kind, recipient) of all that has left."""
    return [(mail.kind, mail.recipient) for mail in room.recorder.sent]


# ── modes and pause ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("mode", "reply", "left"),
    [
        ("auto", "answer", [("answer", "kari@uio.example")]),
        ("suggest", "receipt", [("receipt", "kari@uio.example"), ("forward", "postmottak@ssb.example")]),
        ("shadow", "answer", []),
    ],
)
async def test_modes(opened: Open, mode: str, reply: str, left: list[tuple[str, str]]) -> None:
    """auto: answers leave; suggest: receipts and forwards leave and the answer is a draft; shadow: all is decided, nothing leaves."""
    async with opened(service={"mode": mode}) as room:
        found = await room.mail(NB)
        assert (found["category"], found["reply"]) == ("faq", reply)
        assert kinds(room) == left
        assert found["waits"] is (mode != "auto")
        assert await room.drafts(found["key"]) == (["kari@uio.example"] if mode == "suggest" else [])


async def test_each_category_may_have_a_mode_of_its_own(opened: Open) -> None:
    async with opened(service={"mode": "shadow"}, modes={"faq": "auto", "deletion": "suggest"}) as room:
        await room.register(("24/1187", NTNU))
        await room.mail(NB)
        await room.mail(DELETED, sender=OLA, proven=True)
        await room.mail(CASE, sender=OLA, proven=True)
        assert kinds(room) == [
            ("answer", "kari@uio.example"),
            ("receipt", "ola.hansen@ntnu.example"),
            ("forward", "sara@ssb.example"),
        ]


async def test_a_pause_holds_mail_to_researchers_and_lets_forwards_go(room: Mailroom) -> None:
    await room.parts.store.write(lambda tx: tx.pause("by-hand", room.now))
    await room.mail(NB)
    await room.mail(UNKNOWN, sender="Siri Aas <siri.aas@fhi.example>")
    assert kinds(room) == [("forward", "postmottak@ssb.example")]
    await room.parts.store.write(lambda tx: tx.set_flag("paused", "0", room.now))
    await room.work()
    assert sorted(kinds(room)[1:]) == [("answer", "kari@uio.example"), ("receipt", "siri.aas@fhi.example")]


async def test_an_answer_held_for_more_than_a_day_goes_to_a_person(room: Mailroom) -> None:
    await room.parts.store.write(lambda tx: tx.pause("by-hand", room.now))
    found = await room.mail(NB)
    assert not found["waits"]
    room.now += DAY + timedelta(minutes=1)
    await pipeline.remind(room.parts)
    assert (await room.summary(found["key"]))["waits"]
    await room.parts.store.write(lambda tx: tx.set_flag("paused", "0", room.now))
    await room.work()
    assert room.recorder.automatic() == []  # a person answers now; the old answer never leaves behind his back


# ── who gets automatic mail ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("what", [NB, DELETED, CASE, UNKNOWN], ids=["faq", "deletion", "case", "other"])
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"proven": False}, "dmarc-fail"),
        ({"sender": "Sara Dahl <sara.dahl@ssb.example>"}, "colleague"),
        ({"sender": "Sara Dahl <sara.dahl@underavdeling.ssb.example>"}, "colleague"),
        ({"headers": {"Auto-Submitted": "auto-replied"}}, "machine-mail"),
        ({"headers": {"X-Auto-Response-Suppress": "OOF, AutoReply"}}, "sender-asks-for-no-automatic-reply"),
        ({"received": MONDAY - timedelta(days=4)}, "too-old"),
    ],
    ids=["dmarc-fail", "colleague", "colleague-below", "machine", "suppress", "old"],
)
async def test_who_gets_nothing(room: Mailroom, what: tuple[str, str], options: dict[str, Any], reason: str) -> None:
    """Whatever the mail says: the rule stands above the category, and the reason is kept."""
    found = await room.mail(what, **options)
    assert room.recorder.automatic() == [] and found["reply"] == "none"
    assert any(reason in told for told in found["reasons"]), found["reasons"]


async def test_a_fifth_automatic_mail_in_a_day_stays_here(room: Mailroom) -> None:
    for number in range(6):
        await room.mail((f"{NB[0]} ({number})", NB[1]))
        room.now += timedelta(minutes=20)
    assert len(room.recorder.automatic()) == 4 and [mail.kind for mail in room.recorder.to("postmottak@ssb.example")] == ["forward"] * 2
    room.now += DAY
    await room.mail((f"{NB[0]} (ny dag)", NB[1]))
    assert len(room.recorder.automatic()) == 5


async def test_without_any_result_a_public_answer_goes_out_and_nothing_touches_a_case(room: Mailroom) -> None:
    assert (await room.mail(NB, proven=None))["reply"] == "answer"
    found = await room.mail(DELETED, sender=OLA, proven=None)
    assert found["trust"] == "unverified"
    assert await room.parts.store.read(lambda tx: tx.confirmed_deletions()) == frozenset()


async def test_the_answer_did_not_help(room: Mailroom) -> None:
    """Never an automatic answer to a reply to an automatic answer."""
    await room.mail(NB)
    (answer,) = room.recorder.sent
    found = await room.mail((f"Re: {NB[0]}", NB[1]), headers={"In-Reply-To": answer.message_id})
    assert found["reply"] != "answer" and found["waits"]
    assert any("not-help" in reason for reason in found["reasons"]), found["reasons"]
    assert [kind for kind, _ in room.recorder.automatic()].count("answer") == 1


# ── faults of ours ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Dying:
    """An examiner that raises on some attachments."""

    poison: str

    async def examine(self, message: Message) -> Examined:
        if any(self.poison in part.name for part in message.attachments):
            raise MemoryError(self.poison)
        return Examined()

    def close(self) -> None: ...

    async def end(self) -> None: ...


async def test_one_bad_mail_in_a_batch_of_300_stops_no_other(room: Mailroom) -> None:
    """R08: the 299 others are handled, the newest too; the bad one waits for a person with its bytes."""
    room.parts.examiner = Dying("gift")
    keys = []
    for number in range(300):
        files = {"gift.pdf": b"x"} if number == 150 else {}
        content = letter(f"Takk {number}", "Tusen takk for hjelpen!\n\nKari\n", files=files)
        keys.append(await room.take_in(content, received=MONDAY + timedelta(seconds=number)))
    await room.work()
    states = [(await room.parts.store.read(lambda tx, key=key: tx.summary(key)))["state"] for key in keys]  # type: ignore[misc]
    assert states.count("handled") == 299 and states[150] == "failed"
    bad = await room.summary(keys[150])
    assert bad["waits"] and bad["reasons"] == ["not-understood"]
    assert (await room.parts.store.read(lambda tx: tx.raw(keys[150]))).content.endswith(b"--\r\n")


async def test_the_third_start_of_a_mail_gives_it_to_a_person(room: Mailroom) -> None:
    """A mail that has killed the program twice is not tried a third time."""
    key = await room.take_in(letter(*NB))
    for _ in range(2):
        await room.parts.store.write(lambda tx: tx.start(key))
    await room.work()
    found = await room.summary(key)
    assert (found["state"], found["waits"]) == ("failed", True) and room.recorder.sent == []


class Full:
    """A store whose disk is full for the next ``times`` writes."""

    def __init__(self, store: Any, times: int) -> None:
        self._store, self.times = store, times

    async def write(self, work: Any) -> Any:
        if self.times:
            self.times -= 1
            raise StoreUnavailable("disk full")
        return await self._store.write(work)

    async def read(self, work: Any) -> Any:
        return await self._store.read(work)

    async def close(self) -> None:
        await self._store.close()


async def test_a_failing_store_never_counts_against_a_mail(room: Mailroom) -> None:
    key = await room.take_in(letter(*NB))
    full = Full(room.parts.store, 3)
    room.parts.store = full  # type: ignore[assignment]
    await room.work()
    room.parts.store = full._store
    assert full.times == 0 and (await room.summary(key))["state"] == "handled"
    assert await room.parts.store.write(lambda tx: tx.start(key)) == 2  # started once before
    assert room.recorder.automatic() == [("answer", "kari@uio.example")]


async def test_what_the_store_cannot_take_is_not_acknowledged(room: Mailroom) -> None:
    room.parts.store = Full(room.parts.store, 1)  # type: ignore[assignment]
    with pytest.raises(StoreUnavailable):
        await room.take_in(letter(*NB))


async def test_two_workers_on_the_same_mail(opened: Open, knowledge: Knowledge, model: Model) -> None:
    """R41: one records it, the other steps back; one answer."""
    async with opened() as room:
        keys = [await room.take_in(letter(f"{NB[0]} {number}", NB[1], sender=f"K <k{number}@ntnu.example>")) for number in range(20)]
        other = replace(room.parts)
        await asyncio.gather(pipeline.handle_waiting(room.parts), pipeline.handle_waiting(other))
        await asyncio.gather(pipeline.deliver_waiting(room.parts), pipeline.deliver_waiting(other))
        assert {(await room.summary(key))["state"] for key in keys} == {"handled"}
        assert sorted(to for _, to in room.recorder.automatic()) == sorted(f"k{number}@ntnu.example" for number in range(20))


# ── copies ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_same_mail_on_several_ways_is_one(room: Mailroom) -> None:
    """R05: to two of our addresses, in two folders, by LMTP and IMAP: other headers of transport, one reply."""
    content = letter(*NB)
    first = await room.take_in(content)
    await room.work()
    copies = [
        await room.take_in(b"Delivered-To: utlan@ssb.example\r\nReceived: by mx; Mon, 02 Mar 2026 09:15:09 +0100\r\n" + content),
        await room.take_in(content, key="imap:INBOX:7:1", source="imap"),
        await room.take_in(content, key="imap:Arkiv:9:4", source="imap"),
    ]
    await room.work()
    for key in copies:
        found = await room.summary(key)
        assert (found["state"], found["copy_of"], found["reply"], found["waits"]) == ("copy", first, "none", False)
    assert room.recorder.automatic() == [("answer", "kari@uio.example")]


async def test_copies_that_come_together_are_one(room: Mailroom) -> None:
    """R05: in the same batch, handled side by side."""
    for number in range(8):
        await room.take_in(letter(*NB, above=f"X-Way: {number}\r\n"))
    await room.work()
    assert room.recorder.automatic() == [("answer", "kari@uio.example")]


async def test_a_mail_through_a_list_hides_none_from_the_person(room: Mailroom) -> None:
    """R05: the list's copy came first and was left in silence; the person's own must not pass for its copy."""
    content = letter(*NB)
    listed = await room.take_in(b"List-Id: <forskere.ntnu.example>\r\nPrecedence: list\r\n" + content)
    await room.work()
    assert (await room.summary(listed))["category"] == "auto" and room.recorder.sent == []
    own = await room.take_in(content)
    await room.work()
    assert (await room.summary(own))["reply"] == "answer"
    again = await room.take_in(b"List-Id: <andre.ntnu.example>\r\nPrecedence: list\r\n" + content)
    await room.work()
    assert (await room.summary(again))["reply"] == "none" and len(room.recorder.sent) == 1


async def test_two_mails_with_one_message_id_are_two(room: Mailroom) -> None:
    """R06: a Message-ID is a hint, never the key."""
    first = await room.mail(NB, identifier="<1@ntnu.example>")
    second = await room.mail(EN, identifier="<1@ntnu.example>")
    assert (first["state"], second["state"]) == ("handled", "handled") and len(room.recorder.automatic()) == 2


async def test_mails_without_message_id_are_all_kept(room: Mailroom) -> None:
    """R06"""
    contents = [letter(*what).replace(b"Message-ID", b"X-Was-Message-ID") for what in (NB, EN, UNKNOWN)]
    keys = [await room.take_in(content) for content in contents]
    await room.work()
    assert [(await room.summary(key))["state"] for key in keys] == ["handled"] * 3


async def test_a_mail_that_was_purged_does_not_come_back(room: Mailroom) -> None:
    """R36: it still lies on the server, and a restart compares the whole folder; its key stays known when its content is gone."""
    content, key = letter(*NB), "imap:INBOX:7:1"
    await room.take_in(content, key=key, source="imap")
    await room.work()
    rules = KeepingRules(dict.fromkeys(("faq", "other", "auto"), 30), require_archive=False)
    room.now += 400 * DAY
    assert await room.parts.store.write(lambda tx: tx.purge([key], rules, room.now, actor="test", why="retention")) == 1  # type: ignore[attr-defined]
    assert key in await room.parts.store.read(lambda tx: tx.known_keys("imap:INBOX:7:"))
    assert not await pipeline.receive(room.parts, Raw(key, content, room.now, "imap"))
    await room.work()
    with pytest.raises(KeyError):
        await room.parts.store.read(lambda tx: tx.raw(key))
    assert len(room.recorder.sent) == 1


# ── age ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_after_three_days_of_downtime_only_what_is_fresh_is_answered(room: Mailroom) -> None:
    """R11: all is taken in; older mail goes to a person, for an answer that comes days late helps nobody by itself."""
    found = {}
    for days in (0, 1, 2.9, 3.1, 5, 400):
        mail = (f"{NB[0]} {days}", NB[1])
        found[days] = await room.mail(mail, sender=f"K <k{days}@ntnu.example>", received=MONDAY - days * DAY, source="imap")
    assert {days: row["reply"] for days, row in found.items()} == {
        0: "answer", 1: "answer", 2.9: "answer", 3.1: "none", 5: "none", 400: "none",
    }  # fmt: skip
    assert [row["waits"] for row in found.values()] == [False] * 3 + [True] * 3
    assert [mail.kind for mail in room.recorder.to("postmottak@ssb.example")] == ["forward"] * 3


async def test_a_full_mailbox_at_the_first_start_gets_no_replies(room: Mailroom) -> None:
    """R09: recorded and routed, never answered."""
    for number in range(40):
        await room.take_in(letter(f"{NB[0]} {number}", NB[1]), received=MONDAY - timedelta(days=10 + number), source="imap")
    await room.work()
    assert room.recorder.automatic() == []
    figures = await room.parts.store.read(lambda tx: tx.counts(room.now))
    assert figures["handled"] == 40 == figures["for_person"]


# ── loops ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("what", [NB, UNKNOWN, DELETED], ids=["faq", "other", "deletion"])
async def test_two_assistants_that_write_to_each_other_stop_at_one_mail(opened: Open, what: tuple[str, str]) -> None:
    """R16: ours and one like ours at another agency; the first mail even comes under the other's own address."""
    other_address = "mikrodata@fhi.example"
    routing = {"fallback": "post@fhi.example", "intake": ""}
    async with opened() as ours, opened(service={"address": other_address, "colleagues": ("fhi.example",)}, routing=routing) as theirs:
        content, at_home, mails = letter(*what, sender=f"FHI <{other_address}>"), ours, 0
        for _ in range(6):
            await at_home.take_in(content)
            before = len(at_home.recorder.sent)
            await at_home.work()
            away = [mail for mail in at_home.recorder.sent[before:] if mail.recipient in (SERVICE, other_address)]
            if not away:
                break
            mails += len(away)
            content, at_home = away[0].content, theirs if at_home is ours else ours
        assert mails <= 1


@pytest.mark.parametrize(
    ("sender", "headers"),
    [
        (f"Mikrodata <{SERVICE}>", {}),
        (f"Mikrodata <{SERVICE.upper()}>", {}),
        (KARI, {"Reply-To": SERVICE}),
        (KARI, {"Cc": SERVICE, "Reply-To": f"{SERVICE}, kari@uio.example"}),
    ],
    ids=["from", "from-in-capitals", "reply-to", "cc-and-reply-to"],
)
async def test_our_own_address_is_never_written_to(room: Mailroom, sender: str, headers: dict[str, str]) -> None:
    """R16: as sender, in Cc, in Reply-To."""
    for what in (NB, DELETED, UNKNOWN):
        await room.mail(what, sender=sender, headers=headers, proven=True)
    assert SERVICE not in {mail.recipient.lower() for mail in room.recorder.sent}


async def test_our_own_mail_that_is_redirected_back_is_known(room: Mailroom) -> None:
    """R16: with our loop header, under whatever From a redirection has put there."""
    await room.mail(NB)
    (answer,) = room.recorder.sent
    key = await room.take_in(answer.content.replace(SERVICE.encode(), b"videresendt@ntnu.example"))
    await room.work()
    assert (await room.summary(key))["category"] == "auto" and len(room.recorder.sent) == 1


@given(st.sampled_from(Category), st.booleans(), st.sampled_from(["bounce", "out-of-office", "list", "own", "notice"]), st.booleans())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_step_that_answers_stands_before_the_question_whether_a_machine_wrote(
    model: Model, category: Category, bounce: bool, kind: str, colleague: bool
) -> None:
    """R40: by construction; whatever else is true of a machine's mail, it gets no reply and changes no register."""
    sender = Address("X", "x@ssb.example" if colleague else "x@ntnu.example")
    message = Message("<1@x.example>", sender, "S", "t", "t", automatic=Automatic(kind, "rule", "RFC 3834", "header"))
    understood = Understanding(category, 1.0, "nb", faq="price", faqs=("price",), faq_confidence=1.0)  # type: ignore[arg-type]
    raw = Raw("k", b"", MONDAY, "smtp")
    decision = decide(Facts(raw, message, understood, Findings(), Past(), Policy(), model.assurance, MONDAY))
    assert decision.reply is Reply.NONE and decision.category is Category.AUTO
    assert not {"answer", "receipt", "register"} & {action.act.value for action in decision.actions}


# ── trust ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("proven", [None, False], ids=["no-result", "dmarc-fail"])
async def test_a_forged_researcher_with_the_right_case_number_changes_nothing(room: Mailroom, proven: bool | None) -> None:
    """R18: shown as unverified; the register says to-check at most, the case stays as it was."""
    before = await room.parts.store.read(lambda tx: tx.case("24/1187"))
    found = await room.mail(DELETED, sender=OLA, proven=proven)
    assert found["trust"] == "unverified"
    assert {row["verdict"] for row in await room.parts.store.read(lambda tx: tx.deletions())} <= {"to-check", "rejected"}
    assert await room.parts.store.read(lambda tx: tx.confirmed_deletions()) == frozenset()
    assert await room.parts.store.read(lambda tx: tx.case("24/1187")) == before
    assert [text_of(mail.content).strip().splitlines()[0] for mail in room.recorder.to("sara@ssb.example")]


async def test_the_real_one_is_confirmed(room: Mailroom) -> None:
    """R18, the other side: the test above would also pass if nothing were ever confirmed."""
    found = await room.mail(DELETED, sender=OLA, proven=True)
    assert (found["trust"], found["case"]) == ("verified-sender", "24/1187")
    assert await room.parts.store.read(lambda tx: tx.confirmed_deletions()) == frozenset({"24/1187"})


async def test_a_stranger_with_the_right_in_reply_to_is_a_suggestion(room: Mailroom) -> None:
    """R19: a leaked Message-ID opens no case."""
    await room.mail(CASE, sender=OLA, proven=True)
    ours = room.recorder.to("ola.hansen@ntnu.example")[0].message_id
    before = await room.parts.store.read(lambda tx: tx.case("24/1187"))
    found = await room.mail(
        ("Re: saken", "Hei,\n\nher er det dere ba om.\n\nX\n"), sender="X <x@fremmed.example>", proven=True, headers={"In-Reply-To": ours}
    )
    assert found["case"] == "" and "sender-not-of-the-case" in found["reasons"] and found["waits"]
    assert await room.parts.store.read(lambda tx: tx.case("24/1187")) == before


@pytest.mark.parametrize(
    ("reply_to", "proven", "recipient"),
    [
        ("kari.privat@uio.example", True, "kari.privat@uio.example"),
        ("kari.privat@uio.example", None, "kari@uio.example"),
        ("kari@annet.example", True, "kari@uio.example"),
        ("kari@uio.example.annet.example", True, "kari@uio.example"),
    ],
)
async def test_reply_to(room: Mailroom, reply_to: str, proven: bool | None, recipient: str) -> None:
    """R21: identity is From; the answer goes to Reply-To only at the same, verified domain."""
    found = await room.mail(NB, headers={"Reply-To": reply_to}, proven=proven)
    assert room.recorder.automatic() == [("answer", recipient)] and found["sender"] == "kari@uio.example"


async def test_reply_to_gives_no_trust(room: Mailroom) -> None:
    """R21: a contact's address in Reply-To makes nobody a contact."""
    found = await room.mail(DELETED, sender="X <x@fremmed.example>", proven=True, headers={"Reply-To": "ola.hansen@ntnu.example"})
    assert found["trust"] == "unverified"
    assert await room.parts.store.read(lambda tx: tx.confirmed_deletions()) == frozenset()


async def test_nobody_in_copy_is_written_to(room: Mailroom) -> None:
    """R24: reply-all with outsiders in Cc: we answer the sender only."""
    await room.mail(NB, headers={"Cc": "ola@ntnu.example, presse@avis.example", "To": f"{SERVICE}, andre@ntnu.example"})
    (answer,) = room.recorder.sent
    parsed = email.message_from_bytes(answer.content)
    assert (answer.recipient, parsed["To"], parsed["Cc"]) == ("kari@uio.example", "kari@uio.example", None)


# ── which case ────────────────────────────────────────────────────────────────────────────────────────────────


async def thread(room: Mailroom) -> str:
    """A mail of Ola's in his case has had its receipt; returns the receipt's Message-ID."""
    await room.mail(CASE, sender=OLA, proven=True)
    return room.recorder.to("ola.hansen@ntnu.example")[0].message_id


@pytest.mark.parametrize(
    ("subject", "text", "in_thread", "case", "suspect"),
    [
        ("Re: mangler en fil", "Hei,\n\nfilen er fortsatt borte.\n\nOla\n", True, "24/1187", False),
        ("SV: Sak 24/1187: mangler en fil", "Hei,\n\nfilen er fortsatt borte.\n\nOla\n", True, "24/1187", False),
        ("VS: Sak 24/1187: mangler en fil", "Hei,\n\nse under.\n\nOla\n", False, "24/1187", False),
        ("WG: Sak 24/1187", "Hei,\n\nfilen er fortsatt borte.\n\nOla\n", False, "24/1187", False),
        ("Fwd: Sak 24/1187", "Hei,\n\nfilen er fortsatt borte.\n\nOla\n", False, "24/1187", False),
        ("Re: Sak 23/456", "Hei,\n\nfilen i sak 23/456 mangler.\n\nOla\n", True, "", True),
        ("Sak 24/1187 og 23/456", "Hei,\n\nfilene mangler i begge.\n\nOla\n", False, "24/1187", True),
        ("Sak 99/9999", "Hei,\n\nfilen i sak 99/9999 mangler.\n\nOla\n", False, "", True),
    ],
    ids=["number-removed", "SV", "VS", "WG", "Fwd", "another-case", "two-numbers", "unknown-number"],
)
async def test_the_right_case_or_a_person(room: Mailroom, subject: str, text: str, in_thread: bool, case: str, suspect: bool) -> None:
    """R22: never silently the wrong case."""
    await room.register(("23/456", NTNU))
    headers = {"In-Reply-To": await thread(room)} if in_thread else {}
    found = await room.mail((subject, text), sender=OLA, proven=True, headers=headers)
    assert found["case"] == case
    assert found["waits"]
    if suspect:
        assert set(found["reasons"]) & {"several-references", "case-suggested", "reference-not-in-register"}, found["reasons"]


@pytest.mark.parametrize("sender", ["Lise Berg <lise.berg@ntnu.example>", "Ola Hansen <ola@medisin.ntnu.example>"])
async def test_a_colleague_in_copy_answers_under_his_own_name(room: Mailroom, sender: str) -> None:
    """R23: a colleague at the same institution, or a new address of it: linked, booked under the real sender."""
    found = await room.mail(
        ("Re: mangler en fil", "Hei,\n\njeg svarer for Ola: det gjelder 2019.\n\nHilsen\n"),
        sender=sender,
        proven=True,
        headers={"In-Reply-To": await thread(room), "Cc": "ola.hansen@ntnu.example"},
    )
    address = sender.partition("<")[2].rstrip(">")
    assert (found["case"], found["sender"], found["trust"]) == ("24/1187", address, "verified-domain")
    assert [mail.recipient for mail in room.recorder.sent if b"lise.berg" in mail.content or b"medisin" in mail.content] != []


# ── deletions ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_confirmation_inside_the_quoted_reminder_is_none(room: Mailroom) -> None:
    """R26"""
    text = (
        "Hei,\n\nhvor sender jeg bekreftelsen?\n\nOla\n\nOn Mon, 23 Feb 2026 at 10:00, SSB <mikrodata@ssb.example> wrote:\n"
        "> Hei,\n>\n> svar gjerne slik: «Vi bekrefter at alle data i sak 24/1187 er slettet.»\n"
    )
    await room.mail(("Re: Påminnelse om sletting, sak 24/1187", text), sender=OLA, proven=True)
    assert await room.parts.store.read(lambda tx: tx.confirmed_deletions()) == frozenset()


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Sletting, sak 24/1187", "Hei,\n\nvi har ikke slettet dataene i sak 24/1187 ennå.\n\nOla\n"),
        ("Sletting, sak 24/1187", "Hei,\n\nvi skal slette dataene i sak 24/1187 i juni.\n\nOla\n"),
        ("Sletting, sak 24/1187", "Hei,\n\ndeler av dataene i sak 24/1187 er slettet, resten beholder vi til artikkelen er ute.\n\nOla\n"),
        ("Sletting, sak 24/1187 og 23/456", "Hei,\n\ndataene i sak 24/1187 og 23/456 er slettet.\n\nOla\n"),
        ("Sletting, sak 24/1187", "Hei,\n\ner dataene i sak 24/1187 slettet hos dere?\n\nOla\n"),
    ],
    ids=["not-yet", "in-june", "partly", "two-cases", "question"],
)
async def test_what_is_not_deleted_is_never_confirmed(room: Mailroom, subject: str, text: str) -> None:
    """R27"""
    await room.register(("23/456", NTNU))
    found = await room.mail((subject, text), sender=OLA, proven=True)
    assert await room.parts.store.read(lambda tx: tx.confirmed_deletions()) == frozenset()
    assert found["waits"] and found["reply"] != "answer"


async def test_a_confirmation_with_a_question_is_both(room: Mailroom) -> None:
    """R28: the deletion is in the register, and the question reaches a person (or its answer is drafted), with the reason."""
    text = f"{DELETED[1].removesuffix('Ola' + chr(10))}\nVi har fått et tilbud fra dere i en annen sak. Hvem hos oss kan skrive under på det?\n\nOla\n"
    found = await room.mail((DELETED[0], text), sender=OLA, proven=True)
    assert (found["category"], found["case"], found["waits"]) == ("deletion", "24/1187", True)
    assert len(await room.parts.store.read(lambda tx: tx.deletions())) == 1
    assert "more-than-one-matter" in found["reasons"]
    assert [mail.kind for mail in room.recorder.to("sara@ssb.example")] == ["forward"]


# ── sending ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_refusal_for_now_is_repeated_later_with_the_same_bytes(room: Mailroom) -> None:
    """R34: 4xx and cuts: the outbox waits longer each time; Message-ID and bytes stay."""
    room.recorder.answers = [Delivery(Result.LATER, "451"), Delivery(Result.LATER, "SMTPServerDisconnected")]
    found = await room.mail(NB)
    assert room.recorder.sent == []
    (before,) = await room.parts.store.read(lambda tx: tx.outgoing_of(found["key"]))  # type: ignore[attr-defined]
    await room.work()
    assert room.recorder.sent == []  # not at once
    for minutes in (1, 5):
        room.now += timedelta(minutes=minutes)
        await room.work()
    (sent,) = room.recorder.sent
    assert sent.message_id == before["message_id"] and not (await room.summary(found["key"]))["waits"]


@pytest.mark.parametrize("answer", [Delivery(Result.REFUSED, "refused (550)"), RuntimeError("a defect")], ids=["5xx", "defect"])
async def test_what_was_given_up_is_seen_by_a_caseworker(room: Mailroom, answer: Delivery | Exception) -> None:
    """R34: 5xx is final: the mail comes back to the queue; a defect of a way out takes no other mail with it."""
    room.recorder.answers = [answer]
    found = await room.mail(NB)
    assert room.recorder.sent == [] and found["waits"]
    (row,) = await room.parts.store.read(lambda tx: tx.outgoing_of(found["key"]))  # type: ignore[attr-defined]
    assert row["state"] == "gave-up"
    await room.mail(EN)
    assert len(room.recorder.sent) == 1


async def test_a_bounce_of_our_answer_is_tied_to_it_and_a_person_is_told(room: Mailroom) -> None:
    """R35: no new case, no reply to the mailer daemon."""
    question = await room.mail(NB)
    (answer,) = room.recorder.sent
    bounce = (
        f"From: MAILER-DAEMON@mx.ntnu.example\r\nTo: {SERVICE}\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        "Message-ID: <dsn@mx.ntnu.example>\r\nDate: Mon, 02 Mar 2026 10:20:00 +0100\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nThe mail could not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.ntnu.example\r\n\r\n"
        f"Final-Recipient: rfc822; {answer.recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {answer.message_id}\r\nSubject: Re\r\n--b--\r\n"
    ).encode()
    key = await room.take_in(bounce)
    await room.work()
    found = await room.summary(key)
    assert (found["category"], found["reply"], found["waits"]) == ("auto", "none", True)
    assert "our-mail-bounced" in found["reasons"]
    assert [(mail.kind, mail.recipient) for mail in room.recorder.sent[1:]] == [("forward", "postmottak@ssb.example")]
    assert question["key"] != key


async def test_pace() -> None:
    """``per_minute`` holds in any window: the third of two waits for the window's end, and only that long."""
    pace, loop = Pace(2, seconds=0.3), asyncio.get_running_loop()
    began, times = loop.time(), []
    for _ in range(5):
        await pace.wait()
        times.append(loop.time() - began)
    assert times[2] >= 0.3 and times[4] >= 0.6


async def test_the_outbox_keeps_the_pace(room: Mailroom) -> None:
    room.parts.per_minute = 3
    for number in range(5):
        await room.take_in(letter(f"{NB[0]} {number}", NB[1], sender=f"K <k{number}@ntnu.example>"))
    while await pipeline.handle_waiting(room.parts):
        pass
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1.5):
            await pipeline.deliver_forever(room.parts)
    assert len(room.recorder.sent) == 3
    await room.parts.store.write(lambda tx: tx.release_claims())


async def test_a_stop_waits_for_the_mail_that_is_on_its_way_and_takes_no_other(room: Mailroom) -> None:
    """The relay has it: that must be written down, or it goes out once more."""
    begun, ended = asyncio.Event(), asyncio.Event()

    @dataclass
    class Slow(Recorder):
        async def send(self, mail: Outgoing) -> Delivery:
            begun.set()
            await ended.wait()
            return await super().send(mail)

    room.parts.sender = Slow()
    for number in range(2):
        await room.take(letter(*UNKNOWN, sender=f"n{number}@uio.example"))
    waiting = len(await room.outbox("waiting"))
    delivering = asyncio.create_task(pipeline.deliver_forever(room.parts))
    await begun.wait()
    delivering.cancel()
    await asyncio.sleep(0.05)
    assert not delivering.done()
    ended.set()
    with pytest.raises(asyncio.CancelledError):
        await delivering

    assert len(room.recorder.sent) == 1 and waiting > 1
    assert [row["message_id"] for row in await room.outbox("sent")] == [room.recorder.sent[0].message_id]
    assert len(await room.outbox("waiting")) == waiting - 1


async def test_a_stop_does_not_wait_for_the_minute_to_be_over(opened: Open) -> None:
    async with opened() as room:
        room.parts.per_minute = 1
        for number in range(2):
            await room.take(letter(*UNKNOWN, sender=f"n{number}@uio.example"))
        delivering = asyncio.create_task(pipeline.deliver_forever(room.parts))
        async with asyncio.timeout(20):
            while not await room.outbox("sending") or not room.recorder.sent:
                await asyncio.sleep(0.01)
            delivering.cancel()
            with pytest.raises(asyncio.CancelledError):
                await delivering
        assert len(room.recorder.sent) == 1


# ── language ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("what", "language"), [(NB, "nb"), (NN, "nn"), (EN, "en")], ids=["nb", "nn", "en"])
async def test_the_answer_is_in_the_form_of_the_question(room: Mailroom, what: tuple[str, str], language: str) -> None:
    """R37"""
    found = await room.mail(what)
    assert (found["reply"], found["language"]) == ("answer", language)
    words = set(text_of(room.recorder.sent[0].content).lower().split())
    marks = {"nb": {"ikke", "dere", "et"}, "nn": {"ikkje", "dykk", "eit"}, "en": {"the", "you", "this"}}
    assert {form for form, marked in marks.items() if marked & words} == {language}


@pytest.mark.parametrize("text", ["Vedlagt", "Hei igjen"])
async def test_what_is_too_short_to_tell_gets_both_forms(room: Mailroom, text: str) -> None:
    """R37: språklova § 15"""
    await room.mail(("Data", f"{text}\n"), sender="B <b@uib.example>")
    (receipt,) = room.recorder.to("b@uib.example")
    words = set(text_of(receipt.content).lower().split())
    assert {"bare", "berre"} <= words


async def test_danish_is_read_as_bokmaal(room: Mailroom) -> None:
    """R37"""
    found = await room.mail(
        ("Udlevering", "Hej,\n\nhvad koster det at få udleveret data til et forskningsprojekt?\n\nVenlig hilsen\nMette\n")
    )
    assert found["language"] == "nb"
