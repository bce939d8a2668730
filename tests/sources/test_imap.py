"""The mailbox, against a real Dovecot; against a scripted server only where a real one cannot be made to misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
import time
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.config import FOLDERS
from bot.model import Raw
from bot.sources import imap
from bot.sources.imap import Account, Events, LoginError, Mailbox
from bot.store import StoreUnavailable
from tests.contracts import SourceContract, plain, subject
from tests.servers import PASSWORD, Certificates, Dovecot, free_port
from tests.sources.scripted import Scripted

PATIENCE = 20  # seconds after which a test gives up waiting; nothing is measured by it


@dataclass
class Keeper:
    """The other side of a mailbox: keeps mails by key, remembers, and hears the events. ``bot.sources.Ledger``."""

    mails: dict[str, Raw] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    refuse: int = 0  # so many mails are refused as a full disk does
    in_hand: int = 0
    most_in_hand: int = 0
    most_bytes: int = 0
    troubles: list[str] = field(default_factory=list)
    connected: int = 0
    gaps: list[int] = field(default_factory=list)

    async def receive(self, raw: Raw) -> bool:
        self.in_hand += len(raw.content)
        self.most_bytes = max(self.most_bytes, self.in_hand)
        await asyncio.sleep(0)
        self.in_hand -= len(raw.content)
        if self.refuse:
            self.refuse -= 1
            raise StoreUnavailable("disk full")
        new = raw.key not in self.mails
        self.mails[raw.key] = raw
        return new

    async def known(self, prefix: str) -> set[str]:
        return {key for key in self.mails if key.startswith(prefix)}

    async def recall(self, name: str) -> str:
        return self.facts.get(name, "")

    async def remember(self, name: str, value: str) -> None:
        self.facts[name] = value

    @property
    def subjects(self) -> list[str]:
        return sorted(subject(raw.content) for raw in self.mails.values())

    def events(self) -> Events:
        """Counted here."""

        def connected() -> None:
            self.connected += 1

        return Events(connected, lambda what, error: self.troubles.append(what), gap=self.gaps.append)


def account(server: Dovecot | Scripted, user: str = "", **options: Any) -> Account:
    """In clear on loopback, unless ``options`` say otherwise."""
    values = {"security": "none", "password": PASSWORD, "timeout": 5.0, **options}
    return Account("127.0.0.1", values.pop("port", server.port), values.pop("security"), user or "mikrodata", **values)


@contextlib.asynccontextmanager
async def watching(keeper: Keeper, where: Account, **options: Any) -> AsyncIterator[Mailbox]:
    """A mailbox that is being watched, until the block ends."""
    box = Mailbox(where, keeper, dict(FOLDERS), keeper.events(), **options)
    task = asyncio.create_task(box.run(keeper.receive))
    try:
        yield box
        if task.done():
            task.result()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], bool], what: str = "") -> None:
    """Wait until it holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
def user(request: pytest.FixtureRequest) -> str:
    """A mailbox of the test's own on the shared server."""
    return f"u{abs(hash(request.node.nodeid))}@ssb.example"


class TestImap(SourceContract):
    """The contract, over Dovecot."""

    @pytest.fixture(autouse=True)
    def far_end(self, dovecot: Dovecot, user: str) -> None:
        self.dovecot, self.user, self.keeper = dovecot, user, Keeper()

    async def give(self, *mails: bytes) -> None:
        await asyncio.to_thread(self.dovecot.deliver, *mails, user=self.user)

    def open_source(self) -> Mailbox:
        return Mailbox(account(self.dovecot, self.user), self.keeper, dict(FOLDERS))


