"""Deletion confirmations. Confirmed without a person only when nothing at all is in doubt."""

from __future__ import annotations

import re

from bot.matters.case import plain_serial
from bot.matters.trust import trust
from bot.model import Case, Category, DeletionEntry, Message, Past, Reason, Statement, Trust, Understanding, Verdict
from bot.understanding import caserefs
from bot.understanding.statement_words import DELETED, GONE

AGAINST = {"deletion-negated", "deletion-promised", "deletion-postponed", "deletion-question", "deletion-accident"}
NOT_THEIR_WORDS = {"forwarded", "subject"}  # somebody else's text; a title, which a mail program may have taken over from ours

# words by which somebody who has deleted something has not said that it was everything (issue: "of all data in the case")
PART_ONLY = re.compile(
    r"\b(?:(?:aller )?(?:det|de) (?:aller )?meste|mesteparten|hoveddelen|hovuddelen|størstedelen|størsteparten|flesteparten|dei fleste|de fleste|"
    r"nesten (?:alt|alle)|så godt som (?:alt|alle)|most of|almost all|almost everything|nearly all|the majority|the bulk|"
    r"hoved(?:fil|datasett)\w*|hovud(?:fil|datasett)\w*|main (?:file|data ?set)|rådata\w*|raw data|"
    r"(?:den|det|the) (?:første|fyrste|ene|eine|andre|siste|eldste|first|second|last|oldest) (?:leveranse|leveringa|filen|fila|uttrekk|delivery|file|extract)\w*|"
    r"(?:en|én|ein|to|tre|one|two|three) av|(?:one|two|three) of|"
    r"(?:hos|hjå) meg|(?:min|mi|my) (?:egen |eigen |own )?(?:kopi|pc|maskin|laptop|copy|computer|machine)\w*|"
    r"på (?:min|mi)\b|on my)\b"
    r"|\b(?:data\w*|\w*fil(?:er|ene|a|en|ane)?|årgang\w*|files?|data ?sets?)\s+(?:fra|frå|for|from|of)\s+"
    r"(?:årene?\s+|åra\s+|året\s+|the years?\s+)?(?:19|20)\d\d\b(?!/)",
    re.IGNORECASE,
)
# A heading or "vedlagt er bekreftelse på sletting" names a paper; that the deed is done is said by a verb
SAID = re.compile(
    r"\b(?:bekreft(?:er|ar|es|ast)|stadfest(?:er|ar|es|ast)|erklær(?:er|ar|es)|attester(?:er|es)|meld(?:er|es)|"
    r"confirms?|confirming|declares?|certif(?:y|ies)|attests?|"
    r"utført|gjennomført|fullført|foretatt|føreteke|gjort|ferdig|avsluttet|avslutta|ordnet|ordna|skjedd|i orden|"
    r"completed?|carried out|done|performed|finished|concluded)\b",
    re.IGNORECASE,
)
# "har ikke beholdt kopier" denies that copies were kept, not that they were deleted
NOTHING_KEPT = re.compile(
    r"\b(?:ikke|ikkje|ingen|inga|not|no|without|uten|utan|verken|hverken|korkje|nor)\b[^.?!]{0,40}\b(?:behold\w*|behald\w*|tatt vare på|teke vare på|lagret|lagra|"
    r"igjen|retain\w*|kept|keep|left|remain\w*|finnes|finst|tatt|teke|made|laget|laga)\b",
    re.IGNORECASE,
)


def entries(message: Message, understanding: Understanding, past: Past) -> tuple[DeletionEntry, ...]:
    """One entry per stated case (one without a case when none is stated), only for a mail that is a deletion confirmation."""
    if understanding.category is not Category.DELETION:
        return ()
    stated = [statement for statement in understanding.statements if statement.kind == "deletion-done"]
    done = _strongest([statement for statement in stated if _is_said(statement)] or stated)
    references = understanding.case_refs or ("",)
    return tuple(_entry(reference, done, message, understanding, past) for reference in references)


def _strongest(statements: list[Statement]) -> Statement | None:
    """The sentence to rest on: the sender's own words before an attached form, the whole before a part."""
    order = {"text": 0, "subject": 1}
    return min(statements, key=lambda statement: (statement.partial, order.get(statement.where, 2)), default=None)


