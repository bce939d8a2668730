"""The contract of a store: work is a function handed to the one writer; what it raises leaves nothing behind.

``write(work)`` runs ``work(tx)`` in one immediate transaction on the writer's thread and commits when it returns;
``read(work)`` runs it on a reader that sees the last commit. ``work`` is a plain function: no await can stand between
begin and commit. A store that is busy, full or broken raises ``StoreUnavailable``; the caller waits and offers the work again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import date, datetime
from typing import Any, Protocol, TypeVar

from bot.model import (
    Case,
    Decision,
    Delivery,
    Examined,
    Findings,
    Message,
    Outgoing,
    Past,
    Raw,
    Understanding,
)

T = TypeVar("T")


class StoreUnavailable(Exception):
    """The store cannot take work now (disk full, locked, gone). Never the mail's fault; try again."""


class AlreadyRecorded(ValueError):
    """The mail was recorded by somebody else meanwhile: nothing more is to be done with it."""


class Tx(Protocol):
    """What can be asked of and done to the store inside one transaction. Times are aware UTC and always passed in."""

    # ① receive
    def arrive(self, raw: Raw) -> bool:
        """Keep the bytes under ``raw.key``; False (and no change) when the key is known."""

    def known_keys(self, prefix: str) -> set[str]:
        """All keys that begin with ``prefix``, purged mails included."""

    # ② handle
    def waiting(self, limit: int) -> list[str]:
        """Keys of mails to be handled together, oldest arrival first. A mail that was started before, when the program ended in
        the middle, comes alone: if it was the cause, it takes no other mail with it."""

    def start(self, key: str) -> int:
        """Count one more attempt at handling ``key`` and return the count (1 = first)."""

    def raw(self, key: str) -> Raw:
        """The bytes as they came. ``KeyError`` when unknown."""

    def past(self, key: str, message: Message, understanding: Understanding, now: datetime) -> Past:
        """What is known that bears on the mail: copies, our mails it answers, cases, how much we sent today."""

    def record(
        self,
        key: str,
        message: Message,
        examined: Examined,
        understanding: Understanding,
        findings: Findings,
        decision: Decision,
        mails: tuple[Outgoing, ...],
        now: datetime,
        *,
        mirror: str = "",
        versions: dict[str, str] | None = None,
    ) -> None:
        """Write all that follows from one mail: the mail's row and search text, decision, register entries (deletions, offers,
        applications, link to the case), outbox rows (drafts included), the mirror row when ``mirror`` names a folder, and
        an audit event. Raises ``AlreadyRecorded`` when the key is recorded or unknown."""

    def summary(self, key: str) -> dict[str, Any]:
        """What became of a mail: category, case, actions, reasons, reply, language, trust, topic, state, subject, sender."""

    def record_failure(
        self, key: str, reason: str, defects: tuple[str, ...], now: datetime, *, mirror: str = "", folder: str = "other"
    ) -> None:
        """Record a mail that could not be understood for a person, bytes kept (reason ``not-understood``)."""

    # ③ deliver
    def claim(self, now: datetime, *, paused: bool, not_now: Collection[str] = ()) -> Outgoing | None:
        """The next mail that is due, marked as being sent; while ``paused`` only forwards to colleagues, and none of the kinds in ``not_now``. A claim left by
        a crash comes back with the same Message-ID."""

    def settle(self, message_id: str, delivery: Delivery, now: datetime) -> str:
        """Write the outcome of an attempt; returns the new state: ``sent``, ``waiting`` or ``gave-up`` (for a person)."""

    def release_claims(self) -> int:
        """Give back what a crash left claimed; called once by the one service that holds the store. Returns how many."""

    def expire_held(self, now: datetime) -> int:
        """Turn automatic answers held for more than a day into work for a person; returns how many."""

    # ④ mirror
    def mirror_due(self, now: datetime, limit: int) -> list[tuple[str, str]]:
        """(mail key, folder key) whose decision is not yet shown on the server."""

    def mirrored(self, key: str, outcome: str, now: datetime) -> None:
        """Outcome of mirroring: ``moved``, ``keyword``, ``gone`` (a person moved it first) or ``retry``."""

    # ⑤ remind
    def confirmed_deletions(self) -> frozenset[str]:
        """References of cases whose deletion stands as confirmed."""

    def answered_offers(self) -> frozenset[str]:
        """References of cases whose offer came back in some form from somebody who may speak in the case."""

    def reported_deletions(self) -> frozenset[str]:
        """References of cases whose deletion somebody who may speak in them has reported, confirmed or still to be checked."""

    def waiting_for_person(self) -> list[dict[str, Any]]:
        """Mails of people that nobody has answered or finished, with where they were sent on to and when."""

    def keep_deadlines(self, standing: Iterable[tuple[str, str, date, str, str, bool]], now: datetime) -> None:
        """Set which deadlines stand: (kind, subject, due, case_ref, desk, reported)."""

    def deadlines(self) -> list[dict[str, Any]]:
        """The deadlines that stand as they were last kept, the nearest first."""

    def reminded(self) -> frozenset[str]:
        """The occasions that reminders were made for."""

    def add_reminder(self, occasion: str, subject: str, mails: Iterable[Outgoing], now: datetime) -> int:
        """Put the mails of a reminder into the outbox, once for all time; returns how many are new."""

    def withdraw_reminders(self, current: Collection[str], now: datetime) -> int:
        """Take back reminders that have not left and whose occasion is not among ``current``; returns how many."""

    def open_since(self, before: datetime) -> list[dict[str, Any]]:
        """Mails that wait for a person since before ``before``: key, case_ref, category, received; no content."""

    def last_language(self, address: str) -> str:
        """The language of the last mail from an address, or ``""``."""

    def add_mail(self, mail: Outgoing, now: datetime) -> bool:
        """Put a mail in the outbox (reminders, alarms, a person's reply); False when its Message-ID is there already."""

    # a person's work
    def mark_done(self, key: str, now: datetime, *, actor: str) -> bool:
        """The mail waits for nobody any more; False when it did not wait."""

    # cases
    def case(self, ref: str) -> Case | None:
        """The register's row."""

    def cases(self) -> list[Case]:
        """All rows, newest reference first."""

    def upsert_cases(self, rows: list[tuple[str, dict[str, Any]]], now: datetime) -> int:
        """Insert or update by reference; only the given columns change, an empty value clears. Returns how many changed."""

    def deletions(self) -> list[dict[str, Any]]:
        """The deletion register in the columns of ``bot deletions export``, newest first."""

    def offers(self) -> list[dict[str, Any]]:
        """Returned offers, newest first."""

    def applications(self) -> list[dict[str, Any]]:
        """Applications, newest first, each with its checklist."""

    def reminder_drafts(self) -> list[dict[str, Any]]:
        """Reminders that a person must send: recipient, case."""

    # switches and facts
    def get_flag(self, name: str) -> str:
        """A small persistent setting (``paused``, ``last_idle`` …), ``""`` when never set."""

    def set_flag(self, name: str, value: str, now: datetime, *, actor: str = "bot") -> None:
        """Set it, with an audit event for switches that a person turns."""

    # the service looks after itself
    def pause(self, reason: str, now: datetime, *, actor: str = "bot") -> bool:
        """Hold mail to researchers (flag ``paused``); ``reason``: ``by-hand``, ``restored``, ``too-many-in-an-hour`` or
        ``too-many-to-one-address``. False, and the first reason stays, when it is held already. ``set_flag("paused", "0")``
        lets it go, and the circuit breaker counts from there."""

    def paused_by(self) -> str:
        """The reason of a pause, ``""`` when there is none."""

    def automatic_lately(self, recipient: str, now: datetime) -> tuple[int, int]:
        """Automatic mails that were claimed in the hour before ``now``, since the last pause ended: all, and those to ``recipient``."""

    def give_back(self, message_id: str) -> None:
        """Undo a ``claim`` that was not followed by an attempt."""

    def follow_clock(self, now: datetime) -> int:
        """Make due what waits for a time that a clock ahead of ``now`` has written; returns how many. Without it a clock that was
        years ahead and is set back would leave mails waiting for years."""

    def readings(self, now: datetime) -> dict[str, float]:
        """What alarms look at: ``unhandled_seconds`` and ``outbox_seconds`` (age of the oldest; what a pause holds does not count),
        ``people`` and ``unverified`` (a day's mails from people), ``not_understood`` and ``gave_up`` (open ones)."""

    def recorded(self, prefix: str) -> dict[int, tuple[str, str]]:
        """UID → (``handled`` ``quarantined`` ``copy`` ``waiting`` ``purged``, state of its mirror or ``""``) of keys that begin so."""

    def recorded_by_source(self) -> dict[str, dict[str, int]]:
        """Source → label as in ``recorded`` → mails."""

    def recall(self, name: str) -> dict[str, Any]:
        """A small remembered table, ``{}`` when there is none."""

    def remember(self, name: str, table: dict[str, Any], now: datetime) -> None:
        """Keep it."""

    def event(self, kind: str, subject: str, facts: dict[str, Any], now: datetime, *, actor: str = "bot") -> None:
        """Append to the hash-chained audit log. Identifiers and reasons only, never content."""

    def counts(self, now: datetime) -> dict[str, float]:
        """Figures for health and metrics: arrived, handled, waiting, oldest_waiting_seconds, outbox_waiting, outbox_oldest_seconds,
        gave_up, quarantined, mirror_waiting, automatic_last_hour, for_person, unverified_share."""


class Store(Protocol):
    """A store, opened. One of them per process; several processes may open the same."""

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Run ``work`` in one write transaction."""

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Run ``work`` on the last committed state; it must not write."""

    async def close(self) -> None:
        """Finish what is under way and let go."""
