"""The sender's own new text, apart from quoted mail, forwarded mail and signature.

Every line of the text gets one label; nothing is lost, the four texts together hold every line. The rules are those of the clients
that people use (Outlook on desktop, web and telephone; Gmail, Apple Mail, Thunderbird, Notes), in Norwegian, Danish, Swedish,
German and English.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.mail.html import END, QUOTE, REST

LINES = 4000  # lines that are looked at one by one; what follows belongs to the part that line 4000 belongs to
FORWARD_SUBJECT = re.compile(
    r"^\s*(?:(?:re|sv|aw|antw)\s*:\s*)?(?:fwd?|vs|vb|videresend\w*|vidaresend\w*|wg|tr|rv|vl|doorst|i)\s*(?:\[\d+\])?\s*:", re.IGNORECASE
)

FROM = r"(?:from|fra|frå|från|von|de|van|avsender|afsender)"
FIELDS = (
    r"(?:sent|sendt|sende|dato|date|datum|skickat|skickades|gesendet|send(?:t|e)? dato|to|til|till|an|subject|emne|ämne|betreff|tittel|cc|kopi|kopia|bcc|svar til|reply-to|importance|prioritet|"
    r"viktigheit|viktighet|envoyé|objet|à|vedlegg|attachments|organisation|organisasjon)"
)
HEADER_FROM = re.compile(rf"^[\s>|*_]*{FROM}\s*:?\*?\s*:\*?\s*\S", re.IGNORECASE)
HEADER_FIELD = re.compile(rf"^[\s>|*_]*{FIELDS}\s*:?\*?\s*:", re.IGNORECASE)
SEPARATOR = re.compile(
    r"^[\s>]*(?:[-_=—–*]{2,}\s*)(?:original\s*(?:message|appointment)|opprinneli[gt]+\s*(?:melding|avtale)|opphavleg\s*melding|oprindelig\s*(?:meddelelse|besked)|ursprungligt\s*meddelande|ursprüngliche\s*nachricht|"
    r"(?:svar|reply|antwort) (?:på|to|auf).{0,60}|reply message|message d'origine|mensaje original|oorspronkelijk bericht)\s*[-_=—–*]{0,}",
    re.IGNORECASE,
)
FORWARD = re.compile(
    r"^[\s>]*(?:[-_=—–*]{2,}\s*(?:forwarded (?:message|by|mail|email)|videresendt (?:melding|e-post|epost|av|meddelelse|besked)|vidaresend\w* (?:melding|e-post)|vidarebefordra[td] (?:meddelande|mejl|mail)|weitergeleitete\s*nachricht|"
    r"message transféré)\b.{0,120}|begin forwarded message\s*:|start på videresendt melding\s*:|byrjing på vidaresend melding\s*:|(?:starten på det )?videresendt\w* (?:melding|besked)\s*:|vidarebefordrat brev\s*:|"
    r"anfang der weitergeleiteten nachricht\s*:|-+\s*(?:videresendt|forwarded) av/by .{0,80})",
    re.IGNORECASE,
)
RULE = re.compile(r"^\s*(?:_{10,}|-{20,}|\*{20,}|={20,})\s*$")
WROTE = r"(?:skrev|skreiv|wrote|writes|schrieb|ha scritto|a écrit|escribió|skriver|kirjoitti|sa|napisał\w*)"
# "Den 3. nov. 2025 kl. 13:30 skrev Kari <k@x>:", "On Mon, 3 Nov 2025 at 13:30, K wrote:", "man. 3. nov. 2025 kl. 13:30 skrev K <k@x>:"
ATTRIBUTION = re.compile(rf"^[\s>]*(?=.{{0,300}}(?:\d|@)).{{0,260}}\b{WROTE}\b.{{0,160}}:\s*$", re.IGNORECASE)
ATTRIBUTION_NAME = re.compile(rf"^[\s>]*(?:[A-ZÆØÅÄÖ][\w.'-]+\s+){{1,4}}(?:<[^<>\s]+@[^<>\s]+>\s*)?{WROTE}\s*:\s*$")
ATTRIBUTION_START = re.compile(
    r"^[\s>]*(?:den|på|on|am|le|em|il|op|el|i|(?:ma|ti|on|to|fr|lø|sø|må|ty|la|su|sön|lör|tis|ons|tors|fre)\w*\.?,?|mon|tue|wed|thu|fri|sat|sun|\d{1,2}[./ -]|\d{4}-|-{3,}).{0,200}$",
    re.IGNORECASE,
)
NOTES = re.compile(rf"^[\s>]*-{{3,}}\s*.{{2,120}}\b{WROTE}\s*:?\s*-{{3,}}\s*$", re.IGNORECASE)
QUOTED_LINE = re.compile(r"^\s{0,3}(?:>|\|\s)")

DELIMITER = re.compile(r"^(?:-- ?|—|__ ?)$")
CLIENT = re.compile(
    r"^\s*(?:<?(?:sendt (?:fra|frå|via)|sent (?:from|via|with)|skickat från|von meinem \w+ gesendet|gesendet (?:von|mit)|få outlook for|get outlook for|hent outlook (?:for|til)|last ned outlook|hämta outlook|outlook for (?:ios|android)|"
    r"envoyé de mon|e-posten er sendt fra|lähetetty|mobil e-post)\b.{0,90})$",
    re.IGNORECASE,
)
VALEDICTION = re.compile(
    r"^\s*(?:(?:med\s+)?(?:(?:vennlig(?:e|st)?|beste?|mange|varme|gode|hjertelig|kollegiale?)\s+)?hils(?:en|ener|ning\w*)|ystävällisin terveisin|terveisin|(?:med\s+)?(?:vennleg|venleg|beste|hjarteleg|god)\s+helsing(?:ar)?|med helsing|mvh|m\.v\.h\.?|vh|v\.h\.|bh|hilsen|"
    r"helsing|hels|hilsning|(?:with\s+)?(?:kind(?:est)?|best|warm(?:est)?|many)\s+(?:regards|wishes)|regards|all the best|(?:yours\s+)?(?:sincerely|faithfully|truly)(?: yours)?|best|cheers|br|kr|rgds|"
    r"(?:med\s+)?venlig(?:e)?\s+hilsen|dbh|(?:med\s+)?(?:vänlig|bästa|varma|många)(?:a)?\s+hälsning(?:ar)?|hälsningar|mit freundlichen grüßen|(?:viele|beste|freundliche) grüße|mfg|cordialement|"
    r"(?:på forhånd |på førehand )?(?:tusen |mange |hjertelig )?takk(?: på forhånd| på førehand| for hjelpen?| for hjelpa| og hilsen)?|(?:many |kind )?thanks(?: in advance| and (?:kind |best )?regards)?|thank you(?: in advance)?|"
    r"ha (?:en|ei) (?:fin|god|riktig god|flott) (?:dag|helg|uke|veke)(?: videre)?)"
    r"(?:\s*(?:[,.!:–-]|fra|frå|from|:\)|;\))\s*.{0,60}|\s+(?:(?-i:[A-ZÆØÅÄÖ])[\w.'-]*\s*){1,4}(?:,.{0,60})?|(?<=hilsen)\s+\S{2,20}(?:\s\S{2,20})?|\s*/?\s*)$",
    re.IGNORECASE,
)
POSTSCRIPT = re.compile(r"^\s*(?:p\.?\s?s\.?|nb!?|edit|tillegg|etterskrift)\s*[:.!]?\s+\S", re.IGNORECASE)
DISCLAIMER = re.compile(
    r"^\s*(?:\*{0,3}\s*)(?:(?:this|the information (?:contained )?in this|the content(?:s)? of this) (?:e-?mail|message|communication|electronic)\b.{0,200}(?:confidential|privileged|intended|solely|virus)|confidentiality (?:notice|note)|disclaimer|"
    r"(?:denne|innholdet i denne) (?:e-?posten?|meldingen|meldinga|mailen)\b.{0,200}(?:konfidensiel|fortrolig|taushet|teieplikt|beregnet|utelukkende|kun for|rette mottaker)|denne mail\w*.{0,100}fortrolig|detta (?:e-post)?meddelande.{0,120}(?:konfidentiell|avsett)|"
    r"diese (?:e-?mail|nachricht).{0,120}vertraulich|if you (?:are not the intended|have received this (?:e-?mail|message) in error)|dersom du har mottatt denne|please consider the environment|tenk på miljøet|tenk på miljøet før|"
    r"(?:når du sender e-?post til|when you (?:send|e-?mail)).{0,120}(?:personopplysning|personal data|privacy)|how we process personal data|når du .{0,60}behandler .{0,40}personopplysninger|virus-?free\b|denne e-posten er (?:skannet|kontrollert) for virus)",
    re.IGNORECASE,
)
BANNER = re.compile(
    r"^\s*(?:\[?\s*(?:ekstern(?:t)?|external|extern)(?: (?:e-?post|email|avsender|sender|mail))?\s*\]?\s*:?\s*$|\[?(?:caution|advarsel|obs|warning|nb|vær oppmerksom|forsiktig|varning)\b.{0,20}(?:this (?:e-?mail|message)|denne e-?posten|e-?post|external|"
    r"ekstern|meldingen).{0,300}|(?:du|some people who received this message|you|noen som mottok|enkelte som mottok).{0,30}(?:får ikke ofte e-?post|don['’]t often get e-?mail|ikke så ofte e-?post|får vanligvis ikke).{0,200}|(?:this|denne) (?:e-?mail|e-?posten|message|meldingen)"
    r".{0,40}(?:originated|kommer|er sendt|came|was sent).{0,30}(?:outside|utenfra|utenfor|utanfrå|eksternt).{0,200})",
    re.IGNORECASE,
)
CONTACT = re.compile(
    r"(?:\+?\d[\d ()./-]{6,}|\S+@\S+\.\w{2,}|https?://|www\.|\b(?:tlf|telefon|mob(?:il)?|tel|phone|direkte|sentralbord|fax|postboks|p\.?o\.? box|avdeling|avd\.|institutt|department|dept|seksjon|section|senter|center|centre|"
    r"university|universitet\w*|høgskol\w*|høyskol\w*|professor|stipendiat|forsker|forskar|researcher|ph\.?d|postdoktor|rådgiver|rådgjevar|seniorrådgiver|leder|leiar|fellow|advisor|adviser|director|direktør|student|"
    r"koordinator|coordinator|fakultet\w*|faculty|school|institute|hospital|sykehus\w*|sjukehus\w*|kommune|direktorat\w*|departement\w*)\b)",
    re.IGNORECASE,
)
SENTENCE = re.compile(
    r"\?|\b(?:jeg|eg|vi|dere|dykk|we|you|i|har|have|er|is|are|kan|can|skal|will|må|must)\b.*\b\w+\b.*[.!?]\s*$", re.IGNORECASE
)
SIGNATURE_LINES = 14


@dataclass(frozen=True, slots=True)
class Parts:
    """A text apart; every line of it stands in one of the four, in order."""

    own: str
    quoted: str
    forwarded: str
    signature: str


def split(text: str, subject: str = "", sender: str = "") -> Parts:
    """The parts of a mail's text. ``subject`` tells a forward ("VS:", "Fwd:") from a reply where the client marks both the same;
    ``sender`` is the display name, by which a bare name under the text is told."""
    lines = text.split("\n")
    head, tail = lines[:LINES], lines[LINES:]
    labels = _quotes(head, FORWARD_SUBJECT.match(subject) is not None)
    _signatures(head, labels, name_words(sender))
    labels += [labels[-1] if labels else "O"] * len(tail)
    return Parts(*(_joined(lines, labels, label) for label in "OQFS"))


def _joined(lines: list[str], labels: list[str], label: str) -> str:
    kept = [line for line, own in zip(lines, labels, strict=True) if own == label and line not in (QUOTE, END, REST)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def unmarked(text: str) -> str:
    """A text without the marks of the HTML reader."""
    return re.sub(r"\n{3,}", "\n\n", re.sub(f"[{QUOTE}{END}{REST}]", "", text)).strip()


# ── quoted and forwarded ──────────────────────────────────────────────────────────────────────────────────────


def _quotes(lines: list[str], forward: bool) -> list[str]:
    """A label per line: O own, Q quoted, F forwarded. A ``>`` quotation ends where it ends; older mail goes on to the end."""
    labels = ["O"] * len(lines)
    depth, number = 0, 0
    while number < len(lines):
        line = lines[number]
        if line == QUOTE:
            depth += 1
        if depth or QUOTED_LINE.match(line):
            labels[number] = "Q"
        if line == END:
            depth = max(0, depth - 1)
            labels[number] = "Q"
        elif not depth and labels[number] == "O":
            kind, length = _begins(lines, number, forward)
            if kind == "attribution":
                labels[number : number + length] = ["Q"] * length
                number += length
                if not _quotation_follows(lines, number):
                    return _rest(labels, number, "Q")
                continue
            if kind and (begins := _marked_quotation(lines, number)):
                labels[number:begins] = [kind] * (begins - number)
                number = begins
                continue
            if kind:
                return _rest(labels, number, kind)
        number += 1
    return labels


def _rest(labels: list[str], number: int, label: str) -> list[str]:
    labels[number:] = [label] * (len(labels) - number)
    return labels


def _begins(lines: list[str], number: int, forward: bool) -> tuple[str, int]:
    """What begins in this line: F or Q to the end, an attribution over so many lines, or nothing."""
    line = lines[number]
    older = "F" if forward else "Q"
    if line == REST:
        return older, 1
    if not line.strip() or len(line) > 500:
        return "", 0
    if FORWARD.match(line):
        return "F", 1
    if SEPARATOR.match(line) or NOTES.match(line):
        return older, 1
    if RULE.match(line) and _header_block(lines, number + 1):
        return older, 1
    if HEADER_FROM.match(line) and _header_block(lines, number):
        return older, 1
    length = _attribution(lines, number)
    return ("attribution", length) if length else ("", 0)


def _marked_quotation(lines: list[str], number: int) -> int:
    """Where a header block is followed by lines marked with ``>``: own answers may stand between them. 0 where it is not."""
    for at in range(number, min(number + 16, len(lines))):
        if QUOTED_LINE.match(lines[at]):
            return at
        if lines[at].strip() and not (
            HEADER_FROM.match(lines[at]) or HEADER_FIELD.match(lines[at]) or SEPARATOR.match(lines[at]) or RULE.match(lines[at])
        ):
            return 0
    return 0


def _header_block(lines: list[str], number: int) -> bool:
    """``From:`` and at least two more header fields in the next lines (blank lines between them allowed, as HTML makes them)."""
    near = [line for line in lines[number : number + 14] if line.strip() and line not in (QUOTE, END, REST)][:7]
    if not near or not HEADER_FROM.match(near[0]):
        return False
    fields = [match[0].strip(" >|*_\t").rstrip(":* ").lower() for line in near[1:] if (match := HEADER_FIELD.match(line))]
    return len({FIELD_OF.get(name, name) for name in fields}) >= 2


FIELD_OF = {name: "to" for name in ("til", "till", "an", "à")} | {
    name: "date" for name in ("sent", "sendt", "sende", "dato", "datum", "skickat", "gesendet")
}


def _attribution(lines: list[str], number: int) -> int:
    """How many lines an attribution takes, 0 where none begins: clients fold them into two or three."""
    line = lines[number]
    if ATTRIBUTION.match(line) or ATTRIBUTION_NAME.match(line):
        return 1 if not SENTENCE_LIKE.match(line) else 0
    if not ATTRIBUTION_START.match(line):
        return 0
    for length in (2, 3):
        piece = lines[number : number + length]
        if len(piece) == length and all(part.strip() for part in piece) and ATTRIBUTION.match(" ".join(piece)):
            return length if not SENTENCE_LIKE.match(" ".join(piece)) else 0
    return 0


# "Hei, i brevet av 3. mars skrev dere følgende:" is the sender's own sentence
SENTENCE_LIKE = re.compile(
    r"^\s*(?:hei|hi|hello|dear|kjære)\b|.*\b(?:skrev|wrote|skreiv)\s+(?:dere|de|du|jeg|vi|dykk|at|that|følgende|the following|you|to us|til oss|i|om)\b|.*\b(?:dette|følgende|fylgjande|this|the following|slik)\s*:\s*$",
    re.IGNORECASE,
)


def _quotation_follows(lines: list[str], number: int) -> bool:
    """Whether the text after an attribution is marked line by line, so that own text may follow it."""
    following = [line for line in lines[number:] if line.strip()]
    return bool(following) and (following[0] == QUOTE or QUOTED_LINE.match(following[0]) is not None)


# ── signature and disclaimer ──────────────────────────────────────────────────────────────────────────────────


def _signatures(lines: list[str], labels: list[str], names: frozenset[str]) -> None:
    """Relabel signature lines of the own text with S; a postscript stays the sender's own."""
    own = [number for number, label in enumerate(labels) if label == "O"]
    for number in own[:6]:
        if BANNER.match(lines[number]):
            labels[number] = "S"
    own = [number for number in own if labels[number] == "O"]
    for start, end in _runs(own):
        _signature_of(lines, labels, start, end, names)


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Stretches of consecutive numbers as (first, one past the last)."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number:
            runs[-1] = (runs[-1][0], number + 1)
        else:
            runs.append((number, number + 1))
    return runs


