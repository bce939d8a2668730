"""``classify`` and ``receive``: mails from files."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.commands import ConfigOption, JsonOption, run, settings
from bot.commands.output import progress_bar
from bot.config import ConfigError, Settings
from bot.model import Act
from bot.pipeline import Judged

Files = Annotated[list[Path], typer.Argument(help="An .eml file, an mbox or a Maildir.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(classify)
    app.command()(receive)


def classify(files: Files, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Read mails, say what is understood and what would be done; change nothing."""
    from bot import pipeline
    from bot.run import thinking
    from bot.sources.folder import raw

    with thinking(settings(config)) as parts:
        for name, content in _mails(files):
            judged = pipeline.classify(parts, raw(content, parts.clock()))
            row = as_row(name, judged)
            print(json.dumps(row, ensure_ascii=False) if as_json else _shown(row), flush=True)


def receive(paths: Files, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Take mails in as if they had arrived, handle and deliver until nothing waits, then end."""
    chosen = settings(config)
    run(lambda: _receive(paths, chosen, as_json))


async def _receive(paths: list[Path], chosen: Settings, as_json: bool) -> None:
    from bot import pipeline
    from bot.run import alone, open_parts
    from bot.sources.folder import raw

    mails = _mails(paths)  # a wrong path ends here, before anything is taken in
    with alone(chosen):
        async with open_parts(chosen) as parts:
            await parts.store.write(lambda tx: tx.release_claims())
            taken: list[tuple[str, str]] = []
            with progress_bar(quiet=as_json) as progress:
                bar = progress.add_task("taken in", total=None)
                for name, content in mails:
                    arrived = raw(content, parts.clock())
                    await pipeline.receive(parts, arrived)
                    taken.append((name, arrived.key))
                    progress.advance(bar)
                # what somebody hands in at once is no sudden jump
                parts.limits = replace(parts.limits, automatic_per_hour=parts.limits.automatic_per_hour + len(taken))
                progress.update(bar, total=len(taken))
                bar = progress.add_task("handled", total=len(taken))
                while handled := await pipeline.handle_waiting(parts):
                    progress.advance(bar, handled)
                await pipeline.deliver_waiting(parts)
            for name, key in taken:
                row = await parts.store.read(lambda tx, key=key: tx.summary(key))  # type: ignore[misc]
                line = {"file": name, **{field: row[field] for field in ("category", "case", "actions", "reasons")}}
                print(json.dumps(line, ensure_ascii=False) if as_json else f"{name}: {line['category']} {', '.join(line['actions'])}")
            left = int((await parts.store.read(lambda tx: tx.counts(parts.clock())))["outbox_waiting"])
            if left:
                print(f"mails that could not leave yet: {left}; the service sends them when they are due", file=sys.stderr)


def _mails(paths: list[Path]) -> Iterator[tuple[str, bytes]]:
    from bot.sources.folder import Unreadable, read

    try:
        return read(paths)
    except Unreadable as error:
        raise ConfigError(str(error)) from None


def as_row(name: str, judged: Judged) -> dict[str, Any]:
    """One mail in the keys of ``bot classify --json``."""
    message, understanding, decision = judged.message, judged.understanding, judged.decision
    automatic = message.automatic
    return {
        "file": name,
        "message_id": message.message_id,
        "auto": automatic is not None or decision.category.value == "auto",
        "auto_reason": f"{automatic.rule}: {automatic.evidence}" if automatic is not None else "",
        "category": decision.category.value,
        "confidence": round(understanding.confidence, 4),
        "also": [category.value for category in understanding.also],
        "language": understanding.language.value,
        "case_refs": list(understanding.case_refs),
        "case_refs_ambiguous": list(understanding.case_refs_ambiguous),
        "faq": understanding.faq,
        "faqs": list(understanding.faqs) if decision.reply.value == "answer" else [],
        "faq_confidence": round(understanding.faq_confidence, 4),
        "faq_alternatives": [{"id": score.id, "confidence": round(score.confidence, 4)} for score in understanding.alternatives[:5]],
        "reply": decision.reply.value,
        "actions": list(dict.fromkeys(action.act.value for action in decision.actions if not (action.draft and action.act is Act.ANSWER))),
        "text": message.own,
        "attachments": [
            {"name": read.name, "type": read.type, "size": read.size, "kind": read.kind} for read in judged.examined.attachments
        ],
        "sensitive": list(understanding.sensitive),
        "trust": judged.findings.trust.value,
        "defects": list(message.defects),
        "reasons": [reason.value for reason in decision.reasons]
        + [f"{evidence.kind}: {evidence.text}" for evidence in (*understanding.evidence, *decision.trace)],
    }


def _shown(row: dict[str, Any]) -> str:
    lines = [
        f"{row['file']}",
        f"  category   {row['category']} ({row['confidence']:.2f}), language {row['language']}, trust {row['trust']}",
        f"  topic      {row['faq'] or '-'}   next: "
        + ", ".join(f"{entry['id']} {entry['confidence']:.2f}" for entry in row["faq_alternatives"][:3]),
        f"  cases      {', '.join(row['case_refs']) or '-'}",
        f"  reply      {row['reply']}; {', '.join(row['actions'])}",
    ]
    return "\n".join([*lines, *(f"  why        {reason}" for reason in row["reasons"])])
