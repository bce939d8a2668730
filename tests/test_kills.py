"""The program as a process, killed; real servers beside it that fail. What must hold stands in ``tests/site.py``: no mail without
record, no second automatic mail under another Message-ID, at most one repeat per crash under the same, nothing stuck afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import resource
import signal
import smtplib
import subprocess
import time
from datetime import timedelta
from pathlib import Path

import pytest

from bot.matters.calendar import OSLO, working_day
from bot.run import now
from tests.planted import POINTS
from tests.servers import USER, free_port, mail
from tests.site import PATIENCE, Service, Site, site
from tests.store.test_sqlite import held

pytestmark = pytest.mark.usefixtures("model")  # learned before the first start, which would take a minute to learn
SEED = int(os.environ.get("BOT_SEED", time.time_ns() % 2**32))


async def kill_at_random(here: Site, kills: int, seconds: float) -> int:
    """Kill at random moments over a backlog that is fed all the while; the number of kills done within ``seconds``."""
    print(f"BOT_SEED={SEED}")
    dice = random.Random(SEED)
    ends = time.monotonic() + seconds
    here.offer(40)
    for number in range(kills):
        if time.monotonic() > ends:
            return number
        service = await here.start()
        if dice.random() < 0.9:  # else anywhere in its start
            await service.until("started")
        here.offer(dice.randrange(6), machine=dice.random() < 0.2)
        await asyncio.sleep(dice.random() * dice.choice((0.1, 1.0)))
        await here.crash(service)
    return kills


async def finish(here: Site, service: Service, seconds: float = PATIENCE) -> None:
    """The fault is gone: all is done in time, the program ends in order, and the invariants hold."""
    await service.until("started")
    await here.done(service, seconds)
    assert await service.end(signal.SIGTERM) == 0
    await here.check()


# ── the program killed ────────────────────────────────────────────────────────────────────────────────────────


async def test_r01_killed_at_random_moments() -> None:
    async with site() as here:
        assert await kill_at_random(here, 5, 300) == 5
        await finish(here, await here.start())


@pytest.mark.long
async def test_r01_killed_a_hundred_times() -> None:
    minutes = float(os.environ.get("BOT_LONG_MINUTES", "15"))
    async with site() as here:
        kills = await kill_at_random(here, 120, minutes * 60 * 0.7)
        await finish(here, await here.start(), 300)
        given = here.rows("SELECT count(*) FROM mail WHERE state = 'failed'")[0][0]
        print(f"{kills} kills, {len(here.offered)} mails, {given} of them given to a person unread")
        assert given <= kills / 2, "only a mail that was in hand at two crashes is taken for their cause"


async def test_r01_killed_at_every_step() -> None:
    clock = in_office_hours()  # a reminder has to be written too
    async with site() as here:
        for point in POINTS:
            here.offer(2)
            print(point)
            service = await here.start(module="tests.planted", plant=point, clock=clock)
            assert await service.ended(30) == -signal.SIGKILL
            here.crashes += 1
        await finish(here, await here.start(module="tests.planted", clock=clock))
        assert here.rows("SELECT count(*) FROM outbox WHERE mail_key = '' AND case_ref = '19/1234'") == [(1,)]


async def test_r08_a_mail_that_kills_takes_no_other_with_it() -> None:
    async with site() as here:
        here.offer(6)
        for point in ("start:after", "start:after:2"):  # with all in hand; then with the second mail in hand, alone
            service = await here.start(module="tests.planted", plant=point)
            assert await service.ended() == -signal.SIGKILL
            here.crashes += 1
        await finish(here, await here.start())
        assert here.rows("SELECT count(*) FROM mail WHERE state = 'failed'") == [(1,)]


# ── the mail server ───────────────────────────────────────────────────────────────────────────────────────────


async def test_r10_the_mail_server_is_killed_again_and_again() -> None:
    async with site() as here:
        service = await here.start(module="tests.planted", clock=quick())
        await service.until("connected")
        for _ in range(3):
            here.offer(10)
            await asyncio.sleep(0.5)
            here.dovecot.stop(signal.SIGKILL)
            await asyncio.sleep(0.2)
            here.dovecot.start()
        await finish(here, service)
        assert service.said("trouble", part="imap")


async def test_r03_uids_start_again_in_the_middle_of_a_backlog() -> None:
    async with site() as here:
        here.offer(30)
        service = await here.start(module="tests.planted", plant="mirrored:after", clock=quick())
        assert await service.ended() == -signal.SIGKILL
        here.crashes += 1
        before, after = renumber(here)
        assert before != after
        here.offer(5)
        await finish(here, await here.start(module="tests.planted", clock=quick()))
        assert here.dovecot.folders()["INBOX"] == 0


# ── the relay ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_r34_the_relay_refuses_drops_and_hangs() -> None:
    """All is sent in the end, but for the one that is refused for good: that goes to a person, and the desk is told."""
    async with site() as here:
        here.sink.replies = ["451 4.3.0 later", "drop", "hang", "kept, drop", "550 5.1.1 no such mailbox", "452 4.2.2 full", "hang"]
        here.sink.replies += ["kept, drop", "421 4.3.2 closing"]
        here.cuts = 2
        here.offer(10)
        service = await here.start(module="tests.planted", clock=quick())
        await finish(here, service)
        assert not here.sink.replies
        gave_up = here.rows("SELECT mail_key, detail FROM outbox WHERE state = 'gave-up'")
        assert [detail for _, detail in gave_up] == ["refused (550)"]
        assert here.rows(f"SELECT needs_person, attention FROM mail WHERE key = '{gave_up[0][0]}'") == [(1, "gave-up")]
        assert service.said("alarm", alarm="gave-up")


@pytest.mark.long
async def test_r34_killed_while_the_relay_fails() -> None:
    print(f"BOT_SEED={SEED}")
    dice = random.Random(SEED)
    async with site() as here:
        for _ in range(15):
            faults = [dice.choice(("451 4.3.0 later", "drop", "kept, drop", "hang")) for _ in range(3)]
            here.sink.replies += faults
            here.cuts += faults.count("kept, drop")
            here.offer(4)
            service = await here.start(module="tests.planted", clock=quick())
            await service.until("started")
            await asyncio.sleep(dice.random() * 3)
            await here.crash(service)
        await finish(here, await here.start(module="tests.planted", clock=quick()))


# ── the store and the clock ───────────────────────────────────────────────────────────────────────────────────


async def test_r14_another_program_holds_the_database() -> None:
    async with site() as here:
        service = await here.start(module="tests.planted", clock=quick())
        await service.until("started")
        with held(here.data / "bot.sqlite3"):
            here.offer(5)
            await service.until("trouble")
            assert here.rows("SELECT count(*) FROM mail WHERE state != 'waiting'") == [(0,)]
            assert here.dovecot.folders()["INBOX"] == 5
        await finish(here, service)


async def test_r14_the_disk_is_full() -> None:
    """By a limit on the size of files (RLIMIT_FSIZE), which needs no rights: SQLite's writes fail with EFBIG."""
    port = free_port()
    async with site(f'[smtp_in]\nlisten = "127.0.0.1:{port}"') as here:
        service = await here.start(module="tests.planted", clock=quick())
        await service.until("started")
        here.offer(2)
        await here.done(service)
        size = max(path.stat().st_size for path in here.data.iterdir())
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (size + 40_000, resource.RLIM_INFINITY))
        await full(here, service, port)
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await accepted(here, port)
        await finish(here, service)


