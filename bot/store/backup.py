"""Copies of the store: made while the service runs, checked, and put back while it does not.

The online backup API copies one committed state (https://sqlite.org/backup.html); in WAL mode it holds up nobody. A copy is one
file that its owner alone can read, complete on the disk before it gets its name.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from bot.store import StoreUnavailable
from bot.store.sqlite import BUSY_SECONDS, MIGRATED, SqliteTx, connect

Progress = Callable[[int, int], None]

PAGES = 2000  # copied at a time (8 MB), so that a progress bar moves; the read transaction keeps the state the same throughout


class NoStore(Exception):
    """The file is no whole store of ours; the text is a sentence that says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a copy holds: mails, entries of the audit log and the hash of its last entry, to compare with what was noted elsewhere."""

    mails: int
    entries: int
    head: str


def back_up(database: Path, target: Path, progress: Progress = lambda done, total: None) -> Contents:
    """Copy the store to a new file and check the copy. Errors: ``FileExistsError``, ``StoreUnavailable``, ``NoStore``."""
    if target.exists():
        raise FileExistsError(str(target))
    part = target.with_name(f".{target.name}.part")
    try:
        _copy(database, part, progress)
        contents = check(part)
        os.replace(part, target)
        _to_disk(target.parent)
        return contents
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(f"{target} cannot be written: {error}") from error
    finally:
        _remove(part)


def check(file: Path) -> Contents:
    """Look whether a copy is whole, ours, and not of a newer version. Errors: ``NoStore``."""
    try:
        with _opened(f"{file.absolute().as_uri()}?mode=ro") as connection:
            faults = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)") if row[0] != "ok"]
            faults += [f"a row of {row[0]} lost what it refers to" for row in connection.execute("PRAGMA foreign_key_check").fetchmany(3)]
            if faults:
                raise NoStore(f"{file} is damaged: {faults[0]}")
            _versions(connection, file)
            tx = SqliteTx(Database(connection))
            broken = next(tx.audit_faults(), "")
            if broken:
                raise NoStore(f"the audit log of {file} is not whole: {broken}")
            number, head = tx.audit_head()
            return Contents(int(connection.execute("SELECT count(*) FROM mail").fetchone()[0]), number, head)
    except sqlite3.Error as error:
        raise NoStore(f"{file} is no store of ours ({error})") from None


def put_back(file: Path, database: Path, moment: datetime, progress: Progress = lambda done, total: None) -> tuple[Contents, Path | None]:
    """Make a copy the store, keeping the store that was there beside it; returns what it holds and the kept file.

    To be called by who holds the store alone (``bot.run.alone``). Errors: ``NoStore``, ``StoreUnavailable`` when somebody else
    has the store open. At every moment ``database`` is either the old store or the new one, each whole.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    part = database.with_name(f".{database.name}.restoring")
    kept = database.with_name(f"{database.name}.before-{moment:%Y%m%dT%H%M%S%f}") if database.exists() else None
    try:
        if not file.is_file():
            raise NoStore(f"{file} is no file; give one that `bot backup` has written")
        _copy(file, part, progress)
        contents = check(part)
        if kept is not None:
            _close_log(database)
            _keep(database, kept)
        os.replace(part, database)
        _to_disk(database.parent)
        return contents, kept
    except sqlite3.Error as error:
        raise (NoStore if _ruined(error) else StoreUnavailable)(f"{file}: {error}") from error
    except OSError as error:
        raise StoreUnavailable(f"{database} cannot be written: {error}") from error
    finally:
        _remove(part)


def shorten_log(database: Path) -> None:
    """Write the log into the store and empty it, so that what was purged lies nowhere; later, where somebody is reading."""
    with contextlib.suppress(sqlite3.Error), _opened(f"{database.absolute().as_uri()}?mode=rw") as connection:
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _copy(source: Path, target: Path, progress: Progress) -> None:
    _remove(target)
    connection = connect(target)
    try:
        with _opened(f"{source.absolute().as_uri()}?mode=ro") as old:
            old.execute("BEGIN")
            old.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on the state that is read stands still
            old.backup(connection, pages=PAGES, progress=lambda status, left, total: progress(total - left, total), sleep=0)
            old.execute("ROLLBACK")
        connection.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
    finally:
        connection.close()
    with target.open("rb") as written:
        os.fsync(written.fileno())


def _versions(connection: sqlite3.Connection, file: Path) -> None:
    """Every step of the schema that the copy has gone through is one that this program knows."""
    with contextlib.closing(sqlite3.connect(":memory:")) as empty:
        known = {(module.migrations.name, step.name) for module in MIGRATED for step in module.migrations.pending(Database(empty))}
    done = {(str(row[0]), str(row[1])) for row in connection.execute("SELECT migration_set, name FROM _sqlite_migrations")}
    if ("mails", "first") not in done:
        raise NoStore(f"{file} is no store of ours")
    if done - known:
        raise NoStore(f"{file} was made by a newer version of this program; install that version first")


def _close_log(database: Path) -> None:
    """Bring the old store into one file; works only while nobody else has it open. What is too damaged to be read is not touched."""
    uri = database.absolute().as_uri()
    try:
        with _opened(f"{uri}?mode=ro") as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        with _opened(f"{uri}?mode=rw") as connection:
            if connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0] != "delete":
                raise StoreUnavailable(f"somebody else has {database} open; stop the service and other commands first")
    except sqlite3.Error as error:
        if not _ruined(error):
            raise StoreUnavailable(f"somebody else has {database} open ({error}); stop the service and other commands first") from error


def _ruined(error: sqlite3.Error) -> bool:
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _keep(database: Path, kept: Path) -> None:
    """The old store under another name too; logs of a damaged one go with it, for beside the new store they would spoil it."""
    try:
        os.link(database, kept)
    except OSError:  # a file system without links
        shutil.copy2(database, kept)
    for ending in ("-wal", "-shm"):
        beside = database.with_name(database.name + ending)
        if beside.exists():
            os.replace(beside, kept.with_name(kept.name + ending))


@contextlib.contextmanager
def _opened(uri: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def _remove(part: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        part.with_name(part.name + ending).unlink(missing_ok=True)


def _to_disk(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
