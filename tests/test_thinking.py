"""The second process: it thinks with what it was forked with, and whoever asks it is told when it does not any more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.knowledge import Knowledge
from bot.thinking import Beside, Gone, of_use
from bot.understanding import Model
from tests.mailroom import Mailroom, Recorder, mailroom
from tests.site import site

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the second process is forked")
KNOWN = "1"

Make = Callable[..., Beside[object, object]]


@pytest.fixture
def make() -> Iterator[Make]:
    """A second process that ends with the test."""
    made: list[Beside[object, object]] = []

    def one(think: Callable[[object], object], **options: int) -> Beside[object, object]:
        made.append(Beside(think, KNOWN, **options))
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
    assert [beside.ask(each, KNOWN) for each in ("a", b"b", None)] == [("a", beside.pid), (b"b", beside.pid), (None, beside.pid)]
    assert beside.pid != os.getpid()


def test_more_goes_through_than_a_pipe_holds(make: Make) -> None:
    assert make(lambda given: given).ask(b"x" * 5_000_000, KNOWN) == b"x" * 5_000_000


def test_what_others_have_open_it_has_not(make: Make, tmp_path: Path) -> None:
    """A lock or a connection of the service that lived on in it would outlive the service."""
    with (tmp_path / "lock").open("w"):
        beside = make(lambda given: sorted(os.listdir("/proc/self/fd")))
        opened = [name for name in beside.ask(None, KNOWN) if int(name) > 2]  # type: ignore[attr-defined]
    assert len(opened) == 2, "its pipe, and the folder that it lists"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_what_stops_or_reloads_the_service_does_not_end_it(make: Make, number: signal.Signals) -> None:
    """A service manager says it to all processes; mails in hand are finished."""
    beside = make(lambda given: given)
    os.kill(beside.pid, number)
    assert beside.ask("on", KNOWN) == "on"


def test_killed_it_is_gone(make: Make) -> None:
    beside = make(lambda given: given)
    os.kill(beside.pid, signal.SIGKILL)
    with pytest.raises(Gone, match="it has ended"):
        beside.ask("?", KNOWN)
    with pytest.raises(ProcessLookupError):
        os.kill(beside.pid, 0)  # waited for: nothing of it is left


def test_killed_by_what_it_thinks_about_it_is_gone(make: Make) -> None:
    beside = make(lambda given: os.kill(os.getpid(), signal.SIGSEGV))
    with pytest.raises(Gone, match="it has ended"):
        beside.ask("?", KNOWN)
    with pytest.raises(Gone):
        beside.ask("again", KNOWN)
    beside.end()


def test_what_hangs_is_ended(make: Make) -> None:
    beside = make(time.sleep, patience=1)
    with pytest.raises(Gone, match="no answer within 1 seconds"):
        beside.ask(3600, KNOWN)
    with pytest.raises(ProcessLookupError):
        os.kill(beside.pid, 0)


def test_it_is_not_asked_about_what_it_does_not_know(make: Make) -> None:
    beside = make(lambda given: given)
    with pytest.raises(Gone, match="replaced"):
        beside.ask("?", "2")
    assert gone(beside.pid)


ORPHAN = """
import sys, time
from bot.thinking import Beside
beside = Beside(time.sleep, "1", 1)
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
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.skipif(not of_use(), reason="one core: the service thinks alone")
@pytest.mark.usefixtures("model")
async def test_the_service_goes_on_when_the_second_process_is_killed() -> None:
    """In the middle of a backlog; each mail is handled once, and the log says that the service thinks alone now."""
    async with site() as here:
        here.offer(60)
        service = await here.start()
        await service.until("started")
        (beside,) = children(service.process.pid)
        await service.until("handled")
        os.kill(beside, signal.SIGKILL)
        here.offer(20)
        await here.done(service)
        assert len(service.said("thinking-alone", why="it has ended")) == 1
        assert await service.end(signal.SIGTERM) == 0
        await here.check()


@pytest.mark.skipif(not of_use(), reason="one core: the service thinks alone")
@pytest.mark.usefixtures("model")
async def test_a_reload_of_the_same_knowledge_keeps_the_second_process() -> None:
    async with site() as here:
        service = await here.start()
        await service.until("started")
        service.process.send_signal(signal.SIGHUP)
        await service.until("reloaded")
        here.offer(4)
        await here.done(service)
        assert not service.said("thinking-alone") and len(children(service.process.pid)) == 1
        assert await service.end(signal.SIGTERM) == 0


async def test_mail_is_judged_by_the_knowledge_in_force(room: Mailroom) -> None:
    """Knowledge that was replaced is asked no more: what it would have said goes nowhere."""
    room.parts.beside = Beside(lambda raws: ["ValueError at place.py:1"] * len(raws), "older")
    beside = room.parts.beside
    answered = await room.mail(("Signatur", "Hei\n\nHvem kan signere tilbudet?\n\nKari"))
    assert answered["category"] == "faq" and room.parts.beside is None and gone(beside.pid)


async def test_a_mail_that_could_not_be_read_beside_is_given_to_a_person(room: Mailroom) -> None:
    room.parts.beside = Beside(lambda raws: ["ValueError at place.py:1"] * len(raws), room.parts.brain.knowledge.version)
    summary = await room.mail(("Signatur", "Hei\n\nHvem kan signere tilbudet?\n\nKari"))
    room.parts.beside.end()
    assert summary["state"] == "failed"
