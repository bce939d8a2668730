"""``bot cases`` and ``bot deletions`` through the real command line, on a real store."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.config import ConfigError
from bot.model import Category, Verdict
from tests.held import deletion_entry, letter, put, within

Cli = Callable[..., Result]
NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where the store of the configuration lies."""
    (tmp_path / "bot.toml").write_text(f"[service]\ndata = {json.dumps(str(tmp_path / 'data'))}\n")
    return tmp_path / "data" / "bot.sqlite3"


@pytest.fixture
def bot(tmp_path: Path, database: Path) -> Cli:
    """``bot("cases", "list")`` with the configuration of the test."""
    return lambda *words: CliRunner().invoke(app, [*map(str, words), "--config", str(tmp_path / "bot.toml")])


def refusal(result: Result) -> str:
    """The sentence that a command ended with."""
    assert isinstance(result.exception, ConfigError), result.output
    return str(result.exception)


def shown(bot: Cli, reference: str) -> dict[str, Any]:
    """A case as the register holds it."""
    case: dict[str, Any] = json.loads(bot("cases", "show", reference).stdout)
    return case


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Two cases as CSV in Windows-1252 with semicolons."""
    file = tmp_path / "saker.csv"
    text = "case_ref;title;contacts;deletion_due\n19/1234;Lønn og helse;kari@uio.example;2026-12-31\n2020/7;Skole;;2027-06-30\n"
    file.write_bytes(text.encode("cp1252"))
    return file


# cases ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_import_counts_and_upserts(bot: Cli, table: Path) -> None:
    """New, changed and unchanged rows are told apart; a second import of the same changes nothing."""
    assert "added 2, changed 0, as before 0" in bot("cases", "import", table).stdout
    assert shown(bot, "19/1234")["contacts"] == ["kari@uio.example"]
    table.write_text("case_ref,title\n19/1234,\n20/7,Skole\n20/8,Ny\n")

    assert "added 1, changed 1, as before 1" in bot("cases", "import", table).stdout
    case = shown(bot, "19/1234")
    assert (case["title"], case["contacts"], case["deletion_due"]) == ("", ["kari@uio.example"], "2026-12-31")


def test_complaints_are_due_six_months_after_delivery(bot: Cli, table: Path) -> None:
    """Derived, not imported; the last day of the month where the month is shorter."""
    table.write_text("case_ref,delivered\n19/1234,2026-08-31\n20/7,\n")
    bot("cases", "import", table)
    assert (shown(bot, "19/1234")["complaint_due"], shown(bot, "20/7")["complaint_due"]) == ("2027-02-28", None)


def test_dry_run_writes_nothing(bot: Cli, table: Path, database: Path) -> None:
    """It counts what the real run would do and leaves register and audit log alone."""
    assert "would be added 2" in bot("cases", "import", table, "--dry-run").stdout
    assert bot("cases", "list", "--json").stdout == ""
    assert within(database, lambda tx: tx.audit_head()[0]) == 0


def test_one_fault_and_nothing_is_imported(bot: Cli, table: Path) -> None:
    """Every fault is listed with line and column on standard error; the status says so."""
    with table.open("a") as file:
        file.write("20/8;x;;tomorrow\nsaken;x;;\n")
    result = bot("cases", "import", table)

    assert result.exit_code == 1
    assert "line 4, deletion_due: must be a date" in result.stderr and "line 5, case_ref: must be a case reference" in result.stderr
    assert "2 faults; nothing was imported" in result.stderr
    assert bot("cases", "list", "--json").stdout == ""


def test_mapping_and_unknown_columns(bot: Cli, tmp_path: Path) -> None:
    """Their names become ours; what has no place here is named."""
    book = openpyxl.Workbook()
    book.active.append(["Saksnr", "Frist", "Merknad", "Notat"])
    book.active.append(["2019/1234", datetime(2026, 12, 31), "a", "b"])
    book.save(tmp_path / "saker.xlsx")
    pairs = ["--map", "Saksnr=case_ref", "--map", "frist=deletion_due", "--map", "Merknad=-"]
    result = bot("cases", "import", tmp_path / "saker.xlsx", *pairs, "--json")

    assert json.loads(result.stdout) | {"file": ""} == {
        "file": "",
        "dry_run": False,
        "added": 1,
        "changed": 0,
        "unchanged": 0,
        "faults": [],
    }
    assert "no columns of the register: Notat" in result.stderr
    assert shown(bot, "19/1234")["deletion_due"] == "2026-12-31"
    assert "--map" in refusal(bot("cases", "import", tmp_path / "saker.xlsx", "--map", "Saksnr=saksnr"))


def test_import_is_in_the_audit_log(bot: Cli, table: Path, database: Path) -> None:
    """Each case and the import as a whole, with who did it."""
    bot("cases", "import", table)
    events = within(database, lambda tx: tx.events_of("19/1234") + tx.events_of("cases"))
    assert [event["kind"] for event in events] == ["case-added", "cases-imported"]
    assert events[1]["actor"] not in ("", "bot") and json.loads(events[1]["facts"])["added"] == 2


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, database: Path) -> None:
    """The program ends with status 2 and says what it wants."""
    command = [sys.executable, "-m", "bot", "cases", "import", str(tmp_path / "missing.csv"), "--config", str(tmp_path / "bot.toml")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": os.getcwd()}, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip().endswith("cannot be read (No such file or directory); give a CSV, xlsx or JSON lines file")


# deletions ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def entries(database: Path) -> Path:
    """Three confirmations: to check, confirmed, and one that says of no case."""

    def work(tx: Any) -> None:
        tx.upsert_cases([("19/1234", {"title": "a"}), ("20/7", {"title": "b"}), ("20/8", {"title": "c"})], NOW)
        rows = [
            ("one", deletion_entry(sentence='=HYPERLINK("x") er slettet.')),
            ("two", deletion_entry("20/7", Verdict.CONFIRMED)),
            ("three", deletion_entry("")),
        ]
        for key, entry in rows:
            mail = letter(text=key, identifier=f"<{key}@uio.example>")
            put(tx, key, mail, category=Category.DELETION, deletion=entry, received=NOW)

    within(database, work)
    return database


def test_verdict_keeps_history(bot: Cli, entries: Path) -> None:
    """Who concluded what and why, in order; undo is one more entry, not a gap."""
    assert bot("deletions", "verdict", "19/1234,<one@uio.example>", "confirmed", "--reason", "ringt og bekreftet").exit_code == 0
    assert bot("deletions", "verdict", 1, "rejected", "--reason", "feil sak").exit_code == 0
    assert bot("deletions", "undo", "19/1234", "--reason", "likevel rett").stdout == "19/1234: confirmed\n"
    entry = json.loads(bot("deletions", "show", 1).stdout)

    assert entry["verdict"] == "confirmed" and entry["concluded_by"] not in ("", "bot")
    history = [(past["verdict"], past["reason"]) for past in entry["history"]]
    assert history[0][0] == "to-check" and history[1:] == [
        ("confirmed", "ringt og bekreftet"),
        ("rejected", "feil sak"),
        ("confirmed", "likevel rett"),
    ]
    kinds = within(entries, lambda tx: [event["kind"] for event in tx.events_of("19/1234")])
    assert kinds.count("deletion-verdict") == 3


def test_verdict_for_an_entry_without_a_case(bot: Cli, entries: Path) -> None:
    """It confirms nothing until somebody says which case it belongs to."""
    assert "belongs to no case yet" in refusal(bot("deletions", "verdict", 3, "confirmed", "--reason", "x"))
    assert "not in the register" in refusal(bot("deletions", "verdict", 3, "confirmed", "--reason", "x", "--case", "21/1"))
    assert bot("deletions", "verdict", 3, "confirmed", "--reason", "riktig sak funnet", "--case", "20/8").exit_code == 0
    assert within(entries, lambda tx: tx.confirmed_deletions()) == {"20/7", "20/8"}


def test_entries_that_cannot_be_meant(bot: Cli, entries: Path) -> None:
    """Unknown or several: refused, with where to look; so is a verdict without a reason."""
    within(entries, lambda tx: put(tx, "four", letter(text="4"), category=Category.DELETION, deletion=deletion_entry()))
    assert "no entry" in refusal(bot("deletions", "show", 99))
    assert "2 entries" in refusal(bot("deletions", "show", "19/1234"))
    assert "--reason" in refusal(bot("deletions", "verdict", 1, "rejected", "--reason", " "))
    assert "no other verdict" in refusal(bot("deletions", "undo", 1, "--reason", "x"))
    assert bot("deletions", "verdict", 1, "perhaps", "--reason", "x").exit_code == 2


def test_due_and_overdue(bot: Cli, database: Path) -> None:
    """By the deadline, without what is confirmed or closed; how far ahead is the configuration's or the option's."""
    today = date.today()
    days = {"19/1": -3, "19/2": 10, "19/3": 200, "19/4": -50, "19/5": -9, "19/6": 0}

    def work(tx: Any) -> None:
        tx.upsert_cases([(ref, {"deletion_due": today + timedelta(days=left)}) for ref, left in days.items()], NOW)
        tx.upsert_cases([("19/5", {"state": "closed"})], NOW)
        put(tx, "done", letter(), category=Category.DELETION, deletion=deletion_entry("19/4", Verdict.CONFIRMED))
        put(tx, "doubt", letter(text="?"), category=Category.DELETION, deletion=deletion_entry("19/1"))

    within(database, work)

    def listed(*options: str) -> list[str]:
        return [json.loads(line)["case_ref"] for line in bot("deletions", "list", *options, "--json").stdout.splitlines()]

    assert listed("--overdue") == ["19/1"]
    assert listed("--due") == ["19/6", "19/2"]
    assert listed("--due", "--overdue", "--days", "365") == ["19/1", "19/6", "19/2", "19/3"]
    assert listed("--verdict", "confirmed") == ["19/4"]
    assert '"received": "to-check"' in bot("deletions", "list", "--overdue", "--json").stdout


def test_export_is_safe_in_a_spreadsheet(bot: Cli, entries: Path, tmp_path: Path) -> None:
    """CSV and xlsx hold the same texts in the same columns; a formula in a mail is no formula in either."""
    lines = list(csv.reader(io.StringIO(bot("deletions", "export").stdout)))
    assert bot("deletions", "export", "--xlsx", tmp_path / "ut.xlsx").exit_code == 0
    sheet = openpyxl.load_workbook(tmp_path / "ut.xlsx").active
    cells = [[cell.value or "" for cell in row] for row in sheet.iter_rows()]

    assert lines[0] == [
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
    ]
    assert cells == lines and len(lines) == 4
    assert any("'=HYPERLINK" in cell for line in lines for cell in line)
    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value} == {"s"}
    assert "cannot be written" in refusal(bot("deletions", "export", "--xlsx", tmp_path / "nowhere" / "ut.xlsx"))


def test_lists_show_markup_as_it_stands(bot: Cli, database: Path) -> None:
    """A sentence that looks like the screen's markup neither vanishes nor breaks the list."""
    entry = deletion_entry(sentence="[/red] data [bold]")
    within(database, lambda tx: put(tx, "one", letter(), category=Category.DELETION, deletion=entry))
    result = bot("deletions", "list")
    assert result.exit_code == 0 and "[/red]" in result.stdout
