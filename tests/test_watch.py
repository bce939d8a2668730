"""R42: the alarms of a running service, its circuit breaker and its ledger, through the real parts under a clock that the test turns."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import pipeline
from bot.alarms import BREAKER, Limits
from bot.knowledge import Knowledge
from bot.model import Delivery, Outgoing, Raw, Result
from bot.pipeline import Contact
from bot.run import StoreLedger, now
from bot.sources.imap import Account, Mailbox
from bot.store import StoreUnavailable
from bot.store.keeping import KeepingRules
from bot.understanding import Model
from bot.watch import Unasked, Watcher, keep_ledger, ledger_due, reconcile, watch_forever
from tests.letters import MONDAY, letter
from tests.mailroom import Mailroom, mailroom
from tests.servers import PASSWORD, USER, Dovecot, mail

MINUTE = timedelta(minutes=1)
DESK = ("desk@ssb.example", "drift@ssb.example")
SECRET = "Grønnsåpe Bjarnesen"


class Monotonic:
    """Seconds that the test lets pass."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Desk:
    """A mailroom with its watch; ``minutes`` lets time pass, with a look and a delivery every ``step``."""

    def __init__(self, room: Mailroom) -> None:
        self.room, self.parts, self.passed, self.delivers = room, room.parts, Monotonic(), True
        self.parts.per_minute = 100_000
        self.parts.alarms_to, self.parts.limits = DESK, Limits(automatic_per_hour=5, automatic_per_address_per_hour=3)
        self.watcher = Watcher(self.parts, self.passed)

    async def minutes(self, count: int, step: int = 1) -> None:
        for _ in range(0, count, step):
            self.room.now += step * MINUTE
            self.passed.seconds += step * 60
            await self.watcher.look()
            if self.delivers:
                await self.room.deliver()

    async def told(self) -> list[str]:
        """Subjects of the alarm mails to the first of the desk, oldest first."""
        rows = [row for row in await self.room.outbox() if row["kind"] == "alarm" and row["recipient"] == DESK[0]]
        return [str((await self.room.written(row["message_id"]))["Subject"]) for row in rows]

    async def failed_looks(self) -> bool:
        """Whether /metrics tells of a look that failed."""
        return 'bot_trouble_total{part="watch",what="look"}' in self.parts.journal.metrics().decode()

    def stands(self, alarm: str) -> bool:
        """Whether /metrics says that there is a reason for the alarm."""
        return f'bot_alarm_standing{{alarm="{alarm}"}} 1.0' in self.parts.journal.metrics().decode()


@pytest.fixture
async def desk(tmp_path: Path, knowledge: Knowledge, model: Model) -> AsyncIterator[Desk]:
    async with mailroom(tmp_path, knowledge, model) as room:
        yield Desk(room)


def alone(number: int) -> bytes:
    """A mail from a person of its own that gets a receipt."""
    text = f"Kan de ringe meg om møtet på torsdag? {SECRET} {number}"
    return letter(f"Noko {number}", text, f"Kari <kari{number}@uio.example>", proven=None)


# ── alarms ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_r42_nothing_is_told_while_all_is_well(desk: Desk) -> None:
    await desk.room.take(alone(1))
    await desk.room.deliver()
    await desk.minutes(60)
    assert await desk.told() == []
    assert "bot_paused 0.0" in desk.parts.journal.metrics().decode()


async def test_r42_the_oldest_unhandled_mail(desk: Desk) -> None:
    raw = Raw("sha256:waits", alone(1), desk.room.now, "smtp", None, (USER,))
    await pipeline.receive(desk.parts, raw)
    await desk.minutes(16)
    assert await desk.told() == [] and desk.stands("unhandled")
    await desk.minutes(30)
    assert await desk.told() == ["[ALARM] E-post er ikke behandlet"]
    await pipeline.handle_waiting(desk.parts)
    await desk.room.deliver()
    await desk.minutes(10)
    assert len(await desk.told()) == 1 and not desk.stands("unhandled")
    await desk.minutes(10)
    assert (await desk.told())[1:] == ["[OVER] E-post er ikke behandlet"]


