"""The audit log: append-only, each entry chained by hash to the last.

A changed, missing or reordered entry breaks the chain. Cutting entries off the end does not; ``bot audit verify`` therefore
prints the number and the hash of the last entry, to be kept elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlite_utils import Database, Migrations

from bot.store.codec import encode, run_script, stamp

migrations = Migrations("audit")

START = "0" * 64


@migrations()
def first(db: Database) -> None:
    """The chain; triggers refuse what is not an append."""
    run_script(
        db,
        """
        CREATE TABLE audit (
          number INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, facts TEXT NOT NULL,
          actor TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL
        );
        CREATE INDEX audit_subject ON audit (subject);
        CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
        CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
        """,
    )


def link(previous: str, number: int, at: str, kind: str, subject: str, facts: str, actor: str) -> str:
    """The hash of an entry: over its fields, length-prefixed, and the hash of the entry before."""
    digest = hashlib.sha256()
    for part in (previous, str(number), at, kind, subject, facts, actor):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


class Audit:
    """The part of ``bot.store.Tx`` that remembers who did what."""

    db: Database

    def event(self, kind: str, subject: str, facts: dict[str, Any], now: datetime, *, actor: str = "bot") -> None:
        """See ``bot.store.Tx``."""
        last = self.db.conn.execute("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1").fetchone()
        number, previous = (int(last[0]) + 1, str(last[1])) if last is not None else (1, START)
        at, text = stamp(now), encode(facts)
        self.db.conn.execute(
            "INSERT INTO audit (number, at, kind, subject, facts, actor, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (number, at, kind, subject, text, actor, previous, link(previous, number, at, kind, subject, text, actor)),
        )

    def events_of(self, subject: str) -> list[dict[str, Any]]:
        """The entries about one mail, case, message or user, oldest first."""
        rows = self.db.conn.execute("SELECT at, kind, facts, actor FROM audit WHERE subject = ? ORDER BY number", (subject,)).fetchall()
        return [dict(zip(("at", "kind", "facts", "actor"), row, strict=True)) for row in rows]

    def audit_faults(self) -> Iterator[str]:
        """What is wrong with the chain, a sentence each; nothing when it is whole."""
        expected, previous = 1, START
        for row in self.db.conn.execute("SELECT number, at, kind, subject, facts, actor, previous, hash FROM audit ORDER BY number"):
            number, *fields, before, own = row
            if number != expected:
                yield f"entry {expected} is missing"
                expected = number
            if before != previous:
                yield f"entry {number} does not follow the entry before it"
            if link(before, number, *fields) != own:
                yield f"entry {number} was changed"
            expected, previous = number + 1, own

    def audit_head(self) -> tuple[int, str]:
        """Number and hash of the last entry."""
        row = self.db.conn.execute("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1").fetchone()
        return (int(row[0]), str(row[1])) if row is not None else (0, START)
