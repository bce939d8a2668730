"""Wiring: config → parts → one TaskGroup. Read it to see the whole program."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bot import knowledge, pipeline, understanding, watch
from bot.alarms import Limits
from bot.compose import Letterhead, Templates
from bot.config import ConfigError, Imap, Settings, SmtpOut
from bot.decide import Policy
from bot.examine import Examiner
from bot.journal import Journal
from bot.learning import folder_of
from bot.matters import MattersRules
from bot.matters.deadlines import DeadlineRules
from bot.model import Category, Mode
from bot.pipeline import Aside, Brain, Contact, Parts
from bot.senders import Sender
from bot.senders.folder import MaildirSender
from bot.sources.imap import Account, Events, Mailbox
from bot.sources.smtp import Entrance
from bot.store import Store, StoreUnavailable
from bot.store.sqlite import SqliteStore
from bot.thinking import Beside, Gone, of_use

BUILT_IN = Path(__file__).parent / "data"
GARBAGE = 10_000  # objects more than there were before garbage is looked for
UNPACED = 100_000  # mails a minute into a Maildir of our own: nobody is there to be spared


def now() -> datetime:
    """The clock of the running service; tests pass their own."""
    return datetime.now(UTC)


# ── parts ─────────────────────────────────────────────────────────────────────────────────────────────────────


def policy(settings: Settings) -> Policy:
    """What the operator has decided, as the core understands it."""
    service, answers, routing = settings.service, settings.answers, settings.routing
    return Policy(
        address=service.address,
        aliases=tuple(alias.lower() for alias in service.aliases),
        colleagues=tuple(colleague.lower() for colleague in service.colleagues),
        modes={category: Mode(settings.mode(category.value)) for category in Category},
        intake=routing.intake,
        fallback=routing.fallback,
        per_sender_per_day=answers.per_sender_per_day,
        answer_within_days=settings.imap.answer_within_days if settings.imap else 3,
        precision=answers.precision,
        precision_floor=answers.precision_floor,
        status_answers=answers.status,
        ask_for_document=settings.offers.ask_for_document,
        misdirected=routing.misdirected,
        forward_misdirected=routing.forward_misdirected,
    )


def rules(settings: Settings) -> MattersRules:
    """What the rules of the domain need to know of the configuration."""
    return MattersRules(settings.offers.days, settings.service.colleagues, tuple(settings.routing.misdirected))


def deadlines(settings: Settings) -> DeadlineRules:
    """When reminders are due."""
    section = settings.deadlines
    return DeadlineRules(
        offer_days=settings.offers.days,
        remind_offer_days=section.remind_offer_days,
        remind_deletion_days=section.remind_deletion_days,
        overdue_deletion_every_days=section.overdue_deletion_every_days,
        remind_contacts=section.remind_contacts,
    )


def limits(settings: Settings) -> Limits:
    """When alarms are raised and automatic sending stops. The breaker is never tighter than what the configuration allows by design."""
    section, out = settings.alarms, settings.smtp_out
    return Limits(
        section.oldest_unhandled_minutes,
        section.idle_silent_minutes,
        section.outbox_minutes,
        section.unverified_share,
        section.automatic_per_hour or (out.per_minute if out else UNPACED) * 60 // 5,
        max(section.automatic_per_address_per_hour, settings.answers.per_sender_per_day + 2),
    )


def letterhead(settings: Settings) -> Letterhead:
    """Who we are in what we write. Without a privacy notice of the operator's own, mails link to the built-in one."""
    web = settings.web
    url = web.public_url.rstrip("/") if web else ""
    built_in = f"{url}/privacy" if url and web and web.chat else ""
    return Letterhead(
        settings.service.address,
        settings.service.organisation,
        public_url=url,
        privacy_url=(web.privacy_url if web else "") or built_in,
        null_sender=settings.smtp_out.null_sender if settings.smtp_out else True,
        checklist_in_receipt=settings.applications.checklist_in_receipt,
    )


def brain(settings: Settings) -> Brain:
    """Knowledge and model; the model comes from the cache when the knowledge has not changed."""
    learned = folder_of(settings.service.data)
    try:
        loaded = knowledge.load(
            Path(settings.knowledge.folder) if settings.knowledge.folder else None, extra=[learned] if learned.is_dir() else []
        )
        return Brain(loaded, model(settings, loaded))
    except (knowledge.KnowledgeError, understanding.LearningFailed) as error:
        raise ConfigError(str(error)) from None


