"""The service looks after itself: alarms by mail and metric, the ledger, a clock that was set back.

An alarm goes through the outbox like any other mail, in the transaction that remembers that it was told. Only of a store that
takes no work nobody could hear that way: that one alarm is sent directly, once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bot.alarms import MINUTES, SHARE, Alarm, Readings, Standing, Step, standing, step
from bot.compose import Notice, notice
from bot.journal import where
from bot.ledger import Balance, balance
from bot.matters.calendar import OSLO
from bot.model import Language, Outgoing
from bot.pipeline import Parts, receive
from bot.sources import Counted, Receive
from bot.store import Store, StoreUnavailable, Tx

WATCH_SECONDS = 60
LEDGER_EVERY = timedelta(days=1)
LEDGER_AGAIN = timedelta(hours=1)  # after the server could not be asked
MEMORY, LEDGER = "alarms", "ledger"


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found and did."""

    readings: Readings
    found: dict[str, Alarm]
    taken: Step
    counts: dict[str, float]


async def watch_forever(parts: Parts) -> None:
    """Look every ``WATCH_SECONDS`` until cancelled. A look that fails (a template of the operator's own) ends nothing else."""
    watcher = Watcher(parts)
    while True:
        try:
            await watcher.look()
        except Exception as error:
            parts.journal.trouble("watch", "look", error)
        await asyncio.sleep(WATCH_SECONDS)


class Watcher:
    """One service's watch over itself. What must survive a restart is in the store."""

    def __init__(self, parts: Parts, seconds: Callable[[], float] = time.monotonic) -> None:
        """``seconds``: a clock that nobody can set."""
        self._parts, self._seconds = parts, seconds
        self._store_answered = seconds()
        self._store_told: datetime | None = None  # since when the store was gone, once that is told

    async def look(self) -> None:
        """One look: the ledger when it is due, then alarms."""
        parts = self._parts
        try:
            if parts.counted is not None and await parts.store.read(lambda tx: ledger_due(tx, parts.clock())):
                await keep_ledger(parts, parts.counted)
            look = await parts.store.write(lambda tx: self._look(tx, parts.clock()))
        except StoreUnavailable as error:
            parts.journal.trouble("watch", "store", error)
            await self._store_is_gone()
            return
        self._store_answered, self._store_told = self._seconds(), None
        self._tell(look)

    def _look(self, tx: Tx, now: datetime) -> Look:
        parts = self._parts
        tx.follow_clock(now)
        readings = Readings(
            **tx.readings(now),
            silent_seconds=parts.contact.silent() if parts.contact is not None else None,
            gaps=float(len(tx.recall(LEDGER).get("gaps", ()))),
            paused_by=tx.paused_by(),
        )
        remembered = tx.recall(MEMORY)
        found = standing(readings, parts.limits)
        taken = step({name: _standing(row) for name, row in remembered.items()}, found, now)
        if self._store_told is not None:  # it answers again: what was told past the outbox is over
            taken = replace(taken, over=(*taken.over, ("store", Standing(self._store_told, now, told=True))))
        memory = {name: _row(row) for name, row in taken.memory.items()}
        if memory != remembered:
            tx.remember(MEMORY, memory, now)
        for alarm in taken.raised:
            tx.event("alarm", "service", _facts(alarm), now)
        for name, _ in taken.over:
            tx.event("alarm-over", "service", {"alarm": name}, now)
        for mail in self._mails(taken, now):
            tx.add_mail(mail, now)
        return Look(readings, found, taken, tx.counts(now))

    def _mails(self, taken: Step, now: datetime) -> list[Outgoing]:
        raised = [alarm_mails(self._parts, alarm, taken.memory[alarm.name].since, now) for alarm in taken.raised]
        over = [over_mails(self._parts, name, was, now) for name, was in taken.over]
        return [mail for mails in (*raised, *over) for mail in mails]

    def _tell(self, look: Look) -> None:
        """Metrics and log lines, when what they say is on the disk."""
        journal = self._parts.journal
        for name, value in look.counts.items():
            journal.gauge(name, value)
        journal.gauge("paused", float(bool(look.readings.paused_by)))
        if look.readings.silent_seconds is not None:
            journal.gauge("imap_silent_seconds", look.readings.silent_seconds)
        journal.standing(look.found)
        for alarm in look.taken.raised:
            journal.alarm(alarm.name, _facts(alarm))
        for name, _ in look.taken.over:
            journal.note("alarm-over", alarm=name)
        self._parts.outbox_waiting.set()

    async def _store_is_gone(self) -> None:
        """A store that takes no work cannot hold the alarm about it: one mail past the outbox, once."""
        parts, seconds = self._parts, self._seconds() - self._store_answered
        alarm = standing(Readings(store_silent_seconds=seconds), parts.limits).get("store")
        if alarm is None or self._store_told is not None:
            return
        parts.journal.alarm(alarm.name, _facts(alarm))
        parts.journal.standing({alarm.name})
        now = parts.clock()
        self._store_told = now - timedelta(seconds=seconds)
        for mail in alarm_mails(parts, alarm, self._store_told, now):
            delivery = await parts.sender.send(mail)
            parts.journal.delivered(mail.message_id, mail.kind, delivery.result.value, delivery.detail)