def _entry(reference: str, done: Statement | None, message: Message, understanding: Understanding, past: Past) -> DeletionEntry:
    case = past.case(reference) if reference else None
    level = trust(message.sender, understanding.authentication, case)
    doubts = _doubts(reference, done, level, message, understanding, past)
    partial = Reason.DELETION_PARTIAL in doubts
    return DeletionEntry(
        case_ref=reference,
        verdict=Verdict.TO_CHECK if doubts else Verdict.CONFIRMED,
        sentence=done.sentence if done is not None else "",
        where=done.where if done is not None else "",
        trust=level,
        partial=partial,
        copies=done.copies if done is not None else None,
        deleted_on=done.date if done is not None else None,
        serial_numbers=tuple(dict.fromkeys(map(plain_serial, understanding.serial_numbers))),
        why=doubts or (Reason.DELETION_CONFIRMED,),
    )


def _doubts(
    reference: str, done: Statement | None, level: Trust, message: Message, understanding: Understanding, past: Past
) -> tuple[Reason, ...]:
    """Everything that stands against logging it as confirmed; empty when nothing does."""
    doubts: list[Reason] = []
    case = past.case(reference) if reference else None
    statements = understanding.statements
    against = any(statement.kind in AGAINST for statement in statements)
    if done is None or against or not _is_said(done) or not _in_their_words(done, message):
        doubts.append(Reason.DELETION_UNCLEAR)
    if any(_of_a_part(statement) for statement in statements if statement.kind == "deletion-done") or (
        case is not None and not _names_all(understanding, case)
    ):
        doubts.append(Reason.DELETION_PARTIAL)
    if not reference:
        doubts.append(Reason.NO_REFERENCE)
    elif case is None:
        doubts.append(Reason.UNKNOWN_REFERENCE)
    if not _is_only_reference(reference, message, understanding, past):
        doubts.append(Reason.SEVERAL_REFERENCES)
    if level is Trust.UNVERIFIED or case is None:
        doubts.append(Reason.UNVERIFIED)
    if understanding.authentication.dmarc == "fail":
        doubts.append(Reason.DMARC_FAIL)
    return tuple(dict.fromkeys(doubts))


def _names_all(understanding: Understanding, case: Case) -> bool:
    """Whether a mail that names deliveries names all those of the case and no other; one that names none speaks of the whole case.

    Where the register knows no serial numbers, nobody can say that the named ones are all.
    """
    named = {plain_serial(number) for number in understanding.serial_numbers}
    return not named or named == {plain_serial(number) for number in case.serial_numbers}


def _of_a_part(done: Statement) -> bool:
    """Whether the sentence leaves something out: in so many words, or copies that it says are not deleted."""
    spared = done.copies is False and not NOTHING_KEPT.search(done.sentence)
    return done.partial or spared or PART_ONLY.search(done.sentence) is not None


def _is_said(done: Statement) -> bool:
    """Whether the sentence says that the deed is done, and does not only name a paper about it."""
    return bool(DELETED.search(done.sentence) or GONE.search(done.sentence) or SAID.search(done.sentence))


def _in_their_words(done: Statement, message: Message) -> bool:
    """Whether the sender says it: in the text that he wrote, or in a form of his, not in what he passes on."""
    if done.where in NOT_THEIR_WORDS:
        return False
    if done.where != "text" or not message.forwarded:
        return True
    return " ".join(done.sentence.split()) in " ".join(message.own.split())


def _is_only_reference(reference: str, message: Message, understanding: Understanding, past: Past) -> bool:
    """Whether nothing points to another case: not the mail (what stands beneath its signature included), not the thread."""
    beneath = caserefs.find("", message.signature)
    several = len(understanding.case_refs) > 1 or bool(set(beneath.stated) - {reference})
    ambiguous = bool(understanding.case_refs_ambiguous or beneath.ambiguous)
    elsewhere = bool(past.thread_cases) and reference not in past.thread_cases
    return not (several or ambiguous or elsewhere)