@pytest.mark.long
async def test_r14_the_disk_is_full_on_a_disk_of_its_own() -> None:
    """By a small tmpfs in a name space of the program's own, where the machine allows to mount one: ENOSPC itself."""
    port = free_port()
    if subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/tmp"], capture_output=True).returncode:
        pytest.skip("no tmpfs may be mounted here; the limit on the size of files has been tried")
    async with site(f'[smtp_in]\nlisten = "127.0.0.1:{port}"') as here:
        mounted = f'mount -t tmpfs -o size=24m none {here.data} && exec "$@"'
        service = await here.start(module="tests.planted", clock=quick(), command=("unshare", "-rm", "sh", "-c", mounted, "sh"))
        await service.until("started")
        here.inside = inside = Path(f"/proc/{service.process.pid}/root{here.data}")
        here.offer(2)
        await here.done(service)
        ballast = inside / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        await full(here, service, port)
        ballast.unlink()
        await accepted(here, port)
        await here.done(service)
        await here.check()


async def full(here: Site, service: Service, port: int) -> None:
    """On a full disk nothing is acknowledged: SMTP says 451, and what IMAP has stays on the server."""
    for _ in range(20):  # what little room there is is used up first
        here.dovecot.deliver(large(here))
    await service.until("trouble")
    with smtplib.SMTP("127.0.0.1", port) as client, pytest.raises(smtplib.SMTPDataError) as refused:
        client.sendmail("kari@uio.example", [USER], large(here, offered=False))
    assert refused.value.smtp_code == 451
    assert here.dovecot.folders()["INBOX"] > 0


