"""What is kept, handed over, purged and shown: on a real store."""

from __future__ import annotations

import base64
import os
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.model import Category, Delivery, Raw, Result
from bot.store import StoreUnavailable
from bot.store.backup import NoStore, back_up, check, put_back, shorten_log
from bot.store.keeping import KeepingRules
from bot.store.sqlite import SqliteStore
from tests.held import LONG_AGO, answer, deletion_entry, letter, put, within

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
DAYS = {"faq": 365, "other": 365, "auto": 90, "application": 0, "deletion": 0, "offer": 0, "case": 0}
FREELY = KeepingRules(DAYS, require_archive=False)
STRICTLY = KeepingRules(DAYS, require_archive=True)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """A new store."""
    store = SqliteStore(tmp_path / "bot.sqlite3")
    yield store
    await store.close()


def due(tx: Any, rules: KeepingRules) -> dict[str, str]:
    """Key → obstacle of what is past its days."""
    return {row["key"]: row["obstacle"] for row in tx.past_their_days(rules, NOW)}


def purge(tx: Any, *keys: str, rules: KeepingRules = FREELY) -> int:
    return int(tx.purge(keys, rules, NOW, actor="kari", why="retention"))


def acknowledge(tx: Any, *keys: str, written: datetime = NOW) -> None:
    tx.hand_over("batch", dict.fromkeys(keys, "checksum"), NOW, written=written, actor="kari")
    tx.acknowledge("batch", NOW, actor="kari")


# purge ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_only_what_is_old_enough_and_not_kept_for_ever(store: SqliteStore) -> None:
    """Each category has its days; 0 is for ever."""

    def work(tx: Any) -> dict[str, str]:
        put(tx, "old", letter())
        put(tx, "young", letter(text="Ny"), received=NOW - timedelta(days=364))
        put(tx, "machine", letter(text="Fravær"), category=Category.AUTO, received=NOW - timedelta(days=91))
        put(tx, "case", letter(text="Sak"), category=Category.CASE)
        return due(tx, FREELY)

    assert await store.write(work) == {"old": "", "machine": ""}


async def test_nothing_that_somebody_still_needs(store: SqliteStore) -> None:
    """A mail that waits for a person, or about which a mail has still to leave, stays; so does one that came back to a person."""

    def work(tx: Any) -> None:
        put(tx, "open", letter(text="a"), open_for_person=True)
        put(tx, "leaving", letter(text="b"), mails=(answer("leaving"),))
        put(tx, "free", letter(text="c"))

    await store.write(work)
    assert await store.read(lambda tx: due(tx, FREELY)) == {"open": "open", "leaving": "leaving", "free": ""}
    assert await store.write(lambda tx: purge(tx, "open", "leaving", "free", "unknown")) == 1

    await store.write(lambda tx: (tx.mark_done("open", NOW, actor="kari"), tx.claim(NOW, paused=False)))
    await store.write(lambda tx: tx.settle("<svar@ssb.example>", Delivery(Result.SENT), NOW))
    assert await store.read(lambda tx: due(tx, FREELY)) == {"open": "", "leaving": ""}


async def test_the_archive_comes_first(store: SqliteStore) -> None:
    """Written is not enough, acknowledged is; what came after it was written is handed over again before anything is purged."""

    def work(tx: Any) -> None:
        put(tx, "mail", letter(), open_for_person=True)
        tx.mark_done("mail", LONG_AGO, actor="kari")

    await store.write(work)
    assert await store.read(lambda tx: (due(tx, STRICTLY), tx.to_hand_over())) == ({"mail": "not-archived"}, ["mail"])
    await store.write(lambda tx: tx.hand_over("one", {"mail": "sum"}, NOW, written=LONG_AGO, actor="kari"))
    assert await store.write(lambda tx: (purge(tx, "mail", rules=STRICTLY), tx.to_hand_over())) == (0, ["mail"])
    assert await store.write(lambda tx: (tx.acknowledge("one", NOW, actor="kari"), tx.acknowledge("one", NOW, actor="kari"))) == (1, 0)
    assert await store.read(lambda tx: (due(tx, STRICTLY), tx.to_hand_over())) == ({"mail": ""}, [])

    later = LONG_AGO + timedelta(days=1)
    await store.write(lambda tx: tx.correct("mail", "case", "19/1234", "", later, actor="kari"))

    assert await store.write(lambda tx: (purge(tx, "mail", rules=STRICTLY), tx.to_hand_over())) == (0, ["mail"])


