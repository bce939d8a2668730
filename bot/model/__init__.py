"""The vocabulary: frozen values that the parts hand to each other.

Nothing here reads a clock, a socket or a file. A value is complete when it is built; text is Unicode without lone
surrogates; every time is an aware ``datetime`` in UTC. Terms are those of RFC 5322 (mail), RFC 8601
(Authentication-Results), Noark 5 (case, serial numbers) and GDPR.
"""

from __future__ import annotations

from bot.model.cases import (
    ApplicationEntry,
    Case,
    CaseMatch,
    ChecklistItem,
    DeletionEntry,
    Findings,
    OfferEntry,
    Past,
    Sent,
)
from bot.model.decision import (
    Action,
    Assurance,
    Decision,
    Delivery,
    Outgoing,
    Result,
)
from bot.model.mail import (
    Address,
    Attachment,
    Automatic,
    Bounce,
    Examined,
    ExaminedAttachment,
    Message,
    Raw,
    SignatureReport,
)
from bot.model.reading import (
    Authentication,
    Evidence,
    Score,
    Statement,
    Understanding,
)
from bot.model.vocabulary import (
    Act,
    Category,
    Language,
    Mode,
    Reason,
    Reply,
    Trust,
    Verdict,
)

__all__ = [
    "Act",
    "Action",
    "Address",
    "ApplicationEntry",
    "Assurance",
    "Attachment",
    "Authentication",
    "Automatic",
    "Bounce",
    "Case",
    "CaseMatch",
    "Category",
    "ChecklistItem",
    "Decision",
    "DeletionEntry",
    "Delivery",
    "Evidence",
    "Examined",
    "ExaminedAttachment",
    "Findings",
    "Language",
    "Message",
    "Mode",
    "OfferEntry",
    "Outgoing",
    "Past",
    "Raw",
    "Reason",
    "Reply",
    "Result",
    "Score",
    "Sent",
    "SignatureReport",
    "Statement",
    "Trust",
    "Understanding",
    "Verdict",
]
