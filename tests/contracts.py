"""What every store must keep, whatever it is built on: subclass ``StoreContract``, give it a ``store`` fixture and ``tamper``."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from bot.model import (
    Act,
    Action,
    Address,
    CaseMatch,
    Category,
    Decision,
    DeletionEntry,
    Delivery,
    Examined,
    Findings,
    Language,
    Message,
    Mode,
    Outgoing,
    Past,
    Raw,
    Reason,
    Reply,
    Result,
    Trust,
    Understanding,
    Verdict,
)
from bot.senders import Sender
from bot.sources import Source
from bot.store import Store, StoreUnavailable

NOW = datetime(2026, 3, 2, 8, 15, 0, 123456, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
KARI = Address("Kari Lund", "kari.lund@uio.example")
LATER, SENT, REFUSED = (Delivery(result, code) for result, code in ((Result.LATER, "450"), (Result.SENT, "250"), (Result.REFUSED, "550")))


# ── values ────────────────────────────────────────────────────────────────────────────────────────────────────


def raw(number: int = 1, *, received: datetime = NOW, source: str = "smtp", **more: Any) -> Raw:
    """A mail as it came, with bytes that no text codec takes."""
    return Raw(f"sha256:{number:04d}", b"Subject: %d\r\n\r\n\x00\xff\xfe text" % number, received, source, **more)


def message(number: int = 1, **more: Any) -> Message:
    """The same mail, read."""
    values: dict[str, Any] = {
        "message_id": f"<{number}@uio.example>",
        "sender": KARI,
        "subject": f"Spørsmål {number}",
        "text": "Hei, hvem kan signere?",
        "own": "Hei, hvem kan signere?",
        "content_hash": f"hash-{number}",
    }
    return Message(**{**values, **more})


UNDERSTOOD = Understanding(Category.OTHER, 0.9, Language.NB)
NOTHING = Decision(Category.OTHER, (), Reply.NONE, (Reason.UNSURE,), Mode.AUTO, True, "other")


def outgoing(number: int = 1, kind: str = "receipt", **more: Any) -> Outgoing:
    """A finished mail."""
    values: dict[str, Any] = {"mail_key": "", "automatic": kind in ("answer", "receipt"), "topics": ("deletion",), "meta": {"a": 1}}
    content = b"Message-ID: <out-%d@ssb.example>\r\n\r\ntext\xff" % number
    return Outgoing(f"<out-{number}@ssb.example>", kind, "", KARI.address, content, **{**values, **more})


def record(tx: Any, number: int = 1, *, now: datetime = NOW, mails: tuple[Outgoing, ...] = (), mirror: str = "", **parts: Any) -> None:
    """Record mail ``number``; ``parts`` replaces what was read, understood, found or decided."""
    tx.record(
        f"sha256:{number:04d}",
        parts.get("message", message(number)),
        Examined(),
        parts.get("understanding", UNDERSTOOD),
        parts.get("findings", Findings()),
        parts.get("decision", NOTHING),
        mails,
        now,
        mirror=mirror,
        versions={"knowledge": "1"},
    )


def past(tx: Any, number: int, now: datetime = NOW, **more: Any) -> Past:
    """What is known around mail ``number``."""
    found: Past = tx.past(f"sha256:{number:04d}", message(number, **more), UNDERSTOOD, now)
    return found


class StoreContract:
    """The tests. ``store`` is a fixture of the subclass: an empty store, opened, closed at the end."""

    async def tamper(self, store: Store) -> None:
        """Change one entry of the audit log behind the store's back."""
        raise NotImplementedError

    # ① receive ────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_a_mail_arrives_once(self, store: Store) -> None:
        assert await store.write(lambda tx: tx.arrive(raw(1)))
        assert not await store.write(lambda tx: tx.arrive(raw(1)))
        assert await store.read(lambda tx: tx.waiting(10)) == ["sha256:0001"]

    async def test_a_known_key_changes_nothing(self, store: Store) -> None:
        first = raw(1, envelope_from="", envelope_to=("mikrodata@ssb.example",))
        await store.write(lambda tx: tx.arrive(first))
        other = replace(first, content=b"something else", received=NOW + DAY, source="lmtp", envelope_from="x@y.example")
        assert not await store.write(lambda tx: tx.arrive(other))
        assert await store.read(lambda tx: tx.raw(first.key)) == first

    @pytest.mark.parametrize("envelope_from", [None, "", "kari@uio.example"])
    async def test_bytes_and_envelope_come_back_as_they_were(self, store: Store, envelope_from: str | None) -> None:
        arrived = Raw("imap:Søk:1:7", bytes(range(256)) * 40, NOW, "imap", envelope_from, ("a@ssb.example", "ø@ssb.example"))
        await store.write(lambda tx: tx.arrive(arrived))
        assert await store.read(lambda tx: tx.raw(arrived.key)) == arrived

    async def test_keys_by_prefix(self, store: Store) -> None:
        keys = ["imap:INBOX:1:1", "imap:INBOX:1:2", "imap:INBOX:10:3", "imap:INBOX:2:1", "sha256:ab"]
        for key in keys:
            await store.write(lambda tx, key=key: tx.arrive(replace(raw(1), key=key)))
        assert await store.read(lambda tx: tx.known_keys("imap:INBOX:1:")) == {"imap:INBOX:1:1", "imap:INBOX:1:2"}

    # ② handle ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_the_oldest_waits_first(self, store: Store) -> None:
        for number, minutes in ((1, 3), (2, 1), (3, 2), (4, 1)):
            await store.write(lambda tx, n=number, m=minutes: tx.arrive(raw(n, received=NOW + m * MINUTE)))
        assert await store.read(lambda tx: tx.waiting(3)) == ["sha256:0002", "sha256:0004", "sha256:0003"]

    async def test_starts_are_counted_and_kept(self, store: Store) -> None:
        await store.write(lambda tx: tx.arrive(raw(1)))
        assert [await store.write(lambda tx: tx.start("sha256:0001")) for _ in range(3)] == [1, 2, 3]
        for work in (lambda tx: tx.start("unknown"), lambda tx: tx.raw("unknown"), lambda tx: tx.summary("unknown")):
            with pytest.raises(KeyError):
                await store.write(work)

    async def test_a_mail_is_recorded_once(self, store: Store) -> None:
        await store.write(lambda tx: tx.arrive(raw(1)))
        await store.write(lambda tx: record(tx, 1, mails=(outgoing(1),)))
        assert await store.read(lambda tx: tx.waiting(10)) == []
        with pytest.raises(ValueError, match="recorded already"):
            await store.write(lambda tx: record(tx, 1, mails=(outgoing(2),)))
        with pytest.raises(ValueError, match="recorded already"):
            await store.write(lambda tx: tx.record_failure("sha256:0001", "not-understood", (), NOW))
        with pytest.raises(ValueError, match="unknown"):
            await store.write(lambda tx: record(tx, 2))
        assert (await store.write(lambda tx: tx.claim(NOW, paused=False))).message_id == outgoing(1).message_id
        assert await store.write(lambda tx: tx.claim(NOW, paused=False)) is None

    async def test_all_that_follows_is_written_together_or_not_at_all(self, store: Store) -> None:
        await store.write(lambda tx: tx.arrive(raw(1, source="imap")))

        def dies(tx: Any) -> None:
            record(tx, 1, mails=(outgoing(1),), mirror="other")
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await store.write(dies)
        assert await store.read(lambda tx: tx.waiting(10)) == ["sha256:0001"]
        assert await store.write(lambda tx: tx.claim(NOW, paused=False)) is None
        assert await store.read(lambda tx: tx.mirror_due(NOW, 10)) == []
        assert await store.read(lambda tx: tx.audit_head()[0]) == 0

        await store.write(lambda tx: record(tx, 1, mails=(outgoing(1, mail_key="sha256:0001"),), mirror="other"))
        assert await store.read(lambda tx: tx.mirror_due(NOW, 10)) == [("sha256:0001", "other")]
        assert [row["state"] for row in await store.read(lambda tx: tx.outgoing_of("sha256:0001"))] == ["waiting"]
        assert [event["kind"] for event in await store.read(lambda tx: tx.events_of("sha256:0001"))] == ["decided"]
        assert await store.read(lambda tx: tx.summary("sha256:0001")["reasons"]) == ["below-threshold"]

    async def test_a_failure_waits_for_a_person_with_its_bytes(self, store: Store) -> None:
        await store.write(lambda tx: tx.arrive(raw(1)))
        await store.write(lambda tx: tx.record_failure("sha256:0001", "not-understood", ("X at y",), NOW, mirror="quarantine"))
        summary = await store.read(lambda tx: tx.summary("sha256:0001"))
        assert (summary["state"], summary["category"], summary["reply"], summary["reasons"]) == (
            "failed",
            "other",
            "none",
            ["not-understood"],
        )
        assert (await store.read(lambda tx: tx.raw("sha256:0001"))).content == raw(1).content
        assert [row["key"] for row in await store.read(lambda tx: tx.open_since(NOW + MINUTE))] == ["sha256:0001"]
        assert await store.read(lambda tx: tx.mirror_due(NOW, 10)) == [("sha256:0001", "quarantine")]

    async def test_a_copy_is_linked_to_the_first(self, store: Store) -> None:
        for number in (1, 2, 3, 4):
            await store.write(lambda tx, n=number: tx.arrive(raw(n)))
        await store.write(lambda tx: record(tx, 1))
        same = {"message_id": "<1@uio.example>", "content_hash": "hash-1"}
        copy = replace(NOTHING, actions=(Action(Act.LINK),), reasons=(Reason.COPY,))
        for number in (2, 3):  # the third is a copy of the first, not of the second
            assert (await store.read(lambda tx, n=number: past(tx, n, **same))).copy_of == "sha256:0001"
            await store.write(lambda tx, n=number: record(tx, n, message=message(n, **same), decision=copy))
            row = await store.read(lambda tx, n=number: tx.summary(f"sha256:{n:04d}"))
            assert (row["state"], row["copy_of"]) == ("copy", "sha256:0001")
        assert (await store.read(lambda tx: past(tx, 4, content_hash="hash-1"))).copy_of == ""  # another Message-ID
        assert (await store.read(lambda tx: past(tx, 4, message_id="<1@uio.example>"))).copy_of == ""  # another content (R06)

    async def test_mails_without_message_id_are_copies_only_with_a_date(self, store: Store) -> None:
        dated = {"message_id": "", "content_hash": "h", "date": NOW}
        await store.write(lambda tx: tx.arrive(raw(1)))
        await store.write(lambda tx: record(tx, 1, message=message(1, **dated)))
        assert (await store.read(lambda tx: past(tx, 2, **dated))).copy_of == "sha256:0001"
        assert (await store.read(lambda tx: past(tx, 2, **{**dated, "date": None}))).copy_of == ""

    async def test_the_past_of_a_mail(self, store: Store) -> None:
        contact = {"contacts": (KARI.address,), "domains": ("uio.example",)}
        rows = [("24/1", contact), ("24/2", {**contact, "state": "closed"}), ("24/3", {"domains": ("io.example",)})]
        await store.write(lambda tx: tx.upsert_cases(rows, NOW))
        await store.write(lambda tx: tx.arrive(raw(1)))
        linked = Findings(match=CaseMatch("24/1", "reference", True))
        ours = replace(outgoing(1, mail_key="sha256:0001"), recipient="Kari.Lund@UIO.example")
        await store.write(lambda tx: record(tx, 1, findings=linked, mails=(ours,)))
        reply = await store.read(lambda tx: past(tx, 2, in_reply_to=(ours.message_id,)))
        assert [(sent.kind, sent.mail_key) for sent in reply.sent] == [("receipt", "sha256:0001")]
        assert reply.thread_cases == ("24/1",) and [case.case_ref for case in reply.known] == ["24/1"]
        assert [case.case_ref for case in reply.sender_cases] == ["24/1"]
        assert reply.receipt_in_thread and reply.automatic_today == 1
        other = await store.read(lambda tx: past(tx, 3, now=NOW + DAY + MINUTE, references=("<1@uio.example>",)))
        assert other.thread_cases == ("24/1",) and other.receipt_in_thread and other.automatic_today == 0 and not other.sent
        stranger = await store.read(lambda tx: past(tx, 4, sender=Address("", "x@y.example")))
        assert (stranger.thread_cases, stranger.known, stranger.sender_cases, stranger.receipt_in_thread) == ((), (), (), False)
        assert [case.case_ref for case in stranger.open_cases] == ["24/1", "24/3"]

    # ③ deliver ────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_a_mail_is_claimed_once_and_sent(self, store: Store) -> None:
        mails = [outgoing(number) for number in (1, 2)]
        for mail in mails:
            assert await store.write(lambda tx, mail=mail: tx.add_mail(mail, NOW))
        assert not await store.write(lambda tx: tx.add_mail(replace(mails[0], content=b"other"), NOW))
        claimed = [await store.write(lambda tx: tx.claim(NOW, paused=False)) for _ in range(3)]
        assert claimed == [*mails, None]
        assert await store.write(lambda tx: tx.settle(mails[0].message_id, SENT, NOW)) == "sent"
        assert await store.write(lambda tx: tx.release_claims()) == 1  # the other was left by a crash: same Message-ID, same bytes
        assert await store.write(lambda tx: tx.claim(NOW, paused=False)) == mails[1]
        with pytest.raises(KeyError):
            await store.write(lambda tx: tx.settle("<unknown@x>", SENT, NOW))

    async def test_drafts_never_leave_by_themselves(self, store: Store) -> None:
        await store.write(lambda tx: tx.add_mail(outgoing(1, "draft"), NOW))
        assert await store.write(lambda tx: tx.claim(NOW + DAY, paused=False)) is None

    async def test_a_mail_that_is_refused_for_now_waits_longer_each_time_and_is_given_up(self, store: Store) -> None:
        await store.write(lambda tx: tx.arrive(raw(1)))
        answered = replace(NOTHING, needs_person=False)
        await store.write(lambda tx: record(tx, 1, mails=(outgoing(1, mail_key="sha256:0001"),), decision=answered))
        mail, now, waits = outgoing(1).message_id, NOW, []
        await store.write(lambda tx: tx.claim(NOW, paused=False))
        while await store.write(lambda tx, now=now: tx.settle(mail, LATER, now)) == "waiting":
            assert await store.write(lambda tx, now=now: tx.claim(now, paused=False)) is None  # not at once
            since = now
            while await store.write(lambda tx, now=now: tx.claim(now, paused=False)) is None:
                now += (now - since) / 8 + timedelta(seconds=1)
            waits.append(now - since)
            assert len(waits) < 40, "never given up"
        assert waits[0] <= MINUTE and waits[-1] >= 60 * MINUTE
        assert all(later >= earlier for earlier, later in pairwise(waits))
        assert DAY < sum(waits, timedelta()) < 5 * DAY  # RFC 5321 § 4.5.4.1: four to five days at most
        assert await store.write(lambda tx: tx.claim(now + 30 * DAY, paused=False)) is None
        assert [row["key"] for row in await store.read(lambda tx: tx.open_since(NOW + MINUTE))] == ["sha256:0001"]
        assert "gave-up" in [event["kind"] for event in await store.read(lambda tx: tx.events_of(outgoing(1).message_id))]
        assert (await store.read(lambda tx: tx.counts(now)))["gave_up"] == 1

    async def test_a_refused_mail_is_given_up_at_once_and_can_be_tried_again(self, store: Store) -> None:
        await store.write(lambda tx: tx.add_mail(outgoing(1), NOW))
        await store.write(lambda tx: tx.claim(NOW, paused=False))
        assert await store.write(lambda tx: tx.settle(outgoing(1).message_id, REFUSED, NOW)) == "gave-up"
        assert await store.write(lambda tx: tx.retry(outgoing(1).message_id, "eva", NOW))
        assert await store.write(lambda tx: tx.claim(NOW, paused=False)) == outgoing(1)

    async def test_while_paused_only_our_own_people_get_mail(self, store: Store) -> None:
        for number, kind in enumerate(("receipt", "answer", "reminder", "forward", "alarm", "person"), 1):
            await store.write(lambda tx, n=number, kind=kind: tx.add_mail(outgoing(n, kind), NOW))
        kinds = [claimed.kind for _ in range(4) if (claimed := await store.write(lambda tx: tx.claim(NOW, paused=True)))]
        assert kinds == ["forward", "alarm", "person"]
        assert (await store.write(lambda tx: tx.claim(NOW, paused=False))).kind == "receipt"

    async def test_what_is_held_for_more_than_a_day_goes_to_a_person(self, store: Store) -> None:
        await store.write(lambda tx: tx.arrive(raw(1)))
        mails = (outgoing(1, "answer", mail_key="sha256:0001"), outgoing(2, "forward", mail_key="sha256:0001"))
        await store.write(lambda tx: record(tx, 1, mails=mails, decision=replace(NOTHING, needs_person=False)))
        assert await store.write(lambda tx: tx.expire_held(NOW + DAY)) == 0
        assert await store.write(lambda tx: tx.expire_held(NOW + DAY + MINUTE)) == 1
        assert [row["key"] for row in await store.read(lambda tx: tx.open_since(NOW + MINUTE))] == ["sha256:0001"]
        assert (await store.write(lambda tx: tx.claim(NOW + 2 * DAY, paused=False))).kind == "forward"
        assert await store.write(lambda tx: tx.claim(NOW + 2 * DAY, paused=False)) is None

    # ④ mirror ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_a_decision_is_shown_once_and_retried_until_then(self, store: Store) -> None:
        for number in (1, 2, 3):
            await store.write(lambda tx, n=number: tx.arrive(raw(n)))
            await store.write(lambda tx, n=number: record(tx, n, mirror="faq" if n < 3 else ""))
        assert await store.read(lambda tx: tx.mirror_due(NOW, 10)) == [("sha256:0001", "faq"), ("sha256:0002", "faq")]
        assert len(await store.read(lambda tx: tx.mirror_due(NOW, 1))) == 1
        await store.write(lambda tx: tx.mirrored("sha256:0001", "retry", NOW))
        await store.write(lambda tx: tx.mirrored("sha256:0002", "gone", NOW))
        assert await store.read(lambda tx: tx.mirror_due(NOW, 10)) == []
        assert await store.read(lambda tx: tx.mirror_due(NOW + MINUTE, 10)) == [("sha256:0001", "faq")]
        await store.write(lambda tx: tx.mirrored("sha256:0001", "retry", NOW))
        assert await store.read(lambda tx: tx.mirror_due(NOW + MINUTE / 2, 10)) == []  # waits longer the second time
        await store.write(lambda tx: tx.mirrored("sha256:0001", "moved", NOW))
        assert await store.read(lambda tx: tx.mirror_due(NOW + 30 * DAY, 10)) == []

    # registers ────────────────────────────────────────────────────────────────────────────────────────────────

    async def test_cases_are_upserted_by_reference(self, store: Store) -> None:
        first = {"title": "Arbeid", "domains": ("uio.example",), "deletion_due": date(2026, 5, 1), "caseworker": "eva@ssb.example"}
        assert await store.write(lambda tx: tx.upsert_cases([("24/1187", first), ("23/5", {})], NOW)) == 2
        assert await store.write(lambda tx: tx.upsert_cases([("24/1187", first), ("23/5", {})], NOW)) == 0
        assert (
            await store.write(lambda tx: tx.upsert_cases([("24/1187", {"title": "", "state": "closed", "deletion_due": None})], NOW)) == 1
        )
        case = await store.read(lambda tx: tx.case("24/1187"))
        assert (case.title, case.state, case.deletion_due) == ("", "closed", None)  # an empty cell clears
        assert (case.domains, case.caseworker) == (("uio.example",), "eva@ssb.example")  # a missing column leaves
        assert [case.case_ref for case in await store.read(lambda tx: tx.cases())] == ["24/1187", "23/5"]
        assert await store.read(lambda tx: tx.case("99/1")) is None

    async def test_deletions_keep_their_history(self, store: Store) -> None:
        await store.write(lambda tx: tx.arrive(raw(1)))
        entry = DeletionEntry(
            "24/1187",
            Verdict.TO_CHECK,
            "Vi har slettet.",
            "text",
            Trust.UNVERIFIED,
            False,
            True,
            date(2026, 3, 1),
            ("12/3",),
            (Reason.UNVERIFIED,),
        )
        register = replace(NOTHING, category=Category.DELETION, actions=(Action(Act.REGISTER),))
        await store.write(lambda tx: record(tx, 1, findings=Findings(deletions=(entry,)), decision=register))
        (row,) = await store.read(lambda tx: tx.deletions())
        assert (row["case_ref"], row["verdict"], row["trust"], row["deleted_on"]) == ("24/1187", "to-check", "unverified", "2026-03-01")
        assert (row["sender"], row["message_id"], row["sentence"]) == (KARI.address, "<1@uio.example>", "Vi har slettet.")
        assert row["serial_numbers"] == ["12/3"] and await store.read(lambda tx: tx.confirmed_deletions()) == frozenset()
        assert await store.write(lambda tx: tx.set_verdict(row["id"], Verdict.CONFIRMED, "ringte", NOW + DAY, actor="eva"))
        assert not await store.write(lambda tx: tx.set_verdict(99, Verdict.CONFIRMED, "", NOW, actor="eva"))
        history = (await store.read(lambda tx: tx.deletion_history()))[row["id"]]
        assert [(step["verdict"], step["actor"]) for step in history] == [("to-check", "bot"), ("confirmed", "eva")]
        assert await store.read(lambda tx: tx.confirmed_deletions()) == frozenset({"24/1187"})
        assert (await store.read(lambda tx: tx.deletions()))[0]["concluded_by"] == "eva"

    async def test_nothing_is_registered_unless_the_decision_asks(self, store: Store) -> None:
        await store.write(lambda tx: tx.arrive(raw(1)))
        entry = DeletionEntry("24/1", Verdict.CONFIRMED, "Slettet.", "text", Trust.SENDER, False, None, None)
        await store.write(lambda tx: record(tx, 1, findings=Findings(deletions=(entry,))))
        assert await store.read(lambda tx: tx.deletions()) == []

    # switches, figures, audit ─────────────────────────────────────────────────────────────────────────────────

    async def test_flags(self, store: Store) -> None:
        assert await store.read(lambda tx: tx.get_flag("paused")) == ""
        for value in ("1", "1", "0"):
            await store.write(lambda tx, value=value: tx.set_flag("paused", value, NOW))
        await store.write(lambda tx: tx.set_flag("last_idle", "x", NOW))
        assert await store.read(lambda tx: (tx.get_flag("paused"), tx.get_flag("last_idle"))) == ("0", "x")
        assert [event["kind"] for event in await store.read(lambda tx: tx.events_of("service"))] == ["paused", "resumed"]

    async def test_a_pause_keeps_its_first_reason(self, store: Store) -> None:
        reason = lambda: store.read(lambda tx: tx.paused_by())  # noqa: E731
        assert await reason() == ""
        assert await store.write(lambda tx: tx.pause("too-many-in-an-hour", NOW))
        assert not await store.write(lambda tx: tx.pause("by-hand", NOW))
        assert (await reason(), await store.read(lambda tx: tx.get_flag("paused"))) == ("too-many-in-an-hour", "1")
        await store.write(lambda tx: tx.set_flag("paused", "0", NOW))
        assert await reason() == ""
        await store.write(lambda tx: tx.set_flag("paused", "1", NOW))
        assert await reason() == "by-hand"
        events = await store.read(lambda tx: tx.events_of("service"))
        assert [event["facts"] for event in events] == ['{"reason":"too-many-in-an-hour"}', "{}", '{"reason":"by-hand"}']

    async def test_automatic_mails_of_an_hour_are_counted_from_the_last_resume(self, store: Store) -> None:
        other = replace(outgoing(3), recipient="OLA@uib.example")
        for number, mail in enumerate((outgoing(1), outgoing(2), other, outgoing(4, "forward"))):
            await store.write(lambda tx, m=mail, n=number: (tx.add_mail(m, NOW), tx.claim(NOW + n * MINUTE, paused=False)))
        lately = lambda address, now: store.read(lambda tx: tx.automatic_lately(address, now))  # noqa: E731
        assert await lately(KARI.address.upper(), NOW + 5 * MINUTE) == (3, 2)
        assert await lately("ola@uib.example", NOW + 60 * MINUTE) == (2, 1)  # the first is an hour old
        assert await lately(KARI.address, NOW - MINUTE) == (0, 0)  # the clock was set back
        await store.write(lambda tx: (tx.pause("by-hand", NOW), tx.set_flag("paused", "0", NOW + 5 * MINUTE)))
        assert await lately(KARI.address, NOW + 5 * MINUTE) == (0, 0)

    async def test_a_claim_is_given_back(self, store: Store) -> None:
        await store.write(lambda tx: tx.add_mail(outgoing(1), NOW))
        mail = await store.write(lambda tx: tx.claim(NOW, paused=False))
        await store.write(lambda tx: tx.give_back(mail.message_id))
        assert await store.read(lambda tx: tx.automatic_lately(KARI.address, NOW)) == (0, 0)
        assert await store.write(lambda tx: tx.claim(NOW, paused=False)) == mail
        await store.write(lambda tx: tx.settle(mail.message_id, SENT, NOW))
        await store.write(lambda tx: tx.give_back(mail.message_id))  # too late
        assert await store.write(lambda tx: tx.claim(NOW, paused=False)) is None

    async def test_a_clock_that_was_ahead_holds_nothing_up(self, store: Store) -> None:
        ahead = NOW + 1500 * DAY
        await store.write(lambda tx: tx.arrive(raw(1, source="imap")))
        await store.write(lambda tx: record(tx, 1, mails=(outgoing(1), outgoing(2)), now=ahead, mirror="other"))
        await store.write(lambda tx: tx.add_mail(outgoing(3), NOW))
        for _ in range(3):
            mail = await store.write(lambda tx: tx.claim(ahead, paused=False))
            await store.write(lambda tx, m=mail: tx.settle(m.message_id, LATER, ahead))
        assert await store.write(lambda tx: tx.claim(NOW, paused=False)) is None
        assert await store.write(lambda tx: tx.follow_clock(NOW)) == 4
        assert {(await store.write(lambda tx: tx.claim(NOW, paused=False))).message_id for _ in range(3)} == {
            outgoing(number).message_id for number in (1, 2, 3)
        }
        assert await store.read(lambda tx: tx.mirror_due(NOW, 10)) == [("sha256:0001", "other")]
        await store.write(lambda tx: tx.settle(outgoing(1).message_id, LATER, NOW))
        assert await store.write(lambda tx: tx.follow_clock(NOW)) == 0  # what waits by right goes on waiting

    async def test_readings(self, store: Store) -> None:
        assert set((await store.read(lambda tx: tx.readings(NOW))).values()) == {0.0}
        for number in (1, 2, 3):
            await store.write(lambda tx, n=number: tx.arrive(raw(n, received=NOW + n * MINUTE)))
        await store.write(lambda tx: record(tx, 1, mails=(outgoing(1), outgoing(2, "forward"), outgoing(3, "draft"))))
        await store.write(lambda tx: tx.record_failure("sha256:0002", "not-understood", (), NOW, folder="quarantine"))
        later = NOW + 10 * MINUTE
        assert await store.read(lambda tx: tx.readings(later)) == {
            "unhandled_seconds": 7 * 60, "outbox_seconds": 10 * 60, "people": 1, "unverified": 1, "not_understood": 1, "gave_up": 0,
        }  # fmt: skip
        forward = await store.write(lambda tx: (tx.pause("by-hand", NOW), tx.claim(later, paused=True))[1])
        await store.write(lambda tx: tx.settle(forward.message_id, REFUSED, later))
        await store.write(lambda tx: tx.mark_done("sha256:0002", later, actor="eva"))
        readings = await store.read(lambda tx: tx.readings(later))  # what a pause holds is no mail that cannot leave
        assert (readings["outbox_seconds"], readings["gave_up"], readings["not_understood"]) == (0, 1, 0)

    async def test_a_mail_that_was_started_before_comes_alone(self, store: Store) -> None:
        for number in (1, 2, 3, 4):
            await store.write(lambda tx, n=number: tx.arrive(raw(n, received=NOW + n * MINUTE)))
        await store.write(lambda tx: [tx.start(f"sha256:{number:04d}") for number in (2, 3)])
        for alone in (2, 3):
            assert await store.read(lambda tx: tx.waiting(10)) == [f"sha256:{alone:04d}"]
            await store.write(lambda tx, n=alone: record(tx, n))
        assert await store.read(lambda tx: tx.waiting(10)) == ["sha256:0001", "sha256:0004"]
        assert await store.read(lambda tx: tx.waiting(0)) == []

    async def test_what_is_recorded_under_a_prefix(self, store: Store) -> None:
        keys = [f"imap:INBOX:7:{number}" for number in (1, 2, 3, 20)] + ["imap:INBOX:71:5", "imap:INBOX:6:9"]
        for number, key in enumerate(keys):
            await store.write(lambda tx, k=key, n=number: tx.arrive(Raw(k, b"%d" % n, NOW, "imap")))
        await store.write(lambda tx: tx.record_failure(keys[1], "not-understood", (), NOW, mirror="quarantine", folder="quarantine"))
        done = (message(1), Examined(), UNDERSTOOD, Findings(), NOTHING, (), NOW)
        for key in (keys[0], keys[2]):
            await store.write(lambda tx, k=key: tx.record(k, *done, mirror="other", versions={}))
        await store.write(lambda tx: tx.mirrored(keys[0], "moved", NOW))
        assert await store.read(lambda tx: tx.recorded("imap:INBOX:7:")) == {
            1: ("handled", "moved"), 2: ("quarantined", "waiting"), 3: ("handled", "waiting"), 20: ("waiting", ""),
        }  # fmt: skip
        by_source = await store.read(lambda tx: tx.recorded_by_source())
        assert by_source == {"imap": {"handled": 2, "quarantined": 1, "waiting": 3}}

    async def test_counts(self, store: Store) -> None:
        empty = await store.read(lambda tx: tx.counts(NOW))
        assert set(empty.values()) == {0.0}
        for number in (1, 2, 3):
            await store.write(lambda tx, n=number: tx.arrive(raw(n, received=NOW + n * MINUTE)))
        await store.write(lambda tx: record(tx, 1, mails=(outgoing(1), outgoing(2, "forward"), outgoing(3, "draft")), mirror="other"))
        await store.write(lambda tx: tx.record_failure("sha256:0002", "not-understood", (), NOW, folder="quarantine"))
        counts = await store.read(lambda tx: tx.counts(NOW + 10 * MINUTE))
        assert {name: counts[name] for name in ("arrived", "handled", "waiting", "quarantined", "for_person")} == {
            "arrived": 3, "handled": 2, "waiting": 1, "quarantined": 1, "for_person": 2,
        }  # fmt: skip
        assert counts["oldest_waiting_seconds"] == 7 * 60 and counts["outbox_oldest_seconds"] == 10 * 60
        assert (counts["outbox_waiting"], counts["mirror_waiting"], counts["automatic_last_hour"]) == (2, 1, 1)
        assert (await store.read(lambda tx: tx.counts(NOW + DAY)))["automatic_last_hour"] == 0
        assert counts["unverified_share"] == 1.0

    async def test_the_audit_log_shows_that_it_was_tampered_with(self, store: Store) -> None:
        for number in range(5):
            await store.write(lambda tx, n=number: tx.event("tested", f"subject {n}", {"n": n}, NOW, actor="eva"))
        assert await store.read(lambda tx: list(tx.audit_faults())) == []
        number, head = await store.read(lambda tx: tx.audit_head())
        assert number == 5 and len(head) == 64
        await self.tamper(store)
        assert await store.read(lambda tx: list(tx.audit_faults()))

    # the store itself ─────────────────────────────────────────────────────────────────────────────────────────

    async def test_work_that_fails_takes_no_other_work_with_it(self, store: Store) -> None:
        def work(number: int) -> Any:
            def run(tx: Any) -> bool:
                tx.arrive(raw(number))
                if number % 3 == 0:
                    raise LookupError(number)
                return True

            return run

        outcomes = await asyncio.gather(*(store.write(work(number)) for number in range(200)), return_exceptions=True)
        assert [isinstance(outcome, LookupError) for outcome in outcomes] == [number % 3 == 0 for number in range(200)]
        assert len(await store.read(lambda tx: tx.waiting(500))) == sum(outcome is True for outcome in outcomes)

    async def test_what_was_written_is_read_at_once(self, store: Store) -> None:
        for number in range(30):
            await store.write(lambda tx, n=number: tx.arrive(raw(n)))
            assert len(await store.read(lambda tx: tx.waiting(500))) == number + 1

    async def test_work_of_a_caller_that_went_away_is_done_all_the_same(self, store: Store) -> None:
        caller = asyncio.create_task(store.write(lambda tx: tx.arrive(raw(1))))
        await asyncio.sleep(0)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert not await store.write(lambda tx: tx.arrive(raw(1)))

    async def test_a_closed_store_takes_no_work_and_has_done_what_it_took(self, store: Store) -> None:
        pending = [asyncio.create_task(store.write(lambda tx, n=n: tx.arrive(raw(n)))) for n in range(50)]
        await asyncio.sleep(0)
        await store.close()
        assert await asyncio.gather(*pending) == [True] * 50
        await store.close()  # twice is once
        for attempt in (store.write, store.read):
            with pytest.raises(StoreUnavailable):
                await attempt(lambda tx: tx.waiting(1))


