"""Nothing half added: every category, language, topic and command has all its parts. (Every key of the settings: ``test_config``.)"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import typer

from bot.cli import app
from bot.compose import Templates
from bot.decide import POLICY
from bot.knowledge import FEWEST_PARAPHRASES, Knowledge
from bot.model import Category, Language, Reply

ROOT = Path(__file__).parent.parent
FEWEST_EXAMPLES = 60  # mails' worth of sentences per category and language
FEWEST_NEGATIVES = 500  # questions per language that must not be answered
TOPICS = frozenset(  # those of the labelled corpora; an id that went missing would count as a fault in every one of them
    (
        "how-to-apply",
        "who-can-get-access",
        "institution-approval",
        "gdpr-basis",
        "gdpr-before-2018",
        "dpia",
        "case-handling",
        "price-estimate",
        "price",
        "price-coordination",
        "price-population",
        "third-party-data",
        "price-fd-trygd",
        "price-variable-lists",
        "price-outside-lists",
        "price-archiving",
        "delivery-time",
        "offer-acceptance",
        "who-can-sign",
        "linking-registers",
        "send-data-to-ssb",
        "receive-data",
        "complaint-deadline",
        "tsd",
        "deletion-rules",
        "deletion-confirmation",
        "reuse",
        "active-projects",
        "foreign-institutions",
        "foreign-researchers",
        "microdata-no",
        "microdata-no-linking",
        "contact",
        "statistics-information",
    )
)


@pytest.fixture(scope="module")
def templates() -> Templates:
    """The texts that ship."""
    return Templates([ROOT / "templates"])


@pytest.mark.parametrize("category", Category)
def test_a_category_has_a_row_in_the_policy(category: Category) -> None:
    assert set(POLICY) == set(Category)
    assert POLICY[category].desk in {"caseworker", "intake", "fallback", "nobody"}


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("category", [category for category in Category if POLICY[category].reply is not Reply.NONE])
def test_a_category_that_is_replied_to_has_its_text(category: Category, language: Language, templates: Templates) -> None:
    wanted = "answer" if POLICY[category].reply is Reply.ANSWER else POLICY[category].template
    assert templates.has(wanted, language)
    assert templates.has("receipt", language)  # what an answer that is not sure enough becomes


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("category", Category)
def test_a_category_has_examples_and_look_alikes(category: Category, language: Language, knowledge: Knowledge) -> None:
    own = [example for example in knowledge.examples if example.category is category and example.language is language]
    assert sum(not example.look_alike for example in own) >= FEWEST_EXAMPLES
    assert any(example.look_alike and example.category is not category for example in knowledge.examples if example.language is language)


@pytest.mark.parametrize("language", Language)
def test_every_topic_is_whole(language: Language, knowledge: Knowledge) -> None:
    assert set(knowledge.topics) >= TOPICS
    for topic in knowledge.topics.values():
        assert topic.titles.get(language) and topic.answers.get(language), topic.id
        assert len(topic.questions[language]) >= FEWEST_PARAPHRASES, topic.id
        assert topic.owner and topic.source.startswith("https://"), topic.id


@pytest.mark.parametrize("language", Language)
def test_there_is_enough_that_must_not_be_answered(language: Language, knowledge: Knowledge) -> None:
    assert sum(len(entry.questions.get(language, ())) for entry in knowledge.negatives) >= FEWEST_NEGATIVES


def test_the_evaluation_set_knows_every_topic_language_and_category(knowledge: Knowledge) -> None:
    answerable = Counter((name, question.language) for question in knowledge.questions for name in question.faq)
    assert {(name, language) for name in TOPICS for language in Language} <= set(answerable)
    assert sum(bool(question.faq) for question in knowledge.questions) >= 300
    assert sum(not question.faq for question in knowledge.questions) >= 200
    assert {name for mail in knowledge.mails for name in mail.expect["faq"]} >= TOPICS
    found = {(mail.expect["category"], mail.expect["language"]) for mail in knowledge.mails}
    assert found == {(category.value, language.value) for category in Category for language in Language}


def test_labels_of_mails_keep_the_rules(knowledge: Knowledge) -> None:
    """A topic goes with ``faq`` and an answer, ``none`` with machines and thanks, references are in their normal form."""
    for mail in knowledge.mails:
        expect = mail.expect
        assert bool(expect["faq"]) == (expect["category"] == "faq") == (expect["reply"] == "answer"), mail.id
        assert expect["reply"] == "none" or expect["category"] != "auto", mail.id
        assert expect["reply"] != "none" or expect["category"] in ("auto", "other"), mail.id
        assert all(re.fullmatch(r"\d\d/[1-9]\d*", reference) for reference in expect["case_refs"]), mail.id
    assert len({mail.id for mail in knowledge.mails}) == len(knowledge.mails)


def commands() -> list[str]:
    """Every command as it is typed."""
    found = []
    for name, command in vars(typer.main.get_command(app))["commands"].items():
        parts = vars(command).get("commands")
        found += [f"{name} {part}" for part in parts] if parts else [name]
    return found


@pytest.mark.parametrize("command", commands())
def test_a_command_is_in_the_readme(command: str) -> None:
    name, _, part = command.partition(" ")
    rows = [line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if f"`bot {name}" in line]
    assert any(re.search(rf"\b{part or name}\b", row) for row in rows)