def model(settings: Settings, loaded: knowledge.Knowledge) -> understanding.Model:
    """The model of a knowledge base, from the cache or learned. Errors: ``LearningFailed``."""
    answers = settings.answers
    return understanding.prepare(
        loaded,
        cache_folder(settings),
        precision=answers.precision,
        floor=answers.precision_floor,
        chat_precision=answers.chat_precision,
    )


def cache_folder(settings: Settings) -> Path:
    """Learned models lie in the service manager's or the user's cache folder; where there is none, with the service's data."""
    for place in (os.environ.get("CACHE_DIRECTORY"), os.environ.get("XDG_CACHE_HOME"), Path.home() / ".cache"):
        if place:
            folder = Path(str(place).split(":")[0]) / "mikrodata-bot"
            with contextlib.suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
                if os.access(folder, os.W_OK):
                    return folder
    return settings.service.data / "model"


def templates(settings: Settings) -> Templates:
    """The texts, a folder of the operator's own first. Errors: ``ConfigError`` for one that cannot be used."""
    own = [Path(settings.templates.folder)] if settings.templates.folder else []
    read = Templates([*own, BUILT_IN / "templates"])
    if fault := read.fault():
        raise ConfigError(fault)
    return read


def examiner(settings: Settings) -> Examiner:
    """The reader of attachments, in a process of its own."""
    offers = settings.offers
    return Examiner(
        trust_anchors=offers.trust_anchors,
        trusted_list=offers.trusted_list,
        trusted_list_certificates=offers.trusted_list_certificates,
    )


def sender(settings: Settings) -> Sender:
    """The way out: SMTP where configured, else a Maildir in the data folder."""
    out = settings.smtp_out
    if out is None:
        return MaildirSender(settings.service.data / "outgoing")
    from bot.senders.smtp import SmtpSender

    return SmtpSender(
        out.host,
        out.port,
        security=out.security,
        timeout=out.timeout_seconds,
        username=out.username,
        password=_secret(out, "smtp_out") if out.auth == "password" else "",
        token=_async_token(settings) if out.auth == "oauth2" else None,
        ca_file=out.ca_file,
    )


def account(settings: Settings, imap: Imap) -> Account:
    """How to get into the mailbox."""
    return Account(
        imap.host,
        imap.port,
        imap.security,
        imap.username,
        password=_secret(imap, "imap") if imap.auth == "password" else "",
        token=_token(settings) if imap.auth == "oauth2" else None,
        folder=imap.folder,
        ca_file=imap.ca_file,
        timeout=imap.timeout_seconds,
    )


def _secret(section: Imap | SmtpOut, name: str) -> str:
    try:
        return section.secret()
    except ConfigError as error:
        raise ConfigError(f"{name}.{error}") from None


def _token(settings: Settings) -> Callable[[bool], str]:
    from bot.oauth2 import Tokens

    assert settings.oauth2 is not None
    return Tokens.of(settings.oauth2).fetch


def _async_token(settings: Settings) -> Callable[[bool], Awaitable[str]]:
    fetch = _token(settings)
    return lambda anew: asyncio.to_thread(fetch, anew)


def mailbox(settings: Settings, imap: Imap, store: Store, journal: Journal, contact: Contact | None = None) -> Mailbox:
    """The mailbox as source and mirror; ``contact`` hears of each answer of the server."""

    def alive() -> None:
        journal.gauge("imap_last_alive_seconds", now().timestamp())
        if contact is not None:
            contact.beat()

    events = Events(
        connected=partial(journal.connected, "imap"),
        trouble=partial(journal.trouble, "imap"),
        alive=alive,
        gap=lambda count: journal.note("taking-in", mails=count),
    )
    return Mailbox(
        account(settings, imap),
        StoreLedger(store),
        imap.folders,
        events,
        move=imap.move,
        poll_seconds=imap.poll_seconds,
        idle_seconds=imap.idle_seconds,
    )


class StoreLedger:
    """``bot.sources.Ledger`` on the store."""

    def __init__(self, store: Store) -> None:
        """``store`` is open."""
        self._store = store

    async def known(self, prefix: str) -> set[str]:
        """See ``bot.sources.Ledger``."""
        return await self._store.read(lambda tx: tx.known_keys(prefix))

    async def recall(self, name: str) -> str:
        """See ``bot.sources.Ledger``."""
        return await self._store.read(lambda tx: tx.get_flag(name))

    async def remember(self, name: str, value: str) -> None:
        """See ``bot.sources.Ledger``."""
        await self._store.write(lambda tx: tx.set_flag(name, value, now()))


