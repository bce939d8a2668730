"""The record from raw mail on: the audit chain, hand-over to the archive, purging, a person's rights; the commands on the same store."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from typer.testing import CliRunner, Result

from bot.archive import Unfit, read_back
from bot.cli import app
from bot.config import ConfigError
from tests.documents import pdf
from tests.letters import letter
from tests.mailroom import UIO, Mailroom
from tests.matters.test_sensitive import SYNTHETIC
from tests.signing import Authority

Cli = Callable[..., Result]
DONE = "Vi bekrefter at alle data i sak 24/1187 er slettet, også kopier."
TEXT = "Hei, i leveransen mangler filen for 2019. Kan dere sende den på nytt?"


@pytest.fixture
def bot(room: Mailroom, tmp_path: Path) -> Cli:
    """``bot("audit", "verify")`` on the mailroom's own store, in a thread of its own, for commands run a loop."""
    from concurrent.futures import ThreadPoolExecutor

    file = tmp_path / "bot.toml"
    file.write_text(
        f'[service]\naddress = "mikrodata@ssb.example"\ndata = {json.dumps(str(room.settings.service.data))}\n[retention]\nother = 1\ncase = 1\n'
    )

    def run(*words: object) -> Result:
        with ThreadPoolExecutor(1) as apart:
            return apart.submit(lambda: CliRunner().invoke(app, [*map(str, words), "--config", str(file)])).result()

    return run


def database(room: Mailroom) -> Path:
    """The store's file."""
    return room.settings.database


# ── audit ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def history(room: Mailroom) -> None:
    """A day's work."""
    await room.register(("24/1187", UIO))
    await room.take(letter(subject="Sletting", text=DONE))
    await room.take(letter(subject="Sak 24/1187", text=TEXT))
    await room.deliver()
    await room.remind()


TAMPERED = {
    "changed": ("UPDATE audit SET facts = replace(facts, 'confirmed', 'to-check') WHERE kind = 'deletion-registered'", "was changed"),
    "another actor": ("UPDATE audit SET actor = 'eva' WHERE number = 2", "entry 2 was changed"),
    "missing": ("DELETE FROM audit WHERE number = 3", "entry 3 is missing"),
    "reordered": (
        "UPDATE audit SET number = CASE number WHEN 2 THEN -3 WHEN 3 THEN -2 ELSE number END; "
        "UPDATE audit SET number = -number WHERE number < 0",
        "entry 2",
    ),
    "put in": ("INSERT INTO audit SELECT max(number) + 1, at, kind, subject, facts, actor, previous, hash FROM audit", "does not follow"),
}  # fmt: skip


@pytest.mark.parametrize(("script", "found"), TAMPERED.values(), ids=TAMPERED)
async def test_verify_finds_what_somebody_did_to_the_log(room: Mailroom, bot: Cli, script: str, found: str) -> None:
    """Somebody with the file in his hands, who has removed the triggers that refuse it."""
    await history(room)
    whole = bot("audit", "verify")
    assert whole.exit_code == 0 and "whole" in whole.stdout
    with sqlite3.connect(database(room)) as file:
        for trigger in ("audit_no_update", "audit_no_delete"):
            with pytest.raises(sqlite3.IntegrityError):
                file.execute("UPDATE audit SET actor = 'x'" if trigger.endswith("update") else "DELETE FROM audit")
            file.execute(f"DROP TRIGGER {trigger}")
        file.executescript(script)
    result = bot("audit", "verify")
    assert result.exit_code == 1 and found in result.stdout


async def test_the_log_holds_no_content(room: Mailroom) -> None:
    await history(room)
    log = json.dumps(await room.read(lambda tx: tx.db.conn.execute("SELECT kind, subject, facts, actor FROM audit").fetchall()))
    assert not [word for word in ("leveransen", "bekrefter", "Kari", "kari@") if word in log]


# ── archive and purge ─────────────────────────────────────────────────────────────────────────────────────────


