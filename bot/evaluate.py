"""A labelled corpus → figures, through the same core that handles mail (``FORMAT``: labels.jsonl beside .eml files; questions as JSON lines).

Every figure is told with its n; a precision with its one-sided 95 % Clopper–Pearson lower bound.
"""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.knowledge import labelled_question
from bot.model import Category
from bot.pipeline import Judged
from bot.understanding import Asked, lower_bound


class UnreadableCorpus(ValueError):
    """A corpus cannot be read; the text says which file or line and why."""


@dataclass
class Answered:
    """Answers that would go out alone, against what they should have been."""

    confidences: list[tuple[float, bool, bool]] = field(default_factory=list)  # confidence, right, answerable
    n: int = 0
    right: int = 0
    answerable: int = 0
    covered: int = 0
    unanswerable: int = 0
    unanswerable_answered: int = 0
    extra: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """answered_precision, lower95, coverage."""
        return {
            "answered": self.n,
            "answered_precision": round(self.right / self.n, 4) if self.n else 0.0,
            "lower95": round(lower_bound(self.right, self.n), 4),
            "coverage": round(self.covered / self.answerable, 4) if self.answerable else 0.0,
        }


@dataclass
class Report:
    """The figures of a corpus, the confusion of its categories and its errors."""

    figures: dict[str, Any]
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    curve: list[tuple[float, float, float]] = field(default_factory=list)  # threshold, coverage, precision


def mails(folder: Path, classify: Callable[[bytes], Judged]) -> Report:
    """Figures on a labelled folder. Errors: ``UnreadableCorpus``."""
    labels = _lines(folder / "labels.jsonl")
    counts: Counter[str] = Counter()
    confusion: Counter[tuple[str, str]] = Counter()
    answered, errors, times = Answered(), [], []
    for label in labels:
        try:
            content = (folder / label["file"]).read_bytes()
        except (OSError, KeyError):
            raise UnreadableCorpus(f"{folder}: {label.get('file', 'a line without file')} cannot be read") from None
        begun = time.perf_counter()
        judged = classify(content)
        times.append(time.perf_counter() - begun)
        errors += [f"{label['file']}: {fault}" for fault in _score(label, judged, counts, confusion, answered)]
    total = max(1, len(labels))
    asked = max(1, counts["with-topic"])
    figures = {
        "mails": len(labels),
        "category": round(counts["category"] / total, 4),
        "macro_f1": round(macro_f1(confusion), 4),
        "topic_top1": round(counts["top1"] / asked, 4),
        "topic_top3": round(counts["top3"] / asked, 4),
        **answered.figures(),
        "refs_exact": round(counts["refs"] / total, 4),
        "language": round(counts["language"] / total, 4),
        "reply": round(counts["reply"] / total, 4),
        "harmful": counts["harmful"],
        "ms_per_mail": round(statistics.median(times) * 1000, 2) if times else 0.0,
        "extra_topics": answered.extra,
    }
    return Report(figures, confusion, errors, curve(answered))


def _score(
    label: Mapping[str, Any], judged: Judged, counts: Counter[str], confusion: Counter[tuple[str, str]], answered: Answered
) -> list[str]:
    """Count one mail; returns what is wrong with it."""
    understanding, decision = judged.understanding, judged.decision
    wanted, got = label["category"], decision.category.value
    also = label.get("also", [])
    faults = []
    confusion[(wanted, wanted if got in also else got)] += 1
    if got == wanted or got in also:
        counts["category"] += 1
    else:
        faults.append(f"category {got}, should be {wanted}")
    refs = list(understanding.case_refs)
    counts["refs"] += refs == label.get("case_refs", [])
    if refs != label.get("case_refs", []):
        faults.append(f"case_refs {refs}, should be {label.get('case_refs')}")
    counts["language"] += understanding.language.value == label.get("language")
    if understanding.language.value != label.get("language"):
        faults.append(f"language {understanding.language.value}, should be {label.get('language')}")
    reply = decision.reply.value
    counts["reply"] += reply == label.get("reply")
    topics = label.get("faq", [])
    best = [score.id for score in understanding.alternatives]
    if topics:
        counts["with-topic"] += 1
        counts["top1"] += bool(best) and best[0] in topics
        counts["top3"] += any(name in topics for name in best[:3])
        if not best or best[0] not in topics:
            faults.append(f"topic {best[:1]}, should be {topics}")
    faults += _score_answer(wanted, topics, judged, answered)
    harmful = (reply == "answer" and wanted != "faq" and "faq" not in also) or (reply != "none" and wanted == "auto")
    counts["harmful"] += harmful
    return [*faults, *(["HARMFUL"] if harmful else [])]