async def test_r42_the_mail_server_is_silent(desk: Desk) -> None:
    contact = desk.parts.contact = Contact(desk.passed)
    await desk.minutes(31)
    contact.beat()
    await desk.minutes(30)
    assert await desk.told() == []  # it answered within the two minutes
    await desk.minutes(10)
    assert await desk.told() == ["[ALARM] Postkassen svarer ikke"]
    desk.room.now -= timedelta(days=400)  # the clock is set back: silence is measured by another
    await desk.minutes(20)
    assert len(await desk.told()) == 1
    contact.beat()
    await desk.minutes(20)
    assert (await desk.told())[1:] == ["[OVER] Postkassen svarer ikke"]


class Refusing:
    """A relay that answers every mail with the same."""

    name = "refusing"

    def __init__(self, delivery: Delivery) -> None:
        self.delivery, self.mails = delivery, list[Outgoing]()

    async def send(self, mail: Outgoing) -> Delivery:
        self.mails.append(mail)
        return self.delivery

    async def close(self) -> None:
        pass


async def test_r42_the_outbox_does_not_empty(desk: Desk) -> None:
    way_out, desk.parts.sender = desk.parts.sender, Refusing(Delivery(Result.LATER, "451"))
    await desk.room.take(alone(1))
    for _ in range(40):
        await desk.room.deliver()
        await desk.minutes(1)
    assert await desk.told() == ["[ALARM] Utgående e-post blir liggende"]
    desk.parts.sender = way_out
    desk.room.now += timedelta(hours=2)
    await desk.room.deliver()
    await desk.minutes(20)
    assert (await desk.told())[1:] == ["[OVER] Utgående e-post blir liggende"]


async def test_r42_what_a_pause_holds_is_no_outbox_that_does_not_empty(desk: Desk) -> None:
    await desk.room.write(lambda tx: tx.pause("by-hand", desk.room.now))
    await desk.room.take(alone(1))
    await desk.room.deliver()
    await desk.minutes(120, step=5)
    assert await desk.told() == []
    assert "bot_paused 1.0" in desk.parts.journal.metrics().decode()


async def test_r42_mail_that_was_given_up_and_mail_that_could_not_be_read(desk: Desk) -> None:
    desk.parts.sender = Refusing(Delivery(Result.REFUSED, "550"))
    key = await desk.room.take(alone(1))
    await desk.room.deliver()
    await desk.minutes(1)
    assert await desk.told() == ["[ALARM] E-post fra oss kom ikke fram"]
    await pipeline.receive(desk.parts, Raw("sha256:kills", alone(2), desk.room.now, "smtp", None, (USER,)))
    await desk.room.write(lambda tx: [tx.start("sha256:kills") for _ in range(2)])
    await pipeline.handle_waiting(desk.parts)
    await desk.minutes(1)
    assert (await desk.told())[1:] == ["[ALARM] E-post kunne ikke leses"]
    for row in await desk.room.outbox("gave-up"):
        await desk.room.write(lambda tx, row=row: tx.discard(row["message_id"], "eva", desk.room.now))
    await desk.room.write(
        lambda tx: (tx.mark_done(key, desk.room.now, actor="eva"), tx.mark_done("sha256:kills", desk.room.now, actor="eva"))
    )
    await desk.minutes(20)
    assert sorted((await desk.told())[2:]) == ["[OVER] E-post fra oss kom ikke fram", "[OVER] E-post kunne ikke leses"]


async def test_r42_the_share_of_unverified_senders(desk: Desk) -> None:
    desk.parts.limits = replace(desk.parts.limits, automatic_per_hour=1000)
    for number in range(19):
        await desk.room.take(alone(number))
    await desk.minutes(5)
    assert await desk.told() == []
    await desk.room.take(alone(19))
    await desk.minutes(5)
    assert await desk.told() == ["[ALARM] Uvanlig mange avsendere er ikke bekreftet"]
    await desk.minutes(25 * 60, step=20)
    assert (await desk.told())[1:] == ["[OVER] Uvanlig mange avsendere er ikke bekreftet"]


async def test_r42_a_store_that_takes_no_work_is_told_past_the_outbox_once(desk: Desk) -> None:
    relay = desk.parts.sender = Refusing(Delivery(Result.SENT, "250"))
    store = desk.parts.store

    class Full:
        async def write(self, work: Any) -> Any:
            raise StoreUnavailable("database or disk is full")

        read, close = store.read, store.close

    desk.parts.store, desk.delivers = Full(), False
    await desk.minutes(60)
    assert [mail.recipient for mail in relay.mails] == list(DESK)
    assert "Lageret tar ikke imot" in str(relay.mails[0].content)
    assert desk.stands("store")
    desk.parts.store = store
    await desk.minutes(2)
    assert await desk.told() == ["[OVER] Lageret tar ikke imot"]
    assert not desk.stands("store")