async def test_a_reply_after_the_hand_over_is_handed_over_too(store: SqliteStore) -> None:
    """The answer that left later belongs to the archive as well."""

    def work(tx: Any) -> list[str]:
        put(tx, "mail", letter(), mails=(answer("mail"),))
        acknowledge(tx, "mail", written=LONG_AGO)
        assert tx.to_hand_over() == []
        tx.claim(NOW, paused=False)
        tx.settle("<svar@ssb.example>", Delivery(Result.SENT), LONG_AGO + timedelta(minutes=5))
        return list(tx.to_hand_over())

    assert await store.write(work) == ["mail"]


async def test_what_is_purged_is_gone_from_the_disk(store: SqliteStore) -> None:
    """Bytes, text, search words, addresses and what we wrote: not one of them lies in the file or its log any more."""

    def work(tx: Any) -> None:
        mail = letter("Kari Hemmeligsen <kari@uio.example>", "Emneordet", "Ordet xylofonbygger finnes bare her.")
        put(tx, "mail", mail, mails=(answer("mail", "hemmeligsen@uio.example"),))
        put(tx, "other", letter(text="Noe annet"))
        tx.add_note("mail", "Merknadsordet", LONG_AGO, actor="ola")
        tx.correct("mail", "topic", "priser", "Lærdomsordet", LONG_AGO, actor="ola")
        tx.claim(NOW, paused=False)
        tx.settle("<svar@ssb.example>", Delivery(Result.SENT), LONG_AGO)

    await store.write(work)
    words = [b"Hemmeligsen", b"Emneordet", b"xylofonbygger", b"hemmeligsen@", b"Merknadsordet", "Lærdomsordet".encode()]
    assert all(word in on_disk(store.path) for word in words)

    await store.write(lambda tx: (purge(tx, "mail"), tx.compact_search()))
    await store.close()
    shorten_log(store.path)

    assert [word for word in words if word in on_disk(store.path)] == []
    assert b"Noe annet" in on_disk(store.path)


def on_disk(database: Path) -> bytes:
    """Every byte of the store and of what lies beside it."""
    return b"".join(file.read_bytes() for file in database.parent.iterdir() if file.name.startswith(database.name))


async def test_a_purged_mail_is_still_known(store: SqliteStore) -> None:
    """It does not arrive anew, its thread still leads to the case, and the audit log tells who purged it."""
    mail = letter()

    def work(tx: Any) -> Any:
        put(tx, "mail", mail, case="19/1234")
        tx.upsert_cases([("19/1234", {"title": "x"})], NOW)
        purge(tx, "mail")
        summary = tx.summary("mail")
        with pytest.raises(KeyError):
            tx.raw("mail")
        return (
            tx.known_keys("mai"),
            summary["state"],
            summary["case"],
            [event["kind"] for event in tx.events_of("mail")],
            list(tx.audit_faults()),
        )

    assert await store.write(work) == ({"mail"}, "purged", "19/1234", ["decided", "purged"], [])
    assert await store.write(lambda tx: purge(tx, "mail")) == 0


async def test_old_notices_go(store: SqliteStore) -> None:
    """Alarms and digests of ours that were sent; not what belongs to a case, not what waits."""

    def work(tx: Any) -> tuple[int, int]:
        for identifier, case in (("<a@x>", ""), ("<b@x>", "19/1"), ("<c@x>", "")):
            mail = replace(answer("", identifier=identifier), case_ref=case, kind="alarm")
            tx.add_mail(mail, LONG_AGO if identifier != "<c@x>" else NOW)
            tx.claim(NOW, paused=False)
            tx.settle(identifier, Delivery(Result.SENT), NOW)
        tx.add_mail(answer("", identifier="<waiting@x>"), LONG_AGO)
        return tx.purge_notices(NOW - timedelta(days=30)), tx.purge_notices(NOW - timedelta(days=30))

    assert await store.write(work) == (1, 0)


async def test_mails_with_a_link_go_by_a_time_of_their_own(store: SqliteStore) -> None:
    """Those that prove an address, whether or not they could be sent; other notices stay."""

    def work(tx: Any) -> tuple[int, int]:
        for identifier, kind, result in (
            ("<a@x>", "verify-address", Result.SENT),
            ("<b@x>", "verify-address", Result.REFUSED),
            ("<c@x>", "alarm", Result.SENT),
        ):
            tx.add_mail(replace(answer("", identifier=identifier), kind=kind), LONG_AGO)
            tx.claim(NOW, paused=False)
            tx.settle(identifier, Delivery(result), NOW)
        gone = tx.purge_notices(NOW - timedelta(days=30), kind="verify-address")
        return gone, tx.purge_notices(NOW - timedelta(days=30))

    assert await store.write(work) == (2, 1)


# a person ─────────────────────────────────────────────────────────────────────────────────────────────────────


