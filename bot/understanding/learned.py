"""Linear models and nearest examples over text features: learned once (``training``), used with numpy alone, kept as arrays.

Three views of a text score every class: all features, words alone, letters alone; where they agree, the verdict is safer. Nearest
examples (cosine over word features) give a fourth opinion and the explanation. A vocabulary has its words before its letters, so that
a sorted vector is cut in two to see the one or the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int32]
VIEWS = ("all", "words", "letters")
LOOKED = 4  # levels of a forest after which we look whether there is more to walk
OFTEN = 3000  # an example's feature that more examples have tells nothing of nearness


def unit(values: Floats) -> Floats:
    """Values at length 1; none stay none."""
    return values / (float(np.sqrt(values @ values)) or 1.0)


def stepped(weights: Floats) -> tuple[npt.NDArray[np.int16], Floats]:
    """Weights as whole numbers of steps, and the step of each column: 32,767 of them make its largest weight."""
    steps = np.maximum(np.abs(weights).max(axis=0, initial=0.0), np.float32(1e-9)) / np.float32(np.iinfo(np.int16).max)
    return np.rint(weights / steps).astype(np.int16), steps.astype(np.float32)


def in_view(feature: str, view: str) -> bool:
    """Whether a feature belongs to a view: letters start with ``l:``."""
    return view == "all" or (feature[0] == "l") == (view == "letters")


@dataclass(frozen=True, slots=True)
class Linear:
    """Scores of classes. A feature has two weights for each class: in the view of all features, and in its own (words or letters)."""

    classes: tuple[str, ...]
    vocabulary: dict[str, int]  # words first, then letters
    words: int  # how many of the vocabulary are no letters
    idf: Floats
    weights: npt.NDArray[np.int16]  # features × (classes in the view of all, classes in its own view), in ``steps``: half the memory
    steps: Floats  # of each column
    biases: Floats  # views × classes

    def scores(self, features: Iterable[str]) -> Floats:
        """A row per view, a column per class."""
        return self.scores_of(*self.vector(self.numbers(features)))

    def scores_of(self, indices: Numbers, values: Floats) -> Floats:
        """The same for a vector that is there already."""
        wide, cut = len(self.classes), self.cut(indices)
        taken = self.weights.take(indices, axis=0).astype(np.float32)
        whole, own = self.steps[:wide], self.steps[wide:]
        return np.vstack(
            (
                unit(values) @ taken[:, :wide] * whole,
                unit(values[:cut]) @ taken[:cut, wide:] * own,
                unit(values[cut:]) @ taken[cut:, wide:] * own,
            )
        ) + self.biases  # fmt: skip

    def cut(self, indices: Numbers) -> int:
        """Where the letters of a vector begin."""
        return int(np.searchsorted(indices, self.words))

    def numbers(self, features: Iterable[str]) -> Numbers:
        """The numbers of the features that are known, repeated as often as they occur."""
        known = self.vocabulary.get
        return np.array([number for feature in features if (number := known(feature)) is not None], dtype=np.int32)

    def vector(self, numbers: Numbers) -> tuple[Numbers, Floats]:
        """Rising indices and tf-idf values (sublinear, not normalised) of features by their numbers."""
        indices, counts = np.unique(numbers, return_counts=True)
        return indices, (np.float32(1.0) + np.log(counts.astype(np.float32))) * self.idf[indices]

    def arrays(self, prefix: str) -> dict[str, npt.NDArray[np.generic]]:
        """What ``from_arrays`` reads back."""
        names = sorted(self.vocabulary, key=self.vocabulary.__getitem__)
        found: dict[str, npt.NDArray[np.generic]] = {
            f"{prefix}.classes": np.array(self.classes),
            f"{prefix}.vocabulary": np.frombuffer("\n".join(names).encode(), dtype=np.uint8),
            f"{prefix}.words": np.array(self.words),
            f"{prefix}.idf": self.idf,
            f"{prefix}.weights": self.weights,
            f"{prefix}.steps": self.steps,
            f"{prefix}.biases": self.biases,
        }
        return found

    @classmethod
    def from_arrays(cls, prefix: str, arrays: dict[str, npt.NDArray[np.generic]]) -> Linear:
        """A model from arrays. Errors: ``KeyError`` where one is missing."""
        names = bytes(arrays[f"{prefix}.vocabulary"]).decode().split("\n")
        return cls(
            tuple(str(name) for name in arrays[f"{prefix}.classes"]),
            {name: number for number, name in enumerate(names)},
            int(arrays[f"{prefix}.words"]),
            arrays[f"{prefix}.idf"].astype(np.float32),
            arrays[f"{prefix}.weights"].astype(np.int16, copy=False),
            *(arrays[f"{prefix}.{name}"].astype(np.float32) for name in ("steps", "biases")),
        )


@dataclass(frozen=True, slots=True)
class Nearest:
    """Examples as an inverted index over word features: which examples have a feature, and how much it weighs there.

    The examples of a class stand together.
    """

    texts: tuple[str, ...]
    labels: npt.NDArray[np.int16]
    starts: npt.NDArray[np.int32]
    examples: npt.NDArray[np.intp]
    values: Floats
    begins: npt.NDArray[np.intp] = field(init=False)  # where the examples of each class begin

    def __post_init__(self) -> None:
        """See ``begins``."""
        object.__setattr__(self, "begins", np.flatnonzero(np.diff(self.labels, prepend=np.int16(-1))))

    def similarity(self, indices: Numbers, values: Floats) -> Floats:
        """Cosine of a text with every example; ``indices`` and ``values`` of its words alone."""
        starts, ends = self.starts.take(indices), self.starts.take(indices + 1)
        found = [slice(start, end) for start, end in zip(starts.tolist(), ends.tolist(), strict=True) if start < end]
        if not found:
            return np.zeros(len(self.texts), dtype=np.float32)
        weights = np.concatenate([self.values[each] for each in found])
        weights *= unit(values).repeat(ends - starts)
        examples = np.concatenate([self.examples[each] for each in found])
        return np.bincount(examples, weights=weights, minlength=len(self.texts)).astype(np.float32)

    def of_class(self, label: int) -> slice:
        """Where the examples of a class stand; empty for one without any."""
        start, end = self.labels.searchsorted(np.array((label, label + 1), dtype=self.labels.dtype)).tolist()
        return slice(start, end)

    def share(self, feature: int, label: int) -> float:
        """How much of a class's own a word feature is: 1 where at least two of its examples have it, or where nearly everybody has."""
        start, end = self.starts[feature], self.starts[feature + 1]
        if start == end:
            return 1.0
        return min(1.0, float(np.count_nonzero(self.labels[self.examples[start:end]] == label)) / 2)

    def by_class(self, similarity: Floats, classes: int) -> Floats:
        """The largest similarity within each class."""
        best = np.zeros(classes, dtype=np.float32)
        best[self.labels[self.begins]] = np.maximum.reduceat(similarity, self.begins)
        return best

    def arrays(self, prefix: str) -> dict[str, npt.NDArray[np.generic]]:
        """What ``from_arrays`` reads back."""
        return {
            f"{prefix}.texts": np.frombuffer("\n".join(self.texts).encode(), dtype=np.uint8),
            f"{prefix}.labels": self.labels,
            f"{prefix}.starts": self.starts,
            f"{prefix}.examples": self.examples.astype(np.int32),
            f"{prefix}.values": self.values.astype(np.float16),
        }

    @classmethod
    def from_arrays(cls, prefix: str, arrays: dict[str, npt.NDArray[np.generic]]) -> Nearest:
        """Examples from arrays. Errors: ``KeyError`` where one is missing."""
        return cls(
            tuple(bytes(arrays[f"{prefix}.texts"]).decode().split("\n")),
            arrays[f"{prefix}.labels"].astype(np.int16),
            arrays[f"{prefix}.starts"].astype(np.int32),
            arrays[f"{prefix}.examples"].astype(np.intp),  # as they are counted: else each text would turn thousands of them into that
            arrays[f"{prefix}.values"].astype(np.float32),
        )


