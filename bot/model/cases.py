"""Cases, what the store knows of the past, and what the rules of the domain find."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bot.model.mail import SignatureReport
from bot.model.vocabulary import Reason, Trust, Verdict


@dataclass(frozen=True, slots=True)
class Case:
    """A row of the case register; the field names are the columns of ``bot cases import``."""

    case_ref: str
    title: str = ""
    institution: str = ""
    domains: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    caseworker: str = ""
    state: str = "open"
    decision_date: date | None = None
    offer_sent: date | None = None
    offer_due: date | None = None
    delivered: date | None = None
    deletion_due: date | None = None
    serial_numbers: tuple[str, ...] = ()
    signatories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """One of our own mails that this mail answers or bounces."""

    message_id: str
    kind: str  # answer receipt forward draft person reminder
    mail_key: str  # the mail it was about, or ""
    case_ref: str
    recipient: str


@dataclass(frozen=True, slots=True)
class Past:
    """What the store knows that bears on one mail; read inside the deciding transaction."""

    copy_of: str = ""
    sent: tuple[Sent, ...] = ()  # our mails named in In-Reply-To, References or the bounce
    thread_cases: tuple[str, ...] = ()  # cases of known mails in the thread
    known: tuple[Case, ...] = ()  # register rows of the stated and thread references
    sender_cases: tuple[Case, ...] = ()  # open cases in which From is a contact or its domain is the case's
    open_cases: tuple[Case, ...] = ()  # every open case, looked up only where no reference and no thread tells the case
    automatic_today: int = 0  # automatic mails to this address in the last 24 hours
    receipt_in_thread: bool = False
    application_number: str = ""  # the provisional number that an application would get now

    def case(self, ref: str) -> Case | None:
        """The register's row for a reference, if it was looked up and is known."""
        return next((case for case in self.known if case.case_ref == ref), None)


@dataclass(frozen=True, slots=True)
class CaseMatch:
    """How a mail was tied to a case. ``certain`` means that it may change the case; else it is a suggestion."""

    case_ref: str
    how: str  # reference | thread | serial-number | sender | title | institution
    certain: bool
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class DeletionEntry:
    """What the deletion register says of one confirmation, for one case (or none)."""

    case_ref: str
    verdict: Verdict
    sentence: str
    where: str
    trust: Trust
    partial: bool
    copies: bool | None
    deleted_on: date | None
    serial_numbers: tuple[str, ...] = ()
    why: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class OfferEntry:
    """A returned offer: how it was accepted, in time or not, what the signatures say."""

    case_ref: str
    accepted_by: str  # document | words
    in_time: bool | None  # None: not known when the offer was sent
    due: date | None
    signatures: tuple[SignatureReport, ...] = ()
    signer_on_list: bool | None = None  # None: no list, or no valid signature of a person
    document: str = ""
    # scan, signature-container, password-protected, provider-seal, holiday, another-case, several-documents
    remarks: tuple[str, ...] = ()
    why: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """One required attachment of an application: found in which file, or not found."""

    id: str
    found_in: str  # file name, "text", or "" when not found
    required: bool = True


@dataclass(frozen=True, slots=True)
class ApplicationEntry:
    """An application that was handed in. ``kind``: new, change, institution; ``applicant``: research, public, foreign, unknown."""

    kind: str
    applicant: str
    checklist: tuple[ChecklistItem, ...] = ()
    case_ref: str = ""  # the archive's reference when one is stated and known
    why: tuple[Reason, ...] = ()
    number: str = ""  # provisional, ours: M-2026-0001; a caseworker ties it to the archive's reference

    @property
    def missing(self) -> tuple[str, ...]:
        """Ids of required attachments that were not found."""
        return tuple(item.id for item in self.checklist if item.required and not item.found_in)


@dataclass(frozen=True, slots=True)
class Findings:
    """What the rules of the domain say, before anyone decides."""

    trust: Trust = Trust.UNVERIFIED
    match: CaseMatch | None = None
    suggestions: tuple[CaseMatch, ...] = ()
    deletions: tuple[DeletionEntry, ...] = ()
    offer: OfferEntry | None = None
    application: ApplicationEntry | None = None
    status_case: str = ""  # the one case whose status may be told to this verified sender, or ""
    misdirected: str = ""  # the service that the mail seems to be meant for: a key of routing.misdirected
    misdirected_sure: bool = False
    reasons: tuple[Reason, ...] = ()
