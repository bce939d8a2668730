"""Deletion confirmations. Confirmed without a person only when nothing at all is in doubt."""

from __future__ import annotations

from bot.matters.trust import trust
from bot.model import Category, DeletionEntry, Message, Past, Reason, Statement, Trust, Understanding, Verdict

AGAINST = {"deletion-negated", "deletion-promised", "deletion-postponed", "deletion-question"}


def entries(message: Message, understanding: Understanding, past: Past) -> tuple[DeletionEntry, ...]:
    """One entry per stated case (one without a case when none is stated), only for a mail that is a deletion confirmation."""
    if understanding.category is not Category.DELETION:
        return ()
    done = _strongest([statement for statement in understanding.statements if statement.kind == "deletion-done"])
    references = understanding.case_refs or ("",)
    return tuple(_entry(reference, done, message, understanding, past) for reference in references)


def _strongest(statements: list[Statement]) -> Statement | None:
    """The sentence to rest on: the sender's own words before an attached form, the whole before a part."""
    order = {"text": 0, "subject": 1}
    return min(statements, key=lambda statement: (statement.partial, order.get(statement.where, 2)), default=None)


def _entry(reference: str, done: Statement | None, message: Message, understanding: Understanding, past: Past) -> DeletionEntry:
    case = past.case(reference) if reference else None
    level = trust(message.sender, understanding.authentication, case)
    doubts = _doubts(reference, done, level, understanding, past)
    partial = any(statement.partial for statement in understanding.statements if statement.kind == "deletion-done")
    return DeletionEntry(
        case_ref=reference,
        verdict=Verdict.TO_CHECK if doubts else Verdict.CONFIRMED,
        sentence=done.sentence if done is not None else "",
        where=done.where if done is not None else "",
        trust=level,
        partial=partial or Reason.DELETION_PARTIAL in doubts,
        copies=done.copies if done is not None else None,
        deleted_on=done.date if done is not None else None,
        serial_numbers=understanding.serial_numbers,
        why=doubts or (Reason.DELETION_CONFIRMED,),
    )


def _doubts(reference: str, done: Statement | None, level: Trust, understanding: Understanding, past: Past) -> tuple[Reason, ...]:
    """Everything that stands against logging it as confirmed; empty when nothing does."""
    doubts = []
    case = past.case(reference) if reference else None
    statements = understanding.statements
    if done is None or done.where == "forwarded" or any(statement.kind in AGAINST for statement in statements):
        doubts.append(Reason.DELETION_UNCLEAR)
    if any(statement.partial for statement in statements if statement.kind == "deletion-done"):
        doubts.append(Reason.DELETION_PARTIAL)
    elif case is not None and understanding.serial_numbers and set(case.serial_numbers) - set(understanding.serial_numbers):
        doubts.append(Reason.DELETION_PARTIAL)  # the case has deliveries that the mail does not name
    if not reference:
        doubts.append(Reason.NO_REFERENCE)
    elif case is None:
        doubts.append(Reason.UNKNOWN_REFERENCE)
    if len(understanding.case_refs) > 1 or understanding.case_refs_ambiguous:
        doubts.append(Reason.SEVERAL_REFERENCES)
    if level is Trust.UNVERIFIED or case is None:
        doubts.append(Reason.UNVERIFIED)
    return tuple(dict.fromkeys(doubts))