async def test_r42_a_restart_tells_nothing_twice(desk: Desk) -> None:
    await pipeline.receive(desk.parts, Raw("sha256:waits", alone(1), desk.room.now, "smtp", None, (USER,)))
    for _ in range(60):
        await desk.minutes(1)
        desk.watcher = Watcher(desk.parts, desk.passed)
    assert len(await desk.told()) == 1


async def test_r42_alarms_say_nothing_of_a_mail_and_reach_everybody_named(desk: Desk) -> None:
    desk.parts.sender = Refusing(Delivery(Result.REFUSED, "550"))
    for number in range(8):
        await desk.room.take(alone(number))
    await desk.room.deliver()
    await desk.minutes(40)
    rows = [row for row in await desk.room.outbox() if row["kind"] == "alarm"]
    assert {row["recipient"] for row in rows} == set(DESK)
    for row in rows:
        written = await desk.room.written(row["message_id"])
        assert written["Auto-Submitted"] == "auto-generated" and not row["automatic"]
        text = await desk.room.text(row["message_id"])
        assert SECRET not in text and "kari" not in text.lower() and "Noko" not in text and "{" not in text


async def test_a_look_that_fails_ends_nothing_else(desk: Desk) -> None:
    desk.parts.words = {}  # no texts: no alarm can be written
    await pipeline.receive(desk.parts, Raw("sha256:waits", alone(1), desk.room.now - timedelta(hours=1), "smtp", None, (USER,)))
    await desk.room.write(lambda tx: tx.pause(BREAKER[0], desk.room.now))
    watching = asyncio.create_task(watch_forever(desk.parts))
    await until(lambda: desk.failed_looks())
    assert not watching.done()
    watching.cancel()


async def test_r42_nobody_is_named_and_the_metric_tells(desk: Desk) -> None:
    desk.parts.alarms_to = ()
    await pipeline.receive(desk.parts, Raw("sha256:waits", alone(1), desk.room.now, "smtp", None, (USER,)))
    await desk.minutes(30)
    assert await desk.room.outbox() == []
    assert desk.stands("unhandled")
    assert 'bot_alarms_total{alarm="unhandled"} 1.0' in desk.parts.journal.metrics().decode()


# ── the circuit breaker ───────────────────────────────────────────────────────────────────────────────────────


async def sent(desk: Desk, *kinds: str) -> int:
    return sum(row["kind"] in kinds for row in await desk.room.outbox("sent"))


async def test_r42_too_many_automatic_mails_in_an_hour(desk: Desk) -> None:
    for number in range(12):
        await desk.room.take(alone(number))
    await desk.room.deliver()
    assert await sent(desk, "receipt", "answer") == 5  # not one more leaves
    assert await sent(desk, "forward") == 12  # colleagues get theirs
    assert await desk.room.read(lambda tx: tx.paused_by()) == BREAKER[0]
    await desk.minutes(1)
    assert await desk.told() == ["[ALARM] Automatisk sending er stanset: for mange e-poster"]
    await desk.minutes(120, step=5)
    await desk.room.deliver()
    assert await sent(desk, "receipt", "answer") == 5  # it does not let itself go
    assert await sent(desk, "alarm") == 2
    await desk.room.write(lambda tx: tx.set_flag("paused", "0", desk.room.now))
    await desk.room.deliver()
    assert await sent(desk, "receipt", "answer") == 10  # and may stop again
    desk.room.now += MINUTE
    await desk.room.write(lambda tx: tx.set_flag("paused", "0", desk.room.now))
    await desk.room.deliver()
    assert await sent(desk, "receipt", "answer") == 12
    await desk.minutes(20)
    assert (await desk.told())[1:] == ["[OVER] Automatisk sending er stanset: for mange e-poster"]
    reasons = [event["facts"] for event in await desk.room.read(lambda tx: tx.events_of("service")) if event["kind"] == "paused"]
    assert reasons == [json.dumps({"reason": BREAKER[0]}, separators=(",", ":"))] * 2


