"""``audit``, ``purge`` and ``person``: what keeps the record, and keeps it no longer than it may."""

from __future__ import annotations

import contextlib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.commands import ConfigOption, JsonOption, settings
from bot.commands.output import print_table, progress_bar
from bot.commands.store import now, operator, read_store, write_store
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
    app.add_typer(person, name="person")


@audit.command("verify")
def verify(config: ConfigOption = None) -> None:
    """Find a changed, missing or reordered entry of the audit log."""
    faults, head = read_store(config, lambda tx: (list(tx.audit_faults()), tx.audit_head()))
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
    rows = read_store(config, lambda tx: tx.past_their_days(rules, now()))
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
            count += write_store(config, lambda tx, chunk=chunk: tx.purge(chunk, rules, now(), actor=who, why="retention"))  # type: ignore[misc]
            progress.advance(bar, len(chunk))
    return count


@contextlib.contextmanager
def _forgetting(config: Path | None, chosen: Settings) -> Iterator[None]:
    """What corrections of mails that go in the block have taught is unlearned: they hold words of those mails."""
    from bot.learning import forget

    before = read_store(config, lambda tx: tx.corrections())
    yield
    after = set(read_store(config, lambda tx: tx.corrections()))
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

    write_store(config, work)
    shorten_log(chosen.database)


# ── a person ──────────────────────────────────────────────────────────────────────────────────────────────────


@person.command("list")
def list_person(address: AddressArgument, config: ConfigOption = None) -> None:
    """What is held on an address, without content, and what could be erased."""
    rules = keeping_rules(settings(config))
    plan = read_store(config, lambda tx: tx.erasure_plan(_address(address), rules))
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

    held = write_store(config, work)
    print(json.dumps({"address": wanted, "exported": now().isoformat(timespec="seconds"), **held}, ensure_ascii=False, indent=2))


@person.command("erase")
def erase_person(address: AddressArgument, config: ConfigOption = None, yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Erase what is held on an address where the section retention allows it; what has to be kept stays, with the reason."""
    from bot.store.backup import shorten_log

    chosen, wanted = settings(config), _address(address)
    rules = keeping_rules(chosen)
    if yes:
        with _forgetting(config, chosen):
            plan = write_store(config, lambda tx: tx.erase(wanted, rules, now(), actor=operator()))
        shorten_log(chosen.database)
    else:
        plan = read_store(config, lambda tx: tx.erasure_plan(wanted, rules))
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
    rows = ((entry["what"], entry["id"], HELD.get(entry["kept"], entry["kept"]) or "- (can go)") for entry in plan)
    print_table(("what", "id", "stays because"), rows)
