"""``audit``: what keeps the record trustworthy."""

from __future__ import annotations

import typer

from bot.commands import ConfigOption
from bot.commands.registers import _with_store

audit = typer.Typer(help="The audit log.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(audit, name="audit")


@audit.command("verify")
def verify(config: ConfigOption = None) -> None:
    """Find a changed, missing or reordered entry of the audit log."""
    faults, head = _with_store(config, lambda tx: (list(tx.audit_faults()), tx.audit_head()), write=False)
    for fault in faults:
        print(fault)
    print(f"{head[0]} entries, last hash {head[1]}: " + ("whole" if not faults else f"{len(faults)} faults"))
    raise typer.Exit(1 if faults else 0)
