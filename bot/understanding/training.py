"""Learning the models from a knowledge base: run as a process of its own, so that the service never carries scikit-learn.

``python -m bot.understanding.training OUT FOLDER…`` writes arrays (never pickle) that ``prepare`` reads.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from bot.knowledge import Example, Knowledge, load
from bot.mail import quoting
from bot.model import Address, Examined, Message
from bot.understanding import sentences
from bot.understanding.category import Read, featured, numbers, scores, stated
from bot.understanding.features import Features
from bot.understanding.labelled import message_of
from bot.understanding.learned import OFTEN, VIEWS, Floats, Linear, Logistic, Nearest, in_view
from bot.understanding.reading import read
from bot.understanding.topics import BACKGROUND, Asked, Matcher

STRENGTH, CATEGORY_STRENGTH = 3.0, 0.3  # C of the linear models; docs/understanding.md has the table
RAREST = 2  # a feature of a single example teaches nothing but that example


def topic_examples(knowledge: Knowledge) -> tuple[list[str], list[str]]:
    """Texts and labels: paraphrases and titles by topic, negatives by kind."""
    texts, labels = [], []
    for topic in knowledge.topics.values():
        for language, questions in topic.questions.items():
            texts += [*questions, topic.title(language)]
            labels += [topic.id] * (len(questions) + 1)
    for entry in knowledge.negatives:
        for questions in entry.questions.values():
            texts += questions
            labels += [BACKGROUND + entry.id.rstrip("-0123456789")] * len(questions)
    return texts, labels


def linear(featured: Sequence[Sequence[str]], labels: Sequence[str], *, strength: float = STRENGTH) -> Linear:
    """One linear support vector machine per view and class (one against the rest)."""
    vectorizer = TfidfVectorizer(analyzer=list, sublinear_tf=True, min_df=RAREST, norm=None, dtype=np.float32)
    matrix = vectorizer.fit_transform(featured)
    names = vectorizer.get_feature_names_out()
    is_letter = np.fromiter((name[0] == "l" for name in names), dtype=np.bool_, count=len(names))

    def fit(view: str) -> tuple[tuple[str, ...], Floats, Floats]:
        kept = np.fromiter((in_view(name, view) for name in names), dtype=np.bool_, count=len(names))
        machine = LinearSVC(C=strength, random_state=0).fit(_normalised(matrix[:, kept]), labels)
        full = np.zeros((len(names), len(machine.classes_)), dtype=np.float32)
        full[kept] = machine.coef_.T
        return tuple(str(name) for name in machine.classes_), full, machine.intercept_.astype(np.float32)

    with ThreadPoolExecutor(len(VIEWS)) as pool:  # the solver lets go of the interpreter lock
        fitted = list(pool.map(fit, VIEWS))
    classes, weights, biases = fitted[0][0], [each[1] for each in fitted], [each[2] for each in fitted]
    vocabulary = {str(name): number for number, name in enumerate(names)}
    return Linear(classes, vocabulary, vectorizer.idf_.astype(np.float32), is_letter, tuple(weights), tuple(biases))


def _normalised(matrix: Any) -> Any:
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    norms[norms == 0] = 1
    return matrix.multiply(1 / norms[:, None]).tocsr()


def nearest(texts: Sequence[str], featured: Sequence[Sequence[str]], labels: Sequence[str], model: Linear) -> Nearest:
    """The examples as an inverted index over the model's word features."""
    numbers = {name: number for number, name in enumerate(model.classes)}
    rows: list[list[tuple[int, float]]] = [[] for _ in model.vocabulary]
    for number, features in enumerate(featured):
        indices, values = model.vector(features)
        words = ~model.is_letter[indices]
        indices, values = indices[words], values[words]
        norm = float(np.sqrt((values * values).sum())) or 1.0
        for index, value in zip(indices.tolist(), values.tolist(), strict=True):
            rows[index].append((number, value / norm))
    rows = [row if len(row) <= OFTEN else [] for row in rows]
    starts = np.cumsum([0, *(len(row) for row in rows)]).astype(np.int32)
    examples = np.fromiter((number for row in rows for number, _ in row), dtype=np.int32, count=int(starts[-1]))
    values = np.fromiter((value for row in rows for _, value in row), dtype=np.float32, count=int(starts[-1]))
    return Nearest(
        tuple(" ".join(text.split()) for text in texts),
        np.array([numbers[label] for label in labels], dtype=np.int16),
        starts,
        examples,
        values,
    )


def logistic(numbers: Sequence[Sequence[float]], labels: Sequence[object], *, strength: float = 0.3) -> Logistic:
    """A calibrated probability from a few numbers; for two labels that of the second in sorted order."""
    scaler = StandardScaler().fit(np.asarray(numbers))
    model = LogisticRegression(C=strength, max_iter=2000).fit(scaler.transform(np.asarray(numbers)), labels)
    return Logistic(scaler.mean_, scaler.scale_, model.coef_.astype(np.float64), model.intercept_.astype(np.float64))


