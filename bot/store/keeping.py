"""How long what is kept: hand-over to the archive, purging when the time is over, and all that is held on one person.

A purged mail loses its bytes, its text, its sender and subject, what was written about it, and its place in the search index;
its row stays with key, Message-ID, hash, category and case, so that the same mail is known when it is offered again and a
thread is not cut. The registers stay: they document the case handling (arkivlova), and the audit log holds no content.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database, Migrations

from bot.store.codec import decode, run_script, stamp

if TYPE_CHECKING:
    from bot.model import Case

migrations = Migrations("keeping")

# Handed over and acknowledged, and nothing came after: a reply, a correction or a caseworker's "done" is handed over again.
ARCHIVED = """(hand_over.acknowledged IS NOT NULL AND hand_over.written >= max(coalesce(mail.handled_at, ''), coalesce(mail.done_at, ''),
  (SELECT coalesce(max(sent_at), '') FROM outbox WHERE mail_key = mail.key),
  (SELECT coalesce(max(at), '') FROM correction WHERE correction.id = mail.id)))"""
COLUMNS = f"""mail.id, key, category, received, mail.state, needs_person AND done_at IS NULL AS open, {ARCHIVED} AS archived,
  (SELECT count(*) FROM outbox WHERE mail_key = mail.key AND outbox.state IN ('waiting', 'sending')) AS leaving"""

OTHERS = "somebody-elses-mail"
REGISTER = "case-documentation"


@migrations()
def first(db: Database) -> None:
    """What was handed over to the archive: in which batch, with which checksum, and whether it was acknowledged."""
    run_script(
        db,
        """
        CREATE TABLE hand_over (
          id INTEGER PRIMARY KEY REFERENCES mail (id), batch TEXT NOT NULL, checksum TEXT NOT NULL, written TEXT NOT NULL,
          acknowledged TEXT, acknowledged_by TEXT NOT NULL DEFAULT ''
        );
        CREATE INDEX hand_over_batch ON hand_over (batch);
        """,
    )


@dataclass(frozen=True, slots=True)
class KeepingRules:
    """What the operator has decided ([retention]): days by category (0 = for ever), and whether the archive comes first."""

    days: Mapping[str, int]
    require_archive: bool = True


def obstacle(row: Mapping[str, Any], rules: KeepingRules) -> str:
    """Why a mail may not be purged yet, whatever its age: ``not-handled``, ``open``, ``leaving``, ``not-archived``; ``""`` if it may."""
    if row["state"] == "waiting":
        return "not-handled"
    if row["open"]:
        return "open"  # it waits for a person
    if row["leaving"]:
        return "leaving"  # a mail about it has not left yet
    if rules.require_archive and not row["archived"]:
        return "not-archived"
    return ""


def erasure_obstacle(row: Mapping[str, Any], rules: KeepingRules) -> str:
    """Why a person's mail may not be erased at his wish: what is kept for ever is ``kept-for-ever``; else as ``obstacle``."""
    if row["state"] != "waiting" and not rules.days.get(row["category"] or "other", 0):
        return "kept-for-ever"
    return obstacle(row, rules)


def person_subject(address: str) -> str:
    """The name of a person in the audit log, which can never be erased: a hash of the address."""
    return "person:" + hashlib.sha256(address.lower().encode()).hexdigest()[:16]


