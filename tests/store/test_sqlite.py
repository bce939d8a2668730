"""The embedded store: the contract, and what is SQLite's own."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from bot.model import Delivery, Result
from bot.store import Store, StoreUnavailable, outbox
from bot.store.sqlite import MIGRATED, SqliteStore, connect
from tests.contracts import NOW, UNDERSTOOD, StoreContract, message, outgoing, raw, record

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
connection.execute("ROLLBACK")
"""

SMALL_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
from bot.store import StoreUnavailable
from bot.store.sqlite import SqliteStore
from tests.contracts import raw

async def main():
    store = SqliteStore(Path(sys.argv[1]))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    kept = 0
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
    try:
        for number in range(100_000):
            await store.write(lambda tx: tx.arrive(raw(number)))
            kept += 1
    except StoreUnavailable:
        print("unavailable", kept)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(await store.write(lambda tx: tx.arrive(raw(kept))), await store.read(lambda tx: tx.counts(raw(0).received)["arrived"]) - kept)
    await store.close()

asyncio.run(main())
"""


class TestSqlite(StoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SqliteStore]:
        opened = SqliteStore(tmp_path / "bot.sqlite3")
        yield opened
        await opened.close()

    async def tamper(self, store: Store) -> None:
        assert isinstance(store, SqliteStore)
        behind(store, "DROP TRIGGER audit_no_update", "UPDATE audit SET actor = 'mallory' WHERE number = 3")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "bot.sqlite3")
    yield opened
    await opened.close()


def behind(store: SqliteStore, *statements: str) -> Any:
    """Do something to the file behind the store's back; the first row of the last statement."""
    with closing(sqlite3.connect(store.path, timeout=0, isolation_level=None)) as other:
        for statement in statements:
            row = other.execute(statement).fetchone()
    return row


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another process holds the file for writing until the block ends."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            process.stdin.write(b"\n")
            process.stdin.flush()
            process.wait(10)


async def impatient(store: SqliteStore) -> None:
    """Wait 0.1 seconds for a locked file instead of several."""
    await store.write(lambda tx: tx.db.conn.execute("PRAGMA busy_timeout=100").fetchone())


async def test_a_commit_is_on_the_disk(store: SqliteStore) -> None:
    def pragmas(tx: Any) -> dict[str, Any]:
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        return {name: tx.db.conn.execute(f"PRAGMA {name}").fetchone()[0] for name in names}

    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    assert await store.write(pragmas) == wanted
    assert await store.read(pragmas) == wanted
    assert store.path.stat().st_mode & 0o777 == 0o600


async def test_a_write_holds_the_file_from_its_beginning(store: SqliteStore) -> None:
    """``BEGIN IMMEDIATE``: work that has only read so far can still write, whoever else is about."""

    def work(tx: Any) -> bool:
        assert tx.waiting(1) == []
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            behind(store, "BEGIN IMMEDIATE")
        return bool(tx.arrive(raw(1)))

    assert await store.write(work)
    assert behind(store, "BEGIN IMMEDIATE", "ROLLBACK", "SELECT count(*) FROM mail") == (1,)


async def test_mails_that_come_together_share_a_commit(store: SqliteStore) -> None:
    begun, release = threading.Event(), threading.Event()

    def block(tx: Any) -> None:
        begun.set()
        release.wait(10)

    blocking = asyncio.create_task(store.write(block))
    await asyncio.to_thread(begun.wait, 10)
    seen: list[int] = []

    def arrive(number: int) -> Any:
        def work(tx: Any) -> None:
            tx.arrive(raw(number))
            seen.append(behind(store, "SELECT count(*) FROM mail")[0])

        return work

    writes = [asyncio.create_task(store.write(arrive(number))) for number in range(20)]
    await asyncio.sleep(0)  # all are handed in before the writer is let go
    release.set()
    await asyncio.gather(blocking, *writes)
    assert seen == [0] * 20  # nobody outside saw any of them before all were done
    assert behind(store, "SELECT count(*) FROM mail") == (20,)


async def test_a_file_locked_by_another_process_is_unavailable_and_then_not(store: SqliteStore) -> None:
    await impatient(store)
    with held(store.path):
        with pytest.raises(StoreUnavailable, match="locked"):
            await store.write(lambda tx: tx.arrive(raw(1)))
        assert await store.read(lambda tx: tx.waiting(10)) == []  # who only reads is not held up
    assert await store.write(lambda tx: tx.arrive(raw(1)))


