"""Which language a text is in: bokmål, nynorsk or English; Danish and Swedish count as bokmål, every other language as English.

A small model of our own: marker words that stand in one language and not in its neighbours, endings, and letters. It needs no
data beyond the lists below. A text too short to tell is bokmål with ``sure`` false (språklova § 15: its receipt carries both
forms); a stated preference wins over detection, and a municipality's language resolution (by domain) over both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from bot.mail.caseless import Caseless
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
    uker ukene leser skriver noens hvorvidt ferdig tilgangen prosjektene
    bekrefter bekreftet virker høy høyt forvente forventer forventet spør ligger avsluttes avsluttet utsettelse utsettelsen signerte herved
    hyggelig oversikten mottar godtar utleverte påminnelsen henvendelse henvendelsen beklager glemt""".split()
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
    tillèt frist fristen vidare kopla kople kopling koplinga ligg stadfestar stadfesta verkar høg høgt gløymt utsetjing skildring skildringa
    prosjektskildring prosjektskildringa hyggeleg orsak seinka påminninga førespurnaden""".split()
)
# nynorsk forms that bokmål has not; dialect is told by its forms, so "ka" and "kossen" stand here too
NYNORSK |= frozenset(
    """ein ei éin éi eitt gjeld då ligg fekk hjå leggje leggja kome koma komen komne kjem stad halde held krev slepp sleppe noreg noregs gong
    gongen gonger setje setja annan vore lyt greitt fann enno gale skreiv spørje spørja spurde vita noka gjekk seia sei heim heime attende
    attåt byrja byrjar førre fortel betre elles annleis framleis endå ifrå korfor døme dømes ynskja somme diverre truleg snøgt følgjer
    inneheld inneber deltek mottek godtek avgjer bed bede eig eiga vonleg visste vekke hugse hugsar skule skulen skular høgskulen høgskule
    sjukehus sjukehuset tilsett tilsette knytt pengar månad månader timar dagar stønad bustad løner løn løyvet dyrare seinare seint tidlegare
    lettare folketalet teikn sida såleis trudde vart meinte meint høyrt høyrde gammalt gamal gamalt hovud hovudregel
    skilja sitje bilete gard ombod ombodet personvernombod personvernombodet samde brukar velje funne bur tel tok tala talet tal
    ka kem kossen korsen koffor koss korleis dokker dokke dokkers nokka nåkka æ mæ dæ ikkj nåkken nokken""".split()
)
NYNORSK |= frozenset(
    """laga lagar legg leggja rekne rekna hentar henta driv tyder fjerna registra samla reglane organ tinga kvarandre opne opna opnar hender utanom
    uttaket usikker likar fell skil utval utvalet koret adressa innhald innhaldet dreg oppdaga underteikne leiar leiaren rår heng innanfor jordmora
    forskargruppe forskargruppa gjord avslutta ope bruka finna venta venter byte godteke lukka plar vende mann lærar styresmakter gransking tinge
    kodar logga aukar krevje tvil syner bryr ken løna lèt peike heimel undervegs låg innfløkt oppfylte ynske telje oppgåver oversyn rydda plukka
    knyte praksis reiser tener gøymer lagra kontora stykke framand reint åra vender snakka manglande retta syte lovar usamde granske starta
    tilrå rå motsetnad einkvan korleis variablane variablar tabellane reglar prisar skulane namnet namna tida staden vilkåra prisa vegner helseføretaket
    helseføretak prosjektleiar prosjektleiaren skilnaden studentar partnaren pasientane kommunane kommunar filene""".split()
) - frozenset(
    "organ tyder usikker hender driv venter mann praksis reiser tvil bryr oppfylte stykke tener filene syner peike vende heng".split()
)
BOKMAAL |= frozenset(
    """en man trenger sammen finnes gjelder koster annet annen forsker fikk flere egen egne eget én gi hele sykehuset jobber slettet slipper sendes mener
    komme allerede dyrere lager penger helt krever spørre regne navn navnet navnene utenfor tror kobles koble koblet brukes mangler henter satt fortsatt
    tatt billigere selve trengs saksbehandler saksbehandleren veileder veilederen antall personvernombudet dekker ringe følger venter måneder måned fjernet
    gjøres slippe utenlandsk utenlandske foregår teller velge heter ennå tidligere leder avgjør trodde lar åpne åpner bekrefte sitte starter innenfor ligge
    henger innebærer startet hjemme utenfra ansatt ansatte oppdaget menes skjønner tenke innholdet holde forrige annerledes innen beholde fremdeles hjem
    leveres faller hånd sykehus handler funker anbefaler sjekker alene sluttet trykke knyttes unntatt åpent derfor formål formålet betales lenke lenken
    forberede drar behandler hennes vanligvis eksempel godtatt frem husker valgt enten foreslår skole skolen høyskole høgskole dokumentene begrunne sånne
    løsning deltakere trekke øyne bekymret strenge variablene tabellene tallene reglene prosjektleder prosjektlederen""".split()
) - frozenset("man dyrere følger hele satt heter ringe betales enten starter tør".split())
# forms that both have, or that tell too little by themselves
NOT_TELLING = frozenset(
    """fordi dersom gjort fått slik ha søknaden institusjonen tilgangen fristen frist levert trur blitt ta vårt saka alltid lese likevel mellom
    rundt skjemaet skjer skrive utlevering utleverte både eller også blir ferdig følge gått henne si spørsmål ønske begynne forskjell kopla
    kople kopling nemnd sidan kosta les skriv ho sida tok tal gale tel stad""".split()
)
NYNORSK_ONLY = frozenset({"me"})  # "we", told only in a text that is Norwegian already: English has the word too
ENGLISH = frozenset(
    """the of and to in is that for on with as are this be by from or at an have has not we our you your it can could would should may which
    what how who when where why if do does did will i my me us they their there please thank thanks regards dear hello hi data access about
    application any been was were but also than then these those into out after before need needs like know question whether kind best sincerely
    offer project projects deleted confirm attached hereby research researcher researchers university institution price cost file files
    use get apply request whom get send received delivery long much many number general questions statistics possible must one something linking
    same two both first second people without between during register available confirmed great okay sounds good see tomorrow""".split()
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
# what neither Norwegian form has: two of these tell Swedish, also where its letters are missing
SWEDISH_ONLY = frozenset(
    "inte och att vad jag till från ni hur vilka vilken mycket när någon något några ansökan raderat bifogar undrar skicka".split()
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
    je na se že jak prosím děkuji údaje kolik stojí dobrý
    paljonko tiedot tietoja maksavat haluaisin onko voinko aineisto moi terve
    tere palju andmed kui kas palun tänan
    góðan dag hvað kosta gögnin þetta takk ekki
    labas kiek ačiū duomenys sveiki cik dati paldies
    jó köszönöm adatok mennyibe kérem
    bună ziua mulțumesc datele cât""".split()
)
NOT_TELLING_OTHER = frozenset("dag takk dati kosta na se do o e on je en ja per sur me van jó".split())  # too like Norwegian or English
OTHER -= NOT_TELLING_OTHER & (NORWEGIAN | BOKMAAL | NYNORSK | ENGLISH | {"dag"})
DOUBLED = re.compile(r"ää|öö|yy|uu|aa|ii")
FOREIGN = re.compile("[ąćęłńśźżčďěňřšťůýžðþőűășțğışãõñçœāēģīķļņūėįų]")  # letters of Latin script that no neighbour of ours uses
NYNORSK_SHAPE = re.compile(
    r"^(?:forsking|eigen|eigar|einskil|sjølv|fleir|handsam|rettlei|sjuke|skule|utanf|utanl|føremål|føreha|føretak|føreb|førearb|stadfest|grunngj|"
    r"sakshandsam|samanl|samans|verksem|tenest|mogleg|vitskap|tilbod|hovud)|(?:[kg]j(?:e|er|ar|a|ing|inga|ast|ande)|.leg(?:e|are|ast|heit)?|"
    r"(?:gl|k|h|dr)øy[mr]\w*|.heit(?:er|a|ene)?|.forsking)$"
)
NYNORSK_ENDING = re.compile(
    r"(?:(?<!uk)(?<!in)(?<!nt)(?<!us)(?<!bru)(?<!sv)(?<!oll)(?<!godt)(?<!overt)(?<!delt)(?<!mott)(?<!foret)(?<!varet)(?<!påt)(?<!vedt)(?<!oppt)(?<!innt)(?<!tilt)ar|[^vl]ane|[aer]st|(?<!bl)(?<!st)(?<!br)(?<!l)ande|.inga)$"
)
BOKMAAL_SHAPE = re.compile(r"^(?:hv\w+|forskning\w*)$|(?:.elig(?:e|ere|st|het)?|.lige?|.lighet(?:en|er)?|forskning)$")
BOKMAAL_ENDING = re.compile(r"(?:ingene|.erne|asjoner|.inger|.ingen|(?<!he)else|elser|elsen|(?<!s)(?<!v)(?<!h)(?<!kj)ende|het(?:en|er)?)$")
# the endings above, in words that both have or that are names
SHAPELESS = frozenset(
    """kanskje skje skjer skjera billig høyre tannlege fastlege overlege barnelege moderne gjerne fjerne februar januar hvilkje hvite
    gunnar ragnar einar ivar oskar seminar webinar kommentar dollar kollege forsking""".split()
) - {"forsking"}
ADDRESS = re.compile(r"https?:|@|\w\.(?:no|com|org|net|eu|dk|se|fi|io|example)\b")
FOREIGN_LETTERS = re.compile(r"[^\x00-\u024f\u2000-\u2bff\ufe0f\U0001f000-\U0001faff]")

