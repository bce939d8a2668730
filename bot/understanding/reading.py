"""What a mail says, before anything learned weighs it: sentences, statements, references."""

from __future__ import annotations

import re

from bot.mail.caseless import Caseless
from bot.model import Examined, Message, Statement
from bot.understanding import caserefs, sentences, statements
from bot.understanding.category import Read, counted_text, forwarded_body
from bot.understanding.topics import Matcher

FEW_WORDS = 8  # "see attached": the attachment speaks for the sender
ATTACHED_TEXT = 6000  # characters of one attachment in which statements are looked for
FORM_NAME = re.compile(r"slett|delet|destru|makul|erasure|bekreft|confirm|stadfest|erklær", re.IGNORECASE)


OFFER_WORDS = Caseless(r"\b(?:tilbud\w*|tilbod\w*|offers?|quotes?|quotations?|offert\w*)\b")
# "OK for oss, kjør på!" says nothing of an offer, but it answers one
ACCEPTS = re.compile(
    r"^(?:ok(?:ei|ay)?\s+(?:for|fra|frå|from|with|by)\s+(?:oss|us|meg|me|vår|our)|ja,?\s+takk|ja,?\s+(?:vi|dette|me)\s+(?:godtar|godtek|aksepterer|aksepterar|tar det|tek det|tar imot|tek imot)|yes,?\s+(?:we (?:accept|agree)|please go)|accepted\b|aksepter(?:t|er)\b|"
    r"godtatt\b|godteke\b|vi (?:godtar|godtek|aksepterer|aksepterar|takker ja|takkar ja|slår til)|we (?:accept|agree|are happy)|agreed\b|kjør på|go ahead|(?:det er |dette er |this is )?(?:fine|greit|i orden) (?:by|with|for) (?:us|oss))",
    re.IGNORECASE,
)


def read(message: Message, examined: Examined, matcher: Matcher) -> Read:
    """Everything that can be read without weighing it."""
    text = counted_text(message)
    told = tuple(sentences.body(text))
    about = statements.is_about_deletion(message.subject) or statements.is_about_deletion(message.quoted[:1500])
    found = list(statements.find(told, "text", about_deletion=about))
    subject = re.sub(r"^\s*(?:(?:re|sv|aw|vs|fwd?)\s*:\s*)+", "", message.subject, flags=re.IGNORECASE)
    replies = subject != message.subject
    if subject and not replies:
        found += statements.find([sentences.Sentence(subject, sentences.is_question(subject))], "subject")
    if (
        message.forwarded
        and text == message.own.strip()
        and re.search(r"\b(?:under|nedenfor|nedanfor|below|vedlagt|videresend\w*|vidaresend\w*|forward\w*)\b", text, re.IGNORECASE)
    ):
        found += statements.find(sentences.body(forwarded_body(message.forwarded)), "forwarded")
    about = about or statements.is_about_deletion(text[:2000]) or len(text.split()) < FEW_WORDS
    found += _of_attachments(examined, about)
    if OFFER_WORDS.search(message.subject if replies else "") or OFFER_WORDS.search(message.quoted[:1500]):
        found += [Statement("offer-accepted", s.text, "text") for s in told[:3] if not s.question and ACCEPTS.match(s.text)]
    asked_of = told or tuple(sentences.body(subject))
    short = len(text.split()) < 6 and subject and not replies
    if short:
        asked_of = (*sentences.body(subject), *told)
    return Read(
        message,
        examined,
        text,
        told,
        tuple(found),
        caserefs.find(
            message.subject,
            text or message.own,
            [(a.name, a.text[:20_000]) for a in examined.attachments] or [(a.name, "") for a in message.attachments],
        ),
        matcher.ask(asked_of),
    )


def _of_attachments(examined: Examined, about: bool) -> list[Statement]:
    """A form or letter that confirms a deletion counts as the sender's own words; other documents state nothing for the sender."""
    found: list[Statement] = []
    for attachment in examined.attachments:
        text = attachment.text[:ATTACHED_TEXT]
        if not text or attachment.kind in ("eml", "msg", "csv", "xlsx"):
            continue
        if FORM_NAME.search(attachment.name) or (about and statements.is_about_deletion(text[:400])):
            found += [
                s for s in statements.find(sentences.body(text), attachment.name, about_deletion=True) if s.kind.startswith("deletion")
            ]
    return found