def person_store(tx: Any) -> None:
    """Two mails of Kari's, one of Ola's that names her, an entry and a case with her."""
    put(tx, "question", letter(), mails=(answer("question"),))
    put(tx, "deletion", letter(text="Alle data er slettet."), category=Category.DELETION, case="19/1234", deletion=deletion_entry())
    put(tx, "ola", letter("Ola <ola@uio.example>", text="Spør KARI@uio.example om dette."))
    tx.upsert_cases([("19/1234", {"title": "Prosjekt", "contacts": ["Kari@uio.example"]})], NOW)
    tx.add_mail(answer("", identifier="<alene@ssb.example>", kind="notice"), NOW)
    for _ in range(2):
        mail = tx.claim(NOW, paused=False)
        tx.settle(mail.message_id, Delivery(Result.SENT), LONG_AGO)


async def test_all_that_is_held_on_a_person(store: SqliteStore) -> None:
    """Her mails with content, mails of others by key alone, what we sent, registers and cases; whatever the capitals."""
    await store.write(person_store)

    held = await store.read(lambda tx: tx.held_on("KARI@uio.example"))

    assert [row["key"] for row in held["mails"]] == ["question", "deletion"]
    assert [row["key"] for row in held["mentions"]] == ["ola"]
    assert b"hva koster det" in base64.b64decode(next(row for row in held["mails"] if row["key"] == "question")["content"])
    assert [row["message_id"] for row in held["outgoing"]] == ["<svar@ssb.example>", "<alene@ssb.example>"]
    assert [(row["case_ref"], row["stands_in"]) for row in held["cases"]] == [("19/1234", ["contacts"])]
    assert [row["case_ref"] for row in held["deletions"]] == ["19/1234"]


async def test_mails_of_others_are_named_not_shown(store: SqliteStore) -> None:
    """Where text or headers name her it is still somebody else's mail; one that nobody has read yet is looked at too."""

    def work(tx: Any) -> None:
        put(tx, "ola", letter("Ola <ola@uio.example>", text="Spør KARI@uio.example om dette."))
        put(tx, "cc", letter("Ola <ola@uio.example>", text="Kopi", cc="Kari <kari@uio.example>"))
        tx.arrive(Raw("unread", letter("Ola <ola@uio.example>", text="Kari@uio.example sa det."), NOW, "smtp"))

    await store.write(work)
    held = await store.read(lambda tx: tx.held_on("kari@uio.example"))

    assert held["mails"] == []
    assert [set(row) for row in held["mentions"]] == [{"key", "received", "category", "case_ref"}] * 3


async def test_erasing_a_person_where_it_is_allowed(store: SqliteStore) -> None:
    """The question goes, whatever its age, with our answer; what is kept for ever, registers and others' mails stay."""
    await store.write(person_store)
    plan = await store.read(lambda tx: tx.erasure_plan("kari@uio.example", FREELY))
    kept = {(entry["what"], entry["id"]): entry["kept"] for entry in plan}

    assert kept[("mail", "question")] == "" and kept[("outgoing", "<alene@ssb.example>")] == ""
    assert kept[("mail", "deletion")] == "kept-for-ever"
    assert kept[("case", "19/1234")] == kept[("deletion", "1")] == "case-documentation"
    assert ("outgoing", "<svar@ssb.example>") not in kept  # it goes with the mail that it answers

    assert await store.write(lambda tx: tx.erase("kari@uio.example", FREELY, NOW, actor="ola")) == plan
    after = await store.read(lambda tx: tx.held_on("kari@uio.example"))

    assert [row["key"] for row in after["mails"]] == ["deletion"] and after["outgoing"] == []


async def test_erasure_leaves_no_address_in_the_audit_log(store: SqliteStore) -> None:
    """The log can never be erased, so it knows a person by a hash."""
    await store.write(person_store)
    await store.write(lambda tx: tx.erase("kari@uio.example", FREELY, NOW, actor="ola"))

    rows = await store.read(lambda tx: tx.db.conn.execute("SELECT subject || facts FROM audit").fetchall())

    assert not any("kari" in row[0] for row in rows) and any(row[0].startswith("person:") for row in rows)


async def test_erasure_waits_for_the_archive(store: SqliteStore) -> None:
    """Where the archive comes first, it comes first for a person's wish too."""
    await store.write(lambda tx: put(tx, "question", letter()))
    plan = await store.write(lambda tx: tx.erase("kari@uio.example", STRICTLY, NOW, actor="ola"))

    assert [(entry["id"], entry["kept"]) for entry in plan] == [("question", "not-archived")]


