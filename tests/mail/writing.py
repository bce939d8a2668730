"""Mails written in a line, for the tests that need a mail of one kind and no more."""

from __future__ import annotations

from datetime import UTC, datetime
from email.header import Header

from bot.mail import parse
from bot.model import Message, Raw

OURS = frozenset({"mikrodata@ssb.example"})
RECEIVED = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
KARI = "Kari Nordmann <kari.nordmann@uni.example>"


def mail(
    text: str = "Hei, hva koster det?",
    *headers: str,
    sender: str = KARI,
    subject: str = "Spørsmål",
    kind: str = "text/plain; charset=utf-8",
) -> bytes:
    """A mail of one part; ``headers`` are further header lines."""
    lines = (
        f"From: {sender}",
        "To: mikrodata@ssb.example",
        f"Subject: {subject if subject.isascii() else Header(subject, 'utf-8').encode()}",
        "Date: Mon, 2 Mar 2026 09:00:00 +0100",
        "Message-ID: <1@uni.example>",
        "MIME-Version: 1.0",
        *(() if any(line.lower().startswith("content-type:") for line in headers) else (f"Content-Type: {kind}",)),
        *headers,
    )
    return "\n".join((*lines, "", text)).encode()


def read(content: bytes, envelope_from: str | None = None) -> Message:
    """A mail, read."""
    return parse(Raw("sha256:1", content, RECEIVED, "folder", envelope_from), own_addresses=OURS)


def words(text: str) -> str:
    """A text with every stretch of white space as one blank."""
    return " ".join(text.split())
