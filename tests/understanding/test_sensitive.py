"""What must be handled with care. Identity numbers here are synthetic (month + 80) or made by the rule itself."""

from __future__ import annotations

import pytest

from bot.model import Address, Attachment, Examined, ExaminedAttachment, Message, Statement
from bot.understanding import sensitive, sentences, statements


def synthetic(date: str = "018190", individual: int = 100) -> str:
    """A synthetic identity number (month + 80) with right control digits."""
    for number in range(individual, 1000):
        head = f"{date}{number:03d}"
        digits = [int(each) for each in head]
        first = -sum(w * d for w, d in zip(sensitive.FIRST_WEIGHTS[:9], digits, strict=True)) % 11
        if first == 10:
            continue
        second = -sum(w * d for w, d in zip(sensitive.SECOND_WEIGHTS[:10], [*digits, first], strict=True)) % 11
        if second < 10:
            return f"{head}{first}{second}"
    raise AssertionError("no number")


def message(text: str, subject: str = "", *names: str) -> Message:
    """A mail with attachments of these names."""
    parts = tuple(Attachment(name, "application/octet-stream", b"x") for name in names)
    return Message("<1@uio.example>", Address("Kari", "kari@uio.example"), subject, text, text, attachments=parts)


def found(text: str, subject: str = "", examined: Examined | None = None) -> tuple[str, ...]:
    """The codes of a mail."""
    said: tuple[Statement, ...] = statements.find(sentences.body(text), "text")
    return sensitive.find(message(text, subject), examined or Examined(), said)


def test_identity_number_in_text_and_subject() -> None:
    number = synthetic()
    assert sensitive.is_identity_number(number)
    assert "identity-number" in found(f"Gjelder person {number}.")
    assert "identity-number" in found(f"Gjelder person {number[:6]} {number[6:]}.")
    assert "identity-number" in found("Hei", f"Person {number}")


@pytest.mark.parametrize("position", range(11))
def test_one_wrong_digit_makes_it_none(position: int) -> None:
    number = synthetic()
    wrong = number[:position] + str((int(number[position]) + 1) % 10) + number[position + 1 :]
    assert not sensitive.is_identity_number(wrong)


@pytest.mark.parametrize("text", ["kontonummer 1234 56 78903", "ring 21094642", "sak 23/1234", "IBAN NO93 8601 1117 947", "12345678901"])
def test_other_numbers(text: str) -> None:
    assert "identity-number" not in found(text)


def test_identity_number_in_an_attachment() -> None:
    part = ExaminedAttachment("liste.txt", "text/plain", 10, "txt", f"person {synthetic()}")
    assert "identity-number" in found("Se vedlegg", examined=Examined((part,)))


@pytest.mark.parametrize(
    ("name", "kind", "rows", "wanted"),
    [
        ("data.sas7bdat", "other", 0, True),
        ("data.csv", "csv", 500, True),
        ("variabler.csv", "csv", 12, False),
        ("brev.pdf", "pdf", 900, False),
    ],
)
def test_data_files(name: str, kind: str, rows: int, wanted: bool) -> None:
    part = ExaminedAttachment(name, "application/octet-stream", 10, kind, "a;b\n" * rows)
    assert ("data-file" in found("Se vedlegg", examined=Examined((part,)))) is wanted


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Jeg ber om innsyn i dokumentene i saken.", "access-request"),
        ("Hvilke opplysninger har dere om meg?", "data-subject-request"),
        ("Vi klager på leveransen.", "complaint"),
        ("Jeg er journalist i Fjordavisa og ønsker et intervju.", "press"),
        ("En minnepinne med data er på avveie.", "data-breach"),
    ],
)
def test_requests_with_a_deadline(text: str, code: str) -> None:
    assert code in found(text)


def test_an_ordinary_question_is_nothing_of_it() -> None:
    assert found("Hei, hvordan søker vi om mikrodata?") == ()
