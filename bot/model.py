"""The vocabulary: frozen values that the parts hand to each other.

Nothing here reads a clock, a socket or a file. A value is complete when it is built; text is Unicode without lone
surrogates; every time is an aware ``datetime`` in UTC. Terms are those of RFC 5322 (mail), RFC 8601
(Authentication-Results), Noark 5 (case, serial numbers) and GDPR.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any


class Category(StrEnum):
    """What decides the way of a mail; in falling order of what is at stake (a mail that does two things takes the first)."""

    AUTO = "auto"
    DELETION = "deletion"
    OFFER = "offer"
    APPLICATION = "application"
    CASE = "case"
    FAQ = "faq"
    OTHER = "other"


class Language(StrEnum):
    """The languages we answer in: ``nb`` stands for Danish and Swedish too, ``en`` for every other language."""

    NB = "nb"
    NN = "nn"
    EN = "en"


class Trust(StrEnum):
    """How well the sender's relation to a case is proven (docs/security.md, *Trust*)."""

    SENDER = "verified-sender"
    DOMAIN = "verified-domain"
    UNVERIFIED = "unverified"


class Mode(StrEnum):
    """How much the assistant may do by itself in a category."""

    SHADOW = "shadow"
    SUGGEST = "suggest"
    AUTO = "auto"


class Reply(StrEnum):
    """What the sender gets without a person."""

    ANSWER = "answer"
    RECEIPT = "receipt"
    NONE = "none"


class Act(StrEnum):
    """The things a decision can ask for."""

    ANSWER = "answer"
    RECEIPT = "receipt"
    FORWARD = "forward"
    REGISTER = "register"
    LINK = "link"
    QUARANTINE = "quarantine"
    HOLD = "hold"


class Verdict(StrEnum):
    """The state of an entry in the deletion register."""

    CONFIRMED = "confirmed"
    TO_CHECK = "to-check"
    REJECTED = "rejected"


class Reason(StrEnum):
    """The closed list of reasons that a decision may give; stored, shown in the console, counted in the metrics."""

    # why nothing goes out
    MACHINE = "machine-mail"
    OWN_LOOP = "own-loop"
    COPY = "copy-of-earlier-mail"
    COLLEAGUE = "colleague"
    DMARC_FAIL = "dmarc-fail"
    SUPPRESS = "sender-asks-for-no-automatic-reply"
    RATE = "too-many-automatic-mails-today"
    TOO_OLD = "too-old-to-answer"
    THANKS = "thanks-needs-no-reply"
    NO_ADDRESS = "no-address-to-reply-to"
    ALREADY_RECEIPTED = "receipt-already-sent-in-thread"
    # why a person takes over
    UNSURE = "below-threshold"
    NOT_ASSURED = "precision-not-assured"
    MODE_SUGGEST = "category-runs-as-suggest"
    MODE_SHADOW = "category-runs-as-shadow"
    NOT_HELPED = "the-answer-did-not-help"
    NOT_UNDERSTOOD = "not-understood"
    ALSO = "more-than-one-matter"
    SENSITIVE = "sensitive-content"
    ACCESS_REQUEST = "access-request"
    UNREADABLE = "quarantined"
    BOUNCE_OF_OURS = "our-mail-bounced"
    # what was found
    ANSWERED = "answered-from-knowledge-base"
    REFERENCE = "case-by-reference"
    THREAD = "case-by-thread"
    SUGGESTED_CASE = "case-suggested"
    UNKNOWN_REFERENCE = "reference-not-in-register"
    SEVERAL_REFERENCES = "several-references"
    NO_REFERENCE = "no-reference"
    STRANGER = "sender-not-of-the-case"
    UNVERIFIED = "sender-not-verified"
    DELETION_CONFIRMED = "deletion-confirmed"
    DELETION_PARTIAL = "deletion-partial"
    DELETION_UNCLEAR = "deletion-not-stated-clearly"
    OFFER_RETURNED = "offer-returned"
    OFFER_IN_WORDS = "offer-accepted-in-words"
    OFFER_LATE = "offer-after-deadline"
    OTHER_OFFER = "document-of-another-case"
    SIGNATURE_VALID = "signature-valid"
    SIGNATURE_SEAL = "signature-is-a-seal"
    SIGNATURE_UNTRUSTED = "signature-not-trusted"
    SIGNATURE_BROKEN = "signature-broken"
    SIGNATURE_NONE = "no-verifiable-signature"
    APPLICATION_NEW = "application-new"
    APPLICATION_CHANGE = "application-change"
    APPLICATION_INSTITUTION = "application-institution"
    ATTACHMENT_MISSING = "attachment-seems-missing"
    STATUS_ANSWERED = "status-answered"
    MISDIRECTED = "misdirected"
    HAND_OVER = "chat-hand-over"


