"""``run``, ``demo``, ``doctor``, ``pause`` and ``resume``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.commands import ConfigOption, run, settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("run")(run_service)
    app.command()(demo)
    app.command()(doctor)
    app.command()(pause)
    app.command()(resume)


def run_service(config: ConfigOption = None) -> None:
    """The service: sources, worker, outbox, deadlines, web; stops cleanly on SIGTERM."""
    from bot import journal
    from bot.run import serve

    chosen = settings(config)
    journal.to_stderr()
    run(lambda: serve(chosen))


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the samples.")] = False,
    folder: Annotated[Path | None, typer.Option(help="Keep the demo's store here instead of a temporary folder.")] = None,
) -> None:
    """The service on embedded parts: feeds its samples through the real SMTP entrance and shows what became of each."""
    from bot.demo import show

    run(lambda: show(once=once, folder=folder))


def doctor(config: ConfigOption = None) -> None:
    """Try every connection and right that the configuration needs, and say what to mend."""
    from bot.doctor import examine

    faults = run(lambda: examine(settings(config), say=lambda line: print(line, flush=True)))
    raise typer.Exit(1 if faults else 0)


def pause(config: ConfigOption = None) -> None:
    """Hold mail to researchers; forwards to caseworkers go on."""
    _switch(config, "1")
    print("Paused: mail to researchers is held. `bot resume` lets it go.")


def resume(config: ConfigOption = None) -> None:
    """Let held mail go."""
    _switch(config, "0")
    print("Resumed.")


def _switch(config: Path | None, value: str) -> None:
    from bot.run import now
    from bot.store.sqlite import SqliteStore

    chosen = settings(config)

    async def work() -> None:
        store = SqliteStore(chosen.database)
        try:
            await store.write(lambda tx: tx.set_flag("paused", value, now()))
        finally:
            await store.close()

    run(work)
