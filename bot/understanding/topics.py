"""Which topic of the knowledge base answers a text, and how sure that is.

A text is cut into what it asks. Each question is scored alone and within the whole; every source of evidence (``Opinion`` rows: linear
models over three views, nearest examples) scores each topic and each kind of question that must not be answered; a calibrated number
says how often such a verdict is right.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bot.model import Evidence, Score
from bot.understanding.features import Features, Lexicon
from bot.understanding.learned import Floats, Linear, Logistic, Nearest
from bot.understanding.sentences import Sentence

WEIGHTS = np.array([1.0, 0.5, 0.5, 1.5], dtype=np.float32)  # of the rows in a ranking: all, words, letters, nearest (docs/understanding.md)
WHOLE = 0.8  # how much the whole text counts beside its questions
CONTEXT, CONTEXT_OF_SHORT, SHORT = 0.1, 0.6, 5  # the same for one question of several; a short one (words) says little alone
UNKNOWN = -0.3  # a question whose best class scores lower is like nothing that we know
QUESTIONS = 6  # of one text that are looked at
SHOWN = 5
COMPOSITION = 9  # numbers at the end of ``Asked.numbers`` that tell of its parts
BACKGROUND = "-"  # classes that must not be answered start with it


@dataclass(frozen=True, slots=True)
class Part:
    """One question of several: the class it would get alone, and how far its words speak against the answer to the whole."""

    text: str
    alone: str
    behind: float  # how far the topic of the whole is behind the best class of this question (0: not at all)
    opposed: float  # how far the best kind of background is before the topic of the whole
    known: float  # score of its best class: low where it is like nothing that we know
    explained: float  # share of its words, weighed, that people use who ask for the topic of the whole


@dataclass(frozen=True, slots=True)
class Asked:
    """A thing that a text asks: the topic that answers it best, how sure, and the numbers behind it."""

    text: str
    best: str
    confidence: float
    ranked: tuple[Score, ...]
    numbers: tuple[float, ...]
    background: str
    parts: tuple[Part, ...] = ()  # its questions one by one, where there is more text than one question
    evidence: tuple[Evidence, ...] = ()

    @property
    def dissent(self) -> float:
        """How far the least fitting of its questions is from the topic of the whole (0: none dissents)."""
        return min((part.behind for part in self.parts), default=0.0)

    @property
    def composition(self) -> tuple[float, ...]:
        """Of ``numbers``, those that tell how long it is and how its questions, one by one, go with the topic of the whole."""
        return self.numbers[-COMPOSITION:]

    @property
    def apart(self) -> bool:
        """Its questions would get answers of their own: several topics, none of a kind that must not be answered."""
        names = {part.alone for part in self.parts}
        return len(names) > 1 and not any(name.startswith(BACKGROUND) for name in names)


class Source(Protocol):
    """A source of evidence: an opinion of its own on what a text asks. A local embedding model would be one.

    It is one more row beside the linear views and the nearest examples. What weighs the rows (``_numbers``, the calibrations, the
    verdicts) is learned with the sources in place, so nothing else need know of it.
    """

    @property
    def weight(self) -> float:
        """What its scores weigh in the ranking, beside ``WEIGHTS``."""
        ...

    def scores(self, text: str) -> Floats:
        """A score of each class, in the order of ``Matcher.classes``, of about the size of a margin (−1 to 1)."""
        ...


class Matcher:
    """Scores texts against topics and negatives. Not thread-safe (its features are not)."""

    def __init__(
        self, features: Features, linear: Linear, nearest: Nearest, calibration: Logistic | None, sources: Sequence[Source] = ()
    ) -> None:
        """``calibration`` is None only while it is being learned: confidences are then bare margins."""
        self._features, self._linear, self._nearest, self._calibration = features, linear, nearest, calibration
        self._sources = tuple(sources)
        self._lexicon = Lexicon(features, linear)
        self._share = lru_cache(maxsize=50_000)(nearest.share)  # the same few hundred words make most of what people write
        self._weight = lru_cache(maxsize=20_000)(self._weight_of)
        self.weights = np.array([*WEIGHTS, *(source.weight for source in self._sources)], dtype=np.float32)
        self._rarest = float(linear.idf.max(initial=1.0))
        self.is_topic = np.array([not name.startswith(BACKGROUND) for name in linear.classes])

    def calibrated(self, calibration: Logistic) -> Matcher:
        """The same with another calibration."""
        return Matcher(self._features, self._linear, self._nearest, calibration, self._sources)

    def again(self, asked: Asked | None) -> Asked | None:
        """A verdict with the confidence of this calibration."""
        return replace(asked, confidence=self._sure(asked.numbers)) if asked is not None else None

    def _sure(self, numbers: Sequence[float]) -> float:
        return float(self._calibration(numbers)[0]) if self._calibration is not None else 1 / (1 + math.exp(-numbers[1]))

    @property
    def classes(self) -> tuple[str, ...]:
        """Topics and kinds of negatives, as the columns of an opinion."""
        return self._linear.classes

    def opinion(self, text: str) -> tuple[Floats, Floats]:
        """(rows of evidence × classes, similarity to each example)."""
        indices, values = self._lexicon.vector(text)
        cut = self._linear.cut(indices)
        similarity = self._nearest.similarity(indices[:cut], values[:cut])
        near = self._nearest.by_class(similarity, len(self.classes))
        rows = [self._linear.scores_of(indices, values), near, *(source.scores(text) for source in self._sources)]
        return np.vstack(rows), similarity

    def ask(self, sentences: Sequence[Sentence]) -> Asked | None:
        """What a text asks, as a whole; None for no text. ``parts`` holds its questions one by one."""
        if not sentences:
            return None
        whole = " ".join(sentence.text for sentence in sentences)
        around, near = self.opinion(whole)
        questions = [sentence.text for sentence in sentences if sentence.question][:QUESTIONS]
        if not questions or len(sentences) == 1:
            return self._asked(whole, around, near, [], len(sentences))
        parts, mixed, mixed_near = [], around * WHOLE, near * WHOLE
        for text in questions:
            rows, similarity = self.opinion(text)
            share = CONTEXT if len(text.split()) > SHORT else CONTEXT_OF_SHORT
            parts.append((text, (1 - share) * rows + share * around))
            mixed = mixed + rows * ((1 - WHOLE) / len(questions))
            mixed_near = mixed_near + similarity * ((1 - WHOLE) / len(questions))
        return self._asked(" ".join(questions), mixed, mixed_near, parts, len(sentences))

    def _asked(self, text: str, rows: Floats, similarity: Floats, parts: list[tuple[str, Floats]], sentences: int) -> Asked:
        combined = self.weights @ rows
        order = np.argsort(-np.where(self.is_topic, combined, -np.inf))
        best, second = int(order[0]), int(order[1])
        against = int(np.where(self.is_topic, -np.inf, combined).argmax())
        told = tuple(self._part(part, scores, best) for part, scores in parts)
        explained, strangers = self._explained(text, best)
        numbers = (
            *self._numbers(rows, combined, best, second, against),
            math.log(len(text.split()) + 1),
            math.log(sentences),
            float(len(parts) > 1),
            min((part.behind for part in told), default=0.0),
            max((part.opposed for part in told), default=float(combined[against] - combined[best])),
            min((part.known for part in told if len(part.text.split()) > SHORT), default=float(combined.max())),
            min((part.explained for part in told if len(part.text.split()) > SHORT), default=explained),
            explained,
            math.log(strangers + 1),
        )
        sure = self._sure(numbers)
        ranked = self._ranked(combined, order, sure)
        evidence = self._evidence(similarity, best, text)
        return Asked(text, self.classes[best], sure, ranked, numbers, self.classes[against][1:], told, evidence)

    def _part(self, text: str, rows: Floats, best: int) -> Part:
        """One question of several, beside the topic of the whole."""
        combined = self.weights @ rows
        alone = int(combined.argmax())
        unknown = alone != best and combined[alone] < UNKNOWN and len(text.split()) > SHORT
        against = float(np.where(self.is_topic, -np.inf, combined).max())
        return Part(
            text,
            BACKGROUND + "unknown" if unknown else self.classes[alone],
            float(combined[best] - combined[alone]),
            against - float(combined[best]),
            float(combined[alone]),
            self._explained(text, best)[0],
        )

    def _explained(self, text: str, topic: int) -> tuple[float, int]:
        """(share of a text's words, weighed by rarity, that examples of the topic have; how many words no example has)."""
        total = found = 0.0
        strangers = 0
        for stem in dict.fromkeys(self._features.stems(text)):
            index, weight = self._weight(stem)
            total += weight
            if index is None:
                strangers += 1
            else:
                found += weight * self._share(index, topic)
        return (found / total if total else 1.0), strangers

    def _weight_of(self, stem: str) -> tuple[int | None, float]:
        """The feature that a stem is, and how rare it is; of a stem that no example has, as rare as the rarest."""
        index = self._linear.vocabulary.get(f"w:{stem}")
        return index, self._rarest if index is None else float(self._linear.idf[index])

    def _numbers(self, rows: Floats, combined: Floats, best: int, second: int, against: int) -> tuple[float, ...]:
        """What the calibration reads: how far ahead the best topic is, by each source of evidence."""
        others = rows.copy()
        others[:, best] = -np.inf
        margins = (rows[:, best] - others.max(axis=1)).tolist()
        agree = sum(margin >= 0 for margin in margins)
        return (
            float(combined[best]),
            float(combined[best] - combined[second]),
            float(combined[best] - combined[against]),
            float(combined[against]),
            *margins,
            float(rows[3][best]),
            float(rows[3][against]),
            float(agree),
        )

    def _ranked(self, combined: Floats, order: npt.NDArray[np.intp], sure: float) -> tuple[Score, ...]:
        """The best topics with confidences that fall from the calibrated one and never pass it."""
        top = order[:SHOWN]
        shares = np.exp((combined[top] - combined[top[0]]).astype(np.float64))
        rest = max(0.0, 1.0 - sure)
        others = shares[1:] / max(1e-9, shares[1:].sum())
        confidences = [sure, *(min(sure, rest) * others)]
        return tuple(Score(self.classes[int(number)], round(float(value), 4)) for number, value in zip(top, confidences, strict=True))

    def _evidence(self, similarity: Floats, best: int, text: str) -> tuple[Evidence, ...]:
        """The asked sentence, the nearest curated examples for and against."""
        own = self._nearest.of_class(best)
        others = similarity.copy()
        others[own] = -1.0
        return (
            Evidence("sentence", text[:300]),
            *self._nearest_two("example", similarity[own].copy(), own.start),
            *self._nearest_two("against", others, 0),
        )

    def _nearest_two(self, kind: str, similarity: Floats, first: int) -> Iterator[Evidence]:
        """The two nearest of some examples that stand together from ``first`` on; ``similarity`` is spent."""
        for _ in range(min(2, len(similarity))):  # sorting all examples for two would take most of an answer's time
            number = int(similarity.argmax())
            if similarity[number] <= 0:
                break
            name = self.classes[int(self._nearest.labels[first + number])]
            yield Evidence(kind, f"{name}: {self._nearest.texts[first + number]}", round(float(similarity[number]), 3))
            similarity[number] = -1.0