# ── watching ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_new_mail_wakes_the_idle(dovecot: Dovecot, user: str) -> None:
    """The poll is an hour away: what comes has come through IDLE."""
    keeper = Keeper()
    async with watching(keeper, account(dovecot, user), poll_seconds=3600):
        await until(lambda: keeper.connected == 1)
        for number in range(3):
            await asyncio.to_thread(dovecot.deliver, plain(number), user=user)
            await until(lambda number=number: len(keeper.mails) == number + 1)  # type: ignore[misc]
    assert keeper.subjects == ["nummer 0", "nummer 1", "nummer 2"] and keeper.troubles == []
    assert keeper.connected == 1


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_word_of_a_mail_in_one_segment_with_the_welcome_is_heard(tls: bool, certificates: Certificates) -> None:
    """It lies in a buffer then, where no poll of the socket sees it, and it is not said again: the mail would wait for the next poll."""
    with Scripted(at_idle=["more", "more"], tls=certificates.context if tls else None) as server:
        keeper = Keeper()
        where = account(server, security="tls" if tls else "none", ca_file=str(certificates.authority))
        async with watching(keeper, where, poll_seconds=3600, idle_seconds=3600):
            await until(lambda: len(keeper.mails) == 3)
        assert keeper.troubles == [] and server.connections == 1


async def test_idle_is_renewed_and_looks_each_time() -> None:
    """RFC 2177: servers drop an IDLE of half an hour; ours ends after ``idle_seconds`` whatever the poll is."""
    with Scripted() as server:
        async with watching(Keeper(), account(server), poll_seconds=3600, idle_seconds=0.05):
            await until(lambda: server.count("IDLE") >= 4)
        assert server.connections == 1 and server.count("UID SEARCH") >= server.count("IDLE")


async def test_a_server_that_forgets_to_tell_is_found_out_by_the_poll() -> None:
    with Scripted() as server:
        keeper = Keeper()
        async with watching(keeper, account(server), poll_seconds=0.05):
            await until(lambda: len(keeper.mails) == 1)
            server.mails.append(plain(2))  # no EXISTS is ever sent
            await until(lambda: len(keeper.mails) == 2)


async def test_a_server_without_idle_is_polled() -> None:
    with Scripted(capability="IMAP4rev1") as server:
        keeper = Keeper()
        async with watching(keeper, account(server), poll_seconds=0.05):
            await until(lambda: len(keeper.mails) == 1)
            server.mails.append(plain(2))
            await until(lambda: len(keeper.mails) == 2)
        assert server.count("IDLE") == 0


@pytest.mark.parametrize("how", ["silent", "bye", "eof"])
async def test_after_silence_bye_or_eof_the_mailbox_connects_again_and_catches_up(how: str) -> None:
    """R10: a socket that is open and says nothing more is noticed by the read timeout after DONE."""
    with Scripted(at_idle=[how]) as server:
        keeper = Keeper()
        async with watching(keeper, account(server, timeout=0.2), poll_seconds=0.1):
            await until(lambda: server.count("IDLE") == 1)
            server.mails.append(plain(2))
            await until(lambda: len(keeper.mails) == 2)
        assert server.connections >= 2 and "connection" in keeper.troubles


async def test_a_crashed_server_is_found_again_with_all_that_came_meanwhile(tmp_path: Path) -> None:
    """R10, R11: network cut, server restarted; mail delivered while nobody listened is taken in, oldest UID first."""
    server = Dovecot(tmp_path).start()
    keeper = Keeper()
    try:
        async with watching(keeper, account(server), poll_seconds=3600):
            server.deliver(plain(0), user="mikrodata")
            await until(lambda: len(keeper.mails) == 1)
            await asyncio.to_thread(server.stop, signal.SIGKILL)
            await until(lambda: "connection" in keeper.troubles)
            await asyncio.to_thread(server.start)
            await asyncio.to_thread(server.deliver, plain(1), plain(2), user="mikrodata")
            await until(lambda: len(keeper.mails) == 3)
    finally:
        server.stop()


def recorded_waits(box: Mailbox, enough: int) -> list[float]:
    """The waits that a mailbox asks for, without waiting; after ``enough`` it is told to stop."""
    waits: list[float] = []
    stop = box._stop

    class Stop:
        is_set, set = stop.is_set, stop.set

        def wait(self, seconds: float) -> None:
            waits.append(seconds)
            if len(waits) >= enough:
                stop.set()

    box._stop = Stop()  # type: ignore[assignment]
    return waits