class SenderContract:
    """What every way out must keep. ``sender`` is a fixture of the subclass; ``arrived`` and ``block`` look at and shut its far end."""

    async def arrived(self) -> list[tuple[str, str, bytes]]:
        """(envelope sender, recipient, bytes) of what has reached the far end."""
        raise NotImplementedError

    async def block(self) -> None:
        """Make the far end unable to take anything."""
        raise NotImplementedError

    async def unblock(self) -> None:
        """Undo ``block``."""
        raise NotImplementedError

    async def test_a_mail_arrives_byte_for_byte(self, sender: Sender) -> None:
        content = b"Subject: =?utf-8?q?Bl=C3=A5b=C3=A6r?=\r\n\r\n.punktum\r\n..to\r\n\r\n\xc3\xa5 " + b"x" * 900 + b"\r\n"
        mail = replace(outgoing(1), content=content, sender="mikrodata@ssb.example")
        assert (await sender.send(mail)).result is Result.SENT
        assert await self.arrived() == [("mikrodata@ssb.example", KARI.address, content)]

    async def test_the_null_sender_stays_null(self, sender: Sender) -> None:
        """RFC 3834 § 3.3: receipts leave with ``MAIL FROM:<>``."""
        assert (await sender.send(replace(outgoing(1), content=b"Subject: a\r\n\r\nb\r\n", sender=""))).result is Result.SENT
        assert [(envelope, to) for envelope, to, _ in await self.arrived()] == [("", KARI.address)]

    async def test_the_same_mail_again_is_the_same_bytes(self, sender: Sender) -> None:
        mail = replace(outgoing(1), content=b"Message-ID: <out-1@ssb.example>\r\n\r\nb\r\n")
        for _ in range(2):
            assert (await sender.send(mail)).result is Result.SENT
        assert {content for _, _, content in await self.arrived()} == {mail.content}

    async def test_trouble_at_the_far_end_is_for_later_and_no_exception(self, sender: Sender) -> None:
        await self.block()
        assert (await sender.send(outgoing(1))).result is Result.LATER
        assert (await sender.send(outgoing(1))).result is Result.LATER
        await self.unblock()
        assert (await sender.send(outgoing(1))).result is Result.SENT
        assert len(await self.arrived()) == 1

    async def test_several_at_once(self, sender: Sender) -> None:
        mails = [replace(outgoing(number), content=b"Subject: %d\r\n\r\nb\r\n" % number) for number in range(20)]
        assert {delivery.result for delivery in await asyncio.gather(*map(sender.send, mails))} == {Result.SENT}
        assert {content for _, _, content in await self.arrived()} == {mail.content for mail in mails}

    async def test_the_outcome_tells_nothing_of_the_mail(self, sender: Sender) -> None:
        secret = replace(outgoing(1), content=b"Subject: hemmeleg\r\n\r\nhemmeleg\r\n")
        sent = await sender.send(secret)
        await self.block()
        for delivery in (sent, await sender.send(secret)):
            assert "hemmeleg" not in delivery.detail and KARI.address not in delivery.detail

    async def test_closing_twice_is_once_and_sending_goes_on_after_it(self, sender: Sender) -> None:
        await sender.close()
        await sender.close()
        assert (await sender.send(outgoing(1))).result is Result.SENT


