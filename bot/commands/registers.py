"""``cases`` and ``deletions``: the registers from the command line."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from bot.commands import ConfigOption, JsonOption, run, settings
from bot.config import ConfigError

T = TypeVar("T")

cases = typer.Typer(help="The case register.", no_args_is_help=True)
deletions = typer.Typer(help="The deletion register.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(cases, name="cases")
    app.add_typer(deletions, name="deletions")


def _with_store(config: Path | None, work: Callable[[Any], T], *, write: bool) -> T:
    from bot.store.sqlite import SqliteStore

    async def main() -> T:
        store = SqliteStore(settings(config).database)
        try:
            return await (store.write(work) if write else store.read(work))
        finally:
            await store.close()

    return run(main)


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
        table.add_row(case.case_ref, case.title, case.institution, case.state, case.caseworker, str(case.deletion_due or ""))
    Console().print(table)


@cases.command("show")
def show_case(ref: Annotated[str, typer.Argument(help="The case reference, YY/NNNN.")], config: ConfigOption = None) -> None:
    """One case with all that the register holds, as JSON."""
    from bot.store.registers import COLUMNS

    case = _with_store(config, lambda tx: tx.case(ref), write=False)
    if case is None:
        raise ConfigError(f"case {ref} is not in the register; `bot cases list` shows them all")
    print(json.dumps({name: getattr(case, name) for name in COLUMNS}, ensure_ascii=False, default=str, indent=2))


@deletions.command("list")
def list_deletions(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """The deletion register, newest first."""
    rows = _with_store(config, lambda tx: tx.deletions(), write=False)
    if as_json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
        return
    table = Table("case", "verdict", "received", "sender", "trust", "sentence")
    for row in rows:
        table.add_row(row["case_ref"], row["verdict"], row["received"][:10], row["sender"], row["trust"], row["sentence"])
    Console().print(table)


@deletions.command("export")
def export_deletions(config: ConfigOption = None) -> None:
    """The deletion register as CSV on standard output; opens safely in a spreadsheet."""
    from bot.store.registers import DELETION_COLUMNS

    rows = _with_store(config, lambda tx: tx.deletions(), write=False)
    writer = csv.writer(sys.stdout)
    writer.writerow(DELETION_COLUMNS)
    for row in rows:
        writer.writerow([safe_cell(row[name]) for name in DELETION_COLUMNS])


FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_cell(value: Any) -> str:
    """A value as text that no spreadsheet takes for a formula (OWASP, *CSV injection*)."""
    text = ";".join(map(str, value)) if isinstance(value, (list, tuple)) else "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
