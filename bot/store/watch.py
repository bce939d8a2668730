"""What the service watches of itself: the switch that holds mail, the limits of the circuit breaker, the figures behind alarms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database

from bot.store.codec import decode, encode, moment, stamp
from bot.store.outbox import WHILE_PAUSED

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CLOCK_JUMP = timedelta(minutes=1)  # a time this far ahead was written by a clock that has been set back since
RESUMED = "resumed"
PAUSE_REASON = "pause_reason"


class Watch:
    """The part of ``bot.store.Tx`` that looks after the service itself."""

    db: Database
    if TYPE_CHECKING:  # other parts of the same transaction
        event: Callable[..., None]

    def _row(self, sql: str, *values: Any) -> tuple[Any, ...]:
        row: tuple[Any, ...] = self.db.conn.execute(sql, values).fetchone()
        return row

    # switches ─────────────────────────────────────────────────────────────────────────────────────────────────

    def get_flag(self, name: str) -> str:
        """See ``bot.store.Tx``."""
        row = self.db.conn.execute("SELECT value FROM flag WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row is not None else ""

    def set_flag(self, name: str, value: str, now: datetime, *, actor: str = "bot") -> None:
        """See ``bot.store.Tx``."""
        before = self.get_flag(name)
        self.db.conn.execute("INSERT OR REPLACE INTO flag (name, value, changed) VALUES (?, ?, ?)", (name, value, stamp(now)))
        if name != "paused" or before == value:
            return
        if value == "1":
            self.event("paused", "service", {"reason": self.paused_by()}, now, actor=actor)
            return
        self.set_flag(PAUSE_REASON, "", now)
        self.set_flag(RESUMED, stamp(now), now)
        self.event("resumed", "service", {}, now, actor=actor)

    def pause(self, reason: str, now: datetime, *, actor: str = "bot") -> bool:
        """See ``bot.store.Tx``."""
        if self.get_flag("paused") == "1":
            return False
        self.set_flag(PAUSE_REASON, reason, now)
        self.set_flag("paused", "1", now, actor=actor)
        return True

    def paused_by(self) -> str:
        """See ``bot.store.Tx``."""
        return (self.get_flag(PAUSE_REASON) or "by-hand") if self.get_flag("paused") == "1" else ""

    def automatic_lately(self, recipient: str, now: datetime) -> tuple[int, int]:
        """See ``bot.store.Tx``."""
        resumed = "coalesce((SELECT value FROM flag WHERE name = ?2), '')"
        lately = f"FROM outbox WHERE automatic = 1 AND state != 'discarded' AND claimed_at > ?1 AND +claimed_at >= {resumed} AND claimed_at <= ?3"
        all_of_them, to_one = self._row(
            f"SELECT (SELECT count(*) {lately}), (SELECT count(*) {lately} AND lower(recipient) = ?4)",
            *(stamp(now - HOUR), RESUMED, stamp(now), recipient.lower()),
        )
        return int(all_of_them), int(to_one)

    def give_back(self, message_id: str) -> None:
        """See ``bot.store.Tx``."""
        self.db.conn.execute(
            "UPDATE outbox SET state = 'waiting', attempts = attempts - 1, claimed_at = NULL WHERE message_id = ? AND state = 'sending'",
            (message_id,),
        )

    def follow_clock(self, now: datetime) -> int:
        """See ``bot.store.Tx``."""
        ahead = stamp(now + CLOCK_JUMP)
        at = stamp(now)
        moved = self.db.conn.execute(
            """UPDATE outbox SET not_before = ?1 WHERE state = 'waiting' AND not_before > ?1
               AND coalesce(claimed_at, created) > ?2""",
            (at, ahead),
        ).rowcount
        moved += self.db.conn.execute(
            "UPDATE mirror SET not_before = ?1 WHERE state = 'waiting' AND not_before > ?2", (at, stamp(now + HOUR + CLOCK_JUMP))
        ).rowcount
        return int(moved)

    # figures ──────────────────────────────────────────────────────────────────────────────────────────────────

    def readings(self, now: datetime) -> dict[str, float]:
        """See ``bot.store.Tx``."""
        held = f"AND kind IN ({','.join(repr(kind) for kind in WHILE_PAUSED)})" if self.get_flag("paused") == "1" else ""
        oldest, failed = self._row(
            """SELECT min(CASE WHEN state = 'waiting' THEN received END), sum(state = 'failed' AND needs_person AND done_at IS NULL)
               FROM mail WHERE state IN ('waiting', 'failed')"""
        )
        leaving, gave_up = self._row(
            f"""SELECT min(CASE WHEN state IN ('waiting', 'sending') {held} THEN max(created, CASE kind WHEN 'person' THEN not_before ELSE '' END)
                END), sum(state = 'gave-up' AND kind != 'alarm') FROM outbox WHERE state IN ('waiting', 'sending', 'gave-up')"""
        )
        people, unverified = self._row(
            "SELECT count(*), sum(trust = 'unverified') FROM mail WHERE state = 'handled' AND category != 'auto' AND received > ?",
            stamp(now - DAY),
        )

        def age(text: str | None) -> float:
            return max(0.0, (now - moment(text)).total_seconds()) if text else 0.0

        return {
            "unhandled_seconds": age(oldest),
            "outbox_seconds": age(leaving),
            "people": float(people),
            "unverified": float(unverified or 0),
            "not_understood": float(failed or 0),
            "gave_up": float(gave_up or 0),
        }

    # the ledger ───────────────────────────────────────────────────────────────────────────────────────────────

    def recorded(self, prefix: str) -> dict[int, tuple[str, str]]:
        """See ``bot.store.Tx``."""
        rows = self.db.conn.execute(
            """SELECT key, CASE WHEN mail.state = 'failed' OR mail.folder = 'quarantine' THEN 'quarantined' ELSE mail.state END, mirror.state
               FROM mail LEFT JOIN mirror USING (id) WHERE key >= ? AND key < ?""",
            (prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1)),
        )
        return {int(key.rpartition(":")[2]): (label, mirrored or "") for key, label, mirrored in rows}

    def recorded_by_source(self) -> dict[str, dict[str, int]]:
        """See ``bot.store.Tx``."""
        found: dict[str, dict[str, int]] = {}
        for source, label, count in self.db.conn.execute(
            """SELECT source, CASE WHEN state = 'failed' OR folder = 'quarantine' THEN 'quarantined' ELSE state END, count(*)
               FROM mail GROUP BY 1, 2"""
        ):
            found.setdefault(source, {})[label] = count
        return found

    # what alarms stand ────────────────────────────────────────────────────────────────────────────────────────

    def recall(self, name: str) -> dict[str, Any]:
        """A remembered table, ``{}`` when there is none."""
        table: dict[str, Any] = decode(self.get_flag(name), {})
        return table

    def remember(self, name: str, table: dict[str, Any], now: datetime) -> None:
        """Keep a small table under a name."""
        self.set_flag(name, encode(table), now)


__all__ = ["Watch"]