# ── what arrives ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Raw:
    """One mail as it came: bytes and what the transport knows. ``key`` names it for ever.

    The key is ``imap:<folder>:<uidvalidity>:<uid>`` for IMAP and ``sha256:<hex>`` of the bytes for all else.
    ``envelope_from`` is None when the transport does not know it and ``""`` for the null sender (RFC 5321 § 4.5.5).
    """

    key: str
    content: bytes
    received: datetime
    source: str  # imap | smtp | lmtp | folder | chat
    envelope_from: str | None = None
    envelope_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox (RFC 5322 § 3.4): display name and addr-spec, the domain in lower case. ``address`` may be ``""``."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """The domain in lower case, or ``""``."""
        return self.address.rpartition("@")[2].lower() if "@" in self.address else ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is not the text of the mail. ``name`` is safe as a file name; ``type`` is the declared media type."""

    name: str
    type: str
    content: bytes
    inline: bool = False

    @property
    def size(self) -> int:
        """Bytes after transfer decoding."""
        return len(self.content)


@dataclass(frozen=True, slots=True)
class Automatic:
    """Why a mail counts as sent by a machine: ``kind`` is one of bounce, delay, out-of-office, list, calendar, receipt,
    notice, own, spam; ``rule`` names the row of the table, ``source`` the RFC or document it rests on."""

    kind: str
    rule: str
    source: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Bounce:
    """A delivery status (RFC 3464): of which of our mails, for whom, and whether it is final (5.x.x) or a delay."""

    message_id: str
    recipient: str
    status: str
    final: bool


