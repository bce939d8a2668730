"""A labelled corpus → figures, through the same core that handles mail (``FORMAT``: labels.jsonl beside .eml files; questions as JSON lines).

Every figure is told with its n; a precision with its one-sided 95 % Clopper–Pearson lower bound.
"""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.knowledge import LabelledQuestion, labelled_question
from bot.model import Category
from bot.pipeline import Judged
from bot.understanding import Asked, Model, lower_bound
from bot.understanding.topics import BACKGROUND

if TYPE_CHECKING:  # it brings scikit-learn along, which only ``--paraphrases`` needs
    from bot.understanding.leaveout import Placed


class UnreadableCorpus(ValueError):
    """A corpus cannot be read; the text says which file or line and why."""


@dataclass
class Answered:
    """Answers that would go out alone, against what they should have been."""

    confidences: list[tuple[float, bool, bool]] = field(default_factory=list)  # confidence, no fault, exactly right
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
    groups: dict[str, Counter[str]] = field(default_factory=dict)  # figures of a part: a language, a length, a topic


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
        answered.confidences.append((understanding.faq_confidence, best in topics, best in topics))
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


def own(model: Model) -> Report:
    """What the answers rest on: the cross-validated figures of our own evaluation set, for mails and for the chat."""
    names = ("n", "precision", "lower95", "coverage", "threshold")
    figures: dict[str, Any] = {name: round(getattr(model.assurance, name), 4) for name in names}
    figures |= {f"chat_{name}": round(getattr(model.chat, name), 4) for name in names}
    return Report({**figures, "category": round(model.category_accuracy, 4), "version": model.knowledge.version})


def paraphrases(placed: Iterable[Placed]) -> Report:
    """Figures of the knowledge base itself, each text judged by models that have not seen it."""
    groups: dict[str, Counter[str]] = {}
    errors = []
    for each in placed:
        kind = "negatives" if each.stands.startswith(BACKGROUND) else "topics"
        for name in (f"all {kind}", f"{kind} in {each.language.value}", each.stands):
            groups.setdefault(name, Counter()).update(
                {"n": 1, "right": each.right, "put under another topic": not each.right and not each.put.startswith(BACKGROUND)}
            )
        if not each.right:
            errors.append(f"{each.stands}: “{each.text}” fits {each.put} better")
    figures = {"paraphrases": groups.get("all topics", Counter())["n"], "negatives": groups.get("all negatives", Counter())["n"]}
    shares = {
        name: round(groups[f"all {kind}"]["right"] / groups[f"all {kind}"]["n"], 4)
        for name, kind in (("paraphrase_right", "topics"), ("negative_right", "negatives"))
        if f"all {kind}" in groups
    }
    return Report({**figures, **shares}, errors=sorted(errors), groups=groups)


def questions(path: Path, ask: Callable[[str], Asked]) -> Report:
    """Figures on labelled questions; an answer from a topic that no label names is told apart. Errors: ``UnreadableCorpus``."""
    labels = _labelled(path)
    known = {name for label in labels for name in (*label.faq, *label.also)}
    answered, errors, times = Answered(), [], []
    counts: Counter[str] = Counter()
    groups: dict[str, Counter[str]] = {}
    for number, label in enumerate(labels, 1):
        begun = time.perf_counter()
        asked = ask(label.question)
        times.append(time.perf_counter() - begun)
        counts["language"] += asked.language is label.language
        fault = _score_question(label, asked, known, counts, answered)
        errors += [f"{number}: {fault}"] if fault else []
        for name in _groups_of(label):
            _count_in(groups.setdefault(name, Counter()), label, asked)
    total, wanted = max(1, len(labels)), max(1, answered.answerable)
    figures = {
        "questions": len(labels),
        "topic_top1": round(counts["top1"] / wanted, 4),
        "topic_top3": round(counts["top3"] / wanted, 4),
        **answered.figures(),
        "unanswerable_answered": round(answered.unanswerable_answered / max(1, answered.unanswerable), 4),
        "language": round(counts["language"] / total, 4),
        "ms_per_question": round(statistics.median(times) * 1000, 2) if times else 0.0,
        "extra_topics": answered.extra,
    }
    return Report(figures, errors=errors, curve=curve(answered), groups=groups)


def _score_question(label: LabelledQuestion, asked: Asked, known: Container[str], counts: Counter[str], answered: Answered) -> str:
    """Count one question; returns what is wrong with the answer."""
    best = [score.id for score in asked.alternatives]
    answered.answerable += bool(label.faq)
    answered.unanswerable += not label.faq
    if label.faq:
        counts["top1"] += bool(best) and best[0] in label.faq
        counts["top3"] += any(name in label.faq for name in best[:3])
    first = best[0] if best else ""
    answered.confidences.append((asked.confidence, first in (*label.faq, *label.also), first in label.faq))
    if asked.faq is None:
        return ""
    if asked.faq not in known:
        answered.extra.append(f"{asked.faq}: {label.question}")
        return ""
    fine = asked.faq in label.faq or asked.faq in label.also
    answered.n += 1
    answered.right += fine
    answered.covered += asked.faq in label.faq
    answered.unanswerable_answered += not label.faq and not fine
    return "" if fine else f"answered with {asked.faq} ({asked.confidence:.3f}), should be {list(label.faq) or 'silence'}: {label.question}"


def _groups_of(label: LabelledQuestion) -> tuple[str, str]:
    """What the faults may have in common: the language, and how much is said."""
    words = len(label.question.split())
    return f"language {label.language.value}", "up to 5 words" if words <= 5 else "6 to 12 words" if words <= 12 else "more than 12 words"


def _count_in(group: Counter[str], label: LabelledQuestion, asked: Asked) -> None:
    group["n"] += 1
    group["answerable"] += bool(label.faq)
    group["first right"] += bool(asked.alternatives) and asked.alternatives[0].id in label.faq
    group["answered right"] += asked.faq in label.faq
    group["answered wrong"] += asked.faq is not None and asked.faq not in (*label.faq, *label.also)


def _labelled(path: Path) -> list[LabelledQuestion]:
    found = []
    for number, line in enumerate(_lines(path), 1):
        try:
            found.append(labelled_question(line))
        except (KeyError, ValueError, TypeError):
            raise UnreadableCorpus(f"{path}:{number} is no labelled question") from None
    return found


def curve(answered: Answered) -> list[tuple[float, float, float]]:
    """Risk and coverage: (threshold, coverage of the answerable, precision) at falling thresholds."""
    points, right, covered = [], 0, 0
    rows = sorted(answered.confidences, reverse=True)
    for n, (confidence, fine, exact) in enumerate(rows, 1):
        right, covered = right + fine, covered + exact
        if n == len(rows) or n % max(1, len(rows) // 20) == 0:
            points.append((confidence, covered / max(1, answered.answerable), right / n))
    return points


def drawn(points: Sequence[tuple[float, float, float]], width: int = 40) -> list[str]:
    """The curve as lines of text: threshold, coverage as a bar, precision."""
    lines = ["threshold  precision  coverage"]
    for threshold, coverage, precision in points:
        lines.append(f"    {threshold:.3f}      {precision:.3f}     {coverage:.3f} {'█' * round(coverage * width)}")
    return lines


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
        raise UnreadableCorpus(f"{path} cannot be read ({error.strerror}); give labelled texts, one JSON object a line") from None
    except UnicodeDecodeError:
        raise UnreadableCorpus(f"{path} is not UTF-8 text; save it as UTF-8") from None
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                found.append(json.loads(line))
            except ValueError:
                raise UnreadableCorpus(f"{path}:{number} is no JSON") from None
    return found