def features_of(knowledge: Knowledge, texts: Sequence[str]) -> list[list[str]]:
    """Features of many texts."""
    features = Features(knowledge.words)
    return [features.of(text) for text in texts]


# ── everything together ───────────────────────────────────────────────────────────────────────────────────────

FOLDS = 10
SHARE = 3000  # paraphrases and negatives that teach the categories the sound of a question, beside the category examples


@dataclass
class Lesson:
    """What the calibrations learn from and what they are measured on: the evaluation set, which no linear model has seen."""

    reads: list[Read]
    expected: list[Mapping[str, Any]]
    asked: list[tuple[Asked | None, tuple[str, ...], tuple[str, ...]]]  # questions: what was read, right topics, no fault either


def learn(knowledge: Knowledge) -> dict[str, npt.NDArray[np.generic]]:
    """All models of a knowledge base as arrays, with the held-out verdicts that the assurance rests on."""
    features = Features(knowledge.words)
    texts, labels = topic_examples(knowledge)
    topic_features = [features.of(text) for text in texts]
    topic_linear = linear(topic_features, labels)
    near = nearest(texts, topic_features, labels, topic_linear)
    matcher = Matcher(features, topic_linear, near, None)
    lesson = _lesson(knowledge, matcher)
    topic_calibration, held_out = _calibrate_topics(lesson)
    category_linear, category_calibration, classes, predicted = _categories(
        knowledge, features, matcher, topic_calibration, lesson, texts, labels, topic_features
    )
    return {
        **topic_linear.arrays("topic"),
        **near.arrays("near"),
        **topic_calibration.arrays("topic.calibration"),
        **category_linear.arrays("category"),
        **category_calibration.arrays("category.calibration"),
        "category.order": np.array(classes),
        "category.accuracy": np.array(_accuracy(predicted, lesson)),
        **_assurance_arrays(lesson, held_out, predicted),
    }


def _lesson(knowledge: Knowledge, matcher: Matcher) -> Lesson:
    lesson = Lesson([], [], [])
    for mail in knowledge.mails:
        message, examined = message_of(mail.source)
        if message.automatic is None:
            lesson.reads.append(read(message, examined, matcher))
            lesson.expected.append(mail.expect)
    for question in knowledge.questions:
        told = sentences.body(question.question) or [sentences.Sentence(question.question, True)]
        lesson.asked.append((matcher.ask(told), question.faq, question.also))
    return lesson


def _verdicts(lesson: Lesson) -> tuple[list[tuple[float, ...]], list[bool]]:
    """(numbers, right) of every mail and question that asks something."""
    rows, right = [], []
    for asked, faq, also in _all_asked(lesson):
        if asked is not None:
            rows.append(asked.numbers)
            right.append(asked.best in faq or asked.best in also)
    return rows, right


def _all_asked(lesson: Lesson) -> list[tuple[Asked | None, tuple[str, ...], tuple[str, ...]]]:
    mails = [(each.asked, tuple(expect.get("faq", ())), ()) for each, expect in zip(lesson.reads, lesson.expected, strict=True)]
    return [*mails, *lesson.asked]


def _calibrate_topics(lesson: Lesson) -> tuple[Logistic, list[float]]:
    """The calibration learned from all, and for every asked text the confidence of one that has not seen its fold."""
    rows, right = _verdicts(lesson)
    order = np.random.default_rng(0).permutation(len(rows))
    held_out = [0.0] * len(rows)
    for fold in range(FOLDS):
        out = set(order[fold::FOLDS].tolist())
        kept = [number for number in range(len(rows)) if number not in out]
        model = logistic([rows[number] for number in kept], [right[number] for number in kept])
        for number in out:
            held_out[number] = float(model(rows[number])[0])
    return logistic(rows, right), held_out


def _categories(
    knowledge: Knowledge,
    features: Features,
    matcher: Matcher,
    calibration: Logistic,
    lesson: Lesson,
    texts: Sequence[str],
    labels: Sequence[str],
    topic_features: Sequence[list[str]],
) -> tuple[Linear, Logistic, tuple[str, ...], list[str]]:
    """The category models; the last value is the held-out category of each evaluation mail."""
    matcher = matcher.calibrated(calibration)
    reads = [_example_read(example, matcher) for example in knowledge.examples]
    names = [example.category.value for example in knowledge.examples]
    sounds = [featured(features, each) for each in reads]
    chosen = np.random.default_rng(1).permutation(len(texts))[:SHARE]
    more = [topic_features[number] for number in chosen]
    more_names = [_category_of(labels[number]) for number in chosen]
    rows = _out_of_fold(sounds, names, more, more_names)
    model = linear([*sounds, *more], [*names, *more_names], strength=CATEGORY_STRENGTH)
    examples = [numbers(row, each) for row, each in zip(rows, reads, strict=True)]
    asked_reads, asked_names = _questions_as_mails(knowledge, matcher)
    examples += [numbers(scores(features, model, each), each) for each in asked_reads]
    names = [*names, *asked_names]
    lesson.reads = [replace(each, asked=matcher.again(each.asked)) for each in lesson.reads]
    own = [numbers(scores(features, model, each), each) for each in lesson.reads]
    own_names = [str(expect["category"]) for expect in lesson.expected]
    weight = 4  # a real mail teaches the weighing more than an example sentence does
    fitted = logistic([*examples, *own * weight], [*names, *own_names * weight], strength=0.1)
    classes = tuple(sorted(set(names)))
    predicted = [""] * len(own)
    order = np.random.default_rng(2).permutation(len(own))
    for fold in range(FOLDS):
        out = set(order[fold::FOLDS].tolist())
        kept = [number for number in range(len(own)) if number not in out]
        part = logistic([*examples, *[own[n] for n in kept] * weight], [*names, *[own_names[n] for n in kept] * weight], strength=0.1)
        for number in out:
            told = stated(lesson.reads[number])
            predicted[number] = told.value if told is not None else classes[int(part(own[number]).argmax())]
    return model, fitted, classes, predicted


