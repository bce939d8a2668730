"""Returned offers: which document, in time or not, what the signatures say. A person concludes."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.model import Case, CaseMatch, Category, Examined, ExaminedAttachment, OfferEntry, Past, Reason, SignatureReport, Understanding
from bot.understanding.fuzzy import same_name

OSLO = ZoneInfo("Europe/Oslo")  # a deadline is a day where the agency is
SAME_NAME = 90.0  # of 100: room for a middle name's initial and for æ written as ae, not for another person
DOCUMENT_KINDS = {"pdf", "docx", "doc", "image", "sdo", "rtf", "xml"}
OFFER_WORDS = re.compile(
    r"tilbud|tilbod|offer|quot|avtale|agreement|contract|kontrakt|sign|underskr|akseptert|godtatt|godteke|accept", re.IGNORECASE
)


def entry(
    understanding: Understanding, examined: Examined, match: CaseMatch | None, past: Past, received: datetime, days: int
) -> OfferEntry | None:
    """What the register keeps of a returned offer; None for any other mail. ``days``: calendar days from sending, where the
    register has no ``offer_due``."""
    if understanding.category is not Category.OFFER:
        return None
    reference = match.case_ref if match is not None else (understanding.case_refs[0] if len(understanding.case_refs) == 1 else "")
    case = past.case(reference) if reference else None
    document = find_document(examined)
    signatures = document.signatures if document is not None else ()
    due = due_date(case, days)
    in_time = received.astimezone(OSLO).date() <= due if due is not None else None
    on_list = _on_list(signatures, case)
    return OfferEntry(
        case_ref=reference if case is not None else "",
        accepted_by="document" if document is not None else "words",
        in_time=in_time,
        due=due,
        signatures=signatures,
        signer_on_list=on_list,
        document=document.name if document is not None else "",
        remarks=_remarks(document),
        why=_why(document, signatures, in_time),
    )


def due_date(case: Case | None, days: int) -> date | None:
    """The last day to accept: the register's, else ``days`` calendar days from the day the offer was sent, else unknown."""
    if case is None:
        return None
    if case.offer_due is not None:
        return case.offer_due
    return case.offer_sent + timedelta(days=days) if case.offer_sent is not None else None


def find_document(examined: Examined) -> ExaminedAttachment | None:
    """The returned offer among the attachments: signed first, then by its words, then the first document."""
    documents = [attachment for attachment in examined.attachments if attachment.kind in DOCUMENT_KINDS]
    signed = [attachment for attachment in documents if attachment.signatures]
    named = [attachment for attachment in documents if OFFER_WORDS.search(attachment.name) or OFFER_WORDS.search(attachment.text[:5000])]
    return next(iter((*signed, *named, *documents)), None)


def _why(document: ExaminedAttachment | None, signatures: tuple[SignatureReport, ...], in_time: bool | None) -> tuple[Reason, ...]:
    reasons = [Reason.OFFER_RETURNED if document is not None else Reason.OFFER_IN_WORDS]
    if in_time is False:
        reasons.append(Reason.OFFER_LATE)
    if document is not None and not signatures:
        reasons.append(Reason.SIGNATURE_NONE)
    elif signatures:
        reasons.append(Reason.SIGNATURE_VALID if all(signature.valid for signature in signatures) else Reason.SIGNATURE_BROKEN)
    return tuple(reasons)


def _on_list(signatures: tuple[SignatureReport, ...], case: Case | None) -> bool | None:
    """Whether every signer is on the case's list of signatories; None where there is no list or no signature."""
    if case is None or not case.signatories or not signatures:
        return None
    return all(same_name(signature.signer, case.signatories) >= SAME_NAME for signature in signatures)


def _remarks(document: ExaminedAttachment | None) -> tuple[str, ...]:
    if document is None:
        return ()
    remarks = []
    if document.kind in ("sdo", "xml"):
        remarks.append("signature-container")
    if "encrypted" in document.flags:
        remarks.append("password-protected")
    if (document.kind == "pdf" and not document.text.strip() and not document.signatures) or document.kind == "image":
        remarks.append("scan")
    if any(signature.level == "seal" for signature in document.signatures):
        remarks.append("provider-seal")
    return tuple(remarks)