def _facts(alarm: Alarm) -> dict[str, Any]:
    return {"alarm": alarm.name, "value": round(alarm.value, 2), "limit": alarm.limit}


def _row(row: Standing) -> dict[str, Any]:
    return {"since": row.since.isoformat(), "last": row.last.isoformat(), "told": row.told}


def _standing(row: dict[str, Any]) -> Standing:
    return Standing(datetime.fromisoformat(row["since"]), datetime.fromisoformat(row["last"]), bool(row["told"]))


# ── mails ─────────────────────────────────────────────────────────────────────────────────────────────────────


def alarm_mails(parts: Parts, alarm: Alarm, since: datetime, now: datetime) -> list[Outgoing]:
    """The alarm to each of ``parts.alarms_to``: figures and what to do, never anything of a mail."""
    figures = {"value": _figure(alarm.value, alarm.unit), "limit": _figure(alarm.limit, alarm.unit)}
    text = parts.words[f"alarm-text.{alarm.name}"]["nb"].format(**figures)
    return _notices(parts, "alarm", {"title": _title(parts, alarm.name), "text": text}, f"{alarm.name}:{since.isoformat()}", now)


def over_mails(parts: Parts, name: str, was: Standing, now: datetime) -> list[Outgoing]:
    """The all-clear."""
    context = {"title": _title(parts, name), "since": _local(was.since), "last": _local(was.last)}
    return _notices(parts, "alarm-over", context, f"{name}:{was.since.isoformat()}", now)


def _notices(parts: Parts, template: str, context: dict[str, str], key: str, now: datetime) -> list[Outgoing]:
    mails = (
        notice(parts.letterhead, parts.templates, Notice(template, Language.NB, recipient, context, key), now)
        for recipient in parts.alarms_to
    )
    return [replace(mail, kind="alarm", automatic=False) for mail in mails]


def _title(parts: Parts, name: str) -> str:
    return parts.words[f"alarm.{name}"]["nb"]


def _figure(value: float, unit: str) -> str:
    if unit == SHARE:
        return f"{value * 100:.0f} prosent"
    if unit == MINUTES and value >= 120:
        return f"{value / 60:.0f} timer"
    return f"{value:.0f} minutter" if unit == MINUTES else f"{value:.0f}"


def _local(moment: datetime) -> str:
    local = moment.astimezone(OSLO)
    return f"{local.day}.{local.month}.{local.year} kl. {local:%H.%M}"


# ── the ledger ────────────────────────────────────────────────────────────────────────────────────────────────


def ledger_due(tx: Tx, now: datetime) -> bool:
    """Whether a day has passed since the last ledger, or an hour since it could not be made."""
    last = tx.recall(LEDGER)
    if "at" not in last:
        return True
    passed = now - datetime.fromisoformat(last["at"])
    return passed < timedelta(0) or passed >= (LEDGER_EVERY if last.get("made") else LEDGER_AGAIN)


class Unasked(Exception):
    """The mail server could not be asked; the text names the kind of error and its place."""


async def reconcile(store: Store, server: Counted, take: Receive, now: datetime) -> tuple[Balance, int]:
    """Compare what the server has with what is recorded, take in what is missing, and write the ledger; how many were taken in.

    The server is asked first: what arrives in between is recorded and not there, never the other way round. Mails that were
    missing stand in the ledger until the next one; an alarm looks at it. Errors: ``StoreUnavailable``, ``Unasked``.
    """
    try:
        there = await server.census()
        recorded = await store.read(lambda tx: tx.recorded(there.prefix))
        found = balance(there.folder, there.uids, there.passed, recorded)
        taken = await server.recover(found.gaps, take) if found.gaps else 0
    except StoreUnavailable:
        raise
    except Exception as error:  # imapclient's, ssl's and msal's many kinds
        raise Unasked(where(error)) from error

    def work(tx: Tx) -> None:
        tx.remember(LEDGER, {"at": now.isoformat(), "made": True, "gaps": list(found.gaps)}, now)
        facts = {"on_server": found.on_server, **found.here, "gaps": list(found.gaps), "moved": found.moved, "gone": found.gone}
        tx.event("reconciled", found.folder, facts, now)

    await store.write(work)
    return found, taken


async def keep_ledger(parts: Parts, server: Counted) -> None:
    """The running service's ledger. A server that cannot be asked is asked again in an hour; it has an alarm of its own."""
    now = parts.clock()
    try:
        found, taken = await reconcile(parts.store, server, partial(receive, parts), now)
    except Unasked as error:
        parts.journal.trouble("ledger", "not asked", error.__cause__)
        await parts.store.write(lambda tx: tx.remember(LEDGER, {**tx.recall(LEDGER), "at": now.isoformat(), "made": False}, now))
        return
    parts.journal.note("reconciled", on_server=found.on_server, gaps=len(found.gaps), taken_in=taken, coming=found.coming, **found.here)
    parts.journal.gauge("ledger_gaps", float(len(found.gaps)))


__all__ = ["Unasked", "Watcher", "alarm_mails", "keep_ledger", "ledger_due", "over_mails", "reconcile", "watch_forever"]
