"""Returned offers: which document, in time or not, what the signatures say. A person concludes."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from bot.matters.calendar import day_in_oslo, holidays_between
from bot.model import (
    Case,
    CaseMatch,
    Category,
    Examined,
    ExaminedAttachment,
    Message,
    OfferEntry,
    Past,
    Reason,
    SignatureReport,
    Understanding,
)
from bot.understanding import caserefs
from bot.understanding.fuzzy import same_name

SAME_NAME = 90.0  # of 100: room for a middle name's initial and for æ written as ae, not for another person
TEXT_READ = 20_000  # characters of the document in which its case reference is looked for
DOCUMENT_KINDS = {"pdf", "docx", "doc", "image", "sdo", "rtf", "xml"}
OFFER_WORDS = re.compile(
    r"tilbud|tilbod|offer|quot|avtale|agreement|contract|kontrakt|sign|underskr|akseptert|godtatt|godteke|accept", re.IGNORECASE
)


def entry(
    message: Message, understanding: Understanding, examined: Examined, match: CaseMatch | None, past: Past, received: datetime, days: int
) -> OfferEntry | None:
    """What the register keeps of a returned offer; None for any other mail. ``days``: calendar days from sending, where the
    register has no ``offer_due``."""
    if understanding.category is not Category.OFFER:
        return None
    reference = match.case_ref if match is not None else (understanding.case_refs[0] if len(understanding.case_refs) == 1 else "")
    case = past.case(reference) if reference else None
    documents = _documents(message, examined)
    document = find_document(documents)
    signatures = document.signatures if document is not None else ()
    due = due_date(case, days)
    in_time = day_in_oslo(received) <= due if due is not None else None
    remarks = _remarks(documents, document, case, days)
    return OfferEntry(
        case_ref=reference if case is not None else "",
        accepted_by="document" if document is not None else "words",
        in_time=in_time,
        due=due,
        signatures=signatures,
        signer_on_list=_on_list(signatures, case),
        document=document.name if document is not None else "",
        remarks=remarks,
        why=_why(understanding, document, in_time, remarks),
    )


def due_date(case: Case | None, days: int) -> date | None:
    """The last day to accept: the register's, else ``days`` calendar days from the day the offer was sent, else unknown."""
    if case is None:
        return None
    if case.offer_due is not None:
        return case.offer_due
    return case.offer_sent + timedelta(days=days) if case.offer_sent is not None else None


def find_document(documents: list[ExaminedAttachment]) -> ExaminedAttachment | None:
    """The returned offer among the attachments: a signed one first, and among equals one that its name or its text calls an offer."""
    return next(iter(sorted(documents, key=lambda document: (not document.signatures, not _is_named(document)))), None)


def _documents(message: Message, examined: Examined) -> list[ExaminedAttachment]:
    """What came as a document; pictures inside the text are the sender's letterhead."""
    shown = {part.name for part in message.attachments if part.inline}
    return [each for each in examined.attachments if each.kind in DOCUMENT_KINDS and not (each.kind == "image" and each.name in shown)]


def _is_named(document: ExaminedAttachment) -> bool:
    return bool(OFFER_WORDS.search(document.name) or OFFER_WORDS.search(document.text[:5000]))


def _why(
    understanding: Understanding, document: ExaminedAttachment | None, in_time: bool | None, remarks: tuple[str, ...]
) -> tuple[Reason, ...]:
    reasons = [Reason.OFFER_RETURNED if document is not None else Reason.OFFER_IN_WORDS]
    if in_time is False:
        reasons.append(Reason.OFFER_LATE)
    if "another-case" in remarks:
        reasons.append(Reason.OTHER_OFFER)
    if document is not None:
        reasons.append(_verdict(document.signatures))
    if understanding.authentication.dmarc == "fail":
        reasons.append(Reason.DMARC_FAIL)
    return tuple(reasons)


def _verdict(signatures: tuple[SignatureReport, ...]) -> Reason:
    """What can be said of all signatures together; the worst of them decides. Never whether the signer was authorised."""
    if not signatures:
        return Reason.SIGNATURE_NONE
    if any(not signature.intact or not signature.whole or signature.changed_after for signature in signatures):
        return Reason.SIGNATURE_BROKEN
    if any(not signature.valid for signature in signatures):
        return Reason.SIGNATURE_UNTRUSTED
    return Reason.SIGNATURE_VALID if any(signature.personal for signature in signatures) else Reason.SIGNATURE_SEAL


def _on_list(signatures: tuple[SignatureReport, ...], case: Case | None) -> bool | None:
    """Whether every person who validly signed is on the case's list of signatories; None where there is no list or no such signature.

    A certificate that leads to no trusted issuer may bear any name, so it says nothing here.
    """
    persons = [signature for signature in signatures if signature.personal and signature.valid]
    if case is None or not case.signatories or not persons:
        return None
    return all(same_name(signature.signer, case.signatories) >= SAME_NAME for signature in persons)


def _remarks(documents: list[ExaminedAttachment], document: ExaminedAttachment | None, case: Case | None, days: int) -> tuple[str, ...]:
    """What a person should know beside the reasons."""
    remarks = _of_document(document, case) if document is not None else []
    if sum(bool(other.signatures) for other in documents) > 1:
        remarks.append("several-documents")
    due, sent = due_date(case, days), case.offer_sent if case is not None else None
    if due is not None and holidays_between(sent or due, due):
        remarks.append("holiday")  # a remark, not a rule: the deadline stays the day that it is
    return tuple(remarks)


def _of_document(document: ExaminedAttachment, case: Case | None) -> list[str]:
    remarks = []
    if document.kind in ("sdo", "xml"):
        remarks.append("signature-container")
    if "encrypted" in document.flags:
        remarks.append("password-protected")
    if (document.kind == "pdf" and not document.text.strip() and not document.signatures) or document.kind == "image":
        remarks.append("scan")
    if any(not signature.personal and signature.level for signature in document.signatures):
        remarks.append("provider-seal")
    stated = caserefs.find("", "", [(document.name, document.text[:TEXT_READ])]).stated
    if case is not None and stated and case.case_ref not in stated:
        remarks.append("another-case")
    return remarks
