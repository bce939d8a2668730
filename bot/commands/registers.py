"""``cases`` and ``deletions``: the registers from the command line."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from bot.commands import ConfigOption, JsonOption, run, settings
from bot.config import ConfigError
from bot.model import Verdict

if TYPE_CHECKING:
    from bot.importing import Checked

T = TypeVar("T")

cases = typer.Typer(help="The case register.", no_args_is_help=True)
deletions = typer.Typer(help="The deletion register.", no_args_is_help=True)
offers = typer.Typer(help="Returned offers.", no_args_is_help=True)
applications = typer.Typer(help="Applications.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(cases, name="cases")
    app.add_typer(deletions, name="deletions")
    app.add_typer(offers, name="offers")
    app.add_typer(applications, name="applications")


def _with_store(config: Path | None, work: Callable[[Any], T], *, write: bool) -> T:
    from bot.store.sqlite import SqliteStore

    async def main() -> T:
        store = SqliteStore(settings(config).database)
        try:
            return await (store.write(work) if write else store.read(work))
        finally:
            await store.close()

    return run(main)


def now() -> datetime:
    """The clock of the commands."""
    return datetime.now(UTC)


def operator() -> str:
    """Who acts on the command line, for the audit log: the account of the operating system."""
    with contextlib.suppress(Exception):  # a container may run under a number that has no name
        return getpass.getuser()
    return f"uid {os.getuid()}"


def progress_bar(*, quiet: bool) -> Progress:
    """A progress bar on standard error, for people only."""
    return Progress(console=Console(stderr=True), disable=quiet or not sys.stderr.isatty())


# ── cases ─────────────────────────────────────────────────────────────────────────────────────────────────────

MAPPING = 'Their column = ours, for example "Saksnr=case_ref"; "Merknad=-" leaves one out. May be given several times.'


class _Undone(Exception):
    """Raised inside a transaction so that nothing of it stays."""


@cases.command("import")
def import_cases(
    path: Annotated[Path, typer.Argument(help="CSV, xlsx or JSON lines; columns as in `bot cases show`.")],
    config: ConfigOption = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", metavar="THEIRS=OURS", help=MAPPING)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and count, change nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Insert or update cases by reference: all rows of the file or, when one is wrong, none.

    A column that is missing leaves what the register holds; an empty cell clears it.
    """
    checked = _checked(path, _mapping(mapping or []), quiet=as_json)
    if checked.unknown:
        print(f"not imported, no columns of the register: {', '.join(checked.unknown)}", file=sys.stderr)
    counted = {"added": 0, "changed": 0, "unchanged": 0}
    if not checked.faults:
        counted = _upserted(config, checked.rows, dry_run=dry_run, quiet=as_json)
    if as_json:
        faults = [{"line": fault.line, "column": fault.column, "allowed": fault.allowed} for fault in checked.faults]
        print(json.dumps({"file": str(path), "dry_run": dry_run, **counted, "faults": faults}, ensure_ascii=False))
    elif checked.faults:
        for fault in checked.faults:
            print(fault, file=sys.stderr)
        print(f"{len(checked.faults)} faults; nothing was imported", file=sys.stderr)
    else:
        print(f"{'would be ' if dry_run else ''}added {counted['added']}, changed {counted['changed']}, as before {counted['unchanged']}")
    raise typer.Exit(1 if checked.faults else 0)


def _mapping(pairs: list[str]) -> dict[str, str]:
    from bot.importing import COLUMNS

    mapping = {}
    for pair in pairs:
        theirs, equals, ours = (part.strip() for part in pair.rpartition("="))
        if not equals or not theirs or (ours not in COLUMNS and ours != "-"):
            raise ConfigError(f'--map "{pair}" is not allowed: give theirs=ours, ours one of {", ".join(COLUMNS)} or - to leave it out')
        mapping[theirs] = ours
    return mapping


def _checked(path: Path, mapping: dict[str, str], *, quiet: bool) -> Checked:
    from bot.importing import Unreadable, check, read

    try:
        table = read(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); give a CSV, xlsx or JSON lines file") from None
    except Unreadable as error:
        raise ConfigError(f"{path}: {error}") from None
    with progress_bar(quiet=quiet) as progress:
        return check(table, mapping, rows=progress.track(table.rows, description="checking"))


def _upserted(config: Path | None, rows: Iterable[tuple[str, dict[str, Any]]], *, dry_run: bool, quiet: bool) -> dict[str, int]:
    """Write all rows in one transaction and count; a dry run does the same and takes it back."""
    rows = list(rows)
    counted: dict[str, int] = {}

    def work(tx: Any) -> None:
        known = {case.case_ref for case in tx.cases()}
        added = sum(ref not in known for ref, _ in rows)
        changed = 0
        for row in progress.track(rows, description="writing"):
            changed += tx.upsert_cases([row], now())
        counted.update(added=added, changed=changed - added, unchanged=len(rows) - changed)
        if dry_run:
            raise _Undone
        if changed:
            tx.event("cases-imported", "cases", counted, now(), actor=operator())

    with progress_bar(quiet=quiet) as progress, contextlib.suppress(_Undone):
        _with_store(config, work, write=True)
    return counted