class SourceContract:
    """What every way in must keep. ``open_source`` begins one with some mails waiting at its far end."""

    ENDS = False  # True: ``run`` ends by itself when all has been offered

    async def give(self, *mails: bytes) -> None:
        """Put mails where the source finds them."""
        raise NotImplementedError

    def open_source(self) -> Source:
        """A new source on the same far end, as after a restart."""
        raise NotImplementedError

    async def offered(self, count: int, receive: Any) -> None:
        """Run a source until it has awaited ``receive`` ``count`` times and came back, then cancel it."""
        done = asyncio.Event()
        calls = 0

        async def counting(mail: Raw) -> bool:
            nonlocal calls
            try:
                return bool(await receive(mail))
            finally:
                calls += 1
                if calls >= count:
                    done.set()

        task = asyncio.create_task(self.open_source().run(counting))
        waiting = asyncio.create_task(done.wait())
        async with asyncio.timeout(30):
            await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        task.cancel()
        waiting.cancel()
        outcomes = await asyncio.gather(task, waiting, return_exceptions=True)
        if isinstance(outcomes[0], Exception) and not isinstance(outcomes[0], StoreUnavailable):
            raise outcomes[0]

    async def test_each_mail_is_offered_with_its_bytes_key_and_time(self) -> None:
        await self.give(*(plain(number) for number in range(5)))
        got: list[Raw] = []

        async def receive(mail: Raw) -> bool:
            got.append(mail)
            return True

        await self.offered(5, receive)
        assert {subject(mail.content) for mail in got} == {f"nummer {number}" for number in range(5)}
        assert len({mail.key for mail in got}) == 5
        assert all(mail.received.utcoffset() == timedelta(0) for mail in got)

    async def test_a_mail_that_was_not_taken_over_is_offered_again_under_the_same_key(self) -> None:
        await self.give(plain(1))
        keys: list[str] = []

        async def refuses(mail: Raw) -> bool:
            keys.append(mail.key)
            raise StoreUnavailable("full")

        await self.offered(1, refuses)

        async def takes(mail: Raw) -> bool:
            keys.append(mail.key)
            return True

        await self.again(plain(1))
        await self.offered(1, takes)
        assert len(keys) >= 2 and len(set(keys)) == 1

    async def again(self, mail: bytes) -> None:
        """Offer the refused mail again where the far end must do that (an MTA does; a mailbox keeps it anyway)."""


def plain(number: int, body: str = "Hei, kva kostar det?") -> bytes:
    """A small mail."""
    return f"From: kari@uio.example\r\nSubject: nummer {number}\r\nMessage-ID: <{number}@uio.example>\r\n\r\n{body}\r\n".encode()


def subject(content: bytes) -> str:
    """The Subject of a small mail."""
    return next(line for line in content.decode().splitlines() if line.startswith("Subject: ")).removeprefix("Subject: ")
