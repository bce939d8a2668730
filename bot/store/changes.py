"""Changes of the knowledge base that people made in the console: what was tried, what went live, what was taken back.

The text of an entry is kept before and after, so that going back is one step. Of corrections, which hold words of mails, only
their numbers are kept; their text lies with the mails that they came from.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database

from bot.store.codec import decode, encode, stamp

STATES = ("trying", "live", "refused", "failed", "returned")
COLUMNS = ("number", "at", "account", "kind", "subject", "was", "became", "state", "told", "settled")


class Changes:
    """The part of ``bot.store.Tx`` that remembers changes of the knowledge base."""

    db: Database
    if TYPE_CHECKING:  # other parts of the same transaction
        event: Callable[..., None]

    def begin_change(self, kind: str, subject: str, was: str | None, became: str | None, now: datetime, *, actor: str) -> int | None:
        """A change that is being tried; its number, or None while another one is. ``kind``: topic or corrections."""
        if self.db.conn.execute("SELECT 1 FROM knowledge_change WHERE state = 'trying'").fetchone() is not None:
            return None
        cursor = self.db.conn.execute(
            "INSERT INTO knowledge_change (at, account, kind, subject, was, became, state, told, settled) VALUES (?, ?, ?, ?, ?, ?, 'trying', '{}', '')",
            (stamp(now), actor, kind, subject, was, became),
        )
        return int(cursor.lastrowid or 0)

    def settle_change(self, number: int, state: str, told: dict[str, Any], now: datetime) -> None:
        """What came of it; ``told``: figures before and after, faults. A change that went live is in the audit log."""
        row = self.db.conn.execute(
            "UPDATE knowledge_change SET state = ?, told = ?, settled = ? WHERE number = ? RETURNING account, kind, subject",
            (state, encode(told), stamp(now), number),
        ).fetchone()
        if state in ("live", "returned"):
            self.event("knowledge-changed", row[2] or row[1], {"change": number, "state": state}, now, actor=row[0])

    def abandon_changes(self, now: datetime) -> int:
        """Trials that ended with the program that ran them; returns how many."""
        return int(
            self.db.conn.execute("UPDATE knowledge_change SET state = 'failed', settled = ? WHERE state = 'trying'", (stamp(now),)).rowcount
        )

    def change(self, number: int) -> dict[str, Any] | None:
        """One change, or None."""
        return next(iter(self._changes("WHERE number = ?", (number,))), None)

    def changes(self, limit: int, subject: str = "") -> list[dict[str, Any]]:
        """The latest changes, of one entry or all."""
        return self._changes("WHERE subject = ? OR ? = '' ORDER BY number DESC LIMIT ?", (subject, subject, limit))

    def _changes(self, where: str, values: tuple[Any, ...]) -> list[dict[str, Any]]:
        rows = self.db.conn.execute(f"SELECT {', '.join(COLUMNS)} FROM knowledge_change {where}", values)
        return [{**dict(zip(COLUMNS, row, strict=True)), "told": decode(row[8], {})} for row in rows]

    # corrections that wait to be learned ──────────────────────────────────────────────────────────────────────

    def new_corrections(self, after: int) -> list[tuple[int, str]]:
        """(number, line) of corrections that teach something and came after a number."""
        rows = self.db.conn.execute("SELECT number, line FROM correction WHERE line != '' AND number > ? ORDER BY number", (after,))
        return [(int(row[0]), str(row[1])) for row in rows]

    def topic_corrections(self, since: datetime) -> dict[str, tuple[int, int]]:
        """topic → how often people set a mail right to it, and away from it."""
        found: dict[str, tuple[int, int]] = {}
        for became, was in self.db.conn.execute("SELECT became, was FROM correction WHERE field = 'topic' AND at >= ?", (stamp(since),)):
            if became:
                found[became] = (found.get(became, (0, 0))[0] + 1, found.get(became, (0, 0))[1])
            if was:
                found[was] = (found.get(was, (0, 0))[0], found.get(was, (0, 0))[1] + 1)
        return found

    def topic_feedback(self, since: datetime) -> dict[str, tuple[int, int]]:
        """topic → how many visitors of the chat its answer helped, and how many not."""
        rows = self.db.conn.execute(
            """SELECT subject, sum(json_extract(facts, '$.helped') = 1), sum(json_extract(facts, '$.helped') = 0) FROM audit
               WHERE kind = 'chat-feedback' AND at >= ? GROUP BY 1""",
            (stamp(since),),
        )
        return {row[0]: (int(row[1] or 0), int(row[2] or 0)) for row in rows}


__all__ = ["Changes"]