SURE_WORDS = 3  # markers that must stand against none before a short text is told
SHORT = 4  # words


@dataclass(frozen=True, slots=True)
class Told:
    """A language, whether it is sure, and why."""

    language: Language
    sure: bool
    reason: str


WISH = Caseless(
    r"\b(?:(?:kan|kunne) (?:dere|de|dykk|du) (?:\w{1,12} ){0,2}?svare?|svar(?:er|ar)?(?: meg| oss)?(?: (?:gjerne|helst|alltid))?|(?:vil|ønsker|ønskjer|ynskjer|foretrekker|føretrekkjer)(?: (?:gjerne|helst|å få|å ha)){0,3} (?:svar|brev|dokument\w{0,3})|(?:skriv|send) (?:gjerne|helst|til (?:meg|oss)))"
    r"(?: \w{1,12}){0,3}? på (?P<norwegian>nynorsk|bokmål|engelsk)\b"
    r"|\b(?:please |kindly |could you (?:please )?|can you (?:please )?|i (?:would )?prefer (?:an )?)?(?:reply|replies|answer|respond|response|write)(?: (?:to )?(?:me|us))? in (?P<english>english|norwegian|nynorsk|bokmål)\b"
)
WISHED = {
    "nynorsk": Language.NN,
    "bokmål": Language.NB,
    "norwegian": Language.NB,
    "engelsk": Language.EN,
    "english": Language.EN,
}