async def test_handed_over_acknowledged_then_purged(room: Mailroom, bot: Cli, tmp_path: Path, authority: Authority) -> None:
    """A folder a mail with the .eml, the attachments, checksums and Noark 5's fields; nothing is purged before the archive has it."""
    offer = authority.person("Kari", "Lund").sign(pdf("Tilbud fra SSB, sak 24/1187", "Pris: 1"))
    await room.register(("24/1187", {**UIO, "state": "offered"}))
    signed = await room.take(
        letter(subject="Signert tilbud", text="Vedlagt er det signerte tilbudet i sak 24/1187.", files={"tilbud.pdf": offer})
    )
    case = await room.take(letter(subject="Sak 24/1187", text=TEXT, cc="Per <per@uio.example>"))
    await room.deliver()
    for key in (signed, case):
        await room.write(lambda tx, key=key: tx.mark_done(key, room.now, actor="eva"))

    assert json.loads(bot("purge", "--json").stdout)["held"] == {"not-archived": 1}  # an offer is kept for ever
    folder = tmp_path / "hand-over"
    assert "2 mails written" in bot("archive", folder).stdout.replace("\n", " ")
    assert len(read_back(folder).checksums) == 2
    post = {
        json.loads(path.read_text())["virksomhetsspesifikkeMetadata"]["noekkel"]: json.loads(path.read_text())
        for path in folder.glob("*/journalpost.json")
    }
    incoming, document = post[case]["journalpost"], post[signed]["journalpost"]["dokumentbeskrivelse"][1]

    assert post[case]["saksmappe"] == {
        "mappeID": "2024/1187",
        "saksaar": 2024,
        "sakssekvensnummer": 1187,
        "tittel": UIO["title"],
        "saksansvarlig": UIO["caseworker"],
        "saksstatus": {"kode": "B", "kodenavn": "Under behandling"},
    }
    assert (incoming["journalposttype"]["kode"], incoming["mottattDato"], incoming["avskrivning"][0]["avskrivningsmaate"]["kode"]) == (
        "I",
        "2026-03-02",
        "TE",
    )
    assert [party["korrespondanseparttype"]["kode"] for party in incoming["korrespondansepart"]] == ["EA", "EM", "EK"]
    assert document["dokumentobjekt"][0]["elektroniskSignatur"]["elektroniskSignaturVerifisert"]["kode"] == "V"
    assert post[case]["utgaaendeJournalposter"][0]["journalposttype"]["kode"] == "U"
    assert (next(folder.glob("*/attachments/*"))).read_bytes() == offer

    assert json.loads(bot("purge", "--json").stdout)["held"] == {"not-archived": 1}  # written is not acknowledged
    assert "2 mails" in bot("archive", "--acknowledge", folder).stdout
    dry = json.loads(bot("purge", "--json").stdout)
    assert (dry["dry_run"], dry["purgeable"], dry["purged"]) == (True, {"case": 1}, 0)
    assert (await room.read(lambda tx: tx.raw(case))).content
    assert json.loads(bot("purge", "--yes", "--json").stdout)["purged"] == 1
    with pytest.raises(KeyError):
        await room.read(lambda tx: tx.raw(case))
    assert (await room.read(lambda tx: tx.offers()))[0]["case_ref"] == "24/1187"  # registers stay
    assert bot("audit", "verify").exit_code == 0


async def test_a_hand_over_that_was_changed_is_not_acknowledged(room: Mailroom, bot: Cli, tmp_path: Path) -> None:
    await history(room)
    folder = tmp_path / "hand-over"
    bot("archive", folder)
    next(folder.glob("*/mail.eml")).write_bytes(b"something else")
    with pytest.raises(Unfit, match=r"mail\.eml is not as it was written"):
        read_back(folder)
    assert isinstance(bot("archive", "--acknowledge", folder).exception, ConfigError)


async def test_the_journal_shows_no_identity_number(room: Mailroom, bot: Cli, tmp_path: Path) -> None:
    """The title of a protected mail is public in the journal; the mail itself is handed over as it came, marked to be shielded."""
    await room.take(letter(subject=f"Gjelder {SYNTHETIC}", text="Hei, kan dere hjelpe?", files={f"{SYNTHETIC}.txt": b"x"}))
    bot("archive", tmp_path / "out")
    (path,) = (tmp_path / "out").glob("*/journalpost.json")
    fields = json.loads(path.read_text())
    assert SYNTHETIC not in path.read_text() and fields["virksomhetsspesifikkeMetadata"]["skjermes"] is True
    assert SYNTHETIC.encode() in (path.parent / "mail.eml").read_bytes()
    assert not [name for name in path.parent.rglob("*") if SYNTHETIC in name.name]