@dataclass(frozen=True, slots=True)
class Forest:
    """A probability of yes from a few numbers: the mean of many small trees (extremely randomised, Geurts et al. 2006).

    All trees lie in the same arrays; a leaf points at itself, so that all are walked down together.
    """

    feature: npt.NDArray[np.intp]
    threshold: Floats
    children: npt.NDArray[np.intp]  # of node n at 2n (not above the threshold) and 2n + 1
    value: Floats
    roots: npt.NDArray[np.intp]
    depth: int

    def __call__(self, numbers: Sequence[float]) -> float:
        """The probability of yes, 0–1."""
        told = np.asarray(numbers, dtype=np.float32)
        nodes = self.roots
        for level in range(1, self.depth + 1):
            above = told[self.feature[nodes]] > self.threshold[nodes]
            before, nodes = nodes, self.children[2 * nodes + above]
            if level % LOOKED == 0 and np.array_equal(nodes, before):  # all stand on leaves
                break
        return float(self.value[nodes].mean())

    def arrays(self, prefix: str) -> dict[str, npt.NDArray[np.generic]]:
        """What ``from_arrays`` reads back."""
        names = ("feature", "threshold", "children", "value", "roots")
        kept = {name: getattr(self, name) for name in names}
        small = {name: array.astype(np.int32) if array.dtype == np.intp else array for name, array in kept.items()}
        return {**{f"{prefix}.{name}": array for name, array in small.items()}, f"{prefix}.depth": np.array(self.depth)}

    @classmethod
    def from_arrays(cls, prefix: str, arrays: dict[str, npt.NDArray[np.generic]]) -> Forest:
        """From arrays. Errors: ``KeyError`` where one is missing."""
        return cls(
            arrays[f"{prefix}.feature"].astype(np.intp),
            arrays[f"{prefix}.threshold"].astype(np.float32),
            arrays[f"{prefix}.children"].astype(np.intp),
            arrays[f"{prefix}.value"].astype(np.float32),
            arrays[f"{prefix}.roots"].astype(np.intp),
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