async def run_until_stopped(box: Mailbox, keeper: Keeper) -> None:
    task = asyncio.create_task(box.run(keeper.receive))
    await until(box._stop.is_set)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_the_waits_between_attempts_grow() -> None:
    keeper = Keeper()
    box = Mailbox(Account("127.0.0.1", free_port(), "none", "x", password="x", timeout=2), keeper, dict(FOLDERS), keeper.events())
    waits = recorded_waits(box, 9)
    await run_until_stopped(box, keeper)
    assert waits == [*imap.BACKOFF, imap.BACKOFF[-1], imap.BACKOFF[-1]]


async def test_the_waits_begin_anew_after_a_connection_that_was_well() -> None:
    with Scripted(at_idle=["eof"] * 5) as server:
        keeper = Keeper()
        box = Mailbox(account(server), keeper, dict(FOLDERS), keeper.events(), poll_seconds=3600)
        waits = recorded_waits(box, 5)
        await run_until_stopped(box, keeper)
        assert waits == [imap.BACKOFF[0]] * 5


async def test_stopping_is_prompt_in_the_middle_of_idle(dovecot: Dovecot, user: str) -> None:
    keeper = Keeper()
    async with asyncio.timeout(PATIENCE):
        async with watching(keeper, account(dovecot, user), poll_seconds=3600, idle_seconds=600):
            await until(lambda: keeper.connected == 1)
    assert keeper.troubles == []


async def test_a_disk_that_is_full_leaves_the_mail_on_the_server(dovecot: Dovecot, user: str) -> None:
    keeper = Keeper(refuse=2)
    await asyncio.to_thread(dovecot.deliver, *(plain(number) for number in range(5)), user=user)
    async with watching(keeper, account(dovecot, user), poll_seconds=3600):
        await until(lambda: len(keeper.mails) == 5)
    assert "not taken in" in keeper.troubles


# ── identity ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_known_is_not_fetched_again_after_a_restart(dovecot: Dovecot, user: str) -> None:
    keeper = Keeper()
    await asyncio.to_thread(dovecot.deliver, plain(1), plain(2), user=user)
    async with watching(keeper, account(dovecot, user)):
        await until(lambda: len(keeper.mails) == 2)
    before = dict(keeper.mails)
    await asyncio.to_thread(dovecot.deliver, plain(3), user=user)
    offered: list[str] = []

    async def receive(raw: Raw) -> bool:
        offered.append(raw.key)
        return await keeper.receive(raw)

    box = Mailbox(account(dovecot, user), keeper, dict(FOLDERS), keeper.events())
    task = asyncio.create_task(box.run(receive))
    await until(lambda: len(keeper.mails) == 3)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert set(offered) == set(keeper.mails) - set(before)
    assert keeper.gaps == [2, 1]


async def test_another_uidvalidity_makes_other_keys(dovecot: Dovecot, user: str) -> None:
    """R03: UIDs that start again never pass for mails that are known."""
    keeper = Keeper()
    await asyncio.to_thread(dovecot.deliver, plain(1), plain(2), user=user)
    async with watching(keeper, account(dovecot, user)):
        await until(lambda: len(keeper.mails) == 2)
    first = keeper.facts["uidvalidity:INBOX"]
    uidlist = dovecot.folder / "mail" / user / "dovecot-uidlist"
    uidlist.unlink()  # as a mailbox that was restored from backup
    for path in (uidlist.parent / "new").iterdir():
        path.unlink()
    await asyncio.to_thread(dovecot.append, plain(3), plain(4), user=user)
    async with watching(keeper, account(dovecot, user)):
        await until(lambda: {"nummer 3", "nummer 4"} <= set(keeper.subjects))
    assert keeper.facts["uidvalidity:INBOX"] != first
    assert len({key.rpartition(":")[0] for key in keeper.mails}) == 2


