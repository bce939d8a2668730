"""Questions that ask for the same: grouped, so that the entry that is missing most is seen first. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot.knowledge import Words
from bot.understanding.features import Features

LEAST = 0.22  # cosine to a group's middle from which a question joins it; of short questions that share two telling words
CONCEPT = 2.0  # a shared concept ("price", "abroad") says more than a shared word


@dataclass(frozen=True, slots=True)
class Group:
    """Numbers of the questions that belong together, the most typical first, and how alike they are (mean cosine to the middle)."""

    members: tuple[int, ...]
    alike: float


def group(texts: Sequence[str], words: Words) -> list[Group]:
    """Greedy leader clustering over stems and concepts, weighed by how rare they are here; the largest groups first."""
    features = Features(words)
    counted = [Counter(name for name in features.of(text) if name[:2] in ("w:", "c:")) for text in texts]
    spread = Counter(name for counts in counted for name in counts)
    vectors = [
        _unit({name: (CONCEPT if name[0] == "c" else 1.0) * _rare(spread[name], len(texts)) for name in counts}) for counts in counted
    ]
    middles: list[dict[str, float]] = []
    members: list[list[int]] = []
    for number, vector in enumerate(vectors):
        nearest = max(range(len(middles)), key=lambda index: _cosine(vector, middles[index]), default=-1)
        if nearest < 0 or _cosine(vector, middles[nearest]) < LEAST:
            middles.append(dict(vector))
            members.append([number])
            continue
        members[nearest].append(number)
        for name, value in vector.items():
            middles[nearest][name] = middles[nearest].get(name, 0.0) + value
    found = [_ordered(numbers, vectors, middle) for numbers, middle in zip(members, middles, strict=True)]
    return sorted(found, key=lambda each: (-len(each.members), each.members))


def _rare(number: int, total: int) -> float:
    return math.log((total + 1) / number)


def _unit(vector: dict[str, float]) -> dict[str, float]:
    length = math.sqrt(sum(value * value for value in vector.values()))
    return {name: value / length for name, value in vector.items()} if length else {}


def _cosine(vector: dict[str, float], middle: dict[str, float]) -> float:
    """Of a unit vector with a sum of unit vectors."""
    length = math.sqrt(sum(value * value for value in middle.values()))
    return sum(value * middle.get(name, 0.0) for name, value in vector.items()) / length if length else 0.0


def _ordered(numbers: list[int], vectors: list[dict[str, float]], middle: dict[str, float]) -> Group:
    near = {number: _cosine(vectors[number], middle) for number in numbers}
    return Group(tuple(sorted(numbers, key=lambda number: (-near[number], number))), sum(near.values()) / len(near))


__all__ = ["Group", "group"]
