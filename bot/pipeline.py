"""receive · handle · deliver · mirror · ask: the only place where order matters.

A mail is safe before it is acknowledged (①), thought about outside any transaction, decided inside one (②), and only the
outbox speaks to the world (③). What the server shows is a mirror of the decision (④), never the state itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from bot.alarms import Limits, overrun
from bot.compose import Letterhead, Subject, Templates, compose
from bot.decide import Facts, Policy, answered_forwards, decide, send_on_by_hand
from bot.journal import Journal, where
from bot.knowledge import Knowledge
from bot.mail import parse
from bot.matters import MattersRules, find
from bot.matters.calendar import OSLO, office_hours
from bot.matters.deadlines import Answers, Deadline, DeadlineRules, Waiting, next_deadline, reminders, standing
from bot.model import (
    Authentication,
    Case,
    Category,
    Decision,
    Delivery,
    Examined,
    Findings,
    Language,
    Message,
    Outgoing,
    Past,
    Raw,
    Reason,
    Result,
    Understanding,
)
from bot.notices import Writing, digests, reminder_mails
from bot.senders import Sender
from bot.sources import Counted, Mirror
from bot.store import AlreadyRecorded, Store, StoreUnavailable, Tx
from bot.thinking import Beside, Gone, Lost
from bot.understanding import Model, prepare, understand
from bot.understanding.sensitive import hide

T = TypeVar("T")
Reading = tuple[Message, Understanding | None]  # None where attachments must be examined first
Aside = Beside[list[Raw], list[Reading | str]]  # what went wrong with a mail is told as type and place

BATCH = 256  # mails known to wait at once
TURN = 16  # mails read in one turn of the thinking thread: threads that hand over to each other for each mail wait more than they work
TURNS = 4  # in hand at once: one is thought about while others are recorded; few enough to stay in memory
ATTEMPTS = 3  # the third start of the same mail means that it has killed us twice
IDLE_SECONDS = 1.0  # how long a loop sleeps when nobody wakes it
STORE_BACKOFF = (0.05, 0.2, 1.0, 5.0, 15.0)  # seconds between tries while the store is unavailable
MIRROR_BATCH = 100
QUIET_KINDS = ("reminder",)  # what waits for the next office hours when it could not be sent in these
REMIND_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Brain:
    """Knowledge and the model trained from it; replaced as a whole on reload."""

    knowledge: Knowledge
    model: Model


class Contact:
    """When the mail server last answered. Measured by a clock that nobody can set."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        """Counts from now."""
        self._seconds = seconds
        self._last = seconds()

    def beat(self) -> None:
        """The server has answered. May be called from any thread."""
        self._last = self._seconds()

    def silent(self) -> float:
        """Seconds since then."""
        return self._seconds() - self._last


@dataclass
class Parts:
    """Everything the pipeline works with. ``brain`` with ``beside``, and ``templates``, may be replaced while running (reload)."""

    store: Store
    brain: Brain
    examiner: Any  # bot.examine.Examiner
    policy: Policy
    rules: MattersRules
    letterhead: Letterhead
    templates: Templates
    words: Mapping[str, Mapping[str, str]]
    journal: Journal
    clock: Callable[[], datetime]
    sender: Sender
    trusted_authserv: tuple[str, ...] = ()
    resolutions: Mapping[str, Language] = field(default_factory=dict)  # language resolutions by domain (språklova § 15)
    deadlines: DeadlineRules = field(default_factory=DeadlineRules)
    digest_hour: int = 7
    per_minute: int = 30
    learn: Callable[[Knowledge], Model] = prepare  # how a model is made of changed knowledge
    limits: Limits = field(default_factory=Limits)
    alarms_to: tuple[str, ...] = ()
    mirrors: dict[str, Mirror] = field(default_factory=dict)
    counted: Counted | None = None
    contact: Contact | None = None
    # one thread thinks: several would take turns at the interpreter's lock and cost twice the processor time
    thinker: Executor = field(default_factory=lambda: ThreadPoolExecutor(1, "think"))
    beside: Aside | None = None  # a second process that thinks with the same brain
    mail_waiting: asyncio.Event = field(default_factory=asyncio.Event)
    outbox_waiting: asyncio.Event = field(default_factory=asyncio.Event)
    mirror_waiting: asyncio.Event = field(default_factory=asyncio.Event)
    reload_wanted: asyncio.Event = field(default_factory=asyncio.Event)  # knowledge or templates were changed: `bot.run.reload_forever`
    # the web's pages: each reads its texts anew and returns what puts them to use, so that all are changed or none
    rereads: list[Callable[[], Callable[[], None]]] = field(default_factory=list)

    @property
    def own_addresses(self) -> frozenset[str]:
        """Our own addresses, by which a loop is told."""
        return frozenset({self.policy.address.lower(), *(alias.lower() for alias in self.policy.aliases)})


@dataclass(frozen=True, slots=True)
class Judged:
    """A mail with all that was thought about it."""

    raw: Raw
    message: Message
    examined: Examined
    understanding: Understanding
    findings: Findings
    decision: Decision


# ── ① ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def receive(parts: Parts, raw: Raw) -> bool:
    """Keep a mail; returns when it is safe (the source may acknowledge), raises ``StoreUnavailable`` when it is not."""
    new = await parts.store.write(lambda tx: tx.arrive(raw))
    if new:
        parts.journal.arrived(raw.key, raw.source, len(raw.content))
        parts.mail_waiting.set()
    return new


# ── ② ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def handle_forever(parts: Parts) -> None:
    """Handle what waits, oldest first, until cancelled. A batch under way is finished before leaving."""
    while True:
        parts.mail_waiting.clear()
        if not await handle_waiting(parts):
            await _wait(parts.mail_waiting, IDLE_SECONDS)


async def handle_waiting(parts: Parts) -> int:
    """Handle one batch; returns how many mails were in it. The batch is finished even when the caller is cancelled."""
    keys = await _patiently(parts, lambda: parts.store.read(lambda tx: tx.waiting(BATCH)))
    if keys:
        batch = asyncio.ensure_future(_handle_batch(parts, keys))
        try:
            await asyncio.shield(batch)
        except asyncio.CancelledError:
            await batch
            raise
    return len(keys)


async def _handle_batch(parts: Parts, keys: list[str]) -> None:
    free = asyncio.Semaphore(TURNS)

    async def turn(some: list[str]) -> None:
        async with free:
            await _handle_turn(parts, some)

    await asyncio.gather(*(turn(keys[at : at + TURN]) for at in range(0, len(keys), TURN)))
    parts.outbox_waiting.set()
    parts.mirror_waiting.set()


async def _handle_turn(parts: Parts, keys: list[str]) -> None:
    """Mails that are read in one turn of the thinking thread, and so recorded in one commit; each succeeds or fails for itself."""
    parts = copy.copy(parts)  # what is replaced meanwhile does not reach them: a mail is read and decided by the same knowledge
    started = await _patiently(parts, lambda: parts.store.write(lambda tx: [(tx.start(key), tx.raw(key)) for key in keys]))
    for attempt, raw in started:
        if attempt >= ATTEMPTS:
            await _give_to_person(parts, raw, f"started {attempt} times")
    raws = [raw for attempt, raw in started if attempt < ATTEMPTS]
    readings = await asyncio.get_running_loop().run_in_executor(parts.thinker, _read_each, parts, raws)
    await asyncio.gather(*(_handle(parts, raw, reading) for raw, reading in zip(raws, readings, strict=True)))


async def _handle(parts: Parts, raw: Raw, reading: Reading | str) -> None:
    """One mail: think, then decide and record in one transaction. A fault of ours records it for a person, bytes kept."""
    if isinstance(reading, str):
        return await _give_to_person(parts, raw, reading)
    try:
        message, examined, understanding = await _examine(parts, raw, reading)
        judged = await _patiently(
            parts, lambda: parts.store.write(lambda tx: _decide_and_record(parts, tx, raw, message, examined, understanding))
        )
    except AlreadyRecorded:
        return None  # another worker was faster (R41)
    except Exception as error:
        return await _give_to_person(parts, raw, where(error))
    decision = judged.decision
    seconds = (parts.clock() - raw.received).total_seconds()
    parts.journal.handled(raw.key, decision.category.value, decision.reply.value, tuple(r.value for r in decision.reasons), seconds)


async def think(parts: Parts, raw: Raw) -> tuple[Message, Examined, Understanding]:
    """Read and understand, outside any transaction; attachments are examined in a process of their own."""
    reading = await asyncio.get_running_loop().run_in_executor(parts.thinker, _read, parts, raw)
    return await _examine(parts, raw, reading)


async def _examine(parts: Parts, raw: Raw, reading: Reading) -> tuple[Message, Examined, Understanding]:
    """What was read, with what its attachments tell."""
    (message, understanding), examined = reading, Examined()
    if understanding is None:
        examined = await parts.examiner.examine(message)
        understanding = await asyncio.get_running_loop().run_in_executor(parts.thinker, _understand, parts, message, examined)
    return message, examined, _proven(message, understanding) if _by_hand(raw) else understanding


def _by_hand(raw: Raw) -> bool:
    """Whether somebody opened the link that we sent to the address, and pressed the button behind it."""
    return raw.source == "chat"


def _read(parts: Parts, raw: Raw) -> Reading:
    """A mail, read; understood as well where nothing has to be examined first: one turn of the thinking thread for most mails."""
    message = parse(raw, own_addresses=parts.own_addresses)
    if _by_hand(raw):
        message = replace(message, automatic=None)
    return message, None if message.attachments else _understand(parts, message, Examined())


def _read_each(parts: Parts, raws: list[Raw]) -> list[Reading | str]:
    """Several mails, in the second process where there is one that knows what we know. Where that is lost over them, each is tried alone;
    the one that it is lost over again is a person's."""
    if parts.beside is None or parts.beside.knows != parts.brain.knowledge.version:
        return read_each(parts, raws)
    try:
        return parts.beside.ask(raws)
    except Gone as gone:
        parts.journal.trouble("thinking", str(gone))
        return read_each(parts, raws)
    except Lost as lost:
        parts.journal.trouble("thinking", str(lost))
    return [_read_alone(parts, parts.beside, raw) for raw in raws]


