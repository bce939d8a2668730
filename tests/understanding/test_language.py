"""Which language a text is in, and which it is answered in. R37 of the reliability list (the reading side of it)."""

from __future__ import annotations

import pytest

from bot.knowledge import Knowledge
from bot.model import Examined, Language
from bot.understanding import Model, understand
from bot.understanding.language import detect, stated, tell
from tests.mail.writing import mail, read

SENTENCES = {
    "nb": (
        "Jeg ønsker å få tilgang til data om utdanning.",
        "Hvor lang tid tar det før vi får svar?",
        "Hei, takk for hyggelig svar. Da venter vi på leveransen.",
        "Prosjektet avsluttes i juni og vi ber om utsettelse.",
        "Vi godtar tilbudet og ser fram til samarbeidet.",
        "Bekrefter herved sletting av utleverte data i sak 24/1234",
        "Prisen virker høy, er det rabatt for studenter?",
        # Danish and Swedish count as bokmål
        "Hej, hvad koster det at få adgang til data?",
        "Hvornår kan vi forvente levering af data?",
        "Hej, vad kostar det att få tillgång till data?",
        "Vi har raderat alla filer från projektet.",
        "Hej, vad kostar det att fa tillgang till data och nar kan vi fa svar",  # without its letters
    ),
    "nn": (
        "Eg ønskjer å få tilgang til data om utdanning.",
        "Kor lang tid tek det før vi får svar?",
        "Hei, takk for hyggeleg svar. Då ventar vi på leveransen.",
        "Prosjektet vert avslutta i juni og vi bed om utsetjing.",
        "Me treng tilgang for ein ny stipendiat",
        "Er det slik at berre forskarar kan søkje?",
        "Datafilene er no sletta frå alle maskiner",
    ),
    "en": (
        "I would like to get access to data on education.",
        "Is it possible to link our own data with register data?",
        "Sounds good, see you tomorrow",
        # every other language
        "Ich möchte wissen, was die Daten kosten.",
        "Bonjour, je voudrais accéder aux données.",
        "Hola, ¿cuánto cuestan los datos?",
        "Dzień dobry, ile kosztują dane?",
        "Hei, paljonko tiedot maksavat?",
        "Góðan dag, hvað kosta gögnin?",
        "Dobrý den, kolik stojí data?",
        "Здравствуйте, сколько это стоит?",
        "你好，数据的价格是多少？",
    ),
}


@pytest.mark.parametrize(("language", "text"), [(language, text) for language, texts in SENTENCES.items() for text in texts])
def test_r37_sentences(language: str, text: str) -> None:
    """R37: bokmål, nynorsk, English, the neighbours, and the rest."""
    told = detect(text)
    assert told.language == language, told
    assert told.reason


@pytest.mark.parametrize("text", ["", "   ", "12345", "OK", "Tilbud", "https://ssb.no", "kari@uni.example"])
def test_r37_too_short_to_tell_is_bokmaal_and_says_so(text: str) -> None:
    """R37: its receipt carries both Norwegian forms (språklova § 15)."""
    told = detect(text)
    assert (told.language, told.sure, told.reason) == (Language.NB, False, "language-uncertain")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hei, hva koster det? Svar gjerne på nynorsk.", Language.NN),
        ("Kan dere svare meg på engelsk?", Language.EN),
        ("Kan de svare oss på bokmål, er de snille?", Language.NB),
        ("Hva koster det? Please reply in English.", Language.EN),
        ("What does it cost? I would prefer an answer in Norwegian.", Language.NB),
        ("Skjemaet er på engelsk.", None),
        ("Må vi skrive søknaden på norsk?", None),
        ("Finnes spørreskjemaet på nynorsk?", None),
        ("We wrote the form in English.", None),
    ],
)
def test_a_stated_wish(text: str, language: Language | None) -> None:
    assert stated(text) == language


RESOLUTIONS = {"luster.kommune.no": Language.NN, "oslo.kommune.no": Language.NB}


@pytest.mark.parametrize(
    ("text", "domain", "language", "reason"),
    [
        ("Hva koster det?", "luster.kommune.no", Language.NN, "language resolution of luster.kommune.no"),
        ("Hva koster det?", "post.luster.kommune.no", Language.NN, "language resolution of luster.kommune.no"),
        ("Please reply in English.", "luster.kommune.no", Language.NN, "language resolution of luster.kommune.no"),
        ("Kva kostar det?", "oslo.kommune.no", Language.NB, "language resolution of oslo.kommune.no"),
        ("Kva kostar det?", "xluster.kommune.no", Language.NN, "nynorsk words"),
        ("Hva koster det? Svar på nynorsk.", "uni.example", Language.NN, "stated preference"),
        ("Hva koster det?", "kommune.no", Language.NB, "bokmål words"),
    ],
)
def test_resolution_over_wish_over_detection(text: str, domain: str, language: Language, reason: str) -> None:
    told = tell(text, domain=domain, resolutions=RESOLUTIONS)
    assert (told.language, told.sure, told.reason) == (language, told.sure, reason)


def test_a_mail_is_understood_in_the_language_of_the_resolution(model: Model) -> None:
    message = read(mail("Hei, hva koster det å få data?", sender="Kari <kari@luster.kommune.no>"))
    assert understand(message, Examined(), model).language is Language.NB
    told = understand(message, Examined(), model, resolutions=RESOLUTIONS)
    assert (told.language, told.language_sure) == (Language.NN, True)
    assert "language resolution of luster.kommune.no" in [each.text for each in told.evidence if each.kind == "language"]


def test_paraphrases_of_the_knowledge_base(knowledge: Knowledge) -> None:
    """Over forty characters, by people who wrote in that form: right in more than 99 of 100."""
    told = [
        detect(question).language == language
        for topic in knowledge.topics.values()
        for language in Language
        for question in topic.questions[language]
        if len(question) > 40
    ]
    assert len(told) > 5000
    assert sum(told) / len(told) >= 0.99


def test_long_texts_cost_no_more_than_their_beginning() -> None:
    assert detect("Eg lurer på kva det kostar. " * 50_000).language is Language.NN
