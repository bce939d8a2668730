"""What the assistant writes on its own account: reminders, preliminary answers as drafts, the caseworkers' digest. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from bot.compose import Letterhead, Named, Notice, Templates, draft_notice, notice, thread_of
from bot.decide import Policy
from bot.matters.calendar import day_in_oslo
from bot.matters.deadlines import RULES, Deadline, Reminder, digest_lines, plain
from bot.model import Address, Case, Category, Language, Mode, Outgoing


@dataclass(frozen=True, slots=True)
class Writing:
    """With what, in whose name and under whose rules."""

    letterhead: Letterhead
    templates: Templates
    words: Mapping[str, Mapping[str, str]]
    policy: Policy
    now: datetime


def reminder_mails(writing: Writing, reminder: Reminder, language_of: Callable[[str], str]) -> tuple[Outgoing, ...]:
    """The mails of a reminder: to each contact of the case, or to the sender of the mail, in the language that they last wrote in.

    Drafts unless it may go by itself; none in shadow mode. ``language_of`` an address: a language, or ``""``.
    """
    mode = writing.policy.mode(_category(reminder))
    if mode is Mode.SHADOW:
        return ()
    automatic = reminder.automatic and mode is Mode.AUTO
    return tuple(
        _reminder(writing, reminder, address, Language(language_of(address) or "nb"), automatic and not _is_ours(writing, address))
        for address in _recipients(reminder)
    )


def _category(reminder: Reminder) -> Category:
    return Category(reminder.mail.category) if reminder.mail is not None else RULES[reminder.deadline.kind].category


def _is_ours(writing: Writing, address: str) -> bool:
    return writing.policy.is_ours(address) or writing.policy.is_colleague(Address("", address))


def _recipients(reminder: Reminder) -> Sequence[str]:
    if RULES[reminder.deadline.kind].to == "sender":
        return (reminder.mail.sender,) if reminder.mail is not None and "@" in reminder.mail.sender else ()
    return reminder.case.contacts if reminder.case is not None else ()


def _reminder(writing: Writing, reminder: Reminder, address: str, language: Language, automatic: bool) -> Outgoing:
    case, mail = reminder.case, reminder.mail
    context: dict[str, Any] = {
        "case_ref": reminder.deadline.case_ref,
        "due": reminder.deadline.due,
        "overdue": reminder.overdue,
        "decision_date": case.decision_date if case is not None else None,
        "offer_sent": case.offer_sent if case is not None else None,
        "received": mail.received if mail is not None else None,
    }
    # the day belongs to the name, so that a reminder that was taken back before it left can be written anew
    key = f"{reminder.occasion}:{day_in_oslo(writing.now)}"
    told = Notice(RULES[reminder.deadline.kind].template, language, address, context, key)
    if automatic:
        written = notice(writing.letterhead, writing.templates, told, writing.now)
    else:
        thread = thread_of(mail.message_id, mail.thread) if mail is not None else None
        written = draft_notice(writing.letterhead, writing.templates, told, writing.now, thread=thread)
    kind = "reminder" if automatic else "draft"
    return replace(
        written, kind=kind, automatic=automatic, mail_key=mail.key if mail is not None else "", meta={"occasion": reminder.occasion}
    )


def digests(
    writing: Writing,
    deadlines: Sequence[Deadline],
    cases: Iterable[Case],
    waiting: Mapping[str, int],
    urgent: int,
    drafts: Mapping[str, int],
) -> tuple[Outgoing, ...]:
    """One mail a day to each desk that has something to do: numbers, references and days, no content and no names.

    ``waiting``: how many mails wait at each desk, ``drafts``: how many reminders wait for somebody to send them, by caseworker;
    ``""`` is the fallback's desk, which is told of all that waits and of what is urgent. None where everything runs in shadow mode.
    """
    policy = writing.policy
    if all(policy.mode(category) is Mode.SHADOW for category in Category):
        return ()
    desks = {case.caseworker for case in cases} | {deadline.desk for deadline in deadlines} | set(waiting)
    written = []
    for desk in sorted(desks | {""}):
        if not (desk or policy.fallback) or (desk and desk == policy.fallback):
            continue
        names = {desk} if desk else {"", policy.fallback}
        lists = [digest_lines(deadlines, name, day_in_oslo(writing.now)) for name in sorted(names)]
        context = {
            "waiting": waiting.get(desk, 0),
            "urgent": urgent if not desk else 0,
            "overdue": [_line(writing, deadline) for over, _ in lists for deadline in over],
            "soon": [_line(writing, deadline) for _, soon in lists for deadline in soon],
            "drafts": drafts.get(desk, 0),
            "deadline_names": Named(writing.words, "deadline"),
        }
        if any(context[name] for name in ("waiting", "overdue", "soon", "drafts")):
            written.append(_digest(writing, desk or policy.fallback, context))
    return tuple(written)


def _line(writing: Writing, deadline: Deadline) -> dict[str, Any]:
    url = writing.letterhead.public_url
    link = f"{url}/console/mail/{quote(deadline.subject, safe='')}" if url and deadline.subject != deadline.case_ref else ""
    return {**plain(deadline), "link": link}


def _digest(writing: Writing, desk: str, context: Mapping[str, Any]) -> Outgoing:
    told = Notice("digest", Language.NB, desk, context, str(day_in_oslo(writing.now)))
    return replace(notice(writing.letterhead, writing.templates, told, writing.now), automatic=False)
