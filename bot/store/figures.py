"""Figures over time: how many mails, how they were met, how long people waited."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database

from bot.store.codec import decode, stamp
from bot.store.queue import OLD_DAYS

UNANSWERED = 200


class Figures:
    """The part of ``bot.store.Tx`` that counts."""

    db: Database

    def mails_by_hour(self, since: datetime) -> list[tuple[str, str, int]]:
        """(hour in UTC as ``2026-11-25T09``, category, mails); the caller puts the hours together to days of its own zone."""
        rows = self.db.conn.execute(
            """SELECT substr(received, 1, 13), coalesce(category, 'other'), count(*) FROM mail
               WHERE received >= ? AND state NOT IN ('waiting', 'copy') GROUP BY 1, 2 ORDER BY 1""",
            (stamp(since),),
        )
        return [(row[0], row[1], int(row[2])) for row in rows]

    def replies_by_category(self, since: datetime) -> dict[str, dict[str, int]]:
        """category → how many mails, and how many got an answer or a receipt without a person, or waited for one."""
        rows = self.db.conn.execute(
            """SELECT coalesce(category, 'other'), count(*), sum(reply = 'answer'), sum(reply = 'receipt'), sum(needs_person), sum(done_at IS NOT NULL)
               FROM mail WHERE received >= ? AND state NOT IN ('waiting', 'copy') GROUP BY 1""",
            (stamp(since),),
        )
        names = ("mails", "answer", "receipt", "person", "done")
        return {row[0]: dict(zip(names, (int(value or 0) for value in row[1:]), strict=True)) for row in rows}

    def hours_to_first_reply(self, since: datetime) -> dict[str, list[float]]:
        """Who replied (``answer`` the assistant, ``person`` somebody) → hours from arrival to the first such mail that left."""
        rows = self.db.conn.execute(
            """SELECT outbox.kind, (julianday(min(sent_at)) - julianday(received)) * 24 FROM outbox JOIN mail ON mail.key = outbox.mail_key
               WHERE outbox.state = 'sent' AND outbox.kind IN ('answer', 'person') AND received >= ? GROUP BY mail.id, outbox.kind""",
            (stamp(since),),
        )
        found: dict[str, list[float]] = {"answer": [], "person": []}
        for kind, hours in rows:
            found[kind].append(max(0.0, float(hours)))
        return found

    def old_open(self, now: datetime) -> int:
        """How many mails have waited for a person for more than ``OLD_DAYS``."""
        old = stamp(now - timedelta(days=OLD_DAYS))
        row = self.db.conn.execute(
            "SELECT count(*) FROM mail WHERE needs_person = 1 AND done_at IS NULL AND received < ?", (old,)
        ).fetchone()
        return int(row[0])

    def corrections_by_field(self, since: datetime) -> dict[str, int]:
        """How often people set something right."""
        return dict(self.db.conn.execute("SELECT field, count(*) FROM correction WHERE at >= ? GROUP BY 1", (stamp(since),)).fetchall())

    def topic_use(self, since: datetime) -> dict[str, int]:
        """topic → answers from it that left or were made drafts of."""
        rows = self.db.conn.execute(
            """SELECT value, count(*) FROM outbox, json_each(outbox.topics) WHERE created >= ? AND state NOT IN ('discarded', 'gave-up') GROUP BY 1""",
            (stamp(since),),
        )
        return {row[0]: int(row[1]) for row in rows}

    def unanswered(self, since: datetime) -> list[dict[str, Any]]:
        """Questions that found no answer, latest first: key, time, language, what was read as the question, the topic that came nearest.

        Restricted mails are left out: their text is shown to nobody in a list."""
        rows = self.db.conn.execute(
            f"""SELECT mail.key, received, language, json_extract(understanding, '$.alternatives[0].id'), json_extract(asked.value, '$.text'),
                json_extract(understanding, '$.faq_confidence')
                FROM mail JOIN reading USING (id) JOIN json_each(understanding, '$.evidence') AS asked
                ON json_extract(asked.value, '$.kind') = 'sentence'
                WHERE category IN ('faq', 'other') AND reply != 'answer' AND restricted = 0 AND received >= ?
                AND json_extract(understanding, '$.faq') IS NULL ORDER BY received DESC LIMIT {UNANSWERED}""",
            (stamp(since),),
        )
        names = ("key", "received", "language", "topic", "asked", "confidence")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def last_events(self, limit: int, kinds: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        """The latest entries of the audit log, of some kinds or all."""
        marks = ",".join("?" * len(kinds))
        where = f"WHERE kind IN ({marks})" if kinds else ""
        rows = self.db.conn.execute(
            f"SELECT at, kind, subject, facts, actor FROM audit {where} ORDER BY number DESC LIMIT ?", (*kinds, limit)
        )
        return [{**dict(zip(("at", "kind", "subject", "facts", "actor"), row, strict=True)), "facts": decode(row[3], {})} for row in rows]

    def last_event(self, kind: str) -> dict[str, Any] | None:
        """The latest entry of one kind, or None."""
        return next(iter(self.last_events(1, (kind,))), None)


__all__ = ["Figures"]