@cases.command("list")
def list_cases(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """All cases, newest reference first."""
    from bot.store.registers import COLUMNS

    rows = _with_store(config, lambda tx: tx.cases(), write=False)
    if as_json:
        for case in rows:
            print(json.dumps({name: getattr(case, name) for name in COLUMNS}, ensure_ascii=False, default=str))
        return
    table = Table("case", "title", "institution", "state", "caseworker", "deletion due")
    for case in rows:
        texts = (case.case_ref, case.title, case.institution, case.state, case.caseworker, str(case.deletion_due or ""))
        table.add_row(*map(Text, texts))
    Console().print(table)


@cases.command("show")
def show_case(ref: Annotated[str, typer.Argument(help="The case reference, YY/NNNN.")], config: ConfigOption = None) -> None:
    """One case with all that the register holds and the deadline for complaints that follows from it, as JSON."""
    from bot.matters.deadlines import complaint_deadline
    from bot.store.registers import COLUMNS

    case = _with_store(config, lambda tx: tx.case(ref), write=False)
    if case is None:
        raise ConfigError(f"case {ref} is not in the register; `bot cases list` shows them all")
    shown = {**{name: getattr(case, name) for name in COLUMNS}, "complaint_due": complaint_deadline(case)}
    print(json.dumps(shown, ensure_ascii=False, default=str, indent=2))


# ── deletions ─────────────────────────────────────────────────────────────────────────────────────────────────


@deletions.command("list")
def list_deletions(
    config: ConfigOption = None,
    due: Annotated[bool, typer.Option("--due", help="Cases whose deletion deadline comes up and that are not confirmed.")] = False,
    overdue: Annotated[bool, typer.Option("--overdue", help="Cases whose deletion deadline is over and that are not confirmed.")] = False,
    days: Annotated[int | None, typer.Option(help="How far ahead --due looks; else deadlines.remind_deletion_days.")] = None,
    verdict: Annotated[Verdict | None, typer.Option(help="Only entries with this verdict.")] = None,
    as_json: JsonOption = False,
) -> None:
    """The deletion register, newest first; or the cases whose deletion is due or overdue, the most urgent first."""
    if due or overdue:
        ahead = settings(config).deadlines.remind_deletion_days if days is None else days
        rows = _with_store(config, lambda tx: _expected(tx, now(), ahead if due else -1, overdue=overdue), write=False)
        columns = ["case_ref", "deletion_due", "days", "institution", "caseworker", "received"]
    else:
        rows = [
            row for row in _with_store(config, lambda tx: tx.deletions(), write=False) if verdict is None or row["verdict"] == verdict.value
        ]
        columns = ["id", "case_ref", "verdict", "received", "sender", "trust", "sentence"]
    if as_json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
        return
    table = Table(*(column.replace("_", " ") for column in columns))
    for row in rows:
        table.add_row(*(Text(str(row[column])[:10] if column == "received" else str(row[column])) for column in columns))
    Console().print(table)


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

    rows = _with_store(config, lambda tx: tx.deletions(), write=False)
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
    _with_store(config, lambda tx: _conclude(tx, _find(tx, entry), verdict, reason, case), write=True)
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

    print(f"{entry}: {_with_store(config, work, write=True)}")


@deletions.command("show")
def show_deletion(entry: Entry, config: ConfigOption = None) -> None:
    """One entry with its history, as JSON."""

    def work(tx: Any) -> dict[str, Any]:
        row = _find(tx, entry)
        return {**row, "history": tx.deletion_history().get(row["id"], [])}

    print(json.dumps(_with_store(config, work, write=False), ensure_ascii=False, indent=2))


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


# ── offers and applications ───────────────────────────────────────────────────────────────────────────────────


@offers.callback()
def _offers() -> None:
    """Returned offers."""


@offers.command("list")
def list_offers(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Returned offers, newest first, with what their signatures say; whether the signer may bind the institution, a person decides."""
    rows = _with_store(config, lambda tx: tx.offers(), write=False)
    if as_json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
        return
    table = Table("id", "case", "received", "by", "in time", "signed by", "what was found", "state")
    for row in rows:
        signers = ", ".join(signature["signer"] or "?" for signature in row["signatures"])
        in_time = {1: "yes", 0: "no"}.get(row["in_time"], "?")
        cells = (
            row["id"],
            row["case_ref"],
            row["received"][:10],
            row["accepted_by"],
            in_time,
            signers,
            ", ".join(row["why"]),
            row["state"],
        )
        table.add_row(*(Text(str(cell)) for cell in cells))
    Console().print(table)


@applications.command("list")
def list_applications(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Applications, newest first, with what was not found among their attachments."""
    rows = _with_store(config, lambda tx: tx.applications(), write=False)
    if as_json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
        return
    table = Table("number", "case", "received", "kind", "applicant", "not found", "state")
    for row in rows:
        absent = ", ".join(item["id"] for item in row["checklist"] if item["required"] and not item["found_in"])
        cells = (row["number"], row["case_ref"], row["received"][:10], row["kind"], row["applicant"], absent, row["state"])
        table.add_row(*(Text(str(cell)) for cell in cells))
    Console().print(table)


@applications.command("tie")
def tie_application(
    number: Annotated[str, typer.Argument(help="The provisional number, for example M-2026-0001.")],
    case: Annotated[str, typer.Argument(help="The archive's reference; the case must be in the register.")],
    config: ConfigOption = None,
) -> None:
    """Tie a provisional number to the archive's reference: its mail, and later mails that quote the number, belong to the case."""

    def work(tx: Any) -> bool:
        try:
            return bool(tx.tie_application(number, case, now(), actor=operator()))
        except KeyError:
            raise ConfigError(f"case {case} is not in the register; `bot cases import` puts it there") from None

    if not _with_store(config, work, write=True):
        raise ConfigError(f"{number} is no application; `bot applications list` shows them all")
    print(f"{number}: {case}")
