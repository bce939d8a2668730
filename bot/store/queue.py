"""What waits for a person, most urgent first; one mail with all that hangs on it; who is looking at it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database

from bot.store.codec import decode, stamp

SOON_DAYS = 7  # a deadline this near makes a mail pressing
OLD_DAYS = 21  # a week before the month of forvaltningsloven § 11 a is over
PRESENT = timedelta(seconds=75)  # somebody who was here this lately counts as here; the page tells of itself every 20 seconds
THREAD_LOOKED_AT = 200
SHOWS = ("open", "done", "alone", "all")


@dataclass(frozen=True, slots=True)
class View:
    """What of the queue is wanted. ``show``: open (waits for a person), done, alone (the assistant did it without one), all.
    ``assigned``: an account's name, ``-`` for nobody's, ``""`` for everybody's."""

    show: str = "open"
    category: str = ""
    assigned: str = ""
    caseworker: str = ""
    words: str = ""
    page: int = 1
    size: int = 40


QUEUE = """
  FROM mail LEFT JOIN reading USING (id) LEFT JOIN assignment USING (id) LEFT JOIN cases ON cases.case_ref = mail.case_ref
"""
DUE = """CASE cases.state WHEN 'offered' THEN coalesce(cases.offer_due, date(cases.offer_sent, :offer_days))
         WHEN 'delivered' THEN cases.deletion_due END"""
LEVEL = f"""CASE WHEN mail.urgent OR mail.attention != '' THEN 0 WHEN {DUE} <= :soon OR mail.received < :old THEN 1 ELSE 2 END"""
ROW = (
    "key",
    "received",
    "sender",
    "sender_name",
    "subject",
    "category",
    "language",
    "case_ref",
    "suggested_ref",
    "urgent",
    "attention",
    "restricted",
    "trust",
    "folder",
    "reply",
    "state",
    "done_at",
    "done_by",
)


def match_words(text: str) -> str:
    """A search as FTS5 takes it: every word must begin some word of the mail. Operators of the language count as plain text."""
    words = [word.replace('"', '""') for word in text.split() if re.search(r"\w", word)]
    return " ".join(f'"{word}"*' for word in words[:12])