def _signature_of(lines: list[str], labels: list[str], start: int, end: int, names: frozenset[str]) -> None:
    """The signature of one stretch of own text: from a delimiter, a disclaimer or a leave-taking on."""
    begin = end
    for number in range(start, end):
        line = lines[number]
        if DISCLAIMER.match(line) or CLIENT.match(line):
            labels[number] = "S"
            if DISCLAIMER.match(line):
                begin = min(begin, number)
                break
        elif (
            (DELIMITER.match(line) and number > start)
            or (VALEDICTION.match(line) and _ends_something(lines[start:number], line) and _is_signature(lines[number + 1 : end]))
            or (names and number > start and _is_name(line, names) and _is_signature(lines[number + 1 : end]))
        ):
            begin = number
            break
    for number in range(begin, end):
        if POSTSCRIPT.match(lines[number]):
            _postscript(lines, labels, number, end)
            break
        labels[number] = "S"


THANKS = re.compile(r"^\s*(?:(?:på forhånd|på førehand|tusen|mange|hjertelig|many|kind)\s+)*(?:takk|thanks?|tack|tak)\b", re.IGNORECASE)


def _ends_something(before: list[str], line: str) -> bool:
    """A "thanks" closes a mail that said something; alone it is the mail."""
    return not THANKS.match(line) or sum(len(said.split()) for said in before) >= 6


