"""Thresholds, bounds and the models' arrays."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaincinv
from sklearn.metrics import roc_auc_score

from bot.knowledge import Knowledge, Words
from bot.model import Category
from bot.understanding import FAULTS, Model, assure, fitting, learned, lower_bound, pauc, ranked, training
from bot.understanding.features import Features, Lexicon
from bot.understanding.learned import Forest, Linear, Logistic, Nearest
from bot.understanding.topics import Score


@pytest.mark.parametrize(
    ("right", "n", "bound"), [(59, 59, 0.95), (299, 299, 0.99), (0, 10, 0.0), (0, 0, 0.0), (9, 10, 0.6058), (95, 100, 0.8977)]
)
def test_the_bound_is_that_of_clopper_and_pearson(right: int, n: int, bound: float) -> None:
    assert lower_bound(right, n) == pytest.approx(bound, abs=2e-3)


@given(st.integers(1, 3000), st.data())
def test_the_bound_is_that_of_the_inverse_beta(n: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(1, n))
    assert lower_bound(right, n) == pytest.approx(float(betaincinv(right, n - right + 1, 0.05)), abs=1e-9)


def rows(*runs: tuple[int, float, bool], expected: float = 1.0) -> np.ndarray:
    """(how many, confidence, right) → held-out verdicts of answerable texts, of which a share is expected to be right."""
    told = [(confidence, right, True, right, expected) for count, confidence, right in runs for _ in range(count)]
    return np.array(told, dtype=np.float64)


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.4, 0.5, 0.9]), st.booleans()), min_size=1, max_size=60))
def test_the_order_is_judged_before_the_surest_faults(told: list[tuple[float, bool]]) -> None:
    """By its definition, fault by fault; every text is answerable, a tie counts for the fault."""
    first, last = FAULTS
    faults = sorted((confidence for confidence, right in told if not right), reverse=True) + [-1.0] * last
    shares = [sum(right and confidence > fault for confidence, right in told) / len(told) for fault in faults[first - 1 : last]]
    assert pauc(rows(*((1, confidence, right) for confidence, right in told))) == pytest.approx(sum(shares) / (last - first + 1))


def test_the_order_is_the_partial_area_under_the_roc_curve() -> None:
    """scikit-learn's, where the faults are unanswerable texts; it standardises as McClish (1989) does, which is undone here."""
    chance = np.random.default_rng(7)
    right, wrong = chance.beta(6, 2, 400), chance.beta(2, 4, 250)
    held_out = np.array([(c, 1, 1, 1, 1) for c in right] + [(c, 0, 0, 0, 1) for c in wrong])
    area = [
        ((2 * roc_auc_score([1] * len(right) + [0] * len(wrong), [*right, *wrong], max_fpr=most) - 1) * (most - most**2 / 2) + most**2 / 2)
        for most in ((FAULTS[0] - 1) / len(wrong), FAULTS[1] / len(wrong))
    ]
    assert pauc(held_out) == pytest.approx((area[1] - area[0]) * len(wrong) / (FAULTS[1] - FAULTS[0] + 1))


def test_the_threshold_stands_between_the_last_good_answer_and_the_first_bad_one() -> None:
    found = assure(rows((98, 0.9, True), (1, 0.5, False)), "v")
    assert (found.n, found.precision, found.threshold) == (98, 1.0, pytest.approx(0.7))
    assert found.coverage == pytest.approx(98 / 99)
    assert found.holds(0.99, 0.95)


def test_a_fault_among_the_sure_ones_closes_it_all() -> None:
    found = assure(rows((1, 0.99, False), (50, 0.9, True)), "v")
    assert (found.n, found.coverage, found.threshold) == (0, 0.0, 1.0)
    assert not found.holds(0.99, 0.95)


def test_too_few_answers_prove_nothing() -> None:
    assert assure(rows((40, 0.9, True)), "v").n == 0
    assert assure(rows((59, 0.9, True)), "v").n == 59


def test_ties_stand_or_fall_together() -> None:
    assert assure(rows((100, 0.9, True), (10, 0.8, True), (10, 0.8, False)), "v").n == 100