def _questions_as_mails(knowledge: Knowledge, matcher: Matcher) -> tuple[list[Read], list[str]]:
    """The evaluation questions as short mails: they teach where a question that we answer ends and one for a person begins.

    Those about somebody's own case belong to ``case`` or ``other``; which one the label does not say, so they teach nothing here.
    """
    reads, names = [], []
    for question in knowledge.questions:
        message = Message("", Address("", "a@b.example"), "", question.question, question.question)
        told = read(message, Examined(), matcher)
        if question.faq or (told.asked is not None and told.asked.background != "own-case"):
            reads.append(told)
            names.append("faq" if question.faq else "other")
    return reads, names


def _accuracy(predicted: list[str], lesson: Lesson) -> float:
    right = sum(got == expect["category"] or got in expect.get("also", ()) for got, expect in zip(predicted, lesson.expected, strict=True))
    return float(right) / max(1, len(predicted))


def _category_of(label: str) -> str:
    if not label.startswith(BACKGROUND):
        return "faq"
    return "case" if label == BACKGROUND + "own-case" else "other"


def _out_of_fold(sounds: list[list[str]], names: list[str], more: list[list[str]], more_names: list[str]) -> list[list[float]]:
    """Scores of each example by a model that has not seen it."""
    found: list[list[float]] = [[] for _ in sounds]
    order = np.random.default_rng(3).permutation(len(sounds))
    for fold in range(3):
        out = set(order[fold::3].tolist())
        kept = [number for number in range(len(sounds)) if number not in out]
        model = linear([*(sounds[n] for n in kept), *more], [*(names[n] for n in kept), *more_names], strength=CATEGORY_STRENGTH)
        for number in out:
            found[number] = [float(value) for value in model.scores(sounds[number]).mean(axis=0)]
    return found


def _example_read(example: Example, matcher: Matcher) -> Read:
    parts = quoting.split(example.text, example.subject)
    own = parts.own or example.text
    message = Message("", Address("", "a@b.example"), example.subject, example.text, own, quoted=parts.quoted, signature=parts.signature)
    return read(message, Examined(), matcher)


def _assurance_arrays(lesson: Lesson, held_out: list[float], predicted: list[str]) -> dict[str, npt.NDArray[np.generic]]:
    """Held-out verdicts: confidence, whether it would be right, whether an answer exists; a mail of another category is never answered."""
    rows = []
    position = 0
    named = {name for _, faq, also in _all_asked(lesson) for name in (*faq, *also)}
    for number, (asked, faq, also) in enumerate(_all_asked(lesson)):
        confidence = 0.0
        if asked is not None:
            confidence, position = held_out[position], position + 1
            confidence = 0.0 if asked.half else confidence
        if number < len(predicted) and predicted[number] != "faq":
            confidence = 0.0
        best = asked.best if asked is not None else ""
        if best not in named:
            confidence = 0.0  # a topic beyond the labelled ones is neither right nor a fault: a person reads such answers
        rows.append((confidence, float(best in faq or best in also), float(bool(faq)), float(best in faq)))
    return {"held-out": np.array(rows, dtype=np.float64)}


def _end_with_input() -> None:
    while os.read(0, 4096):  # not by way of sys.stdin, whose lock the interpreter wants when it ends
        pass
    os._exit(1)


def main(arguments: Sequence[str]) -> None:
    """``OUT FOLDER…``: learn from the folders (the first that has a file gives it) and write the arrays.

    Ends when standard input does: who asked for the model is gone.
    """
    out, *folders = arguments
    threading.Thread(target=_end_with_input, daemon=True).start()
    knowledge = load(extra=[Path(folder) for folder in folders])
    with Path(out).open("wb") as file:
        np.savez(file, **learn(knowledge))  # type: ignore[arg-type]


if __name__ == "__main__":
    main(sys.argv[1:])