# copies ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_backup_while_the_store_is_written_to(store: SqliteStore, tmp_path: Path) -> None:
    """A copy of one committed state, one file, for its owner alone; a second one never overwrites it."""
    await store.write(lambda tx: put(tx, "mail", letter()))
    target = tmp_path / "copy.sqlite3"
    holder = sqlite3.connect(store.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")  # a writer that has not committed
    holder.execute("DELETE FROM mail_search")

    contents = back_up(store.path, target)
    holder.execute("ROLLBACK")
    holder.close()

    assert (contents.mails, contents.entries) == (1, 1)
    assert check(target) == contents
    assert target.stat().st_mode & 0o077 == 0
    assert sorted(file.name for file in tmp_path.iterdir() if "copy" in file.name) == ["copy.sqlite3"]
    with pytest.raises(FileExistsError):
        back_up(store.path, target)


async def test_restore_puts_the_copied_state_back(tmp_path: Path) -> None:
    """What came after the copy is gone from the store and kept beside it."""
    database, copy = tmp_path / "bot.sqlite3", tmp_path / "copy.sqlite3"
    store = SqliteStore(database)
    await store.write(lambda tx: put(tx, "before", letter()))
    back_up(database, copy)
    await store.write(lambda tx: put(tx, "after", letter(text="Senere")))
    await store.close()

    contents, kept = put_back(copy, database, NOW)

    assert contents.mails == 1 and kept is not None and check(kept).mails == 2
    store = SqliteStore(database)
    assert await store.read(lambda tx: tx.known_keys("b") | tx.known_keys("a")) == {"before"}
    assert await store.read(lambda tx: list(tx.audit_faults())) == []
    await store.close()


async def test_restore_refuses_while_somebody_has_the_store_open(store: SqliteStore, tmp_path: Path) -> None:
    """Whoever has the file open would write into a store that is no longer there."""
    await store.write(lambda tx: put(tx, "mail", letter()))
    back_up(store.path, tmp_path / "copy.sqlite3")

    with pytest.raises(StoreUnavailable, match="somebody else has"):
        put_back(tmp_path / "copy.sqlite3", store.path, NOW)

    assert await store.read(lambda tx: tx.known_keys("mail")) == {"mail"}
    assert not list(tmp_path.glob("*.restoring*")) and not list(tmp_path.glob("*before*"))


def test_restore_into_nothing_and_over_ruins(tmp_path: Path) -> None:
    """A machine without a store, and one whose store is damaged with a log beside it."""
    database, copy = tmp_path / "bot.sqlite3", tmp_path / "copy.sqlite3"
    within(database, lambda tx: put(tx, "mail", letter()))
    back_up(database, copy)
    elsewhere = tmp_path / "new" / "bot.sqlite3"
    assert put_back(copy, elsewhere, NOW)[1] is None

    database.write_bytes(os.urandom(8192))
    database.with_name("bot.sqlite3-wal").write_bytes(os.urandom(5000))
    contents, kept = put_back(copy, database, NOW)

    assert contents == check(database) == check(elsewhere)
    assert kept is not None and kept.with_name(kept.name + "-wal").exists() and not database.with_name("bot.sqlite3-wal").exists()


def test_what_is_no_whole_store_is_refused(tmp_path: Path) -> None:
    """Something else, a damaged copy, a tampered audit log, a newer version: each with a sentence, the store untouched."""
    database, copy = tmp_path / "bot.sqlite3", tmp_path / "copy.sqlite3"
    within(database, lambda tx: [put(tx, f"mail{number}", letter(text=f"nr {number}")) for number in range(20)])
    back_up(database, copy)
    good = copy.read_bytes()
    before = database.read_bytes()

    def refused(said: str) -> None:
        with pytest.raises(NoStore, match=said):
            put_back(copy, database, NOW)
        assert database.read_bytes() == before

    copy.write_bytes(b"noe helt annet" * 1000)
    refused("not a database")
    copy.write_bytes(good[:8192] + os.urandom(len(good) - 8192))
    refused("damaged|no store|malformed|not a database")
    copy.write_bytes(good)
    changed(copy, "DROP TRIGGER audit_no_update", "UPDATE audit SET actor = 'ola' WHERE number = 7")
    refused("audit log .* entry 7 was changed")
    copy.write_bytes(good)
    changed(copy, "INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('mails', 'from the future')")
    refused("newer version")
    copy.unlink()
    changed(copy, "CREATE TABLE t (x)")
    refused("no store of ours")
    copy.unlink()
    refused("is no file")


def changed(file: Path, *statements: str) -> None:
    """Do something to a file that no program of ours does."""
    connection = sqlite3.connect(file)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
