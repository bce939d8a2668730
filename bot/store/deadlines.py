"""The deadlines that stand, and the reminders that were made: what a restart must not forget."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database, Migrations

from bot.model import Outgoing
from bot.store.codec import day, moment, run_script, stamp

migrations = Migrations("deadlines")


@migrations()
def first(db: Database) -> None:
    """One row a deadline for as long as it stands and after; one row a reminder, for ever."""
    run_script(
        db,
        """
        CREATE TABLE deadline (
          kind TEXT NOT NULL, subject TEXT NOT NULL, due TEXT NOT NULL, case_ref TEXT NOT NULL, desk TEXT NOT NULL, reported INTEGER NOT NULL,
          opened TEXT NOT NULL, ended TEXT, PRIMARY KEY (kind, subject, due)
        );
        CREATE INDEX deadline_standing ON deadline (due) WHERE ended IS NULL;
        CREATE TABLE reminder (occasion TEXT PRIMARY KEY, at TEXT NOT NULL, mails INTEGER NOT NULL);
        """,
    )


class Deadlines:
    """The part of ``bot.store.Tx`` that remembers deadlines."""

    db: Database
    if TYPE_CHECKING:  # other parts of the same transaction
        event: Callable[..., None]
        add_mail: Callable[[Outgoing, datetime], bool]
        discard: Callable[[str, str, datetime], bool]

    def waiting_for_person(self) -> list[dict[str, Any]]:
        """Mails of people that nobody has answered or finished: key, received, category, case_ref, sender, language, restricted,
        message_id, thread, and ``desk`` and ``forwarded`` of the last forward that left."""
        rows = self.db.conn.execute(
            """SELECT key, mail.received, category, mail.case_ref, sender, mail.language, restricted, mail.message_id, reading.thread,
                 coalesce(sent.recipient, nullif(cases.caseworker, ''), ''), sent.at
               FROM mail LEFT JOIN reading USING (id) LEFT JOIN cases ON cases.case_ref = mail.case_ref
               LEFT JOIN (SELECT mail_key, recipient, max(sent_at) AS at FROM outbox WHERE kind = 'forward' AND state = 'sent' GROUP BY mail_key)
                 AS sent ON sent.mail_key = mail.key
               WHERE needs_person = 1 AND done_at IS NULL AND mail.state = 'handled' AND category != 'auto' AND NOT EXISTS
                 (SELECT 1 FROM outbox WHERE mail_key = mail.key AND kind IN ('person', 'answer') AND state IN ('waiting', 'sending', 'sent'))
               ORDER BY mail.received, mail.id"""
        ).fetchall()
        names = ("key", "received", "category", "case_ref", "sender", "language", "restricted", "message_id", "thread", "desk", "forwarded")
        found = []
        for row in rows:
            entry = dict(zip(names, row, strict=True))
            entry["received"], entry["restricted"] = moment(row[1]), bool(row[6])
            entry |= {"sender": row[4] or "", "language": row[5] or "nb", "message_id": row[7] or ""}
            entry["thread"] = tuple(json.loads(row[8])) if row[8] else ()
            entry["forwarded"] = moment(row[10]) if row[10] else None
            found.append(entry)
        return found

    def keep_deadlines(self, standing: Iterable[tuple[str, str, date, str, str, bool]], now: datetime) -> None:
        """Set what stands: (kind, subject, due, case_ref, desk, reported). What stands no more is ended, what comes back reopened."""
        run = self.db.conn.execute
        rows = {(kind, subject, due.isoformat()): (case, desk, int(reported)) for kind, subject, due, case, desk, reported in standing}
        known = {tuple(row[:3]): row[3:] for row in run("SELECT kind, subject, due, case_ref, desk, reported, ended FROM deadline")}
        for name, values in rows.items():
            if name not in known:
                run("INSERT INTO deadline VALUES (?, ?, ?, ?, ?, ?, ?, NULL)", (*name, *values, stamp(now)))
            elif known[name] != (*values, None):
                run(
                    "UPDATE deadline SET case_ref = ?, desk = ?, reported = ?, ended = NULL WHERE kind = ? AND subject = ? AND due = ?",
                    (*values, *name),
                )
        for name, values in known.items():
            if name not in rows and values[-1] is None:
                run("UPDATE deadline SET ended = ? WHERE kind = ? AND subject = ? AND due = ?", (stamp(now), *name))

    def deadlines(self) -> list[dict[str, Any]]:
        """The deadlines that stand as they were last kept, the nearest first: kind, subject, due, case_ref, desk, reported."""
        names = ("kind", "subject", "due", "case_ref", "desk", "reported")
        rows = self.db.conn.execute(f"SELECT {', '.join(names)} FROM deadline WHERE ended IS NULL ORDER BY due, kind, subject")
        return [{**dict(zip(names, row, strict=True)), "due": day(row[2]), "reported": bool(row[5])} for row in rows]

    def reminded(self) -> frozenset[str]:
        """The occasions that reminders were made for."""
        return frozenset(row[0] for row in self.db.conn.execute("SELECT occasion FROM reminder"))

    def add_reminder(self, occasion: str, subject: str, mails: Iterable[Outgoing], now: datetime) -> int:
        """Put the mails of a reminder into the outbox, once for all time; returns how many are new."""
        if self.db.conn.execute("SELECT 1 FROM reminder WHERE occasion = ?", (occasion,)).fetchone():
            return 0
        written = list(mails)
        self.db.conn.execute("INSERT INTO reminder VALUES (?, ?, ?)", (occasion, stamp(now), len(written)))
        added = sum(self.add_mail(mail, now) for mail in written)
        if added:
            facts = {"occasion": occasion, "mails": [mail.message_id for mail in written], "kinds": sorted({mail.kind for mail in written})}
            self.event("reminded", subject, facts, now)
        return added

    def withdraw_reminders(self, current: Collection[str], now: datetime) -> int:
        """Take back reminders that have not left and whose occasion is over: answered, moved, or passed. Returns how many."""
        rows = self.db.conn.execute(
            "SELECT message_id, json_extract(meta, '$.occasion') FROM outbox WHERE state IN ('draft', 'waiting') AND json_extract(meta, '$.occasion') != ''"
        ).fetchall()
        taken = 0
        for message_id, occasion in rows:
            if occasion not in current and self.discard(message_id, "bot", now):
                self._forget_unless_sent(occasion)
                taken += 1
        return taken

    def _forget_unless_sent(self, occasion: str) -> None:
        """Nobody was reminded, so the reminder may be made again, should the deadline stand once more."""
        self.db.conn.execute(
            """DELETE FROM reminder WHERE occasion = ?1 AND NOT EXISTS
               (SELECT 1 FROM outbox WHERE json_extract(meta, '$.occasion') = ?1 AND state IN ('sending', 'sent', 'gave-up'))""",
            (occasion,),
        )
