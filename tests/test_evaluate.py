"""Figures on a labelled corpus: counted right, told with their n, drawn; the command says nothing on standard error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from email.message import EmailMessage
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bot import evaluate
from bot.model import Language
from bot.understanding import Asked, Model
from bot.understanding.topics import Score


def asked(faq: str | None, sure: float = 0.9, best: str = "price", language: Language = Language.NB) -> Asked:
    """An answer, or silence with a nearest topic."""
    return Asked("?", faq, sure, (Score(faq or best, sure), Score("tsd", 0.01)), language, "")


def corpus(tmp_path: Path, *lines: dict[str, object]) -> Path:
    """A file of labelled questions."""
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return path


QUESTIONS: tuple[dict[str, object], ...] = (
    {"question": "pris", "faq": ["price"], "language": "nb"},  # right
    {"question": "sum", "faq": ["price", "price-estimate"], "language": "nb"},  # another right one
    {"question": "tid", "faq": ["delivery-time"], "language": "nn"},  # silent, nearest wrong
    {"question": "vær", "faq": [], "language": "nb"},  # answered: a fault
    {"question": "sauer", "faq": [], "language": "nb", "also": ["statistics-information"]},  # pointed on: no fault
    {"question": "hi", "faq": [], "language": "en"},  # silent, right so
    {"question": "konto", "faq": [], "language": "nb"},  # a topic beyond the labels: told apart
)
ANSWERS = {
    "pris": asked("price", 0.99),
    "sum": asked("price-estimate", 0.95),
    "tid": asked(None, 0.2),
    "vær": asked("tsd", 0.8),
    "sauer": asked("statistics-information", 0.9),
    "hi": asked(None, 0.1, language=Language.EN),
    "konto": asked("microdata-no-access", 0.9),
}


def test_questions_are_counted_as_the_format_says(tmp_path: Path) -> None:
    answers = {**ANSWERS, "vær": asked("delivery-time", 0.8)}
    report = evaluate.questions(corpus(tmp_path, *QUESTIONS), answers.__getitem__)
    figures = report.figures
    assert figures["questions"] == 7
    assert figures["answered"] == 4
    assert figures["answered_precision"] == pytest.approx(3 / 4)
    assert figures["coverage"] == pytest.approx(2 / 3, abs=1e-4)
    assert figures["topic_top1"] == pytest.approx(2 / 3, abs=1e-4)
    assert figures["unanswerable_answered"] == pytest.approx(1 / 4)
    assert figures["language"] == pytest.approx(6 / 7, abs=1e-4)
    assert figures["extra_topics"] == ["microdata-no-access: konto"]
    assert len(report.errors) == 1
    assert "vær" in report.errors[0]


def test_parts_show_what_faults_have_in_common(tmp_path: Path) -> None:
    report = evaluate.questions(corpus(tmp_path, *QUESTIONS), ANSWERS.__getitem__)
    assert report.groups["language nn"] == Counter({"n": 1, "answerable": 1, "first right": 0, "answered right": 0, "answered wrong": 0})
    assert report.groups["up to 5 words"]["n"] == 7


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "is no JSON"),
        ('{"question": "x"}', "is no labelled question"),
        ('{"question": "x", "faq": [], "language": "xx"}', "is no labelled question"),
    ],
)
def test_a_corpus_that_cannot_be_read_is_named_with_its_line(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text("\n" + content, encoding="utf-8")
    with pytest.raises(evaluate.UnreadableCorpus, match=rf"q\.jsonl:2 {told}|q\.jsonl:1 {told}"):
        evaluate.questions(path, ANSWERS.__getitem__)


def test_macro_f1() -> None:
    # a: 2 right of 3, and 1 got wrongly → 2·2/(3+3); b: 1 of 2, 1 wrongly → 2·1/(2+2)
    confusion = Counter({("a", "a"): 2, ("a", "b"): 1, ("b", "b"): 1, ("b", "a"): 1})
    assert evaluate.macro_f1(confusion) == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert evaluate.macro_f1({}) == 0.0


def test_the_curve_falls_in_threshold_and_rises_in_coverage() -> None:
    answered = evaluate.Answered(answerable=3, confidences=[(0.9, True, True), (0.8, True, True), (0.7, False, False), (0.2, True, True)])
    points = evaluate.curve(answered)
    assert [point[0] for point in points] == sorted((point[0] for point in points), reverse=True)
    assert [point[1] for point in points] == sorted(point[1] for point in points)
    assert points[-1] == (0.2, 1.0, 0.75)
    lines = evaluate.drawn(points)
    assert len(lines) == len(points) + 1
    assert lines[-1].count("█") == 40


def test_the_picture_is_well_formed(tmp_path: Path) -> None:
    report = evaluate.Report({}, curve=[(0.9, 0.2, 1.0), (0.5, 0.8, 0.97)])
    evaluate.plot(report, tmp_path / "curve.svg")
    root = ElementTree.parse(tmp_path / "curve.svg").getroot()
    line = next(each for each in root.iter() if each.tag.endswith("polyline"))
    assert len(line.attrib["points"].split()) == 2


def test_our_own_figures_are_those_of_the_model(model: Model) -> None:
    figures = evaluate.own(model).figures
    assert figures["n"] == model.assurance.n
    assert figures["chat_n"] == model.chat.n
    assert figures["version"] == model.knowledge.version


def folder(tmp_path: Path) -> Path:
    """A corpus of three mails, one with an attachment."""
    mails = (
        ("1.eml", "Hvem kan signere tilbudet?", "Hei,\n\nhvem hos oss kan signere tilbudet fra dere?\n\nMvh Kari", ""),
        ("2.eml", "Sletting", "Hei,\n\nvi bekrefter at alle data i sak 20/1234 er slettet.\n\nMvh Kari", ""),
        ("3.eml", "Sak 24/1234", "Se vedlegg.", "slettebekreftelse.txt"),
    )
    labels = (
        {"file": "1.eml", "category": "faq", "faq": ["who-can-sign"], "case_refs": [], "language": "nb", "reply": "answer"},
        {"file": "2.eml", "category": "deletion", "faq": [], "case_refs": ["20/1234"], "language": "nb", "reply": "receipt"},
        {"file": "3.eml", "category": "deletion", "faq": [], "case_refs": ["24/1234"], "language": "nb", "reply": "receipt"},
    )
    for name, subject, text, attached in mails:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "Kari <kari@uio.example>", "mikrodata@ssb.no", subject
        mail["Date"], mail["Message-ID"] = "Mon, 02 Mar 2026 09:00:00 +0100", f"<{name}@uio.example>"
        mail.set_content(text)
        if attached:
            mail.add_attachment(b"Vi bekrefter at dataene i sak 24/1234 er slettet.", maintype="text", subtype="plain", filename=attached)
        (tmp_path / name).write_bytes(bytes(mail))
    (tmp_path / "labels.jsonl").write_text("\n".join(json.dumps(label) for label in labels), encoding="utf-8")
    return tmp_path


def bot(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, as an operator runs it."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=Path(__file__).parents[1],
        env=os.environ,
    )


def test_the_command_measures_a_folder_and_leaves_no_trace_behind(tmp_path: Path, model: Model) -> None:
    done = bot("evaluate", "--json", str(folder(tmp_path)))
    assert done.stderr == ""
    figures = json.loads(done.stdout)
    assert {"mails", "category", "macro_f1", "topic_top1", "topic_top3", "answered_precision", "lower95", "coverage"} <= set(figures)
    assert {"refs_exact", "language", "harmful", "ms_per_mail"} <= set(figures)
    assert (figures["mails"], figures["category"], figures["refs_exact"], figures["language"], figures["harmful"]) == (3, 1.0, 1.0, 1.0, 0)


def test_tables_confusion_curve_and_picture(tmp_path: Path, model: Model) -> None:
    place = folder(tmp_path)
    done = bot("evaluate", str(place), "--plot", str(tmp_path / "curve.svg"))
    assert done.stderr == ""
    assert "is \\ told" in done.stdout
    assert "threshold  precision  coverage" in done.stdout
    assert (tmp_path / "curve.svg").exists()


def test_a_missing_corpus_is_one_sentence(tmp_path: Path) -> None:
    done = bot("evaluate", str(tmp_path / "nowhere"))
    assert done.returncode != 0
    assert "cannot be read" in done.stderr
    assert "Traceback" not in done.stderr