def second_process(parts: Parts) -> Aside | None:
    """A process that thinks as these parts do, where there is a core for it."""
    if not of_use():
        return None
    beside = Beside(partial(pipeline.read_each, parts), parts.brain.model.lock, knows=parts.brain.knowledge.version)
    try:
        beside.begin()
    except Gone as gone:  # it is tried again when it is needed
        parts.journal.trouble("thinking", str(gone))
    return beside


@contextlib.asynccontextmanager
async def open_parts(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = now,
    learn: Callable[[Settings], Brain] = brain,
    beside: Callable[[Parts], Aside | None] = lambda core: None,
) -> AsyncIterator[Parts]:
    """All parts of the pipeline, opened; closed at the end. Errors: ``ConfigError``, ``StoreUnavailable``."""
    reader = examiner(settings)
    parts = _core(settings, await asyncio.to_thread(learn, settings), reader)  # who alone hold the brain: one that is replaced must go
    parts.beside = beside(parts)  # forked before anything is open
    parts.store, parts.sender = store, way_out = SqliteStore(settings.database), sender(settings)
    parts.clock, parts.learn = clock, partial(model, settings)
    parts.deadlines, parts.digest_hour = deadlines(settings), settings.deadlines.digest_hour
    parts.per_minute = settings.smtp_out.per_minute if settings.smtp_out else UNPACED
    parts.limits, parts.alarms_to = limits(settings), settings.alarms.to
    try:
        yield parts
    finally:
        if parts.beside is not None:
            parts.beside.end()
        await reader.end()
        await way_out.close()
        await store.close()


@contextlib.contextmanager
def thinking(settings: Settings) -> Iterator[Parts]:
    """The parts that think, without a store and without connections: for ``classify`` and ``evaluate``."""
    ready, reader = brain(settings), examiner(settings)
    try:
        yield _core(settings, ready, reader)
    finally:
        reader.close()


def _core(settings: Settings, ready: Brain, reader: Examiner) -> Parts:
    """What reading, understanding, deciding and composing need; nothing of it is open."""
    return Parts(
        store=NoStore(),
        brain=ready,
        examiner=reader,
        policy=policy(settings),
        rules=rules(settings),
        letterhead=letterhead(settings),
        templates=templates(settings),
        words=pipeline.words(BUILT_IN / "templates" / "words.toml"),
        journal=Journal(),
        clock=now,
        sender=MaildirSender(settings.service.data / "outgoing"),
        trusted_authserv=settings.routing.trusted_authserv,
        resolutions=settings.language.resolutions,
    )


class NoStore:
    """A store for those who only think: it takes no work."""

    async def write(self, work: object) -> Any:
        """Refused."""
        raise StoreUnavailable("this command has no store")

    async def read(self, work: object) -> Any:
        """Refused."""
        raise StoreUnavailable("this command has no store")

    async def close(self) -> None:
        """Nothing is open."""


