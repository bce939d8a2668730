"""A mail's text cut into what can be judged by itself: sentences, without greeting and leave-taking, questions told.

A question is told by its mark, by its first words, or by the words that wrap an indirect one ("lurer på om …", "could you tell").
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.mail.caseless import Caseless

READ = 40_000  # characters of one text; what a person writes is far shorter
SENTENCES = 120
LONGEST_WORD = 40  # characters before a full stop in which an abbreviation is looked for
LONGEST = 600  # characters of one sentence; a list without full stops is cut there

ABBREVIATIONS = frozenset(
    """bl.a f.eks dvs mvh vs kl nr jf jfr ca evt osv o.l m.m ift mht pga ifm iht pr tlf ref saksnr inkl ekskl mfl m.fl dr prof stk mill
    hhv fom tom feks e.g i.e etc no approx dept vol cf mr mrs ms fig art kap pkt st""".split()
)
BREAK = re.compile(r"(?<=[.!?…])[\"»”')\]]*\s+|\n+|(?<=[;])\s+(?=[^\W\d_])")
BULLET = re.compile(r"^\s*(?:[-*•·–—>]|\(?\d{1,2}[.)]|\(?[a-h]\))\s+")
LAST_WORD = re.compile(r"([^\s(]{1,40})\.$")

GREETING = re.compile(
    r"^(?:hei(?:\s?sann|\s?san)?|hallo|halla|heisann|god\s?(?:dag|morgen|morgon|kveld|ettermiddag)|kjære|goddag|hej|kære|tja|hi|hello|dear|hey|"
    r"good (?:morning|afternoon|evening|day)|greetings|til rette vedkomm?end?e|til rette vedkommande|til (?:mikrodata|ssb|statistisk sentralbyrå)\w*|"
    r"to whom it may concern|sir or madam|heia|morn|hello there)\b[^.?!\n]{0,60}?(?:[,!:.–-]+|$)\s*",
    re.IGNORECASE,
)
CLOSING = re.compile(
    r"^(?:(?:med\s+)?(?:vennlig|beste?|mange|varme|gode|hjertelig|kollegiale?)\s+hils\w*|(?:med\s+)?(?:vennleg|venleg|beste|hjarteleg)\s+helsing\w*|mvh|m\.v\.h|vh|hilsen|"
    r"helsing|hels|ha (?:en|ei|eit) (?:fin|god|flott|riktig)\b.{0,30}|god (?:helg|påske|jul|sommer|sommar)|(?:kind|best|warm|many|warmest|kindest|with best|with kind)\s+(?:regards|wishes)|"
    r"regards|sincerely|yours (?:sincerely|faithfully|truly)|cheers|best|br|rgds|mange takk|takk(?:er)? (?:på forhånd|på førehand|for hjelpen|for hjelpa|så mye|så mykje)|"
    r"på forhånd takk|på førehand takk|tusen takk|takk|thanks|thank you|many thanks|thanks in advance|(?:med )?venlig hilsen|(?:med )?vänliga? hälsning\w*|hälsningar|"
    r"sendt fra min \w+|sent from my \w+|sendt frå \w+ \w+|alt godt|ser fram til .{0,30}|looking forward .{0,40})"
    r"(?:\s+(?:i|på|for|in|so|very|a)\s[^,.;]{0,30})?\s*[!.,]*$",
    re.IGNORECASE,
)
# takes leave at the end, but says something where nothing was said before
THANKING = re.compile(r"^(?:(?:tusen|mange|many|hjertelig|hjarteleg)\s+)?(?:takk|thank|tack|tak)\w*\b", re.IGNORECASE)
# the same with the name on the same line
SIGNED_OFF = re.compile(
    r"^(?i:mvh|m\.v\.h|vh|hilsen|helsing|(?:med\s+)?(?:vennlig|vennleg|beste?|mange)\s+hils\w*|(?:med\s+)?(?:vennleg|venleg|beste)\s+helsing\w*|(?:kind|best|warm)\s+(?:regards|wishes)|regards|best|br|cheers)"
    r"[\s,:–-]+(?:[A-ZÆØÅÄÖ][\w’'.-]*[\s,]*){1,4}$"
)

INTERROGATIVE = re.compile(
    r"^(?:(?:og|men|så|eller|and|but|or|also|samt|videre|vidare|further(?:more)?|(?:for )?det (?:første|fyrste|andre|tredje)|(?:først|fyrst|sist|til slutt|dernest|deretter|dessuten|i tillegg|og så|then|next|"
    r"first(?:ly)?|second(?:ly)?|third(?:ly)?|last(?:ly)?|finally|besides|moreover|additionally|in addition))\b[\s,:;–-]*){0,3}(?:hva|hvem|hvilke[nt]?|hvor\w*|hvorfor|hvordan|kva\w*|kven|korleis|kor|kvifor|ka|kem|kordan|hvad|hvornår|vad|hur|"
    r"what\w*|who|whom|which|where|why|how)\b",
    re.IGNORECASE,
)
WRAPPED = Caseless(
    r"\b(?:lur\w+ på|lurer|undres|undrast|undrar|spør\w*|spurnad|spørsmål\w*|ønsker? (?:å vite|å få vite|svar|informasjon|en avklaring|avklaring|veiledning|råd)|vil(?:le)? (?:gjerne )?(?:vite|vete|høre|høyre|forstå|"
    r"få vite|spørre|spørje|ha svar|ha informasjon)|kunne (?:tenke|tenkt) (?:meg|oss) å vite|kan (?:dere|de|dykk|du|noen|nokon) (?:si|fortelle|fortelje|forklare|opplyse|bekrefte|stadfeste|hjelpe|svare|gi|gje|"
    r"sende|peke|peike|avklare|rettleie|veilede|minne)|usikker\w* på|usikre på|usikkert|forst(?:år|o) ikke|skjønn?\w* ikk\w*|skjønar ikkje|finner ikke|finn ikkje|vet ikke|veit ikkje|i tvil om|greit å vite|greitt å vite|"
    r"tips om|råd om|informasjon om|info om|opplysn?inga?r? om|trenger å vite|treng å vite|"
    r"wonder\w*|question\w*|would like to (?:know|ask|understand|hear|clarify)|want to know|need to know|like to know|could (?:you|anyone|someone)|can (?:you|anyone|someone)|please (?:advise|explain|clarify|tell|let|"
    r"inform|confirm|point)|not sure|unsure|unclear|uncertain|do(?:n['’]t| not) (?:know|understand)|cannot find|can['’]t find|information (?:on|about)|curious|enquir\w+|inquir\w+|ask(?:ing)? (?:about|whether|if)|grateful (?:if|for)|"
    r"appreciate|clarif\w+)\b"
)
# after a colon or a dash a sentence begins anew: "second doubt: how many weeks …"
WITHIN = re.compile(r"[:–—]\s+")
# something does not work: whoever writes so asks for help, whatever else the mail asks
TROUBLE = Caseless(
    r"\b(?:(?:kommer|kjem|kommar) (?:jeg |eg |vi |me |ho |han |hun )?(?:meg |oss )?(?:ikke|ikkje|ikkj) inn|(?:får|fekk|fikk|klarer|klarar|greier|greier) (?:jeg |eg |vi |me )?(?:ikke|ikkje|ikkj) (?:til|logga?|logget|åpna?|åpnet|opna|lasta?|lastet|tak i|kontakt|svar)"
    r"|(?:virker|verkar|fungerer|fungerar|funker|funkar) (?:det |den |dei |de )?(?:ikke|ikkje|ikkj)|(?:ikke|ikkje) (?:virker|verkar|fungerer|funker)|feilmelding\w*|blank side|tom side"
    r"|(?:blir|vart|ble|blei) alt (?:borte|vekk)|alt (?:forsvinner|forsvinn|forsvant)|(?:henger|heng|hang) seg|(?:skjer|hender) (?:det )?(?:ingenting|ingen ting)|(?:prøvd|prøvde|provd) (?:i )?(?:to|flere|fleire|begge|ulike) nettles\w+"
    r"|nothing happens|(?:it|page|form|screen) (?:freezes|froze|crashe[sd]|hangs|disappear\w*)|tried (?:it in )?(?:two|both|several|different) browsers"
    r"|(?:cannot|can['’]?t|can not|could not|couldn['’]t|unable to|not able to|fail\w* to|not possible to) (?:log|sign|open|get in|get into|download|upload|connect|reach)\b|(?:does|do|did|is|are)(?: not|n['’]t) work\w*|won['’]t (?:open|load|work|start)"
    r"|error messages?|blank (?:page|screen)|locked out|keeps? (?:crashing|failing))\b"
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a text; ``question`` tells whether something is asked in it."""

    text: str
    question: bool


