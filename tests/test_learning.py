"""Learning behind a gate, through the real commands: corrections go live only where the figures do not fall, and go back with one word.

What is learned is learned in the long tests. The others lay a model in the cache under the name that the new knowledge has, so that the
gate is tried with figures of our choice in a moment.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from bot import understanding
from bot.cli import app
from bot.config import ConfigError
from bot.knowledge import Knowledge, load
from bot.learning import NAME, folder_of
from bot.model import Language
from bot.understanding import Model

Cli = Callable[..., Result]
QUESTION = "Hvor går kaninene når lyset slukkes?"  # nothing that ships answers it
CORRECTION = {"question": QUESTION, "faq": "deletion-rules", "language": "nb"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of a service of its own."""
    (tmp_path / "bot.toml").write_text(f"[service]\ndata = {json.dumps(str(tmp_path / 'data'))}\n", encoding="utf-8")
    return tmp_path / "data"


@pytest.fixture
def bot(tmp_path: Path, data: Path) -> Cli:
    """``bot("learn", file)`` with the configuration of the test."""
    return lambda *words: CliRunner().invoke(app, [*map(str, words), "--config", str(tmp_path / "bot.toml")])


def corrections(place: Path, *entries: dict[str, Any] | str) -> Path:
    """A file of corrections."""
    file = place / "corrections.jsonl"
    lines = [entry if isinstance(entry, str) else json.dumps(entry, ensure_ascii=False) for entry in entries]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def refusal(result: Result) -> str:
    """The sentence that a command ended with."""
    assert isinstance(result.exception, ConfigError), result.output
    return str(result.exception)


def learned(data: Path) -> list[dict[str, Any]]:
    """The corrections in force."""
    path = folder_of(data) / "learned" / NAME
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def lay_model(cache: Path, model: Model, place: Path, *entries: dict[str, Any], wrong: int = 0, wrong_at: float = 0.0) -> None:
    """The model that learning ``entries`` would give: the shipped one, with so many of its held-out answers made wrong, the surest
    first, and those that are wrong as sure as ``wrong_at`` at least."""
    folder = place / "new"
    (folder / "learned").mkdir(parents=True)
    (folder / "learned" / NAME).write_text("".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries), encoding="utf-8")
    folder_of_models = cache / "mikrodata-bot"
    with np.load(folder_of_models / f"model-{model.knowledge.version}-{understanding.FORMAT}.npz") as file:
        arrays = {name: file[name] for name in file.files}
    held_out = arrays["held-out.mail"].copy()
    held_out[np.argsort(-held_out[:, 0])[:wrong], 1] = 0
    held_out[np.argsort(-held_out[:, 0])[:wrong], 3] = 0
    amiss = held_out[:, 1] == 0
    held_out[amiss, 0] = np.maximum(held_out[amiss, 0], wrong_at)
    version = load(extra=[folder]).version
    np.savez(folder_of_models / f"model-{version}-{understanding.FORMAT}.npz", **{**arrays, "held-out.mail": held_out})


# ── the gate ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lesson_that_does_no_harm_is_taken_and_taken_back(tmp_path: Path, data: Path, bot: Cli, cache: Path, model: Model) -> None:
    lay_model(cache, model, tmp_path, CORRECTION)
    done = bot("learn", corrections(tmp_path, CORRECTION))
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("learned 1 corrections: coverage ")
    assert f"(n={model.assurance.n})" in done.stdout
    assert learned(data) == [CORRECTION]
    knowledge = load(extra=[folder_of(data)])
    assert QUESTION in knowledge.topics["deletion-rules"].questions[Language.NB]

    assert bot("learn", "--undo").exit_code == 0
    assert learned(data) == []
    assert load(extra=[folder_of(data)]).version == model.knowledge.version
    assert refusal(bot("learn", "--undo")) == "there is no lesson to take back"


def test_a_lesson_that_does_harm_is_refused_and_the_old_model_stays(
    tmp_path: Path, data: Path, bot: Cli, cache: Path, model: Model
) -> None:
    harmful = {**CORRECTION, "faq": None}
    lay_model(cache, model, tmp_path, harmful, wrong=40)
    said = refusal(bot("learn", corrections(tmp_path, harmful)))
    assert "was not learned: coverage on the evaluation sets would fall from" in said and said.endswith("the old model stays")
    assert learned(data) == []
    assert refusal(bot("learn", "--undo")) == "there is no lesson to take back"