def test_a_run_of_luck_does_not_lower_the_threshold() -> None:
    """Two hundred right answers of a kind that is right nine times in ten: what is counted alone would let them out."""
    sure, lucky = rows((300, 0.9, True), expected=0.995), rows((200, 0.7, True), expected=0.9)
    assert assure(np.concatenate([sure, lucky]), "v").n == 300
    assert assure(np.concatenate([sure, rows((200, 0.7, True))]), "v").n == 500


def test_the_expectation_follows_what_was_right() -> None:
    """What is never said (below one half) does not bend the curve."""
    held_out = rows((200, 0.95, True), (180, 0.7, True), (20, 0.7, False), (70, 0.2, True), (30, 0.2, False), (5, 0.0, False), expected=0.0)
    training.expect(held_out)
    found = {sure: held_out[held_out[:, 0] == sure, 4].mean() for sure in (0.95, 0.7, 0.2, 0.0)}
    assert found[0.95] > 0.98 and found[0.7] == pytest.approx(0.9, abs=0.01)
    assert found[0.2] == found[0.0] == 0

    faultless = rows((20, 0.9, True), expected=0.0)
    training.expect(faultless)
    assert (faultless[:, 4] == 1).all()


def test_many_easy_answers_do_not_excuse_answers_to_what_must_not_be_answered() -> None:
    """1,000 right answers would carry seven wrong ones at 99 %, but of 300 unanswerable texts at most 2 % may be answered, a third in reserve."""
    unanswerable = np.array([(0.6, False, False, False, 0.99)] * 5 + [(0.1, False, False, False, 0)] * 295, dtype=np.float64)
    easy = rows((1000, 0.9, True), (20, 0.55, True))

    found = assure(np.concatenate([easy, unanswerable]), "v", 0.97)

    assert (found.n, found.precision) == (1000, 1.0)
    assert assure(np.concatenate([easy, unanswerable[2:]]), "v", 0.97).n == 1023


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.booleans()), min_size=1, max_size=200), st.floats(0.5, 1.0), st.floats(0.0, 0.99)
)
@settings(max_examples=200, deadline=None)
def test_what_is_assured_holds_on_what_it_rests_on(told: list[tuple[float, bool, bool]], precision: float, floor: float) -> None:
    held_out = np.array([(sure, right, answerable, right and answerable, sure) for sure, right, answerable in told], dtype=np.float64)
    found = assure(held_out, "v", precision, floor)
    if found.n:
        above = held_out[held_out[:, 0] >= found.threshold]
        assert len(above) == found.n
        assert above[:, 1].mean() >= precision and above[:, 4].mean() >= precision - 1e-9
        assert lower_bound(int(above[:, 1].sum()), len(above)) >= floor
        assert found.threshold > 0
    else:
        assert found.threshold == 1.0


TEXTS = [
    ["w:price", "l:pri"],
    ["w:cost", "l:cos"],
    ["w:delete", "l:del"],
    ["w:erase", "l:era"],
    ["w:price", "w:cost"],
    ["w:delete", "w:erase"],
] * 3
LABELS = ["a", "a", "b", "b", "a", "b"] * 3


