"""Deadlines: which reminder is due, to whom, and whether it may go by itself. A table and a pure function.

Before a deadline a friendly reminder may go to the case's contacts where the operator wants it; after a deadline there is
only ever a draft for a person, for the assistant sends nothing with legal effect (eForvaltningsforskriften § 8). Nobody is
reminded who has answered, nobody twice of the same date, and nobody on a weekend or a Norwegian holiday.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from holidays import country_holidays

from bot.matters.offer import due_date
from bot.model import Case

OSLO = ZoneInfo("Europe/Oslo")
OFFICE_HOURS = range(7, 16)  # local hours in which a reminder may go
COMPLAINT_MONTHS = 6  # reklamasjonsretten utløper etter seks måneder (ssb.no)
PRELIMINARY_DAYS = 21  # a week before the month of forvaltningsloven § 11 a is over
FORWARD_DAYS = 7  # a forward that nobody has dealt with for a week


@dataclass(frozen=True, slots=True)
class DeadlineRules:
    """What the operator has decided ([deadlines] and [offers])."""

    offer_days: int = 14
    remind_offer_days: int = 3
    remind_deletion_days: int = 30
    overdue_deletion_every_days: int = 14
    remind_contacts: bool = False


@dataclass(frozen=True, slots=True)
class Reminder:
    """One reminder that is due. ``occasion`` names it for ever, so that it is never made twice."""

    kind: str  # offer | deletion
    case: Case
    due: date
    overdue: bool
    automatic: bool
    occasion: str


def working_day(day: date) -> bool:
    """Neither a weekend nor a Norwegian holiday; the days between Christmas and New Year count as working days."""
    return day.weekday() < 5 and day not in _holidays(day.year)


@lru_cache(maxsize=8)
def _holidays(year: int) -> frozenset[date]:
    return frozenset(country_holidays("NO", years=year))


def office_hours(now: datetime) -> bool:
    """Whether reminders may go now."""
    local = now.astimezone(OSLO)
    return working_day(local.date()) and local.hour in OFFICE_HOURS


def complaint_deadline(case: Case) -> date | None:
    """Six months after delivery; the last day of the month where the month is shorter."""
    if case.delivered is None:
        return None
    month = case.delivered.month - 1 + COMPLAINT_MONTHS
    year, month = case.delivered.year + month // 12, month % 12 + 1
    last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month, min(case.delivered.day, last))


def next_deadline(case: Case, today: date, rules: DeadlineRules) -> tuple[str, date] | None:
    """(kind, day) of the nearest deadline that is not over: offer, complaint or deletion."""
    days = [("offer", due_date(case, rules.offer_days)), ("complaint", complaint_deadline(case)), ("deletion", case.deletion_due)]
    ahead = [(kind, day) for kind, day in days if day is not None and day >= today]
    if case.state not in ("offered",):
        ahead = [(kind, day) for kind, day in ahead if kind != "offer"]
    return min(ahead, key=lambda pair: pair[1], default=None)


def overdue(case: Case, today: date, rules: DeadlineRules, confirmed: frozenset[str], answered: frozenset[str]) -> list[tuple[str, date]]:
    """(kind, day) of deadlines that are over and unanswered."""
    passed = []
    if case.deletion_due is not None and case.deletion_due < today and case.case_ref not in confirmed and case.state != "closed":
        passed.append(("deletion", case.deletion_due))
    due = due_date(case, rules.offer_days)
    if case.state == "offered" and due is not None and due < today and case.case_ref not in answered:
        passed.append(("offer", due))
    return passed


def awaited_deletions(cases: Iterable[Case], today: date, confirmed: frozenset[str]) -> list[tuple[int, Case]]:
    """(days left, case) of open cases whose deletion is not confirmed, most urgent first; days below zero are over."""
    awaited = [
        ((case.deletion_due - today).days, case)
        for case in cases
        if case.deletion_due is not None and case.state != "closed" and case.case_ref not in confirmed
    ]
    return sorted(awaited, key=lambda pair: (pair[0], pair[1].case_ref))


def reminders(
    cases: Iterable[Case], now: datetime, rules: DeadlineRules, confirmed: frozenset[str], answered: frozenset[str]
) -> tuple[Reminder, ...]:
    """What is due now. ``confirmed`` and ``answered``: references whose deletion is confirmed, whose offer came back."""
    if not office_hours(now):
        return ()
    today = now.astimezone(OSLO).date()
    found: list[Reminder] = []
    for case in cases:
        for kind, due in overdue(case, today, rules, confirmed, answered):
            period = (today - due).days // rules.overdue_deletion_every_days if kind == "deletion" else 0
            found.append(Reminder(kind, case, due, True, False, f"{kind}:{case.case_ref}:{due}:overdue:{period}"))
        found += _ahead(case, today, rules, confirmed, answered)
    return tuple(found)


def _ahead(case: Case, today: date, rules: DeadlineRules, confirmed: frozenset[str], answered: frozenset[str]) -> list[Reminder]:
    found = []
    deletion, offer = case.deletion_due, due_date(case, rules.offer_days)
    open_deletion = deletion is not None and case.case_ref not in confirmed and case.state != "closed"
    if open_deletion and deletion is not None and 0 <= (deletion - today).days <= rules.remind_deletion_days:
        found.append(Reminder("deletion", case, deletion, False, rules.remind_contacts, f"deletion:{case.case_ref}:{deletion}:ahead"))
    open_offer = case.state == "offered" and case.case_ref not in answered
    if open_offer and offer is not None and 0 <= (offer - today).days <= rules.remind_offer_days:
        found.append(Reminder("offer", case, offer, False, rules.remind_contacts, f"offer:{case.case_ref}:{offer}:ahead"))
    return found
