"""A whole site for the crash tests: Dovecot, an SMTP sink, the service as a process of its own, and what must hold whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

from bot.run import now
from bot.store.sqlite import SqliteStore
from tests.servers import USER, Dovecot, Sink, mail

PATIENCE = 90  # seconds until everything must be done once the fault is gone; on a busy machine a start takes several

CONFIG = """
[service]
address = "{user}"
colleagues = ["ssb.example"]
mode = "auto"
data = "{data}"
[imap]
host = "127.0.0.1"
port = {imap}
security = "none"
username = "{user}"
password = "{password}"
poll_seconds = 2
timeout_seconds = 5
[smtp_out]
host = "127.0.0.1"
port = {smtp}
security = "none"
per_minute = 100000
timeout_seconds = 3
[routing]
intake = "soknad@ssb.example"
fallback = "postmottak@ssb.example"
[deadlines]
digest_hour = 23
{more}
"""

HUMAN = (
    ("Spørsmål om pris", "Hei, hva koster det å få utlevert mikrodata?\n\nHilsen Kari"),
    ("Sletting", "Hei, vi bekrefter at alle data i sak 19/1234 er slettet.\n\nMvh Ola"),
    ("Question", "Hello, how long does it take to get access to microdata?\n\nBest, Ann"),
    ("Tilbod", "Hei, vi takkar ja til tilbodet i sak 19/1234.\n\nHelsing Siri"),
    ("Noko heilt anna", "Kan de ringe meg om møtet på torsdag?\n\nHelsing Per"),
)


@dataclass
class Service:
    """One life of the program."""

    process: asyncio.subprocess.Process
    events: list[dict[str, Any]] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    listening: asyncio.Task[None] | None = None

    async def listen(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            with contextlib.suppress(ValueError):
                self.events.append(json.loads(line))
                self.heard.set()

    async def until(self, event: str, seconds: float = PATIENCE) -> None:
        """Wait for a line of the log, or for the end of the program."""
        async with asyncio.timeout(seconds):
            while not self.said(event) and self.process.returncode is None:
                self.heard.clear()
                waiting = [asyncio.ensure_future(self.heard.wait()), asyncio.ensure_future(self.process.wait())]
                _, pending = await asyncio.wait(waiting, timeout=1, return_when=asyncio.FIRST_COMPLETED)
                for task in pending:
                    task.cancel()

    def said(self, event: str, **facts: Any) -> list[dict[str, Any]]:
        """The lines of the log about an event."""
        return [line for line in self.events if line.get("event") == event and facts.items() <= line.items()]

    async def end(self, how: signal.Signals = signal.SIGKILL) -> int:
        """End it and return its status (-9 after SIGKILL)."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(how)
        return await self.ended()

    async def ended(self, seconds: float = PATIENCE) -> int:
        """Its status, once it has ended by itself."""
        try:
            async with asyncio.timeout(seconds):
                status = await self.process.wait()
        except TimeoutError:
            raise AssertionError(f"the program goes on; the last that was heard: {self.events[-3:]}") from None
        if self.listening is not None:
            await self.listening
        return status


