"""Every paraphrase and negative judged by models that have not seen it: what the knowledge base itself is worth, and what is misplaced.

Leave-one-out in folds: one model for each of ``FOLDS`` parts of the texts, learned from the others. Needs scikit-learn and minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bot.knowledge import Knowledge
from bot.model import Language
from bot.understanding.features import Features
from bot.understanding.fitting import linear, nearest
from bot.understanding.topics import BACKGROUND, Matcher

FOLDS = 5


@dataclass(frozen=True, slots=True)
class Placed:
    """A text of the knowledge base, where it stands and where the others would put it; a kind of negative begins with ``-``."""

    text: str
    language: Language
    stands: str
    put: str

    @property
    def right(self) -> bool:
        """Under its own topic; a negative under any kind of negative."""
        return self.stands == self.put or (self.stands.startswith(BACKGROUND) and self.put.startswith(BACKGROUND))


def place(knowledge: Knowledge, folds: int = FOLDS) -> Iterator[Placed]:
    """Each text in turn, fold by fold."""
    texts = list(_texts(knowledge))
    features = Features(knowledge.words)
    told = [features.of(text) for text, _, _ in texts]
    order = np.random.default_rng(6).permutation(len(texts))
    for fold in range(folds):
        out = order[fold::folds]
        kept = np.setdiff1d(order, out)
        names = [texts[n][2] for n in kept]
        model = linear([told[n] for n in kept], names)
        near = nearest([texts[n][0] for n in kept], [told[n] for n in kept], names, model)
        matcher = Matcher(features, model, near, None)
        for n in out:
            text, language, stands = texts[n]
            yield Placed(text, language, stands, matcher.classes[int((matcher.weights @ matcher.opinion(text)[0]).argmax())])


def _texts(knowledge: Knowledge) -> Iterator[tuple[str, Language, str]]:
    for topic in knowledge.topics.values():
        for language, questions in topic.questions.items():
            yield from ((text, language, topic.id) for text in questions)
    for entry in knowledge.negatives:
        for language, questions in entry.questions.items():
            yield from ((text, language, BACKGROUND + entry.id.rstrip("-0123456789")) for text in questions)