def _score_answer(wanted: str, topics: Sequence[str], judged: Judged, answered: Answered) -> list[str]:
    understanding, decision = judged.understanding, judged.decision
    answered.answerable += bool(topics)
    out = decision.reply.value == "answer"
    given = understanding.faqs
    fine = bool(set(given) & set(topics))
    if decision.category is Category.FAQ:
        best = understanding.alternatives[0].id if understanding.alternatives else ""
        answered.confidences.append((understanding.faq_confidence, best in topics, bool(topics)))
    if not out:
        return []
    answered.n += 1
    answered.right += fine
    answered.covered += fine and bool(topics)
    return [] if fine else [f"answered with {list(given)}, should be {topics or wanted}"]


def macro_f1(confusion: Mapping[tuple[str, str], int]) -> float:
    """The mean F1 of the categories that occur."""
    names = {wanted for wanted, _ in confusion}
    values = []
    for name in names:
        right = confusion.get((name, name), 0)
        wanted = sum(count for (label, _), count in confusion.items() if label == name)
        got = sum(count for (_, label), count in confusion.items() if label == name)
        values.append(2 * right / (wanted + got) if wanted + got else 0.0)
    return sum(values) / len(values) if values else 0.0


def questions(path: Path, ask: Callable[[str], Asked], known: frozenset[str]) -> Report:
    """Figures on labelled questions; an answer from a topic that ``known`` does not name is told apart. Errors: ``UnreadableCorpus``."""
    answered, errors, times = Answered(), [], []
    counts: Counter[str] = Counter()
    lines = _lines(path)
    for number, line in enumerate(lines, 1):
        try:
            labelled = labelled_question(line)
        except (KeyError, ValueError):
            raise UnreadableCorpus(f"{path}:{number} is no labelled question") from None
        begun = time.perf_counter()
        asked = ask(labelled.question)
        times.append(time.perf_counter() - begun)
        counts["language"] += asked.language is labelled.language
        best = [score.id for score in asked.alternatives]
        answered.answerable += bool(labelled.faq)
        answered.unanswerable += not labelled.faq
        if labelled.faq:
            counts["top1"] += bool(best) and best[0] in labelled.faq
            counts["top3"] += any(name in labelled.faq for name in best[:3])
        answered.confidences.append((asked.confidence, bool(best) and best[0] in labelled.faq, bool(labelled.faq)))
        if asked.faq is None:
            continue
        if asked.faq not in known:
            answered.extra.append(f"{asked.faq}: {labelled.question}")
            continue
        fine = asked.faq in labelled.faq or asked.faq in labelled.also
        answered.n += 1
        answered.right += fine
        answered.covered += asked.faq in labelled.faq
        answered.unanswerable_answered += not labelled.faq and not fine
        if not fine:
            errors.append(
                f"{number}: answered with {asked.faq} ({asked.confidence:.3f}), should be {list(labelled.faq) or 'silence'}: {labelled.question}"
            )
    total, wanted = max(1, len(lines)), max(1, answered.answerable)
    figures = {
        "questions": len(lines),
        "topic_top1": round(counts["top1"] / wanted, 4),
        "topic_top3": round(counts["top3"] / wanted, 4),
        **answered.figures(),
        "unanswerable_answered": round(answered.unanswerable_answered / max(1, answered.unanswerable), 4),
        "language": round(counts["language"] / total, 4),
        "ms_per_question": round(statistics.median(times) * 1000, 2) if times else 0.0,
        "extra_topics": answered.extra,
    }
    return Report(figures, errors=errors, curve=curve(answered))


def curve(answered: Answered) -> list[tuple[float, float, float]]:
    """Risk and coverage: (threshold, coverage of the answerable, precision) at falling thresholds."""
    points, right = [], 0
    rows = sorted(answered.confidences, reverse=True)
    for n, (confidence, fine, _) in enumerate(rows, 1):
        right += fine
        if n == len(rows) or n % max(1, len(rows) // 20) == 0:
            points.append((confidence, right / max(1, answered.answerable), right / n))
    return points


def plot(report: Report, path: Path) -> None:
    """The risk–coverage curve as an SVG picture."""
    width, height, edge = 480, 320, 40
    spots = [
        (edge + coverage * (width - 2 * edge), height - edge - (precision - 0.5) / 0.5 * (height - 2 * edge))
        for _, coverage, precision in report.curve
    ]
    line = " ".join(f"{x:.1f},{max(edge, min(height - edge, y)):.1f}" for x, y in spots)
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">'
        f'<rect width="{width}" height="{height}" fill="white"/><polyline points="{line}" fill="none" stroke="#1d6b4f" stroke-width="2"/>'
        f'<path d="M{edge} {edge}V{height - edge}H{width - edge}" fill="none" stroke="#555"/>'
        f'<text x="{width / 2}" y="{height - 8}" text-anchor="middle">coverage of the answerable, 0–1</text>'
        f'<text x="12" y="{height / 2}" transform="rotate(-90 12 {height / 2})" text-anchor="middle">precision, 0.5–1</text></svg>\n',
        encoding="utf-8",
    )


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UnreadableCorpus(f"{path} cannot be read ({error.strerror})") from None
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                found.append(json.loads(line))
            except ValueError:
                raise UnreadableCorpus(f"{path}:{number} is no JSON") from None
    return found