async def test_a_file_locked_for_a_moment_is_waited_for(store: SqliteStore) -> None:
    with held(store.path):
        waiting = asyncio.create_task(store.write(lambda tx: tx.arrive(raw(1))))
        await asyncio.sleep(0.2)
        assert not waiting.done()
    assert await waiting


async def test_a_full_disk_is_unavailable_to_all_who_share_the_commit_and_then_not(store: SqliteStore) -> None:
    await store.write(lambda tx: tx.arrive(raw(0)))
    await store.write(
        lambda tx: tx.db.conn.execute(f"PRAGMA max_page_count={tx.db.conn.execute('PRAGMA page_count').fetchone()[0]}").fetchone()
    )
    big = b"x" * 100_000

    def arrive(number: int) -> Any:
        return lambda tx: tx.arrive(type(raw())(f"k{number}", big, NOW, "smtp"))

    outcomes = await asyncio.gather(*(store.write(arrive(number)) for number in range(5)), return_exceptions=True)
    assert all(isinstance(outcome, StoreUnavailable) for outcome in outcomes), outcomes
    assert await store.read(lambda tx: tx.waiting(10)) == ["sha256:0000"]
    await store.write(lambda tx: tx.db.conn.execute("PRAGMA max_page_count=1000000").fetchone())
    assert await asyncio.gather(*(store.write(arrive(number)) for number in range(5))) == [True] * 5


def test_a_file_system_that_takes_no_more_is_unavailable_and_then_not(tmp_path: Path) -> None:
    """A real refusal by the kernel, in a process of its own with a limit on the size of its files."""
    command = [sys.executable, "-c", SMALL_DISK, str(tmp_path / "bot.sqlite3")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    refused, after = done.stdout.splitlines()
    assert refused.startswith("unavailable") and int(refused.split()[1]) > 0
    assert after == "True 1.0"  # the mail that was refused is taken when it is offered again, and all before it is there


@pytest.mark.parametrize("content", [b"this is no database, but long enough to be looked at as one" * 10, None])
def test_what_is_no_store_is_refused_with_its_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "bot.sqlite3"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(StoreUnavailable, match=r"bot\.sqlite3 cannot be opened as a store"):
        SqliteStore(path)


async def test_reading_cannot_write(store: SqliteStore) -> None:
    with pytest.raises((StoreUnavailable, sqlite3.Error)):
        await store.read(lambda tx: tx.arrive(raw(1)))
    assert await store.write(lambda tx: tx.arrive(raw(1)))


async def test_the_audit_log_refuses_what_is_no_append(store: SqliteStore) -> None:
    await store.write(lambda tx: tx.event("tested", "x", {}, NOW))
    for statement in ("UPDATE audit SET actor = 'mallory'", "DELETE FROM audit"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            await store.write(lambda tx, statement=statement: tx.db.conn.execute(statement))
    assert await store.read(lambda tx: list(tx.audit_faults())) == []


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE audit SET facts = '{}' WHERE number = 2", "entry 2 was changed"),
        ("DELETE FROM audit WHERE number = 2", "entry 2 is missing"),
        ("UPDATE audit SET number = number + 10 WHERE number = 3", "entry 3 is missing"),
    ],
)
async def test_the_audit_log_tells_where_it_was_tampered_with(store: SqliteStore, statement: str, fault: str) -> None:
    for number in range(3):
        await store.write(lambda tx, n=number: tx.event("tested", "x", {"n": n}, NOW))
    behind(store, "DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete", statement)
    assert fault in await store.read(lambda tx: list(tx.audit_faults()))


# ── two on the same file (R41) ────────────────────────────────────────────────────────────────────────────────


async def test_two_workers_record_a_mail_once(store: SqliteStore) -> None:
    other = SqliteStore(store.path)
    try:
        for number in range(20):
            await store.write(lambda tx, n=number: tx.arrive(raw(n)))
        work = [(place, number) for number in range(20) for place in (store, other)]
        outcomes = await asyncio.gather(
            *(place.write(lambda tx, n=number: record(tx, n, mails=(outgoing(n),))) for place, number in work), return_exceptions=True
        )
        assert sum(outcome is None for outcome in outcomes) == 20
        assert all(outcome is None or isinstance(outcome, ValueError) for outcome in outcomes)
        claims = await asyncio.gather(*(place.write(lambda tx: tx.claim(NOW, paused=False)) for place in (store, other) * 15))
        claimed = [mail.message_id for mail in claims if mail is not None]
        assert len(claimed) == len(set(claimed)) == 20
    finally:
        await other.close()


