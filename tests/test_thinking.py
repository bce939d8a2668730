"""The second process: it thinks with what it was forked with; where it is lost another takes its place, and no mail is lost with it."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import pytest_asyncio

from bot import run
from bot.config import Settings
from bot.knowledge import Knowledge
from bot.model import Raw
from bot.pipeline import Aside, Parts, Reading, read_each
from bot.thinking import Beside, Gone, Lost, of_use
from bot.understanding import Model
from tests.letters import letter
from tests.mailroom import Mailroom, Recorder, mailroom
from tests.site import site

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the second process is forked")
STILL = threading.Lock()

Make = Callable[..., Beside[object, object]]


@pytest.fixture
def make() -> Iterator[Make]:
    """A second process that ends with the test."""
    made: list[Beside[object, object]] = []

    def one(think: Callable[[object], object], **options: int) -> Beside[object, object]:
        made.append(Beside(think, STILL, **options))
        return made[-1]

    yield one
    for each in made:
        each.end()


def gone(pid: int, seconds: float = 10) -> bool:
    """Whether a process ends; one that nobody has waited for yet has ended."""
    status = Path(f"/proc/{pid}/stat")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if status.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


def test_it_thinks_elsewhere_again_and_again(make: Make) -> None:
    beside = make(lambda given: (given, os.getpid()))
    assert [beside.ask(each) for each in ("a", b"b", None)] == [("a", beside.pid), (b"b", beside.pid), (None, beside.pid)]
    assert beside.pid != os.getpid()


def test_more_goes_through_than_a_pipe_holds(make: Make) -> None:
    assert make(lambda given: given).ask(b"x" * 5_000_000) == b"x" * 5_000_000


def test_what_others_have_open_it_has_not(make: Make, tmp_path: Path) -> None:
    """A lock or a connection of the service that lived on in it would outlive the service."""
    with (tmp_path / "lock").open("w"):
        beside = make(lambda given: sorted(os.listdir("/proc/self/fd")))
        opened = [name for name in beside.ask(None) if int(name) > 2]  # type: ignore[attr-defined]
    assert len(opened) == 2, "its pipe, and the folder that it lists"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_what_stops_or_reloads_the_service_does_not_end_it(make: Make, number: signal.Signals) -> None:
    """A service manager says it to all processes; mails in hand are finished."""
    beside = make(lambda given: given)
    beside.begin()
    pid = beside.pid
    os.kill(pid, number)
    assert beside.ask("on") == "on" and beside.pid == pid


@pytest.mark.parametrize(
    ("think", "why"),
    [(lambda given: os.kill(os.getpid(), signal.SIGSEGV), "it has ended"), (lambda given: time.sleep(3600), "no answer within 1 seconds")],
)
def test_lost_over_what_it_was_asked_it_is_replaced(make: Make, think: Callable[[object], object], why: str) -> None:
    beside = make(lambda given: think(given) if given == "poison" else given, patience=1)
    beside.begin()
    first = beside.pid
    with pytest.raises(Lost, match=why):
        beside.ask("poison")
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)  # waited for: nothing of it is left
    assert beside.ask("bread") == "bread" and beside.pid != first


def test_killed_between_two_questions_it_is_replaced(make: Make) -> None:
    beside = make(lambda given: given)
    beside.begin()
    os.kill(beside.pid, signal.SIGKILL)
    with pytest.raises(Lost, match="it has ended"):
        beside.ask("?")
    assert beside.ask("?") == "?"


def test_replaced_by_a_thread_it_has_no_half_thought(make: Make) -> None:
    """The service thinks here and there (chat, mail) under one lock; a fork in the middle of a thought would find it held for ever."""
    beside, thought = make(lambda given: STILL.acquire(timeout=5)), threading.Event()
    STILL.acquire()
    asked: list[object] = []
    asking = threading.Thread(target=lambda: (thought.set(), asked.append(beside.ask(None))))  # type: ignore[func-returns-value]
    asking.start()
    thought.wait()
    time.sleep(0.1)
    assert beside.pid == 0, "it is not forked while somebody thinks"
    STILL.release()
    asking.join()
    assert asked == [True], "there, nobody holds it"


def test_ended_it_stays_so(make: Make) -> None:
    beside = make(lambda given: given)
    beside.begin()
    pid = beside.pid
    beside.end()
    assert gone(pid)
    with pytest.raises(Gone, match="ended"):
        beside.ask("?")


def test_one_that_does_not_get_ready_takes_no_mail(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever keeps it from living (a limit, a filter of system calls) must not be taken for the fault of a mail."""
    monkeypatch.setattr(signal, "set_wakeup_fd", None)
    with pytest.raises(Gone, match="did not get ready"):
        make(lambda given: given).ask("?")


ORPHAN = """
import sys, threading, time
from bot.thinking import Beside
beside = Beside(time.sleep, threading.Lock(), patience=1)
beside.begin()
print(beside.pid, flush=True)
if sys.argv[1] == "busy":
    beside._pipe.send(3600)
time.sleep(3600)
"""


