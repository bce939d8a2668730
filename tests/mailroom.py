"""A mailroom: raw mail in, registers out, through everything that runs in service, under a clock that the test turns.

Nothing is replaced: the parser, the examiner's subprocess, the learned model, rules, policy, composition, the SQLite store and
the outgoing Maildir are those of ``bot run``. Only the sources are left out; ``take`` does what they do.
"""

from __future__ import annotations

import email
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP, default
from email.utils import format_datetime
from pathlib import Path
from typing import Any, TypeVar

from bot import pipeline, run
from bot.config import Settings
from bot.examine import Examiner
from bot.journal import Journal
from bot.knowledge import Knowledge
from bot.model import Raw
from bot.pipeline import Brain, Parts
from bot.store.sqlite import SqliteStore, SqliteTx
from bot.understanding import Model

T = TypeVar("T")

SERVICE = "mikrodata@ssb.example"
OUR_SERVER = "mx.ssb.example"
WORKER = "eva.berg@ssb.example"
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # ten o'clock in Oslo, an ordinary working day
KINDS = {
    "pdf": ("application", "pdf"),
    "csv": ("text", "csv"),
    "txt": ("text", "plain"),
    "xml": ("application", "xml"),
    "eml": ("application", "octet-stream"),
    "docx": ("application", "vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "xlsx": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
UIO = {
    "title": "Sykefravær i distriktene",
    "institution": "Universitetet i Oslo",
    "domains": ("uio.example",),
    "contacts": ("kari@uio.example",),
    "caseworker": WORKER,
    "state": "delivered",
}
KARI = "Kari Lund <kari@uio.example>"


def letter(sender: str = KARI, subject: str = "Hei", text: str = "Hei", *, proven: bool | None = True, **parts: Any) -> bytes:
    """A mail as the organisation's server hands it on. ``proven``: DMARC passed, failed (False) or nothing said (None).

    ``parts``: ``files`` (name → bytes), ``to``, ``cc``, ``answers`` (Message-IDs of the thread, the last is answered), ``identifier``,
    ``headers``.
    """
    mail = EmailMessage()
    domain = sender.rpartition("@")[2].rstrip(">")
    if proven is not None:
        verdict = "pass" if proven else "fail"
        mail["Authentication-Results"] = f"{OUR_SERVER}; dmarc={verdict} header.from={domain}"
    mail["From"], mail["To"], mail["Subject"] = sender, parts.get("to", SERVICE), subject
    if "cc" in parts:
        mail["Cc"] = parts["cc"]
    mail["Date"] = format_datetime(parts.get("date", MONDAY))
    unique = hashlib.sha256(repr((sender, subject, text, parts.get("date"), sorted(parts.get("files", {})))).encode()).hexdigest()[:16]
    mail["Message-ID"] = parts.get("identifier", f"<{unique}@{domain}>")
    if thread := parts.get("answers", ()):
        mail["In-Reply-To"], mail["References"] = thread[-1], " ".join(thread)
    for name, value in parts.get("headers", {}).items():
        mail[name] = value
    mail.set_content(text)
    for name, content in parts.get("files", {}).items():
        main, sub = KINDS.get(name.rpartition(".")[2].lower(), ("application", "octet-stream"))
        mail.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return mail.as_bytes(policy=SMTP)


class Mailroom:
    """Parts with a clock of the test's own; ``now`` may be set at any time."""

    def __init__(self, parts: Parts, settings: Settings) -> None:
        """``parts`` read the clock of this object."""
        self.parts, self.settings, self.now = parts, settings, MONDAY

    async def take(self, content: bytes, *, received: datetime | None = None, source: str = "smtp") -> str:
        """A mail arrives and is dealt with; returns its key."""
        key = f"sha256:{hashlib.sha256(content).hexdigest()}"
        await pipeline.receive(self.parts, Raw(key, content, received or self.now, source, None, (SERVICE,)))
        await pipeline.handle_waiting(self.parts)
        return key

    async def register(self, *cases: tuple[str, dict[str, Any]]) -> None:
        """Put cases into the register."""
        await self.write(lambda tx: tx.upsert_cases(list(cases), self.now))

    async def read(self, work: Callable[[SqliteTx], T]) -> T:
        """Ask the store."""
        return await self.parts.store.read(work)

    async def write(self, work: Callable[[SqliteTx], T]) -> T:
        """Change the store."""
        return await self.parts.store.write(work)

    async def summary(self, key: str) -> dict[str, Any]:
        """What became of a mail."""
        return await self.read(lambda tx: tx.summary(key))

    async def reasons(self, key: str) -> set[str]:
        """Why."""
        return set((await self.summary(key))["reasons"])

    async def deletions(self) -> list[tuple[str, str]]:
        """(case, verdict) of the deletion register, oldest first."""
        return [(row["case_ref"], row["verdict"]) for row in reversed(await self.read(lambda tx: tx.deletions()))]

    async def remind(self) -> int:
        """Look at the deadlines, then send what may go."""
        made = await pipeline.remind(self.parts)
        await self.deliver()
        return made

    async def deliver(self) -> int:
        """Send what is due."""
        return await pipeline.deliver_waiting(self.parts)

    async def outbox(self, *states: str) -> list[dict[str, Any]]:
        """Our own mails, oldest first; all states when none is named."""
        return await self.read(lambda tx: tx.outbox_list(states or ("draft", "waiting", "sending", "sent", "gave-up", "discarded"), 500))

    async def written(self, message_id: str) -> EmailMessage:
        """One of our own mails as a reader sees it."""
        return email.message_from_bytes(await self.read(lambda tx: tx.outgoing_content(message_id)), policy=default)  # type: ignore[return-value]

    async def text(self, message_id: str) -> str:
        """Its subject and text."""
        mail = await self.written(message_id)
        body = mail.get_body(("plain",))
        return f"{mail['Subject']}\n{body.get_content() if body is not None else ''}".replace("\r\n", "\n")

    async def texts(self, kind: str, *states: str) -> list[str]:
        """Subject and text of all our mails of one kind."""
        return [await self.text(row["message_id"]) for row in await self.outbox(*states) if row["kind"] == kind]

    async def everything_written(self) -> str:
        """All that has been written to anybody, headers and attachments included, decoded as far as a reader would."""
        texts = []
        for row in await self.outbox():
            mail = await self.written(row["message_id"])
            texts += [f"{name}: {value}" for name, value in mail.items()]
            for part in mail.walk():
                payload = part.get_payload(decode=True)
                texts.append(payload.decode("utf-8", "replace") if isinstance(payload, bytes) else "")
        return "\n".join(texts)


@asynccontextmanager
async def mailroom(
    folder: Path, knowledge: Knowledge, model: Model, *, shared: Examiner | None = None, **sections: dict[str, Any]
) -> AsyncIterator[Mailroom]:
    """A mailroom with its store in ``folder``; each of ``sections`` goes over its default.

    ``shared``: an examiner of the same loop to use instead of one of its own, for a worker process takes a second to start.
    """
    values: dict[str, dict[str, Any]] = {
        "service": {"address": SERVICE, "colleagues": ("ssb.example",), "mode": "auto", "data": folder},
        "routing": {"intake": "soknad@ssb.example", "fallback": "postmottak@ssb.example", "trusted_authserv": (OUR_SERVER,)},
        "web": {"public_url": "https://bot.ssb.example"},
        "answers": {"per_sender_per_day": 100},
    }
    for name, section in sections.items():
        values[name] = {**values.get(name, {}), **section}
    settings = Settings(**values)
    store, sender, examiner = SqliteStore(settings.database), run.sender(settings), shared or run.examiner(settings)
    room: list[Mailroom] = []
    parts = Parts(
        store=store,
        brain=Brain(knowledge, model),
        examiner=examiner,
        policy=run.policy(settings),
        rules=run.rules(settings),
        letterhead=run.letterhead(settings),
        templates=run.templates(settings),
        words=pipeline.words(run.BUILT_IN / "templates" / "words.toml"),
        journal=Journal(),
        clock=lambda: room[0].now,
        deadlines=run.deadlines(settings),
        digest_hour=settings.deadlines.digest_hour,
        sender=sender,
        trusted_authserv=settings.routing.trusted_authserv,
    )
    room.append(Mailroom(parts, settings))
    try:
        yield room[0]
    finally:
        if examiner is not shared:
            await end(examiner)
        await sender.close()
        await store.close()


async def end(examiner: Examiner) -> None:
    """End an examiner and see its process off, so that nothing of it is left to another loop."""
    process = examiner._process
    examiner.close()
    if process is not None:
        await process.wait()


def later(moment: datetime, **more: float) -> datetime:
    """A moment so much later."""
    return moment + timedelta(**more)
