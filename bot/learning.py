"""Learning behind a gate: corrections become examples only if the new model is not worse on the evaluation sets.

Corrections lie in ``<data>/knowledge/learned/corrections.jsonl``, apart from the curated files; the state before the last lesson lies
beside them, so that going back is one command.
"""

from __future__ import annotations

import json
from pathlib import Path

from bot import understanding
from bot.knowledge import KnowledgeError, load
from bot.model import Category, Language
from bot.understanding import Model

NAME, BEFORE = "corrections.jsonl", "corrections.before"
SLACK = 0.005  # of coverage and category: a difference that a different fold would make too


class CannotLearn(ValueError):
    """The corrections cannot be used or would make things worse; one sentence."""


def folder_of(data: Path) -> Path:
    """Where corrections of this service lie: a knowledge folder of its own over the others."""
    return data / "knowledge"


def learn(file: Path | None, data: Path, cache: Path, own: Path | None = None) -> str:
    """Take corrections in; returns what was gained. Errors: ``CannotLearn``, with nothing changed."""
    if file is None:
        raise CannotLearn("name a file of corrections, or --undo")
    lines = _checked(file)
    learned = folder_of(data) / "learned"
    learned.mkdir(parents=True, exist_ok=True)
    path, before = learned / NAME, learned / BEFORE
    old_text = path.read_text(encoding="utf-8") if path.exists() else ""
    old = _model(data, cache, own)
    path.write_text(old_text + "".join(line + "\n" for line in lines), encoding="utf-8")
    try:
        new = _model(data, cache, own)
    except (KnowledgeError, understanding.LearningFailed) as error:
        _restore(path, old_text)
        raise CannotLearn(f"{file} was not learned: {error}") from None
    if worse := _worse(old, new):
        _restore(path, old_text)
        raise CannotLearn(f"{file} was not learned: {worse}; the old model stays")
    before.write_text(old_text, encoding="utf-8")
    return f"learned {len(lines)} corrections: {_figures(old)} before, {_figures(new)} now; reload or restart the service to use them"


def undo(data: Path) -> str:
    """Back to the corrections before the last lesson. Errors: ``CannotLearn`` where there is none."""
    learned = folder_of(data) / "learned"
    path, before = learned / NAME, learned / BEFORE
    if not before.exists():
        raise CannotLearn("there is no lesson to take back")
    _restore(path, before.read_text(encoding="utf-8"))
    before.unlink()
    return "the last lesson is taken back; reload or restart the service"


def _restore(path: Path, text: str) -> None:
    if text:
        path.write_text(text, encoding="utf-8")
    else:
        path.unlink(missing_ok=True)


def _model(data: Path, cache: Path, own: Path | None) -> Model:
    extra = [folder_of(data)] if folder_of(data).is_dir() else []
    return understanding.prepare(load(own, extra=extra), cache)


def _worse(old: Model, new: Model) -> str:
    """What got worse, as words, or ``""``."""
    for name, before, after in (
        ("coverage", old.assurance.coverage, new.assurance.coverage),
        ("precision", old.assurance.precision, new.assurance.precision),
        ("category accuracy", old.category_accuracy, new.category_accuracy),
    ):
        if after < before - SLACK:
            return f"{name} on the evaluation sets would fall from {before:.3f} to {after:.3f}"
    return ""


def _figures(model: Model) -> str:
    return f"coverage {model.assurance.coverage:.3f} at precision {model.assurance.precision:.4f} (n={model.assurance.n}), category {model.category_accuracy:.3f}"


def _checked(file: Path) -> list[str]:
    """The lines of a corrections file, each of a form that can be learned."""
    try:
        raw = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise CannotLearn(f"{file} cannot be read as UTF-8 text") from None
    known = load().topics
    lines = []
    for number, line in enumerate(raw, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            Language(entry["language"])
            if "question" in entry:
                if entry["faq"] is not None and entry["faq"] not in known:
                    raise ValueError
            else:
                Category(entry["category"])
                str(entry["text"])
        except (ValueError, KeyError, TypeError):
            raise CannotLearn(
                f'{file}:{number} must be {{"question", "faq": topic id or null, "language"}} or {{"text", "category", "language"}}'
            ) from None
        lines.append(json.dumps(entry, ensure_ascii=False))
    if not lines:
        raise CannotLearn(f"{file} holds no corrections")
    return lines


__all__ = ["CannotLearn", "folder_of", "learn", "undo"]
