"""Understanding: what a mail or a question says, from the curated knowledge and nothing else."""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bot.knowledge import Fault, Knowledge
from bot.mail.authentication import judge
from bot.model import Assurance, Category, Evidence, Examined, Language, Message, Score, Understanding
from bot.understanding import sensitive, sentences, statements
from bot.understanding.category import Categoriser, Read
from bot.understanding.features import Features
from bot.understanding.language import detect, tell
from bot.understanding.learned import Forest, Linear, Logistic, Nearest
from bot.understanding.reading import read
from bot.understanding.topics import Asked as Matched
from bot.understanding.topics import Matcher
from bot.understanding.verdicts import chat_numbers, for_a_person, mail_numbers

FORMAT = "28"  # of the arrays; a cache of another format is learned anew
LEARNING_SECONDS = 900
KEPT = 6  # learned models in the cache folder
PRECISION, FLOOR = 0.99, 0.95
CHAT_PRECISION = 0.97  # somebody who sits there sees the source, asks again or turns to a person; a mail has gone out
BESIDE = 0.02  # of what must not be answered; precision alone lets that share grow with the number of easy answers
RESERVE = 1 / 3  # of that share is kept back: a threshold chosen on the same answers flatters itself
LEAST = 0.5  # what is more probably wrong than right is never said, whatever the held-out answers below it were worth
FAULTS = (5, 20)  # the k-th surest faults before which the order of answers is judged; about where the thresholds stand
MANY = 4  # topics that one answer may hold at most
MATTERS = frozenset({Category.DELETION, Category.OFFER, Category.APPLICATION})  # something was done; a question is another matter
STRANGE = frozenset({"elsewhere", "tricks", "small-talk", "other-ssb"})
FOLLOW_UP = re.compile(
    r"^\s*(?:og|men|enn|hva med|kva med|ka med|and|but|what about|how about|then|so|da|i så fall|in that case|gjelder det|gjeld det|does that|is that|what if|hva hvis|kva om)\b",
    re.IGNORECASE,
)
FOLLOW_UP_WORDS = 9


