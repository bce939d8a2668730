"""Which alarms stand, when they are told, and when they are over; and when automatic sending stops by itself. Pure.

An alarm is told once, when what it stands for has lasted ``HOLD``, and is over when that has been absent for ``QUIET``. So a
figure that swings about its limit makes at most one mail and one all-clear in a quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

HOLD = timedelta(minutes=2)  # longer than any restart of ours, or of a server beside us
QUIET = timedelta(minutes=15)
PEOPLE = 20  # a share of fewer mails than this says nothing

MINUTES, SHARE, COUNT = "minutes", "share", "count"
BREAKER = ("too-many-in-an-hour", "too-many-to-one-address")  # reasons of a pause that the service gave itself


@dataclass(frozen=True, slots=True)
class Limits:
    """What may pass without an alarm ([alarms]); times in minutes."""

    oldest_unhandled_minutes: float = 15
    idle_silent_minutes: float = 30
    outbox_minutes: float = 30
    unverified_share: float = 0.8
    automatic_per_hour: int = 60
    automatic_per_address_per_hour: int = 6


@dataclass(frozen=True, slots=True)
class Readings:
    """What is measured. ``silent_seconds``: since the mail server last answered, None where there is no mailbox. ``people`` and
    ``unverified``: a day's mails from people, and those of them whose sender is not proven. ``gaps``: of the last ledger."""

    unhandled_seconds: float = 0
    silent_seconds: float | None = None
    outbox_seconds: float = 0
    people: float = 0
    unverified: float = 0
    not_understood: float = 0
    gave_up: float = 0
    gaps: float = 0
    store_silent_seconds: float = 0
    paused_by: str = ""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm: what it is called, the value, the limit, and in what they are counted."""

    name: str
    value: float
    limit: float
    unit: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What is remembered of an alarm: since when, when it was last seen, whether it has been told."""

    since: datetime
    last: datetime
    told: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What follows from one look: what to remember, which alarms to tell, which are over."""

    memory: dict[str, Standing]
    raised: tuple[Alarm, ...]
    over: tuple[tuple[str, Standing], ...]


def standing(readings: Readings, limits: Limits) -> dict[str, Alarm]:
    """The alarms for which there is a reason now, by name."""
    share = readings.unverified / readings.people if readings.people >= PEOPLE else 0.0
    found = (
        Alarm("unhandled", readings.unhandled_seconds / 60, limits.oldest_unhandled_minutes, MINUTES),
        Alarm("contact", (readings.silent_seconds or 0.0) / 60, limits.idle_silent_minutes, MINUTES),
        Alarm("outbox", readings.outbox_seconds / 60, limits.outbox_minutes, MINUTES),
        Alarm("store", readings.store_silent_seconds / 60, limits.oldest_unhandled_minutes, MINUTES),
        Alarm("unverified", share, limits.unverified_share, SHARE),
        Alarm("not-understood", readings.not_understood, 0, COUNT),
        Alarm("gave-up", readings.gave_up, 0, COUNT),
        Alarm("gaps", readings.gaps, 0, COUNT),
    )
    passed = {alarm.name: alarm for alarm in found if alarm.value > alarm.limit}
    for name, limit in zip(BREAKER, (limits.automatic_per_hour, limits.automatic_per_address_per_hour), strict=True):
        if readings.paused_by == name:
            passed[name] = Alarm(name, limit, limit, COUNT)
    return passed


def step(memory: Mapping[str, Standing], now_standing: Mapping[str, Alarm], now: datetime) -> Step:
    """One look, from what was remembered to what is told. Counts are facts and are told at once, other figures after ``HOLD``."""
    remembered, raised, over = {}, [], []
    for name, alarm in now_standing.items():
        before = memory.get(name) or Standing(now, now)
        since = min(before.since, now)  # the clock may have been set back
        told = before.told or alarm.unit == COUNT or now - since >= HOLD
        if told and not before.told:
            raised.append(alarm)
        remembered[name] = Standing(since, now, told)
    for name, before in memory.items():
        if name in now_standing:
            continue
        last = min(before.last, now)
        if before.told and now - last < QUIET:
            remembered[name] = replace(before, last=last)
        elif before.told:
            over.append((name, before))
    return Step(remembered, tuple(raised), tuple(over))


def overrun(lately: int, to_one: int, limits: Limits) -> str:
    """Why one more automatic mail must not leave after so many in the last hour, or ``""``."""
    if lately >= limits.automatic_per_hour:
        return BREAKER[0]
    return BREAKER[1] if to_one >= limits.automatic_per_address_per_hour else ""


__all__ = ["BREAKER", "Alarm", "Limits", "Readings", "Standing", "Step", "overrun", "standing", "step"]
