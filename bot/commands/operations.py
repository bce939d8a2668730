"""``audit``, ``purge``, ``archive``, ``backup``, ``restore`` and ``person``: what keeps the record, and keeps it no longer than it may."""

from __future__ import annotations

import contextlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from bot.commands import ConfigOption, JsonOption, settings
from bot.commands.registers import _with_store, now, operator, progress_bar
from bot.config import CATEGORIES, ConfigError, Settings

if TYPE_CHECKING:
    from bot.store.keeping import KeepingRules

CHUNK = 200  # mails in one transaction, so that a running service waits for milliseconds only

audit = typer.Typer(help="The audit log.", no_args_is_help=True)
person = typer.Typer(help="A person's rights: what is held on one address.", no_args_is_help=True)

YesOption = Annotated[bool, typer.Option("--yes", help="Do it. Without it: only show what would be done.")]
AddressArgument = Annotated[str, typer.Argument(metavar="ADDRESS", help="The person's e-mail address.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(audit, name="audit")
    app.command()(purge)
    app.command()(archive)
    app.command()(backup)
    app.command()(restore)
    app.add_typer(person, name="person")


@audit.command("verify")
def verify(config: ConfigOption = None) -> None:
    """Find a changed, missing or reordered entry of the audit log."""
    faults, head = _with_store(config, lambda tx: (list(tx.audit_faults()), tx.audit_head()), write=False)
    for fault in faults:
        print(fault)
    print(f"{head[0]} entries, last hash {head[1]}: " + ("whole" if not faults else f"{len(faults)} faults"))
    raise typer.Exit(1 if faults else 0)


# ── purge ─────────────────────────────────────────────────────────────────────────────────────────────────────

HELD = {
    "not-handled": "not handled yet",
    "open": "waits for a person",
    "leaving": "a mail about it has not left yet",
    "not-archived": "hand-over to the archive not acknowledged",
    "kept-for-ever": "its category is kept for ever (0 days in the section retention)",
    "somebody-elses-mail": "somebody else's mail",
    "case-documentation": "documents the case handling",
    "account": "an account of the console: `bot user`",
}


def purge(config: ConfigOption = None, yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Purge mails that have been kept as long as the section retention says; what the archive has not acknowledged stays.

    The registers, the audit log and the mailbox on the server are not touched.
    """
    chosen = settings(config)
    rules = keeping_rules(chosen)
    rows = _with_store(config, lambda tx: tx.past_their_days(rules, now()), write=False)
    going = [row["key"] for row in rows if not row["obstacle"]]
    purged = 0
    if yes:
        with _forgetting(config, chosen):
            purged = _purged(config, going, rules, quiet=as_json)
        _finish_purge(config, chosen, quiet=as_json)
    held = Counter(row["obstacle"] for row in rows if row["obstacle"])
    by_category = Counter(row["category"] for row in rows if not row["obstacle"])
    if as_json:
        print(json.dumps({"dry_run": not yes, "purgeable": dict(by_category), "purged": purged, "held": dict(held)}))
        return
    for category, count in sorted(by_category.items()):
        print(f"{category}: {count} mails {'past their time' if yes else 'would be purged'}")
    for reason, count in sorted(held.items()):
        print(f"kept all the same: {count} mails ({HELD[reason]})")
    print(f"purged {purged} mails" if yes else f"{len(going)} mails would be purged; --yes does it")


def keeping_rules(chosen: Settings) -> KeepingRules:
    """[retention] as the store understands it."""
    from bot.store.keeping import KeepingRules

    return KeepingRules({category: getattr(chosen.retention, category) for category in CATEGORIES}, chosen.retention.require_archive)


def _purged(config: Path | None, keys: list[str], rules: KeepingRules, *, quiet: bool) -> int:
    who, count = operator(), 0
    with progress_bar(quiet=quiet) as progress:
        bar = progress.add_task("purging", total=len(keys))
        for start in range(0, len(keys), CHUNK):
            chunk = keys[start : start + CHUNK]
            count += _with_store(config, lambda tx, chunk=chunk: tx.purge(chunk, rules, now(), actor=who, why="retention"), write=True)  # type: ignore[misc]
            progress.advance(bar, len(chunk))
    return count


@contextlib.contextmanager
def _forgetting(config: Path | None, chosen: Settings) -> Iterator[None]:
    """What corrections of mails that go in the block have taught is unlearned: they hold words of those mails."""
    from bot.learning import forget

    before = _with_store(config, lambda tx: tx.corrections(), write=False)
    yield
    after = set(_with_store(config, lambda tx: tx.corrections(), write=False))
    forget([line for line in before if line not in after], chosen.service.data)


def _finish_purge(config: Path | None, chosen: Settings, *, quiet: bool) -> None:
    """Old notices of ours, and the traces of what was purged in the search index and the store's log."""
    from bot.store.backup import shorten_log

    def work(tx: Any) -> None:
        if chosen.retention.other:
            tx.purge_notices(now() - timedelta(days=chosen.retention.other))
        if chosen.retention.chat:
            tx.purge_notices(now() - timedelta(days=chosen.retention.chat), kind="verify-address")
        tx.compact_search()

    _with_store(config, work, write=True)
    shorten_log(chosen.database)


# ── archive ───────────────────────────────────────────────────────────────────────────────────────────────────


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
        keys = _with_store(config, lambda tx: tx.to_hand_over(), write=False)
        with progress_bar(quiet=quiet) as progress:
            mails = _written(config, folder, keys, chosen.service.address, progress)
        finish(folder, batch, started, mails)
    except Unfit as error:
        raise ConfigError(str(error)) from None
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written ({error.strerror}); mend that and give a new folder") from None
    checksums = {key: checksum for _, key, checksum in mails}
    _with_store(config, lambda tx: tx.hand_over(batch, checksums, now(), written=started, actor=operator()), write=True)
    return {"batch": batch, "folder": str(folder), "mails": len(mails)}


def _written(config: Path | None, folder: Path, keys: list[str], service: str, progress: Progress) -> list[tuple[str, str, str]]:
    """(name of the folder, key, checksum) of each mail; the name tells number and day, nothing of the content."""
    from bot.archive import lay_down, papers

    mails: list[tuple[str, str, str]] = []
    bar = progress.add_task("writing", total=len(keys))

    def work(tx: Any, chunk: list[str]) -> list[dict[str, Any]]:
        return [tx.archive_record(key) for key in chunk]

    for start in range(0, len(keys), CHUNK // 10):
        chunk = keys[start : start + CHUNK // 10]
        for record in _with_store(config, lambda tx, chunk=chunk: work(tx, chunk), write=False):  # type: ignore[misc]
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

    return {"batch": batch.name, "folder": str(folder), "mails": _with_store(config, work, write=True)}


# ── backup and restore ────────────────────────────────────────────────────────────────────────────────────────


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
    _with_store(
        config,
        lambda tx: tx.event("backed-up", "store", {"entries": contents.entries, "head": contents.head}, now(), actor=operator()),
        write=True,
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
        _with_store(config, lambda tx: _after_restore(tx, contents.head, now()), write=True)
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


# ── a person ──────────────────────────────────────────────────────────────────────────────────────────────────


@person.command("list")
def list_person(address: AddressArgument, config: ConfigOption = None) -> None:
    """What is held on an address, without content, and what could be erased."""
    rules = keeping_rules(settings(config))
    plan = _with_store(config, lambda tx: tx.erasure_plan(_address(address), rules), write=False)
    _show_plan(plan)


@person.command("export")
def export_person(address: AddressArgument, config: ConfigOption = None) -> None:
    """All that is held on an address, as JSON on standard output; bytes are base64. Mails of others are named, not shown."""
    from bot.store.keeping import person_subject

    wanted = _address(address)

    def work(tx: Any) -> dict[str, Any]:
        held: dict[str, Any] = tx.held_on(wanted)
        tx.event("person-exported", person_subject(wanted), {name: len(rows) for name, rows in held.items()}, now(), actor=operator())
        return held

    held = _with_store(config, work, write=True)
    print(json.dumps({"address": wanted, "exported": now().isoformat(timespec="seconds"), **held}, ensure_ascii=False, indent=2))


@person.command("erase")
def erase_person(address: AddressArgument, config: ConfigOption = None, yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Erase what is held on an address where the section retention allows it; what has to be kept stays, with the reason."""
    from bot.store.backup import shorten_log

    chosen, wanted = settings(config), _address(address)
    rules = keeping_rules(chosen)
    if yes:
        with _forgetting(config, chosen):
            plan = _with_store(config, lambda tx: tx.erase(wanted, rules, now(), actor=operator()), write=True)
        shorten_log(chosen.database)
    else:
        plan = _with_store(config, lambda tx: tx.erasure_plan(wanted, rules), write=False)
    if as_json:
        print(json.dumps({"dry_run": not yes, "held": plan}, ensure_ascii=False))
        return
    _show_plan(plan)
    going = sum(not entry["kept"] for entry in plan)
    print(f"erased {going}, kept {len(plan) - going}" if yes else f"{going} would be erased, {len(plan) - going} kept; --yes does it")


def _address(text: str) -> str:
    local, _, domain = text.strip().rpartition("@")
    if not local or not domain or len(text) > 320 or any(ch.isspace() for ch in text.strip()):
        raise ConfigError(f'"{text}" is not an e-mail address; give one like kari@uio.example')
    return f"{local}@{domain}".lower()


def _show_plan(plan: list[dict[str, str]]) -> None:
    if not plan:
        print("nothing is held", file=sys.stderr)
        return
    table = Table("what", "id", "stays because")
    for entry in plan:
        table.add_row(entry["what"], Text(entry["id"]), HELD.get(entry["kept"], entry["kept"]) or "- (can go)")
    Console().print(table)