class LearningFailed(RuntimeError):
    """The models could not be learned; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Model:
    """What was learned from a knowledge base, ready to use. Safe to use from several threads."""

    knowledge: Knowledge
    assurance: Assurance  # of answers to mails
    chat: Assurance  # of answers in the chat
    matcher: Matcher
    categoriser: Categoriser
    mail_verdict: Forest
    chat_verdict: Forest
    lock: threading.Lock
    category_accuracy: float = 0.0  # held-out, on our own evaluation mails
    pauc: float = 0.0  # held-out, of answers to mails; steadier than what one threshold gives
    chat_pauc: float = 0.0
    path: Path | None = None  # where it lies in the cache

    def used(self) -> None:
        """Say in the cache that this model is in use, lest ``tidy`` takes it for an old one."""
        if self.path is not None:
            with contextlib.suppress(OSError):
                os.utime(self.path)


@dataclass(frozen=True, slots=True)
class Asked:
    """The answer to a question; ``faq`` is None where the assistant abstains, ``out_of_scope`` where it is none of our business."""

    question: str
    faq: str | None
    confidence: float
    alternatives: tuple[Score, ...]
    language: Language
    answer: str
    out_of_scope: bool = False
    evidence: tuple[Evidence, ...] = ()


# ── the model ─────────────────────────────────────────────────────────────────────────────────────────────────


def prepare(
    knowledge: Knowledge,
    cache: Path | None = None,
    *,
    precision: float = PRECISION,
    floor: float = FLOOR,
    chat_precision: float = CHAT_PRECISION,
) -> Model:
    """The model of a knowledge base: from the cache folder (arrays, keyed by the knowledge version), else learned in a process of its own.

    Errors: ``LearningFailed``.
    """
    with tempfile.TemporaryDirectory(prefix="mikrodata-bot-") as scratch:
        folder = cache if cache is not None else Path(scratch)
        path = folder / f"model-{knowledge.version}-{FORMAT}.npz"
        arrays = _read(path)
        if arrays is None:
            folder.mkdir(parents=True, exist_ok=True)
            with _one_learner(path):  # whoever else starts now waits for this model instead of learning it too
                arrays = _read(path)
                if arrays is None:
                    _learn(knowledge, path)
                    arrays = _read(path)
                    tidy(folder)
    if arrays is None:
        raise LearningFailed("the learned model cannot be read; check the disk of service.data and start again")
    model = replace(
        model_of(knowledge, arrays, precision=precision, floor=floor, chat_precision=chat_precision),
        path=path if cache is not None else None,
    )
    model.used()
    return model


def model_of(
    knowledge: Knowledge,
    arrays: dict[str, npt.NDArray[np.generic]],
    *,
    precision: float = PRECISION,
    floor: float = FLOOR,
    chat_precision: float = CHAT_PRECISION,
) -> Model:
    """A model from its arrays. Errors: ``KeyError`` where one is missing."""
    features = Features(knowledge.words)
    matcher = Matcher(
        features,
        Linear.from_arrays("topic", arrays),
        Nearest.from_arrays("near", arrays),
        Logistic.from_arrays("topic.calibration", arrays),
    )
    order = tuple(str(name) for name in arrays["category.order"])
    categoriser = Categoriser(features, Linear.from_arrays("category", arrays), Logistic.from_arrays("category.calibration", arrays), order)
    return Model(
        knowledge,
        assure(arrays["held-out.mail"].astype(np.float64), knowledge.version, precision, floor),
        assure(arrays["held-out.chat"].astype(np.float64), knowledge.version, chat_precision, floor),
        matcher,
        categoriser,
        Forest.from_arrays("verdict.mail", arrays),
        Forest.from_arrays("verdict.chat", arrays),
        threading.Lock(),
        float(arrays["category.accuracy"]),
        pauc(arrays["held-out.mail"].astype(np.float64)),
        pauc(arrays["held-out.chat"].astype(np.float64)),
    )


def _read(path: Path) -> dict[str, npt.NDArray[np.generic]] | None:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, KeyError, EOFError):
        return None


def tidy(folder: Path) -> None:
    """Let go of all but the ``KEPT`` models that were used last: every trial of an edit learns one, of some 30 MB."""
    with contextlib.suppress(OSError):
        for old in sorted(folder.glob("model-*.npz"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
            old.unlink()
            old.with_suffix(".lock").unlink(missing_ok=True)


@contextlib.contextmanager
def _one_learner(path: Path) -> Iterator[None]:
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _learn(knowledge: Knowledge, path: Path) -> None:
    """Learn beside the target and move it there, so that a crash leaves no half model. Where we are killed, the learner ends too."""
    partial = path.with_suffix(".part")
    command = [sys.executable, "-m", "bot.understanding.training", str(partial), *(str(folder) for folder in knowledge.folders)]
    alive, ours = os.pipe()  # the learner reads the end of its standard input as ours
    try:
        done = subprocess.run(
            command, stdin=alive, capture_output=True, text=True, timeout=LEARNING_SECONDS, check=False, cwd=Path(__file__).parents[2]
        )
    finally:
        os.close(alive)
        os.close(ours)
    if done.returncode != 0 or not partial.exists():
        last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise LearningFailed(f"learning from the knowledge base failed ({last[0][:200]}); run `bot knowledge check`")
    partial.replace(path)


def lower_bound(right: int, n: int) -> float:
    """One-sided 95 % Clopper–Pearson lower bound of a precision (Clopper & Pearson 1934): where that many right or more have a chance of 5 %.

    By halving, on the binomial terms themselves. SciPy has it as ``betaincinv``, at 20 MB in each process that thinks.
    """
    if right == 0:
        return 0.0
    hits = np.arange(right, n + 1)
    ways = np.array([math.lgamma(n + 1) - math.lgamma(hit + 1) - math.lgamma(n - hit + 1) for hit in hits.tolist()])
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        chance = np.exp(ways + hits * math.log(middle) + (n - hits) * math.log1p(-middle)).sum()
        low, high = (middle, high) if chance < 0.05 else (low, middle)
    return low


def pauc(held_out: npt.NDArray[np.float64]) -> float:
    """Partial area under the ROC curve of held-out answers (rows as for ``assure``): the share of the answerable that is exactly right
    and surer than the k-th surest fault, on average over k in ``FAULTS``; 0–1.

    McClish (1989), with the false positive rate counted in faults: the part of the curve where a threshold can stand, but for its
    beginning, which a single text decides. All that is right counts where there are fewer faults.
    """
    confidence, fine, answerable, exact = held_out[:, 0], held_out[:, 1] > 0, held_out[:, 2] > 0, held_out[:, 3] > 0
    right = np.sort(confidence[exact & answerable])
    first, last = FAULTS
    faults = np.sort(confidence[~fine])[::-1][first - 1 : last]
    few = last - first + 1 - len(faults)
    surer = len(right) - np.searchsorted(right, faults, "right")
    return float((surer.sum() + few * len(right)) / (last - first + 1) / max(1, answerable.sum()))


def assure(held_out: npt.NDArray[np.float64], version: str, precision: float = PRECISION, floor: float = FLOOR) -> Assurance:
    """The lowest threshold at which the held-out answers are as right as wanted, and what they measure there.

    Rows: confidence, right (or no fault), answerable, exactly right, expected (how often answers of that confidence are right, by a
    curve through all of them). The threshold is the one with most coverage among those whose precision reaches ``precision``, both as
    counted and as expected, and whose bound reaches ``floor``, at which no more than ``BESIDE`` of what must not be answered is
    answered, and never below ``LEAST``; where there is none, it is 1 and n is 0. What is counted alone would flatter a threshold that
    was chosen by it: a run of luck ends where the curve does not follow.
    """
    confidence, fine, answerable = held_out[:, 0], held_out[:, 1] > 0, held_out[:, 2] > 0
    exact = held_out[:, 3] > 0
    order = np.argsort(-confidence, kind="stable")
    n, right = np.arange(1, len(order) + 1), np.cumsum(fine[order])
    covered = np.cumsum((exact & answerable)[order])
    beside = np.cumsum((~fine & ~answerable)[order])
    expected = np.cumsum(held_out[order, 4]) / n
    most_beside = max(1.0, BESIDE * (1 - RESERVE) * (~answerable).sum())
    n_sure = int((confidence >= LEAST).sum())
    best = -1
    for number in reversed(range(n_sure)):
        if number + 1 < len(order) and confidence[order[number]] == confidence[order[number + 1]]:
            continue
        good_enough = right[number] >= precision * n[number] and expected[number] >= precision and beside[number] <= most_beside
        if good_enough and lower_bound(int(right[number]), int(n[number])) >= floor:
            best = number
            break
    if best < 0:
        return Assurance(0, 0.0, 0.0, 0.0, 1.0, version)
    total = max(1, int(answerable.sum()))
    below = max(LEAST, confidence[order[best + 1]]) if best + 1 < n_sure else LEAST
    threshold = float((confidence[order[best]] + below) / 2)
    if threshold <= below:  # two confidences with nothing between them
        threshold = float(confidence[order[best]])
    count, good = int(n[best]), int(right[best])
    return Assurance(count, good / count, lower_bound(good, count), float(covered[best] / total), threshold, version)


# ── mails ─────────────────────────────────────────────────────────────────────────────────────────────────────


def understand(
    message: Message,
    examined: Examined,
    model: Model,
    *,
    trusted_authserv: tuple[str, ...] = (),
    resolutions: Mapping[str, Language] | None = None,
) -> Understanding:
    """All that can be told of a mail, each part with its evidence. Total; the time is bounded by the limits on what is read.

    ``resolutions``: see ``language.tell``."""
    with model.lock:
        told = read(message, examined, model.matcher)
        category, confidence, chances = _category(message, told, model)
        why_not = for_a_person(told, chances)
        faqs, sure = _faqs(told, chances, model, why_not)
        answerable = bool(faqs) or (category in MATTERS and _asks_beside(told, model))
    language = tell(told.text or message.subject, domain=message.sender.domain, resolutions=resolutions)
    best = told.asked
    # the topic's confidence counts for an answer only when the mail asks and does nothing else
    also = _also(category, told, chances, answerable)
    return Understanding(
        category,
        confidence,
        language.language,
        language.sure,
        also=also,
        faq=faqs[0] if faqs else None,
        faqs=faqs,
        faq_confidence=sure,
        alternatives=ranked(best.ranked, sure) if best is not None else (),
        case_refs=told.references.stated,
        case_refs_ambiguous=told.references.ambiguous,
        serial_numbers=told.references.serial_numbers,
        statements=told.statements,
        sensitive=sensitive.find(message, examined, told.statements),
        thanks_only=category in (Category.OTHER, Category.CASE) and _only_thanks(message, told),
        authentication=judge(message, trusted_authserv),
        evidence=(*_evidence(told, chances, model, sure, why_not), Evidence("language", language.reason, float(language.sure))),
    )


def _category(message: Message, told: Read, model: Model) -> tuple[Category, float, dict[Category, float]]:
    if message.automatic is not None:
        return Category.AUTO, 1.0, {Category.AUTO: 1.0}
    chances = model.categoriser(told)
    if _only_thanks(message, told):
        return Category.OTHER, 0.95, chances
    # only a rule makes a mail a machine's: who merely writes like one must not be met with silence
    best = max((name for name in chances if name is not Category.AUTO), key=lambda name: chances[name])
    return best, chances[best], chances


def _only_thanks(message: Message, told: Read) -> bool:
    """A thank-you that needs nobody: nothing attached, nothing stated beside it."""
    stated = {statement.kind for statement in told.statements if statement.where == "text"} - {"thanks"}
    return not message.attachments and not stated and statements.is_thanks_only(list(told.sentences))


def _asks_beside(told: Read, model: Model) -> bool:
    """Whether a question stands beside the matter that the knowledge base could answer for itself."""
    asked = [model.matcher.ask([sentence]) for sentence in told.sentences if sentence.question][:MANY]
    return any(each is not None and model.chat_verdict(chat_numbers(each)) >= model.chat.threshold for each in asked)


def _faqs(told: Read, chances: Mapping[Category, float], model: Model, why_not: str) -> tuple[tuple[str, ...], float]:
    """(topics, confidence): what would be answered to a mail, every question of it, or nothing. ``why_not``: see ``for_a_person``."""
    numbers = mail_numbers(told, chances)
    if told.asked is None or numbers is None:
        return (), 0.0
    sure = model.mail_verdict(numbers)
    if why_not:
        return (), min(sure, chances.get(Category.FAQ, 0.0))
    return answers(told.asked, told.sentences, model, sure, model.assurance.threshold)


def answers(
    asked: Matched, told: tuple[sentences.Sentence, ...], model: Model, sure: float, threshold: float
) -> tuple[tuple[str, ...], float]:
    """(topics, confidence): the best topic where it answers the whole, each question's own where they have several, else none.

    ``sure``: how probable it is that the best topic is right for the whole. Several topics go out together only if the best of the whole
    is among them and all of them together are surer than the threshold: both are answered, or neither.
    """
    if asked.apart:
        found: list[str] = []
        least = together = 1.0
        for sentence in [each for each in told if each.question]:
            alone = model.matcher.ask([sentence])
            right = model.chat_verdict(chat_numbers(alone)) if alone is not None else 0.0
            least, together = min(least, right), together * right
            found.append(alone.best if alone is not None else "")
        topics = tuple(dict.fromkeys(found))
        if 1 < len(topics) <= MANY and asked.best in topics and least >= model.chat.threshold and together >= threshold:
            return topics, together
    return ((asked.best,), sure) if sure >= threshold else ((), sure)


def ranked(scores: tuple[Score, ...], sure: float) -> tuple[Score, ...]:
    """The nearest topics, the first as sure as the verdict on it; the others share what is left and never pass it."""
    if not scores:
        return ()
    rest = sum(score.confidence for score in scores[1:]) or 1.0
    left = min(sure, 1.0 - sure)
    return (
        replace(scores[0], confidence=round(sure, 4)),
        *(replace(score, confidence=round(min(sure, left * score.confidence / rest), 4)) for score in scores[1:]),
    )


def _also(category: Category, told: Read, chances: dict[Category, float], answerable: bool) -> tuple[Category, ...]:
    """Further matters: stated ones beside the category, and a question beside a matter that the knowledge base could answer."""
    found = []
    kinds = {statement.kind for statement in told.statements if statement.where != "subject"}
    for kind, other in (
        ("deletion-done", Category.DELETION),
        ("offer-returned", Category.OFFER),
        ("offer-accepted", Category.OFFER),
        ("application", Category.APPLICATION),
    ):
        if kind in kinds and other is not category and chances.get(other, 0.0) > 0.15:
            found.append(other)
    if category not in (Category.FAQ, Category.OTHER, Category.AUTO) and answerable and any(s.question for s in told.sentences):
        found.append(Category.FAQ)
    if category is Category.FAQ and chances.get(Category.CASE, 0.0) > 0.35:
        found.append(Category.CASE)
    return tuple(dict.fromkeys(found))


def _evidence(told: Read, chances: dict[Category, float], model: Model, sure: float, why_not: str) -> tuple[Evidence, ...]:
    found = [
        Evidence("statement", f"{statement.kind} ({statement.where}): {statement.sentence[:300]}", 1.0) for statement in told.statements[:6]
    ]
    if told.asked is not None:
        found += told.asked.evidence
    ranked = sorted(chances.items(), key=lambda item: -item[1])[:3]
    found += [Evidence("category", name.value, round(chance, 4)) for name, chance in ranked]
    found.append(
        Evidence("threshold", f"confidence of an answer {sure:.3f} against {model.assurance.threshold:.3f}", model.assurance.threshold)
    )
    if told.asked is not None and why_not:
        found.append(Evidence("threshold", f"no answer by itself: {why_not}", 1.0))
    found.append(Evidence("version", f"knowledge {model.knowledge.version}"))
    return tuple(found)


# ── questions ─────────────────────────────────────────────────────────────────────────────────────────────────


def ask(question: str, model: Model, language: Language | None = None, previous: str | None = None) -> Asked:
    """The chat's answer to a question. A short follow-up ("og hva med utlandet?") is read together with ``previous``."""
    text = question.strip()
    told = tuple(sentences.body(text)) or (sentences.Sentence(text, True),)
    spoken = language or detect(text).language
    with model.lock:
        matched = model.matcher.ask(told)
        if previous and _follows(text):
            joined = (*sentences.body(previous), *told)
            together = model.matcher.ask(joined)
            if together is not None and (matched is None or _says_more(together, matched, sentences.body(previous), model)):
                matched, told = together, joined
        if matched is None:
            return Asked(question, None, 0.0, (), spoken, "")
        topics, sure = answers(matched, told, model, model.chat_verdict(chat_numbers(matched)), model.chat.threshold)
    answer = "\n\n".join(model.knowledge.topics[name].answer(spoken) for name in topics)
    strange = not topics and matched.background in STRANGE and matched.numbers[2] < -0.2
    evidence = (
        *matched.evidence,
        Evidence("threshold", f"confidence {sure:.3f} against {model.chat.threshold:.3f}", model.chat.threshold),
        Evidence("version", f"knowledge {model.knowledge.version}"),
    )
    return Asked(question, topics[0] if topics else None, sure, ranked(matched.ranked, sure), spoken, answer, strange, evidence)