def split(text: str) -> list[str]:
    """The sentences of a text, in order; abbreviations do not end one. At most ``SENTENCES``."""
    found: list[str] = []
    for line in re.split(r"\n\s*\n|\n(?=\s*(?:[-*•·–]|\(?\d{1,2}[.)]|\(?[a-h]\))\s)", _joined(text[:READ])):
        start = 0
        for match in BREAK.finditer(line):
            last = LAST_WORD.search(line[max(start, match.start() - LONGEST_WORD) : match.start()].rstrip())
            if (
                last
                and "\n" not in match.group()
                and not _is_word(last[1], line[match.end() : match.end() + 1])
                and (last[1].lower() in ABBREVIATIONS or len(last[1]) == 1 or last[1].isdigit())
            ):
                continue
            _add(found, line[start : match.start()].strip())
            start = match.end()
        _add(found, line[start:].strip())
        if len(found) >= SENTENCES:
            break
    return found[:SENTENCES]


def _is_word(last: str, following: str) -> bool:
    """ "mappa er tom. Har" ends a sentence, "tom. 2019" does not: the abbreviation of "til og med" is also a word."""
    return last.lower() == "tom" and not following.isdigit()


def _joined(text: str) -> str:
    """Lines that a mail client has wrapped are one: a long line followed by one that goes on in lower case."""
    return re.sub(r"(?<=[^\n]{45})(?<![.!?:])[ \t]*\n(?=[a-zæøåäö(])", " ", text.replace("\r\n", "\n"))


