"""No order of mails and verdicts leads to ``confirmed``, or to an answered offer, without its conditions.

Generated sequences over two cases, through everything that runs in service: mails put together from parts whose meaning is known, people's
verdicts and undoings, days that pass. After each step the register is compared with what the parts allow.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from bot.knowledge import Knowledge
from bot.model import Verdict
from bot.understanding import Model
from tests.letters import letter
from tests.mailroom import UIO, Mailroom, mailroom

T = TypeVar("T")

CASES = ("24/1187", "24/2001")
REGISTER = [
    (CASES[0], {**UIO, "serial_numbers": ("w24_0001", "w24_0002"), "deletion_due": date(2026, 3, 20), "decision_date": date(2024, 5, 2)}),
    (CASES[1], {**UIO, "title": "Boforhold", "contacts": ("per@uio.example",), "state": "offered", "offer_sent": date(2026, 2, 20)}),
]
# what is said → whether it says that all data are deleted, no more and no less
WORDS = {
    "Vi bekrefter at alle data i {ref} er slettet, også kopier og utskrifter.": True,
    "Alle data i {ref} ble slettet 27.02.2026.": True,
    "We confirm that all data in {ref} have been deleted.": True,
    "Alle data i {ref} med løpenummer w24_0001 og w24_0002 er slettet.": True,
    "Alle data i {ref} med løpenummer w24_0001 er slettet.": False,
    "Det meste av dataene i {ref} er slettet.": False,
    "Deler av dataene i {ref} er slettet.": False,
    "Vi skal slette alle data i {ref} i juni.": False,
    "Vi har ikke slettet dataene i {ref} ennå.": False,
    "Kan vi få utsatt fristen for å slette data i {ref}?": False,
    "Alle data i {ref} er slettet. Papirkopiene skal makuleres i juni.": False,
    "Vi har slettet alle data i {ref}, men vi har ikke slettet sikkerhetskopiene.": False,
    "Takk.\n\nmandag 2. mars 2026 skrev mikrodata@ssb.example:\n> alle data i {ref} er slettet\n": False,
    "Se under.\n\n---------- Forwarded message ----------\nFrom: Per <per@uio.example>\nSubject: Sletting\n\nAlle data i {ref} er slettet.\n": False,
    "Vi aksepterer tilbudet i {ref}.": False,
    "Vi kan dessverre ikke akseptere tilbudet i {ref}.": False,
}
SENDERS = {  # → domain or contact of the cases
    "Kari Lund <kari@uio.example>": True,
    "Per Moe <per@uio.example>": True,
    "Nina <nina@med.uio.example>": True,
    "Ola <ola@ntnu.example>": False,
    "Kari Lund <kari.lund@gmail.example>": False,
    "Eva Berg <eva.berg@ssb.example>": False,
}
# how the case is named → the one case that is meant, or ""
NAMES = {
    "sak 24/1187": CASES[0],
    "saksnr. 2024/02001-3": CASES[1],
    "sak 24/1187 og sak 24/2001": "",
    "sak 24/9999": "",
    "prosjektet vårt": "",
    "journalnr. 25367/2024": "",
}
NAMELESS = ("prosjektet vårt", "journalnr. 25367/2024")  # no case is named: the thread tells which offer is answered


def likely(parts: Mapping[str, object]) -> st.SearchStrategy[str]:
    """Any of the parts, those without a doubt more often: most that may go wrong begins with a mail that is nearly right."""
    good = sorted(part for part, fine in parts.items() if fine)
    return st.one_of(st.sampled_from(good), st.sampled_from(sorted(parts)))


@dataclass
class Said:
    """A mail as its parts allow it to be read: the case that it may confirm without a person, or ``""``."""

    may_confirm: str = ""
    may_answer_offer: str = ""


@dataclass
class Book:
    """What has happened, by the mail's key."""

    said: dict[str, Said] = field(default_factory=dict)
    by_person: set[int] = field(default_factory=set)