@pytest.mark.parametrize("state", ["idle", "busy"])
def test_it_ends_with_the_service_however_that_ends(state: str) -> None:
    """Idle it sees its pipe end; busy with what hangs, it has an alarm of its own."""
    owner = subprocess.Popen([sys.executable, "-c", ORPHAN, state], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    owner.kill()
    owner.wait()
    assert gone(pid)
    owner.stdout.close()


# ── in the service ────────────────────────────────────────────────────────────────────────────────────────────


@pytest_asyncio.fixture
async def room(tmp_path: Path, knowledge: Knowledge, model: Model) -> AsyncIterator[Mailroom]:
    """A service without sources and without a second process."""
    async with mailroom(tmp_path / "data", knowledge, model) as opened:
        opened.parts.sender = Recorder()
        yield opened


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]


@pytest.mark.skipif(not of_use(), reason="one core: the service thinks alone")
@pytest.mark.usefixtures("model")
async def test_the_second_process_is_killed_and_the_knowledge_reloaded_in_the_middle_of_a_backlog() -> None:
    """Each mail is handled once; each time another takes its place, and with the service it ends."""
    async with site() as here:
        here.offer(60)
        service = await here.start()
        await service.until("started")
        (first,) = children(service.process.pid)
        await service.until("handled")
        os.kill(first, signal.SIGKILL)
        here.offer(20)
        await here.done(service)
        assert len(service.said("trouble", part="thinking", what="it has ended")) == 1
        (second,) = children(service.process.pid)
        here.offer(20)
        service.process.send_signal(signal.SIGHUP)
        await service.until("reloaded")
        here.offer(20)
        await here.done(service)
        (third,) = children(service.process.pid)
        assert len({first, second, third}) == 3 and not service.said("not-understood")
        assert await service.end(signal.SIGTERM) == 0
        assert gone(third)
        await here.check()


QUESTION = "Hei\n\nHvem kan signere tilbudet?\n\nKari"
POISON = "Gift"


def lost_over_poison(parts: Parts, raws: list[Raw]) -> list[Reading | str]:
    """As the service reads; one mail ends the process, as a fault in a library would."""
    if any(POISON.encode() in raw.content for raw in raws):
        os.kill(os.getpid(), signal.SIGSEGV)
    return read_each(parts, raws)


async def test_a_mail_that_ends_the_second_process_twice_is_a_persons_and_the_others_are_read(room: Mailroom) -> None:
    room.parts.beside = beside = Beside(
        partial(lost_over_poison, room.parts), room.parts.brain.model.lock, knows=room.parts.brain.knowledge.version
    )
    keys = [await room.take_in(letter(subject, QUESTION)) for subject in ("En", POISON, "To")]
    await room.work()
    states = [(await room.summary(key))["state"] for key in keys]
    beside.end()
    assert states == ["handled", "failed", "handled"]
    assert b'bot_trouble_total{part="thinking",what="it has ended"} 2.0' in room.parts.journal.metrics()


async def test_without_a_process_to_be_had_the_service_thinks_itself(room: Mailroom) -> None:
    room.parts.beside = Beside(lambda raws: [], room.parts.brain.model.lock, knows=room.parts.brain.knowledge.version)
    room.parts.beside.end()
    assert (await room.mail(("Signatur", QUESTION)))["category"] == "faq"


async def test_a_process_that_knows_something_else_is_not_asked(room: Mailroom) -> None:
    """Between an edit that went live in the console and the reload that gives it to the second process."""
    room.parts.beside = Beside(lambda raws: ["ValueError at place.py:1"] * len(raws), room.parts.brain.model.lock, knows="older")
    summary = await room.mail(("Signatur", QUESTION))
    assert summary["category"] == "faq" and room.parts.beside.pid == 0


async def test_a_mail_that_could_not_be_read_beside_is_given_to_a_person(room: Mailroom) -> None:
    room.parts.beside = Beside(
        lambda raws: ["ValueError at place.py:1"] * len(raws), room.parts.brain.model.lock, knows=room.parts.brain.knowledge.version
    )
    summary = await room.mail(("Signatur", QUESTION))
    room.parts.beside.end()
    assert summary["state"] == "failed"


async def test_a_mail_is_read_and_decided_by_the_same_knowledge(room: Mailroom) -> None:
    """Knowledge that is replaced while a mail is in hand does not reach it: what it was read with is what is recorded."""
    parts, before = room.parts, room.parts.brain
    after = replace(before, knowledge=replace(before.knowledge, version="after"))
    loop = asyncio.get_running_loop()

    def replaced_meanwhile(raws: list[Raw]) -> list[Reading | str]:
        loop.call_soon_threadsafe(setattr, parts, "brain", after)
        return read_each(parts, raws)

    parts.beside = cast(Aside, SimpleNamespace(ask=replaced_meanwhile, end=lambda: None, knows=before.knowledge.version))
    key = await room.take(letter("Signatur", QUESTION))
    assert parts.brain is after
    assert (await room.read(lambda tx: tx.desk_mail(key)))["versions"]["knowledge"] == before.knowledge.version


@pytest.mark.usefixtures("model")
async def test_knowledge_that_was_replaced_is_let_go(tmp_path: Path) -> None:
    """A model is some 75 MB, and who is left running for a year is given many."""
    settings = Settings.model_validate({"service": {"data": tmp_path}})
    async with run.open_parts(settings, beside=run.second_process) as parts:
        run.settle()
        held = weakref.ref(parts.brain.model.matcher)
        reloading = asyncio.create_task(run.reload_forever(settings, parts))
        parts.reload_wanted.set()
        async with asyncio.timeout(60):
            while held() is not None:
                await asyncio.sleep(0.05)
        reloading.cancel()
    gc.unfreeze()
