"""Linear models and nearest examples over text features: learned once (``training``), used with numpy alone, kept as arrays.

Three views of a text score every class: all features, words alone, letters alone; where they agree, the verdict is safer. Nearest
examples (cosine over word features) give a fourth opinion and the explanation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
VIEWS = ("all", "words", "letters")
OFTEN = 3000  # an example's feature that more examples have tells nothing of nearness


def in_view(feature: str, view: str) -> bool:
    """Whether a feature belongs to a view: letters start with ``l:``."""
    return view == "all" or (feature[0] == "l") == (view == "letters")


@dataclass(frozen=True, slots=True)
class Linear:
    """Scores of classes, one matrix per view (features × classes)."""

    classes: tuple[str, ...]
    vocabulary: dict[str, int]
    idf: Floats
    is_letter: npt.NDArray[np.bool_]
    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]

    def scores(self, features: Iterable[str]) -> Floats:
        """A row per view, a column per class."""
        return self.scores_of(*self.vector(features))

    def scores_of(self, indices: npt.NDArray[np.int32], values: Floats) -> Floats:
        """The same for a vector that is there already."""
        rows = np.empty((len(VIEWS), len(self.classes)), dtype=np.float32)
        letters = self.is_letter[indices]
        for number, view in enumerate(VIEWS):
            kept = slice(None) if view == "all" else letters == (view == "letters")
            chosen, weight = indices[kept], values[kept]
            norm = float(np.sqrt((weight * weight).sum())) or 1.0
            rows[number] = (weight / norm) @ self.weights[number][chosen] + self.biases[number]
        return rows

    def vector(self, features: Iterable[str]) -> tuple[npt.NDArray[np.int32], Floats]:
        """Indices and tf-idf values (sublinear, not normalised) of the known features."""
        vocabulary = self.vocabulary
        found = [(vocabulary[feature], count) for feature, count in Counter(features).items() if feature in vocabulary]
        indices = np.fromiter((index for index, _ in found), dtype=np.int32, count=len(found))
        counts = np.fromiter((count for _, count in found), dtype=np.float32, count=len(found))
        return indices, (np.float32(1.0) + np.log(counts)) * self.idf[indices]

    def arrays(self, prefix: str) -> dict[str, npt.NDArray[np.generic]]:
        """What ``from_arrays`` reads back."""
        names = sorted(self.vocabulary, key=self.vocabulary.__getitem__)
        found: dict[str, npt.NDArray[np.generic]] = {
            f"{prefix}.classes": np.array(self.classes),
            f"{prefix}.vocabulary": np.frombuffer("\n".join(names).encode(), dtype=np.uint8),
            f"{prefix}.idf": self.idf,
        }
        for number, view in enumerate(VIEWS):
            found[f"{prefix}.weights.{view}"] = self.weights[number].astype(np.float16)
            found[f"{prefix}.bias.{view}"] = self.biases[number]
        return found

    @classmethod
    def from_arrays(cls, prefix: str, arrays: dict[str, npt.NDArray[np.generic]]) -> Linear:
        """A model from arrays. Errors: ``KeyError`` where one is missing."""
        names = bytes(arrays[f"{prefix}.vocabulary"]).decode().split("\n")
        return cls(
            tuple(str(name) for name in arrays[f"{prefix}.classes"]),
            {name: number for number, name in enumerate(names)},
            arrays[f"{prefix}.idf"].astype(np.float32),
            np.fromiter((name[0] == "l" for name in names), dtype=np.bool_, count=len(names)),
            tuple(arrays[f"{prefix}.weights.{view}"].astype(np.float32) for view in VIEWS),
            tuple(arrays[f"{prefix}.bias.{view}"].astype(np.float32) for view in VIEWS),
        )


@dataclass(frozen=True, slots=True)
class Nearest:
    """Examples as an inverted index over word features: which examples have a feature, and how much it weighs there."""

    texts: tuple[str, ...]
    labels: npt.NDArray[np.int16]
    starts: npt.NDArray[np.int32]
    examples: npt.NDArray[np.int32]
    values: Floats
    kept: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))

    def similarity(self, indices: npt.NDArray[np.int32], values: Floats, is_letter: npt.NDArray[np.bool_]) -> Floats:
        """Cosine of a text with every example, over word features."""
        words = ~is_letter[indices]
        indices, values = indices[words], values[words]
        norm = float(np.sqrt((values * values).sum())) or 1.0
        pieces, weights = [], []
        for index, value in zip(indices.tolist(), values.tolist(), strict=True):
            start, end = self.starts[index], self.starts[index + 1]
            if start < end:
                pieces.append(self.examples[start:end])
                weights.append(self.values[start:end] * (value / norm))
        if not pieces:
            return np.zeros(len(self.texts), dtype=np.float32)
        return np.bincount(np.concatenate(pieces), weights=np.concatenate(weights), minlength=len(self.texts)).astype(np.float32)

    def share(self, feature: int, label: int) -> float:
        """How much of a class's own a word feature is: 1 where at least two of its examples have it, or where nearly everybody has."""
        start, end = self.starts[feature], self.starts[feature + 1]
        if start == end:
            return 1.0
        return min(1.0, float(np.count_nonzero(self.labels[self.examples[start:end]] == label)) / 2)

    def by_class(self, similarity: Floats, classes: int) -> Floats:
        """The largest similarity within each class."""
        best = np.zeros(classes, dtype=np.float32)
        np.maximum.at(best, self.labels, similarity)
        return best

    def arrays(self, prefix: str) -> dict[str, npt.NDArray[np.generic]]:
        """What ``from_arrays`` reads back."""
        return {
            f"{prefix}.texts": np.frombuffer("\n".join(self.texts).encode(), dtype=np.uint8),
            f"{prefix}.labels": self.labels,
            f"{prefix}.starts": self.starts,
            f"{prefix}.examples": self.examples,
            f"{prefix}.values": self.values.astype(np.float16),
        }

    @classmethod
    def from_arrays(cls, prefix: str, arrays: dict[str, npt.NDArray[np.generic]]) -> Nearest:
        """Examples from arrays. Errors: ``KeyError`` where one is missing."""
        return cls(
            tuple(bytes(arrays[f"{prefix}.texts"]).decode().split("\n")),
            arrays[f"{prefix}.labels"].astype(np.int16),
            arrays[f"{prefix}.starts"].astype(np.int32),
            arrays[f"{prefix}.examples"].astype(np.int32),
            arrays[f"{prefix}.values"].astype(np.float32),
        )


