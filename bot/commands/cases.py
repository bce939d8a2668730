"""``cases``: the case register from the command line."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.commands import ConfigOption, JsonOption
from bot.commands.output import print_json_lines, print_table, progress_bar
from bot.commands.store import now, operator, read_store, write_store
from bot.config import ConfigError

if TYPE_CHECKING:
    from bot.importing import Checked

cases = typer.Typer(help="The case register.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(cases, name="cases")


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
        write_store(config, work)
    return counted


@cases.command("list")
def list_cases(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """All cases, newest reference first."""
    from bot.store.registers import COLUMNS

    rows = read_store(config, lambda tx: tx.cases())
    if as_json:
        print_json_lines({name: getattr(case, name) for name in COLUMNS} for case in rows)
        return
    print_table(
        ("case", "title", "institution", "state", "caseworker", "deletion due"),
        ((case.case_ref, case.title, case.institution, case.state, case.caseworker, case.deletion_due or "") for case in rows),
    )


@cases.command("show")
def show_case(ref: Annotated[str, typer.Argument(help="The case reference, YY/NNNN.")], config: ConfigOption = None) -> None:
    """One case with all that the register holds and the deadline for complaints that follows from it, as JSON."""
    from bot.matters.deadlines import complaint_deadline
    from bot.store.registers import COLUMNS

    case = read_store(config, lambda tx: tx.case(ref))
    if case is None:
        raise ConfigError(f"case {ref} is not in the register; `bot cases list` shows them all")
    shown = {**{name: getattr(case, name) for name in COLUMNS}, "complaint_due": complaint_deadline(case)}
    print(json.dumps(shown, ensure_ascii=False, default=str, indent=2))