async def test_a_server_that_forgets_its_uidvalidity_once_makes_nothing_new() -> None:
    """R04: the last one known holds."""
    with Scripted(validities=["7", "", "7"]) as server:
        keeper = Keeper()
        for _ in range(3):
            before = server.connections
            async with watching(keeper, account(server), poll_seconds=3600):
                await until(lambda before=before: server.connections > before and server.seen[-1] == "IDLE")  # type: ignore[misc]
        assert list(keeper.mails) == ["imap:INBOX:7:1"] and keeper.facts == {"uidvalidity:INBOX": "7"}


async def test_without_a_uidvalidity_nothing_is_moved_and_nothing_called_gone() -> None:
    with Scripted(validities=["", "7"]) as server:
        box = Mailbox(account(server), Keeper(), dict(FOLDERS))
        assert await box.mirror([("imap:INBOX:7:1", "faq")]) == ["retry"]


async def test_seen_is_no_state(dovecot: Dovecot, user: str) -> None:
    """R02: a mail that somebody has read is taken in, and taking in marks nothing as read."""
    keeper = Keeper()

    def arrange() -> None:
        dovecot.deliver(plain(1), plain(2), user=user)
        with dovecot.client(user) as client:
            client.select_folder("INBOX")
            client.add_flags([1], [b"\\Seen"])

    await asyncio.to_thread(arrange)
    async with watching(keeper, account(dovecot, user)):
        await until(lambda: len(keeper.mails) == 2)

    def flags() -> dict[int, set[bytes]]:
        with dovecot.client(user) as client:
            client.select_folder("INBOX", readonly=True)
            return {uid: set(found) - {b"\\Recent"} for uid, found in client.get_flags([1, 2]).items()}

    assert await asyncio.to_thread(flags) == {1: {b"\\Seen"}, 2: set()}


async def test_the_time_of_arrival_is_the_servers(dovecot: Dovecot, user: str) -> None:
    """INTERNALDATE decides on age, never the Date header, which the sender writes."""
    keeper = Keeper()
    when = datetime(2026, 2, 20, 23, 30, tzinfo=UTC)
    await asyncio.to_thread(dovecot.append, plain(1), when=when, user=user)
    async with watching(keeper, account(dovecot, user)):
        await until(lambda: len(keeper.mails) == 1)
    (raw,) = keeper.mails.values()
    assert (raw.received, raw.source, raw.envelope_from) == (when, "imap", None)


async def test_a_folder_with_a_norwegian_name(dovecot: Dovecot, user: str) -> None:
    keeper = Keeper()

    def arrange() -> None:
        with dovecot.client(user) as client:
            client.create_folder("Innkomne/Spørsmål & svar")
        dovecot.append(plain(1), folder="Innkomne/Spørsmål & svar", user=user)

    await asyncio.to_thread(arrange)
    async with watching(keeper, account(dovecot, user, folder="Innkomne/Spørsmål & svar")):
        await until(lambda: len(keeper.mails) == 1)
    assert next(iter(keeper.mails)).startswith("imap:Innkomne/Spørsmål & svar:")


async def test_people_who_clear_up_meanwhile_stop_nothing(dovecot: Dovecot, user: str) -> None:
    """R02: mails are moved and deleted between the search and the fetch; the others are all taken in."""
    keeper = Keeper()
    await asyncio.to_thread(dovecot.fill, [plain(number) for number in range(300)], user)

    def clear_up() -> None:
        with dovecot.client(user) as client:
            client.create_folder("Ferdig")
            client.select_folder("INBOX")
            for uid in range(20, 300, 10):
                client.move([uid], "Ferdig")
                client.delete_messages([uid + 1])
                client.expunge()

    async with watching(keeper, account(dovecot, user), poll_seconds=0.1):
        await until(lambda: len(keeper.mails) >= 1)
        await asyncio.to_thread(clear_up)
        await asyncio.to_thread(dovecot.deliver, plain(999), user=user)
        await until(lambda: "nummer 999" in keeper.subjects)
    left = {f"nummer {number}" for number in range(300) if (number + 1) % 10 not in (0, 1) or number + 1 < 20}
    assert left <= set(keeper.subjects)