def _read_alone(parts: Parts, beside: Aside, raw: Raw) -> Reading | str:
    try:
        return beside.ask([raw])[0]
    except Gone:
        return read_each(parts, [raw])[0]
    except Lost as lost:
        parts.journal.trouble("thinking", str(lost))
        return f"the second process was lost over it twice: {lost}"


def read_each(parts: Parts, raws: list[Raw]) -> list[Reading | str]:
    """Several mails, one after the other; what goes wrong with one (type and place) is its own."""

    def tried(raw: Raw) -> Reading | str:
        try:
            return _read(parts, raw)
        except Exception as error:
            return where(error)

    return [tried(raw) for raw in raws]


def _proven(message: Message, understanding: Understanding) -> Understanding:
    """What is understood of a message whose sender's address was proven by a link: no machine's, and authenticated."""
    category = Category.OTHER if understanding.category is Category.AUTO else understanding.category
    return replace(
        understanding, category=category, authentication=Authentication(message.sender.domain, "none", "address confirmed by a link")
    )


def _understand(parts: Parts, message: Message, examined: Examined) -> Understanding:
    return understand(message, examined, parts.brain.model, trusted_authserv=parts.trusted_authserv, resolutions=parts.resolutions)


def judge(parts: Parts, raw: Raw, message: Message, examined: Examined, understanding: Understanding, past: Past, now: datetime) -> Judged:
    """The pure middle: rules of the domain, then the policy."""
    findings = find(message, examined, understanding, past, raw.received, parts.rules)
    facts = Facts(raw, message, understanding, findings, past, parts.policy, parts.brain.model.assurance, now)
    return Judged(raw, message, examined, understanding, findings, decide(facts))