# ── a person ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_all_that_is_held_on_a_person(room: Mailroom, bot: Cli) -> None:
    await history(room)
    await room.take(letter("Møte", "Hei, kan vi få et møte? Kari (kari@uio.example) blir med.", "Nora <nora@sintef.example>"))
    held = json.loads(bot("person", "export", "KARI@uio.example").stdout)

    assert (len(held["mails"]), len(held["mentions"]), len(held["deletions"])) == (2, 1, 1)
    assert [case["stands_in"] for case in held["cases"]] == [["contacts"]] and len(held["outgoing"]) == 2
    assert held["mails"][0]["text"].strip() and "Nora" not in json.dumps(held["mentions"])


async def test_erased_where_retention_allows(room: Mailroom, bot: Cli) -> None:
    """The case's mails stay with the reason, what is kept for days only can go; dry run first, and the log says it without a name."""
    await history(room)
    key = await room.take(letter(subject="Møte", text="Hei, kan vi få et møte om et nytt prosjekt om boliger?"))
    await room.deliver()
    await room.write(lambda tx: tx.mark_done(key, room.now, actor="eva"))
    await room.write(
        lambda tx: (tx.hand_over("b", {key: "x"}, room.now, written=room.now, actor="eva"), tx.acknowledge("b", room.now, actor="eva"))
    )

    dry = {row["id"]: row["kept"] for row in json.loads(bot("person", "erase", "kari@uio.example", "--json").stdout)["held"]}
    assert dry[key] == "" and "kept-for-ever" in dry.values() and (await room.read(lambda tx: tx.raw(key))).content
    bot("person", "erase", "kari@uio.example", "--yes")
    with pytest.raises(KeyError):
        await room.read(lambda tx: tx.raw(key))
    log = json.dumps(await room.read(lambda tx: tx.db.conn.execute("SELECT * FROM audit WHERE kind = 'person-erased'").fetchall()))
    assert "person:" in log and "kari" not in log


async def test_what_an_erased_mail_has_taught_is_unlearned(room: Mailroom, bot: Cli) -> None:
    """Corrections hold words of the mail: they leave what was learned with it, and what others taught stays."""
    text = "Hei, kan vi få et møte om et nytt prosjekt om boliger?"
    taught = json.dumps({"text": text, "category": "case", "language": "nb"}, ensure_ascii=False)
    kept = json.dumps({"question": "Hvem signerer?", "faq": "who-can-sign", "language": "nb"})
    lesson = room.settings.service.data / "knowledge" / "learned" / "corrections.jsonl"
    lesson.parent.mkdir(parents=True)
    lesson.write_text(f"{taught}\n{kept}\n", encoding="utf-8")
    key = await room.take(letter(subject="Møte", text=text))
    await room.deliver()
    await room.write(lambda tx: tx.correct(key, "category", "case", taught, room.now, actor="eva"))
    await room.write(lambda tx: tx.mark_done(key, room.now, actor="eva"))
    await room.write(
        lambda tx: (tx.hand_over("b", {key: "x"}, room.now, written=room.now, actor="eva"), tx.acknowledge("b", room.now, actor="eva"))
    )

    bot("person", "erase", "kari@uio.example", "--json")
    assert lesson.read_text(encoding="utf-8") == f"{taught}\n{kept}\n"
    bot("person", "erase", "kari@uio.example", "--yes")

    assert lesson.read_text(encoding="utf-8") == f"{kept}\n"


OWN = "https://ssb.example/personvern"


@pytest.mark.parametrize(
    "url",
    ["https://bot.ssb.example/privacy", pytest.param(OWN, marks=pytest.mark.settings(web={"privacy_url": OWN}))],
    ids=["built in", "own"],
)
async def test_receipts_link_to_the_privacy_notice(room: Mailroom, url: str) -> None:
    await room.take(letter(subject="Møte", text="Hei, kan vi få et møte om et nytt prosjekt om boliger?"))
    assert url in (await room.texts("receipt"))[0]


# ── the registers' commands ───────────────────────────────────────────────────────────────────────────────────