async def test_a_full_mailbox_is_taken_in_by_bounded_batches(dovecot: Dovecot, user: str) -> None:
    """R09: 1,500 mails and some large ones at the first start; memory holds one batch, never the mailbox."""
    keeper = Keeper()
    large = plain(7, "x" * 3_000_000)
    mails = [large if number % 300 == 7 else plain(number) for number in range(1500)]
    await asyncio.to_thread(dovecot.fill, mails, user)
    async with watching(keeper, account(dovecot, user, timeout=60.0)):
        await until(lambda: len(keeper.mails) == 1500)
    assert keeper.most_bytes <= imap.BATCH_BYTES
    assert keeper.gaps == [1500]


@pytest.mark.long
async def test_27000_mails_at_the_first_start(dovecot: Dovecot, user: str) -> None:
    """R09: a mailbox of ten years; what the watcher holds at once stays one batch, and all are offered once."""
    keeper, offered = Keeper(), Counter[str]()
    await asyncio.to_thread(dovecot.fill, [plain(number, "x" * 2000) for number in range(27_000)], user)

    async def receive(raw: Raw) -> bool:
        offered[raw.key] += 1
        await keeper.receive(raw)
        keeper.mails.clear()  # the store has it on the disk
        return True

    box = Mailbox(account(dovecot, user, timeout=60.0), keeper, dict(FOLDERS), keeper.events())
    task = asyncio.create_task(box.run(receive))
    tracemalloc.start()
    async with asyncio.timeout(600):
        while len(offered) < 27_000:
            await asyncio.sleep(0.1)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert set(offered.values()) == {1} and keeper.most_bytes <= imap.BATCH_BYTES
    assert held < 60_000_000, f"{held} bytes at most: the mailbox itself has {27_000 * 2_100}"


# ── mirroring ─────────────────────────────────────────────────────────────────────────────────────────────────


async def taken(keeper: Keeper, where: Account, count: int) -> dict[str, str]:
    """Take ``count`` mails in; returns subject → key."""
    async with watching(keeper, where):
        await until(lambda: len(keeper.mails) == count)
    return {subject(raw.content): key for key, raw in keeper.mails.items()}