def _add(found: list[str], piece: str) -> None:
    piece = BULLET.sub("", piece)
    if piece:
        found.append(piece[:LONGEST])


def body(text: str) -> list[Sentence]:
    """The sentences that say something: without greeting and leave-taking."""
    pieces = split(text)
    if pieces:
        pieces[0] = GREETING.sub("", pieces[0], count=1).strip()
    kept: list[Sentence] = []
    for number, piece in enumerate(pieces):
        if number >= 1 and (kept or not THANKING.match(piece)) and (CLOSING.match(piece) or SIGNED_OFF.match(piece)):
            if _only_names_follow(pieces[number + 1 :]):
                break
            continue
        if piece and (number > 0 or len(piece) > 1):
            kept.append(Sentence(piece, is_question(piece)))
    return kept


def _only_names_follow(pieces: list[str]) -> bool:
    """After the leave-taking: name, title, institution, telephone; nothing that asks or says."""
    return not any("?" in piece or len(piece.split()) > 9 for piece in pieces)


def is_question(sentence: str) -> bool:
    """Whether something is asked: a question mark, an asking first word (after a colon too), an indirect question, or a cry for help."""
    if "?" in sentence:
        return True
    if not sentence.endswith("!") and any(INTERROGATIVE.match(piece) for piece in WITHIN.split(sentence)):
        return True
    return WRAPPED.search(sentence) is not None or TROUBLE.search(sentence) is not None
