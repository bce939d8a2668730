"""A text cut into sentences; questions told; the work bounded."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.understanding import sentences


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Hei. Hva koster det? Takk.", ["Hei.", "Hva koster det?", "Takk."]),
        ("Vi trenger f.eks. inntekt for 2019.", ["Vi trenger f.eks. inntekt for 2019."]),
        ("Se bl.a. kap. 3. Der står det.", ["Se bl.a. kap. 3. Der står det."]),
        ("Frist 3. mai gjelder.", ["Frist 3. mai gjelder."]),
        ("- første\n- andre\n1) tredje", ["første", "andre", "tredje"]),
        (
            "Dette er en lang linje som postprogrammet har brutt\nmidt i setningen.",
            ["Dette er en lang linje som postprogrammet har brutt midt i setningen."],
        ),
        ("", []),
        ("\n \n", []),
    ],
)
def test_split(text: str, wanted: list[str]) -> None:
    assert sentences.split(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "Hva koster det?",
        "hvordan søker vi om data",
        "Kva kostar det",
        "Jeg lurer på om vi kan få data.",
        "Eg lurer på kor lang tid det tek.",
        "Kan dere si hvor skjemaet ligger?",
        "I wonder whether you can help.",
        "Could you tell me what it costs.",
        "Please advise on the next step.",
        "Vi er usikre på hvem som kan signere.",
        "Finner ikke skjemaet noe sted.",
        "Spørsmål to: hvor mange uker tar det nå, for jeg slutter i juli.",
        "My other doubt: how long does it take at present, since I leave in July.",
        "For det andre: hvilket format skriver dere filene i nå, vi har en gammel utgave.",
        "Secondly, how many people work there, if one may be so bold.",
        "Og dessuten, kva heiter programmet.",
        "Dessuten kommer jeg ikke inn på området.",
        "Eg får ikkje opna filene som kom i går.",
        "Portalen virker ikke etter oppdateringen.",
        "We cannot log in since Monday.",
        "The second file does not open, there is an error message.",
    ],
)
def test_questions(text: str) -> None:
    assert sentences.is_question(text)


@pytest.mark.parametrize(
    "text",
    [
        "Vi har slettet alle data.",
        "Signert tilbud følger vedlagt.",
        "We accept the offer.",
        "Hvilken flott leveranse!",
        "Takk for hjelpen.",
        "Ordren: alle variabler som i fjor.",
        "Vi kommer ikke til å bruke dataene mer.",
    ],
)
def test_no_questions(text: str) -> None:
    assert not sentences.is_question(text)


@pytest.mark.parametrize(
    "greeting",
    [
        "Hei!",
        "Hei,",
        "Hei Kari,",
        "Kjære mikrodata,",
        "God dag.",
        "Dear Sir or Madam,",
        "Hello,",
        "Hi there,",
        "Til rette vedkommende,",
        "Hej!",
    ],
)
@pytest.mark.parametrize(
    "leave",
    [
        "Mvh\nOla Forsker",
        "Med vennlig hilsen\nOla",
        "Vennleg helsing\nOla",
        "Kind regards\nOla",
        "Best,\nOla",
        "Hilsen Ola",
        "Takk på forhånd!\nMvh Ola",
    ],
)
def test_greeting_and_leave_taking_say_nothing(greeting: str, leave: str) -> None:
    told = sentences.body(f"{greeting}\n\nHva koster en leveranse fra dere?\n\n{leave}")
    assert [each.text for each in told if each.question] == ["Hva koster en leveranse fra dere?"]
    assert all("hilsen" not in each.text.lower() and "regards" not in each.text.lower() for each in told)


def test_what_is_asked_after_the_leave_taking_still_counts() -> None:
    told = sentences.body("Vi søker snart.\n\nMvh Ola\n\nPS: Hva koster det?")
    assert any(each.question and "koster" in each.text for each in told)


@given(st.text(max_size=600))
@settings(max_examples=300, deadline=None)
def test_total_and_bounded_on_any_text(text: str) -> None:
    told = sentences.split(text)
    assert len(told) <= sentences.SENTENCES
    assert all(0 < len(each) <= sentences.LONGEST for each in told)
    sentences.body(text)


@pytest.mark.parametrize("unit", ["a", "a ", "? ", ". ", "\n", "- \n", "hei ", "takk ", "f.eks. ", "((", "1) ", "?!", "…"])
def test_bounded_whatever_its_length(unit: str) -> None:
    told = sentences.split(unit * (200_000 // len(unit)))
    assert len(told) <= sentences.SENTENCES
    assert sum(len(each) for each in told) <= sentences.READ