class Keeping:
    """The part of ``bot.store.Tx`` that hands over, purges and shows what is held."""

    db: Database

    if TYPE_CHECKING:  # other parts of the same transaction

        def case(self, ref: str) -> Case | None:
            """See ``bot.store.Tx``."""
            ...

        def event(self, kind: str, subject: str, facts: dict[str, Any], now: datetime, *, actor: str = "bot") -> None:
            """See ``bot.store.Tx``; audit.Audit has it."""
            ...

    def _dicts(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        cursor = self.db.conn.execute(sql, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    # purge ────────────────────────────────────────────────────────────────────────────────────────────────────

    def past_their_days(self, rules: KeepingRules, now: datetime) -> list[dict[str, Any]]:
        """Mails that are kept long enough, oldest first: key, category, received and the ``obstacle`` (``""``: can be purged)."""
        found = []
        for category, days in rules.days.items():
            if not days:
                continue
            rows = self._dicts(
                f"SELECT {COLUMNS} FROM mail LEFT JOIN hand_over USING (id) WHERE category = ? AND received < ? AND mail.state != 'purged'",
                category,
                stamp(now - timedelta(days=days)),
            )
            found += [{name: row[name] for name in ("key", "category", "received")} | {"obstacle": obstacle(row, rules)} for row in rows]
        return sorted(found, key=lambda row: (row["received"], row["key"]))

    def purge(self, keys: Iterable[str], rules: KeepingRules, now: datetime, *, actor: str, why: str) -> int:
        """Purge those of the mails that nothing stands against now; returns how many. ``why``: retention or erasure."""
        judge = obstacle if why == "retention" else erasure_obstacle
        purged = 0
        for key in keys:
            rows = self._dicts(f"SELECT {COLUMNS} FROM mail LEFT JOIN hand_over USING (id) WHERE key = ? AND mail.state != 'purged'", key)
            if rows and not judge(rows[0], rules):
                self._forget(rows[0]["id"], key)
                self.event("purged", key, {"category": rows[0]["category"], "why": why}, now, actor=actor)
                purged += 1
        return purged

    def _forget(self, number: int, key: str) -> None:
        run = self.db.conn.execute
        run("DELETE FROM mail_search WHERE rowid = ?", (number,))
        for table in ("raw", "reading", "note", "correction", "assignment", "presence"):
            run(f"DELETE FROM {table} WHERE id = ?", (number,))
        run(
            """UPDATE mail SET state = 'purged', envelope_from = NULL, envelope_to = '[]', sender = NULL, sender_name = NULL, subject = NULL,
               needs_person = 0, urgent = 0, attention = '' WHERE id = ?""",
            (number,),
        )
        run(
            """UPDATE outbox SET content = x'', recipient = '', meta = '{}',
               state = CASE WHEN state IN ('draft', 'gave-up') THEN 'discarded' ELSE state END WHERE mail_key = ?""",
            (key,),
        )

    def purge_notices(self, before: datetime, *, kind: str = "") -> int:
        """Delete alarms, digests and the like, or of those one kind, that were sent before then and belong to no mail and no case;
        returns how many."""
        return int(
            self.db.conn.execute(
                """DELETE FROM outbox WHERE mail_key = '' AND case_ref = '' AND created < :before AND (kind = :kind OR :kind = '')
                   AND (state IN ('sent', 'discarded') OR state = 'gave-up' AND kind = 'verify-address')""",
                {"before": stamp(before), "kind": kind},
            ).rowcount
        )

    def compact_search(self) -> None:
        """Rewrite the search index without what was deleted from it; until then the words of purged mails lie in the file."""
        self.db.conn.execute("INSERT INTO mail_search (mail_search) VALUES ('optimize')")

    # archive ──────────────────────────────────────────────────────────────────────────────────────────────────

    def to_hand_over(self) -> list[str]:
        """Keys of handled mails that the archive has not acknowledged in their present state, oldest first."""
        rows = self._dicts(
            f"""SELECT key FROM mail LEFT JOIN hand_over USING (id) WHERE mail.state IN ('handled', 'failed', 'copy')
                AND coalesce({ARCHIVED}, 0) = 0 ORDER BY received, mail.id"""
        )
        return [row["key"] for row in rows]

    def archive_record(self, key: str) -> dict[str, Any]:
        """All that the hand-over says of a mail: its row with ``findings`` and ``decision`` as plain values, its ``content``,
        the ``case`` (or None), ``numbers`` of applications, and ``outgoing``: what we sent about it, with content. ``KeyError``."""
        rows = self._dicts(
            """SELECT mail.id, key, received, handled_at, source, envelope_from, envelope_to, state, message_id, language, category, trust,
               case_ref, suggested_ref, copy_of, restricted, needs_person AND done_at IS NULL AS open, done_at, done_by, findings, decision,
               content FROM mail LEFT JOIN reading USING (id) LEFT JOIN raw USING (id) WHERE key = ?""",
            key,
        )
        if not rows or rows[0]["content"] is None:
            raise KeyError(key)
        row = rows[0]
        numbers = self._dicts("SELECT number FROM application WHERE mail_key = ? ORDER BY id", key)
        return {
            **row,
            "content": bytes(row["content"]),
            "envelope_to": decode(row["envelope_to"], []),
            "findings": decode(row["findings"], {}),
            "decision": decode(row["decision"], {}),
            "case": self.case(row["case_ref"]) if row["case_ref"] else None,
            "numbers": [number["number"] for number in numbers],
            "outgoing": self._dicts(
                """SELECT message_id, kind, recipient, content, sent_at FROM outbox WHERE mail_key = ? AND state = 'sent'
                   AND kind NOT IN ('forward', 'alarm', 'digest') ORDER BY id""",
                key,
            ),
        }

    def hand_over(self, batch: str, checksums: Mapping[str, str], now: datetime, *, written: datetime, actor: str) -> None:
        """Note that mails (key → checksum of their folder) lie ready for the archive as they were at ``written``."""
        for key, checksum in checksums.items():
            self.db.conn.execute(
                "INSERT OR REPLACE INTO hand_over (id, batch, checksum, written) SELECT id, ?, ?, ? FROM mail WHERE key = ?",
                (batch, checksum, stamp(written), key),
            )
        self.event("archive-written", batch, {"mails": len(checksums)}, now, actor=actor)

    def handed_over(self, batch: str) -> dict[str, str]:
        """Key → checksum of the mails whose last hand-over is this batch."""
        rows = self._dicts("SELECT key, checksum FROM hand_over JOIN mail USING (id) WHERE batch = ?", batch)
        return {row["key"]: row["checksum"] for row in rows}

    def acknowledge(self, batch: str, now: datetime, *, actor: str) -> int:
        """The archive has taken the batch in; returns how many mails that is news for."""
        rows = self._dicts("SELECT id, key, checksum FROM hand_over JOIN mail USING (id) WHERE batch = ? AND acknowledged IS NULL", batch)
        for row in rows:
            self.db.conn.execute("UPDATE hand_over SET acknowledged = ?, acknowledged_by = ? WHERE id = ?", (stamp(now), actor, row["id"]))
            self.event("archive-acknowledged", row["key"], {"batch": batch, "sha256": row["checksum"]}, now, actor=actor)
        return len(rows)

    # a person ─────────────────────────────────────────────────────────────────────────────────────────────────

    def held_on(self, address: str) -> dict[str, list[dict[str, Any]]]:
        """All that is held on an address: ``mails`` from it with content, ``mentions`` in mails of others (their key only, the
        content is somebody else's), ``outgoing`` to it, ``cases``, ``deletions``, ``offers``, ``applications``, ``accounts``."""
        wanted = address.lower()
        registers = {
            name: self._dicts(f"SELECT * FROM {table} WHERE lower(sender) = ? ORDER BY id", wanted)
            for name, table in (("deletions", "deletion"), ("offers", "offer"), ("applications", "application"))
        }
        return {
            "mails": [self._whole(row) for row in self._mails_of(wanted)],
            "mentions": self._mentions(wanted),
            "outgoing": [
                {**row, "content": base64.b64encode(row["content"]).decode()}
                for row in self._dicts(
                    """SELECT message_id, kind, state, created, sent_at, mail_key, case_ref, content FROM outbox
                       WHERE lower(recipient) = ? ORDER BY id""",
                    wanted,
                )
            ],
            "cases": self._cases_with(wanted),
            **registers,
            "accounts": self._dicts("SELECT name, role, disabled, created FROM account WHERE lower(name) = ?", wanted),
        }

    def _mails_of(self, wanted: str) -> list[dict[str, Any]]:
        return self._dicts(
            f"""SELECT {COLUMNS}, source, sender, sender_name, subject, language, case_ref, trust, handled_at, done_at
                FROM mail LEFT JOIN hand_over USING (id)
                WHERE (lower(sender) = ?1 OR lower(envelope_from) = ?1) AND mail.state != 'purged' ORDER BY received""",
            wanted,
        )

    def _whole(self, row: dict[str, Any]) -> dict[str, Any]:
        read = self._dicts("SELECT text, attachments, decision, content FROM raw LEFT JOIN reading USING (id) WHERE id = ?", row["id"])[0]
        attachments = [{name: part[name] for name in ("name", "type", "size", "kind")} for part in decode(read["attachments"], [])]
        return {
            **{name: value for name, value in row.items() if name not in ("id", "leaving")},
            "text": read["text"] or "",
            "attachments": attachments,
            "reasons": decode(read["decision"], {}).get("reasons", []),
            "notes": self._dicts("SELECT at, account, text FROM note WHERE id = ? ORDER BY number", row["id"]),
            "content": base64.b64encode(read["content"]).decode(),
        }

    def _mentions(self, wanted: str) -> list[dict[str, Any]]:
        """Mails of others in whose text, headers or attachments the address stands; of unread ones the first 64 KB are looked at."""
        return self._dicts(
            """SELECT key, received, category, case_ref FROM mail LEFT JOIN reading USING (id) LEFT JOIN raw USING (id)
               WHERE mail.state != 'purged' AND lower(coalesce(sender, '')) != ?1 AND lower(coalesce(envelope_from, '')) != ?1 AND (
                 instr(lower(coalesce(text, '')), ?1) OR instr(lower(coalesce(headers, '')), ?1) OR instr(lower(coalesce(html, '')), ?1)
                 OR instr(lower(coalesce(attachments, '')), ?1)
                 OR (text IS NULL AND instr(lower(CAST(substr(content, 1, 65536) AS TEXT)), ?1)))
               ORDER BY received""",
            wanted,
        )

    def _cases_with(self, wanted: str) -> list[dict[str, Any]]:
        """Cases with the address among contacts or signatories, or as caseworker; the places in which it stands."""
        rows = self._dicts("SELECT case_ref, title, state, contacts, signatories, caseworker FROM cases ORDER BY case_ref")
        found = []
        for row in rows:
            places = [name for name in ("contacts", "signatories") if any(wanted in value.lower() for value in decode(row[name], []))]
            places += ["caseworker"] if row["caseworker"].lower() == wanted else []
            if places:
                found.append({"case_ref": row["case_ref"], "title": row["title"], "state": row["state"], "stands_in": places})
        return found

    def erasure_plan(self, address: str, rules: KeepingRules) -> list[dict[str, str]]:
        """What is held on an address, one entry each: ``what``, ``id``, and ``kept``, the reason why it stays (``""``: can go)."""
        held = self.held_on(address)
        plan = [{"what": "mail", "id": row["key"], "kept": erasure_obstacle(row, rules)} for row in self._mails_of(address.lower())]
        plan += [{"what": "mention", "id": row["key"], "kept": OTHERS} for row in held["mentions"]]
        theirs = {entry["id"] for entry in plan if entry["what"] == "mail"}
        for row in held["outgoing"]:
            if row["mail_key"] not in theirs:
                plan.append({"what": "outgoing", "id": row["message_id"], "kept": self._outgoing_kept(row)})
        for name, label in (("cases", "case_ref"), ("deletions", "id"), ("offers", "id"), ("applications", "number")):
            plan += [{"what": name.removesuffix("s"), "id": str(row[label]), "kept": REGISTER} for row in held[name]]
        return plan + [{"what": "account", "id": row["name"], "kept": "account"} for row in held["accounts"]]

    def _outgoing_kept(self, row: dict[str, Any]) -> str:
        if row["mail_key"]:
            return OTHERS
        if row["case_ref"]:
            return REGISTER
        return "leaving" if row["state"] in ("waiting", "sending") else ""

    def erase(self, address: str, rules: KeepingRules, now: datetime, *, actor: str) -> list[dict[str, str]]:
        """Erase what the plan lets go; returns the plan as it was carried out."""
        plan = self.erasure_plan(address, rules)
        going = [entry for entry in plan if not entry["kept"]]
        self.purge([entry["id"] for entry in going if entry["what"] == "mail"], rules, now, actor=actor, why="erasure")
        for entry in going:
            if entry["what"] == "outgoing":
                self.db.conn.execute("DELETE FROM outbox WHERE message_id = ?", (entry["id"],))
        self.compact_search()
        facts = {"erased": len(going), "kept": len(plan) - len(going)}
        self.event("person-erased", person_subject(address), facts, now, actor=actor)
        return plan