def _decide_and_record(parts: Parts, tx: Tx, raw: Raw, message: Message, examined: Examined, understanding: Understanding) -> Judged:
    now = parts.clock()
    past = tx.past(raw.key, message, understanding, now)
    message, examined, understanding = hide(message, examined, understanding)
    judged = judge(parts, raw, message, examined, understanding, past, now)
    mails = compose(_subject(parts, judged, past, now))
    mirror = judged.decision.folder if raw.source == "imap" else ""
    versions = {"knowledge": parts.brain.knowledge.version}
    tx.record(raw.key, message, examined, understanding, judged.findings, judged.decision, mails, now, mirror=mirror, versions=versions)
    _finish_answered(parts, tx, judged, past, now)
    return judged


def _finish_answered(parts: Parts, tx: Tx, judged: Judged, past: Past, now: datetime) -> None:
    """A colleague answered the researcher from the forward: the mail that was sent on waits for nobody any more."""
    message = judged.message
    reached = {address.address.lower() for address in (*message.to, *message.cc)}
    for key in answered_forwards(message, judged.understanding, past, parts.policy):
        if str(tx.summary(key)["sender"] or "").lower() in reached and tx.mark_done(key, now, actor=message.sender.address):
            tx.event("answered-by-colleague", key, {"mail": judged.raw.key}, now, actor=message.sender.address)


