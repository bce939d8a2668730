"""``run``, ``demo``, ``doctor``, ``pause``, ``resume`` and ``reconcile``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.commands import ConfigOption, JsonOption, run, settings
from bot.commands.store import now, read_store, write_store
from bot.config import ConfigError, Settings

if TYPE_CHECKING:
    from bot.ledger import Balance


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("run")(run_service)
    app.command()(demo)
    app.command()(doctor)
    app.command()(pause)
    app.command()(resume)
    app.command()(reconcile)


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
    write_store(config, lambda tx: tx.pause("by-hand", now()))
    print("Paused: mail to researchers is held. `bot resume` lets it go.")


def resume(config: ConfigOption = None) -> None:
    """Let held mail go, whoever held it: a person, a restore, or the circuit breaker."""

    def work(tx: Any) -> str:
        reason: str = tx.paused_by()
        if reason:
            tx.set_flag("paused", "0", now())
        return reason

    reason = write_store(config, work)
    print(f"Resumed; it was held because: {reason}." if reason else "Nothing was held.")


def reconcile(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """The ledger: what the mail server has against what is recorded. What is missing is taken in. Status 1 when something was missing.

    The service does the same once a day; both may run at once.
    """
    from bot.ledger import recorded_line

    chosen = settings(config)
    found, taken = run(lambda: _reconciled(chosen))
    if as_json:
        print(json.dumps({**asdict(found), "taken_in": taken}, ensure_ascii=False))
    else:
        others = read_store(config, lambda tx: tx.recorded_by_source())
        lines = [recorded_line(source, labels) for source, labels in sorted(others.items()) if source != "imap"]
        print(*found.lines(), *lines, sep="\n")
        if taken:
            print(f"taken in now: {taken}; the running service handles them, or the next `bot run`")
    raise typer.Exit(0 if found.even else 1)


async def _reconciled(chosen: Settings) -> tuple[Balance, int]:
    from bot.journal import Journal
    from bot.run import mailbox
    from bot.store.sqlite import SqliteStore
    from bot.watch import Unasked, reconcile

    if chosen.imap is None:
        raise ConfigError("reconcile needs the section [imap]: what comes over SMTP is recorded before it is acknowledged")
    store = SqliteStore(chosen.database)
    box = mailbox(chosen, chosen.imap, store, Journal())
    try:
        return await reconcile(store, box, lambda raw: store.write(lambda tx: tx.arrive(raw)), now())
    except Unasked as error:
        raise ConfigError(
            f"imap: {chosen.imap.host}:{chosen.imap.port} cannot be asked ({error}); `bot doctor` says what to mend"
        ) from None
    finally:
        await box.close()
        await store.close()
