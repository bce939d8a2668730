"""The demo: the whole service on embedded parts, fed through its real SMTP entrance, with a table of what became of each mail."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import email
import smtplib
import socket
import sys
import tempfile
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from bot.config import ConfigError, Settings
from bot.demo_documents import Authority
from bot.demo_mails import SERVER, SERVICE, Sample, cases, samples
from bot.matters.deadlines import office_hours
from bot.pipeline import Parts, remind
from bot.run import serve

WAIT_SECONDS = 50


async def show(*, once: bool, folder: Path | None) -> None:
    """Run the demo; without ``once`` it goes on until it is interrupted."""
    console = Console(width=max(Console().width, 110))
    console.print("[dim]Starting. The first start on a machine learns from the knowledge base; that takes about a minute.[/dim]")
    with contextlib.ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mikrodata-bot-demo-")))
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f'--folder "{place}" cannot be made ({error.strerror}); give a folder that this user may write to') from None
        authority = Authority(place, "Anne Grimstveit")
        settings = demo_settings(place, authority)
        stop, started = asyncio.Event(), asyncio.get_running_loop().create_future()
        service = asyncio.ensure_future(serve(settings, started=started.set_result, stop=stop))
        await asyncio.wait({service, started}, return_when=asyncio.FIRST_COMPLETED)
        if service.done():
            service.result()
        try:
            await _feed(console, settings, started.result(), authority)
            if not once:
                console.print("[dim]The service goes on. Ctrl+C ends it.[/dim]")
                await service
        finally:
            stop.set()
            await service


def demo_settings(folder: Path, authority: Authority) -> Settings:
    """The demo's configuration: embedded parts on free ports of the loopback interface."""
    smtp, web = free_port(), free_port()
    return Settings(
        service={"address": SERVICE, "colleagues": ("ssb.example",), "data": folder},
        smtp_in={"listen": f"127.0.0.1:{smtp}"},
        routing={"intake": "soknad@ssb.example", "fallback": "postmottak@ssb.example", "trusted_authserv": (SERVER,)},
        offers={"trust_anchors": (str(authority.root),)},
        web={"listen": f"127.0.0.1:{web}", "public_url": f"http://127.0.0.1:{web}"},
    )


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _feed(console: Console, settings: Settings, parts: Parts, authority: Authority) -> None:
    await parts.store.write(lambda tx: tx.upsert_cases(cases(parts.clock()), parts.clock()))
    assert settings.smtp_in is not None
    port = int(settings.smtp_in.listen.rpartition(":")[2])
    chosen = await asyncio.to_thread(samples, authority)  # signing runs a loop of its own
    mails = [(sample, sample.content(number)) for number, sample in enumerate(chosen, 1)]
    begun = asyncio.get_running_loop().time()
    await asyncio.to_thread(_send, port, [content for _, content in mails])
    await _settled(parts, len(mails))
    seconds = asyncio.get_running_loop().time() - begun
    await _table(console, parts, mails)
    await remind(dataclasses.replace(parts, clock=partial(in_office_hours, parts.clock())))
    await _answers(console, settings)
    await _registers(console, parts)
    console.print(
        f"{len(mails)} mails in {seconds:.1f} seconds through smtp://127.0.0.1:{port}; outgoing mail lies in {settings.service.data}/outgoing"
    )
    if settings.web is not None:
        await _addresses(console, settings, parts)


def _send(port: int, mails: list[bytes]) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        for content in mails:
            client.sendmail("mx@ssb.example", [SERVICE], content)


async def _settled(parts: Parts, count: int) -> None:
    """Until all mails are decided and the outbox is empty."""
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                figures = await parts.store.read(lambda tx: tx.counts(parts.clock()))
                if figures["handled"] >= count and not figures["outbox_waiting"]:
                    return
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise ConfigError(f"the demo's mails were not done within {WAIT_SECONDS} seconds; is this machine very busy?") from None


async def _table(console: Console, parts: Parts, mails: list[tuple[Sample, bytes]]) -> None:
    from bot.sources.folder import raw

    table = Table("mail", "category", "topic / case", "the sender got", "trust", "why", title="What became of each mail")
    for sample, content in mails:
        row = await _summary(parts, raw(content, parts.clock()).key)
        subject = row["topic"] if row["reply"] == "answer" else row["case"]
        table.add_row(sample.what, row["category"], subject or "", row["reply"], row["trust"] or "", ", ".join(row["reasons"][:4]))
    console.print(table)


def in_office_hours(now: datetime) -> datetime:
    """The next hour at which reminders are made: at night and on holidays the service keeps them back."""
    while not office_hours(now):
        now += timedelta(hours=1)
    return now


async def _summary(parts: Parts, key: str) -> dict[str, Any]:
    row: dict[str, Any] = await parts.store.read(lambda tx: tx.summary(key))
    return row


async def _answers(console: Console, settings: Settings) -> None:
    """The answer in nynorsk as it lies in the outgoing Maildir."""
    for path in sorted((settings.service.data / "outgoing" / "new").iterdir()):
        mail = email.message_from_bytes(path.read_bytes())
        if mail["To"] == "olav.vik@hivolda.example":
            payload = mail.get_payload(decode=True)
            text = payload.decode() if isinstance(payload, bytes) else ""
            console.print(Panel(text.strip(), title=f"To {mail['To']}: Auto-Submitted {mail['Auto-Submitted']}", width=100))


async def _registers(console: Console, parts: Parts) -> None:
    rows = await parts.store.read(lambda tx: tx.deletions())
    table = Table("case", "verdict", "trust", "sentence", title="Deletion register")
    for row in rows:
        table.add_row(row["case_ref"], row["verdict"], row["trust"], row["sentence"])
    console.print(table)
    offers = await parts.store.read(lambda tx: tx.offers())
    table = Table("case", "in time", "signature", "signer on the list", title="Offers")
    for offer in offers:
        shown = "; ".join(f"{s['signer']}: {s['note'] or 'intact, whole, trusted'}" for s in offer["signatures"]) or "none"
        table.add_row(
            offer["case_ref"], {1: "yes", 0: "no"}.get(offer["in_time"], "?"), shown, {1: "yes", 0: "no"}.get(offer["signer_on_list"], "?")
        )
    console.print(table)
    for application in await parts.store.read(lambda tx: tx.applications()):
        missing = [item["id"] for item in application["checklist"] if item["required"] and not item["found_in"]]
        console.print(f"Application {application['number']} ({application['kind']}): not found: {', '.join(missing) or 'nothing missing'}")
    drafts = await parts.store.read(lambda tx: tx.reminder_drafts())
    for draft in drafts:
        console.print(f"Overdue: a reminder to {draft['recipient']} in case {draft['case_ref']} waits as a draft")


async def _addresses(console: Console, settings: Settings, parts: Parts) -> None:
    from bot.web import demo_user

    name, password = await demo_user(parts)
    assert settings.web is not None
    base = f"http://{settings.web.listen}"
    console.print(f"Chat:    {base}/chat\nConsole: {base}/console   (user {name}, password {password})", highlight=False)
    sys.stdout.flush()
