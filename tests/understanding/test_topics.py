"""What a text asks: the topic, its parts, how far words speak against it, and the seam for a further source of evidence."""

from __future__ import annotations

import numpy as np
import pytest

from bot.knowledge import Words
from bot.understanding import Model, fitting
from bot.understanding.features import Features, letters, stem
from bot.understanding.learned import Floats
from bot.understanding.sentences import Sentence, body
from bot.understanding.topics import BACKGROUND, Matcher

WORDS = Words({"ikkje": "ikke", "kva": "hva"}, {"cost": ("pris*", "koster", "how much")})
TEXTS = [
    "hva koster data", "hva er prisen", "pris på data", "how much does it cost", "når slettes data", "må vi slette filene", "slette alt",
    "when do we delete", "hva blir været", "været i morgen", "regner det i morgen", "weather tomorrow",
] * 2  # fmt: skip
LABELS = (["price"] * 4 + ["deletion"] * 4 + ["-elsewhere"] * 4) * 2


def toy(*sources: Named) -> Matcher:
    """A matcher of two topics and one kind of negative."""
    features = Features(WORDS)
    told = [features.of(text) for text in TEXTS]
    linear = fitting.linear(told, LABELS)
    return Matcher(features, linear, fitting.nearest(TEXTS, told, LABELS, linear), None, sources)


class Named:
    """A source of evidence that is sure of one class whatever it reads."""

    weight = 10.0

    def __init__(self, place: int, classes: int = 3) -> None:
        self._row = np.full(classes, -1.0, dtype=np.float32)
        self._row[place] = 1.0

    def scores(self, text: str) -> Floats:
        """The same for every text."""
        return self._row


def test_nynorsk_and_bokmaal_are_the_same_words() -> None:
    features = Features(WORDS)
    assert features.words("Kva kostar det, ikkje sant?")[0] == "hva"
    assert "ikke" in features.words("ikkje")


def test_a_concept_is_one_feature_whichever_words_say_it() -> None:
    features = Features(WORDS)
    assert all("c:cost" in features.of(text) for text in ("prisene", "hva koster det", "so how much is it"))


def test_letters_see_through_misspelling() -> None:
    right, wrong = set(letters(["mikrodata"])), set(letters(["mikrodatta"]))
    assert len(right & wrong) / len(right) > 0.6


@pytest.mark.parametrize(("one", "other"), [("søknaden", "søknader"), ("applications", "application"), ("sletting", "sletting")])
def test_stems(one: str, other: str) -> None:
    assert stem(one) == stem(other)


def test_the_topic_and_the_background() -> None:
    matcher = toy()
    asked = matcher.ask([Sentence("hva koster det", True)])
    assert asked is not None
    assert asked.best == "price"
    assert matcher.ask([]) is None
    strange = matcher.ask([Sentence("blir det regn i morgen", True)])
    assert strange is not None
    assert strange.numbers[2] < 0 < asked.numbers[2]  # the margin over the background


def test_the_parts_of_a_text_and_who_dissents() -> None:
    asked = toy().ask(body("Hva koster data? Og hvordan blir været i morgen?"))
    assert asked is not None
    assert [part.alone for part in asked.parts][1].startswith(BACKGROUND)
    assert not asked.apart  # one of them must not be answered
    assert max(part.opposed for part in asked.parts) > 0
    both = toy().ask(body("Hva koster data? Og må vi slette filene?"))
    assert both is not None
    assert both.apart
    assert both.dissent < 0


def test_words_that_nobody_uses_who_asks_for_the_topic_are_not_explained() -> None:
    matcher = toy()
    plain, strange = matcher.ask([Sentence("hva koster data", True)]), matcher.ask([Sentence("hva koster hjemmesveisede rekkverk", True)])
    assert plain is not None
    assert strange is not None
    assert plain.numbers[-2] > strange.numbers[-2]  # the share explained
    assert plain.numbers[-1] < strange.numbers[-1]  # words that no example has


def test_a_further_source_of_evidence_is_one_more_row() -> None:
    matcher = toy(Named(1))  # classes in sorted order: -elsewhere, deletion, price
    assert matcher.classes == ("-elsewhere", "deletion", "price")
    rows, _ = matcher.opinion("hva koster det")
    assert rows.shape == (5, 3)
    asked = matcher.ask([Sentence("hva koster det", True)])
    assert asked is not None
    assert asked.best == "deletion"
    assert len(asked.numbers) == len(toy().ask([Sentence("hva koster det", True)]).numbers) + 1  # type: ignore[union-attr]
    assert matcher.calibrated(fitting.logistic([asked.numbers, [0.0] * len(asked.numbers)], [True, False])).ask([Sentence("x", True)])


def test_evidence_names_the_nearest_examples_for_and_against(model: Model) -> None:
    asked = model.matcher.ask([Sentence("Hvem kan signere tilbudet fra dere?", True)])
    assert asked is not None
    kinds = [each.kind for each in asked.evidence]
    assert kinds.count("example") == 2
    assert kinds.count("against") == 2
    for each in asked.evidence:
        if each.kind == "example":
            topic, _, text = each.text.partition(": ")
            assert topic == "who-can-sign"
            known = {q for questions in model.knowledge.topics[topic].questions.values() for q in questions}
            assert text in known | set(model.knowledge.topics[topic].titles.values())
            assert 0 < each.weight <= 1.01


def test_every_class_is_a_topic_or_a_kind_of_negative(model: Model) -> None:
    assert {name for name in model.matcher.classes if not name.startswith(BACKGROUND)} == set(model.knowledge.topics)