class Desk(RuleBasedStateMachine):
    """The rules; ``knowledge``, ``model`` and ``runner`` are set by the test."""

    knowledge: Knowledge
    model: Model
    runner: asyncio.Runner
    confirmed = 0  # by the assistant alone, over all examples

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def opened(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.opening = mailroom(Path(self.folder.name), self.knowledge, self.model, deadlines={"remind_contacts": True})
        self.room: Mailroom = self.run(self.opening.__aenter__())
        self.run(self.room.register(*REGISTER))
        self.book, self.threads, self.number = Book(), [], 0

    def teardown(self) -> None:
        if hasattr(self, "room"):
            self.run(self.opening.__aexit__(None, None, None))
            self.folder.cleanup()

    @rule(
        words=likely(WORDS),
        sender=likely(SENDERS),
        name=likely(NAMES),
        proven=st.sampled_from([True, True, True, None, False]),
        thread=st.integers(-2, 5),
    )
    def mail(self, words: str, sender: str, name: str, proven: bool | None, thread: int) -> None:
        self.number += 1
        answers: dict[str, Any] = {}
        in_thread_of = ""
        if 0 <= thread < len(self.threads):
            identifier, in_thread_of = self.threads[thread]
            answers = {"answers": (identifier,)}
        identifier = f"<{self.number}@{sender.rpartition('@')[2].rstrip('>')}>"
        content = letter("Sletting", words.format(ref=name) + "\n", sender, proven=proven, identifier=identifier, **answers)
        key = self.run(self.room.take(content))
        case = self.run(self.room.read(lambda tx: tx.summary(key)))["case"]
        self.threads.append((identifier, case))

        meant, trusted = NAMES[name], SENDERS[sender] and proven is True
        whole = WORDS[words] and (meant == CASES[0] or "w24" not in words)
        contradicted = in_thread_of not in ("", meant)
        may = meant if trusted and whole and not contradicted else ""
        named = meant or (in_thread_of if name in NAMELESS else "")
        offer = named if "tilbudet" in words and SENDERS[sender] and proven is not False else ""
        self.book.said[key] = Said(may, offer)

    @rule(number=st.integers(1, 6), verdict=st.sampled_from(list(Verdict)))
    def judged(self, number: int, verdict: Verdict) -> None:
        known = self.run(self.room.write(lambda tx: tx.set_verdict(number, verdict, "vurdert", self.room.now, actor="eva")))
        if known:
            self.book.by_person.add(number)

    @rule(days=st.integers(1, 20))
    def time_passes(self, days: int) -> None:
        self.room.now += timedelta(days=days)
        self.run(self.room.remind())

    @precondition(lambda self: hasattr(self, "room"))
    @invariant()
    def nothing_is_confirmed_without_its_conditions(self) -> None:
        rows = self.run(self.room.read(lambda tx: tx.deletions()))
        for row in rows:
            if row["verdict"] == "confirmed" and row["id"] not in self.book.by_person:
                assert row["case_ref"] and self.book.said[row["mail_key"]].may_confirm == row["case_ref"], row["sentence"]
                assert row["trust"] in ("verified-sender", "verified-domain") and not row["partial"] and row["concluded_by"] == "bot"
                Desk.confirmed += 1
            if row["verdict"] != "to-check" and row["id"] in self.book.by_person:
                assert row["concluded_by"] == "eva"
        confirmed = {row["case_ref"] for row in rows if row["verdict"] == "confirmed"}
        assert self.run(self.room.read(lambda tx: tx.confirmed_deletions())) == confirmed

    @precondition(lambda self: hasattr(self, "room"))
    @invariant()
    def no_offer_is_answered_by_a_stranger(self) -> None:
        answered = self.run(self.room.read(lambda tx: tx.answered_offers()))
        assert answered <= {said.may_answer_offer for said in self.book.said.values()}
        assert {case.state for case in self.run(self.room.read(lambda tx: tx.cases()))} == {
            "delivered",
            "offered",
        }  # no mail changes a case

    @precondition(lambda self: hasattr(self, "room"))
    @invariant()
    def the_log_is_whole_and_every_verdict_in_the_history(self) -> None:
        def work(tx: Any) -> tuple[list[str], list[dict[str, Any]], dict[int, list[dict[str, Any]]]]:
            return list(tx.audit_faults()), tx.deletions(), tx.deletion_history()

        faults, rows, history = self.run(self.room.read(work))
        assert not faults
        assert all(history[row["id"]][-1]["verdict"] == row["verdict"] for row in rows)

    @precondition(lambda self: hasattr(self, "room"))
    @invariant()
    def nobody_is_reminded_by_machine_after_the_deadline_or_after_an_answer(self) -> None:
        for row in self.run(self.room.outbox()):
            if row["kind"] == "reminder" and row["state"] == "sent":
                assert row["created"][:10] <= "2026-03-20"


def _machine(knowledge: Knowledge, model: Model, examples: int, steps: int) -> None:
    with asyncio.Runner() as runner:
        Desk.knowledge, Desk.model, Desk.runner, Desk.confirmed = knowledge, model, runner, 0
        run_state_machine_as_test(
            Desk,
            settings=settings(
                max_examples=examples, stateful_step_count=steps, deadline=None, database=None, suppress_health_check=list(HealthCheck)
            ),
        )
    assert Desk.confirmed  # else the test says nothing


def test_no_order_of_mails_confirms_what_it_may_not(knowledge: Knowledge, model: Model) -> None:
    _machine(knowledge, model, 12, 10)


@pytest.mark.long
def test_no_order_of_mails_confirms_what_it_may_not_for_long(knowledge: Knowledge, model: Model) -> None:
    _machine(knowledge, model, 150, 25)
