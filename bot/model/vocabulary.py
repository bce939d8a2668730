"""The closed lists: what a mail can be, what can be done with it, and why."""

from __future__ import annotations

from enum import StrEnum


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