def _subject(parts: Parts, judged: Judged, past: Past, now: datetime) -> Subject:
    cases: dict[str, Case] = {case.case_ref: case for case in (*past.known, *past.sender_cases)}
    return Subject(
        judged.raw,
        judged.message,
        judged.understanding,
        judged.findings,
        judged.decision,
        parts.brain.knowledge,
        parts.templates,
        parts.letterhead,
        parts.words,
        cases,
        now,
        _next_deadline(parts, cases.get(judged.findings.status_case), now),
    )


def _next_deadline(parts: Parts, case: Case | None, now: datetime) -> tuple[str, date] | None:
    return next_deadline(case, now.astimezone(OSLO).date(), parts.deadlines) if case is not None else None


async def _give_to_person(parts: Parts, raw: Raw, error: str) -> None:
    """Record a mail that we could not think through for a person, with its bytes kept."""
    parts.journal.not_understood(raw.key, error)
    mirror = "quarantine" if raw.source == "imap" else ""

    def work(tx: Tx) -> None:
        tx.record_failure(raw.key, Reason.NOT_UNDERSTOOD.value, (error,), parts.clock(), mirror=mirror, folder="quarantine")

    with contextlib.suppress(AlreadyRecorded):
        await _patiently(parts, lambda: parts.store.write(work))


# ── ③ ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def deliver_forever(parts: Parts) -> None:
    """Send what is due, one at a time, at most ``per_minute`` in any minute, until cancelled. A stop waits for the attempt under way:
    its outcome is written before the program leaves."""
    way = _Way()
    work = asyncio.ensure_future(_deliver(parts, way))  # one task for all: one for each mail would be a third of what the loop does for it
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        way.closed = True
        if not way.taken:
            work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
        raise


@dataclass
class _Way:
    """The way out: whether a mail is on it, and whether it is the last."""

    taken: bool = False
    closed: bool = False


async def _deliver(parts: Parts, way: _Way) -> None:
    pace = Pace(parts.per_minute)
    settled: tuple[Outgoing, Delivery] | None = None
    while True:
        parts.outbox_waiting.clear()
        mail = await _settle_and_claim(parts, settled)
        settled = None
        if mail is None:
            await _wait(parts.outbox_waiting, IDLE_SECONDS)
            continue
        await pace.wait()
        way.taken = True
        settled = (mail, await _attempt(parts, mail))
        if way.closed:
            await _settle(parts, *settled)
            return
        way.taken = False


async def deliver_waiting(parts: Parts) -> int:
    """Send what is due now; returns how many attempts were made. For ``bot receive`` and the demo."""
    pace = Pace(parts.per_minute)
    settled: tuple[Outgoing, Delivery] | None = None
    count = 0
    while (mail := await _settle_and_claim(parts, settled)) is not None:
        await pace.wait()
        settled = (mail, await _send_unbroken(parts, mail))
        count += 1
    return count


async def _settle_and_claim(parts: Parts, settled: tuple[Outgoing, Delivery] | None) -> Outgoing | None:
    """Write the outcome of the last mail and take the next, in one commit."""

    def work(tx: Tx) -> tuple[str, Outgoing | None, str]:
        now = parts.clock()
        state = tx.settle(settled[0].message_id, settled[1], now) if settled is not None else ""
        quiet = () if office_hours(now) else QUIET_KINDS
        mail = tx.claim(now, paused=tx.get_flag("paused") == "1", not_now=quiet)
        tripped = _trip(parts, tx, mail, now) if mail is not None else ""
        return state, tx.claim(now, paused=True) if tripped else mail, tripped

    state: str
    mail: Outgoing | None
    state, mail, tripped = await _patiently(parts, lambda: parts.store.write(work))
    if tripped:
        parts.journal.alarm(tripped, {})
    if settled is not None:
        parts.journal.delivered(settled[0].message_id, settled[0].kind, state, settled[1].detail)
        if state == "gave-up":
            parts.journal.alarm("gave-up", {"kind": settled[0].kind, "detail": settled[1].detail})
    return mail


def _trip(parts: Parts, tx: Tx, mail: Outgoing, now: datetime) -> str:
    """The circuit breaker: when one more automatic mail would be too many, hold it and all others, and say why (else ``""``)."""
    if not mail.automatic:
        return ""
    lately, to_one = tx.automatic_lately(mail.recipient, now)
    reason = overrun(lately - 1, to_one - 1, parts.limits)  # without the one in hand
    if reason:
        tx.give_back(mail.message_id)
        tx.pause(reason, now)
    return reason