async def accepted(here: Site, port: int) -> None:
    """There is room again: the client's next attempt is taken."""
    content = large(here)
    for _ in range(100):
        try:
            with smtplib.SMTP("127.0.0.1", port) as client:
                client.sendmail("kari@uio.example", [USER], content)
            return
        except smtplib.SMTPDataError:
            await asyncio.sleep(0.1)
    pytest.fail("the entrance refuses for ever")


def large(here: Site, *, offered: bool = True) -> bytes:
    """A mail of 60 kB."""
    identifier = f"<large-{len(here.offered)}-{time.time_ns()}@uio.example>"
    if offered:
        here.offered[identifier] = True
    text = "Hei, hva koster det?\n\n" + "".join(f"Linje {number} av et langt vedlegg i teksten.\n" for number in range(1500))
    return mail("Langt", text, sender=f"Kari <stor{len(here.offered)}@uio.example>", message_id=identifier)


async def test_the_clock_is_set_back_by_a_year() -> None:
    async with site() as here:
        here.sink.replies = ["451 4.3.0 later"] * 100
        here.offer(6)
        service = await here.start(module="tests.planted", clock=f"{time.time()} 1 {400 * 86400}")
        async with asyncio.timeout(PATIENCE):
            while len(here.sink.replies) > 90:
                await asyncio.sleep(0.1)
        await here.crash(service)
        ahead = here.rows("SELECT count(*) FROM outbox WHERE state = 'waiting' AND not_before > datetime('now', '+300 days')")[0][0]
        assert ahead >= 3
        here.sink.replies.clear()
        here.offer(4)
        await finish(here, await here.start())


# ── means ─────────────────────────────────────────────────────────────────────────────────────────────────────


def quick() -> str:
    """A clock on which a minute takes a second, so that waits between attempts are short."""
    return f"{time.time()} 60 0"


def in_office_hours() -> str:
    """A clock that is at ten o'clock of the last working day when the test begins."""
    real = now().astimezone(OSLO)
    moment = next(
        ten for days in range(12) if (ten := (real - timedelta(days=days)).replace(hour=10, minute=0)) <= real and working_day(ten.date())
    )
    return f"{time.time()} 1 {(moment - real).total_seconds()}"


def renumber(here: Site) -> tuple[int, int]:
    """Let the server forget its UIDs, as after a restore: UIDVALIDITY before and after."""

    def validity() -> int:
        with here.dovecot.client() as client:
            return int(client.select_folder("INBOX")[b"UIDVALIDITY"])

    before = validity()
    here.dovecot.stop()
    lists = list((here.dovecot.folder / "mail").rglob("dovecot-uid*"))
    assert lists
    for path in lists:
        path.unlink()
    time.sleep(1.1)  # Dovecot takes the second for the new UIDVALIDITY
    here.dovecot.start()
    return before, validity()
