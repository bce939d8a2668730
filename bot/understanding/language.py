"""Which language a text is in: bokmål, nynorsk or English; Danish and Swedish count as bokmål, every other language as English.

A small model of our own: marker words that stand in one language and not in its neighbours, endings, and letters. It needs no
data beyond the lists below. A text too short to tell is bokmål with ``sure`` false (språklova § 15: its receipt carries both
forms); a stated preference wins over detection, and a municipality's language resolution (by domain) over both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.model import Language

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
LOOKED_AT = 6000  # characters; more changes no verdict and costs time

NORWEGIAN = frozenset(
    """og i er det på til som for med av den et en har kan vi de om å ikke eller fra vil skal men meg dere oss denne dette der så
    var ved når hva hvordan hvor hvem hvilke hvilken hvorfor bli blir være noe noen alle vår vårt våre deres mitt min mine jeg hei mvh
    hilsen etter før også etter ingen må få får takk ha hadde ville skulle kunne ble blitt søknad tilgang mikrodata forskning spørsmål
    prosjekt prosjektet sletting slettet tilbud tilbudet vedlagt vedlegg pris hos under mellom over finnes lurer gjelder trenger""".split()
)
BOKMAAL = frozenset(
    """ikke jeg dere hva hvordan hvor hvem hvilke hvilken hvilket hvorfor noe noen deres fra være blir ble blitt et mye bare også kun hun
    nå disse henne gjør gjøre gjort kommer sier vet mer fordi uten selv både mens eller dersom mulig spørsmål besvart besvare forskere
    forskeren opplysninger behandlingen institusjonen søknaden dataene vårt hvis slik hver skrevet bekreftelse tillatelse tilgjengelig
    forespørsel vennlig mottatt levert fått gått se sende fortelle si finner ønsker ønske begynne følge forskjell høyere lavere uke
    uker ukene leser skriver noens hvorvidt ferdig tilgangen prosjektene""".split()
)
NYNORSK = frozenset(
    """ikkje eg dykk dykkar kva korleis kor kven kvar kvifor kva noko nokon nokre frå vere vera vert verta vart vorte vorten blei bleve eit
    mykje berre òg ho no desse gjer gjere gjera gjort kjem seier veit meir fordi utan sjølv sjølve medan anten dersom mogleg mogeleg
    spørsmåla svara svarar forskarar forskaren forskar opplysningar opplysningane handsaminga handsaming institusjonen søknaden dataa vårt
    viss slik kvart skrive stadfesting løyve tilgjengeleg førespurnad venleg helsing motteke levert fått sjå sende fortelje seie finn
    ynskjer ynskje ønskjer ønskje byrje fylgje følgje skilnad høgare lågare veke veker vekene les skriv dei deira dykkar tilgangen
    prosjekta einskild eige eigne eigen fleire fyrst fyrste nytta nyttar brukar tek teke gjev gje gjeven trengst treng finst lurar
    søkje søkjer søkjar difor likevel saman heile heilt sidan mellom anna korkje innan namn høve kostar kosta kring rundt ynskt ha
    vonar meiner tilbod tilbodet skjemaet undersøkjing einaste alltid vegen arbeidar takkar sletta slettar køyre lese heiter heitte
    godkjend godkjende kjend kjende vegleiing rettleiar rettleiing samanheng nemnd utlevering utleverte oppgåve oppgåva masteroppgåva
    masteroppgåve vedkomande sakshandsamar sakshandsamaren forskingsrådet forsking forskinga forskingsinstitusjon einskilde føremål
    føremålet tysdag onsdag laurdag sundag måndag kjelde kjelder åleine ventar skjer blitt ta høyrer høyra høyre tru trur saka
    tillèt frist fristen vidare kopla kople kopling koplinga""".split()
)
NOT_TELLING = frozenset(
    "fordi dersom gjort fått slik ha søknaden institusjonen tilgangen fristen frist levert trur blitt ta vårt saka".split()
)
ENGLISH = frozenset(
    """the of and to in is that for on with as are this be by from or at an have has not we our you your it can could would should may which
    what how who when where why if do does did will i my me us they their there please thank thanks regards dear hello hi data access about
    application any been was were but also than then these those into out after before need needs like know question whether kind best sincerely
    offer project projects deleted confirm attached hereby research researcher researchers university institution price cost file files
    use get apply request whom get send received delivery long much many""".split()
)
DANISH = frozenset(
    """ikke jeg af hvad hvordan også mig dig være blev jer nogle nogen hvornår tilladelse adgang ansøgning ansøge spørgsmål venlig hilsen
    mvh kære efter må får skal vores jeres mellem undersøgelse forsker forskere kun hej endnu udtræk oplysninger slettet bekræfter bliver
    gerne hvilke hvilken kunne uge uger hvem meget mere tak har tidligere sammen blive hos vedhæftet sagsnummer hvor""".split()
)
SWEDISH = frozenset(
    """inte jag är och att av för på med som en ett det den har kan vi ni om från till vad hur när vilka vilken också mig dig vara blev er någon
    något några tillstånd åtkomst ansökan ansöka fråga frågor vänlig vänliga hälsning hälsningar hej efter måste får ska våra vår mellan
    undersökning forskare bara ännu uppgifter raderat raderade bekräftar blir gärna kunna vecka veckor vem mycket mer tack tidigare tillsammans
    bifogat bifogad ärende""".split()
)
# words that Norwegian and English do not have, of the languages that write to a European agency
OTHER = frozenset(
    """der die und das ist nicht mit wir sie ich ein eine für auf von zu dem den wie können bitte danke sehr geehrte haben werden daten sind
    le la les des une est nous vous pour dans avec sur que qui je pas bonjour merci données comment sont votre notre aux du et au
    el los las una por para con que como del es gracias hola datos su nuestro cómo estamos usted ustedes
    il gli che per non sono dati grazie come della buongiorno di è nel
    de het een van en niet wij u voor met zijn hoe gegevens bedankt graag
    nie jest się na czy dane dziękuję proszę dla oraz jak do możliwe
    ja on ei että kuinka tiedot kiitos voiko hyvää päivää
    não uma são dados obrigado obrigada você olá
    ve bir bu için nasıl merhaba teşekkürler
    je na se že jak prosím děkuji údaje""".split()
)
DOUBLED = re.compile(r"ää|öö|yy|uu|aa|ii")
NYNORSK_ENDING = re.compile(r"(?:ingane|arane|arar|leg|lege|heit|asjonar|ingar|andet|ast)$")
BOKMAAL_ENDING = re.compile(r"(?:ingene|erne|elig|elige|asjoner|inger|else|elser|elsen|ende)$")
FOREIGN_LETTERS = re.compile(r"[^\x00-\u024f\u2000-\u2bff\ufe0f\U0001f000-\U0001faff]")

SURE_WORDS = 3  # markers that must stand against none before a short text is told
SHORT = 4  # words


@dataclass(frozen=True, slots=True)
class Told:
    """A language, whether it is sure, and why."""

    language: Language
    sure: bool
    reason: str


def tell(text: str, *, domain: str = "", stated: Language | None = None, resolutions: Mapping[str, Language] | None = None) -> Told:
    """The language to answer a text in.

    ``resolutions``: language resolutions of municipalities and counties by domain (språklova § 15 second paragraph); they win over
    ``stated`` (the sender's own preference), which wins over detection.
    """
    for name, language in (resolutions or {}).items():
        if domain == name or domain.endswith("." + name):
            return Told(language, True, f"language resolution of {name}")
    if stated is not None:
        return Told(stated, True, "stated preference")
    return detect(text)


def detect(text: str) -> Told:
    """The language of a text by its words, endings and letters."""
    sample = text[:LOOKED_AT]
    words = [word.lower() for word in WORD.findall(sample)]
    if not words:
        return Told(Language.NB, False, "language-uncertain")
    if len(FOREIGN_LETTERS.findall(sample)) > sum(map(len, words)) * 0.3:
        return Told(Language.EN, True, "another script")
    found = _counts(words)
    scandinavian = max(found["norwegian"], found["danish"], found["swedish"])
    if found["other"] > max(scandinavian, found["english"]) * 1.15 + 0.5:
        return Told(Language.EN, found["other"] >= SURE_WORDS, "another language")
    if found["english"] > scandinavian:
        return Told(Language.EN, found["english"] >= scandinavian + 2 or len(words) >= SHORT, "English words")
    if scandinavian == 0:
        return _by_letters(sample, words)
    if found["swedish"] > found["norwegian"] * 1.2 + 1 or found["danish"] > found["norwegian"] * 1.3 + 1:
        return Told(Language.NB, True, "Danish or Swedish counts as bokmål")
    return _form(found, len(words))


def _counts(words: list[str]) -> dict[str, float]:
    found = dict.fromkeys(("norwegian", "danish", "swedish", "english", "other", "nn", "nb"), 0.0)
    for word in words:
        nynorsk, bokmaal = word in NYNORSK, word in BOKMAAL
        if word in NORWEGIAN or nynorsk or bokmaal:
            found["norwegian"] += 1
        found["danish"] += word in DANISH
        found["swedish"] += word in SWEDISH
        found["english"] += word in ENGLISH
        found["other"] += word in OTHER and len(word) > 1
        if nynorsk != bokmaal and word not in NOT_TELLING:
            found["nn" if nynorsk else "nb"] += 1
        elif len(word) > 6 and not nynorsk:
            found["nn"] += 0.4 * bool(NYNORSK_ENDING.search(word))
            found["nb"] += 0.4 * bool(BOKMAAL_ENDING.search(word))
        if len(word) > 5 and DOUBLED.search(word) and not any(letter in word for letter in "æøå"):
            found["other"] += 1  # Finnish and Estonian
        elif len(word) > 3 and any(letter in word for letter in "äö"):
            found["swedish"] += 1
        if len(word) > 3 and any(letter in word for letter in "æøå"):
            found["norwegian"] += 0.5
    return found


def _by_letters(sample: str, words: list[str]) -> Told:
    if re.search(r"[æøå]", sample.lower()):
        return Told(Language.NB, False, "language-uncertain")
    endings = sum(bool(re.search(r"(?:tion|ing|ed|ly|ment|ous|able|ty|ies|ence|ance)$", word)) for word in words)
    if endings and endings * 2 >= len(words):
        return Told(Language.EN, False, "language-uncertain")
    return Told(Language.NB, False, "language-uncertain")


def _form(found: Mapping[str, float], length: int) -> Told:
    """Bokmål or nynorsk: by the words that one has and the other has not."""
    nn, nb = found["nn"], found["nb"]
    if nn > nb:
        return Told(Language.NN, nn >= 1 and nn >= nb * 1.5, "nynorsk words")
    if nb > 0:
        return Told(Language.NB, nb >= 1 and nb >= nn * 1.5, "bokmål words")
    return Told(Language.NB, length > 12, "Norwegian words, none that tells the form" if length > 12 else "language-uncertain")
