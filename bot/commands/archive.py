"""``archive``: the hand-over of mails to the archive, and its acknowledgement."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from bot.commands import ConfigOption, JsonOption, settings
from bot.commands.output import progress_bar
from bot.commands.store import now, operator, read_store, write_store
from bot.config import ConfigError

CHUNK = 20  # mails in memory at a time, with all that is about them


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(archive)


def archive(
    folder: Annotated[Path | None, typer.Argument(help="A new or empty folder for what is handed over.")] = None,
    config: ConfigOption = None,
    acknowledge: Annotated[
        Path | None, typer.Option("--acknowledge", metavar="FOLDER", help="The archive has taken this folder in.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Hand mails over to the archive: for each a folder with the .eml, attachments, checksums and the fields of Noark 5 as JSON.

    Takes what the archive has not acknowledged in its present state. Then, when the archive has it: --acknowledge FOLDER.
    """
    if (folder is None) == (acknowledge is None):
        raise ConfigError("give either a folder to write or --acknowledge with the folder that the archive has taken in")
    result = _acknowledged(config, acknowledge) if acknowledge is not None else _handed_over(config, folder or Path(), quiet=as_json)
    if as_json:
        print(json.dumps(result, ensure_ascii=False))
    elif acknowledge is not None:
        print(f"{result['mails']} mails of {result['batch']} acknowledged")
    else:
        print(f"{result['mails']} mails written to {folder}; when the archive has them: bot archive --acknowledge {folder}")


def _handed_over(config: Path | None, folder: Path, *, quiet: bool) -> dict[str, Any]:
    from bot.archive import Unfit, finish, prepare

    chosen, started = settings(config), now()
    batch = f"{started:%Y%m%dT%H%M%S%f}"
    try:
        prepare(folder)
        keys = read_store(config, lambda tx: tx.to_hand_over())
        with progress_bar(quiet=quiet) as progress:
            mails = _written(config, folder, keys, chosen.service.address, progress)
        finish(folder, batch, started, mails)
    except Unfit as error:
        raise ConfigError(str(error)) from None
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written ({error.strerror}); mend that and give a new folder") from None
    checksums = {key: checksum for _, key, checksum in mails}
    write_store(config, lambda tx: tx.hand_over(batch, checksums, now(), written=started, actor=operator()))
    return {"batch": batch, "folder": str(folder), "mails": len(mails)}


def _written(config: Path | None, folder: Path, keys: list[str], service: str, progress: Progress) -> list[tuple[str, str, str]]:
    """(name of the folder, key, checksum) of each mail; the name tells number and day, nothing of the content."""
    from bot.archive import lay_down, papers

    mails: list[tuple[str, str, str]] = []
    bar = progress.add_task("writing", total=len(keys))

    def work(tx: Any, chunk: list[str]) -> list[dict[str, Any]]:
        return [tx.archive_record(key) for key in chunk]

    for start in range(0, len(keys), CHUNK):
        chunk = keys[start : start + CHUNK]
        for record in read_store(config, lambda tx, chunk=chunk: work(tx, chunk)):  # type: ignore[misc]
            name = f"{record['id']:06d}-{record['received'][:10]}"
            mails.append((name, record["key"], lay_down(folder, name, papers(record, service))))
            progress.advance(bar)
    return mails


def _acknowledged(config: Path | None, folder: Path) -> dict[str, Any]:
    from bot.archive import Unfit, read_back

    try:
        batch = read_back(folder)
    except Unfit as error:
        raise ConfigError(str(error)) from None

    def work(tx: Any) -> int:
        known = tx.handed_over(batch.name)
        if not known and batch.checksums:
            raise ConfigError(f"{folder} is no hand-over of this store, or a later one has taken its place")
        strange = [key for key, checksum in known.items() if batch.checksums.get(key) != checksum]
        if strange:
            raise ConfigError(f"{folder} is not as it was written: {len(strange)} mails are missing or have other checksums")
        return int(tx.acknowledge(batch.name, now(), actor=operator()))

    return {"batch": batch.name, "folder": str(folder), "mails": write_store(config, work)}