@dataclass(frozen=True, slots=True)
class Forest:
    """A probability of yes from a few numbers: the mean of many small trees (extremely randomised, Geurts et al. 2006).

    All trees lie in the same arrays; a leaf points at itself, so that all are walked down together.
    """

    feature: npt.NDArray[np.int16]
    threshold: Floats
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    value: Floats
    roots: npt.NDArray[np.int32]
    depth: int

    def __call__(self, numbers: Sequence[float]) -> float:
        """The probability of yes, 0–1."""
        told = np.asarray(numbers, dtype=np.float32)
        nodes = self.roots
        for _ in range(self.depth):
            nodes = np.where(told[self.feature[nodes]] <= self.threshold[nodes], self.left[nodes], self.right[nodes])
        return float(self.value[nodes].mean())

    def arrays(self, prefix: str) -> dict[str, npt.NDArray[np.generic]]:
        """What ``from_arrays`` reads back."""
        names = ("feature", "threshold", "left", "right", "value", "roots")
        return {**{f"{prefix}.{name}": getattr(self, name) for name in names}, f"{prefix}.depth": np.array(self.depth)}

    @classmethod
    def from_arrays(cls, prefix: str, arrays: dict[str, npt.NDArray[np.generic]]) -> Forest:
        """From arrays. Errors: ``KeyError`` where one is missing."""
        return cls(
            arrays[f"{prefix}.feature"].astype(np.int16),
            arrays[f"{prefix}.threshold"].astype(np.float32),
            arrays[f"{prefix}.left"].astype(np.int32),
            arrays[f"{prefix}.right"].astype(np.int32),
            arrays[f"{prefix}.value"].astype(np.float32),
            arrays[f"{prefix}.roots"].astype(np.int32),
            int(arrays[f"{prefix}.depth"]),
        )


@dataclass(frozen=True, slots=True)
class Logistic:
    """A probability from a few numbers: standardised, weighted, through the logistic function."""

    mean: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]  # classes × numbers; one row for yes/no
    bias: npt.NDArray[np.float64]

    def __call__(self, numbers: Sequence[float]) -> npt.NDArray[np.float64]:
        """Probabilities of the classes; for yes/no one number, that of yes."""
        raw = self.weights @ ((np.asarray(numbers, dtype=np.float64) - self.mean) / self.scale) + self.bias
        if len(raw) == 1:
            return 1.0 / (1.0 + np.exp(-np.clip(raw, -30, 30)))
        powers = np.exp(raw - raw.max())
        return np.asarray(powers / powers.sum())

    def arrays(self, prefix: str) -> dict[str, npt.NDArray[np.generic]]:
        """What ``from_arrays`` reads back."""
        return {f"{prefix}.mean": self.mean, f"{prefix}.scale": self.scale, f"{prefix}.weights": self.weights, f"{prefix}.bias": self.bias}

    @classmethod
    def from_arrays(cls, prefix: str, arrays: dict[str, npt.NDArray[np.generic]]) -> Logistic:
        """From arrays. Errors: ``KeyError`` where one is missing."""
        return cls(*(arrays[f"{prefix}.{name}"].astype(np.float64) for name in ("mean", "scale", "weights", "bias")))