def stated(text: str) -> Language | None:
    """The language that the sender asks to be answered in, or None where no sentence says so."""
    wish = WISH.search(text[:LOOKED_AT])
    return WISHED[(wish["norwegian"] or wish["english"]).lower()] if wish is not None else None


def tell(text: str, *, domain: str = "", resolutions: Mapping[str, Language] | None = None) -> Told:
    """The language to answer a text in.

    ``resolutions``: language resolutions of municipalities and counties by domain (språklova § 15 second paragraph); they win over the
    sender's own preference (``stated``), which wins over detection.
    """
    for name, language in (resolutions or {}).items():
        if domain == name or domain.endswith("." + name):
            return Told(language, True, f"language resolution of {name}")
    if (wished := stated(text)) is not None:
        return Told(wished, True, "stated preference")
    return detect(text)


def detect(text: str) -> Told:
    """The language of a text by its words, endings and letters."""
    sample = " ".join(
        word for word in text[:LOOKED_AT].split() if word.isalpha() or not ADDRESS.search(word)
    )  # the "no" of "ssb.no" tells nothing
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
    if (
        found["swedish"] >= 2
        and found["swedish"] > found["nn"]
        and re.search("[äö]", sample.lower())
        and not re.search("[æø]", sample.lower())
    ):
        return Told(Language.NB, True, "Danish or Swedish counts as bokmål")
    if found["swedish-only"] >= 2 and found["swedish-only"] > found["nn"] - found["swedish-only"]:
        return Told(Language.NB, True, "Danish or Swedish counts as bokmål")
    if scandinavian == 0:
        return _by_letters(sample, words)
    if found["swedish"] > found["norwegian"] * 1.2 + 1 or found["danish"] > found["norwegian"] * 1.3 + 1:
        return Told(Language.NB, True, "Danish or Swedish counts as bokmål")
    return _form(found, len(words))


COUNTED = ("norwegian", "danish", "swedish", "english", "other", "nn", "nb", "swedish-only")


def _counts(words: list[str]) -> dict[str, float]:
    found = dict.fromkeys(COUNTED, 0.0)
    for word in words:
        for name, amount in _told_by(word):
            found[name] += amount
    return found


@lru_cache(maxsize=20_000)
def _told_by(word: str) -> tuple[tuple[str, float], ...]:
    """What one word tells, remembered: the same few thousand words make most of what people write."""
    found = dict.fromkeys(COUNTED, 0.0)
    nynorsk, bokmaal = word in NYNORSK, word in BOKMAAL
    found["norwegian"] += word in NORWEGIAN or nynorsk or bokmaal
    found["danish"] += word in DANISH
    found["swedish"] += word in SWEDISH
    found["swedish-only"] += word in SWEDISH_ONLY
    found["english"] += word in ENGLISH
    found["other"] += word in OTHER and len(word) > 1
    if word in NYNORSK_ONLY:
        found["nn"] += 1
    elif word in NOT_TELLING or word in SHAPELESS:
        return _amounts(found)
    elif nynorsk != bokmaal:
        found["nn" if nynorsk else "nb"] += 1
    elif not nynorsk and len(word) > 4:
        found["nn"] += _shape(word, NYNORSK_SHAPE, NYNORSK_ENDING)
        found["nb"] += _shape(word, BOKMAAL_SHAPE, BOKMAAL_ENDING)
    if FOREIGN.search(word):
        found["other"] += 1
    if len(word) > 5 and DOUBLED.search(word) and not any(letter in word for letter in "æøå"):
        found["other"] += 1  # Finnish and Estonian
    elif len(word) > 3 and any(letter in word for letter in "äö"):
        found["swedish"] += 1
    if len(word) > 3 and any(letter in word for letter in "æøå"):
        found["norwegian"] += 0.5
    return _amounts(found)


def _amounts(found: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple((name, amount) for name, amount in found.items() if amount)


def _shape(word: str, telling: re.Pattern[str], likely: re.Pattern[str]) -> float:
    """What a word that is in no list says of the form: stems and endings that only one form has, and endings that lean to it."""
    if telling.search(word):
        return 0.8
    return 0.4 if len(word) > 5 and likely.search(word) else 0.0


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