async def test_r42_too_many_automatic_mails_to_one_address(desk: Desk) -> None:
    desk.parts.limits = Limits(automatic_per_hour=1000, automatic_per_address_per_hour=3)
    for number in range(6):
        await desk.room.take(letter(f"Noko {number}", f"Kan de ringe meg om møtet? {number}", "Robot <robot@uio.example>"))
    await desk.room.take(alone(1))
    await desk.room.deliver()
    to_robot = [row for row in await desk.room.outbox("sent") if row["recipient"] == "robot@uio.example"]
    assert len(to_robot) == 3
    assert await desk.room.read(lambda tx: tx.paused_by()) == BREAKER[1]
    await desk.minutes(1)
    assert await desk.told() == ["[ALARM] Automatisk sending er stanset: for mange til én adresse"]
    assert "robot" not in await desk.room.text((await desk.room.outbox("waiting"))[-1]["message_id"])


async def test_r42_as_many_as_may_go_stop_nothing(desk: Desk) -> None:
    for number in range(12):
        await desk.room.take(alone(number))
        await desk.room.deliver()
        desk.room.now += timedelta(minutes=13)
    assert await sent(desk, "receipt", "answer") == 12
    assert await desk.room.read(lambda tx: tx.paused_by()) == ""


# ── the clock ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_clock_set_back_while_the_service_runs_holds_no_mail_up(desk: Desk) -> None:
    desk.room.now += timedelta(days=400)
    way_out, desk.parts.sender = desk.parts.sender, Refusing(Delivery(Result.LATER, "451"))
    await desk.room.take(alone(1))
    await desk.room.deliver()
    desk.parts.sender, desk.room.now = way_out, MONDAY
    await desk.room.deliver()
    assert await sent(desk, "receipt", "answer", "forward") == 0
    await desk.minutes(1)
    await desk.room.deliver()
    assert await sent(desk, "receipt", "answer", "forward") == 2


# ── the ledger against a real server ──────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def dovecot(tmp_path: Path) -> AsyncIterator[Dovecot]:
    server = Dovecot(tmp_path / "dovecot").start()
    yield server
    server.stop()


def mailbox(desk: Desk, server: Dovecot) -> Mailbox:
    account = Account("127.0.0.1", server.port, "none", USER, PASSWORD, timeout=5)
    return Mailbox(account, StoreLedger(desk.parts.store), {"other": "Bot/Annet"}, poll_seconds=1)


@contextlib.asynccontextmanager
async def watching(desk: Desk, box: Mailbox) -> AsyncIterator[None]:
    async def take(raw: Raw) -> bool:
        return await pipeline.receive(desk.parts, raw)

    running = asyncio.create_task(box.run(take))
    try:
        yield
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def until(condition: Any, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.05)


async def test_r42_gaps_are_listed_taken_in_and_told(desk: Desk, dovecot: Dovecot) -> None:
    dovecot.deliver(*(mail(f"Nummer {number}", "Kan de ringe meg om møtet?") for number in range(6)))
    box = desk.parts.counted = mailbox(desk, dovecot)
    desk.parts.limits = Limits()

    async def arrived() -> bool:
        return await desk.room.read(lambda tx: len(tx.waiting(100))) == 6

    async with watching(desk, box):
        await until(arrived)
        while await pipeline.handle_waiting(desk.parts):
            pass
        lost = await desk.room.write(lambda tx: tx.db.conn.execute("SELECT id, key FROM mail ORDER BY id LIMIT 2").fetchall())

        def lose(tx: Any) -> None:
            for table in ("raw", "reading", "mirror", "mail_search"):
                name = "rowid" if table == "mail_search" else "id"
                tx.db.conn.execute(f"DELETE FROM {table} WHERE {name} IN (?, ?)", [number for number, _ in lost])
            tx.db.conn.execute("DELETE FROM mail WHERE id IN (?, ?)", [number for number, _ in lost])

        await desk.room.write(lose)
        await asyncio.sleep(1.5)  # the poll passes them by: it believes that it has them
        assert len(await desk.room.read(lambda tx: tx.waiting(100))) == 0
        await desk.minutes(1)
        assert sorted(await desk.room.read(lambda tx: tx.waiting(100))) == sorted(key for _, key in lost)
    assert await desk.told() == ["[ALARM] E-post på tjeneren manglet i lageret"]
    events = await desk.room.read(lambda tx: tx.events_of("INBOX"))
    assert json.loads(events[-1]["facts"])["gaps"] == sorted(int(key.rpartition(":")[2]) for _, key in lost)
    assert not await desk.room.read(lambda tx: ledger_due(tx, desk.room.now))
    while await pipeline.handle_waiting(desk.parts):
        pass
    desk.parts.counted = again = mailbox(desk, dovecot)
    await desk.minutes(23 * 60, step=20)
    assert len(await desk.told()) == 1
    await desk.minutes(2 * 60, step=20)
    assert "[OVER] E-post på tjeneren manglet i lageret" in await desk.told()
    await again.close()


