"""``bot ask`` and ``bot evaluate`` through the real command line: keys and figures are a contract."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.config import ConfigError
from tests.letters import DELETED, EN, NB, NN, UNKNOWN, letter

pytestmark = pytest.mark.usefixtures("model")

Cli = Callable[..., Result]
QUESTION = "Hvem hos oss kan skrive under på tilbudet?"
EVALUATED = [
    "mails", "category", "macro_f1", "topic_top1", "topic_top3", "answered_precision", "lower95", "coverage", "refs_exact", "language",
    "harmful", "ms_per_mail",
]  # fmt: skip


@pytest.fixture
def bot() -> Cli:
    """``bot("ask", …)`` with the defaults."""
    return lambda *words, given=None: CliRunner().invoke(app, [str(word) for word in words], input=given)


def rows(result: Result) -> list[dict[str, Any]]:
    """The JSON lines that a command printed."""
    assert result.exit_code == 0, (result.output, result.exception)
    return [json.loads(line) for line in result.stdout.splitlines()]


# ── ask ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_ask_has_exactly_the_keys_of_the_contract(bot: Cli) -> None:
    (row,) = rows(bot("ask", "--json", QUESTION))
    assert list(row) == ["question", "faq", "confidence", "alternatives", "language", "answer"]
    assert (row["question"], row["faq"], row["language"]) == (QUESTION, "who-can-sign", "nb")
    assert [list(entry) for entry in row["alternatives"]] == [["id", "confidence"]] * 5
    assert row["alternatives"][0]["id"] == "who-can-sign" and 0 < row["confidence"] <= 1 and row["answer"]


def test_ask_keeps_silent_where_it_knows_nothing_and_says_what_was_near(bot: Cli) -> None:
    for question in ("Hvordan blir været i Bergen i morgen?", "?", "asdf qwer"):
        (row,) = rows(bot("ask", "--json", question))
        assert row["faq"] is None and len(row["alternatives"]) == 5
        assert not any(entry["confidence"] > 1 for entry in row["alternatives"])


def test_ask_answers_in_the_language_asked_for(bot: Cli) -> None:
    answers = {language: rows(bot("ask", "--json", "--language", language, QUESTION))[0] for language in ("nb", "nn", "en")}
    assert [row["language"] for row in answers.values()] == ["nb", "nn", "en"]
    assert len({row["answer"] for row in answers.values()}) == 3
    refused = bot("ask", "--language", "dansk", QUESTION)
    assert str(refused.exception) == '--language "dansk" must be nb, nn or en'


def test_ask_reads_one_question_a_line_and_gives_one_result_a_line(bot: Cli) -> None:
    found = rows(bot("ask", "--json", "-", given=f"{QUESTION}\n\nHvordan blir været?\n"))
    assert [row["question"] for row in found] == [QUESTION, "Hvordan blir været?"]


def test_ask_answers_each_line_as_it_comes() -> None:
    """A program that asks one question at a time and waits for the answer does not wait for ever."""
    line = [sys.executable, "-m", "bot", "ask", "--json", "-"]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        for _ in range(2):
            process.stdin.write(QUESTION + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["faq"] == "who-can-sign"
        process.stdin.close()
        assert process.wait(60) == 0


def test_ask_for_people(bot: Cli) -> None:
    assert "(who-can-sign " in bot("ask", QUESTION).stdout
    assert bot("ask", "Hvordan blir været?").stdout.startswith("(no answer; a person takes over)")


# ── evaluate ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Five labelled mails: one label is wrong on purpose."""
    label = {"faq": [], "case_refs": [], "language": "nb", "reply": "receipt"}
    mails = [
        (letter(*NB), {"category": "faq", "faq": ["who-can-sign"], "reply": "answer"}),
        (letter(*NN), {"category": "faq", "faq": ["deletion-rules"], "language": "nn", "reply": "answer"}),
        (letter(*EN), {"category": "faq", "faq": ["price"], "language": "en", "reply": "answer"}),  # wrong
        (letter(*DELETED), {"category": "deletion", "case_refs": ["24/1187"]}),
        (letter(*UNKNOWN), {"category": "other"}),
    ]
    lines = []
    for number, (content, own) in enumerate(mails):
        (tmp_path / f"{number}.eml").write_bytes(content)
        lines.append(json.dumps({"file": f"{number}.eml", **label, **own}))
    (tmp_path / "labels.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_evaluate_has_the_figures_of_the_contract(bot: Cli, corpus: Path) -> None:
    (figures,) = rows(bot("evaluate", "--json", corpus))
    assert set(EVALUATED) <= set(figures)
    assert (figures["mails"], figures["category"], figures["macro_f1"], figures["language"], figures["refs_exact"]) == (5, 1, 1, 1, 1)
    assert figures["topic_top1"] == pytest.approx(2 / 3, abs=1e-3) and figures["answered_precision"] == pytest.approx(2 / 3, abs=1e-3)
    assert figures["harmful"] in (0, []) and 0 < figures["lower95"] < figures["answered_precision"] and figures["ms_per_mail"] > 0


def test_evaluate_tells_people_of_the_errors(bot: Cli, corpus: Path) -> None:
    shown = bot("evaluate", corpus).stdout
    assert "2.eml" in shown and "answered_precision" in shown


def test_evaluate_counts_an_answer_to_what_has_none_as_harm(bot: Cli, corpus: Path) -> None:
    (corpus / "labels.jsonl").write_text(
        json.dumps({"file": "0.eml", "category": "case", "faq": [], "case_refs": [], "language": "nb", "reply": "receipt"}) + "\n"
    )
    (figures,) = rows(bot("evaluate", "--json", corpus))
    assert figures["category"] == 0 and figures["harmful"] not in (0, [])


def test_evaluate_questions(bot: Cli, tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    asked = [(QUESTION, ["who-can-sign"]), ("Hvordan blir været i Bergen i morgen?", [])]
    file.write_text("".join(json.dumps({"question": text, "faq": faq, "language": "nb"}) + "\n" for text, faq in asked))
    (figures,) = rows(bot("evaluate", "--json", "--questions", file))
    assert {"topic_top1", "topic_top3", "answered_precision", "lower95", "coverage", "unanswerable_answered"} <= set(figures)
    assert (figures["topic_top1"], figures["answered_precision"], figures["unanswerable_answered"]) == (1, 1, 0)


def test_evaluate_without_a_corpus_tells_what_the_answers_rest_on(bot: Cli) -> None:
    (figures,) = rows(bot("evaluate", "--json"))
    of_mails = ["n", "precision", "lower95", "coverage", "threshold"]
    assert list(figures) == [*of_mails, *(f"chat_{name}" for name in of_mails), "category", "version"]
    assert figures["precision"] >= 0.99 and figures["lower95"] >= 0.95 and figures["n"] > 100
    assert figures["chat_precision"] >= 0.97 and figures["chat_lower95"] >= 0.95 and figures["chat_n"] > 100


@pytest.mark.parametrize("what", ["folder", "mail", "line"])
def test_a_corpus_that_cannot_be_read(bot: Cli, corpus: Path, what: str) -> None:
    if what == "folder":
        (corpus / "labels.jsonl").unlink()
    elif what == "mail":
        (corpus / "3.eml").unlink()
    else:
        (corpus / "labels.jsonl").write_text('{"file": "0.eml"\n')
    result = bot("evaluate", corpus)
    assert isinstance(result.exception, ConfigError) and "\n" not in str(result.exception), result.output
