"""Mails as the pipeline leaves them in a store, without the learned model: for tests of what is kept, handed over and purged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from bot.mail import parse
from bot.model import (
    Act,
    Action,
    Authentication,
    CaseMatch,
    Category,
    Decision,
    DeletionEntry,
    Examined,
    ExaminedAttachment,
    Findings,
    Language,
    Mode,
    OfferEntry,
    Outgoing,
    Raw,
    Reply,
    Trust,
    Understanding,
    Verdict,
)
from bot.store.sqlite import SqliteStore, SqliteTx

T = TypeVar("T")

SERVICE = "mikrodata@ssb.example"
LONG_AGO = datetime(2024, 3, 1, 9, 30, tzinfo=UTC)


def letter(
    sender: str = "Kari Forsker <kari@uio.example>", subject: str = "Spørsmål", text: str = "Hei, hva koster det?", **parts: Any
) -> bytes:
    """A mail; ``parts``: ``pdf`` (bytes of an attachment tilbud.pdf), ``cc``, ``identifier``."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, SERVICE, subject
    mail["Date"] = "Fri, 01 Mar 2024 10:00:00 +0100"
    mail["Message-ID"] = parts.get("identifier", f"<{sha256((sender + subject + text).encode()).hexdigest()[:12]}@uio.example>")
    if "cc" in parts:
        mail["Cc"] = parts["cc"]
    mail.set_content(text)
    if "pdf" in parts:
        mail.add_attachment(parts["pdf"], maintype="application", subtype="pdf", filename="tilbud.pdf")
    return mail.as_bytes()


def answer(key: str, to: str = "kari@uio.example", kind: str = "answer", identifier: str = "<svar@ssb.example>") -> Outgoing:
    """A mail of ours about ``key``."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = SERVICE, to, "Sv: Spørsmål", identifier
    mail.set_content("Prisen står på nettsiden.")
    return Outgoing(identifier, kind, SERVICE, to, mail.as_bytes(), mail_key=key, automatic=kind == "answer")


def put(
    tx: SqliteTx,
    key: str,
    content: bytes,
    *,
    category: Category = Category.FAQ,
    received: datetime = LONG_AGO,
    case: str = "",
    open_for_person: bool = False,
    mails: tuple[Outgoing, ...] = (),
    deletion: DeletionEntry | None = None,
    offer: OfferEntry | None = None,
) -> None:
    """A mail that has arrived and been dealt with at ``received``."""
    message = parse(Raw(key, content, received, "smtp"))
    raw = Raw(key, content, received, "smtp", message.sender.address, (SERVICE,))
    registers = deletion is not None or offer is not None
    examined = Examined(tuple(ExaminedAttachment(part.name, part.type, part.size, "pdf", "") for part in message.attachments))
    match = CaseMatch(case, "reference", True) if case else None
    findings = Findings(Trust.SENDER, match, deletions=(deletion,) if deletion else (), offer=offer)
    decision = Decision(category, (Action(Act.REGISTER),) if registers else (), Reply.NONE, (), Mode.AUTO, open_for_person, category.value)
    understanding = Understanding(category, 0.9, Language.NB, authentication=Authentication("uio.example", "pass", "dmarc=pass"))
    tx.arrive(raw)
    tx.record(key, message, examined, understanding, findings, decision, mails, received)


def deletion_entry(case: str = "19/1234", verdict: Verdict = Verdict.TO_CHECK, sentence: str = "Alle data er slettet.") -> DeletionEntry:
    """What the rules found in a confirmation."""
    return DeletionEntry(case, verdict, sentence, "text", Trust.SENDER, False, True, None, ("w19_1234",))


def within(database: Path, work: Callable[[SqliteTx], T]) -> T:
    """Run work in a write transaction of a store that is opened for it."""

    async def main() -> T:
        store = SqliteStore(database)
        try:
            return await store.write(work)
        finally:
            await store.close()

    return asyncio.run(main())
