"""``backup`` and ``restore``: the store as a file, and back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from bot.commands import ConfigOption, settings
from bot.commands.output import progress_bar
from bot.commands.store import now, operator, write_store
from bot.config import ConfigError


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command()(restore)


def backup(file: Annotated[Path, typer.Argument(help="A new file.")], config: ConfigOption = None) -> None:
    """Copy the store to a file, while the service runs or not, and check the copy."""
    from bot.store.backup import NoStore, back_up

    database = settings(config).database
    if not database.exists():
        raise ConfigError(f"{database} does not exist yet; there is nothing to copy")
    try:
        with progress_bar(quiet=False) as progress:
            contents = back_up(database, file, _pages(progress))
    except FileExistsError:
        raise ConfigError(f"{file} exists already; give a new file") from None
    except NoStore as error:
        raise ConfigError(str(error)) from None
    write_store(
        config, lambda tx: tx.event("backed-up", "store", {"entries": contents.entries, "head": contents.head}, now(), actor=operator())
    )
    print(f"{file}: {contents.mails} mails; audit log {contents.entries} entries, last hash {contents.head}")


def restore(file: Annotated[Path, typer.Argument(help="A file of `bot backup`.")], config: ConfigOption = None) -> None:
    """Put a backup back, with the service stopped. The store that was there is kept beside it.

    Automatic sending is paused after it: mails that left after the backup was made stand in it as not sent.
    """
    from bot.run import alone
    from bot.store.backup import NoStore, put_back

    chosen = settings(config)
    with alone(chosen):
        try:
            with progress_bar(quiet=False) as progress:
                contents, kept = put_back(file, chosen.database, now(), _pages(progress))
        except NoStore as error:
            raise ConfigError(str(error)) from None
        write_store(config, lambda tx: _after_restore(tx, contents.head, now()))
    print(f"restored {contents.mails} mails; audit log {contents.entries} entries, last hash {contents.head}")
    if kept is not None:
        print(f"the store that was there is kept as {kept}")
    print("Automatic sending is paused: mails that left after the backup may wait here once more. Look, then `bot resume`.")


def _after_restore(tx: Any, head: str, moment: datetime) -> None:
    tx.event("restored", "store", {"head": head}, moment, actor=operator())
    tx.pause("restored", moment)


def _pages(progress: Progress) -> Callable[[int, int], None]:
    bar = progress.add_task("copying", total=None)
    return lambda done, total: progress.update(bar, completed=done, total=total)
