"""A mailroom: raw mail in, registers out, through everything that runs in service, under a clock that the test turns.

Nothing is replaced: the parser, the examiner's subprocess, the learned model, rules, policy, composition, the SQLite store and
the outgoing Maildir are those of ``bot run``, wired by ``bot.run.open_parts``. Only the sources are left out; ``take`` does what
they do. A test that must say how the next server answers puts a ``Recorder`` in the sender's place.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

from bot import pipeline
from bot.config import Settings
from bot.examine import Examiner
from bot.knowledge import Knowledge
from bot.model import Delivery, Outgoing, Raw, Result
from bot.pipeline import Brain, Parts
from bot.run import open_parts
from bot.store.sqlite import SqliteTx
from bot.understanding import Model
from tests.letters import MONDAY, SERVER, SERVICE, key_of, letter, read, text_of

T = TypeVar("T")

WORKER = "eva.berg@ssb.example"
UIO = {
    "title": "Sykefravær i distriktene",
    "institution": "Universitetet i Oslo",
    "domains": ("uio.example",),
    "contacts": ("kari@uio.example",),
    "caseworker": WORKER,
    "state": "delivered",
}
FAR_AHEAD = timedelta(days=999)


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

    def to(self, address: str) -> list[Outgoing]:
        """What has left to an address."""
        return [mail for mail in self.sent if mail.recipient == address]

    def automatic(self) -> list[tuple[str, str]]:
        """(kind, recipient) of the automatic mails that have left."""
        return [(mail.kind, mail.recipient) for mail in self.sent if mail.automatic]

    async def close(self) -> None:
        """Nothing is open."""


class Mailroom:
    """Parts with a clock of the test's own; ``now`` may be set at any time."""

    def __init__(self, parts: Parts, settings: Settings) -> None:
        """``parts`` read the clock of this object."""
        self.parts, self.settings, self.now = parts, settings, MONDAY

    @property
    def recorder(self) -> Recorder:
        """What stands in the sender's place, once a test has put it there."""
        assert isinstance(self.parts.sender, Recorder)
        return self.parts.sender

    async def take_in(self, content: bytes, *, received: datetime | None = None, source: str = "smtp", key: str = "") -> str:
        """A mail arrives and waits; returns its key."""
        key = key or key_of(content)
        await pipeline.receive(self.parts, Raw(key, content, received or self.now, source, None, (SERVICE,)))
        return key

    async def take(self, content: bytes, *, received: datetime | None = None, source: str = "smtp") -> str:
        """A mail arrives and is dealt with; returns its key."""
        key = await self.take_in(content, received=received, source=source)
        await pipeline.handle_waiting(self.parts)
        return key

    async def work(self) -> None:
        """Deal with all that waits and send what is due."""
        while await pipeline.handle_waiting(self.parts):
            pass
        await self.deliver()

    async def mail(self, what: tuple[str, str], **options: Any) -> dict[str, Any]:
        """A mail (subject, text) arrives, is dealt with, and what follows leaves; returns its summary. ``options`` as of ``letter``
        and ``take_in``."""
        taken = {name: options.pop(name) for name in ("source", "received", "key") if name in options}
        key = await self.take_in(letter(*what, **options), **taken)
        await self.work()
        return await self.summary(key)

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
        """What became of a mail, with its key and whether it waits for a person."""
        found, waiting = await self.read(lambda tx: (tx.summary(key), tx.open_since(self.now + FAR_AHEAD)))
        return {**found, "key": key, "waits": key in {row["key"] for row in waiting}}

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

    async def drafts(self, key: str) -> list[str]:
        """Recipients of the drafts about a mail."""
        return [row["recipient"] for row in await self.read(lambda tx: tx.outgoing_of(key)) if row["state"] == "draft"]

    async def written(self, message_id: str) -> EmailMessage:
        """One of our own mails as a reader sees it."""
        return read(await self.read(lambda tx: tx.outgoing_content(message_id)))

    async def text(self, message_id: str) -> str:
        """Its subject and text."""
        content = await self.read(lambda tx: tx.outgoing_content(message_id))
        return f"{read(content)['Subject']}\n{text_of(content)}"

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
        "routing": {"intake": "soknad@ssb.example", "fallback": "postmottak@ssb.example", "trusted_authserv": (SERVER,)},
        "web": {"public_url": "https://bot.ssb.example"},
        "answers": {"per_sender_per_day": 100},
    }
    for name, section in sections.items():
        values[name] = {**values.get(name, {}), **section}
    settings = Settings(**values)
    room: list[Mailroom] = []
    async with open_parts(settings, clock=lambda: room[0].now if room else MONDAY, learn=lambda settings: Brain(knowledge, model)) as parts:
        if shared is not None:
            parts.examiner = shared
        room.append(Mailroom(parts, settings))
        yield room[0]


def later(moment: datetime, **more: float) -> datetime:
    """A moment so much later."""
    return moment + timedelta(**more)