@dataclass
class Site:
    """Servers, service and ledger of what was offered."""

    folder: Path
    dovecot: Dovecot
    sink: Sink
    more: str = ""
    offered: dict[str, bool] = field(default_factory=dict)  # Message-ID → whether a person wrote it
    crashes: int = 0
    cuts: int = 0  # attempts whose outcome we could not know: the sink kept the mail and did not say so
    inside: Path | None = None  # the data folder as seen from here, where the service has a name space of its own
    services: list[Service] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def config(self) -> Path:
        path = self.folder / "bot.toml"
        path.write_text(
            CONFIG.format(
                user=USER, data=self.data, imap=self.dovecot.port, password=self.dovecot.password, smtp=self.sink.port, more=self.more
            )
        )
        return path

    def offer(self, count: int, *, machine: bool = False) -> None:
        """Deliver ``count`` mails, each from a person or machine of its own."""
        mails = []
        for _ in range(count):
            number = len(self.offered)
            identifier = f"<{number}.{time.time_ns()}@uio.example>"
            subject, body = HUMAN[number % len(HUMAN)]
            headers = {"Auto-Submitted": "auto-replied"} if machine else {}
            content = mail(subject, f"{body} {number}", sender=f"Kari <kari{number}@uio.example>", message_id=identifier, headers=headers)
            self.offered[identifier] = not machine
            mails.append(content)
        self.dovecot.deliver(*mails)

    async def prepare(self) -> None:
        """A store with one case whose deletion is overdue: a reminder has to be written, once."""
        self.data.mkdir(parents=True, exist_ok=True)
        store = SqliteStore(self.data / "bot.sqlite3")
        row = {
            "title": "Prosjekt",
            "contacts": ["ola@uio.example"],
            "domains": ["uio.example"],
            "state": "delivered",
            "deletion_due": "2020-01-31",
        }
        await store.write(lambda tx: tx.upsert_cases([("19/1234", row)], now()))
        await store.close()

    async def start(self, *, module: str = "bot", plant: str = "", clock: str = "", command: tuple[str, ...] = ()) -> Service:
        """Start the program; ``command`` stands before it (``unshare`` …). It is not ready yet when this returns."""
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        if plant:
            environment["PLANT"] = plant
        if clock:
            environment["PLANT_CLOCK"] = clock
        arguments = ["run", "--config", str(self.config)] if module == "bot" else [str(self.config)]
        line = [*command, sys.executable, "-m", module, *arguments]
        process = await asyncio.create_subprocess_exec(*line, env=environment, stderr=asyncio.subprocess.PIPE, limit=2**20)
        service = Service(process)
        service.listening = asyncio.create_task(service.listen())
        self.services.append(service)
        return service

    async def crash(self, service: Service) -> None:
        """SIGKILL, as a power cut would."""
        status = await service.end(signal.SIGKILL)
        assert status == -signal.SIGKILL, f"the program had ended by itself with status {status}: {service.events[-3:]}"
        self.crashes += 1

    # ── what holds ────────────────────────────────────────────────────────────────────────────────────────────

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the store says, read beside the service."""
        with contextlib.closing(sqlite3.connect(f"file:{self._readable()}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(sql).fetchall()

    def _readable(self) -> Path:
        """The store's file; a copy where it lies in a name space of the service's own (SQLite would follow /proc/PID/root out of it)."""
        if self.inside is None:
            return self.data / "bot.sqlite3"
        copy = self.folder / "copy.sqlite3"
        for end in ("", "-wal"):
            shutil.copyfile(f"{self.inside / 'bot.sqlite3'}{end}", f"{copy}{end}")
        Path(f"{copy}-shm").unlink(missing_ok=True)
        return copy

    def recorded(self) -> list[tuple[str, bool]]:
        """(Message-ID, whether it is a copy) of each mail that is recorded; of one that could not be read, from its bytes."""
        rows = self.rows("SELECT message_id, content, copy_of != '' FROM mail JOIN raw USING (id) WHERE state != 'waiting'")
        return [(name or str(message_from_bytes(content)["Message-ID"]), bool(copy)) for name, content, copy in rows]

    def unfinished(self) -> dict[str, int]:
        """What is not done yet, by kind; empty when all is."""
        counts = {
            "unrecorded": len(self.offered.keys() - {name for name, _ in self.recorded()}),
            "waiting": self.rows("SELECT count(*) FROM mail WHERE state = 'waiting'")[0][0],
            "outbox": self.rows("SELECT count(*) FROM outbox WHERE state IN ('waiting', 'sending')")[0][0],
            "mirror": self.rows("SELECT count(*) FROM mirror WHERE state = 'waiting'")[0][0],
        }
        return {name: count for name, count in counts.items() if count}

    async def done(self, service: Service, seconds: float = PATIENCE) -> None:
        """Nothing may be stuck: wait until all is done."""
        deadline = time.monotonic() + seconds
        while left := self.unfinished():
            assert service.process.returncode is None, f"the program ended with {service.process.returncode}: {service.events[-3:]}"
            assert time.monotonic() < deadline, f"stuck: {left}; the last that was heard: {service.events[-3:]}"
            await asyncio.sleep(0.1)

    def sent(self) -> list[Message]:
        """What the world got, in order."""
        return [message_from_bytes(content) for _, _, content in self.sink.mails]

    async def check(self) -> None:
        """The invariants. To be asked when ``done`` is."""
        originals = Counter(name for name, copy in self.recorded() if not copy)
        assert originals == dict.fromkeys(self.offered, 1), "each mail is recorded, and acted on once; all else are copies of it"
        counts = Counter(str(message["Message-ID"]) for message in self.sent())
        outbox = {row[0]: row[1] for row in self.rows("SELECT message_id, state FROM outbox")}
        assert counts.keys() <= outbox.keys(), "nothing leaves that is not recorded"
        assert {name for name, state in outbox.items() if state == "sent"} <= counts.keys(), "what is recorded as sent has arrived"
        repeats = sum(count - 1 for count in counts.values())
        assert repeats <= self.crashes + self.cuts, f"{repeats} repeats for {self.crashes} crashes and {self.cuts} cuts"
        answered = Counter((reply, str(message["To"])) for message, reply in self._replies())
        for (reply, recipient), distinct in answered.items():
            assert distinct == 1, f"{distinct} different automatic mails to {recipient} about one mail"
            assert self.offered.get(reply, False), "no machine is answered"
        reminders = self.rows("SELECT count(*) FROM outbox WHERE mail_key = '' AND case_ref = '19/1234'")[0][0]
        assert reminders <= 1, "one reminder for one deadline"
        await self.whole()

    def _replies(self) -> Iterator[tuple[Message, str]]:
        once = {str(message["Message-ID"]): message for message in self.sent()}
        for message in once.values():
            if str(message["Auto-Submitted"]) == "auto-replied":
                yield message, str(message["In-Reply-To"])

    async def whole(self) -> None:
        """The chain of events and the file itself are whole."""
        assert self.rows("PRAGMA integrity_check") == [("ok",)]
        if self.inside is None:
            store = SqliteStore(self.data / "bot.sqlite3")
            assert await store.read(lambda tx: list(tx.audit_faults())) == []
            await store.close()


@contextlib.asynccontextmanager
async def site(more: str = "") -> AsyncIterator[Site]:
    """A site with its servers up; everything that was started is ended."""
    with tempfile.TemporaryDirectory(prefix="mikrodata-bot-site-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        dovecot = Dovecot(folder / "dovecot").start()
        built = Site(folder, dovecot, await Sink().start(), more)
        try:
            await built.prepare()
            yield built
        finally:
            for service in built.services:
                await service.end()
            await built.sink.stop()
            dovecot.stop()
