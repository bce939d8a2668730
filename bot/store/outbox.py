"""What we say to the world: drafts, mails that wait, mails that were sent, mails that we gave up."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database, Migrations

from bot.model import Delivery, Language, Outgoing, Result
from bot.store.codec import decode, encode, run_script, stamp

migrations = Migrations("outbox")

# Waits between attempts: quick at first (a restart of the relay), then as an MTA does; after the last one we give up.
BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (0.1, 0.5, 2, 5, 15, 30, 60, 120, 240, 480, 480, 480))
HELD_LONGEST = timedelta(days=1)

# While paused, what goes to our own people goes on (architecture, *Modes*); so does what a person has written.
WHILE_PAUSED = ("forward", "alarm", "digest", "person")


@migrations()
def first(db: Database) -> None:
    """The outbox; ``content`` is the finished mail, never changed after it is written."""
    run_script(
        db,
        """
        CREATE TABLE outbox (
          id INTEGER PRIMARY KEY, message_id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL,
          content BLOB NOT NULL, mail_key TEXT NOT NULL, case_ref TEXT NOT NULL, automatic INTEGER NOT NULL, language TEXT NOT NULL,
          topics TEXT NOT NULL, meta TEXT NOT NULL,
          state TEXT NOT NULL,                            -- draft | waiting | sending | sent | gave-up | discarded
          attempts INTEGER NOT NULL DEFAULT 0, created TEXT NOT NULL, not_before TEXT NOT NULL,
          claimed_at TEXT, sent_at TEXT, detail TEXT NOT NULL DEFAULT ''
        );
        CREATE INDEX outbox_due ON outbox (not_before) WHERE state = 'waiting';
        CREATE INDEX outbox_mail ON outbox (mail_key);
        CREATE INDEX outbox_recipient ON outbox (recipient, created);
        """,
    )


@migrations()
def recipient_without_case(db: Database) -> None:
    """The daily limit asks by address in lower case."""
    run_script(db, "CREATE INDEX outbox_recipient_lower ON outbox (lower(recipient), created) WHERE automatic = 1;")


@migrations()
def counted_by_time(db: Database) -> None:
    """The circuit breaker counts the last hour before each mail; all that it asks for stands in the index, not behind the mails' bytes."""
    run_script(db, "CREATE INDEX outbox_claimed ON outbox (claimed_at, state) WHERE automatic = 1 AND claimed_at IS NOT NULL;")