def stored(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays written and read back, without pickle."""
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    file.seek(0)
    with np.load(file, allow_pickle=False) as read:
        return {name: read[name] for name in read.files}


def test_models_come_back_from_their_arrays() -> None:
    linear = fitting.linear(TEXTS, LABELS)
    again = Linear.from_arrays("m", stored(linear.arrays("m")))
    np.testing.assert_array_equal(again.scores(["w:price"]), linear.scores(["w:price"]))
    assert again.classes == ("a", "b")
    near = fitting.nearest([" ".join(text) for text in TEXTS], TEXTS, LABELS, linear)
    near_again = Nearest.from_arrays("n", stored(near.arrays("n")))
    vector = linear.vector(linear.numbers(["w:price", "w:unheard"]))
    np.testing.assert_allclose(near_again.similarity(*vector), near.similarity(*vector), atol=1e-2)
    assert near.by_class(near.similarity(*vector), 2).argmax() == 0


def test_weights_in_steps_are_the_weights() -> None:
    weights = np.random.default_rng(1).normal(size=(50, 3)).astype(np.float32) * np.array([1e-3, 1.0, 0.0], dtype=np.float32)
    whole, steps = learned.stepped(weights)
    assert whole.dtype == np.int16
    np.testing.assert_allclose(whole * steps, weights, atol=float(np.abs(weights).max()) / 2**15)
    assert learned.stepped(np.zeros((0, 2), dtype=np.float32))[0].shape == (0, 2)


def test_a_text_remembered_word_by_word_is_the_same_vector() -> None:
    features = Features(Words({}, {"price": ("koster", "hva koster")}))
    texts = ["Hva koster det?", "hva koster koster dette, og hva koster resten", "æ lurer på prisen", "", "§ 14 ???"]
    linear = fitting.linear([features.of(text) for text in texts * 2], ["a", "b", "a", "b", "a"] * 2)
    lexicon = Lexicon(features, linear)
    for text in [*texts, "Hva koster noe helt ukjent?"] * 2:
        indices, values = lexicon.vector(text, ["w:hva"])
        expected, weights = linear.vector(linear.numbers([*features.of(text), "w:hva"]))
        np.testing.assert_array_equal(indices, expected)
        np.testing.assert_allclose(values, weights)
        assert (np.diff(indices) > 0).all()


def test_a_class_that_nobody_has_taught_is_refused() -> None:
    with pytest.raises(ValueError, match="answerable and unanswerable"):
        fitting.forest([[0.0], [1.0]], [True, True])


def test_the_forest_tells_what_the_trees_tell_and_comes_back() -> None:
    rng = np.random.default_rng(1)
    table = rng.normal(size=(300, 4))
    right = (table[:, 0] * table[:, 1] > 0).tolist()  # no even weighing can tell this
    forest = fitting.forest(table.tolist(), right)
    again = Forest.from_arrays("f", stored(forest.arrays("f")))
    told = [forest(row) for row in table]
    assert np.mean([(value > 0.5) == wanted for value, wanted in zip(told, right, strict=True)]) > 0.9
    assert [again(row) for row in table] == told
    assert all(0 <= value <= 1 for value in told)


def test_the_logistic_comes_back() -> None:
    model = fitting.logistic([[0.0, 1.0], [1.0, 0.0], [0.1, 0.9], [0.9, 0.2]], [False, True, False, True])
    again = Logistic.from_arrays("l", stored(model.arrays("l")))
    assert again([1.0, 0.0])[0] == pytest.approx(model([1.0, 0.0])[0])
    assert model([1.0, 0.0])[0] > 0.5 > model([0.0, 1.0])[0]


@given(st.lists(st.floats(0, 1), min_size=0, max_size=5), st.floats(0, 1))
@settings(max_examples=200, deadline=None)
def test_alternatives_never_pass_the_first_and_never_sum_above_one(others: list[float], sure: float) -> None:
    told = ranked(tuple(Score(str(number), value) for number, value in enumerate(others)), sure)
    assert len(told) == len(others)
    assert all(score.confidence <= told[0].confidence + 1e-4 for score in told)
    assert sum(score.confidence for score in told) <= 1 + 1e-3


def test_what_judges_a_text_has_not_seen_it(knowledge: Knowledge, model: Model) -> None:
    from dataclasses import replace

    few = replace(knowledge, questions=knowledge.questions[:30] + knowledge.questions[-30:], mails=knowledge.mails[:20])
    lesson = training.lesson_of(few, model.matcher)
    lesson.composed = training.composed(lesson, model.matcher)
    cases = [*lesson.questions, *lesson.composed]
    for kept, out in training._folds(cases, range(len(cases))):
        assert not set(kept) & set(out)
        held = {cases[n].read.text for n in out if n < len(lesson.questions)}
        half = [cases[n].read.text for n in kept if n >= len(lesson.questions) and not cases[n].faq]
        assert not [text for text in half if any(text.startswith(question) or text.endswith(question) for question in held)]
    assert sum(1 for _ in lesson.composed) > 0
    assert all(case.category == ("faq" if case.faq else "other") for case in lesson.composed)


def test_the_shipped_knowledge_base_may_speak(model: Model) -> None:
    """What the assistant says alone rests on enough answers of our own evaluation set."""
    for assurance, least in ((model.assurance, 0.99), (model.chat, 0.97)):
        assert assurance.holds(least, 0.95)
        assert assurance.n >= 59
        assert assurance.coverage > 0.5
    assert model.category_accuracy >= 0.95


def test_categories_have_chances_of_all_kinds(model: Model) -> None:
    assert {Category(name) for name in model.categoriser._classes} >= set(Category) - {Category.AUTO}
