"""The registers: cases, deletions, offers, applications."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database, Migrations

from bot.model import Case, Decision, Findings, Message
from bot.store.codec import day, decode, encode, run_script, stamp

migrations = Migrations("registers")

LISTS = ("domains", "contacts", "serial_numbers", "signatories")
DATES = ("decision_date", "offer_sent", "offer_due", "delivered", "deletion_due")
COLUMNS = (
    "case_ref",
    "title",
    "institution",
    "domains",
    "contacts",
    "caseworker",
    "state",
    "decision_date",
    "offer_sent",
    "offer_due",
    "delivered",
    "deletion_due",
    "serial_numbers",
    "signatories",
)
DELETION_COLUMNS = (
    "case_ref",
    "verdict",
    "received",
    "deleted_on",
    "partial",
    "sender",
    "trust",
    "message_id",
    "sentence",
    "serial_numbers",
    "copies",
    "concluded_by",
)

# Who may speak in a case: a proven sender, or a contact whose address nothing contradicts. A stranger's mail, or one in a contact's
# name that failed DMARC, must not quieten a reminder.
THEIRS = """({0}.trust != 'unverified' OR (NOT EXISTS (SELECT 1 FROM json_each({0}.why) WHERE value = 'dmarc-fail')
  AND EXISTS (SELECT 1 FROM json_each(cases.contacts) WHERE lower(value) = lower({0}.sender))))"""


@migrations()
def first(db: Database) -> None:
    """Cases, and one table per kind of matter."""
    run_script(
        db,
        """
        CREATE TABLE cases (
          case_ref TEXT PRIMARY KEY, title TEXT NOT NULL DEFAULT '', institution TEXT NOT NULL DEFAULT '', domains TEXT NOT NULL DEFAULT '[]',
          contacts TEXT NOT NULL DEFAULT '[]', caseworker TEXT NOT NULL DEFAULT '', state TEXT NOT NULL DEFAULT 'open',
          decision_date TEXT, offer_sent TEXT, offer_due TEXT, delivered TEXT, deletion_due TEXT,
          serial_numbers TEXT NOT NULL DEFAULT '[]', signatories TEXT NOT NULL DEFAULT '[]', changed TEXT NOT NULL
        );
        CREATE TABLE deletion (
          id INTEGER PRIMARY KEY, case_ref TEXT NOT NULL, verdict TEXT NOT NULL, received TEXT NOT NULL, deleted_on TEXT,
          partial INTEGER NOT NULL, copies INTEGER, sender TEXT NOT NULL, trust TEXT NOT NULL, message_id TEXT NOT NULL, mail_key TEXT NOT NULL,
          sentence TEXT NOT NULL, place TEXT NOT NULL, serial_numbers TEXT NOT NULL, why TEXT NOT NULL, concluded_by TEXT NOT NULL DEFAULT ''
        );
        CREATE INDEX deletion_case ON deletion (case_ref);
        CREATE TABLE deletion_history (
          id INTEGER PRIMARY KEY, deletion INTEGER NOT NULL REFERENCES deletion (id), at TEXT NOT NULL, verdict TEXT NOT NULL,
          actor TEXT NOT NULL, reason TEXT NOT NULL
        );
        CREATE TABLE offer (
          id INTEGER PRIMARY KEY, case_ref TEXT NOT NULL, mail_key TEXT NOT NULL, received TEXT NOT NULL, sender TEXT NOT NULL, trust TEXT NOT NULL,
          accepted_by TEXT NOT NULL, in_time INTEGER, due TEXT, document TEXT NOT NULL, signatures TEXT NOT NULL, signer_on_list INTEGER,
          remarks TEXT NOT NULL, why TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'received', concluded_by TEXT NOT NULL DEFAULT ''
        );
        CREATE TABLE application (
          id INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE, case_ref TEXT NOT NULL, mail_key TEXT NOT NULL, received TEXT NOT NULL,
          sender TEXT NOT NULL, kind TEXT NOT NULL, applicant TEXT NOT NULL, checklist TEXT NOT NULL, why TEXT NOT NULL,
          state TEXT NOT NULL DEFAULT 'received', concluded_by TEXT NOT NULL DEFAULT ''
        );
        """,
    )


def to_case(row: dict[str, Any]) -> Case:
    """The value of a row of the table ``cases``."""
    return _case(tuple(row[name] for name in COLUMNS))


@lru_cache(maxsize=4096)
def _case(row: tuple[Any, ...]) -> Case:
    """The value of the columns; kept, for every mail of a stranger is held against every open case."""
    values = dict(zip(COLUMNS, row, strict=True))
    for name in LISTS:
        values[name] = tuple(decode(values[name], []))
    for name in DATES:
        values[name] = day(values[name])
    return Case(**values)


class Registers:
    """The part of ``bot.store.Tx`` that keeps the registers."""

    db: Database

    if TYPE_CHECKING:  # other parts of the same transaction

        def event(self, kind: str, subject: str, facts: dict[str, Any], now: datetime, *, actor: str = "bot") -> None:
            """See ``bot.store.Tx``; audit.Audit has it."""
            ...

    def _rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        cursor = self.db.conn.execute(sql, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def case(self, ref: str) -> Case | None:
        """See ``bot.store.Tx``."""
        rows = self._rows("SELECT * FROM cases WHERE case_ref = ?", ref)
        return to_case(rows[0]) if rows else None

    def cases(self) -> list[Case]:
        """See ``bot.store.Tx``."""
        return [to_case(row) for row in self._rows("SELECT * FROM cases ORDER BY case_ref DESC")]

    def open_cases(self) -> list[Case]:
        """Every case that is not closed."""
        return [to_case(row) for row in self._rows("SELECT * FROM cases WHERE state != 'closed' ORDER BY case_ref")]

    def cases_of(self, address: str, domain: str) -> list[Case]:
        """Open cases in which the address is a contact, or whose domains the sender's domain equals or lies below."""
        if not address:
            return []
        suffixes = [domain.split(".", n)[-1] for n in range(domain.count(".") + 1)] if domain else []
        marks = ",".join("?" * len(suffixes))
        rows = self._rows(
            f"""SELECT DISTINCT cases.* FROM cases
                LEFT JOIN json_each(cases.contacts) AS contact LEFT JOIN json_each(cases.domains) AS own_domain
                WHERE state != 'closed' AND (lower(contact.value) = ? OR own_domain.value IN ({marks})) ORDER BY case_ref LIMIT 20""",
            address.lower(),
            *suffixes,
        )
        return [to_case(row) for row in rows]

    def upsert_cases(self, rows: list[tuple[str, dict[str, Any]]], now: datetime) -> int:
        """See ``bot.store.Tx``."""
        changed = 0
        for ref, values in rows:
            before = self._rows("SELECT * FROM cases WHERE case_ref = ?", ref)
            stored = {name: _column(name, value) for name, value in values.items() if name in COLUMNS and name != "case_ref"}
            if before and all(before[0][name] == value for name, value in stored.items()):
                continue
            self.db.conn.execute("INSERT INTO cases (case_ref, changed) VALUES (?, ?) ON CONFLICT (case_ref) DO NOTHING", (ref, stamp(now)))
            if stored:
                assignments = ", ".join(f"{name} = ?" for name in stored)
                self.db.conn.execute(f"UPDATE cases SET {assignments}, changed = ? WHERE case_ref = ?", (*stored.values(), stamp(now), ref))
            self.event("case-changed" if before else "case-added", ref, {"columns": sorted(stored)}, now)
            changed += 1
        return changed

    def confirmed_deletions(self) -> frozenset[str]:
        """References of cases whose deletion stands as confirmed."""
        return frozenset(row["case_ref"] for row in self._rows("SELECT DISTINCT case_ref FROM deletion WHERE verdict = 'confirmed'"))

    def answered_offers(self) -> frozenset[str]:
        """References of cases whose offer came back in some form, from somebody who may speak in the case (``THEIRS``), or
        whose answer a person has concluded on; one that a person found incomplete is still awaited."""
        return frozenset(
            row["case_ref"]
            for row in self._rows(
                f"""SELECT DISTINCT offer.case_ref FROM offer LEFT JOIN cases USING (case_ref) WHERE offer.case_ref != ''
                    AND offer.state != 'incomplete' AND (concluded_by != '' OR {THEIRS.format("offer")})"""
            )
        )

    def reported_deletions(self) -> frozenset[str]:
        """References of cases in which somebody who may speak in them has reported a deletion that nobody has rejected: there is
        nobody to remind, though a person may still have to look."""
        return frozenset(
            row["case_ref"]
            for row in self._rows(
                f"""SELECT DISTINCT deletion.case_ref FROM deletion LEFT JOIN cases USING (case_ref) WHERE deletion.case_ref != ''
                    AND (verdict = 'confirmed' OR (verdict = 'to-check' AND {THEIRS.format("deletion")}))"""
            )
        )

    def deletions(self) -> list[dict[str, Any]]:
        """See ``bot.store.Tx``."""
        rows = self._rows(f"SELECT id, mail_key, why, {', '.join(DELETION_COLUMNS)} FROM deletion ORDER BY received DESC, id DESC")
        for row in rows:
            row["serial_numbers"] = decode(row["serial_numbers"], [])
            row["why"] = decode(row["why"], [])
        return rows

    def tie_deletion(self, number: int, case_ref: str, now: datetime, *, actor: str) -> None:
        """Tie an entry of the deletion register to a case; where it stood before is kept in its history. ``KeyError`` when unknown."""
        rows = self._rows("SELECT case_ref, verdict FROM deletion WHERE id = ?", number)
        if not rows:
            raise KeyError(number)
        was, verdict = rows[0]["case_ref"], rows[0]["verdict"]
        self.db.conn.execute("UPDATE deletion SET case_ref = ? WHERE id = ?", (case_ref, number))
        self.db.conn.execute(
            "INSERT INTO deletion_history (deletion, at, verdict, actor, reason) VALUES (?, ?, ?, ?, ?)",
            (number, stamp(now), verdict, actor, f"{was or '-'} → {case_ref or '-'}"),
        )
        self.event("deletion-tied", case_ref, {"deletion": number, "was": was}, now, actor=actor)

    def offers(self) -> list[dict[str, Any]]:
        """The offer register, newest first; ``signatures``, ``remarks`` and ``why`` as plain values."""
        return self._decoded("SELECT * FROM offer ORDER BY received DESC, id DESC", ("signatures", "remarks", "why"))

    def applications(self) -> list[dict[str, Any]]:
        """The application register, newest first; ``checklist`` and ``why`` as plain values."""
        return self._decoded("SELECT * FROM application ORDER BY received DESC, id DESC", ("checklist", "why"))

    def reminder_drafts(self) -> list[dict[str, Any]]:
        """Drafts that belong to a case and to no mail: reminders that a person must send."""
        return self._rows(
            "SELECT message_id, recipient, case_ref, created, language FROM outbox WHERE kind = 'draft' AND mail_key = '' AND state = 'draft' ORDER BY id"
        )

    def _decoded(self, sql: str, columns: tuple[str, ...]) -> list[dict[str, Any]]:
        return [{**row, **{name: decode(row[name], []) for name in columns}} for row in self._rows(sql)]

    def register_findings(self, key: str, message: Message, findings: Findings, decision: Decision, now: datetime) -> None:
        """Write the entries that follow from a mail: nothing unless the decision asks to register."""
        if not any(action.act.value == "register" for action in decision.actions):
            return
        received = self._rows("SELECT received FROM mail WHERE key = ?", key)[0]["received"]
        for entry in findings.deletions:
            self._add_deletion(key, message, entry, received, now)
        if findings.offer is not None:
            self._add_offer(key, message, findings, received, now)
        if findings.application is not None:
            self._add_application(key, message, findings, received, now)

    def _add_deletion(self, key: str, message: Message, entry: Any, received: str, now: datetime) -> None:
        concluded = "bot" if entry.verdict.value == "confirmed" else ""
        cursor = self.db.conn.execute(
            """INSERT INTO deletion (case_ref, verdict, received, deleted_on, partial, copies, sender, trust, message_id, mail_key, sentence, place,
               serial_numbers, why, concluded_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (
                entry.case_ref,
                entry.verdict.value,
                received,
                _column("deletion_due", entry.deleted_on),
                int(entry.partial),
                None if entry.copies is None else int(entry.copies),
                message.sender.address,
                entry.trust.value,
                message.message_id,
                key,
                entry.sentence,
                entry.where,
                encode(entry.serial_numbers),
                encode(entry.why),
                concluded,
            ),
        )
        self.db.conn.execute(
            "INSERT INTO deletion_history (deletion, at, verdict, actor, reason) VALUES (?, ?, ?, 'bot', ?)",
            (cursor.lastrowid, stamp(now), entry.verdict.value, ", ".join(reason.value for reason in entry.why)),
        )
        self.event(
            "deletion-registered", entry.case_ref or key, {"verdict": entry.verdict.value, "mail": key, "trust": entry.trust.value}, now
        )

    def _add_offer(self, key: str, message: Message, findings: Findings, received: str, now: datetime) -> None:
        entry = findings.offer
        assert entry is not None
        self.db.conn.execute(
            """INSERT INTO offer (case_ref, mail_key, received, sender, trust, accepted_by, in_time, due, document, signatures, signer_on_list,
               remarks, why) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (
                entry.case_ref,
                key,
                received,
                message.sender.address,
                findings.trust.value,
                entry.accepted_by,
                None if entry.in_time is None else int(entry.in_time),
                _column("offer_due", entry.due),
                entry.document,
                encode(entry.signatures),
                None if entry.signer_on_list is None else int(entry.signer_on_list),
                encode(entry.remarks),
                encode(entry.why),
            ),
        )
        self.event(
            "offer-registered", entry.case_ref or key, {"mail": key, "accepted_by": entry.accepted_by, "in_time": entry.in_time}, now
        )

    def _add_application(self, key: str, message: Message, findings: Findings, received: str, now: datetime) -> None:
        entry = findings.application
        assert entry is not None
        number = entry.number or self.next_application_number(now)
        self.db.conn.execute(
            """INSERT INTO application (number, case_ref, mail_key, received, sender, kind, applicant, checklist, why)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (
                number,
                entry.case_ref,
                key,
                received,
                message.sender.address,
                entry.kind,
                entry.applicant,
                encode(entry.checklist),
                encode(entry.why),
            ),
        )
        self.event(
            "application-registered", entry.case_ref or number, {"mail": key, "kind": entry.kind, "missing": list(entry.missing)}, now
        )

    def next_application_number(self, now: datetime) -> str:
        """``M-2026-0001``: no archive reference looks like it, and a caseworker ties it to one later. Given out in the same transaction."""
        year = now.year
        row = self.db.conn.execute(
            "SELECT coalesce(max(CAST(substr(number, 8) AS INTEGER)), 0) FROM application WHERE number LIKE ?", (f"M-{year}-%",)
        ).fetchone()
        return f"M-{year}-{int(row[0]) + 1:04d}"

    def cases_of_numbers(self, numbers: Iterable[str]) -> list[str]:
        """References that provisional numbers of applications have been tied to."""
        wanted = [number.upper() for number in numbers]
        marks = ",".join("?" * len(wanted))
        rows = self._rows(f"SELECT DISTINCT case_ref FROM application WHERE number IN ({marks}) AND case_ref != ''", *wanted)
        return [row["case_ref"] for row in rows]

    def tie_application(self, number: str, case_ref: str, now: datetime, *, actor: str) -> bool:
        """Tie a provisional number to the archive's reference; the mail that it came with follows. False for an unknown number.

        Errors: ``KeyError`` for a case that is not in the register.
        """
        rows = self._rows("SELECT id, case_ref, mail_key FROM application WHERE number = ?", number.upper())
        if not rows:
            return False
        if self.case(case_ref) is None:
            raise KeyError(case_ref)
        was = rows[0]["case_ref"]
        self.db.conn.execute("UPDATE application SET case_ref = ? WHERE id = ?", (case_ref, rows[0]["id"]))
        self.db.conn.execute("UPDATE mail SET case_ref = ? WHERE key = ? AND case_ref IN ('', ?)", (case_ref, rows[0]["mail_key"], was))
        self.event("application-tied", case_ref, {"number": number.upper(), "was": was, "mail": rows[0]["mail_key"]}, now, actor=actor)
        return True


def _column(name: str, value: Any) -> Any:
    """A value as its column stores it; an empty value clears."""
    if name in LISTS:
        return encode(list(value or ()))
    if name in DATES:
        if not value:
            return None
        return value.isoformat() if isinstance(value, date) else str(value)
    return value or ("open" if name == "state" else "")
