"""Mails: their arrival, what was decided of them, what is known around them, and how to find them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database, Migrations

from bot.model import Category, Decision, Examined, Findings, Message, Outgoing, Past, Raw, Reason, Sent, Understanding
from bot.store import AlreadyRecorded
from bot.store.codec import decode, encode, moment, run_script, stamp

migrations = Migrations("mails")

PROVISIONAL = re.compile(r"\bM-\d{4}-\d{4,6}\b", re.IGNORECASE)  # the number that an application gets before it has a reference
PROVISIONAL_READ = 20_000  # characters
RESTRICTED = {"identity-number", "data-file"}  # what is never put into the search index

if TYPE_CHECKING:
    from bot.model import Case


@migrations()
def first(db: Database) -> None:
    """The mail, its bytes apart from what is updated often, and what was read and decided."""
    run_script(
        db,
        """
        CREATE TABLE mail (
          id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, received TEXT NOT NULL, source TEXT NOT NULL,
          envelope_from TEXT, envelope_to TEXT NOT NULL, size INTEGER NOT NULL,
          state TEXT NOT NULL DEFAULT 'waiting',          -- waiting | handled | failed | copy | purged
          attempts INTEGER NOT NULL DEFAULT 0, handled_at TEXT,
          message_id TEXT, content_hash TEXT, sender TEXT, sender_name TEXT, subject TEXT, language TEXT,
          category TEXT, confidence REAL, reply TEXT, case_ref TEXT NOT NULL DEFAULT '', suggested_ref TEXT NOT NULL DEFAULT '',
          trust TEXT, topic TEXT, copy_of TEXT NOT NULL DEFAULT '', folder TEXT, mode TEXT,
          needs_person INTEGER NOT NULL DEFAULT 0, urgent INTEGER NOT NULL DEFAULT 0, restricted INTEGER NOT NULL DEFAULT 0,
          attention TEXT NOT NULL DEFAULT '',             -- why it came back to a person later: gave-up, held, bounced
          done_at TEXT, done_by TEXT
        );
        CREATE INDEX mail_waiting ON mail (received) WHERE state = 'waiting';
        CREATE INDEX mail_message_id ON mail (message_id);
        CREATE INDEX mail_content_hash ON mail (content_hash);
        CREATE INDEX mail_case ON mail (case_ref);
        CREATE INDEX mail_person ON mail (urgent, received) WHERE needs_person = 1;
        CREATE TABLE raw (id INTEGER PRIMARY KEY REFERENCES mail (id), content BLOB NOT NULL);
        CREATE TABLE reading (
          id INTEGER PRIMARY KEY REFERENCES mail (id), own TEXT, text TEXT, html TEXT, headers TEXT, defects TEXT, thread TEXT,
          attachments TEXT, understanding TEXT, findings TEXT, decision TEXT, versions TEXT
        );
        CREATE VIRTUAL TABLE mail_search USING fts5 (subject, sender, own, attachments, tokenize = "unicode61 remove_diacritics 0");
        CREATE TABLE mirror (
          id INTEGER PRIMARY KEY REFERENCES mail (id), folder TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'waiting',
          attempts INTEGER NOT NULL DEFAULT 0, not_before TEXT NOT NULL
        );
        CREATE INDEX mirror_due ON mirror (not_before) WHERE state = 'waiting';
        CREATE TABLE flag (name TEXT PRIMARY KEY, value TEXT NOT NULL, changed TEXT NOT NULL);
        """,
    )


@migrations()
def begun(db: Database) -> None:
    """What a crash left begun is looked for before each batch; a long backlog must not be walked for it."""
    run_script(db, "CREATE INDEX mail_begun ON mail (received) WHERE state = 'waiting' AND attempts > 0;")


MIRROR_RETRY = timedelta(seconds=30)
MIRROR_RETRY_LONGEST = timedelta(hours=1)


class Mails:
    """The part of ``bot.store.Tx`` that is about mails."""

    db: Database

    if TYPE_CHECKING:  # other parts of the same transaction

        def case(self, ref: str) -> Case | None:
            """See ``bot.store.Tx``."""
            ...

        def cases_of(self, address: str, domain: str) -> list[Case]:
            """Open cases in which the address is a contact or its domain is the case's."""
            ...

        def open_cases(self) -> list[Case]:
            """Every open case."""
            ...

        def cases_of_numbers(self, numbers: Iterable[str]) -> list[str]:
            """References that provisional numbers have been tied to."""
            ...

        def next_application_number(self, now: datetime) -> str:
            """The provisional number that an application would get now."""
            ...

        def add_mail(self, mail: Outgoing, now: datetime) -> bool:
            """See ``bot.store.Tx``."""
            ...

        def register_findings(self, key: str, message: Message, findings: Findings, decision: Decision, now: datetime) -> None:
            """Write the entries of the registers that follow from a mail; registers.Registers has it."""
            ...

        def event(self, kind: str, subject: str, facts: dict[str, Any], now: datetime, *, actor: str = "bot") -> None:
            """See ``bot.store.Tx``; audit.Audit has it."""
            ...

    def _one(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self.db.conn.execute(sql, values).fetchone()
        return row

    def _all(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.db.conn.execute(sql, values).fetchall()

    def _id(self, key: str) -> int:
        row = self._one("SELECT id FROM mail WHERE key = ?", key)
        if row is None:
            raise KeyError(key)
        return int(row[0])

    # ① ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def arrive(self, raw: Raw) -> bool:
        """See ``bot.store.Tx``."""
        cursor = self.db.conn.execute(
            "INSERT INTO mail (key, received, source, envelope_from, envelope_to, size) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
            (raw.key, stamp(raw.received), raw.source, raw.envelope_from, encode(raw.envelope_to), len(raw.content)),
        )
        if not cursor.rowcount:
            return False
        self.db.conn.execute("INSERT INTO raw (id, content) VALUES (?, ?)", (cursor.lastrowid, raw.content))
        return True

    def known_keys(self, prefix: str) -> set[str]:
        """All keys that begin with ``prefix`` (``imap:INBOX:1700000000:``), purged ones included."""
        return {
            row[0] for row in self._all("SELECT key FROM mail WHERE key >= ? AND key < ?", prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1))
        }

    # ② ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def waiting(self, limit: int) -> list[str]:
        """See ``bot.store.Tx``."""
        suspects = self._all("SELECT key FROM mail WHERE state = 'waiting' AND attempts > 0 ORDER BY received, id LIMIT ?", min(limit, 1))
        rows = suspects or self._all("SELECT key FROM mail WHERE state = 'waiting' ORDER BY received, id LIMIT ?", limit)
        return [row[0] for row in rows]

    def start(self, key: str) -> int:
        """See ``bot.store.Tx``."""
        row = self._one("UPDATE mail SET attempts = attempts + 1 WHERE key = ? RETURNING attempts", key)
        if row is None:
            raise KeyError(key)
        return int(row[0])

    def raw(self, key: str) -> Raw:
        """See ``bot.store.Tx``."""
        row = self._one(
            "SELECT mail.received, source, envelope_from, envelope_to, content FROM mail LEFT JOIN raw USING (id) WHERE key = ?", key
        )
        if row is None or row[4] is None:
            raise KeyError(key)
        return Raw(key, bytes(row[4]), moment(row[0]), row[1], row[2], tuple(decode(row[3], [])))

    def past(self, key: str, message: Message, understanding: Understanding, now: datetime) -> Past:
        """See ``bot.store.Tx``. What is not there is not asked for: SQLite would walk a whole index for ``IN ()``."""
        thread = tuple(
            dict.fromkeys((*message.in_reply_to, *message.references, *((message.bounce.message_id,) if message.bounce else ())))
        )
        sent = tuple(self._sent(thread)) if thread else ()
        numbers = PROVISIONAL.findall(f"{message.subject}\n{message.own}"[:PROVISIONAL_READ])
        of_thread = self._thread_cases(thread, sent) if thread else ()
        thread_cases = tuple(dict.fromkeys((*of_thread, *(self.cases_of_numbers(numbers) if numbers else ()))))
        references = dict.fromkeys((*understanding.case_refs, *thread_cases))
        known = tuple(case for case in (self.case(ref) for ref in references) if case is not None)
        alone = not known and message.automatic is None
        return Past(
            copy_of=self._copy_of(key, message),
            sent=sent,
            thread_cases=thread_cases,
            known=known,
            sender_cases=tuple(self.cases_of(message.sender.address, message.sender.domain)) if message.automatic is None else (),
            open_cases=tuple(self.open_cases()) if alone else (),
            automatic_today=self._automatic_since(message, now - timedelta(hours=24)),
            receipt_in_thread=bool(thread) and self._receipt_in_thread(thread),
            application_number=self.next_application_number(now) if understanding.category is Category.APPLICATION else "",
        )

    def _copy_of(self, key: str, message: Message) -> str:
        """An earlier mail with the same Message-ID and the same hash of From, Date, Subject and body; where there is no
        Message-ID, the same hash alone, if the mail says when it was written. What came as a machine's (through a list) makes no
        copy of what comes from the person: somebody must see it."""
        if not message.content_hash or not (message.message_id or message.date):
            return ""
        row = self._one(
            """SELECT key FROM mail WHERE content_hash = ? AND message_id = ? AND key != ? AND state IN ('handled', 'failed', 'purged')
               AND copy_of = '' AND (category != 'auto' OR ?) LIMIT 1""",
            message.content_hash,
            message.message_id,
            key,
            message.automatic is not None,
        )
        return str(row[0]) if row is not None else ""

    def _sent(self, thread: tuple[str, ...]) -> Iterable[Sent]:
        marks = ",".join("?" * len(thread))
        for row in self._all(
            f"SELECT message_id, kind, mail_key, case_ref, recipient FROM outbox WHERE message_id IN ({marks}) AND state != 'discarded'",
            *thread,
        ):
            yield Sent(*row)

    def _thread_cases(self, thread: tuple[str, ...], sent: tuple[Sent, ...]) -> tuple[str, ...]:
        marks = ",".join("?" * len(thread))
        rows = self._all(f"SELECT case_ref FROM mail WHERE message_id IN ({marks}) AND case_ref != ''", *thread)
        if of_ours := [mail.mail_key for mail in sent if mail.mail_key]:
            marks = ",".join("?" * len(of_ours))
            rows += self._all(f"SELECT case_ref FROM mail WHERE key IN ({marks}) AND case_ref != ''", *of_ours)
        return tuple(dict.fromkeys((*(row[0] for row in rows), *(mail.case_ref for mail in sent if mail.case_ref))))

    def _automatic_since(self, message: Message, since: datetime) -> int:
        addresses = {message.sender.address.lower(), *(address.address.lower() for address in message.reply_to)}
        marks = ",".join("?" * len(addresses))
        row = self._one(
            f"SELECT count(*) FROM outbox WHERE automatic = 1 AND lower(recipient) IN ({marks}) AND created > ? AND state != 'discarded'",
            *addresses,
            stamp(since),
        )
        return int(row[0]) if row is not None else 0

    def _receipt_in_thread(self, thread: tuple[str, ...]) -> bool:
        marks = ",".join("?" * len(thread))
        row = self._one(
            f"""SELECT 1 FROM outbox WHERE kind = 'receipt' AND state != 'discarded' AND (message_id IN ({marks})
                OR mail_key IN (SELECT key FROM mail WHERE message_id IN ({marks}))) LIMIT 1""",
            *thread,
            *thread,
        )
        return row is not None

    def record(
        self,
        key: str,
        message: Message,
        examined: Examined,
        understanding: Understanding,
        findings: Findings,
        decision: Decision,
        mails: tuple[Outgoing, ...],
        now: datetime,
        *,
        mirror: str = "",
        versions: dict[str, str] | None = None,
    ) -> None:
        """See ``bot.store.Tx``."""
        number = self._write_decision(key, message, understanding, findings, decision, now)
        self._write_reading(number, message, examined, understanding, findings, decision, versions or {})
        if not RESTRICTED & set(understanding.sensitive) and not message.quarantine:
            self._index(number, message, examined)
        self.register_findings(key, message, findings, decision, now)
        for mail in mails:
            self.add_mail(mail, now)
        if mirror:
            self.db.conn.execute("INSERT OR REPLACE INTO mirror (id, folder, not_before) VALUES (?, ?, ?)", (number, mirror, stamp(now)))
        self.event(
            "decided",
            key,
            {
                "category": decision.category.value,
                "reply": decision.reply.value,
                "reasons": [reason.value for reason in decision.reasons],
                "case": findings.match.case_ref if findings.match else "",
                "mails": [mail.message_id for mail in mails],
            },
            now,
        )

    def _write_decision(
        self, key: str, message: Message, understanding: Understanding, findings: Findings, decision: Decision, now: datetime
    ) -> int:
        """Set what was decided, and give the mail's number."""
        match = findings.match
        linked = match is not None and match.certain
        suggestion = (
            match.case_ref if match is not None and not linked else (findings.suggestions[0].case_ref if findings.suggestions else "")
        )
        topic = understanding.faq or (understanding.alternatives[0].id if understanding.alternatives else "")
        copy = Reason.COPY in decision.reasons
        return self._claimed(
            key,
            self._one(
                """UPDATE mail SET state = ?, handled_at = ?, message_id = ?, content_hash = ?, sender = ?, sender_name = ?, subject = ?,
                   language = ?, category = ?, confidence = ?, reply = ?, case_ref = ?, suggested_ref = ?, trust = ?, topic = ?, copy_of = ?,
                   folder = ?, mode = ?, needs_person = ?, urgent = ?, restricted = ?, attention = ?
                   WHERE key = ? AND state = 'waiting' RETURNING id""",
                "copy" if copy else "handled",
                stamp(now),
                message.message_id,
                message.content_hash,
                message.sender.address,
                message.sender.name,
                message.subject,
                understanding.language.value,
                decision.category.value,
                understanding.confidence,
                decision.reply.value,
                match.case_ref if match is not None and linked else "",
                suggestion,
                findings.trust.value,
                topic,
                self._copy_of(key, message) if copy else "",
                decision.folder,
                decision.mode.value,
                int(decision.needs_person),
                int(decision.urgent),
                int(bool(RESTRICTED & set(understanding.sensitive)) or bool(message.quarantine)),
                "bounced" if Reason.BOUNCE_OF_OURS in decision.reasons else "",
                key,
            ),
        )

    def _claimed(self, key: str, row: tuple[Any, ...] | None) -> int:
        """The number of a mail that was taken from waiting in one statement. Errors: ``AlreadyRecorded``."""
        if row is None:
            raise AlreadyRecorded(f"{key} is recorded already or unknown")
        return int(row[0])

    def _write_reading(
        self,
        number: int,
        message: Message,
        examined: Examined,
        understanding: Understanding,
        findings: Findings,
        decision: Decision,
        versions: dict[str, str],
    ) -> None:
        self.db.conn.execute(
            "INSERT INTO reading (id, own, text, html, headers, defects, thread, attachments, understanding, findings, decision, versions) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                message.own,
                message.text,
                message.html,
                encode(message.headers),
                encode(message.defects),
                encode([*message.references, *message.in_reply_to]),
                encode(examined.attachments),
                encode(understanding),
                encode(findings),
                encode(decision),
                encode(versions),
            ),
        )

    def _index(self, number: int, message: Message, examined: Examined) -> None:
        names = " ".join(attachment.name for attachment in message.attachments)
        sender = f"{message.sender.name} {message.sender.address}"
        self.db.conn.execute(
            "INSERT INTO mail_search (rowid, subject, sender, own, attachments) VALUES (?, ?, ?, ?, ?)",
            (number, message.subject, sender, message.text, names),
        )

    def record_failure(
        self, key: str, reason: str, defects: tuple[str, ...], now: datetime, *, mirror: str = "", folder: str = "other"
    ) -> None:
        """See ``bot.store.Tx``."""
        number = self._claimed(
            key,
            self._one(
                """UPDATE mail SET state = 'failed', handled_at = ?, category = 'other', reply = 'none', folder = ?, needs_person = 1, urgent = 1,
                   restricted = 1, attention = ? WHERE key = ? AND state = 'waiting' RETURNING id""",
                stamp(now),
                folder,
                reason,
                key,
            ),
        )
        self.db.conn.execute("INSERT OR REPLACE INTO reading (id, defects) VALUES (?, ?)", (number, encode(defects)))
        if mirror:
            self.db.conn.execute("INSERT OR REPLACE INTO mirror (id, folder, not_before) VALUES (?, ?, ?)", (number, mirror, stamp(now)))
        self.event("not-understood", key, {"reason": reason}, now)

    def last_language(self, address: str) -> str:
        """The language of the last mail from an address, or ``""``."""
        row = self._one(
            "SELECT language FROM mail WHERE lower(sender) = ? AND language IS NOT NULL ORDER BY received DESC LIMIT 1", address.lower()
        )
        return str(row[0]) if row is not None else ""

    def open_since(self, before: datetime) -> list[dict[str, Any]]:
        """Mails that wait for a person since before ``before``: key, case, category, time of arrival, urgent or not; no content."""
        rows = self._all(
            """SELECT key, case_ref, category, received, urgent FROM mail WHERE needs_person = 1 AND done_at IS NULL AND received < ?
               ORDER BY received LIMIT 500""",
            stamp(before),
        )
        return [dict(zip(("key", "case_ref", "category", "received", "urgent"), row, strict=True)) for row in rows]

    def summary(self, key: str) -> dict[str, Any]:
        """What became of a mail: ``category``, ``case``, ``actions``, ``reasons``, ``reply``, ``language``, ``trust``, ``topic``, ``state``."""
        row = self._one(
            """SELECT category, case_ref, reply, language, trust, topic, state, decision, subject, sender, copy_of
               FROM mail LEFT JOIN reading USING (id) WHERE key = ?""",
            key,
        )
        if row is None:
            raise KeyError(key)
        names = ("category", "case", "reply", "language", "trust", "topic", "state", "decision", "subject", "sender", "copy_of")
        summary = dict(zip(names, row, strict=True))
        decision = decode(summary.pop("decision"), {})
        drafts = [action["act"] for action in decision.get("actions", ()) if not (action["draft"] and action["act"] == "answer")]
        return {**summary, "actions": list(dict.fromkeys(drafts)), "reasons": decision.get("reasons", ["not-understood"])}

    # ④ ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def mirror_due(self, now: datetime, limit: int) -> list[tuple[str, str]]:
        """See ``bot.store.Tx``."""
        rows = self._all(
            "SELECT key, mirror.folder FROM mirror JOIN mail USING (id) WHERE mirror.state = 'waiting' AND not_before <= ? ORDER BY not_before, id LIMIT ?",
            stamp(now),
            limit,
        )
        return [(row[0], row[1]) for row in rows]

    def mirrored(self, key: str, outcome: str, now: datetime) -> None:
        """See ``bot.store.Tx``."""
        if outcome != "retry":
            self.db.conn.execute(
                "UPDATE mirror SET state = ?, attempts = attempts + 1 WHERE id = (SELECT id FROM mail WHERE key = ?)", (outcome, key)
            )
            return
        number = self._id(key)
        row = self._one("UPDATE mirror SET attempts = attempts + 1 WHERE id = ? RETURNING attempts", number)
        tries = int(row[0]) if row is not None else 1
        wait = min(MIRROR_RETRY * 2 ** min(tries - 1, 10), MIRROR_RETRY_LONGEST)
        self.db.conn.execute("UPDATE mirror SET not_before = ? WHERE id = ?", (stamp(now + wait), number))

    # figures ──────────────────────────────────────────────────────────────────────────────────────────────────

    def counts(self, now: datetime) -> dict[str, float]:
        """See ``bot.store.Tx``."""
        row = (
            self._one(
                """SELECT count(*), sum(state != 'waiting'), sum(state = 'waiting'), sum(folder = 'quarantine'), sum(needs_person AND done_at IS NULL),
               min(CASE WHEN state = 'waiting' THEN received END),
               avg(CASE WHEN state = 'handled' AND category != 'auto' AND received > ? THEN trust = 'unverified' END) FROM mail""",
                stamp(now - timedelta(days=1)),
            )
            or (0,) * 7
        )
        out = (
            self._one(
                """SELECT sum(state IN ('waiting', 'sending')), min(CASE WHEN state IN ('waiting', 'sending') THEN created END),
               sum(state = 'gave-up'), sum(automatic = 1 AND created > ? AND state != 'discarded') FROM outbox""",
                stamp(now - timedelta(hours=1)),
            )
            or (0,) * 4
        )
        mirror = self._one("SELECT count(*) FROM mirror WHERE state = 'waiting'") or (0,)

        def age(text: str | None) -> float:
            return max(0.0, (now - moment(text)).total_seconds()) if text else 0.0

        return {
            "arrived": float(row[0] or 0),
            "handled": float(row[1] or 0),
            "waiting": float(row[2] or 0),
            "quarantined": float(row[3] or 0),
            "for_person": float(row[4] or 0),
            "oldest_waiting_seconds": age(row[5]),
            "unverified_share": float(row[6] or 0),
            "outbox_waiting": float(out[0] or 0),
            "outbox_oldest_seconds": age(out[1]),
            "gave_up": float(out[2] or 0),
            "automatic_last_hour": float(out[3] or 0),
            "mirror_waiting": float(mirror[0] or 0),
        }
