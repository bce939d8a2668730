"""The embedded store: one SQLite file, one writer thread, group commit.

Work that waits at the same time is carried out in one ``BEGIN IMMEDIATE`` transaction, each piece in a savepoint of its own,
and every caller hears of its success only after the common COMMIT has reached the disk (WAL, ``synchronous=FULL``). So a
commit is shared where mails come in crowds, and never at the price of a promise. A piece that raises is rolled back alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlite_utils import Database

from bot.store import StoreUnavailable, audit, deadlines, desk, keeping, mails, outbox, registers, watch

T = TypeVar("T")

BUSY_SECONDS = 5.0  # how long another process may hold the file before we call the store unavailable
GROUP = 128  # pieces of work in one commit at most, so that nobody waits long for the others
READERS = 2
CACHE = 8_000  # KB of pages that the writer keeps: what a day's mails touch, so that the file is read but once
STATEMENTS = 512  # prepared ones that a connection keeps: more than the program has

# The operator's or the machine's trouble, not a defect of ours: worth trying again (https://sqlite.org/rescode.html)
PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_INTERRUPT,
}

MIGRATED = (mails, outbox, audit, registers, desk, keeping, deadlines)  # in this order: later ones name tables of earlier ones


class SqliteTx(mails.Mails, outbox.Outbox, audit.Audit, registers.Registers, desk.Desk, keeping.Keeping, watch.Watch, deadlines.Deadlines):
    """One transaction's view of the store; see ``bot.store.Tx``."""

    def __init__(self, db: Database) -> None:
        """``db`` is inside a transaction that the store began and will end."""
        self.db = db


@dataclass
class _Job:
    work: Callable[[SqliteTx], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    result: Any = None
    error: BaseException | None = field(default=None)


def unavailable(error: sqlite3.Error) -> bool:
    """Whether an error is passing trouble rather than a defect."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code & 0xFF) in PASSING


def connect(path: Path, *, create: bool = True) -> sqlite3.Connection:
    """A connection in autocommit mode (transactions are begun by hand). The file is readable by its owner alone."""
    if create:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=STATEMENTS)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA temp_store=MEMORY")  # what a savepoint may have to put back is some pages, no file
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA secure_delete=ON")  # what is purged is overwritten, GDPR art. 17
    return connection


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema forward from any released version."""
    db = Database(connection)
    for module in MIGRATED:
        module.migrations.apply(db)


class SqliteStore:
    """``bot.store.Store`` on one file."""

    def __init__(self, path: Path) -> None:
        """Open and migrate. Errors: ``StoreUnavailable`` when the file cannot be used."""
        self.path = path
        try:
            self._writer = connect(path)
            self._writer.execute(f"PRAGMA cache_size=-{CACHE}")
            migrate(self._writer)
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(f"{path} cannot be opened as a store: {error}") from error
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._closed = False
        self._thread = threading.Thread(target=self._write_loop, name="store-writer", daemon=True)
        self._thread.start()

    async def write(self, work: Callable[[Any], T]) -> T:
        """See ``bot.store.Store``."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        loop = asyncio.get_running_loop()
        job = _Job(work, loop.create_future(), loop)
        self._jobs.put(job)
        result: T = await job.future
        return result

    async def read(self, work: Callable[[Any], T]) -> T:
        """See ``bot.store.Store``."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, work)

    async def close(self) -> None:
        """Finish the work that was handed in, then let go of the file."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        self._pool.shutdown(wait=True)
        for connection in (*self._readers, self._writer):
            connection.close()

    def _read(self, work: Callable[[Any], T]) -> T:
        try:
            connection = self._reader()
            connection.execute("BEGIN")
            try:
                return work(SqliteTx(Database(connection)))
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            if unavailable(error):
                raise StoreUnavailable(str(error)) from error
            raise

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect(self.path, create=False)
            connection.execute("PRAGMA query_only=ON")
            self._local.connection = connection
            self._readers.append(connection)
        return connection

    def _write_loop(self) -> None:
        db = Database(self._writer)
        while (job := self._jobs.get()) is not None:
            jobs, last = self._group(job)
            self._commit_together(db, jobs)
            for loop in {done.loop for done in jobs}:  # one wake-up for all that the commit carried
                loop.call_soon_threadsafe(_resolve, [done for done in jobs if done.loop is loop])
            if last:
                return

    def _group(self, first: _Job) -> tuple[list[_Job], bool]:
        jobs = [first]
        while len(jobs) < GROUP:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return jobs, True
            jobs.append(job)
        return jobs, False

    def _commit_together(self, db: Database, jobs: list[_Job]) -> None:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            for job in jobs:
                self._run_alone(db, job)
            self._writer.execute("COMMIT")
        except sqlite3.Error as error:
            # the common transaction is lost: nobody's work is on the disk
            with contextlib.suppress(sqlite3.Error):
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
            failure: BaseException = StoreUnavailable(str(error)) if unavailable(error) else error
            for job in jobs:
                job.error = job.error or failure

    def _run_alone(self, db: Database, job: _Job) -> None:
        self._writer.execute("SAVEPOINT work")
        try:
            job.result = job.work(SqliteTx(db))
        except BaseException as error:
            if isinstance(error, sqlite3.Error) and (unavailable(error) or not self._writer.in_transaction):
                raise
            self._writer.execute("ROLLBACK TO work")
            job.error = error
        self._writer.execute("RELEASE work")


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():  # the caller was cancelled; the work is done all the same
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
