"""``ask``, ``evaluate``, ``knowledge`` and ``learn``: what the assistant knows and how well."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.commands import ConfigOption, JsonOption, settings
from bot.config import ConfigError, Settings

knowledge_app = typer.Typer(help="The knowledge base.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(ask)
    app.command()(evaluate)
    app.command()(learn)
    app.add_typer(knowledge_app, name="knowledge")


def ask(
    question: Annotated[str, typer.Argument(help="A question; `-` reads one a line from standard input.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
    language: Annotated[str, typer.Option(help="nb, nn or en; told from the question where it is left out.")] = "",
) -> None:
    """The chat's answer to a question."""
    from bot import understanding
    from bot.model import Language
    from bot.run import brain

    try:
        wanted = Language(language) if language else None
    except ValueError:
        raise ConfigError(f'--language "{language}" must be nb, nn or en') from None
    model = brain(settings(config)).model
    for line in sys.stdin if question == "-" else [question]:
        text = line.strip()
        if not text and question == "-":
            continue
        asked = understanding.ask(text, model, wanted)
        row = {
            "question": text,
            "faq": asked.faq,
            "confidence": round(asked.confidence, 4),
            "alternatives": [{"id": score.id, "confidence": round(score.confidence, 4)} for score in asked.alternatives[:5]],
            "language": asked.language.value,
            "answer": asked.answer,
        }
        print(json.dumps(row, ensure_ascii=False) if as_json else _shown(row), flush=True)


def _shown(row: dict[str, Any]) -> str:
    near = ", ".join(f"{entry['id']} {entry['confidence']:.2f}" for entry in row["alternatives"][:3])
    if row["faq"] is None:
        return f"(no answer; a person takes over)   nearest: {near}"
    return f"{row['answer']}\n\n({row['faq']} {row['confidence']:.2f}; {near})"


def evaluate(
    folder: Annotated[Path | None, typer.Argument(help="A folder with labels.jsonl and its .eml files.")] = None,
    questions: Annotated[Path | None, typer.Option("--questions", help="A file of labelled questions.")] = None,
    paraphrases: Annotated[
        bool, typer.Option("--paraphrases", help="The knowledge base itself: each text judged without itself. Takes minutes.")
    ] = False,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw the risk–coverage curve into this SVG file.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Figures on a labelled corpus; without a corpus those of our own evaluation set that the answers rest on."""
    from bot import evaluate as evaluation

    chosen = settings(config)
    try:
        report = _of_knowledge(chosen) if paraphrases else _report(chosen, folder, questions)
    except evaluation.UnreadableCorpus as error:
        raise ConfigError(str(error)) from None
    if plot is not None:
        try:
            evaluation.plot(report, plot)
        except OSError as error:
            raise ConfigError(f"{plot} cannot be written ({error.strerror}); give a file in a folder that exists") from None
    if as_json:
        print(json.dumps(report.figures, ensure_ascii=False))
    else:
        _show_report(report)


def _of_knowledge(chosen: Settings) -> Any:
    from bot import evaluate as evaluation
    from bot import knowledge
    from bot.understanding import leaveout

    try:
        loaded = knowledge.load(_own_folder(chosen))
    except knowledge.KnowledgeError as error:
        raise ConfigError(str(error)) from None
    return evaluation.paraphrases(leaveout.place(loaded))


def _report(chosen: Settings, folder: Path | None, questions: Path | None) -> Any:
    from bot import evaluate as evaluation
    from bot import pipeline, understanding
    from bot.run import brain, thinking
    from bot.sources.folder import raw

    if questions is not None:
        model = brain(chosen).model
        return evaluation.questions(questions, lambda text: understanding.ask(text, model))
    with thinking(chosen) as parts:
        if folder is None:
            return evaluation.own(parts.brain.model)
        return evaluation.mails(folder, lambda content: pipeline.classify(parts, raw(content, parts.clock())))


def _show_report(report: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    from bot import evaluate as evaluation

    console = Console()
    table = Table("figure", "value")
    for name, value in report.figures.items():
        table.add_row(name, "\n".join(value) if isinstance(value, list) else str(value))
    console.print(table)
    if report.confusion:
        names = sorted({name for pair in report.confusion for name in pair})
        grid = Table("is \\ told", *names)
        for wanted in names:
            grid.add_row(wanted, *(str(report.confusion.get((wanted, got), "") or "·") for got in names))
        console.print(grid)
    if report.groups:
        columns = list(dict.fromkeys(name for counts in report.groups.values() for name in counts))
        parts = Table("part", *columns)
        for name, counts in sorted(report.groups.items()):
            parts.add_row(name, *(str(counts[column]) for column in columns))
        console.print(parts)
    for line in evaluation.drawn(report.curve) if report.curve else ():
        console.print(line, markup=False, highlight=False)
    for error in report.errors:
        console.print(error, markup=False, highlight=False)


@knowledge_app.command("check")
def check(config: ConfigOption = None) -> None:
    """The knowledge base's faults: missing languages, stale dates, twins, paraphrases that another topic fits better."""
    from bot import knowledge, understanding
    from bot.run import brain

    loaded = brain(settings(config))
    faults = [*knowledge.check(loaded.knowledge, date.today()), *understanding.misplaced(loaded.model)]
    for fault in faults:
        print(fault)
    topics = len(loaded.knowledge.topics)
    print(
        f"{topics} topics, {sum(1 for _ in knowledge.paraphrases(loaded.knowledge))} questions, {len(faults)} faults, version {loaded.knowledge.version}"
    )
    raise typer.Exit(1 if faults else 0)


def learn(
    file: Annotated[Path | None, typer.Argument(help="Corrections, one JSON object a line.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Go back to the model before the last lesson.")] = False,
    config: ConfigOption = None,
) -> None:
    """Learn from corrections, if the new model is not worse on the evaluation sets; the old one is one command away."""
    from bot import learning
    from bot.run import cache_folder

    chosen = settings(config)
    try:
        told = (
            learning.undo(chosen.service.data)
            if undo
            else learning.learn(file, chosen.service.data, cache_folder(chosen), _own_folder(chosen))
        )
    except learning.CannotLearn as error:
        raise ConfigError(str(error)) from None
    print(told)


def _own_folder(chosen: Settings) -> Path | None:
    return Path(chosen.knowledge.folder) if chosen.knowledge.folder else None