async def test_r36_what_was_purged_does_not_come_back_from_the_server(desk: Desk, dovecot: Dovecot) -> None:
    dovecot.deliver(mail("Pris", "Kan de ringe meg om møtet?"))
    desk.room.now = now()

    async def taken() -> bool:
        return await desk.room.read(lambda tx: len(tx.recorded_by_source())) == 1

    async def purge() -> None:
        def work(tx: Any) -> None:
            keys = [row[0] for row in tx.db.conn.execute("SELECT key FROM mail")]
            for key in keys:
                tx.mark_done(key, desk.room.now, actor="eva")
            tx.purge(
                keys, KeepingRules({"other": 1, "faq": 1, "case": 1}, require_archive=False), desk.room.now, actor="eva", why="retention"
            )

        await desk.room.write(work)

    for _ in range(2):  # the second time the mail is known by its key alone
        async with watching(desk, mailbox(desk, dovecot)):
            await until(taken)
            await asyncio.sleep(1.5)  # a poll
        while await pipeline.handle_waiting(desk.parts):
            pass
        await desk.room.deliver()
        await purge()
        assert await desk.room.read(lambda tx: tx.recorded_by_source()) == {"imap": {"purged": 1}}
    lone = mailbox(desk, dovecot)
    found, _ = await reconcile(desk.parts.store, lone, lambda raw: pipeline.receive(desk.parts, raw), desk.room.now)
    assert found.sentence() == "INBOX: 1 on the server = 1 purged"
    await lone.close()
    uidlist = dovecot.folder / "mail" / USER / "dovecot-uidlist"
    uidlist.unlink()  # UIDs start again: it comes under another key, and is a copy of what was purged
    lone = mailbox(desk, dovecot)
    await reconcile(desk.parts.store, lone, lambda raw: pipeline.receive(desk.parts, raw), desk.room.now)
    await pipeline.handle_waiting(desk.parts)
    assert await desk.room.read(lambda tx: tx.recorded_by_source()) == {"imap": {"purged": 1, "copy": 1}}
    assert len([row for row in await desk.room.outbox() if row["kind"] in ("answer", "receipt")]) == 1
    await lone.close()


async def test_r42_mails_on_their_way_are_no_gap_and_without_a_watch_all_are(desk: Desk, dovecot: Dovecot) -> None:
    dovecot.deliver(*(mail(f"Nummer {number}", "Kan de ringe meg om møtet?") for number in range(3)))
    box = mailbox(desk, dovecot)

    async def never(raw: Raw) -> bool:
        raise StoreUnavailable("full")

    running = asyncio.create_task(box.run(never))
    try:
        await asyncio.sleep(0.5)
        found, taken = await reconcile(desk.parts.store, box, never, desk.room.now)
        assert (found.coming, found.gaps, taken) == (3, (), 0)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    lone = mailbox(desk, dovecot)
    found, taken = await reconcile(desk.parts.store, lone, lambda raw: pipeline.receive(desk.parts, raw), desk.room.now)
    assert (len(found.gaps), taken) == (3, 3)
    found, taken = await reconcile(desk.parts.store, lone, lambda raw: pipeline.receive(desk.parts, raw), desk.room.now)
    assert (found.sentence(), taken) == ("INBOX: 3 on the server = 3 waiting to be handled", 0)
    await lone.close()


async def test_r42_a_server_that_cannot_be_asked_is_asked_again(desk: Desk, dovecot: Dovecot) -> None:
    box = mailbox(desk, dovecot)
    dovecot.stop()
    with pytest.raises(Unasked):
        await reconcile(desk.parts.store, box, lambda raw: pipeline.receive(desk.parts, raw), desk.room.now)
    await keep_ledger(desk.parts, box)
    assert not await desk.room.read(lambda tx: ledger_due(tx, desk.room.now + 59 * MINUTE))
    assert await desk.room.read(lambda tx: ledger_due(tx, desk.room.now + 61 * MINUTE))
    dovecot.start()
    await keep_ledger(desk.parts, box)
    assert not await desk.room.read(lambda tx: ledger_due(tx, desk.room.now + 61 * MINUTE))
    await box.close()
