"""Deadlines: what has to have happened by when, who is reminded of it, and whether a reminder may go by itself.

A table of rules (``RULES``) and pure functions; the store keeps the deadlines that stand and the reminders that were made, so
that a restart forgets nothing. Before a deadline a friendly reminder may go to the case's contacts where the operator wants it and
the decision can be cited; after a deadline there is only ever a draft for a person, for the assistant sends nothing with legal
effect (eForvaltningsforskriften § 8). Nobody is reminded who has answered, nobody twice of the same date, and nobody on a weekend
or a Norwegian holiday.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from bot.matters.calendar import OSLO as OSLO
from bot.matters.calendar import add_months, day_in_oslo
from bot.matters.calendar import office_hours as office_hours
from bot.matters.offer import due_date
from bot.model import Case, Category

COMPLAINT_MONTHS = 6  # reklamasjonsretten utløper etter seks måneder (ssb.no)
PRELIMINARY_MONTHS = 1  # forvaltningsloven § 11 a: a preliminary answer where a matter is not answered within a month
PRELIMINARY_AHEAD = 9  # days before it at which a draft of one is made: three weeks after the mail came
FORWARD_DAYS = 7  # a forward that nobody has dealt with for a week
SOON_DAYS = 14  # how far ahead the digest looks
ANSWERABLE = {Category.APPLICATION.value, Category.CASE.value, Category.OTHER.value, Category.FAQ.value}


@dataclass(frozen=True, slots=True)
class DeadlineRules:
    """What the operator has decided ([deadlines] and [offers])."""

    offer_days: int = 14
    remind_offer_days: int = 3
    remind_deletion_days: int = 30
    overdue_deletion_every_days: int = 14
    remind_contacts: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """A person's mail that waits for an answer. ``forwarded``: when it was last sent on to ``desk``, or None."""

    key: str
    received: datetime
    category: str
    case_ref: str = ""
    sender: str = ""
    language: str = "nb"
    restricted: bool = False
    desk: str = ""
    forwarded: datetime | None = None
    message_id: str = ""
    thread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answers:
    """What has come in already, by case: deletions that stand as confirmed, deletions that were reported, offers that came back."""

    confirmed: frozenset[str] = frozenset()
    reported: frozenset[str] = frozenset()
    offers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Deadline:
    """Something that must have happened by a day and has not. ``kind`` and ``subject`` (a case or a mail's key) name it.

    ``reported``: the researcher has written; it is we who have to act.
    """

    kind: str  # a key of RULES
    subject: str
    due: date
    case_ref: str = ""
    desk: str = ""
    reported: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind of deadline is followed. ``ahead``: days before at which somebody is reminded, None for the digest alone;
    ``again``: days after which an overdue one comes up anew, 0 for once, None for the digest alone."""

    category: Category  # whose mode decides what may leave
    to: str  # contacts | sender | nobody
    template: str = ""
    ahead: Callable[[DeadlineRules], int | None] = lambda rules: None
    again: Callable[[DeadlineRules], int | None] = lambda rules: None


RULES: Mapping[str, Rule] = {
    "offer": Rule(Category.OFFER, "contacts", "reminder-offer", lambda rules: rules.remind_offer_days, lambda rules: 0),
    "deletion": Rule(
        Category.DELETION,
        "contacts",
        "reminder-deletion",
        lambda rules: rules.remind_deletion_days,
        lambda rules: rules.overdue_deletion_every_days,
    ),
    "preliminary": Rule(Category.CASE, "sender", "preliminary", lambda rules: PRELIMINARY_AHEAD),
    "complaint": Rule(Category.CASE, "nobody"),
    "forward": Rule(Category.CASE, "nobody"),
}


@dataclass(frozen=True, slots=True)
class Reminder:
    """One reminder that is due. ``occasion`` names it for ever, so that it is never made twice."""

    deadline: Deadline
    overdue: bool
    automatic: bool
    occasion: str
    case: Case | None = None
    mail: Waiting | None = None


# ── one case ──────────────────────────────────────────────────────────────────────────────────────────────────


def complaint_deadline(case: Case) -> date | None:
    """Six months after delivery; the last day of the month where the month is shorter."""
    return add_months(case.delivered, COMPLAINT_MONTHS) if case.delivered is not None else None


def next_deadline(case: Case, today: date, rules: DeadlineRules) -> tuple[str, date] | None:
    """(kind, day) of the nearest deadline that is not over: offer, complaint or deletion."""
    days = [("offer", due_date(case, rules.offer_days)), ("complaint", complaint_deadline(case)), ("deletion", case.deletion_due)]
    ahead = [(kind, day) for kind, day in days if day is not None and day >= today]
    if case.state not in ("offered",):
        ahead = [(kind, day) for kind, day in ahead if kind != "offer"]
    return min(ahead, key=lambda pair: pair[1], default=None)


def overdue(case: Case, today: date, rules: DeadlineRules, confirmed: frozenset[str], answered: frozenset[str]) -> list[tuple[str, date]]:
    """(kind, day) of deadlines that are over and unanswered."""
    answers = Answers(confirmed, confirmed, answered)
    return [(found.kind, found.due) for found in of_case(case, answers, rules) if found.due < today and found.kind != "complaint"]


def of_case(case: Case, answers: Answers, rules: DeadlineRules) -> list[Deadline]:
    """The deadlines that stand in a case."""
    found = []

    def stands(kind: str, due: date | None, *, reported: bool = False) -> None:
        if due is not None:
            found.append(Deadline(kind, case.case_ref, due, case.case_ref, case.caseworker, reported))

    if case.state == "offered" and case.case_ref not in answers.offers:
        stands("offer", due_date(case, rules.offer_days))
    if case.state != "closed" and case.case_ref not in answers.confirmed:
        stands("deletion", case.deletion_due, reported=case.case_ref in answers.reported)
    if case.state == "delivered":
        stands("complaint", complaint_deadline(case))
    return found


def of_mail(mail: Waiting) -> list[Deadline]:
    """The deadlines of a mail that waits for a person."""
    found = []
    if mail.category in ANSWERABLE:
        month = add_months(day_in_oslo(mail.received), PRELIMINARY_MONTHS)
        found.append(Deadline("preliminary", mail.key, month, mail.case_ref, mail.desk))
    if mail.forwarded is not None:
        week = day_in_oslo(mail.forwarded) + timedelta(days=FORWARD_DAYS)
        found.append(Deadline("forward", mail.key, week, mail.case_ref, mail.desk))
    return found


# ── all of them ───────────────────────────────────────────────────────────────────────────────────────────────


def standing(cases: Iterable[Case], mails: Iterable[Waiting], answers: Answers, rules: DeadlineRules) -> tuple[Deadline, ...]:
    """Every deadline that stands now, the nearest first; a complaint deadline that is over stands no more."""
    found = [deadline for case in cases for deadline in of_case(case, answers, rules)]
    found += [deadline for mail in mails for deadline in of_mail(mail)]
    return tuple(sorted(found, key=lambda deadline: (deadline.due, deadline.kind, deadline.subject)))


def awaited_deletions(cases: Iterable[Case], today: date, confirmed: frozenset[str]) -> list[tuple[int, Case]]:
    """(days left, case) of open cases whose deletion is not confirmed, most urgent first; days below zero are over."""
    awaited = [
        ((case.deletion_due - today).days, case)
        for case in cases
        if case.deletion_due is not None and case.state != "closed" and case.case_ref not in confirmed
    ]
    return sorted(awaited, key=lambda pair: (pair[0], pair[1].case_ref))


def reminders(
    deadlines: Iterable[Deadline], cases: Mapping[str, Case], mails: Mapping[str, Waiting], now: datetime, rules: DeadlineRules
) -> tuple[Reminder, ...]:
    """Every reminder whose time is now, made already or not; ``occasion`` tells. Nothing for what was reported: it is our turn."""
    found = []
    today = day_in_oslo(now)
    for deadline in deadlines:
        occasion, late = _occasion(deadline, today, rules)
        if not occasion or deadline.reported:
            continue
        case, mail = cases.get(deadline.case_ref), mails.get(deadline.subject)
        # friendly, before the deadline, wanted by the operator, and with the decision to cite: else a person sends it
        free = not late and rules.remind_contacts and RULES[deadline.kind].to == "contacts"
        cited = case is not None and case.decision_date is not None
        if mail is None or not mail.restricted:
            found.append(Reminder(deadline, late, free and cited, occasion, case, mail))
    return tuple(found)


def _occasion(deadline: Deadline, today: date, rules: DeadlineRules) -> tuple[str, bool]:
    """(the name of the reminder that is due, whether the deadline is over); no name where none is due."""
    rule, left = RULES[deadline.kind], (deadline.due - today).days
    name = f"{deadline.kind}:{deadline.subject}:{deadline.due}"
    ahead, again = rule.ahead(rules), rule.again(rules)
    if left >= 0:
        return (f"{name}:ahead" if ahead is not None and left <= ahead else ""), False
    if again is None:
        return (f"{name}:ahead" if rule.to == "sender" else ""), True  # a preliminary answer is as fitting a day late
    return f"{name}:overdue:{-left // again if again else 0}", True


def digest_lines(deadlines: Iterable[Deadline], desk: str, today: date) -> tuple[list[Deadline], list[Deadline]]:
    """(over, soon) of one desk. What has no desk of its own is the fallback's: call with ``""`` for it."""
    own = [deadline for deadline in deadlines if deadline.desk == desk]
    over = [deadline for deadline in own if deadline.due < today and deadline.kind != "complaint"]
    soon = [deadline for deadline in own if today <= deadline.due <= today + timedelta(days=SOON_DAYS) and deadline.kind != "forward"]
    return over, soon


def plain(deadline: Deadline) -> dict[str, Any]:
    """A deadline as templates show it."""
    return {"kind": deadline.kind, "due": deadline.due, "case_ref": deadline.case_ref, "reported": deadline.reported}