@dataclass(frozen=True, slots=True)
class Message:
    """A mail read once. Total: any bytes give one; what was wrong stands in ``defects``.

    ``text`` is the whole body as text (html turned into text where there is no plain part), ``own`` the sender's own new
    text, ``quoted`` what was cut as older mail, ``forwarded`` the text of a forwarded mail, ``signature`` the signature
    and disclaimer. Nothing of ``text`` is lost among them. ``content_hash`` is the hash of From, Date, Subject and body by
    which copies are told (architecture, *Nothing is lost*).
    """

    message_id: str
    sender: Address
    subject: str
    text: str
    own: str
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    date: datetime | None = None
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    quoted: str = ""
    forwarded: str = ""
    signature: str = ""
    html: str = ""
    attachments: tuple[Attachment, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()  # decoded, in order, as many as the limit allows
    automatic: Automatic | None = None
    suppress_reply: bool = False  # a person's client asks for no automatic reply (X-Auto-Response-Suppress)
    bounce: Bounce | None = None
    content_hash: str = ""
    defects: tuple[str, ...] = ()
    quarantine: str = ""  # why the mail was not read at all (a limit was passed), else ""

    def header(self, name: str) -> str:
        """The first header of that name, or ``""``."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), "")


# ── what the attachments hold ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """What can be said of one electronic signature. Facts only; a person concludes (domain.md § 4).

    ``intact``: the signed bytes are unchanged; ``whole``: it covers the whole file; ``changed_after``: something was
    added after it; ``trusted``: a path to a configured anchor was found; ``level``: ``qualified``, ``advanced`` (a person's),
    ``seal`` or ``qualified-seal`` (an organisation's), ``""`` where the certificate cannot be read.
    """

    signer: str
    issuer: str
    signed_at: datetime | None
    intact: bool
    whole: bool
    changed_after: bool
    trusted: bool
    expired: bool = False
    level: str = ""
    note: str = ""

    @property
    def valid(self) -> bool:
        """Intact, covering the whole document, nothing added after, by a trusted and unexpired certificate."""
        return self.intact and self.whole and self.trusted and not self.changed_after and not self.expired

    @property
    def personal(self) -> bool:
        """By a person's certificate, not by the seal of a signing service or another organisation."""
        return bool(self.level) and not self.level.endswith("seal")


@dataclass(frozen=True, slots=True)
class ExaminedAttachment:
    """``kind`` is what the bytes are: pdf docx xlsx csv txt zip 7z eml msg image html xml sdo executable data other.

    ``flags``: of encrypted, macro, executable, data-file, identity-number, bomb, unreadable, timeout, nested.
    """

    name: str
    type: str
    size: int
    kind: str
    text: str = ""
    flags: tuple[str, ...] = ()
    members: tuple[str, ...] = ()  # names inside an archive or a mail
    signatures: tuple[SignatureReport, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Examined:
    """The attachments in the order of ``Message.attachments``."""

    attachments: tuple[ExaminedAttachment, ...] = ()

    @property
    def text(self) -> str:
        """The text of all attachments, one after the other."""
        return "\n\n".join(a.text for a in self.attachments if a.text)


# ── what is understood ────────────────────────────────────────────────────────────────────────────────────────


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


# ── cases and matters ─────────────────────────────────────────────────────────────────────────────────────────


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


# ── what is decided and sent ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do. ``to`` is an address for mails; ``draft`` means that a caseworker must send it."""

    act: Act
    to: str = ""
    template: str = ""
    topics: tuple[str, ...] = ()
    case_ref: str = ""
    draft: bool = False
    to_person: bool = False  # a forward that waits in the queue of the console


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a mail, with reasons. ``needs_person``: it stands in the console's queue until somebody is done."""

    category: Category
    actions: tuple[Action, ...]
    reply: Reply
    reasons: tuple[Reason, ...]
    mode: Mode
    needs_person: bool
    folder: str  # key of imap.folders: a category id, or "quarantine"
    urgent: bool = False
    trace: tuple[Evidence, ...] = ()

    def has(self, act: Act) -> bool:
        """Whether the decision asks for that act."""
        return any(action.act == act for action in self.actions)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A finished mail: bytes with a fixed Message-ID, envelope, and when it may go.

    ``kind``: answer, receipt, forward, draft, reminder, person, alarm, notice. ``automatic`` counts against the sender's daily limit and
    is held while paused. ``sender`` is the envelope sender, ``""`` for the null sender.
    """

    message_id: str
    kind: str
    sender: str
    recipient: str
    content: bytes
    mail_key: str = ""
    case_ref: str = ""
    automatic: bool = True
    language: Language = Language.NB
    topics: tuple[str, ...] = ()
    meta: dict[str, Any] = field(default_factory=dict)


class Result(StrEnum):
    """What became of one attempt to send."""

    SENT = "sent"
    LATER = "later"  # 4xx, connection lost, timeout
    REFUSED = "refused"  # 5xx: final


@dataclass(frozen=True, slots=True)
class Delivery:
    """The outcome of one attempt; ``detail`` holds the reply code and its enhanced status, never mail content."""

    result: Result
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Assurance:
    """What was measured of the automatic answers: n answered, precision, its one-sided 95 % Clopper–Pearson lower bound,
    coverage of the answerable, the threshold in force and the version of the knowledge base."""

    n: int
    precision: float
    lower95: float
    coverage: float
    threshold: float
    version: str

    def holds(self, precision: float, floor: float) -> bool:
        """Whether answers may go out alone."""
        return self.n > 0 and self.precision >= precision and self.lower95 >= floor
