"""The facts beside the sound of a text: what is stated outright wins, a forward speaks by what its sender wants."""

from __future__ import annotations

import pytest

from bot.model import Address, Category, Examined, Message
from bot.understanding import Model, sentences, statements
from bot.understanding.caserefs import References
from bot.understanding.category import Read, counted_text, forwarded_body, numbers, settled, stated


def read(text: str, subject: str = "") -> Read:
    """A text as it is read, without a topic."""
    told = tuple(sentences.body(text))
    message = Message("<1@uio.example>", Address("Kari", "kari@uio.example"), subject, text, text)
    return Read(message, Examined(), text, told, statements.find(told, "text"), References(), None)


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Vi har slettet alle data.", Category.DELETION),
        ("Signert tilbud ligger vedlagt.", Category.OFFER),
        ("Vi aksepterer tilbudet.", Category.OFFER),
        ("Vi har slettet dataene, og vi aksepterer tilbudet.", Category.DELETION),
        ("Vi aksepterer tilbudet hvis prisen justeres ned.", None),
        ("Vi takker nei til tilbudet.", None),
        ("Vi skal slette dataene i juni.", None),
        ("Hvem kan signere tilbudet?", None),
        ("Vi slettet filene ved et uhell og trenger dem på nytt.", None),
    ],
)
def test_stated_outright(text: str, category: Category | None) -> None:
    assert stated(read(text)) is category


def test_what_is_stated_outweighs_the_sound_and_chances_still_sum_to_one() -> None:
    sound = {Category.CASE: 0.7, Category.DELETION: 0.2, Category.FAQ: 0.1}
    told = settled(sound, read("Vi har slettet alle data."))
    assert max(told, key=lambda name: told[name]) is Category.DELETION
    assert sum(told.values()) == pytest.approx(1)
    assert settled(sound, read("Vi så på sletterutinen")) == sound


def test_a_text_without_a_word_of_deletion_is_none() -> None:
    sound = {Category.CASE: 0.2, Category.DELETION: 0.7, Category.FAQ: 0.1}
    told = settled(sound, read("Her er prosjektbeskrivelsen som manglet."))
    assert max(told, key=lambda name: told[name]) is Category.CASE
    assert sum(told.values()) == pytest.approx(1)


def forward(own: str, forwarded: str) -> Message:
    """A forwarded mail with something of one's own above it."""
    return Message("<1@uio.example>", Address("Kari", "kari@uio.example"), "Fwd: spørsmål", own, own, forwarded=forwarded)


FORWARDED = "Fra: Ola <ola@uio.example>\nSendt: 1. mars 2026\nEmne: spørsmål\n\nHvem kan signere tilbudet?"


@pytest.mark.parametrize("own", ["", "Hei!", "Se under.\n\nMvh Kari"])
def test_a_forward_without_a_comment_speaks_by_what_it_forwards(own: str) -> None:
    assert "Hvem kan signere tilbudet?" in counted_text(forward(own, FORWARDED))


def test_a_comment_counts_alone() -> None:
    own = "Kan dere si oss når vi må ha slettet alle dataene fra prosjektet vårt, og hvem som skal ha beskjed?"
    assert counted_text(forward(own, FORWARDED)) == own


def test_the_lines_of_a_forwarded_header_are_nobodys_words() -> None:
    assert forwarded_body(FORWARDED) == "Hvem kan signere tilbudet?"


def test_the_numbers_are_as_many_whatever_is_asked(model: Model) -> None:
    from dataclasses import replace

    scores = [0.0] * 7
    silent, asking = read("Vi har slettet alle data."), read("Hvem kan signere tilbudet?")
    asking = replace(asking, asked=model.matcher.ask(asking.sentences))
    assert len(numbers(scores, silent)) == len(numbers(scores, asking))
