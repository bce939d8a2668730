"""Learning the models from a knowledge base: run as a process of its own, so that the service never carries scikit-learn.

``python -m bot.understanding.training OUT FOLDER…`` writes arrays (never pickle) that ``prepare`` reads.

The order: linear models and nearest examples from paraphrases and negatives; then, on our own evaluation set, which those have not
seen, a first calibration of the topic, the weighing of the categories, and two verdicts, one for mails and one for the chat. What the
assurances rest on is cross-validated: each evaluation text is judged by verdicts and weighings that were learned without it.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.knowledge import Example, Knowledge, load
from bot.mail import quoting
from bot.model import Address, Category, Examined, Language, Message
from bot.understanding import LEAST, sentences
from bot.understanding.category import Read, featured, numbers, scores, settled
from bot.understanding.features import Features
from bot.understanding.fitting import forest, linear, logistic, nearest
from bot.understanding.labelled import message_of
from bot.understanding.language import detect
from bot.understanding.learned import Linear, Logistic
from bot.understanding.reading import read
from bot.understanding.topics import BACKGROUND, Asked, Matcher
from bot.understanding.verdicts import chat_numbers, for_a_person, log_odds, mail_numbers

CATEGORY_STRENGTH = 0.3  # C of the category models
FOLDS = 10
ASKED = 0.5  # what a paraphrase or negative counts, beside a category example, in what the categories sound like
OWN_WEIGHT = 8  # a real mail teaches the weighing of categories more than an example sentence does
CHOSEN_WEIGHT = 1  # the same of a mail that was chosen for one trait


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


# ── everything together ───────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Case:
    """A text of our own evaluation set: what is read in it and what is right."""

    read: Read
    category: str
    faq: tuple[str, ...]
    also: tuple[str, ...] = ()  # topics (of a question) or categories (of a mail) that are no fault either
    fold: int = 0  # what is learned to judge it is learned without the texts of its fold
    chances: dict[Category, float] = field(default_factory=dict)  # of the categories, by a weighing that has not seen it

    @property
    def asked(self) -> Asked | None:
        """What it asks."""
        return self.read.asked


@dataclass
class Lesson:
    """Our own evaluation set, which no linear model has seen."""

    mails: list[Case]
    questions: list[Case]
    chosen: list[Case] = field(default_factory=list)  # mails of one trait, far more than people send: they teach and count nowhere
    composed: list[Case] = field(default_factory=list)  # two questions in one text: the same

    @property
    def named(self) -> frozenset[str]:
        """Topics that its labels name. An answer beyond them is neither right nor a fault: it teaches nothing and counts nowhere."""
        return frozenset(name for case in (*self.mails, *self.questions) for name in case.faq)


def learn(knowledge: Knowledge) -> dict[str, npt.NDArray[np.generic]]:
    """All models of a knowledge base as arrays, with the held-out verdicts that the assurances rest on."""
    features = Features(knowledge.words)
    texts, labels = topic_examples(knowledge)
    topic_features = [features.of(text) for text in texts]
    topic_linear = linear(topic_features, labels)
    near = nearest(texts, topic_features, labels, topic_linear)
    lesson = lesson_of(knowledge, Matcher(features, topic_linear, near, None))
    calibration = first_calibration(lesson)
    matcher = Matcher(features, topic_linear, near, calibration)
    lesson.composed = composed(lesson, matcher)
    for case in (*lesson.mails, *lesson.questions, *lesson.chosen, *lesson.composed):
        case.read = replace(case.read, asked=matcher.again(case.asked))
    more = [(each, _category_of(label)) for each, label in zip(topic_features, labels, strict=True)]
    categories = _categories(knowledge, features, matcher, lesson, more)
    chat, mail = chat_verdicts(lesson), mail_verdicts(lesson)
    return {
        **topic_linear.arrays("topic"),
        **near.arrays("near"),
        **calibration.arrays("topic.calibration"),
        **categories,
        **chat.forest.arrays("verdict.chat"),
        **mail.forest.arrays("verdict.mail"),
        "held-out.chat": chat.held_out,
        "held-out.mail": mail.held_out,
    }


def lesson_of(knowledge: Knowledge, matcher: Matcher) -> Lesson:
    """The evaluation set as the models read it. Questions are read as short mails too: they teach where our business ends."""
    lesson = Lesson([], [])
    for mail in knowledge.mails:
        message, examined = message_of(mail.source)
        if message.automatic is None:
            expect = mail.expect
            told = read(message, examined, matcher)
            case = Case(told, str(expect["category"]), tuple(expect.get("faq", ())), tuple(expect.get("also", ())))
            (lesson.chosen if mail.source.get("chosen") else lesson.mails).append(case)
    for question in knowledge.questions:
        told = _as_mail(question.question, matcher)
        lesson.questions.append(Case(told, "faq" if question.faq else "other", question.faq, question.also))
    _deal(lesson)
    return lesson


def _deal(lesson: Lesson) -> None:
    """Deal the texts out to folds."""
    for cases in (lesson.mails, lesson.questions, lesson.chosen):
        for at, number in enumerate(np.random.default_rng(0).permutation(len(cases))):
            cases[number].fold = at % FOLDS


def _as_mail(question: str, matcher: Matcher) -> Read:
    told = read(Message("", Address("", "a@b.example"), "", question, question), Examined(), matcher)
    return replace(told, asked=matcher.ask(sentences.body(question) or [sentences.Sentence(question, True)]))


AND_THEN = {
    Language.NB: "Og så lurer vi på en ting til:",
    Language.NN: "Og så lurer vi på ein ting til:",
    Language.EN: "And one more thing:",
}
PAIRS = 120  # of each kind: enough to teach what one question of two is worth, too few to outweigh what people have written


def composed(lesson: Lesson, matcher: Matcher) -> list[Case]:
    """Pairs of evaluation questions: answerable with one of the same topic, and answerable with one that nobody may answer alone.

    The evaluation set has few texts of the second kind, and they are what a half answer comes from. They teach; they count nowhere.
    """
    rng = np.random.default_rng(4)
    answerable = [case for case in lesson.questions if case.faq]
    refused = [case for case in lesson.questions if not case.faq and not case.also and case.asked is not None]
    refused = [case for case in refused if case.asked is not None and case.asked.background not in ("tricks", "small-talk")]
    found = []
    for number, at in enumerate(rng.permutation(len(answerable))[: 2 * PAIRS]):
        first = answerable[at]
        if number % 2:
            others = [case for case in refused if case.fold == first.fold]
        else:
            others = [case for case in answerable if case is not first and set(case.faq) & set(first.faq)]
        if not others:
            continue
        second = others[int(rng.integers(len(others)))]
        text = f"{first.read.text} {AND_THEN[detect(first.read.text).language]} {second.read.text}"
        category, right = ("faq", tuple(set(first.faq) & set(second.faq))) if second.faq else ("other", ())
        found.append(Case(_as_mail(text, matcher), category, right, fold=first.fold))
    return found


def first_calibration(lesson: Lesson) -> Logistic:
    """How sure the topic is, evenly weighed from a few numbers: what the categories and the ranking read."""
    named = lesson.named
    cases = [(case, case.also if case.category in ("faq", "other") else ()) for case in (*lesson.mails, *lesson.questions)]
    rows = [(case.asked, case.faq, also) for case, also in cases if case.asked is not None and case.asked.best in named]
    return logistic([asked.numbers for asked, _, _ in rows], [asked.best in faq or asked.best in also for asked, faq, also in rows])


# ── the two verdicts ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Verdicts:
    """A verdict learned from all, and the cross-validated one of each text: the rows of ``bot.understanding.assure``."""

    forest: Any
    held_out: npt.NDArray[np.float64]


def chat_verdicts(lesson: Lesson) -> Verdicts:
    """Whether the answer to a question is right: from questions alone, for people write to a chat otherwise than in a mail."""
    cases = [*lesson.questions, *lesson.composed]
    found = _verdicts(
        lesson,
        [chat_numbers(case.asked) if case.asked is not None else None for case in cases],
        [case.asked is not None and case.asked.best in (*case.faq, *case.also) for case in cases],
        cases,
        len(lesson.questions),
    )
    expect(found.held_out)
    return found


def mail_verdicts(lesson: Lesson) -> Verdicts:
    """Whether a mail is a question and the answer right. Questions teach it too; only mails count in the assurance."""
    cases = [*lesson.mails, *lesson.questions, *lesson.chosen, *lesson.composed]
    found = _verdicts(
        lesson,
        [mail_numbers(case.read, case.chances) for case in cases],
        [case.asked is not None and case.asked.best in case.faq for case in cases],
        cases,
        len(lesson.mails),
    )
    for row, case in zip(found.held_out, lesson.mails, strict=True):
        if max(case.chances, key=lambda name: case.chances[name]) is not Category.FAQ or for_a_person(case.read, case.chances):
            row[0] = 0.0  # never answered
    expect(found.held_out)
    return found


def _verdicts(
    lesson: Lesson, rows: Sequence[tuple[float, ...] | None], right: Sequence[bool], cases: Sequence[Case], counted: int
) -> Verdicts:
    named = lesson.named
    usable = [n for n, case in enumerate(cases) if rows[n] is not None and case.asked is not None and case.asked.best in named]
    held_out = np.zeros((len(cases), 5))
    for kept, out in _folds(cases, usable):
        model = forest([rows[n] for n in kept], [right[n] for n in kept])  # type: ignore[misc]
        for number in out:
            held_out[number, 0] = model(rows[number])  # type: ignore[arg-type]
    for number, case in enumerate(cases):
        exact = case.asked is not None and case.asked.best in case.faq
        held_out[number, 1:4] = right[number], bool(case.faq), exact
    return Verdicts(forest([rows[n] for n in usable], [right[n] for n in usable]), held_out[:counted])  # type: ignore[misc]


def expect(held_out: npt.NDArray[np.float64]) -> None:
    """Fill in the last column: how often answers of a confidence are right, by a logistic curve (Platt 1999).

    The curve goes through all held-out answers that might ever be said; those below say nothing of how sure the sure ones are.
    """
    sure = held_out[:, 0] >= LEAST
    right = held_out[sure, 1] > 0
    if right.all() or not right.any():
        held_out[sure, 4] = right
        return
    curve = logistic([[log_odds(float(confidence))] for confidence in held_out[sure, 0]], right.tolist(), strength=1000.0)
    held_out[sure, 4] = [float(curve([log_odds(float(confidence))])[0]) for confidence in held_out[sure, 0]]


def _folds(cases: Sequence[Case], usable: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """(kept, held out) of each fold, as numbers of cases."""
    return [([n for n in usable if cases[n].fold != fold], [n for n in usable if cases[n].fold == fold]) for fold in range(FOLDS)]


# ── categories ────────────────────────────────────────────────────────────────────────────────────────────────


def _categories(
    knowledge: Knowledge, features: Features, matcher: Matcher, lesson: Lesson, more: Sequence[tuple[list[str], str]]
) -> dict[str, npt.NDArray[np.generic]]:
    """The category models; sets the held-out chances of each evaluation text."""
    reads = [_example_read(example, matcher) for example in knowledge.examples]
    names = [example.category.value for example in knowledge.examples]
    sounds = [featured(features, each) for each in reads]
    rows = _out_of_fold(sounds, names, more)
    model = _sounding(sounds, names, more)
    taught = [(numbers(row, each), name) for row, each, name in zip(rows, reads, names, strict=True)]
    cases = [*lesson.mails, *lesson.questions, *lesson.chosen, *lesson.composed]
    own = [numbers(scores(features, model, case.read), case.read) for case in cases]
    # a question about somebody's own matter is ``case`` or ``other``; which one its label does not say, so it teaches nothing here
    teaches = [OWN_WEIGHT] * len(lesson.mails) + [
        int(bool(case.faq) or (case.asked is not None and case.asked.background != "own-case")) for case in lesson.questions
    ]
    teaches += [CHOSEN_WEIGHT] * len(lesson.chosen) + [0] * len(lesson.composed)

    def weighing(kept: Sequence[int]) -> Logistic:
        own_rows = [(own[n], cases[n].category) for n in kept for _ in range(teaches[n])]
        table = [*taught, *own_rows]
        return logistic([row for row, _ in table], [name for _, name in table], strength=0.1)

    classes = tuple(sorted({name for _, name in taught} | {case.category for case in cases}))
    for kept, out in _folds(cases, range(len(cases))):
        part = weighing(kept)
        for number in out:
            chances = dict(zip(map(Category, classes), map(float, part(own[number])), strict=True))
            cases[number].chances = settled(chances, cases[number].read)
    return {
        **model.arrays("category"),
        **weighing(range(len(cases))).arrays("category.calibration"),
        "category.order": np.array(classes),
        "category.accuracy": np.array(_accuracy(lesson.mails)),
    }


def _accuracy(mails: Sequence[Case]) -> float:
    told = [max(case.chances, key=lambda name: case.chances[name]).value for case in mails]
    return sum(name == case.category or name in case.also for name, case in zip(told, mails, strict=True)) / max(1, len(mails))


def _category_of(label: str) -> str:
    if not label.startswith(BACKGROUND):
        return "faq"
    return "case" if label == BACKGROUND + "own-case" else "other"


def _sounding(sounds: Sequence[list[str]], names: Sequence[str], more: Sequence[tuple[list[str], str]]) -> Linear:
    """What the categories sound like: by their examples, and by ``more``, which teaches what a question sounds like."""
    weights = [1.0] * len(sounds) + [ASKED] * len(more)
    texts, labels = [*sounds, *(each for each, _ in more)], [*names, *(name for _, name in more)]
    return linear(texts, labels, strength=CATEGORY_STRENGTH, weights=weights)


def _out_of_fold(sounds: list[list[str]], names: list[str], more: Sequence[tuple[list[str], str]]) -> list[list[float]]:
    """Scores of each example by a model that has not seen it."""
    found: list[list[float]] = [[] for _ in sounds]
    order = np.random.default_rng(3).permutation(len(sounds))
    for fold in range(3):
        out = set(order[fold::3].tolist())
        kept = [number for number in range(len(sounds)) if number not in out]
        model = _sounding([sounds[n] for n in kept], [names[n] for n in kept], more)
        for number in out:
            found[number] = [float(value) for value in model.scores(sounds[number]).mean(axis=0)]
    return found


def _example_read(example: Example, matcher: Matcher) -> Read:
    parts = quoting.split(example.text, example.subject)
    own = parts.own or example.text
    message = Message("", Address("", "a@b.example"), example.subject, example.text, own, quoted=parts.quoted, signature=parts.signature)
    return read(message, Examined(), matcher)


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