def _says_more(together: Matched, alone: Matched, before: Sequence[sentences.Sentence], model: Model) -> bool:
    """Whether a follow-up is better read with the question before it: surer, and not the same answer again where it has one of its own."""
    if together.confidence <= alone.confidence:
        return False
    if model.chat_verdict(chat_numbers(alone)) < model.chat.threshold or alone.best == together.best:
        return True
    earlier = model.matcher.ask(tuple(before))
    return earlier is None or earlier.best != together.best


def _follows(text: str) -> bool:
    return (len(text.split()) <= FOLLOW_UP_WORDS and bool(FOLLOW_UP.match(text))) or len(text.split()) <= 3


def misplaced(model: Model) -> list[Fault]:
    """Paraphrases that the model, having learned them, still puts under another topic: a twin in other words, or in the wrong file."""
    faults = []
    for topic in model.knowledge.topics.values():
        for texts in topic.questions.values():
            for text in texts:
                with model.lock:
                    matched = model.matcher.ask([sentences.Sentence(text, True)])
                if matched is not None and matched.best != topic.id:
                    faults.append(Fault(f"topics/{topic.id}.toml", f"“{text}” fits {matched.best} better"))
    return faults


__all__ = ["Asked", "LearningFailed", "Model", "answers", "ask", "assure", "lower_bound", "misplaced", "prepare", "understand"]
