"""Absence notices: by a header and the words, by a subject that only machines write, or by the words alone.

Where no header tells it, subject and body must both say it, for people quote machines, forward them and write about them; and a person
on holiday who writes all the same asks us something or tells what was done.
"""

from __future__ import annotations

import re

from bot.mail import machine_words as words
from bot.mail.seen import Seen, auto_submitted, header_of, precedence

FEW = 9  # a greeting, one clause, a name
WORDS = 160  # of a notice without a telling subject; with two languages the ones of large institutions reach 150


def with_header(seen: Seen) -> str:
    """A header of automatic mail, and the words of absence; lists carry such headers too."""
    marked = auto_submitted()(seen) or precedence("bulk", "junk", "auto_reply")(seen)
    if not marked:
        return ""
    told = words.ABSENT_SUBJECT.match(seen.subject) or _signs(seen.body) >= 2
    if told and not header_of("list-id", "list-unsubscribe")(seen) and words.ABSENT.search(seen.body):
        return f"{marked}, and the words of an absence notice"
    return ""


def in_subject(seen: Seen) -> str:
    """The subject says it, and the body does not speak against it."""
    if not words.ABSENT_SUBJECT.match(seen.subject):
        return ""
    text = seen.body
    absent, automatic = words.ABSENT.search(text), words.AUTOMATIC_PHRASE.search(text)
    if words.AUTOMATIC_PREFIX.match(seen.subject) or (
        words.ABSENT_PREFIX.match(seen.subject) and (absent or automatic or not words.ASKS_US.search(text))
    ):
        return "the subject that only machines write"
    if words.HANDS_OVER.search(text) or (asks(text) and not (automatic and absent)):
        return ""
    if automatic or absent or _signs(text) >= 2:
        return "the subject and the words of an automatic reply"
    bare = re.fullmatch(
        r"\s{0,20}(?:auto(?:matic )?reply|automatisk (?:svar|fraværs\w{0,10})|autosvar|automatiskt svar|out of office)\s{0,3}",
        seen.subject,
        re.IGNORECASE,
    )
    return "the subject that only machines write" if bare and not words.ASKS_US.search(text) else ""


def in_words(seen: Seen) -> str:
    """No subject tells it: an answer to something, short, that says absent, until when and whom to ask, and asks us nothing."""
    text = seen.body
    length = len(text.split())
    if length > WORDS or not words.ABSENT.search(text) or asks(text) or words.HANDS_OVER.search(text):
        return ""
    answers = (
        bool(seen.header("in-reply-to") or seen.header("references"))
        or bool(re.match(r"\s{0,20}(?:re|sv|aw|svar|antw|vs)\s{0,3}:", seen.subject, re.IGNORECASE))
        or not seen.subject.strip()
    )
    if answers and length <= FEW and words.OUT.search(text):
        return "nothing but the words of absence"
    needed = (2 if answers else 3) + (not words.AUTOMATIC_PHRASE.search(text) and length > 90)
    return "the words of an absence notice" if _signs(text) >= needed else ""


def speaks_of_absence(seen: Seen) -> bool:
    """Whether an automatic reply speaks of absence at all; a ticket system's acknowledgement does not."""
    return bool(
        words.ABSENT_SUBJECT.match(seen.subject)
        or words.ABSENT.search(seen.body)
        or re.search(r"vacation|away|ferie|fravær|absen", seen.subject, re.IGNORECASE)
    )


def asks(text: str) -> bool:
    """A request to us among the words, beside those that say whom else to ask."""
    return bool(words.ASKS_US.search(words.SUBSTITUTE.sub(" ", text)))


def _signs(text: str) -> int:
    return sum(bool(pattern.search(text)) for pattern in (words.ABSENT, words.RETURNS, words.SUBSTITUTE, words.AUTOMATIC_PHRASE))
