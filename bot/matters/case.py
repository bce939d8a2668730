"""Which case a mail belongs to, and how sure that is. A match that a stranger brings is never more than a suggestion."""

from __future__ import annotations

from collections.abc import Iterable

from bot.matters.trust import is_colleague, is_contact, is_stranger
from bot.model import Case, CaseMatch, Message, Past, Reason, Understanding
from bot.understanding.fuzzy import contained

TITLE_LIKENESS = 88.0  # of 100; below that, titles of other projects on the same subject begin to match
INSTITUTION_LIKENESS = 92.0  # names of institutions are short and like each other: "Universitetet i Oslo", "Universitetet i Bodø"
INSTITUTION_LETTERS = 5  # an abbreviation of two or three letters stands in any text
SUGGESTIONS = 3
TEXT_COMPARED = 4000  # characters of the mail that titles are looked for in


def match(
    message: Message, understanding: Understanding, past: Past, colleagues: Iterable[str] = ()
) -> tuple[CaseMatch | None, tuple[CaseMatch, ...], tuple[Reason, ...]]:
    """(the match, other suggestions, reasons), from the strongest ground to the weakest: reference, thread, sender, words.

    A proven colleague of ours (``colleagues``: domains and addresses) is a stranger to no case.
    """
    known = understanding.authentication.passed and is_colleague(message.sender, colleagues)
    by_reference = [case for ref in understanding.case_refs if (case := past.case(ref)) is not None]
    by_thread = [case for ref in past.thread_cases if (case := past.case(ref)) is not None]
    reasons: list[Reason] = []
    if len(understanding.case_refs) > 1:
        reasons.append(Reason.SEVERAL_REFERENCES)
    if understanding.case_refs and not by_reference:
        reasons.append(Reason.UNKNOWN_REFERENCE)
    if by_reference:
        strangers = {case.case_ref for case in by_reference if not known and is_stranger(message.sender, case)}
        return _found(understanding, by_reference, "reference", by_thread, strangers, reasons)
    if by_thread:
        strangers = {case.case_ref for case in by_thread if not known and is_stranger(message.sender, case)}
        return _found(understanding, by_thread, "thread", [], strangers, reasons)
    suggestions = _by_serial_number(understanding, past) or _by_sender(message, past) or _by_words(message, past)
    if not understanding.case_refs:
        reasons.append(Reason.NO_REFERENCE)
    if suggestions:
        reasons.append(Reason.SUGGESTED_CASE)
    return None, suggestions, tuple(reasons)


def _found(
    understanding: Understanding, cases: list[Case], how: str, others: list[Case], strange: set[str], reasons: list[Reason]
) -> tuple[CaseMatch, tuple[CaseMatch, ...], tuple[Reason, ...]]:
    first = cases[0]
    stranger = first.case_ref in strange  # the sender is one to this case
    # a reference that contradicts the thread may be a slip of the pen: a person decides
    contradicted = bool(others) and first.case_ref not in {other.case_ref for other in others}
    several = how == "thread" and len(cases) > 1
    failed = understanding.authentication.dmarc == "fail"
    certain = not (stranger or contradicted or several or failed)
    reasons.append(Reason.REFERENCE if how == "reference" else Reason.THREAD)
    if stranger:
        reasons.append(Reason.STRANGER)
    if not certain:
        reasons.append(Reason.SUGGESTED_CASE)
    rest = [case for case in (*cases[1:], *others) if case.case_ref != first.case_ref]
    suggestions = tuple(CaseMatch(case.case_ref, how, False) for case in dict.fromkeys(rest))[:SUGGESTIONS]
    return CaseMatch(first.case_ref, how, certain), suggestions, tuple(reasons)


def _by_sender(message: Message, past: Past) -> tuple[CaseMatch, ...]:
    """The sender's only open case; where there are several, all of them as suggestions, contacts first."""
    own = [case for case in past.sender_cases if is_contact(message.sender, case)]
    found = own or list(past.sender_cases)
    if len(found) > SUGGESTIONS and not own:
        return ()  # a large university has hundreds: its domain alone tells nothing
    score = 0.9 if len(own) == 1 else 0.5
    return tuple(CaseMatch(case.case_ref, "sender", False, score) for case in found[:SUGGESTIONS])


def _by_serial_number(understanding: Understanding, past: Past) -> tuple[CaseMatch, ...]:
    """Cases with a delivery that the mail names; a serial number is printed on what was delivered and proves nothing."""
    named = {plain_serial(number) for number in understanding.serial_numbers}
    found = [case for case in past.open_cases if named & {plain_serial(number) for number in case.serial_numbers}]
    return tuple(CaseMatch(case.case_ref, "serial-number", False, 0.9) for case in found[:SUGGESTIONS])


def plain_serial(number: str) -> str:
    """A serial number as it is compared: people write ``W19-0001`` for ``w19_0001``."""
    return number.strip().lower().replace("-", "_")


def _by_words(message: Message, past: Past) -> tuple[CaseMatch, ...]:
    """Open cases whose title, else whose institution, stands in the mail or nearly so."""
    text = f"{message.subject}\n{message.own}"[:TEXT_COMPARED]
    titles = [(contained(case.title, text), case) for case in past.open_cases if case.title]
    best = sorted(((score, case) for score, case in titles if score >= TITLE_LIKENESS), key=lambda pair: -pair[0])
    if best:
        return tuple(CaseMatch(case.case_ref, "title", False, score / 100) for score, case in best[:SUGGESTIONS])
    signed = f"{text}\n{message.signature}"
    named = {case.institution for case in past.open_cases if len(case.institution) >= INSTITUTION_LETTERS}
    likeness = {name: contained(name, signed) for name in named}
    of_institution = [case for case in past.open_cases if likeness.get(case.institution, 0.0) >= INSTITUTION_LIKENESS]
    if len(of_institution) > SUGGESTIONS:
        return ()  # a large university has hundreds: its name alone tells nothing
    return tuple(CaseMatch(case.case_ref, "institution", False, likeness[case.institution] / 200) for case in of_institution)