async def _send_unbroken(parts: Parts, mail: Outgoing) -> Delivery:
    """One attempt that a stop waits for: its outcome is written before the program leaves."""
    attempt = asyncio.ensure_future(_attempt(parts, mail))
    try:
        return await asyncio.shield(attempt)
    except asyncio.CancelledError:
        await _settle(parts, mail, await attempt)
        raise


async def _settle(parts: Parts, mail: Outgoing, delivery: Delivery) -> None:
    """Write the outcome of the last mail; none is taken after it."""
    await parts.store.write(lambda tx: tx.settle(mail.message_id, delivery, parts.clock()))


async def _attempt(parts: Parts, mail: Outgoing) -> Delivery:
    """What the way out says; a defect of it gives this mail to a person, and the others go on leaving."""
    try:
        return await parts.sender.send(mail)
    except Exception as error:
        parts.journal.trouble("sender", "defect", error)
        return Delivery(Result.REFUSED, where(error))


class Pace:
    """At most so many in any 60 seconds (Exchange Online refuses more than 30 a minute)."""

    def __init__(self, per_minute: int, seconds: float = 60) -> None:
        """``per_minute`` ≥ 1 in ``seconds``."""
        self._seconds = seconds
        self._times: deque[float] = deque(maxlen=per_minute)

    async def wait(self) -> None:
        """Return when one more may go, and count it."""
        if len(self._times) == self._times.maxlen:
            await asyncio.sleep(max(0.0, self._times[0] + self._seconds - time.monotonic()))
        self._times.append(time.monotonic())


# ── ④ ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def mirror_forever(parts: Parts) -> None:
    """Show decisions on the server until cancelled."""
    while True:
        parts.mirror_waiting.clear()
        if not await mirror_waiting(parts):
            await _wait(parts.mirror_waiting, IDLE_SECONDS)


async def mirror_waiting(parts: Parts) -> int:
    """Mirror one batch; returns how many were settled for good."""
    due = await _patiently(parts, lambda: parts.store.read(lambda tx: tx.mirror_due(parts.clock(), MIRROR_BATCH)))
    outcomes: list[tuple[str, str]] = []
    for source, mirror in parts.mirrors.items():
        moves = [(key, folder) for key, folder in due if key.partition(":")[0] == source]
        if moves:
            outcomes += zip((key for key, _ in moves), await mirror.mirror(moves), strict=True)
    for key, outcome in outcomes:
        parts.journal.mirrored(key, outcome)

    def work(tx: Tx) -> None:
        now = parts.clock()
        for key, outcome in outcomes:
            tx.mirrored(key, outcome, now)

    if outcomes:
        await _patiently(parts, lambda: parts.store.write(work))
    return sum(outcome != "retry" for _, outcome in outcomes)


# ── ⑤ ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def remind_forever(parts: Parts) -> None:
    """Look at the deadlines every ``REMIND_SECONDS`` until cancelled. A fault (a template of the operator's own, say) stops nothing else."""
    while True:
        try:
            await remind(parts)
        except Exception as error:
            parts.journal.trouble("deadlines", "failed", error)
        await asyncio.sleep(REMIND_SECONDS)


async def remind(parts: Parts) -> int:
    """Put what is due into the outbox: reminders, drafts for overdue cases, the daily digest. Returns how many mails are new."""

    made: int = await _patiently(parts, lambda: parts.store.write(lambda tx: _remind(parts, tx)))
    if made:
        parts.outbox_waiting.set()
    return made


def _remind(parts: Parts, tx: Tx) -> int:
    """Set what stands, take back what is settled, and write what is due; the last only in office hours."""
    now, cases = parts.clock(), tx.cases()
    names = [item.name for item in fields(Waiting)]
    mails = {row["key"]: Waiting(**{name: row[name] for name in names}) for row in tx.waiting_for_person()}
    answers = Answers(tx.confirmed_deletions(), tx.reported_deletions(), tx.answered_offers())
    stand = standing(cases, mails.values(), answers, parts.deadlines)
    tx.keep_deadlines([(each.kind, each.subject, each.due, each.case_ref, each.desk, each.reported) for each in stand], now)
    due = reminders(stand, {case.case_ref: case for case in cases}, mails, now, parts.deadlines)
    tx.withdraw_reminders({reminder.occasion for reminder in due}, now)
    tx.expire_held(now)
    if not office_hours(now):
        return 0
    writing = Writing(parts.letterhead, parts.templates, parts.words, parts.policy, now)
    done, made = tx.reminded(), 0
    for reminder in due:
        if reminder.occasion not in done and (written := reminder_mails(writing, reminder, tx.last_language)):
            made += tx.add_reminder(reminder.occasion, reminder.deadline.case_ref or reminder.deadline.subject, written, now)
    if now.astimezone(OSLO).hour >= parts.digest_hour:
        made += sum(tx.add_mail(mail, now) for mail in _digests(parts, tx, writing, stand, cases, mails.values()))
    return made