COLUMNS = ("case_ref", "title", "contacts", "domains", "caseworker", "state", "serial_numbers", "deletion_due")
ROW = ("24/1187", "Sykefravær", "kari@uio.example", "uio.example", UIO["caseworker"], "delivered", "w24_0001;w24_0002", "2026-03-20")


def as_csv() -> bytes:
    """The register of somebody with a semicolon and Windows-1252."""
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows([COLUMNS, ROW])
    return text.getvalue().encode("cp1252")


def as_xlsx() -> bytes:
    """The same as a workbook, with a real date."""
    book, file = openpyxl.Workbook(), io.BytesIO()
    book.active.append(COLUMNS)
    book.active.append([*ROW[:-1], date(2026, 3, 20)])
    book.save(file)
    return file.getvalue()


def as_json_lines() -> bytes:
    """The same as JSON lines, several values as a list."""
    values: dict[str, Any] = {**dict(zip(COLUMNS, ROW, strict=True)), "serial_numbers": ["w24_0001", "w24_0002"]}
    return json.dumps(values).encode() + b"\n"


@pytest.mark.parametrize("make", [as_csv, as_xlsx, as_json_lines])
async def test_from_a_case_list_to_a_confirmed_deletion(room: Mailroom, bot: Cli, tmp_path: Path, make: Callable[[], bytes]) -> None:
    """Imported, reminded of, confirmed by mail, exported: one case's life."""
    file = tmp_path / "cases"
    file.write_bytes(make())
    assert "would be added 1" in bot("cases", "import", file, "--dry-run").stdout and not await room.read(lambda tx: tx.cases())
    assert "added 1" in bot("cases", "import", file).stdout
    await room.remind()
    assert [row["kind"] for row in await room.read(lambda tx: tx.deadlines())] == ["deletion"]
    await room.take(letter(subject="Sletting", text=DONE.replace("er slettet", "(w24_0001, w24_0002) er slettet 1.3.2026")))
    rows = list(csv.DictReader(io.StringIO(bot("deletions", "export").stdout)))
    assert [(row["case_ref"], row["verdict"], row["deleted_on"], row["serial_numbers"]) for row in rows] == [
        ("24/1187", "confirmed", "2026-03-01", "w24_0001;w24_0002")
    ]
    await room.remind()
    assert await room.read(lambda tx: tx.deadlines()) == []


async def test_a_list_with_one_bad_line_leaves_the_register_alone(room: Mailroom, bot: Cli, tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    file.write_text("case_ref,deletion_due\n24/1187,2026-03-20\n24/1188,tomorrow\nx,2026-03-20\n")
    result = bot("cases", "import", file)
    assert result.exit_code == 1 and "line 3, deletion_due" in result.stderr and "line 4, case_ref" in result.stderr
    assert not await room.read(lambda tx: tx.cases())


async def test_offers_and_applications_on_the_command_line(room: Mailroom, bot: Cli, authority: Authority) -> None:
    offer = authority.person("Kari", "Lund").sign(pdf("Tilbud fra SSB, sak 24/1187"))
    await room.register(("24/1187", {**UIO, "state": "offered"}))
    await room.take(letter(subject="Tilbud", text="Vedlagt er det signerte tilbudet i sak 24/1187.", files={"tilbud.pdf": offer}))
    await room.take(letter(subject="Søknad", text="Vedlagt følger søknad om tilgang til mikrodata for prosjektet vårt."))

    row = json.loads(bot("offers", "list", "--json").stdout)
    assert row["signatures"][0]["signer"] == "Kari Lund" and "signature-valid" in row["why"]
    assert bot("offers", "list").exit_code == 0 and bot("applications", "list").exit_code == 0
    assert json.loads(bot("applications", "list", "--json").stdout)["number"] == "M-2026-0001"
    assert bot("applications", "tie", "M-2026-0001", "24/1187").exit_code == 0
    assert json.loads(bot("applications", "list", "--json").stdout)["case_ref"] == "24/1187"
    for words, sentence in ((("M-2026-0009", "24/1187"), "is no application"), (("M-2026-0001", "24/9"), "not in the register")):
        assert sentence in str(bot("applications", "tie", *words).exception)
