"""Fitting the models that ``learned`` uses: the only module that needs scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from bot.understanding.learned import OFTEN, VIEWS, Floats, Forest, Linear, Logistic, Nearest, in_view, stepped, unit

STRENGTH = 3.0  # C of the linear models; docs/understanding.md has the table
RAREST = 2  # a feature of a single example teaches nothing but that example
TREES, LEAF = 200, 5  # of a forest: how many trees, and how many texts a leaf rests on at least


def linear(
    featured: Sequence[Sequence[str]], labels: Sequence[str], *, strength: float = STRENGTH, weights: Sequence[float] | None = None
) -> Linear:
    """One linear support vector machine per view and class (one against the rest); ``weights``: what each text counts, else 1."""
    vectorizer = TfidfVectorizer(analyzer=list, sublinear_tf=True, min_df=RAREST, norm=None, dtype=np.float32)
    matrix = vectorizer.fit_transform(featured)
    names = vectorizer.get_feature_names_out()
    letters = np.fromiter((in_view(name, "letters") for name in names), dtype=np.bool_, count=len(names))
    order = np.argsort(letters, kind="stable")  # words first
    names, matrix = names[order], matrix[:, order]
    words = int((~letters).sum())

    def fit(view: str) -> tuple[tuple[str, ...], Floats, Floats]:
        kept = np.fromiter((in_view(name, view) for name in names), dtype=np.bool_, count=len(names))
        machine = LinearSVC(C=strength, tol=1e-3, random_state=0).fit(_normalised(matrix[:, kept]), labels, weights)
        full = np.zeros((len(names), len(machine.classes_)), dtype=np.float32)
        full[kept] = machine.coef_.T
        return tuple(str(name) for name in machine.classes_), full, machine.intercept_.astype(np.float32)

    fitted = [fit(view) for view in VIEWS]  # one after the other: the solvers of a process share one source of chance
    whole, of_words, of_letters = (each[1] for each in fitted)
    vocabulary = {str(name): number for number, name in enumerate(names)}
    return Linear(
        fitted[0][0],
        vocabulary,
        words,
        vectorizer.idf_[order].astype(np.float32),
        *stepped(np.hstack((whole, of_words + of_letters))),  # each is zero where the other is not
        np.vstack([each[2] for each in fitted]),
    )


def _normalised(matrix: Any) -> Any:
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    norms[norms == 0] = 1
    return matrix.multiply(1 / norms[:, None]).tocsr()


def nearest(texts: Sequence[str], featured: Sequence[Sequence[str]], labels: Sequence[str], model: Linear) -> Nearest:
    """The examples as an inverted index over the model's word features."""
    numbers = {name: number for number, name in enumerate(model.classes)}
    order = sorted(range(len(labels)), key=lambda at: numbers[labels[at]])
    texts, featured, labels = [texts[at] for at in order], [featured[at] for at in order], [labels[at] for at in order]
    rows: list[list[tuple[int, float]]] = [[] for _ in range(model.words)]
    for number, features in enumerate(featured):
        indices, values = model.vector(model.numbers(features))
        cut = model.cut(indices)
        for index, value in zip(indices[:cut].tolist(), unit(values[:cut]).tolist(), strict=True):
            rows[index].append((number, value))
    rows = [row if len(row) <= OFTEN else [] for row in rows]
    starts = np.cumsum([0, *(len(row) for row in rows)]).astype(np.int32)
    examples = np.fromiter((number for row in rows for number, _ in row), dtype=np.intp, count=int(starts[-1]))
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


def forest(numbers: Sequence[Sequence[float]], right: Sequence[bool], weights: Sequence[float] | None = None) -> Forest:
    """A probability of yes that need not rise or fall evenly with any of the numbers."""
    table = np.asarray(numbers, dtype=np.float32)
    model = ExtraTreesClassifier(TREES, min_samples_leaf=LEAF, random_state=0).fit(table, np.asarray(right, dtype=bool), weights)
    if len(model.classes_) < 2:
        raise ValueError("the evaluation set needs answerable and unanswerable questions")
    trees = [each.tree_ for each in model.estimators_]
    roots = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1].astype(np.intp)
    feature, children, value = [], [], []
    for root, tree in zip(roots, trees, strict=True):
        leaf, here = tree.children_left < 0, np.arange(tree.node_count)
        feature.append(np.where(leaf, 0, tree.feature))
        below = np.stack([np.where(leaf, here, tree.children_left), np.where(leaf, here, tree.children_right)], axis=1)
        children.append(root + below.ravel())
        value.append(tree.value[:, 0, 1] / tree.value[:, 0].sum(axis=1))
    return Forest(
        np.concatenate(feature).astype(np.intp),
        np.concatenate([tree.threshold for tree in trees]).astype(np.float32),
        np.concatenate(children).astype(np.intp),
        np.concatenate(value).astype(np.float32),
        roots,
        max(int(tree.max_depth) for tree in trees),
    )