def test_a_lesson_that_makes_wrong_answers_surer_is_refused_before_the_threshold_feels_it(
    tmp_path: Path, bot: Cli, cache: Path, model: Model
) -> None:
    lay_model(cache, model, tmp_path, CORRECTION, wrong_at=model.assurance.threshold - 0.02)
    said = refusal(bot("learn", corrections(tmp_path, CORRECTION)))
    assert "the order of right before wrong on the evaluation sets would fall from" in said


def test_one_wrong_answer_more_refuses_no_lesson(tmp_path: Path, bot: Cli, cache: Path, model: Model) -> None:
    """It moves the threshold, and coverage jumps by more than its own share; that is chance and no harm."""
    lay_model(cache, model, tmp_path, CORRECTION, wrong=1)
    done = bot("learn", corrections(tmp_path, CORRECTION))
    assert done.exit_code == 0, done.output


def test_a_second_lesson_keeps_the_first_and_goes_back_to_it(tmp_path: Path, data: Path, bot: Cli, cache: Path, model: Model) -> None:
    second = {"text": "Her er kaninsøknaden vår.", "category": "application", "language": "nb"}
    lay_model(cache, model, tmp_path / "1", CORRECTION)
    lay_model(cache, model, tmp_path / "2", CORRECTION, second)
    assert bot("learn", corrections(tmp_path, CORRECTION)).exit_code == 0
    assert bot("learn", corrections(tmp_path, second)).exit_code == 0
    assert learned(data) == [CORRECTION, second]
    assert bot("learn", "--undo").exit_code == 0
    assert learned(data) == [CORRECTION]


# ── what is no lesson ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "entry",
    [
        "no JSON",
        {"question": "Hva?", "faq": "rabbits", "language": "nb"},
        {"question": "Hva?", "faq": "dpia", "language": "fi"},
        {"question": "Hva?", "language": "nb"},
        {"text": "Hva?", "category": "rabbits", "language": "nb"},
        {"category": "faq", "language": "nb"},
    ],
)
def test_a_line_that_cannot_be_learned_is_named_and_nothing_of_the_file_is(
    tmp_path: Path, data: Path, bot: Cli, entry: dict[str, Any] | str
) -> None:
    file = corrections(tmp_path, CORRECTION, entry)
    assert refusal(bot("learn", file)).startswith(f'{file}:2 must be {{"question", "faq"')
    assert not data.exists() or learned(data) == []


def test_no_file_an_empty_one_and_an_unreadable_one(tmp_path: Path, bot: Cli) -> None:
    assert refusal(bot("learn")) == "name a file of corrections, or --undo"
    assert refusal(bot("learn", corrections(tmp_path))).endswith("holds no corrections")
    assert refusal(bot("learn", tmp_path / "none.jsonl")).endswith("give a file of corrections, one JSON object a line")
    (tmp_path / "latin.jsonl").write_bytes("spørsmål".encode("cp1252"))
    assert refusal(bot("learn", tmp_path / "latin.jsonl")).endswith("is not UTF-8 text; save it as UTF-8")


# ── learned for real ──────────────────────────────────────────────────────────────────────────────────────────


def answer(bot: Cli) -> dict[str, Any]:
    """What the chat makes of the question."""
    done = bot("ask", "--json", QUESTION)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.long
def test_what_was_corrected_is_answered_from_then_on(tmp_path: Path, bot: Cli) -> None:
    before = answer(bot)
    spoken = [QUESTION, QUESTION.replace("lyset", "lampa"), QUESTION.replace("Hvor", "Når")]
    assert bot("learn", corrections(tmp_path, *({**CORRECTION, "question": text} for text in spoken))).exit_code == 0
    after = answer(bot)
    assert before["faq"] is None and before["alternatives"][0]["id"] != "deletion-rules"
    assert after["alternatives"][0]["id"] == "deletion-rules" and after["confidence"] > before["confidence"]
    assert bot("learn", "--undo").exit_code == 0
    assert answer(bot) == before


@pytest.mark.long
def test_wrong_lessons_do_not_pass(tmp_path: Path, data: Path, bot: Cli, knowledge: Knowledge) -> None:
    """Every third answerable question of the evaluation set, corrected into silence."""
    wrong = [{"question": each.question, "faq": None, "language": each.language.value} for each in knowledge.questions if each.faq][::3]
    assert "was not learned" in refusal(bot("learn", corrections(tmp_path, *wrong)))
    assert learned(data) == []