# ── migrations ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_opening_again_keeps_everything(store: SqliteStore) -> None:
    await store.write(lambda tx: tx.arrive(raw(1)))
    await store.close()
    again = SqliteStore(store.path)
    try:
        assert await again.read(lambda tx: tx.raw("sha256:0001")) == raw(1)
    finally:
        await again.close()


async def test_a_store_of_an_earlier_version_is_brought_forward(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite3"
    old = connect(path)
    for module in MIGRATED:
        if module is not outbox:
            module.migrations.apply(Database(old))
    outbox.migrations.apply(Database(old), stop_before="recipient_without_case")
    old.execute(
        "INSERT INTO outbox (message_id, kind, sender, recipient, content, mail_key, case_ref, automatic, language, topics, meta, state, created,"
        " not_before) VALUES ('<o@x>', 'receipt', '', 'k@x', x'00ff', '', '', 1, 'nb', '[]', '{}', 'waiting', '2026', '2026')"
    )
    old.close()
    store = SqliteStore(path)
    try:
        mail = await store.write(lambda tx: tx.claim(NOW, paused=False))
        assert mail is not None and (mail.message_id, mail.content) == ("<o@x>", b"\x00\xff")
        assert await store.write(lambda tx: tx.settle("<o@x>", Delivery(Result.SENT), NOW)) == "sent"
        indexes = await store.read(lambda tx: {row[0] for row in tx.db.conn.execute("SELECT name FROM sqlite_master WHERE type = 'index'")})
        assert "outbox_recipient_lower" in indexes
    finally:
        await store.close()


async def test_every_version_of_the_schema_ends_the_same(store: SqliteStore, tmp_path: Path) -> None:
    """Brought forward one migration at a time, as by years of releases, the schema is that of a new store."""
    path = tmp_path / "step.sqlite3"
    for module in MIGRATED:
        with closing(connect(path)) as connection:
            names = [migration.name for migration in module.migrations.pending(Database(connection))]
        for later in (*names[1:], None):
            with closing(connect(path)) as connection:
                module.migrations.apply(Database(connection), stop_before=later)
    with closing(connect(path)) as stepped:
        schema = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE '%migrations%' ORDER BY name"
        assert stepped.execute(schema).fetchall() == await store.read(lambda tx: tx.db.conn.execute(schema).fetchall())


async def test_a_mails_life_walks_no_table(store: SqliteStore) -> None:
    """Each statement of a mail's life finds its rows by an index: the thousandth mail costs what the first one did."""
    asked: set[str] = set()

    def life(tx: Any) -> None:
        tx.db.conn.set_trace_callback(asked.add)
        tx.arrive(raw(1))
        tx.waiting(64)
        tx.start(raw(1).key), tx.raw(raw(1).key)
        of_thread = message(1, in_reply_to=("<a@x.example>", "<b@x.example>"), own="M-2026-0001")
        tx.past(raw(1).key, of_thread, UNDERSTOOD, NOW)
        record(tx, 1, message=of_thread, mails=(outgoing(1),), mirror="other")
        tx.claim(NOW, paused=False)
        tx.automatic_lately("kari.lund@uio.example", NOW)
        tx.settle(outgoing(1).message_id, Delivery(Result.SENT), NOW)
        tx.mirror_due(NOW, 64)
        tx.mirrored(raw(1).key, "moved", NOW)
        tx.db.conn.set_trace_callback(None)

    await store.write(life)
    plans = await store.write(
        lambda tx: {sql: walks(tx, sql) for sql in asked if sql.startswith(("SELECT", "UPDATE")) and "mail_search" not in sql}
    )

    assert len(plans) > 12
    assert {sql: walked for sql, walked in plans.items() if walked} == {}


def walks(tx: Any, sql: str) -> list[str]:
    """The steps of a statement's plan that go through all of a table. An index that holds only what waits is short; the register
    of cases is small and looked through for each mail; of the events the last one is read."""
    steps = [row[3] for row in tx.db.conn.execute(f"EXPLAIN QUERY PLAN {sql}")]
    short = ("mail_waiting", "mail_begun", "mirror_due", "outbox_due", "CONSTANT", "cases", "contact", "own_domain", "audit")
    return [step for step in steps if step.startswith("SCAN") and not any(name in step for name in short)]
