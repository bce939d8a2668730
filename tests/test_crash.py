"""Generated lives of the service: offers, copies, crashes at any step, refusals, a store that is busy, a clock that goes both ways.

Real parser, model, policy, composition and SQLite store; the relay is a list of what it will answer. A crash is an exception
that nothing in the program may catch, raised at the points of ``tests/planted.py``; after it the store is opened anew.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from bot import pipeline, run
from bot.config import Settings
from bot.journal import Journal
from bot.knowledge import Knowledge
from bot.model import Delivery, Outgoing, Raw, Result
from bot.pipeline import Brain, Parts
from bot.store import StoreUnavailable
from bot.store.sqlite import SqliteStore
from bot.understanding import Model
from tests.letters import MONDAY, SERVICE, letter
from tests.planted import POINTS, PlantedSender, PlantedStore

ARRIVING = [point for point in POINTS if point.startswith("arrive")]
HANDLING = [point for point in POINTS if point.startswith(("start", "record"))]
SENDING = [point for point in POINTS if point.startswith(("claim", "send", "settle"))]
REPLIES = {
    "taken": Delivery(Result.SENT, "250"),
    "later": Delivery(Result.LATER, "451"),
    "refused": Delivery(Result.REFUSED, "550"),
}
KINDS = ("question", "deletion", "thanks", "machine", "bounce", "without-id", "garbage")


class Crash(BaseException):
    """The program is gone. No ``except Exception`` may hold it."""


def content(kind: str, number: int) -> bytes:
    """A mail of a kind, from a sender of its own."""
    sender = f"Kari <kari{number}@uio.example>"
    if kind == "garbage":
        return b"\xff\xfe\x00 Subject no colon %d\r\n\x00\r\n\r\n\x80" % number
    if kind == "machine":
        return letter("Fraværende", f"Jeg er ikke på kontoret. {number}", sender, headers={"Auto-Submitted": "auto-replied"})
    if kind == "bounce":
        return letter("Undelivered Mail Returned to Sender", f"<x{number}@uio.example>: user unknown", "MAILER-DAEMON@uio.example")
    texts = {"deletion": "Vi bekrefter at alle data i sak 19/1234 er slettet.", "thanks": "Tusen takk for hjelpen!"}
    whole = letter("Hei", f"{texts.get(kind, 'Hei, hva koster det å få data?')}\n\nHilsen Kari {number}", sender)
    if kind == "without-id":
        return b"\r\n".join(line for line in whole.split(b"\r\n") if not line.lower().startswith(b"message-id"))
    return whole


class Relay:
    """A relay that answers as it was told, else takes the mail."""

    name = "relay"

    def __init__(self) -> None:
        self.answers: list[Delivery] = []
        self.taken: list[Outgoing] = []

    async def send(self, mail: Outgoing) -> Delivery:
        delivery = self.answers.pop(0) if self.answers else REPLIES["taken"]
        if delivery.result is Result.SENT:
            self.taken.append(mail)
        return delivery

    async def close(self) -> None:
        """Nothing is open."""


class Busy:
    """A store that refuses its next pieces of work."""

    def __init__(self, store: SqliteStore) -> None:
        self.store, self.refusals = store, 0

    async def write(self, work: Any) -> Any:
        if self.refusals:
            self.refusals -= 1
            raise StoreUnavailable("database is locked")
        return await self.store.write(work)

    async def read(self, work: Any) -> Any:
        return await self.store.read(work)

    async def close(self) -> None:
        await self.store.close()


class Life(RuleBasedStateMachine):
    """One mailbox's life. ``mails`` are all that were offered; the source offers again what it was not told to be safe."""

    def __init__(self, brain: Brain) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="mikrodata-bot-crash-")
        values = {"address": SERVICE, "colleagues": ("ssb.example",), "mode": "auto", "data": Path(self.folder.name)}
        self.settings = Settings(service=values, routing={"fallback": "postmottak@ssb.example"})
        self.brain, self.relay, self.now = brain, Relay(), MONDAY
        self.loop = asyncio.new_event_loop()
        self.mails: list[tuple[str, bytes]] = []
        self.keys: dict[str, int] = {}  # key → number of the mail
        self.unsafe: list[Raw] = []
        self.crashes = 0
        self.trap = ""
        self.be_born()

    # ── life and death ────────────────────────────────────────────────────────────────────────────────────────

    def be_born(self) -> None:
        self.store = Busy(SqliteStore(self.settings.database))
        self.parts = Parts(
            store=PlantedStore(self.store, self.passing),
            brain=self.brain,
            examiner=run.examiner(self.settings),
            policy=replace(run.policy(self.settings), per_sender_per_day=1000),
            rules=run.rules(self.settings),
            letterhead=run.letterhead(self.settings),
            templates=run.templates(self.settings),
            words=pipeline.words(run.BUILT_IN / "templates" / "words.toml"),
            journal=Journal(),
            clock=lambda: self.now,
            sender=PlantedSender(self.relay, self.passing),
            per_minute=100_000,
            limits=replace(run.limits(self.settings), automatic_per_hour=100_000),
        )
        self.do(self.parts.store.write(lambda tx: tx.release_claims()))
        again, self.unsafe = self.unsafe, []
        for raw in again:
            self.offer(raw)

    def passing(self, point: str) -> None:
        if point == self.trap:
            self.trap = ""
            raise Crash(point)

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """A piece of the program's life; it may end it."""
        try:
            return self.loop.run_until_complete(work)
        except Crash:
            self.crashes += 1
            self.loop.run_until_complete(self.die())
            self.relay.answers.clear()
            self.be_born()
            return None
        finally:
            self.trap, self.store.refusals = "", 0

    async def die(self) -> None:
        """Whatever else was going on ends too."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self.store.close()

    def offer(self, raw: Raw) -> None:
        """The source offers a mail; it is safe when ``receive`` returns, else it will be offered again."""
        self.unsafe.append(raw)

        async def receive() -> None:
            try:
                await pipeline.receive(self.parts, raw)
            except StoreUnavailable:
                return
            self.unsafe.remove(raw)
            self.keys[raw.key] = int(raw.key.rpartition("#")[2])

        self.do(receive())

    def raw(self, number: int, key: str) -> Raw:
        return Raw(f"{key}#{number}", self.mails[number][1], self.now, "imap" if key.startswith("imap") else "smtp", None, (SERVICE,))

    # ── what can happen ───────────────────────────────────────────────────────────────────────────────────────

    @rule(kind=st.sampled_from(KINDS), trap=st.sampled_from(["", "", "", *ARRIVING]), busy=st.booleans())
    def a_mail_comes(self, kind: str, trap: str, busy: bool) -> None:
        number = len(self.mails)
        self.mails.append((kind, content(kind, number)))
        self.trap, self.store.refusals = trap, int(busy)
        self.offer(self.raw(number, f"sha256:{hashlib.sha256(self.mails[number][1]).hexdigest()}"))

    @precondition(lambda self: self.mails)
    @rule(data=st.data())
    def it_comes_again(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.keys) or [""]))
        if key:
            self.offer(replace(self.raw(self.keys[key], key.rpartition("#")[0]), received=self.now))

    @precondition(lambda self: self.mails)
    @rule(data=st.data(), validity=st.integers(1, 3))
    def a_copy_comes_another_way(self, data: st.DataObject, validity: int) -> None:
        number = data.draw(st.integers(0, len(self.mails) - 1))
        self.offer(self.raw(number, f"imap:INBOX:{validity}:{number + 1}"))

    @rule(trap=st.sampled_from(["", "", *HANDLING]), busy=st.booleans())
    def mails_are_handled(self, trap: str, busy: bool) -> None:
        self.trap, self.store.refusals = trap, int(busy)
        self.do(pipeline.handle_waiting(self.parts))

    @rule(trap=st.sampled_from(["", "", *SENDING]), answers=st.lists(st.sampled_from(sorted(REPLIES)), max_size=4), busy=st.booleans())
    def mails_leave(self, trap: str, answers: list[str], busy: bool) -> None:
        self.trap, self.store.refusals, self.relay.answers = trap, int(busy), [REPLIES[answer] for answer in answers]
        self.do(pipeline.deliver_waiting(self.parts))
        self.relay.answers = []

    @rule(paused=st.booleans())
    def somebody_pauses_or_resumes(self, paused: bool) -> None:
        self.do(self.parts.store.write(lambda tx: tx.set_flag("paused", str(int(paused)), self.now)))

    @rule(minutes=st.sampled_from([1, 10, 300, -1, -300, -3_000_000]))
    def the_clock_moves(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    # ── what must hold ────────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def what_was_acknowledged_is_recorded(self) -> None:
        known = self.do(self.store.read(lambda tx: dict(tx.db.conn.execute("SELECT key, content FROM mail JOIN raw USING (id)"))))
        assert {key: self.mails[number][1] for key, number in self.keys.items()}.items() <= known.items()

    @invariant()
    def no_mail_gets_two_different_automatic_mails(self) -> None:
        replies: dict[int, set[str]] = {}
        for mail in self.relay.taken:
            if mail.kind in ("answer", "receipt"):
                number = int(mail.mail_key.rpartition("#")[2])
                replies.setdefault(number, set()).add(mail.message_id)
                assert self.mails[number][0] not in ("machine", "bounce"), "a machine was answered"
        assert all(len(ids) == 1 for ids in replies.values()), replies

    @invariant()
    def no_more_repeats_than_crashes(self) -> None:
        counts = Counter(mail.message_id for mail in self.relay.taken)
        assert sum(count - 1 for count in counts.values()) <= self.crashes
        contents = {(mail.message_id, mail.content, mail.recipient) for mail in self.relay.taken}
        assert len(contents) == len(counts), "a repeat is the same mail to the byte"

    def teardown(self) -> None:
        try:
            while self.unsafe:
                raw = self.unsafe.pop()
                self.offer(raw)
            self.do(self.parts.store.write(lambda tx: tx.set_flag("paused", "0", self.now)))
            for _ in range(20):  # as many waits as lie between the attempts at sending
                while self.do(pipeline.handle_waiting(self.parts)):
                    pass
                self.do(self.parts.store.write(lambda tx: tx.follow_clock(self.now)))
                self.do(pipeline.deliver_waiting(self.parts))
                self.now += timedelta(hours=9)
            self.nothing_is_stuck()
            self.what_was_acknowledged_is_recorded()
            self.no_mail_gets_two_different_automatic_mails()
            self.no_more_repeats_than_crashes()
        finally:
            self.loop.run_until_complete(self.store.close())
            self.loop.close()
            self.folder.cleanup()

    def nothing_is_stuck(self) -> None:
        def left(tx: Any) -> tuple[list[str], int, list[str], list[str]]:
            ask = tx.db.conn.execute
            unsent = ask("SELECT count(*) FROM outbox WHERE state IN ('waiting', 'sending')").fetchone()[0]
            acted = [row[0] for row in ask("SELECT key FROM mail WHERE copy_of = '' AND state IN ('handled', 'failed')")]
            return tx.waiting(10), unsent, acted, list(tx.audit_faults())

        waiting, unsent, acted, faults = self.do(self.store.read(left))
        assert (waiting, unsent, faults) == ([], 0, [])
        assert {int(key.rpartition("#")[2]) for key in acted} == set(range(len(self.mails))), "each mail that was offered is acted on"


def live(knowledge: Knowledge, model: Model, examples: int) -> None:
    """Lives as long as ``examples`` last."""
    how = settings(
        max_examples=examples,
        stateful_step_count=25,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # shrinking a life of this length takes minutes; a failure prints the life as it was
        print_blob=True,
    )
    run_state_machine_as_test(lambda: Life(Brain(knowledge, model)), settings=how)


def test_r01_generated_lives(knowledge: Knowledge, model: Model) -> None:
    live(knowledge, model, 25)


@pytest.mark.long
def test_r01_generated_lives_for_long(knowledge: Knowledge, model: Model) -> None:
    ends = time.monotonic() + float(os.environ.get("BOT_LONG_MINUTES", "15")) * 60 * 0.15
    lives = 0
    while time.monotonic() < ends:
        live(knowledge, model, 20)
        lives += 20
    print(f"{lives} lives")
