"""``offers`` and ``applications``: what came back signed and what was applied for, from the command line."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bot.commands import ConfigOption, JsonOption
from bot.commands.output import print_json_lines, print_table
from bot.commands.store import now, operator, read_store, write_store
from bot.config import ConfigError

offers = typer.Typer(help="Returned offers.", no_args_is_help=True)
applications = typer.Typer(help="Applications.", no_args_is_help=True)

IN_TIME = {1: "yes", 0: "no"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(offers, name="offers")
    app.add_typer(applications, name="applications")


@offers.callback()
def _offers() -> None:
    """Returned offers."""


@offers.command("list")
def list_offers(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Returned offers, newest first, with what their signatures say; whether the signer may bind the institution, a person decides."""
    rows = read_store(config, lambda tx: tx.offers())
    if as_json:
        print_json_lines(rows)
        return
    print_table(
        ("id", "case", "received", "by", "in time", "signed by", "what was found", "state"),
        (
            (
                row["id"],
                row["case_ref"],
                row["received"][:10],
                row["accepted_by"],
                IN_TIME.get(row["in_time"], "?"),
                ", ".join(signature["signer"] or "?" for signature in row["signatures"]),
                ", ".join(row["why"]),
                row["state"],
            )
            for row in rows
        ),
    )


@applications.command("list")
def list_applications(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Applications, newest first, with what was not found among their attachments."""
    rows = read_store(config, lambda tx: tx.applications())
    if as_json:
        print_json_lines(rows)
        return
    print_table(
        ("number", "case", "received", "kind", "applicant", "not found", "state"),
        (
            (row["number"], row["case_ref"], row["received"][:10], row["kind"], row["applicant"], _not_found(row), row["state"])
            for row in rows
        ),
    )


def _not_found(row: dict[str, Any]) -> str:
    return ", ".join(item["id"] for item in row["checklist"] if item["required"] and not item["found_in"])


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

    if not write_store(config, work):
        raise ConfigError(f"{number} is no application; `bot applications list` shows them all")
    print(f"{number}: {case}")
