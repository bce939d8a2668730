"""What must be handled with care: national identity numbers, data files, and the requests that the law gives deadlines.

Identity numbers (Skatteetaten, https://www.skatteetaten.no/en/deling/opplysninger/folkeregisteropplysninger/pid/): eleven
digits, date of birth, individual number, two control digits by weighted sums modulo 11. D-numbers add 40 to the day, synthetic
numbers 40, 65 or 80 to the month. From 2032 the first control digit may leave the remainders 0–3 and gender disappears, so both
forms are accepted now.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from bot.mail.caseless import Caseless
from bot.model import Examined, ExaminedAttachment, Message, Statement, Understanding

MASK = "•••••• •••••"
_REST = r"\d([ \u00a0\u202f./-]?)\d{2}\1\d{2}[ \u00a0\u202f./:\u2013-]{0,3}\d{3}[ \u00a0\u202f]?\d{2}"
# written in one or in any of the groups that people write; not inside a longer number, a decimal fraction or a path
# (what stands before the first digit is looked at after it: the engine then leaps from digit to digit)
ELEVEN = re.compile(rf"\d(?<!\d\d)(?<!\d[.,/-]\d)(?<!\+\d){_REST}(?![\d/]|[.,]\d)")
HIDDEN = re.compile(rf"\d(?<!\d\d){_REST}(?!\d)")  # for hiding, more is better
FIRST_WEIGHTS = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)
SECOND_WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
FIRST_REMAINDERS = range(4)  # 0 until 2032, 0–3 after
READ = 2_000_000

DATA_KINDS = {"data"}
DATA_NAMES = re.compile(r"\.(?:sas7bdat|sas7dat|sd2|sav|zsav|por|dta|rds|rdata|parquet|feather|csv|tsv|dat|xpt|7z|gpg|pgp)$", re.IGNORECASE)
ROWS_OF_DATA = 50  # a csv with fewer lines is a variable list or a budget
PRESS = Caseless(
    r"\b(?:journalist\w*|redaksjon\w*|redaktør\w*|reporter\w*|newsroom|newspaper|editor(?:ial)? (?:desk|team)|nyhetsbyrå\w*|dokumentarist\w*|pressehenvendelse|pressekontakt|press (?:office|enquiry|inquiry|request)|"
    r"media (?:enquiry|inquiry|request)|avis\w*|podkast\w*|podcast|nrk|tv\s?2|vg|dagbladet|aftenposten|ntb)\b"
)
PRESS_STRONG = Caseless(
    r"\bjeg er (?:en )?(?:journalist|reporter)|\beg er (?:ein )?(?:journalist|reporter)|\bi(?:'|’| a)m a (?:journalist|reporter)|journalist i |journalist ved |journalist at |journalist with |pressehenvendelse|"
    r"presseførespurnad|press (?:enquiry|inquiry|request)|media (?:enquiry|inquiry|request)|\bdeadline\b.{0,60}\b(?:sak|story|article|artikkel)\b|\bintervju\w*|\binterview\b"
)
BREACH = Caseless(
    r"\b(?:personvernbrudd|personvernbrot|avvik(?:smelding|et)?\b.{0,80}\b(?:data|person)|data breach|personal data breach|security incident|sikkerhetsbrudd|tryggleiksbrot|på avveie|på avvege|"
    r"uvedkommende\b.{0,60}\b(?:tilgang|sett|fått)|unauthori[sz]ed (?:access|person)|leaked|lekkasje|lekket|sendt til feil (?:person|mottaker)|mistet en (?:minnepinne|pc|laptop)|stjålet (?:pc|laptop))\b"
)


def is_identity_number(digits: str) -> bool:
    """Whether eleven digits make a Norwegian national identity number, D-number or synthetic number, of today or from 2032."""
    if len(digits) != 11 or not digits.isascii() or not digits.isdigit():
        return False
    numbers = [int(digit) for digit in digits]
    day, month = int(digits[:2]), int(digits[2:4])
    day -= 40 if day > 40 else 0
    for shift in (80, 65, 40):
        if month > shift:
            month -= shift
            break
    if not (1 <= month <= 12 and 1 <= day <= (29, 30, 31)[(month != 2) + (month in (1, 3, 5, 7, 8, 10, 12))]):
        return False
    first = sum(weight * number for weight, number in zip(FIRST_WEIGHTS, numbers, strict=False)) % 11
    second = sum(weight * number for weight, number in zip(SECOND_WEIGHTS, numbers, strict=False)) % 11
    return first in FIRST_REMAINDERS and second == 0


def identity_numbers(text: str) -> int:
    """How many identity numbers stand in a text, in one or in groups."""
    return sum(is_identity_number(_digits(match)) for match in ELEVEN.finditer(text[:READ]))


def _digits(match: re.Match[str]) -> str:
    return "".join(str(unicodedata.digit(character)) for character in match[0] if character.isdigit())  # digits of any script


# ── hiding ────────────────────────────────────────────────────────────────────────────────────────────────────


def mask(text: str) -> str:
    """The text with every national identity number hidden."""
    return HIDDEN.sub(lambda match: MASK if is_identity_number(_digits(match)) else match[0], text)


def hide(message: Message, examined: Examined, understanding: Understanding) -> tuple[Message, Examined, Understanding]:
    """The three without identity numbers and without the rows of data files, for all that is shown, indexed, written or logged.

    The bytes of the mail stay as they came, for those who may see them.
    """
    if not {"identity-number", "data-file"} & set(understanding.sensitive):
        return message, examined, understanding
    shown = replace(
        message,
        subject=mask(message.subject),
        text=mask(message.text),
        own=mask(message.own),
        quoted=mask(message.quoted),
        forwarded=mask(message.forwarded),
        signature=mask(message.signature),
        html="",  # tags may stand between the digits
        sender=replace(message.sender, name=mask(message.sender.name)),
        headers=tuple((name, mask(value)) for name, value in message.headers),
        attachments=tuple(replace(part, name=mask(part.name)) for part in message.attachments),
    )
    return shown, Examined(tuple(map(_hidden, examined.attachments))), _hidden_understanding(understanding)


def _hidden(attachment: ExaminedAttachment) -> ExaminedAttachment:
    data = _is_data(attachment.name, attachment.kind, attachment.text, attachment.flags)
    return replace(
        attachment,
        name=mask(attachment.name),
        text="" if data else mask(attachment.text),
        members=tuple(map(mask, attachment.members)),
        note=mask(attachment.note),
    )


def _hidden_understanding(understanding: Understanding) -> Understanding:
    return replace(
        understanding,
        statements=tuple(replace(each, sentence=mask(each.sentence), where=mask(each.where)) for each in understanding.statements),
        evidence=tuple(replace(each, text=mask(each.text)) for each in understanding.evidence),
    )


# ── finding ───────────────────────────────────────────────────────────────────────────────────────────────────


def find(message: Message, examined: Examined, statements: Iterable[Statement]) -> tuple[str, ...]:
    """Codes in falling order of urgency: identity-number data-file data-breach access-request data-subject-request complaint press."""
    text = f"{message.subject}\n{message.own or message.forwarded}"
    kinds = {statement.kind for statement in statements}
    found = []
    if _has_identity_number(message, examined):
        found.append("identity-number")
    if any(_is_data(attachment.name, attachment.kind, attachment.text, attachment.flags) for attachment in examined.attachments):
        found.append("data-file")
    if BREACH.search(text):
        found.append("data-breach")
    found += [kind for kind in ("access-request", "data-subject-request", "complaint") if kind in kinds]
    if PRESS.search(text) and PRESS_STRONG.search(text):
        found.append("press")
    return tuple(found)


def _has_identity_number(message: Message, examined: Examined) -> bool:
    if identity_numbers(message.subject) or identity_numbers(message.text):
        return True
    if any(identity_numbers(attachment.name) for attachment in message.attachments):
        return True
    return any("identity-number" in attachment.flags or identity_numbers(attachment.text) for attachment in examined.attachments)


def _is_data(name: str, kind: str, text: str, flags: tuple[str, ...]) -> bool:
    """A file of rows about units, not a document: by its format, or a table file with many lines."""
    if "data-file" in flags or kind in DATA_KINDS:
        return True
    if not DATA_NAMES.search(name):
        return False
    return kind not in ("csv", "txt") or text.count("\n") >= ROWS_OF_DATA
