"""Learning behind a gate: corrections and edits go live only if the new model is not worse on the evaluation sets.

Both lie in ``<data>/knowledge``, over the curated files: corrections in ``learned/corrections.jsonl``, edited entries under the names
of the files that they replace. The corrections before the last lesson lie beside them, so that going back is one command.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot import understanding
from bot.knowledge import Fault, Knowledge, KnowledgeError, check, load
from bot.model import Assurance, Category, Language
from bot.understanding import Model

Changes = Mapping[str, str | None]  # name of a file in a knowledge folder → its new text, None where it goes

NAME, BEFORE = "corrections.jsonl", "corrections.before"
SLACK = 0.005  # of precision and of categories: a difference that other folds would make too
ORDER = 0.015  # of the order (partial AUC), which one more fault among the surest moves by 0.012 at most
JUMP = 0.1  # of coverage: a single held-out answer may move the threshold, and a twentieth of all answers with it


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


def forget(lines: Collection[str], data: Path) -> int:
    """Take corrections out of what was learned, for the mails that they quote are gone; returns how many there were.

    They leave the file at once, and the model with the next reload.
    """
    gone = {json.dumps(json.loads(line), sort_keys=True) for line in lines}
    count = 0
    for name in (NAME, BEFORE):
        path = folder_of(data) / "learned" / name
        if not gone or not path.exists():
            continue
        kept = [line for line in path.read_text(encoding="utf-8").splitlines() if json.dumps(json.loads(line), sort_keys=True) not in gone]
        count += len(path.read_text(encoding="utf-8").splitlines()) - len(kept) if name == NAME else 0
        _restore(path, "".join(line + "\n" for line in kept))
    return count


# ── edits ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of trying changes: the new knowledge and model, and what stands against them (``faults`` of the check that are new
    and block, ``worse`` as a sentence); ``advice``: new faults that do not block."""

    knowledge: Knowledge
    model: Model
    before: Assurance
    faults: tuple[Fault, ...] = ()
    advice: tuple[Fault, ...] = ()
    worse: str = ""

    @property
    def passed(self) -> bool:
        """Whether the changes may go live."""
        return not self.faults and not self.worse


def new_faults(changes: Changes, data: Path, now: Knowledge, own: Path | None = None) -> list[Fault]:
    """What ``bot knowledge check`` would say of changes that it does not say of the knowledge as it stands ``now``; nothing is learned.

    Errors: ``KnowledgeError`` where a changed file cannot be read.
    """
    with _overlaid(changes, data) as folder:
        faults = check(load(own, extra=[folder]))
    known = set(check(now)) if faults else set()
    return [fault for fault in faults if fault not in known]


def attempt(changes: Changes, data: Path, now: Model, learn: Callable[[Knowledge], Model], own: Path | None = None) -> Trial:
    """Learn from the knowledge with ``changes`` (file name → new text, None removes) and compare; nothing goes live.

    Errors: ``KnowledgeError``, ``LearningFailed``.
    """
    now.used()
    faults = new_faults(changes, data, now.knowledge, own)
    with _overlaid(changes, data) as folder:
        changed = load(own, extra=[folder])
        model = learn(changed)
    blocking, advice = tuple(fault for fault in faults if fault.blocks), tuple(fault for fault in faults if not fault.blocks)
    return Trial(changed, model, now.assurance, blocking, advice, _worse(now, model))


def publish(changes: Changes, data: Path, own: Path | None = None) -> Knowledge:
    """Write changes to the service's own knowledge folder and read all of it anew. Each file is replaced as a whole."""
    folder = folder_of(data)
    for name, text in changes.items():
        path = folder / name
        if text is None:
            path.unlink(missing_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.new")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    return load(own, extra=[folder] if folder.is_dir() else [])


def current(name: str, data: Path) -> str | None:
    """The text of a file in the service's own knowledge folder, None where it has none of that name."""
    path = folder_of(data) / name
    return path.read_text(encoding="utf-8") if path.is_file() else None


@contextlib.contextmanager
def _overlaid(changes: Changes, data: Path) -> Iterator[Path]:
    """The service's own knowledge folder as it would be with changes, in a place of its own."""
    with tempfile.TemporaryDirectory(prefix="mikrodata-bot-") as scratch:
        folder = Path(scratch) / "knowledge"
        if folder_of(data).is_dir():
            shutil.copytree(folder_of(data), folder)
        for name, text in changes.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            if text is not None:
                path.write_text(text, encoding="utf-8")
        folder.mkdir(exist_ok=True)
        yield folder


# ── parts ─────────────────────────────────────────────────────────────────────────────────────────────────────


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
    for name, before, after, slack in (
        ("coverage", old.assurance.coverage, new.assurance.coverage, JUMP),
        ("precision", old.assurance.precision, new.assurance.precision, SLACK),
        ("the order of right before wrong", old.pauc, new.pauc, ORDER),
        ("coverage in the chat", old.chat.coverage, new.chat.coverage, JUMP),
        ("precision in the chat", old.chat.precision, new.chat.precision, SLACK),
        ("the order of right before wrong in the chat", old.chat_pauc, new.chat_pauc, ORDER),
        ("category accuracy", old.category_accuracy, new.category_accuracy, SLACK),
    ):
        if after < before - slack:
            return f"{name} on the evaluation sets would fall from {before:.3f} to {after:.3f}"
    return ""


def _figures(model: Model) -> str:
    mail, chat = model.assurance, model.chat
    return (
        f"coverage {mail.coverage:.3f} at precision {mail.precision:.4f} (n={mail.n}), "
        f"in the chat {chat.coverage:.3f} at {chat.precision:.4f} (n={chat.n}), category {model.category_accuracy:.3f}"
    )


def _checked(file: Path) -> list[str]:
    """The lines of a corrections file, each of a form that can be learned."""
    try:
        raw = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise CannotLearn(f"{file} cannot be read ({error.strerror}); give a file of corrections, one JSON object a line") from None
    except UnicodeDecodeError:
        raise CannotLearn(f"{file} is not UTF-8 text; save it as UTF-8") from None
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


__all__ = ["CannotLearn", "Trial", "attempt", "current", "folder_of", "learn", "new_faults", "publish", "undo"]