@pytest.fixture(scope="module", params=["/", ".", "prefix", "no MOVE"])
def hierarchy(request: pytest.FixtureRequest, dovecot: Dovecot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    """Servers that name folders differently, and one that can only copy."""
    if request.param == "/":
        yield dovecot
        return
    extra = "protocol imap {\n  imap_capability = IMAP4rev1 LITERAL+ UIDPLUS NAMESPACE IDLE\n}" if request.param == "no MOVE" else ""
    dots = {"separator": ".", "prefix": "INBOX." if request.param == "prefix" else ""} if not extra else {}
    server = Dovecot(tmp_path_factory.mktemp("dovecot"), extra=extra, **dots).start()
    yield server
    server.stop()


async def test_decisions_are_shown_by_folders_that_are_made_when_missing(hierarchy: Dovecot, user: str) -> None:
    keeper = Keeper()
    where = account(hierarchy, user)
    await asyncio.to_thread(hierarchy.deliver, *(plain(number) for number in range(5)), user=user)
    keys = await taken(keeper, where, 5)
    box = Mailbox(where, keeper, dict(FOLDERS), keeper.events())
    moves = [(keys["nummer 0"], "faq"), (keys["nummer 1"], "application"), (keys["nummer 2"], "faq"), (keys["nummer 3"], "quarantine")]
    assert await box.mirror(moves) == ["moved"] * 4
    head, sign = hierarchy.prefix, hierarchy.separator
    counts = await asyncio.to_thread(hierarchy.folders, user)
    assert {name: count for name, count in counts.items() if count} == {
        "INBOX": 1,
        f"{head}Bot{sign}Besvart": 2,
        f"{head}Bot{sign}Søknad": 1,
        f"{head}Bot{sign}Karantene": 1,
    }
    assert await box.mirror(moves) == ["gone"] * 4  # a repeat after a crash moves nothing twice
    assert keeper.troubles == []


async def test_a_mail_that_a_person_moved_first_is_noted(dovecot: Dovecot, user: str) -> None:
    """R02: neither an error nor a retry for ever; the others are moved all the same."""
    keeper, where = Keeper(), account(dovecot, user)
    await asyncio.to_thread(dovecot.deliver, *(plain(number) for number in range(3)), user=user)
    keys = await taken(keeper, where, 3)

    def person() -> None:
        with dovecot.client(user) as client:
            client.create_folder("Mine")
            client.select_folder("INBOX")
            client.move([int(keys["nummer 0"].rpartition(":")[2])], "Mine")
            client.delete_messages([int(keys["nummer 1"].rpartition(":")[2])])
            client.expunge()

    await asyncio.to_thread(person)
    box = Mailbox(where, keeper, dict(FOLDERS), keeper.events())
    assert await box.mirror([(keys[f"nummer {number}"], "other") for number in range(3)]) == ["gone", "gone", "moved"]
    assert (await asyncio.to_thread(dovecot.folders, user))["Mine"] == 1


async def test_keys_of_an_earlier_uidvalidity_are_gone(dovecot: Dovecot, user: str) -> None:
    keeper, where = Keeper(), account(dovecot, user)
    await asyncio.to_thread(dovecot.deliver, plain(1), user=user)
    (key,) = (await taken(keeper, where, 1)).values()
    old = ":".join([*key.split(":")[:2], "1", key.split(":")[3]])
    box = Mailbox(where, keeper, dict(FOLDERS), keeper.events())
    assert await box.mirror([(old, "faq"), (key, "faq")]) == ["gone", "moved"]


async def test_where_nothing_is_moved_a_keyword_tells(dovecot: Dovecot, user: str) -> None:
    keeper, where = Keeper(), account(dovecot, user)
    await asyncio.to_thread(dovecot.deliver, plain(1), plain(2), user=user)
    keys = await taken(keeper, where, 2)
    box = Mailbox(where, keeper, dict(FOLDERS), keeper.events(), move=False)
    assert await box.mirror([(keys["nummer 1"], "faq"), (keys["nummer 2"], "deletion")]) == ["keyword", "keyword"]

    def flags() -> set[bytes]:
        with dovecot.client(user) as client:
            client.select_folder("INBOX", readonly=True)
            return {flag for found in client.get_flags(client.search()).values() for flag in found}

    assert {b"$Bot_faq", b"$Bot_deletion"} <= await asyncio.to_thread(flags)
    assert await asyncio.to_thread(dovecot.folders, user) == {"INBOX": 2}


async def test_a_server_that_is_down_is_asked_again_later(tmp_path: Path) -> None:
    keeper = Keeper()
    box = Mailbox(account(Dovecot(tmp_path)), keeper, dict(FOLDERS), keeper.events())
    assert await box.mirror([("imap:INBOX:1:1", "faq")]) == ["retry"]
    assert keeper.troubles == ["mirror"]


async def test_a_server_that_fails_in_the_middle_keeps_what_was_moved(dovecot: Dovecot, user: str) -> None:
    """One folder cannot be made (its name is impossible): the others are moved, that one is for later."""
    keeper, where = Keeper(), account(dovecot, user)
    await asyncio.to_thread(dovecot.deliver, *(plain(number) for number in range(2)), user=user)
    keys = await taken(keeper, where, 2)
    box = Mailbox(where, keeper, {**FOLDERS, "auto": "Bot/" + "x" * 400}, keeper.events())
    moves = [(keys["nummer 0"], "faq"), (keys["nummer 1"], "auto")]
    assert await box.mirror(moves) == ["moved", "retry"]
    assert await box.mirror(moves) == ["gone", "retry"]  # the store asks only for what waits: the first it has as moved


async def test_the_census_names_what_the_server_has(dovecot: Dovecot, user: str) -> None:
    keeper, where = Keeper(), account(dovecot, user)
    await asyncio.to_thread(dovecot.deliver, plain(1), plain(2), user=user)
    keys = await taken(keeper, where, 2)
    census = await Mailbox(where, keeper, dict(FOLDERS)).census()
    assert {f"{census.prefix}{uid}" for uid in census.uids} == set(keys.values())


# ── TLS and log-in ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Of an authority of our own."""
    return Certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secured(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    """Dovecot with TLS on its own port and STARTTLS on the plain one."""
    server = Dovecot(tmp_path_factory.mktemp("dovecot-tls"), certificate=certificates.certificate, key=certificates.key).start()
    yield server
    server.stop()


def over(secured: Dovecot, security: str, **options: Any) -> Account:
    """The same mailbox over either kind."""
    return account(secured, security=security, port=secured.tls_port if security == "tls" else secured.port, **options)


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_tls_with_an_authority_of_our_own(secured: Dovecot, certificates: Certificates, security: str) -> None:
    keeper = Keeper()
    user = f"{security}@ssb.example"
    await asyncio.to_thread(secured.deliver, plain(1), user=user)
    where = Account(
        "127.0.0.1",
        secured.tls_port if security == "tls" else secured.port,
        security,
        user,
        password=PASSWORD,
        ca_file=str(certificates.authority),
        timeout=5,
    )
    async with watching(keeper, where, poll_seconds=3600):
        await until(lambda: len(keeper.mails) == 1)
        await asyncio.to_thread(secured.deliver, plain(2), user=user)
        await until(lambda: len(keeper.mails) == 2)  # IDLE works through TLS, buffered records included


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_of_an_unknown_authority_is_refused(secured: Dovecot, security: str) -> None:
    with pytest.raises(ssl.SSLError) as refused:
        over(secured, security).connect()
    assert "CERTIFICATE_VERIFY_FAILED" in str(refused.value)


def test_a_certificate_of_another_name_is_refused(secured: Dovecot, certificates: Certificates) -> None:
    where = Account("127.0.0.2", secured.tls_port, "tls", "mikrodata", password=PASSWORD, ca_file=str(certificates.authority), timeout=5)
    with pytest.raises((ssl.SSLError, OSError)):
        where.connect()


def test_starttls_that_is_not_offered_is_refused_before_the_password(dovecot: Dovecot) -> None:
    with Scripted() as server:
        with pytest.raises(imap.Trouble):
            account(server, security="starttls").connect()
        assert server.count("LOGIN") == 0 and not any(PASSWORD in seen for seen in server.seen)


def test_a_wrong_password_is_told_apart(dovecot: Dovecot, user: str) -> None:
    with pytest.raises(LoginError):
        account(dovecot, user, password="feil").connect()


async def test_a_refused_log_in_is_not_hammered(dovecot: Dovecot, user: str) -> None:
    """Asking more often mends no password and may lock the account."""
    keeper = Keeper()
    async with watching(keeper, account(dovecot, user, password="feil")):
        await until(lambda: keeper.troubles != [])
        began = time.monotonic()
        await asyncio.sleep(0.5)
        assert keeper.troubles == ["log-in refused"] and time.monotonic() - began < imap.LOGIN_BACKOFF
    assert keeper.connected == 0


def test_what_the_server_can_do_is_asked_for_the_doctor(dovecot: Dovecot, user: str) -> None:
    survey = account(dovecot, user).survey()
    assert survey == imap.Survey(idle=True, move=True, uidplus=True, keywords=True)
    assert account(dovecot, user, folder="Finnes/ikke").survey() is None


def test_a_batch_is_bounded_by_bytes_and_by_number() -> None:
    small = list(imap._by_size((number, 10) for number in range(200)))
    assert [len(batch) for batch in small] == [64, 64, 64, 8]
    big = imap.BATCH_BYTES - 1
    sizes = {1: 5, 2: big, 3: 5, 4: 3 * big, 5: 5, 6: 5}
    assert list(imap._by_size(sizes.items())) == [[1], [2], [3], [4], [5, 6]]  # never split, never more than the bound but for one mail
