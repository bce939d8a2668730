"""The knowledge base: that what ships is without fault, that each fault is found, and that no corpus can share its words unseen."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench import overlap
from bot import understanding
from bot.cli import app
from bot.knowledge import BUILT_IN, Knowledge, KnowledgeError, check, jaccard, load, near_duplicates, paraphrases, word_set
from bot.model import Category, Language
from bot.understanding import Model

TODAY = date(2026, 11, 27)
TOPIC = """
source = "https://www.ssb.no/data-til-forskning"
checked = 2026-11-22
owner = "mikrodata"
""" + "".join(
    f'\n[{language}]\ntitle = "Kaffe"\nanswer = "Svart."\nquestions = ["kaffe {language}", "{language} trakter", "{language} kanne med lokk til hele gjengen"]\n'
    for language in Language
)


def folder(place: Path, **files: str) -> Path:
    """A knowledge folder of one's own; ``topics__coffee`` is topics/coffee.toml."""
    for name, text in files.items():
        path = place / "own" / (name.replace("__", "/") + ".toml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return place / "own"


def told(place: Path, **files: str) -> list[str]:
    """What is wrong when these files lie over the built-in ones."""
    return [str(fault) for fault in check(load(folder(place, **files)), TODAY)]


# ── what ships ────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_ships_has_no_fault(knowledge: Knowledge) -> None:
    newest = max(topic.checked for topic in knowledge.topics.values())
    assert check(knowledge, newest) == []


@pytest.mark.long
def test_no_paraphrase_that_ships_fits_another_topic_better(model: Model) -> None:
    assert [str(fault) for fault in understanding.misplaced(model)] == []


def test_answers_hold_what_their_source_says_and_no_amounts(knowledge: Knowledge) -> None:
    """Facts that a careless edit would lose, in each language; no price in kroner is ever told."""
    for language, parts in {
        Language.NB: {"offer-acceptance": "to uker", "price": "25 prosent", "complaint-deadline": "seks måneder"},
        Language.NN: {"offer-acceptance": "to veker", "price": "25 prosent", "complaint-deadline": "seks månader"},
        Language.EN: {"offer-acceptance": "two weeks", "price": "25 per cent", "complaint-deadline": "six months"},
    }.items():
        for name, part in parts.items():
            assert part in knowledge.topics[name].answer(language)
        for name, part in {
            "contact": "mikrodata@ssb.no",
            "deletion-confirmation": "mikrodata@ssb.no",
            "statistics-information": "21 09 46 42",
            "active-projects": "einnsyn.no",
            "microdata-no-access": "microdata@ssb.no",
            "gdpr-before-2018": "2018",
        }.items():
            assert part in knowledge.topics[name].answer(language)
        for topic in knowledge.topics.values():
            words = word_set(topic.answer(language))
            assert not words & {"kr", "kroner", "nok"}, topic.id


def test_evaluation_questions_are_none_of_the_paraphrases(knowledge: Knowledge) -> None:
    known = [(text, text) for _, text in paraphrases(knowledge)]
    assert near_duplicates(((question.question, question.question) for question in knowledge.questions), known) == []


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_folder_of_ones_own_wins_file_by_file_and_changes_the_version(tmp_path: Path, knowledge: Knowledge) -> None:
    own = load(folder(tmp_path, topics__contact=TOPIC))
    assert own.topics["contact"].answer(Language.NN) == "Svart."
    assert own.topics["dpia"] == knowledge.topics["dpia"]
    assert own.version != knowledge.version
    assert load().version == knowledge.version


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("topics__coffee", "[nb", "is no valid TOML"),
        ("topics__coffee", TOPIC.replace("2026-11-22", '"22.11.2026"'), "checked must be a date"),
        ("topics__coffee", TOPIC.replace('questions = ["kaffe nb"', "questions = [7"), "a list of texts in quotation marks is wanted"),
        ("categories__coffee", '[nb]\nexamples = ["Kaffe?"]', "coffee is no category"),
        ("categories__faq", '[nb]\nlook_alikes = [{text = "Kaffe?", is = "coffee"}]', "a look-alike is written"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    with pytest.raises(KnowledgeError, match=sentence) as died:
        load(folder(tmp_path, **{name: text}))
    assert name.replace("__", "/") in str(died.value).replace("\\", "/")


def test_the_built_in_folder_is_the_one_that_caseworkers_edit() -> None:
    assert BUILT_IN.resolve() == (Path(__file__).parent.parent / "knowledge").resolve()


# ── each fault is found ───────────────────────────────────────────────────────────────────────────────────────


def test_a_missing_language(tmp_path: Path) -> None:
    faults = told(tmp_path, topics__coffee=TOPIC.replace("[nn]", "[se]"))
    assert "topics/coffee.toml: [nn] needs a title, an answer and questions" in faults


def test_a_stale_date(tmp_path: Path) -> None:
    faults = told(tmp_path, topics__coffee=TOPIC.replace("2026-11-22", "2025-11-01"))
    assert "topics/coffee.toml: was last compared with its source on 2025-11-01; check it and set the new date" in faults


def test_few_questions_a_long_title_a_long_answer_and_no_source(tmp_path: Path) -> None:
    text = TOPIC.replace("https://", "http://").replace('"Svart."', f'"{"svart " * 200}"').replace('"Kaffe"', f'"{"Kaffe " * 20}"')
    faults = " ".join(told(tmp_path, topics__coffee=text))
    for part in (
        "has 3 questions; 40 are wanted",
        "has a title of 119 characters",
        "has an answer of 200 words",
        "source must be the https",
    ):
        assert part in faults


def test_twins_in_other_order_and_nearly_the_same_words(tmp_path: Path, knowledge: Knowledge) -> None:
    long = next(text for text in knowledge.topics["dpia"].questions[Language.NB] if len(word_set(text)) >= 10)
    first, *rest = long.rstrip("?.!").split()
    faults = told(
        tmp_path,
        topics__coffee=TOPIC.replace("kaffe nb", " ".join([*rest, first])).replace("nb trakter", " ".join([*rest[:-1], first, "kaffe"])),
    )
    assert any("also stands in topics/" in fault for fault in faults)
    assert any("is nearly" in fault and "topics/dpia.toml" in fault for fault in faults)


def test_a_topic_that_is_named_but_missing(tmp_path: Path) -> None:
    faults = told(tmp_path, negatives__tea='may_point_to = ["tea-time"]\n[nb]\nquestions = ["te?"]')
    assert "topics/tea-time.toml: is named by the negatives or the evaluation set but does not exist" in faults


@pytest.mark.long
def test_the_command_tells_the_faults_and_fails(tmp_path: Path) -> None:
    """Through the real command, with a model learned from the faulty knowledge: a paraphrase in the wrong file is found too."""
    stray = "Hvem må signere tilbudet for institusjonen vår, og holder det med prosjektlederen?"
    own = folder(tmp_path, topics__coffee=TOPIC.replace("kaffe nb", stray).replace("2026-11-22", "2020-01-01"))
    config = tmp_path / "bot.toml"
    config.write_text(f"[service]\ndata = {json.dumps(str(tmp_path / 'data'))}\n[knowledge]\nfolder = {json.dumps(str(own))}\n")
    done = CliRunner().invoke(app, ["knowledge", "check", "--config", str(config)])
    assert done.exit_code == 1
    assert "topics/coffee.toml: was last compared with its source on 2020-01-01" in done.stdout
    assert "41 topics, " in done.stdout.splitlines()[-1]


# ── near duplicates ───────────────────────────────────────────────────────────────────────────────────────────


def test_near_duplicates_are_those_that_comparing_each_with_each_finds(knowledge: Knowledge) -> None:
    texts = [(text, text) for _, text in list(paraphrases(knowledge))[::29]]
    changed = [(f"{text} egentlig", f"{text} egentlig") for text, _ in texts[::3]]
    sets = {text: word_set(text) for text, _ in [*texts, *changed]}
    plain = {
        (one, other)
        for one, _ in changed
        for other, _ in texts
        if min(len(sets[one]), len(sets[other])) >= 6 and jaccard(sets[one], sets[other]) >= 0.8
    }
    assert plain
    assert {(one, other) for one, other, _ in near_duplicates(changed, texts)} == plain


def corpus(place: Path, *questions: str) -> Path:
    """A file of labelled questions."""
    file = place / "questions.jsonl"
    file.write_text("".join(json.dumps({"question": text, "faq": [], "language": "nb"}) + "\n" for text in questions), encoding="utf-8")
    return file


def test_a_corpus_of_other_words_is_proved_to_be_none_of_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = corpus(tmp_path, "Hvilken farge skal vi velge når låven males om til sommeren?", "kort")
    assert overlap.main([str(file)]) == 0
    assert "1 texts and questions compared" in capsys.readouterr().out


def test_a_question_that_is_nearly_ours_is_found(tmp_path: Path, knowledge: Knowledge, capsys: pytest.CaptureFixture[str]) -> None:
    ours = next(text for text in knowledge.topics["tsd"].questions[Language.EN] if len(word_set(text)) >= 9)
    file = corpus(tmp_path, f"{ours.upper()} Please", "Hvilken farge skal vi velge når låven males om til sommeren?")
    assert overlap.main([str(file)]) == 1
    assert "topics/tsd.toml" in capsys.readouterr().out


def test_a_question_of_ours_inside_a_mail_is_found(tmp_path: Path, knowledge: Knowledge) -> None:
    questions = knowledge.topics["tsd"].questions[Language.NB]
    ours = next(text for text in questions if len(word_set(text)) >= 9 and text.endswith("?") and "." not in text)
    (tmp_path / "1.eml").write_text(
        f"From: Kari <kari@uio.example>\nTo: mikrodata@ssb.no\nSubject: Lagring\nContent-Type: text/plain; charset=utf-8\n\n"
        f"Hei,\n\nher kommer litt om hva vi holder på med her oppe i høyden.\n\n{ours}\n\nKari\n",
        encoding="utf-8",
    )
    (tmp_path / "labels.jsonl").write_text(json.dumps({"file": "1.eml", "category": Category.FAQ.value}) + "\n")
    _, found = overlap.overlaps([tmp_path], knowledge)
    assert any("1.eml" in line and "topics/tsd.toml" in line for line in found)


def test_what_is_no_corpus_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert overlap.main([]) == 2
    assert overlap.main([str(tmp_path / "none.jsonl")]) == 2
    (tmp_path / "labels.jsonl").write_text('{"file": "none.eml"}\n')
    assert overlap.main([str(tmp_path)]) == 2
    assert "none.eml cannot be read" in capsys.readouterr().err
