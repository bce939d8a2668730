"""Mail that belongs elsewhere: to microdata.no, whose address differs from ours by one letter, to the information service, to another body.

A finding is a suggestion. It is sure only where the mail names the other service and something that is done there and nowhere
else, and nothing points to us: no case, no thread, no attachment, no question that we answer (forvaltningslovforskriften § 4: a mail to
the wrong body is sent on, and the sender told).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.model import Category, Message, Past, Understanding

# what a service is called, and what only its users speak of
KNOWN: dict[str, tuple[re.Pattern[str], re.Pattern[str]]] = {
    "microdata.no": (
        re.compile(r"\bmicrodata\.no\b|\bmicrodata@", re.IGNORECASE),
        re.compile(
            r"\b(?:logg\w* (?:inn|på|meg inn)|innlogging\w*|pålogging\w*|log(?:ged|ging)? ?in|login|passord\w*|password|"
            r"brukerkonto\w*|brukarkonto\w*|user account|my account|"
            r"kommando\w*|command\w*|skript\w*|script\w*|syntaks\w*|syntax|feilmelding\w*|error message|create-dataset|recode|tabulate|regress|import\w* variab\w*|"
            r"analyseplattform\w*|analysis platform|arbeidsområde\w*|workspace|manual(?:en)?|brukermanual\w*)\b",
            re.IGNORECASE,
        ),
    ),
    "information": (
        re.compile(r"\b(?:statistikkbank\w*|statbank\w*|informasjonstjeneste\w*|opplysningstjeneste\w*|information (?:service|centre)|informasjon@)", re.IGNORECASE),
        re.compile(
            r"\b(?:tabell \d{5}|table \d{5}|konsumprisindeks\w*|kpi\b|consumer price index|cpi\b|prisvekst\w*|prisstigning\w*|inflasjon\w*|folketall\w*|"
            r"befolkningsstatistikk\w*|population statistics|lønnsstatistikk\w*|publiser\w* tall\w*|published figures)",
            re.IGNORECASE,
        ),
    ),
}  # fmt: skip
ELSEWHERE = {Category.OTHER, Category.FAQ, Category.CASE}
READ = 6000  # characters


@dataclass(frozen=True, slots=True)
class Misdirected:
    """Which service a mail seems to be meant for (a key of the configuration), and whether nothing speaks against it."""

    service: str
    sure: bool


def find(message: Message, understanding: Understanding, past: Past, services: Iterable[str]) -> Misdirected | None:
    """The service that a mail seems to belong to, among those that the operator has named; None for a mail of ours."""
    if understanding.category not in ELSEWHERE or understanding.thanks_only:
        return None
    text = f"{message.subject}\n{message.own or message.forwarded}"[:READ]
    addressed = " ".join(address.address for address in (*message.to, *message.cc))
    for service in services:
        name, deeds = KNOWN.get(service, (re.compile(rf"(?<![\w.-]){re.escape(service)}(?![\w-])", re.IGNORECASE), None))
        named = bool(name.search(text) or name.search(addressed))
        done_there = deeds is not None and deeds.search(text) is not None
        if named and (done_there or deeds is None):
            return Misdirected(service, done_there and not _is_ours(message, understanding, past))
        if done_there and service == "information" and not _is_ours(message, understanding, past):
            return Misdirected(service, False)
    return None


def _is_ours(message: Message, understanding: Understanding, past: Past) -> bool:
    """Whether anything at all ties the mail to us: then a person decides."""
    ties = (
        *understanding.case_refs,
        *understanding.case_refs_ambiguous,
        *understanding.serial_numbers,
        *understanding.also,
        *understanding.faqs,
        *understanding.sensitive,
        *past.thread_cases,
        *past.sent,
        *past.sender_cases,
        *message.attachments,
    )
    return bool(ties) or understanding.category is Category.CASE
