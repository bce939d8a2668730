"""Which mails get no answer by themselves, however surely their question is known."""

from __future__ import annotations

import pytest

from bot.model import Address, Attachment, Category, Examined, Message
from bot.understanding.category import Read
from bot.understanding.reading import read
from bot.understanding.topics import Matcher
from bot.understanding.verdicts import FEW, for_a_person

SURE, UNSURE = {Category.FAQ: 0.97}, {Category.FAQ: 0.6}
QUESTION = "Hvem kan få tilgang til mikrodata?"


class Nobody(Matcher):
    """Asks nothing: the rules here look at the mail alone."""

    def __init__(self) -> None:
        """No models."""

    def ask(self, sentences: object) -> None:
        """See ``Matcher``."""


def mail(text: str, *names: str, subject: str = "Spørsmål") -> Read:
    """A mail with attachments of these names."""
    kinds = {"pdf": "application/pdf", "docx": "application/msword", "png": "image/png"}
    attached = tuple(Attachment(name, kinds[name.rpartition(".")[2]], b"x") for name in names)
    return read(
        Message("<1@uio.example>", Address("Kari", "kari@uio.example"), subject, text, text, attachments=attached), Examined(), Nobody()
    )


def test_a_plain_question_is_for_the_machine() -> None:
    assert for_a_person(mail(QUESTION), UNSURE) == ""


def test_documents_want_a_person_where_the_mail_may_do_more_than_ask() -> None:
    assert "documents" in for_a_person(mail(QUESTION, "vedtekter.pdf"), UNSURE)
    assert for_a_person(mail(QUESTION, "protokoll.docx"), SURE) == ""
    assert for_a_person(mail(QUESTION, "logo.png"), UNSURE) == "", "the picture of a signature is no document"


@pytest.mark.parametrize(
    ("why", "text"),
    [
        ("press", "Jeg er journalist i Avisa Nord."),
        ("press", "Kan ein av dykk stille til intervju?"),
        ("press", "May I interview you on Friday?"),
        ("press", "Kven er pressekontakten?"),
        ("press", "Jeg er fra en lokalavis og lager en sak om registre."),
        ("press", "I am writing a piece for a magazine about registers."),
        ("meeting", "Vi vil også gjerne ha et møte med dere på Teams."),
        ("meeting", "Kan me ta ein prat neste veke?"),
        ("meeting", "Could we have a short call on Monday?"),
        ("meeting", "Vi inviterer dere til å holde et foredrag hos oss."),
    ],
)
def test_the_press_and_whoever_wants_a_meeting_get_a_person(why: str, text: str) -> None:
    assert why in for_a_person(mail(f"{text} {QUESTION}"), SURE)


@pytest.mark.parametrize(
    "text",
    [
        "Vi har intervjuet 200 pasienter.",
        "Our interviews with nurses are done.",
        "Vi har møte om dette på tirsdag.",
        "I write after the meeting. Could you help me?",
        "Takk for et fint seminar.",
    ],
)
def test_interviews_and_meetings_of_their_own_are_no_reason(text: str) -> None:
    assert for_a_person(mail(f"{text} {QUESTION}"), SURE) == ""


@pytest.mark.parametrize("text", ["Filen er fortsatt borte.", "Dataa er her no.", "The form is enclosed."])
def test_a_few_words_that_ask_nothing_get_a_person(text: str) -> None:
    assert "asks nothing" in for_a_person(mail(text, subject="Re: Nedlasting"), SURE)
    assert for_a_person(mail(text, subject="Hvor er filen?"), SURE) == "", "the subject may ask"
    assert for_a_person(mail(f"{text} " + "Bakgrunnen er denne. " * FEW), SURE) == "", "in many words a question may hide"
