"""Mails as the organisation's own server hands them on, and a few that the shipped model is sure of."""

from __future__ import annotations

import email
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP, default
from email.utils import format_datetime
from types import MappingProxyType

SERVICE = "mikrodata@ssb.example"
SERVER = "mx.ssb.example"
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # ten o'clock in Oslo, an ordinary working day
KARI = "Kari Lund <kari@uio.example>"
KINDS = {
    "pdf": ("application", "pdf"),
    "csv": ("text", "csv"),
    "txt": ("text", "plain"),
    "xml": ("application", "xml"),
    "docx": ("application", "vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "xlsx": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}

# (subject, text): questions that the shipped model answers alone, in each form of the language, and what it does not answer
NB = (
    "Hvem kan signere?",
    "Hei,\n\nvi har fått et tilbud fra dere og lurer på hvem hos oss som kan skrive under på det. Må det være rektor?\n\nHilsen Kari\n",
)
NN = (
    "Sletting",
    "Hei,\n\nnår må vi seinast slette dataa vi har fått frå dykk, og gjeld det kopiar og utskrifter òg?\n\nVenleg helsing\nOlav Vik\n",
)
EN = (
    "Access from abroad",
    "Hello,\n\nI work at a university in Italy. Can institutions outside Norway get access to your microdata?\n\nBest regards\nMaria Rossi\n",
)
DELETED = (
    "Sak 24/1187: bekreftelse på sletting",
    "Hei,\n\nvi bekrefter at alle data i sak 24/1187 ble slettet i går, også kopier og utskrifter.\n\nOla\n",
)
CASE = ("Sak 24/1187: mangler en fil", "Hei,\n\ni leveransen i sak 24/1187 mangler filen for 2019. Kan dere sende den på nytt?\n\nOla\n")
UNKNOWN = ("Variabel", "Hei,\n\nfinnes det opplysninger om antall rom i boligen før 1980, og hvilken koding er brukt?\n\nHilsen Siri\n")


def letter(
    subject: str = "Hei",
    text: str = "Hei",
    sender: str = KARI,
    *,
    proven: bool | None = True,
    to: str = SERVICE,
    cc: str = "",
    date: datetime = MONDAY,
    identifier: str = "",
    answers: Sequence[str] = (),
    headers: Mapping[str, str] = MappingProxyType({}),
    files: Mapping[str, bytes] = MappingProxyType({}),
    html: str = "",
    above: str = "",
) -> bytes:
    """A mail. ``proven``: DMARC passed, failed (False) or nothing said (None); ``answers``: Message-IDs of the thread, the last is answered;
    ``headers`` go over what would stand there; ``above``: header lines put on top by those who carried it."""
    mail = EmailMessage()
    domain = sender.rpartition("@")[2].rstrip(">")
    if proven is not None:
        verdict = "pass" if proven else "fail"
        mail["Authentication-Results"] = f"{SERVER}; spf={verdict} smtp.mailfrom={domain}; dmarc={verdict} header.from={domain}"
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    if cc:
        mail["Cc"] = cc
    mail["Date"] = format_datetime(date)
    mail["Message-ID"] = identifier or f"<{_digest(sender, subject, text, date, sorted(files))}@{domain}>"
    if answers:
        mail["In-Reply-To"], mail["References"] = answers[-1], " ".join(answers)
    for name, value in headers.items():
        del mail[name]
        mail[name] = value
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    for name, content in files.items():
        main, sub = KINDS.get(name.rpartition(".")[2].lower(), ("application", "octet-stream"))
        mail.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return above.encode() + mail.as_bytes(policy=SMTP)


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def key_of(content: bytes) -> str:
    """The key of a mail that came over SMTP or from a file."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def read(content: bytes) -> EmailMessage:
    """One of our own mails as a reader sees it."""
    return email.message_from_bytes(content, policy=default)  # type: ignore[return-value]


def text_of(content: bytes) -> str:
    """The text of one of our own mails."""
    body = read(content).get_body(("plain",))
    return str(body.get_content()).replace("\r\n", "\n") if body is not None else ""