def name_words(name: str) -> frozenset[str]:
    """The words of a display name in lower case, and their first letters as initials."""
    words = [word.lower() for word in re.findall(r"[^\W\d_]+", name)]
    initials = "".join(word[0] for word in words)
    return frozenset({*words, *(word[0] for word in words), *({initials, initials[:1] + initials[-1:]} if len(words) > 1 else set())})


def _is_name(line: str, names: frozenset[str]) -> bool:
    """A line that holds nothing but words of the sender's name; a title, place or number may follow a comma or bar."""
    told = re.split(r"[,|/(–]| - ", line, maxsplit=1)[0]
    words = [word.lower() for word in re.findall(r"[^\W\d_]+", told)]
    if not 0 < len(words) <= 5 or re.search(r"[\d:?!;]", told):
        return False
    known = [word for word in words if word in names]
    # a display name may be shorter than the name under the text ("Postma" – "Jelle Postma")
    return len(known) == len(words) or (len(words) <= 3 and any(len(word) > 3 for word in known) and told == told.title())


def _postscript(lines: list[str], labels: list[str], start: int, end: int) -> None:
    """A postscript is own text to its next blank line; what follows it is signature again."""
    for number in range(start, end):
        if not lines[number].strip():
            labels[number:end] = ["S"] * (end - number)
            return


def _is_signature(lines: list[str]) -> bool:
    """Name, title, place and numbers: few lines, none that says or asks something."""
    told = [line for line in lines if line.strip() and not CLIENT.match(line)]
    for number, line in enumerate(told):
        if DISCLAIMER.match(line) or DELIMITER.match(line) or POSTSCRIPT.match(line) or RULE.match(line):
            return True
        if number >= SIGNATURE_LINES:
            return False
        if (SENTENCE.search(line) and not CONTACT.search(line)) or "?" in line or len(line.split()) > 16:
            return False
    return True