class Queue:
    """The part of ``bot.store.Tx`` that shows mails to people."""

    db: Database
    if TYPE_CHECKING:  # other parts of the same transaction
        outgoing_of: Callable[[str], list[dict[str, Any]]]

    def queue(self, view: View, now: datetime, offer_days: int) -> tuple[list[dict[str, Any]], int]:
        """One page of what a view wants, and how many there are. Open mails come most urgent first, others latest first."""
        where, values = _conditions(view)
        values |= {
            "soon": (now + timedelta(days=SOON_DAYS)).date().isoformat(),
            "old": stamp(now - timedelta(days=OLD_DAYS)),
            "offer_days": f"+{offer_days} days",
            "size": view.size,
            "skip": (view.page - 1) * view.size,
        }
        order = f"{LEVEL}, {DUE} IS NULL, {DUE}, mail.received" if view.show == "open" else "mail.received DESC"
        columns = ", ".join(f"mail.{name}" for name in ROW)
        rows = self._named(
            f"""SELECT {columns}, assignment.account AS assigned, cases.caseworker, {DUE} AS due, {LEVEL} AS level,
                json_extract(reading.decision, '$.reasons') AS reasons, json_extract(reading.understanding, '$.sensitive') AS sensitive,
                (SELECT count(*) FROM outbox WHERE mail_key = mail.key AND outbox.state = 'draft') AS drafts
                {QUEUE} WHERE {where} ORDER BY {order}, mail.id LIMIT :size OFFSET :skip""",
            values,
        )
        for row in rows:
            row["reasons"], row["sensitive"] = decode(row["reasons"], []), decode(row["sensitive"], [])
        total = self.db.conn.execute(f"SELECT count(*) {QUEUE} WHERE {where}", values).fetchone()[0]
        return rows, int(total)

    def queue_counts(self, name: str) -> dict[str, int]:
        """What waits for a person: by category, all of it (``open``), urgent, of the account ``name`` (``mine``), of nobody."""
        rows = self.db.conn.execute(
            """SELECT coalesce(category, 'other'), count(*), sum(urgent OR attention != ''), sum(account = ?), sum(account IS NULL)
               FROM mail LEFT JOIN assignment USING (id) WHERE needs_person = 1 AND done_at IS NULL GROUP BY 1""",
            (name,),
        ).fetchall()
        counts = {row[0]: int(row[1]) for row in rows}
        for place, total in enumerate(("open", "urgent", "mine", "nobody"), 1):
            counts[total] = sum(int(row[place] or 0) for row in rows)
        return counts

    def caseworkers(self) -> list[str]:
        """Who has cases in the register."""
        return [row[0] for row in self.db.conn.execute("SELECT DISTINCT caseworker FROM cases WHERE caseworker != '' ORDER BY 1")]

    def desk_mail(self, key: str) -> dict[str, Any]:
        """A mail with what was read, understood and decided, and what people added. Errors: ``KeyError``."""
        rows = self._named(
            """SELECT mail.*, own, text, html, headers, defects, thread, attachments, understanding, findings, decision, versions,
               assignment.account AS assigned FROM mail LEFT JOIN reading USING (id) LEFT JOIN assignment USING (id) WHERE key = :key""",
            {"key": key},
        )
        if not rows:
            raise KeyError(key)
        row = rows[0]
        for name in ("understanding", "findings", "decision", "versions"):
            row[name] = decode(row[name], {})
        for name in ("headers", "defects", "thread", "attachments"):
            row[name] = decode(row[name], [])
        row["notes"] = self._named("SELECT at, account, text, kind FROM note WHERE id = :id ORDER BY number", row)
        row["corrections"] = self._named("SELECT at, account, field, was, became FROM correction WHERE id = :id ORDER BY number", row)
        return row

    def thread_of(self, row: dict[str, Any]) -> list[dict[str, Any]]:
        """Other mails of the same conversation, oldest first: by Message-IDs, among the sender's latest and the case's."""
        ours = {sent["message_id"] for sent in self.outgoing_of(row["key"])}
        ids = {*row["thread"], row["message_id"], *ours} - {"", None}
        others = self._named(
            """SELECT mail.key, mail.received, mail.sender, mail.sender_name, mail.subject, mail.category, mail.message_id, mail.restricted,
               reading.thread FROM mail LEFT JOIN reading USING (id)
               WHERE mail.id != :id AND (mail.sender = :sender OR (mail.case_ref = :case_ref AND mail.case_ref != '')) AND mail.state != 'waiting'
               ORDER BY mail.received DESC LIMIT :most""",
            {**{name: row[name] for name in ("id", "sender", "case_ref")}, "most": THREAD_LOOKED_AT},
        )
        found = [other for other in others if other["message_id"] in ids or ids & set(decode(other["thread"], []))]
        return found[::-1]

    def mails_of_case(self, ref: str) -> list[dict[str, Any]]:
        """The mails tied to a case, oldest first, without their text."""
        return self._named(
            "SELECT key, received, sender, sender_name, subject, category, reply, restricted FROM mail WHERE case_ref = :ref ORDER BY received",
            {"ref": ref},
        )

    def outgoing_of_case(self, ref: str) -> list[dict[str, Any]]:
        """What we wrote in a case, reminders and their drafts included, oldest first, without the bytes."""
        return self._named(
            """SELECT message_id, kind, recipient, state, created, sent_at, mail_key FROM outbox
               WHERE case_ref = :ref OR mail_key IN (SELECT key FROM mail WHERE case_ref = :ref) ORDER BY created, id""",
            {"ref": ref},
        )

    def own_mails_of_case(self, ref: str) -> list[dict[str, Any]]:
        """Mails of a case that belong to no mail of it and have not left: reminders, as drafts or approved. Without the bytes."""
        return self._named(
            """SELECT message_id, kind, recipient, state, created, not_before, language FROM outbox
               WHERE case_ref = :ref AND mail_key = '' AND state IN ('draft', 'waiting') ORDER BY id""",
            {"ref": ref},
        )

    def outbox_list(self, states: tuple[str, ...], limit: int = 100) -> list[dict[str, Any]]:
        """Mails of the outbox in some states, oldest first, without the bytes."""
        marks = ",".join(f":s{number}" for number in range(len(states)))
        return self._named(
            f"""SELECT message_id, kind, recipient, state, attempts, created, not_before, detail, mail_key, case_ref, automatic FROM outbox
                WHERE state IN ({marks}) ORDER BY id LIMIT :limit""",
            {"limit": limit, **{f"s{number}": state for number, state in enumerate(states)}},
        )

    # who is here ──────────────────────────────────────────────────────────────────────────────────────────────

    def be_present(self, key: str, name: str, now: datetime) -> None:
        """The account looks at the mail now. Unknown mails are nobody's place."""
        self.db.conn.execute("DELETE FROM presence WHERE seen < ?", (stamp(now - PRESENT),))
        self.db.conn.execute(
            "INSERT OR REPLACE INTO presence (id, account, seen) SELECT id, ?, ? FROM mail WHERE key = ?", (name, stamp(now), key)
        )

    def others_present(self, key: str, name: str, now: datetime) -> list[str]:
        """Who else looks at the mail now."""
        rows = self.db.conn.execute(
            "SELECT account FROM presence JOIN mail USING (id) WHERE key = ? AND account != ? AND seen >= ? ORDER BY account",
            (key, name, stamp(now - PRESENT)),
        )
        return [row[0] for row in rows]

    def _named(self, sql: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        cursor = self.db.conn.execute(sql, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _conditions(view: View) -> tuple[str, dict[str, Any]]:
    """The WHERE of a view, with its values."""
    shows = {
        "open": "mail.needs_person = 1 AND mail.done_at IS NULL",
        "done": "mail.done_at IS NOT NULL",
        "alone": "mail.needs_person = 0 AND mail.state != 'waiting'",
        "all": "mail.state != 'waiting'",
    }
    parts, values = [shows[view.show]], {}
    if view.category:
        parts.append("mail.category = :category")
        values["category"] = view.category
    if view.assigned:
        parts.append("assignment.account IS NULL" if view.assigned == "-" else "assignment.account = :assigned")
        values["assigned"] = view.assigned
    if view.caseworker:
        parts.append("cases.caseworker = :caseworker")
        values["caseworker"] = view.caseworker
    if view.words.strip():
        matching = match_words(view.words)
        found = "mail.id IN (SELECT rowid FROM mail_search WHERE mail_search MATCH :matching) OR " if matching else ""
        parts.append(f"({found} mail.case_ref = :reference)")
        values |= {"matching": matching, "reference": view.words.strip()}
    return " AND ".join(parts), values


__all__ = ["SHOWS", "Queue", "View", "match_words"]
