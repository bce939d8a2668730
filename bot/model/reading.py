"""What is understood of a mail, with its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bot.model.vocabulary import Category, Language


@dataclass(frozen=True, slots=True)
class Authentication:
    """What our own server says of the sender. ``domain`` is the authenticated From domain, or ``""``.

    ``dmarc`` is pass, fail or none; ``evidence`` the method that decided ("dmarc=pass", "dkim aligned uio.example").
    """

    domain: str = ""
    dmarc: str = "none"
    evidence: str = ""

    @property
    def passed(self) -> bool:
        """The From domain is authenticated (architecture, *Trust*)."""
        return bool(self.domain)


@dataclass(frozen=True, slots=True)
class Score:
    """A topic (or category) with a calibrated confidence in 0–1."""

    id: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence in which the sender says that something is done or asked for.

    ``kind``: deletion-done, deletion-promised, deletion-negated, deletion-question, deletion-postponed, offer-accepted,
    offer-returned, offer-refused, application, change-application, institution-application, thanks, access-request …
    ``where``: subject, text, forwarded, or the attachment's file name. ``date`` is a date that the sentence states.
    """

    kind: str
    sentence: str
    where: str
    partial: bool = False
    copies: bool | None = None  # copies and printouts mentioned; None = not known
    date: date | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that spoke for or against: a matched sentence, a near curated example, a rule, a threshold, a version."""

    kind: str
    text: str
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Understanding:
    """All that was understood of a mail, each part with its evidence. ``faq`` is None where the topic model abstains."""

    category: Category
    confidence: float
    language: Language
    language_sure: bool = True
    also: tuple[Category, ...] = ()
    faq: str | None = None
    faqs: tuple[str, ...] = ()
    faq_confidence: float = 0.0
    alternatives: tuple[Score, ...] = ()
    case_refs: tuple[str, ...] = ()  # as stated: subject, text, attachments; normalised YY/NNNN
    case_refs_ambiguous: tuple[str, ...] = ()  # NNNN/YYYY: reversed number or journal serial (Noark 5 M014)
    serial_numbers: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = ()
    sensitive: tuple[str, ...] = ()  # identity-number data-file access-request data-subject-request complaint press
    thanks_only: bool = False
    authentication: Authentication = Authentication()
    evidence: tuple[Evidence, ...] = ()