class Outbox:
    """The part of ``bot.store.Tx`` that is about outgoing mail."""

    db: Database

    if TYPE_CHECKING:  # other parts of the same transaction

        def event(self, kind: str, subject: str, facts: dict[str, Any], now: datetime, *, actor: str = "bot") -> None:
            """See ``bot.store.Tx``; audit.Audit has it."""
            ...

    def add_mail(self, mail: Outgoing, now: datetime) -> bool:
        """See ``bot.store.Tx``. A Message-ID that is there already is left as it is: the same decision made twice."""
        state = "draft" if mail.kind == "draft" else "waiting"
        cursor = self.db.conn.execute(
            """INSERT INTO outbox (message_id, kind, sender, recipient, content, mail_key, case_ref, automatic, language, topics, meta,
               state, created, not_before) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (message_id) DO NOTHING""",
            (
                mail.message_id,
                mail.kind,
                mail.sender,
                mail.recipient,
                mail.content,
                mail.mail_key,
                mail.case_ref,
                int(mail.automatic),
                mail.language.value,
                encode(mail.topics),
                encode(mail.meta),
                state,
                stamp(now),
                stamp(now),
            ),
        )
        return bool(cursor.rowcount)

    def claim(self, now: datetime, *, paused: bool, not_now: Collection[str] = ()) -> Outgoing | None:
        """See ``bot.store.Tx``."""
        kinds = f"AND kind IN ({','.join(repr(kind) for kind in WHILE_PAUSED)})" if paused else ""
        held = f"AND kind NOT IN ({','.join('?' * len(not_now))})" if not_now else ""
        row = self.db.conn.execute(
            f"""UPDATE outbox SET state = 'sending', claimed_at = ?1, attempts = attempts + 1 WHERE id =
                (SELECT id FROM outbox WHERE state = 'waiting' AND not_before <= ?1 {kinds} {held} ORDER BY not_before, id LIMIT 1)
                RETURNING message_id, kind, sender, recipient, content, mail_key, case_ref, automatic, language, topics, meta""",
            (stamp(now), *not_now),
        ).fetchone()
        return outgoing(row) if row is not None else None

    def release_claims(self) -> int:
        """See ``bot.store.Tx``."""
        return int(self.db.conn.execute("UPDATE outbox SET state = 'waiting' WHERE state = 'sending'").rowcount)

    def settle(self, message_id: str, delivery: Delivery, now: datetime) -> str:
        """See ``bot.store.Tx``."""
        if delivery.result is Result.SENT:
            row = self.db.conn.execute(
                "UPDATE outbox SET state = 'sent', sent_at = ?, detail = ? WHERE message_id = ? RETURNING kind, mail_key",
                (stamp(now), delivery.detail, message_id),
            ).fetchone()
            if row is None:
                raise KeyError(message_id)
            self._event("sent", message_id, {"kind": row[0], "mail": row[1]}, now)
            return "sent"
        row = self.db.conn.execute("SELECT attempts, mail_key, kind FROM outbox WHERE message_id = ?", (message_id,)).fetchone()
        if row is None:
            raise KeyError(message_id)
        attempts, mail_key, kind = row
        if delivery.result is Result.LATER and attempts <= len(BACKOFF):
            self.db.conn.execute(
                "UPDATE outbox SET state = 'waiting', not_before = ?, detail = ? WHERE message_id = ?",
                (stamp(now + BACKOFF[attempts - 1]), delivery.detail, message_id),
            )
            return "waiting"
        self.db.conn.execute("UPDATE outbox SET state = 'gave-up', detail = ? WHERE message_id = ?", (delivery.detail, message_id))
        self._to_person(mail_key, "gave-up")
        self._event("gave-up", message_id, {"kind": kind, "mail": mail_key, "detail": delivery.detail}, now)
        return "gave-up"

    def expire_held(self, now: datetime) -> int:
        """See ``bot.store.Tx``."""
        rows = self.db.conn.execute(
            """UPDATE outbox SET state = 'discarded', detail = 'held for more than a day' WHERE state = 'waiting' AND automatic = 1
               AND kind IN ('answer', 'receipt') AND created < ? RETURNING message_id, mail_key""",
            (stamp(now - HELD_LONGEST),),
        ).fetchall()
        for message_id, mail_key in rows:
            self._to_person(mail_key, "held")
            self._event("held-too-long", message_id, {"mail": mail_key}, now)
        return len(rows)

    def outgoing_of(self, mail_key: str) -> list[dict[str, Any]]:
        """All that was written about a mail, oldest first, without the bytes."""
        rows = self.db.conn.execute(
            """SELECT message_id, kind, recipient, state, attempts, created, sent_at, detail, topics, case_ref, language FROM outbox
               WHERE mail_key = ? ORDER BY id""",
            (mail_key,),
        ).fetchall()
        names = ("message_id", "kind", "recipient", "state", "attempts", "created", "sent_at", "detail", "topics", "case_ref", "language")
        return [{**dict(zip(names, row, strict=True)), "topics": decode(row[8], [])} for row in rows]

    def outgoing_content(self, message_id: str) -> bytes:
        """The finished mail. ``KeyError`` when unknown."""
        row = self.db.conn.execute("SELECT content FROM outbox WHERE message_id = ?", (message_id,)).fetchone()
        if row is None:
            raise KeyError(message_id)
        return bytes(row[0])

    def discard(self, message_id: str, actor: str, now: datetime) -> bool:
        """Take back a draft or a mail that has not been sent; False when it is too late."""
        done = self.db.conn.execute(
            "UPDATE outbox SET state = 'discarded', detail = ? WHERE message_id = ? AND state IN ('draft', 'waiting', 'gave-up')",
            (f"discarded by {actor}", message_id),
        ).rowcount
        if done:
            self._event("discarded", message_id, {}, now, actor)
        return bool(done)

    def retry(self, message_id: str, actor: str, now: datetime) -> bool:
        """Send once more what was given up, under the same Message-ID."""
        done = self.db.conn.execute(
            "UPDATE outbox SET state = 'waiting', attempts = 0, not_before = ? WHERE message_id = ? AND state = 'gave-up'",
            (stamp(now), message_id),
        ).rowcount
        if done:
            self._event("retried", message_id, {}, now, actor)
        return bool(done)

    def _to_person(self, mail_key: str, attention: str) -> None:
        self.db.conn.execute(
            "UPDATE mail SET needs_person = 1, urgent = 1, attention = ?, done_at = NULL, done_by = NULL WHERE key = ?",
            (attention, mail_key),
        )

    def _event(self, kind: str, subject: str, facts: dict[str, Any], now: datetime, actor: str = "bot") -> None:
        self.event(kind, subject, facts, now, actor=actor)


def outgoing(row: tuple[Any, ...]) -> Outgoing:
    """The value of an outbox row as ``claim`` selects it."""
    return Outgoing(
        row[0],
        row[1],
        row[2],
        row[3],
        bytes(row[4]),
        mail_key=row[5],
        case_ref=row[6],
        automatic=bool(row[7]),
        language=Language(row[8]),
        topics=tuple(decode(row[9], [])),
        meta=decode(row[10], {}),
    )