def _digests(
    parts: Parts, tx: Tx, writing: Writing, stand: tuple[Deadline, ...], cases: list[Case], mails: Iterable[Waiting]
) -> tuple[Outgoing, ...]:
    everything = tx.open_since(parts.clock() + timedelta(seconds=1))
    waiting = Counter(mail.desk for mail in mails if mail.desk not in ("", parts.policy.fallback))
    waiting[""] = len(everything)
    workers = {case.case_ref: case.caseworker for case in cases}
    drafts = Counter(workers.get(row["case_ref"], "") for row in tx.reminder_drafts())
    return digests(writing, stand, cases, waiting, sum(row["urgent"] for row in everything), drafts)


# ── a person sends a mail on ──────────────────────────────────────────────────────────────────────────────────


async def send_on(parts: Parts, key: str, service: str, *, actor: str) -> bool:
    """Send a mail on to another service (a key of ``routing.misdirected``), tell its sender where, and be done with it.

    False when it went there already or must not go on by mail. Errors: ``KeyError`` for an unknown mail or service.
    """
    parts, to = copy.copy(parts), parts.policy.misdirected[service]
    raw = await parts.store.read(lambda tx: tx.raw(key))
    message, examined, understanding = await think(parts, raw)

    def work(tx: Tx) -> bool:
        now = parts.clock()
        past = tx.past(raw.key, message, understanding, now)
        judged = judge(parts, raw, *hide(message, examined, understanding), past, now)
        facts = Facts(raw, judged.message, judged.understanding, judged.findings, past, parts.policy, parts.brain.model.assurance, now)
        decision = send_on_by_hand(facts, to)
        if decision is None:
            return False
        mails = compose(_subject(parts, replace(judged, decision=decision), past, now))
        written = [replace(mail, kind="person", automatic=False) if mail.kind == "draft" else mail for mail in mails]
        if not sum(tx.add_mail(mail, now) for mail in written if mail.kind == "forward"):
            return False
        for mail in written:
            tx.add_mail(mail, now)
        tx.event("sent-on", key, {"service": service, "mails": [mail.message_id for mail in written]}, now, actor=actor)
        tx.mark_done(key, now, actor=actor)
        return True

    done: bool = await _patiently(parts, lambda: parts.store.write(work))
    if done:
        parts.outbox_waiting.set()
    return done


# ── command line: thought without a store ─────────────────────────────────────────────────────────────────────


def classify(parts: Parts, raw: Raw) -> Judged:
    """What would be understood and done, with no past and no register; changes nothing."""
    message = parse(raw, own_addresses=parts.own_addresses)
    examined = parts.examiner.examine_now(message) if message.attachments else Examined()
    understanding = _understand(parts, message, examined)
    return judge(parts, raw, *hide(message, examined, understanding), Past(), parts.clock())


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass


async def _patiently(parts: Parts, attempt: Callable[[], Any]) -> Any:
    """Do a piece of store work, waiting while the store is unavailable: never the mail's fault, never given up."""
    tries = 0
    while True:
        try:
            return await attempt()
        except StoreUnavailable as error:
            parts.journal.trouble("store", "unavailable", error)
            await asyncio.sleep(STORE_BACKOFF[min(tries, len(STORE_BACKOFF) - 1)])
            tries += 1


def words(path: Path) -> dict[str, dict[str, str]]:
    """The words of ``templates/words.toml`` as ``{"reason.machine-mail": {"nb": …}, "machine-mail": …}``."""
    import tomllib

    table = tomllib.loads(path.read_text(encoding="utf-8"))
    flat: dict[str, dict[str, str]] = {}
    for group, entries in table.items():
        for name, texts in entries.items():
            flat[f"{group}.{name}"] = texts
            if group == "reason":
                flat[name] = texts
    return flat
