"""Methods of finding the topic, compared on our own evaluation questions: how often the first is right, and how often each may speak.

``python -m bench.methods`` prints the table of ``docs/understanding.md``. Every method sees the same paraphrases and negatives and none
of the evaluation questions; a method speaks above the threshold at which 99 (98) of 100 of its answers are right on that very set, so
the coverages compare methods and promise nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from rapidfuzz import fuzz, process, utils
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB
from sklearn.svm import LinearSVC

from bot.knowledge import Knowledge, load
from bot.understanding import fitting, sentences, training
from bot.understanding.features import Features, stem
from bot.understanding.topics import BACKGROUND, Matcher

Scores = Callable[[list[str]], np.ndarray]


def main() -> None:
    """Print the table."""
    knowledge = load()
    texts, labels = training.topic_examples(knowledge)
    features = Features(knowledge.words)
    featured = [features.of(text) for text in texts]
    asked = [question.question for question in knowledge.questions]
    print("method | right first | may speak at 99 % | at 98 % | ms a question\n--- | --- | --- | --- | ---")
    for name, classes, scores in methods(texts, labels, featured, features):
        begun = time.perf_counter()
        table = scores(asked)
        milliseconds = (time.perf_counter() - begun) * 1000 / len(asked)
        print(f"{name} | {_row(knowledge, classes, table)} | {milliseconds:.2f}", flush=True)
    _ours(knowledge, texts, labels, featured, features)


def methods(texts, labels, featured, features):  # type: ignore[no-untyped-def]
    """(name, classes, scores) of each method; scores are questions × classes."""
    classes = sorted(set(labels))
    number = np.array([classes.index(label) for label in labels])

    def best_of(similarity: np.ndarray) -> np.ndarray:
        table = np.full((len(similarity), len(classes)), -1e9)
        for column in range(len(classes)):
            table[:, column] = similarity[:, number == column].max(axis=1)
        return table

    cleaned = [utils.default_process(text) for text in texts]
    yield (
        "rapidfuzz token_set_ratio, nearest example",
        classes,
        lambda asked: best_of(
            process.cdist([utils.default_process(text) for text in asked], cleaned, scorer=fuzz.token_set_ratio, workers=-1).astype(float)
        ),
    )
    counter = CountVectorizer(analyzer=lambda text: [stem(word) for word in features.words(text)])
    counts = counter.fit_transform(texts).astype(float)
    weights = _bm25(counts)
    yield "BM25 on stems, nearest example", classes, lambda asked: best_of((counter.transform(asked).astype(float) @ weights.T).toarray())
    for name, prefixes, model in (
        ("complement naive Bayes, words", "wpc", ComplementNB(alpha=0.3)),
        ("logistic regression, words and letters", "wpcl", LogisticRegression(C=10, max_iter=60, tol=1e-3)),
        ("linear SVM, words", "wpc", LinearSVC(C=3, random_state=0)),
        ("linear SVM, letters", "l", LinearSVC(C=3, random_state=0)),
        ("linear SVM, words and letters", "wpcl", LinearSVC(C=3, random_state=0)),
    ):
        yield name, classes, _linear(model, prefixes, featured, labels, features)


def _linear(model, prefixes, featured, labels, features) -> Scores:  # type: ignore[no-untyped-def]
    def chosen(each: list[str]) -> list[str]:
        return [feature for feature in each if feature[0] in prefixes]

    vectorizer = TfidfVectorizer(analyzer=chosen, sublinear_tf=True, min_df=2)
    model.fit(vectorizer.fit_transform(featured), labels)
    decide = model.decision_function if hasattr(model, "decision_function") else model.predict_log_proba
    return lambda asked: np.asarray(decide(vectorizer.transform([features.of(text) for text in asked])))


def _bm25(counts, k: float = 1.2, b: float = 0.75):  # type: ignore[no-untyped-def]
    """Okapi BM25 weights of a document–term matrix (Robertson & Zaragoza 2009)."""
    lengths = np.asarray(counts.sum(axis=1)).ravel()
    frequency = np.asarray((counts > 0).sum(axis=0)).ravel()
    idf = np.log(1 + (counts.shape[0] - frequency + 0.5) / (frequency + 0.5))
    weighted = counts.tocoo()
    norm = k * (1 - b + b * lengths[weighted.row] / lengths.mean())
    weighted.data = weighted.data * (k + 1) / (weighted.data + norm) * idf[weighted.col]
    return weighted.tocsr()


def _row(knowledge: Knowledge, classes: list[str], table: np.ndarray) -> str:
    is_topic = np.array([not name.startswith(BACKGROUND) for name in classes])
    rows = []
    for scores, question in zip(table, knowledge.questions, strict=True):
        best = int(np.where(is_topic, scores, -np.inf).argmax())
        margin = float(scores[best] - np.delete(scores, best).max())
        rows.append((margin, classes[best], question))
    return _figures([(margin, name in q.faq, name in q.faq or name in q.also, bool(q.faq)) for margin, name, q in rows])


def _figures(rows: list[tuple[float, bool, bool, bool]]) -> str:
    answerable = sum(row[3] for row in rows)
    first = sum(row[1] for row in rows) / answerable
    spoken = []
    for wanted in (0.99, 0.98):
        best = right = covered = 0
        for n, (_, exact, fine, _) in enumerate(sorted(rows, key=lambda row: -row[0]), 1):
            right += fine
            covered += exact
            if right >= wanted * n:
                best = covered
        spoken.append(best / answerable)
    return f"{first:.3f} | {spoken[0]:.3f} | {spoken[1]:.3f}"


def _ours(knowledge, texts, labels, featured, features):  # type: ignore[no-untyped-def]
    """Three views and nearest examples, with an even calibration and with the verdict (both cross-validated), as the assistant uses them."""
    model = fitting.linear(featured, labels)
    matcher = Matcher(features, model, fitting.nearest(texts, featured, labels, model), None)
    lesson = training.lesson_of(replace(knowledge, mails=()), matcher)
    begun = time.perf_counter()
    for question in knowledge.questions:
        matcher.ask(sentences.body(question.question) or [sentences.Sentence(question.question, True)])
    milliseconds = (time.perf_counter() - begun) * 1000 / len(knowledge.questions)
    rows = [(case.asked.numbers[1], case) for case in lesson.questions if case.asked is not None]
    _print_ours("three SVM views and nearest examples, the margin", rows, milliseconds)
    matcher = matcher.calibrated(training.first_calibration(lesson))
    for case in lesson.questions:
        case.read = replace(case.read, asked=matcher.again(case.asked))
    even = [(case.asked.confidence, case) for case in lesson.questions if case.asked is not None]
    _print_ours("the same, numbers evenly weighed (logistic)", even, milliseconds)
    lesson.composed = training.composed(lesson, matcher)
    sure = training.chat_verdicts(lesson).held_out[:, 0]
    _print_ours("**the same, with the verdict (in use)**", list(zip(sure, lesson.questions, strict=True)), milliseconds)


def _print_ours(name, rows, milliseconds) -> None:  # type: ignore[no-untyped-def]
    told = [(sure, case.asked, case) for sure, case in rows if case.asked is not None]
    figures = [(sure, a.best in c.faq, a.best in c.faq or a.best in c.also, bool(c.faq)) for sure, a, c in told]
    print(f"{name} | {_figures(figures)} | {milliseconds:.2f}", flush=True)


if __name__ == "__main__":
    main()
