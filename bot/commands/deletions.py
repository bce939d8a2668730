"""``deletions``: the deletion register from the command line."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.commands import ConfigOption, JsonOption, settings
from bot.commands.output import print_json_lines, print_table
from bot.commands.store import now, operator, read_store, write_store
from bot.config import ConfigError
from bot.model import Verdict

deletions = typer.Typer(help="The deletion register.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(deletions, name="deletions")


@deletions.command("list")
def list_deletions(
    config: ConfigOption = None,
    due: Annotated[bool, typer.Option("--due", help="Cases whose deletion deadline comes up and that are not confirmed.")] = False,
    overdue: Annotated[bool, typer.Option("--overdue", help="Cases whose deletion deadline is over and that are not confirmed.")] = False,
    days: Annotated[int | None, typer.Option(min=0, help="How far ahead --due looks; else deadlines.remind_deletion_days.")] = None,
    verdict: Annotated[Verdict | None, typer.Option(help="Only entries with this verdict.")] = None,
    as_json: JsonOption = False,
) -> None:
    """The deletion register, newest first; or the cases whose deletion is due or overdue, the most urgent first."""
    columns: tuple[str, ...]
    if due or overdue:
        ahead = settings(config).deadlines.remind_deletion_days if days is None else days
        rows = read_store(config, lambda tx: _expected(tx, now(), ahead if due else -1, overdue=overdue))
        columns = ("case_ref", "deletion_due", "days", "institution", "caseworker", "received")
    else:
        entries = read_store(config, lambda tx: tx.deletions())
        rows = [row for row in entries if verdict is None or row["verdict"] == verdict.value]
        columns = ("id", "case_ref", "verdict", "received", "sender", "trust", "sentence")
    if as_json:
        print_json_lines(rows)
        return
    print_table(
        (column.replace("_", " ") for column in columns),
        ((str(row[column])[:10] if column == "received" else row[column] for column in columns) for row in rows),
    )


def _expected(tx: Any, moment: datetime, ahead: int, *, overdue: bool) -> list[dict[str, Any]]:
    """Open cases without a confirmed deletion whose deadline is at most ``ahead`` days off or, where asked for, over."""
    from bot.matters.deadlines import OSLO, awaited_deletions

    latest: dict[str, str] = {}
    for entry in tx.deletions():
        latest.setdefault(entry["case_ref"], entry["verdict"])
    awaited = awaited_deletions(tx.cases(), moment.astimezone(OSLO).date(), tx.confirmed_deletions())
    return [
        {
            "case_ref": case.case_ref,
            "title": case.title,
            "institution": case.institution,
            "caseworker": case.caseworker,
            "contacts": list(case.contacts),
            "deletion_due": str(case.deletion_due),
            "days": left,
            "received": latest.get(case.case_ref, ""),
        }
        for left, case in awaited
        if 0 <= left <= ahead or (overdue and left < 0)
    ]


@deletions.command("export")
def export_deletions(
    config: ConfigOption = None,
    xlsx: Annotated[Path | None, typer.Option("--xlsx", metavar="FILE", help="Write an xlsx workbook instead.")] = None,
) -> None:
    """The deletion register as CSV on standard output, or as xlsx; both open safely in a spreadsheet."""
    from bot.exporting import csv_text, workbook
    from bot.store.registers import DELETION_COLUMNS

    rows = read_store(config, lambda tx: tx.deletions())
    if xlsx is None:
        sys.stdout.write(csv_text(DELETION_COLUMNS, rows))
        return
    try:
        xlsx.write_bytes(workbook("deletions", DELETION_COLUMNS, rows))
    except OSError as error:
        raise ConfigError(f"{xlsx} cannot be written ({error.strerror}); give a file in a folder that exists") from None
    print(f"{len(rows)} entries written to {xlsx}")


Entry = Annotated[str, typer.Argument(metavar="ENTRY", help='The number in `bot deletions list`, a case reference, or "CASE,MESSAGE-ID".')]
WhyOption = Annotated[str, typer.Option("--reason", help="Why; kept in the entry's history.")]


@deletions.command("verdict")
def give_verdict(
    entry: Entry,
    verdict: Annotated[Verdict, typer.Argument(help="What is concluded.")],
    reason: WhyOption,
    config: ConfigOption = None,
    case: Annotated[str, typer.Option("--case", help="The case it belongs to, where the mail did not say.")] = "",
) -> None:
    """Conclude on a confirmation of deletion; what was concluded before stays in its history."""
    write_store(config, lambda tx: _conclude(tx, _find(tx, entry), verdict, reason, case))
    print(f"{entry}: {verdict.value}")


@deletions.command("undo")
def undo_verdict(entry: Entry, reason: WhyOption, config: ConfigOption = None) -> None:
    """Take the last verdict back: the entry gets the one that it had before, and its history says so."""

    def work(tx: Any) -> str:
        row = _find(tx, entry)
        earlier = [past["verdict"] for past in tx.deletion_history().get(row["id"], []) if past["verdict"] != row["verdict"]]
        if not earlier:
            raise ConfigError(f"{entry} has had no other verdict; `bot deletions verdict` gives it one")
        _conclude(tx, row, Verdict(earlier[-1]), reason, "")
        return str(earlier[-1])

    print(f"{entry}: {write_store(config, work)}")


@deletions.command("show")
def show_deletion(entry: Entry, config: ConfigOption = None) -> None:
    """One entry with its history, as JSON."""

    def work(tx: Any) -> dict[str, Any]:
        row = _find(tx, entry)
        return {**row, "history": tx.deletion_history().get(row["id"], [])}

    print(json.dumps(read_store(config, work), ensure_ascii=False, indent=2))


def _find(tx: Any, entry: str) -> dict[str, Any]:
    """The row that is meant. Errors: ``ConfigError`` when none or several fit."""
    reference, _, message = (part.strip() for part in entry.partition(","))
    rows = tx.deletions()
    if entry.strip().isdigit():
        found = [row for row in rows if row["id"] == int(entry)]
    else:
        found = [row for row in rows if row["case_ref"] == reference and message.strip("<>") in ("", row["message_id"].strip("<>"))]
    if len(found) != 1:
        many = f"{len(found)} entries of the deletion register; give the number" if found else "no entry of the deletion register"
        raise ConfigError(f"{entry} names {many}: `bot deletions list` shows them")
    return dict(found[0])


def _conclude(tx: Any, row: dict[str, Any], verdict: Verdict, reason: str, case: str) -> None:
    if not reason.strip():
        raise ConfigError("--reason is empty; say in a few words why")
    if case and tx.case(case) is None:
        raise ConfigError(f"case {case} is not in the register; `bot cases list` shows them all")
    if verdict is Verdict.CONFIRMED and not (row["case_ref"] or case):
        raise ConfigError("the entry belongs to no case yet; say which it confirms: --case REF")
    if case and case != row["case_ref"]:
        tx.tie_deletion(row["id"], case, now(), actor=operator())
    tx.set_verdict(row["id"], verdict, reason.strip(), now(), actor=operator())
