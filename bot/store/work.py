"""What people do to a mail, a draft or a register entry; each deed with an entry in the audit log, never with content."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database

from bot.model import Outgoing, Verdict
from bot.store.codec import decode, stamp

FIELDS = {"category": "category", "topic": "topic", "language": "language", "case": "case_ref"}
CONCLUSIONS = {"offer": ("received", "accepted", "refused", "incomplete"), "application": ("received", "complete", "incomplete", "closed")}


class Work:
    """The part of ``bot.store.Tx`` that carries out what a person decides."""

    db: Database
    if TYPE_CHECKING:  # other parts of the same transaction
        _id: Callable[[str], int]
        event: Callable[..., None]
        add_mail: Callable[[Outgoing, datetime], bool]
        discard: Callable[[str, str, datetime], bool]

    # on a mail ────────────────────────────────────────────────────────────────────────────────────────────────

    def correct(self, key: str, field: str, value: str, line: str, now: datetime, *, actor: str) -> bool:
        """Set category, topic, language or case of a mail right; ``line`` is what it teaches. False when it says so already.

        A corrected category is shown on the server too; register entries of the mail follow a corrected case.
        Errors: ``KeyError`` for an unknown mail, ``ValueError`` for an unknown field.
        """
        if field not in FIELDS:
            raise ValueError("no such field")
        number, column = self._id(key), FIELDS[field]
        was = str(self.db.conn.execute(f"SELECT coalesce({column}, '') FROM mail WHERE id = ?", (number,)).fetchone()[0])
        if was == value:
            return False
        self.db.conn.execute(f"UPDATE mail SET {column} = ? WHERE id = ?", (value, number))
        self.db.conn.execute(
            "INSERT INTO correction (id, at, account, field, was, became, line) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (number, stamp(now), actor, field, was, value, line),
        )
        if field == "category":
            self._show_on_server(number, value, now)
        if field == "case":
            self._move_entries(key, was, value, now, actor)
        self.event("corrected", key, {"field": field, "was": was, "became": value}, now, actor=actor)
        return True

    def _show_on_server(self, number: int, folder: str, now: datetime) -> None:
        self.db.conn.execute("UPDATE mail SET folder = ? WHERE id = ?", (folder, number))
        self.db.conn.execute(
            "UPDATE mirror SET folder = ?, state = 'waiting', attempts = 0, not_before = ? WHERE id = ? AND state = 'waiting'",
            (folder, stamp(now), number),
        )

    def _move_entries(self, key: str, was: str, value: str, now: datetime, actor: str) -> None:
        for table in ("deletion", "offer", "application"):
            self.db.conn.execute(f"UPDATE {table} SET case_ref = ? WHERE mail_key = ? AND case_ref IN (?, '')", (value, key, was))
        for entry, verdict in self.db.conn.execute("SELECT id, verdict FROM deletion WHERE mail_key = ? AND case_ref = ?", (key, value)):
            self._history(entry, verdict, f"{was or '-'} → {value or '-'}", now, actor)

    def corrections(self) -> list[str]:
        """What corrections teach, in the form of ``bot learn``, oldest first."""
        return [row[0] for row in self.db.conn.execute("SELECT line FROM correction WHERE line != '' ORDER BY number")]

    def assign(self, key: str, to: str, now: datetime, *, actor: str) -> None:
        """Give the mail to an account, or to nobody (``""``)."""
        number = self._id(key)
        if to:
            self.db.conn.execute("INSERT OR REPLACE INTO assignment (id, account, at) VALUES (?, ?, ?)", (number, to, stamp(now)))
        else:
            self.db.conn.execute("DELETE FROM assignment WHERE id = ?", (number,))
        self.event("assigned", key, {"to": to}, now, actor=actor)

    def add_note(self, key: str, text: str, now: datetime, *, actor: str, kind: str = "note") -> None:
        """A note for colleagues; ``kind``: note or phone."""
        values = (self._id(key), stamp(now), actor, text, kind)
        self.db.conn.execute("INSERT INTO note (id, at, account, text, kind) VALUES (?, ?, ?, ?, ?)", values)
        self.event("noted", key, {"length": len(text), "kind": kind}, now, actor=actor)

    def mark_done(self, key: str, now: datetime, *, actor: str) -> bool:
        """The mail waits for nobody any more; False when it did not wait."""
        done = self.db.conn.execute(
            "UPDATE mail SET done_at = ?, done_by = ? WHERE key = ? AND needs_person = 1 AND done_at IS NULL", (stamp(now), actor, key)
        ).rowcount
        if done:
            self.event("done", key, {}, now, actor=actor)
        return bool(done)

    def reopen(self, key: str, now: datetime, *, actor: str) -> bool:
        """The mail waits for a person: again, or at all where the assistant had dealt with it alone."""
        done = self.db.conn.execute(
            "UPDATE mail SET needs_person = 1, done_at = NULL, done_by = NULL WHERE key = ? AND (done_at IS NOT NULL OR needs_person = 0)",
            (key,),
        ).rowcount
        if done:
            self.event("reopened", key, {}, now, actor=actor)
        return bool(done)

    # on drafts ────────────────────────────────────────────────────────────────────────────────────────────────

    def outbox_row(self, message_id: str) -> dict[str, Any] | None:
        """One mail of the outbox with its bytes, or None."""
        names = (
            "message_id",
            "kind",
            "recipient",
            "content",
            "mail_key",
            "case_ref",
            "language",
            "topics",
            "state",
            "not_before",
            "detail",
        )
        row = self.db.conn.execute(f"SELECT {', '.join(names)} FROM outbox WHERE message_id = ?", (message_id,)).fetchone()
        return {**dict(zip(names, row, strict=True)), "topics": decode(row[7], [])} if row is not None else None

    def approve(self, message_id: str, not_before: datetime, now: datetime, *, actor: str) -> bool:
        """Let a draft go as a person's mail, not before ``not_before``; False when it is no draft any more."""
        done = self.db.conn.execute(
            "UPDATE outbox SET state = 'waiting', kind = 'person', automatic = 0, not_before = ?, detail = ? WHERE message_id = ? AND state = 'draft'",
            (stamp(not_before), f"approved by {actor}", message_id),
        ).rowcount
        if done:
            self.event("approved", message_id, {}, now, actor=actor)
        return bool(done)

    def take_back(self, message_id: str, now: datetime, *, actor: str) -> bool:
        """Make a person's mail that has not left a draft again; False when it has left."""
        done = self.db.conn.execute(
            "UPDATE outbox SET state = 'draft', kind = 'draft', detail = '' WHERE message_id = ? AND state = 'waiting' AND kind = 'person'",
            (message_id,),
        ).rowcount
        if done:
            self.event("taken-back", message_id, {}, now, actor=actor)
        return bool(done)

    def replace_draft(self, message_id: str, mail: Outgoing, now: datetime, *, actor: str) -> bool:
        """Put an edited draft in the place of another; False when that one is no draft any more."""
        row = self.outbox_row(message_id)
        if row is None or row["state"] != "draft" or not self.discard(message_id, actor, now):
            return False
        self.write(mail, now, now, actor=actor)
        return True

    def write(self, mail: Outgoing, not_before: datetime, now: datetime, *, actor: str) -> bool:
        """Put a person's mail, or a draft of one, in the outbox; it leaves not before ``not_before``."""
        new = self.add_mail(mail, now)
        if new:
            self.db.conn.execute("UPDATE outbox SET not_before = ? WHERE message_id = ?", (stamp(not_before), mail.message_id))
            self.event("written", mail.message_id, {"mail": mail.mail_key, "kind": mail.kind, "case": mail.case_ref}, now, actor=actor)
        return new

    # on the registers ─────────────────────────────────────────────────────────────────────────────────────────

    def set_verdict(self, number: int, verdict: Verdict, reason: str, now: datetime, *, actor: str) -> bool:
        """A person's verdict on a deletion, with the reason; earlier ones stay in the history. False for an unknown entry."""
        row = self.db.conn.execute("SELECT case_ref, mail_key FROM deletion WHERE id = ?", (number,)).fetchone()
        if row is None:
            return False
        self.db.conn.execute("UPDATE deletion SET verdict = ?, concluded_by = ? WHERE id = ?", (verdict.value, actor, number))
        self._history(number, verdict.value, reason, now, actor)
        self.event("deletion-verdict", row[0] or row[1], {"verdict": verdict.value, "deletion": number}, now, actor=actor)
        return True

    def deletion_history(self) -> dict[int, list[dict[str, Any]]]:
        """The verdicts of each entry of the deletion register, oldest first."""
        found: dict[int, list[dict[str, Any]]] = {}
        for number, *row in self.db.conn.execute("SELECT deletion, at, verdict, actor, reason FROM deletion_history ORDER BY id"):
            found.setdefault(number, []).append(dict(zip(("at", "verdict", "actor", "reason"), row, strict=True)))
        return found

    def _history(self, number: int, verdict: str, reason: str, now: datetime, actor: str) -> None:
        self.db.conn.execute(
            "INSERT INTO deletion_history (deletion, at, verdict, actor, reason) VALUES (?, ?, ?, ?, ?)",
            (number, stamp(now), verdict, actor, reason),
        )

    def conclude(self, register: str, number: int, state: str, case_ref: str, now: datetime, *, actor: str) -> bool:
        """What a person concludes of an offer or an application, and the case it belongs to. False for an unknown entry.

        Errors: ``ValueError`` for a register or state that does not exist.
        """
        if state not in CONCLUSIONS.get(register, ()):
            raise ValueError("no such conclusion")
        done = self.db.conn.execute(
            f"UPDATE {register} SET state = ?, case_ref = ?, concluded_by = ? WHERE id = ?", (state, case_ref, actor, number)
        ).rowcount
        if done:
            self.event(f"{register}-concluded", case_ref or f"{register} {number}", {"state": state, "entry": number}, now, actor=actor)
        return bool(done)


__all__ = ["CONCLUSIONS", "FIELDS", "Work"]
