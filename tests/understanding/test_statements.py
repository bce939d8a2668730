"""What a sentence says is done, promised, denied or asked. A promise, a question and a denial are never a deletion."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.understanding import sentences, statements
from bot.understanding import statement_words as words


def kinds(text: str, *, about: bool = False) -> set[str]:
    """What the sentences of a text state."""
    return {each.kind for each in statements.find(sentences.body(text), "text", about_deletion=about)}


DONE = [
    "Vi har slettet alle data fra SSB.",
    "Alle filene er nå slettet.",
    "Dataene ble slettet 12. mai 2025.",
    "Me har sletta dataa og alle kopiar.",
    "Alle datafilene vart sletta i går.",
    "Filene er sletta.",
    "Jeg bekrefter at dataene er slettet.",
    "Eg stadfestar at alle mikrodata er sletta.",
    "Vi kan bekrefte at samtlige filer er slettet og utskriftene makulert.",
    "All data from SSB have been deleted.",
    "We have deleted all files and backups.",
    "The files were deleted on 12 May 2025.",
    "I hereby confirm that the data have been erased.",
    "The hard drive with the microdata has been destroyed.",
    "Sletting er gjennomført for hele datasettet.",
    "Deletion of the data has been carried out.",
    "Det finnes ingen kopier av datafilene igjen hos oss.",
    "We no longer hold any of the files.",
    "Härmed intygas att samtliga mikrodata från SSB är raderade.",
    "Vi har makulert utskriftene og slettet filene fra serveren.",
    "Datasettet er slettet, og sikkerhetskopiene også.",
    "Prosjektet er avsluttet og dataene slettet.",
    "Dataene ble aldri brukt og ble slettet fra serveren i går.",
    "Vi kan bekrefte sletting av alle filene.",
]
NOT_DONE = [
    "Vi har ikke slettet dataene ennå.",
    "I vedtaket står det at vi skal bekrefte sletting.",
    "The letter says that we must confirm deletion.",
    "Dataene er ikke slettet.",
    "Me har ikkje sletta filene.",
    "Ingen av filene er slettet.",
    "We have not deleted the data yet.",
    "The data haven't been deleted.",
    "Vi skal slette dataene i juni.",
    "Vi sletter dataene når artikkelen er publisert.",
    "Dataene vil bli slettet innen fristen.",
    "Me skal sletta alt før jul.",
    "We will delete the data in June.",
    "The files are going to be deleted next month.",
    "We plan to delete all copies in August.",
    "Når dataene er slettet, sender vi bekreftelse.",
    "Once the data have been deleted we will let you know.",
    "Så snart filene er slettet, gir vi beskjed.",
    "As soon as everything has been deleted we shall confirm.",
    "I was away, and now the files are gone from the download page.",
    "Filene er borte fra nedlastingsområdet, kan dere legge dem ut igjen.",
    "We would like data on schools with all names removed.",
    "Vi ønsker oss datasettet med alle kjennetegn fjernet.",
    "Har dere slettet dataene våre?",
    "Når må dataene være slettet?",
    "Må også kopiene være slettet?",
    "Hvordan bekrefter vi at dataene er slettet?",
    "Must the data have been deleted by then?",
    "How do we confirm that the files have been deleted?",
    "Er dataene slettet hos dere?",
    "Kan vi utsette slettingen til 2027?",
    "Vi ber om utsatt frist for sletting.",
    "Could the deadline for deletion be extended?",
    "Vi trenger en mal for slettebekreftelse.",
    "Jeg slettet e-posten deres ved en feil.",
    "I deleted your e-mail by mistake.",
    "A student sent one of the files to his private address by mistake. It has been removed from there.",
    "The answers were gathered by a firm that no longer exists, and their data are a mixture of files.",
    "Vi overtok materialet fra et selskap som ikke lenger eksisterer.",
    "Brukerkontoen min er slettet.",
    "Hvis dataene er slettet, trenger vi da å gjøre noe mer?",
    "Dataene skal slettes.",
]


@pytest.mark.parametrize("text", DONE)
def test_a_completed_deletion(text: str) -> None:
    assert "deletion-done" in kinds(text)


@pytest.mark.parametrize("text", NOT_DONE)
def test_never_a_completed_deletion(text: str) -> None:
    assert "deletion-done" not in kinds(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Vi skal slette dataene i juni.", "deletion-promised"),
        ("We will delete the data in June.", "deletion-promised"),
        ("Vi har ikke slettet dataene ennå.", "deletion-negated"),
        ("We have not deleted the data yet.", "deletion-negated"),
        ("Når må dataene slettes?", "deletion-question"),
        ("Kan vi utsette slettingen til 2027?", "deletion-postponed"),
        ("Vi godtar tilbudet.", "offer-accepted"),
        ("Me aksepterer tilbodet og vilkåra.", "offer-accepted"),
        ("We accept your offer.", "offer-accepted"),
        ("Signert tilbud ligger vedlagt.", "offer-returned"),
        ("Please find attached the signed offer.", "offer-returned"),
        ("Vi takker nei til tilbudet.", "offer-refused"),
        ("We must decline the offer.", "offer-refused"),
        ("Hvem kan signere tilbudet?", "offer-question"),
        ("Søknad om tilgang til mikrodata ligger vedlagt.", "application"),
        ("Attached is our application for access to microdata.", "application"),
        ("The change form for our project is attached.", "change-application"),
        ("Jeg ber om innsyn i saken.", "access-request"),
        ("Hvilke opplysninger har dere om meg?", "data-subject-request"),
        ("Vi klager på leveransen.", "complaint"),
        ("Har dere mottatt søknaden vår?", "status-question"),
        ("Tusen takk!", "thanks"),
    ],
)
def test_kinds(text: str, kind: str) -> None:
    assert kind in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "Hvem kan signere tilbudet?",
        "Vi takker nei til tilbudet.",
        "Kan dere justere tilbudet før vi signerer?",
        "Tilbudet er ikke signert ennå.",
        "Who may sign the offer?",
        "We will sign the offer next week.",
        "Hvordan søker vi om tilgang?",
        "How do we apply for access?",
        "Søknaden sender vi i neste uke.",
        "Vi er i ferd med å sende søknad til dere.",
        "Før vi søker, vil vi gjerne vite hvem andre som har slike data.",
        "Me sender truleg søknaden etter jul.",
        "Could you tell me the way to apply, and where the form is?",
        "Vi skal få tilbudet signert.",
    ],
)
def test_a_question_or_refusal_hands_nothing_in(text: str) -> None:
    assert not kinds(text) & {"offer-accepted", "offer-returned", "application", "change-application", "institution-application"}


def test_each_clause_is_judged_by_itself() -> None:
    found = statements.find(sentences.body("Alt på serveren er slettet, men papirkopiene skal makuleres i juni."), "text")
    assert "deletion-done" in {each.kind for each in found}


def test_it_is_done_says_what_is_done_only_after_talk_of_deletion() -> None:
    assert "deletion-done" in kinds("Det er gjort.", about=True)
    assert "deletion-done" not in kinds("Det er gjort.")
    assert "deletion-done" not in kinds("Det er ikke gjort.", about=True)


@pytest.mark.parametrize(
    ("text", "copies"),
    [
        ("Alle data og sikkerhetskopier er slettet.", True),
        ("We have deleted all data, including backups.", True),
        ("Dataene er slettet.", None),
    ],
)
def test_copies(text: str, copies: bool | None) -> None:
    done = [each for each in statements.find(sentences.body(text), "text") if each.kind == "deletion-done"]
    assert done[0].copies is copies


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("slettet 12. mai 2025", date(2025, 5, 12)),
        ("slettet 12.05.2025", date(2025, 5, 12)),
        ("slettet 12.5.25", date(2025, 5, 12)),
        ("deleted on 12 May 2025", date(2025, 5, 12)),
        ("deleted on May 12, 2025", date(2025, 5, 12)),
        ("deleted on the 2nd of June 2025", date(2025, 6, 2)),
        ("slettet 2025-05-12", date(2025, 5, 12)),
        ("slettet i mai", None),
        ("slettet 31.02.2025", None),
        ("slettet i uke 12", None),
    ],
)
def test_dates(text: str, wanted: date | None) -> None:
    assert statements.stated_date(text) == wanted


# ── whatever is deleted, by whomever: tense and negation decide ───────────────────────────────────────────────

THINGS = st.sampled_from(["dataene", "alle filene", "datasettet", "alle kopiene", "mikrodataene", "utskriftene", "filene i prosjektet"])
THINGS_EN = st.sampled_from(["the data", "all files", "the data set", "all copies", "the microdata", "the printouts"])
WHO = st.sampled_from(["Vi", "Jeg", "IT-avdelingen", "Universitetet", "Prosjektleder"])
WHO_EN = st.sampled_from(["We", "I", "They"])
AFTER = st.sampled_from(["", " fra SSB", " på serveren", " i sak 21/1234", " i prosjektet vårt"])
WHEN = st.sampled_from(["", " i juni", " neste uke", " innen fristen", " når artikkelen er publisert"])
AFTER_EN = st.sampled_from(["", " from SSB", " on the server", " in case 21/1234"])


@given(WHO, THINGS, AFTER)
@settings(max_examples=120, deadline=None)
def test_done_until_negated_asked_or_conditional(who: str, things: str, after: str) -> None:
    assert "deletion-done" in kinds(f"{who} har slettet {things}{after}.")
    assert "deletion-done" not in kinds(f"{who} har ikke slettet {things}{after}.")
    assert "deletion-done" not in kinds(f"{who} har ennå ikke slettet {things}{after}.")
    assert "deletion-done" not in kinds(f"Har {who.lower()} slettet {things}{after}?")
    assert "deletion-done" not in kinds(f"Når {who.lower()} har slettet {things}{after}, gir vi beskjed.")


@given(
    WHO,
    THINGS,
    AFTER,
    WHEN,
    st.sampled_from(["skal slette", "vil slette", "kommer til å slette", "planlegger å slette", "må slette", "kan slette"]),
)
@settings(max_examples=200, deadline=None)
def test_a_promise_is_no_deletion(who: str, things: str, after: str, when: str, verb: str) -> None:
    assert "deletion-done" not in kinds(f"{who} {verb} {things}{after}{when}.")
    assert "deletion-done" not in kinds(f"{things.capitalize()}{after} skal slettes{when}.")
    assert "deletion-done" not in kinds(f"{things.capitalize()}{after} vil bli slettet{when}.")


@given(
    WHO_EN,
    THINGS_EN,
    AFTER_EN,
    st.sampled_from(["will delete", "shall delete", "plan to delete", "are going to delete", "must delete", "intend to delete"]),
)
@settings(max_examples=120, deadline=None)
def test_the_same_in_english(who: str, things: str, after: str, verb: str) -> None:
    assert "deletion-done" in kinds(f"{who} have deleted {things}{after}.")
    assert "deletion-done" not in kinds(f"{who} have not deleted {things}{after}.")
    assert "deletion-done" not in kinds(f"{who} haven't deleted {things}{after} yet.")
    assert "deletion-done" not in kinds(f"Have {who.lower()} deleted {things}{after}?")
    assert "deletion-done" not in kinds(f"{who} {verb} {things}{after}.")
    assert "deletion-done" not in kinds(f"Once {who.lower()} have deleted {things}{after}, you will hear from us.")


@given(st.text(max_size=400))
@settings(max_examples=200, deadline=None)
def test_total_on_any_text(text: str) -> None:
    for statement in statements.find(sentences.body(text), "text", about_deletion=True):
        assert statement.sentence in " ".join(text.split()) or len(statement.sentence) <= sentences.LONGEST


@pytest.mark.parametrize(
    ("text", "only"),
    [
        ("Hei,\n\ntusen takk for raskt og godt svar! Da vet jeg det jeg trenger.\n\nGod helg!\nEivind", True),
        ("Takk for hjelpa, no er alt på plass.", True),
        ("Thanks for the offer. The student has left us and the project will not be carried out. We decline.", False),
        ("Takk for svaret. Hvem kan signere?", False),
        ("Takk for tilbudet. Vi har signert det, og det ligger ved i denne e-posten fra oss.", False),
    ],
)
def test_thanks_that_need_nobody(text: str, only: bool) -> None:
    assert statements.is_thanks_only(sentences.body(text)) is only


@given(
    st.lists(
        st.sampled_from(
            [
                "tilbudet",
                "pristilbud",
                "tilboda",
                "offered",
                "Offer",
                "quote",
                "quotations",
                "avtalen",
                "samarbeidsavtalen",
                "KONTRAKTEN",
                "agreements",
                "subcontract",
                "tender",
                "vilkårene",
                "terms",
                "prisen",
                "prisoverslag",
                "estimatet",
                "offerten",
                "anbudet",
                "data",
                "sendt",
            ]
        ),
        max_size=3,
    ).map(" ".join)
)
def test_what_is_looked_for_first_stands_in_every_word_for_an_offer(text: str) -> None:
    assert words.OFFER_STEMS.search(text) or not words.OFFER.search(text)