@contextlib.contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Hold the store as the only service on it. Errors: ``ConfigError`` when another one runs."""
    database = settings.database
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        opened = database.with_name(f"{database.name}.lock").open("w")
    except OSError as error:
        raise ConfigError(
            f"the folder {database.parent} cannot be written ({error.strerror}); give a service.data that this user may write to"
        ) from None
    with opened as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(f"another mikrodata-bot works on {database}; stop it first or give this one another service.data") from None
        yield


# ── the service ───────────────────────────────────────────────────────────────────────────────────────────────


class Stop(Exception):
    """Somebody asked the service to stop."""


async def serve(settings: Settings, *, started: Callable[[Parts], None] = lambda parts: None, stop: asyncio.Event | None = None) -> None:
    """The service, until SIGTERM, SIGINT or ``stop``: what is in hand is finished, then everything is closed."""
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(ValueError, NotImplementedError, RuntimeError):
            loop.add_signal_handler(name, stop.set)
    with alone(settings):
        async with open_parts(settings, beside=second_process) as parts:
            with contextlib.suppress(ValueError, NotImplementedError, RuntimeError):
                loop.add_signal_handler(signal.SIGHUP, parts.reload_wanted.set)
            await parts.store.write(lambda tx: tx.release_claims())
            try:
                await _run_all(settings, parts, stop, started)
            except* Stop:
                await parts.store.write(lambda tx: tx.release_claims())  # taken in hand and not begun: put back
                parts.journal.note("stopped")


async def _run_all(settings: Settings, parts: Parts, stop: asyncio.Event, started: Callable[[Parts], None]) -> None:
    take = partial(pipeline.receive, parts)
    async with asyncio.TaskGroup() as group:
        if settings.imap is not None:
            parts.contact = Contact()
            parts.mirrors["imap"] = parts.counted = box = mailbox(settings, settings.imap, parts.store, parts.journal, parts.contact)
            group.create_task(box.run(take))
        if settings.smtp_in is not None:
            entrance = smtp_entrance(settings, parts)
            listening = group.create_task(_named(entrance.run(take), "smtp_in.listen", settings.smtp_in.listen))
            await asyncio.wait({listening, asyncio.ensure_future(entrance.listening.wait())}, return_when=asyncio.FIRST_COMPLETED)
        group.create_task(pipeline.handle_forever(parts))
        group.create_task(pipeline.deliver_forever(parts))
        group.create_task(pipeline.mirror_forever(parts))
        group.create_task(pipeline.remind_forever(parts))
        group.create_task(watch.watch_forever(parts))
        group.create_task(reload_forever(settings, parts))
        if settings.web is not None:
            from bot.web import serve_web

            taking = asyncio.Event()
            serving = group.create_task(_named(serve_web(settings, parts, taking), "web.listen", settings.web.listen))
            await asyncio.wait({serving, asyncio.ensure_future(taking.wait())}, return_when=asyncio.FIRST_COMPLETED)
        gc.collect()
        gc.freeze()  # what is there now stays: a full collection would walk it all and hold everything up for 0.1 s
        gc.set_threshold(GARBAGE)  # a batch of mails in hand is no garbage, and little of what a mail leaves behind refers to itself
        parts.journal.note("started", imap=settings.imap is not None, smtp_in=settings.smtp_in is not None, web=settings.web is not None)
        started(parts)
        await stop.wait()
        raise Stop


def settle() -> None:
    """Let go of what was said to stay and is there no more (knowledge that was replaced), and say that what is there now stays.

    It writes to all that there is, and so copies what a second process shares: only while there is none.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


async def reload_forever(settings: Settings, parts: Parts) -> None:
    """Take in changed knowledge and texts, of mails and of the web, at SIGHUP or when ``parts.reload_wanted`` is set, until cancelled.

    Mails in hand are finished with what they began with. What cannot be used changes nothing at all and raises an alarm.
    """
    while True:
        await parts.reload_wanted.wait()
        parts.reload_wanted.clear()
        try:
            await _reload(settings, parts)
        except ConfigError as error:
            parts.journal.alarm("reload-failed", {"version": parts.brain.knowledge.version, "fault": str(error)})
            continue
        parts.journal.note("reloaded", version=parts.brain.knowledge.version)


async def _reload(settings: Settings, parts: Parts) -> None:
    ready = await asyncio.to_thread(brain, settings)
    texts, uses = templates(settings), [reread() for reread in parts.rereads]
    replaced, parts.brain, parts.templates, parts.beside = parts.beside, ready, texts, None
    for use in uses:
        use()
    if replaced is not None:
        in_turn = partial(asyncio.get_running_loop().run_in_executor, parts.thinker)  # behind the mails that were given to it
        await in_turn(replaced.end)
        del replaced
        await in_turn(settle)
        parts.beside = await in_turn(second_process, parts)


def smtp_entrance(settings: Settings, parts: Parts) -> Entrance:
    """The SMTP or LMTP entrance."""
    section = settings.smtp_in
    assert section is not None
    host, _, port = section.listen.rpartition(":")
    return Entrance(
        host.strip("[]"),
        int(port),
        parts.clock,
        partial(parts.journal.trouble, "smtp_in"),
        protocol=section.protocol,
        max_bytes=section.max_mb * 1024 * 1024,
        allowed=section.allowed_clients,
    )


async def _named(work: Coroutine[Any, Any, None], key: str, value: str) -> None:
    """Run a listener; a port that cannot be had is a sentence that names the key."""
    try:
        await work
    except OSError as error:
        raise ConfigError(f'{key} = "{value}" cannot be listened on ({error.strerror or error}); choose a free port') from None


__all__ = ["account", "alone", "brain", "mailbox", "open_parts", "serve", "thinking"]
