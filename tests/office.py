"""The pipeline with a real store, the real model and a clock of the test's own; what leaves is kept, not sent."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from bot import pipeline
from bot.config import Settings
from bot.knowledge import Knowledge
from bot.model import Delivery, Outgoing, Raw, Result
from bot.pipeline import Brain, Parts
from bot.run import open_parts
from bot.understanding import Model

SERVICE = "mikrodata@ssb.example"
SERVER = "mx.ssb.example"
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KARI = "Kari Lund <kari.lund@ntnu.example>"

# Questions that the shipped model answers alone, in each form of the language.
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


@dataclass
class Recorder:
    """``bot.senders.Sender`` that keeps what it is given and answers what it is told to."""

    name: str = "recorder"
    sent: list[Outgoing] = field(default_factory=list)
    answers: list[Delivery | Exception] = field(default_factory=list)

    async def send(self, mail: Outgoing) -> Delivery:
        """Keep it when the next of ``answers`` says so (or there is none)."""
        answer = self.answers.pop(0) if self.answers else Delivery(Result.SENT, "250")
        if isinstance(answer, Exception):
            raise answer
        if answer.result is Result.SENT:
            self.sent.append(mail)
        return answer

    async def close(self) -> None:
        """Nothing is open."""


@dataclass
class Office:
    """One service. ``now`` is its clock."""

    parts: Parts
    sender: Recorder
    now: datetime = MONDAY

    async def take_in(self, content: bytes, *, source: str = "smtp", received: datetime | None = None, key: str = "") -> str:
        """A mail arrives; returns its key."""
        key = key or "sha256:" + hashlib.sha256(content).hexdigest()
        await pipeline.receive(self.parts, Raw(key, content, received or self.now, source))
        return key

    async def work(self) -> None:
        """Handle and send until nothing is due."""
        while await pipeline.handle_waiting(self.parts):
            pass
        await pipeline.deliver_waiting(self.parts)

    async def mail(self, what: tuple[str, str], **options: Any) -> dict[str, Any]:
        """A mail arrives, is handled, and what follows leaves; returns its summary."""
        taken = {name: options.pop(name) for name in ("source", "received", "key") if name in options}
        key = await self.take_in(letter(*what, **options), **taken)
        await self.work()
        return await self.summary(key)

    async def summary(self, key: str) -> dict[str, Any]:
        """What became of a mail, with its key and whether it waits for a person."""
        found: dict[str, Any] = await self.parts.store.read(lambda tx: tx.summary(key))
        waits = await self.parts.store.read(lambda tx: tx.open_since(self.now + timedelta(days=999)))
        return {**found, "key": key, "waits": key in {row["key"] for row in waits}}

    def to(self, address: str) -> list[Outgoing]:
        """What has left to an address."""
        return [mail for mail in self.sender.sent if mail.recipient == address]

    def automatic(self) -> list[tuple[str, str]]:
        """(kind, recipient) of the automatic mails that have left."""
        return [(mail.kind, mail.recipient) for mail in self.sender.sent if mail.automatic]

    async def drafts(self, key: str) -> list[str]:
        """Recipients of the drafts about a mail."""
        rows = await self.parts.store.read(lambda tx: tx.outgoing_of(key))  # type: ignore[attr-defined]
        return [row["recipient"] for row in rows if row["state"] == "draft"]

    async def case(self, ref: str, **columns: Any) -> None:
        """Put a case into the register."""
        values = {"contacts": ("ola.hansen@ntnu.example",), "domains": ("ntnu.example",), "caseworker": "sara@ssb.example"}
        await self.parts.store.write(lambda tx: tx.upsert_cases([(ref, {**values, "state": "delivered", **columns})], self.now))


@contextlib.asynccontextmanager
async def office(folder: Path, knowledge: Knowledge, model: Model, **sections: dict[str, Any]) -> AsyncIterator[Office]:
    """A service in ``folder``; each of ``sections`` goes over its defaults."""
    values: dict[str, dict[str, Any]] = {
        "service": {"address": SERVICE, "colleagues": ("ssb.example",), "data": folder},
        "routing": {"intake": "soknad@ssb.example", "fallback": "postmottak@ssb.example", "trusted_authserv": (SERVER,)},
    }
    for name, section in sections.items():
        values[name] = {**values.get(name, {}), **section}
    opened: Office | None = None

    def clock() -> datetime:
        return opened.now if opened is not None else MONDAY

    async with open_parts(Settings(**values), clock=clock, learn=lambda settings: Brain(knowledge, model)) as parts:
        parts.sender = Recorder()
        opened = Office(parts, parts.sender)
        yield opened
        await asyncio.sleep(0)


def letter(
    subject: str,
    body: str,
    *,
    sender: str = KARI,
    proven: bool | None = None,
    identifier: str = "",
    headers: dict[str, str] | None = None,
    attachments: tuple[tuple[str, bytes], ...] = (),
    above: str = "",
) -> bytes:
    """A mail as our own server hands it on; ``proven``: its word on the sender; ``above``: header lines put on top."""
    mail = EmailMessage()
    domain = sender.rpartition("@")[2].rstrip(">")
    if proven is not None:
        verdict = "pass" if proven else "fail"
        mail["Authentication-Results"] = f"{SERVER}; spf={verdict} smtp.mailfrom={domain}; dmarc={verdict} header.from={domain}"
    mail["From"], mail["To"], mail["Subject"] = sender, SERVICE, subject
    mail["Date"] = "Mon, 02 Mar 2026 09:15:00 +0100"
    mail["Message-ID"] = identifier or f"<{hashlib.sha256((sender + subject + body).encode()).hexdigest()[:16]}@{domain}>"
    for name, value in (headers or {}).items():
        if name in mail:
            del mail[name]
        mail[name] = value
    mail.set_content(body)
    for name, data in attachments:
        mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return above.encode() + mail.as_bytes(policy=email.policy.SMTP)


def text_of(mail: Outgoing) -> str:
    """The text of one of our mails."""
    parsed = email.message_from_bytes(mail.content, policy=email.policy.default)
    body = parsed.get_body(("plain",))  # type: ignore[attr-defined]
    return str(body.get_content())
