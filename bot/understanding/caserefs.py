"""Case references (Noark 5 M003: case year, sequence number; M015: document number) apart from everything that looks like one.

The form proves little: dates, academic years, fractions, laws and other bodies' references share it, and "saksnr." is everybody's
word. So each candidate is judged by its form and by the words beside it; the case register has the last word (bot.matters).
Every pattern is anchored on digits and bounded, so that time is linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.mail.caseless import Caseless

READ = 200_000  # characters of one text that are read
BESIDE = 70  # characters before a candidate in which its introduction may stand
FIRST_YEAR, LAST_YEAR = 1985, 2039  # case years that exist or may come while this pattern lives

DIGIT = re.compile(r"\d")
DASH = r"[-‐‑‒–—−]"
CANDIDATE = re.compile(
    rf"(?<![\w/,@=&%\\{DASH[1:-1]}])(?<!\d[.:])(?<!\.\.)(?P<year>\d{{4}}|\d{{2}})(?P<sep>[ ]?/[ ]?|{DASH}|_)(?P<number>\d{{1,6}})(?P<document>{DASH}\d{{1,4}})?(?![\d])"
)
REVERSED = re.compile(r"(?<![\w/.,@=&%:\\-])(?P<number>\d{2,6})[ ]?/[ ]?(?P<year>(?:19|20)\d{2})(?![\d/])")
FILE_NAME_BREAKS = re.compile(r"_")

# what introduces a reference of ours
CUE = re.compile(
    r"(?:\b(?:arkiv|journal|doku?ment)?sak(?:s|en|ene|er|a|i)?(?:s?n(?:umme)?r|s?ref(?:eranse)?|s?id)?\b|\bsaksnumme[rt]|\bref(?:\.|\b|eranse\w*|erence\w*|nr)|"
    r"\bcase(?:s|\s?(?:no|number|nr|id|file|ref\w*))?\b|\bssb\b|\bjournalnr|\bjnr|\barkivnr|\barkivref\w*|\bärende\w*|\bdnr\b|\bsag(?:snummer|snr|en)?\b|"
    r"\bfile no|\barchive\b|\bvedtak\w*|\bproject (?:no|number)|\bmatter\b|\bdelivery\b|\bapplication (?:no|number)|\bdecision\b)",
    re.IGNORECASE,
)
DIRECT_CUE = re.compile(rf"(?:{CUE.pattern})[\s.:#№(«\"'-]*(?:n(?:o|r|umber|ummer)\b)?[\s.:#(«\"'-]*$", re.IGNORECASE)
YOURS = Caseless(
    r"\b(?:deres|dykkar|dykkars|your|yours|jeres|er|ert|dere)\s+(?:saks?\s?)?(?:ref|saksn|sak\b|case|file|journaln|s?nr|number|no\b)"
)
OURS = Caseless(
    r"\b(?:vår|våre|vårt|our|vores|min|mi|my|intern\w*|internal)\s+(?:egen\s+|eige?n?\s+|own\s+|interne?\s+)?(?:saks?\s?)?(?:ref|saksn|journaln|arkiv|s?nr|file|doc|prosjektn|project n|case n)"
)
FROM_US = re.compile(
    r"\b(?:ssb|statistisk sentralbyrå|statistics norway|(?:deres|dykkar|your)\s+(?:brev|letter|vedtak|decision|tilbud|offer|quote|svar|reply))\b",
    re.IGNORECASE,
)
# "our case number at Statistics Norway": the sender's case, and our number of it
WITH_US = re.compile(
    r"\b(?:hos|i|ved|at|with|in|from|frå|fra)\s+(?:ssb|statistisk sentralbyrå|statistics norway|dere|dykk|you)\b", re.IGNORECASE
)
# "an error on the invoice in 24/1333", "it stands in the order in 23/774": the paper has no number here, the case has
PAPER = re.compile(r"^(?:faktura|bestilling|invoice|ordre|order|kontrakt|tildeling)", re.IGNORECASE)
OF_CASE = re.compile(r"\s(?:i|in|på|for|til|under|on)\s+$", re.IGNORECASE)
# other bodies and other kinds of number; matched on whole words before (or right after) the candidate
OTHERS = (
    r"REK|REC|NSD|SIKT|NPR|FHI|NIPH|NAV|NEM|NESH|HDIR|UDI|IMDi|Udir|Lånekassen|Kreftregisteret|Helsedirektoratet|Folkehelseinstituttet|Helsedataservice|"
    r"Datatilsynet|Personvernnemnda|Skatteetaten|Skattedirektoratet|Forskningsrådet|Forskingsrådet|NFR|RCN|Research Council|Ethics committee|IRB|"
    r"etisk(?:e)? komit[eé]\w*|Datainspektionen|Norges Bank|Finanstilsynet|Sivilombudet|Helsetilsynet|Statsforvalteren|Fylkesmannen|Riksarkivet|"
    r"Arkivverket|Eurostat|Kommunen|Universitetet|UiO|UiB|NTNU|UiT|OsloMet|eInnsyn|DAM|ERC|Horizon|H2020|Grant|Bevilgning\w*|Tildeling\w*|Kontrakt(?:s?nr)?|Faktura\w*|"
    r"Invoice|Ordre\w*|Order|Certificate|Sertifikat|PO|Bestilling\w*|Kundenr|Konsesjon\w*|Rundskriv|Prop|Innst|Meld|St|Ot|NOU|LOV|FOR|Lov|Lovens?|Act|EU|EØS|EEA|EF|EC|EU/EØS|GDPR|"
    r"Forordning\w*|Regulation|Directive|Direktiv\w*|Decision \(EU\)|Reg|ISO|NS|ISBN|ISSN|DOI|Artikkel|Article|Art|§+|Kap|Kapittel|Chapter|Vol|Nr|Issue|Side|Page|pp?"
)
OTHER_BEFORE = re.compile(rf"(?:^|[\s(\[«\"',;:/–-])(?:{OTHERS})(?:s|’s|'s)?(?=[\s.:,(\[)«\"'-]|$)", re.IGNORECASE)
WEAK_OTHERS = re.compile(
    r"^(?:nr|st|for|lov|act|po|er|issue|order|dam|ns|reg|p|pp|art|ref|ec|ef|meld|kap|side|page|grant|vol|kontrakt|ordre)$", re.IGNORECASE
)
OTHER_AFTER = re.compile(
    r"^\s*(?:/\s*|\(|(?:hos|fra|ved|i|from|at|with|til|of|,)\s+)?(?:REK|REC|NSD|Sikt|NPR|FHI|NAV|Datatilsynet|Helsedirektoratet|Forskningsrådet|NFR|Kreftregisteret)\b",
    re.IGNORECASE,
)
YEARS = re.compile(
    r"(?:studieår\w*|skoleår\w*|akademisk\w* år\w*|academic years?|school years?|sesong\w*|season|vinter\w*|winter|årgang\w*|kohort\w*|årsskift\w*|cohorts?|årskull\w*|perioden?|period|budsjett\w*|"
    r"semester\w*|haust\w*|høst\w*|vår(?:en|semester\w*)|autumn|spring|years?|årene|åra|år)\s+(?:frå |fra |from |i |for |the )?$",
    re.IGNORECASE,
)
TELEPHONE = re.compile(r"(?:tlf|telefon|mobil|phone|tel|mob|fax|fon)\w*\.?\s*:?\s*(?:\+\d{1,3}\s*)?$", re.IGNORECASE)
AFTER_QUANTITY = re.compile(
    r"^\s*(?:%|prosent|percent|deler?\b|av\b|poeng|points?|studiepoeng|kr\b|mm\b|cm\b|-?regel|-?rule|døgn|support)", re.IGNORECASE
)
LIST_GLUE = re.compile(
    r"^[\s,;&+]{0,12}(?:og|and|samt|eller|or|med|pluss|,)?[\s,;&+]{0,12}(?:sak(?:en)?|nr\.?|ref\.?|case)?[\s.:]{0,12}$", re.IGNORECASE
)
SENTENCE_END = re.compile(r"[.!?]\s+(?=[A-ZÆØÅ])|\n|;")

LETTERHEAD = re.compile(r"\A\s{0,80}(?!til\b|to\b)[^\n]{0,40}(?:statistisk sentralbyrå|statistics norway|\bssb\b)", re.IGNORECASE)
COLUMNS = Caseless(
    r"(?P<first>deres|your|vår|our|dykkar)\s+ref\w*\.?[^\n/\d]{1,60}?(?P<second>deres|your|vår|our|dykkar)\s+ref[^\n\d/]{0,80}\n"
)

SERIAL = Caseless(r"(?<!\w)w\d{2}[_-]\d{3,5}(?!\d)")
SERIAL_WORDS = Caseless(
    r"(?:løpenummer|løpenr\.?|serial (?:number|no\.?))\s*(?:er|is|:|=)?\s*(?P<number>[a-z]{0,3}\d{2,8}(?:[_-]\d{1,6})?)(?![\d/])"
)


@dataclass(frozen=True, slots=True)
class References:
    """What a mail states: references in order of appearance, ambiguous ``number/year`` forms as written, serial numbers."""

    stated: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    serial_numbers: tuple[str, ...] = ()


def normalise(reference: str) -> str:
    """``YY/NNNN``: two-digit year, slash, number without leading zeros, no document number. ``""`` for what is none."""
    match = re.fullmatch(rf"\s*(\d{{4}}|\d{{2}})\s*(?:/|{DASH}|_)\s*(\d{{1,6}})(?:{DASH}\d{{1,4}})?(?:/\w+)?\s*", reference)
    return f"{match[1][-2:]}/{int(match[2])}" if match else ""


def find(subject: str, text: str, attachments: Iterable[tuple[str, str]] = ()) -> References:
    """The references of a mail: subject, then text, then attachments (file name, then text); each once."""
    stated: list[str] = []
    ambiguous: list[str] = []
    serials: list[str] = []
    parts = [(subject, ""), (text, "")]
    for name, content in attachments:
        parts += [(FILE_NAME_BREAKS.sub("_", name.rpartition(".")[0] or name), "name"), (content, "attachment")]
    parts = [(content[:READ], kind) for content, kind in parts if DIGIT.search(content)]  # the others hold nothing that is looked for here
    own_numbers = {number for content, _ in parts for number in _sender_numbers(content)}
    for content, kind in parts:
        for found in _in_file_name(content) if kind == "name" else _in_text(content, kind == "attachment"):
            stated.append(found)
        ambiguous += _reversed(content)
        serials += [match.group().lower().replace("-", "_") for match in SERIAL.finditer(content)]
        serials += [content[match.start("number") : match.end("number")] for match in SERIAL_WORDS.finditer(content)]
    stated = [number for number in stated if number not in own_numbers]
    return References(tuple(dict.fromkeys(stated)), tuple(dict.fromkeys(ambiguous)), tuple(dict.fromkeys(serials)))


def _sender_numbers(text: str) -> list[str]:
    """Numbers that the sender calls their own ("Vår ref: 2026/1187-3", "our ref. NUPI-19/554"): they are nobody else's anywhere in the mail."""
    found = []
    head = LETTERHEAD.match(text)
    for match in OURS.finditer(text):
        if FROM_US.search(text[max(0, match.start() - 40) : match.start()]) or (head and head.end() <= match.start()):
            continue
        near = re.match(rf"[^\n\d]{{0,30}}(\d{{4}}|\d{{2}})/(\d{{1,6}})(?:{DASH}\d{{1,4}})?(?!\d)", text[match.end() : match.end() + 50])
        between = text[match.end() : match.end() + near.start(1)] if near else ""
        if near and not YOURS.search(between) and not WITH_US.search(between):
            found.append(f"{near[1][-2:]}/{int(near[2])}")
    return found


def _year(text: str) -> int:
    year = int(text)
    if len(text) == 2:
        year += 2000 if year <= LAST_YEAR - 2000 else 1900
    return year if FIRST_YEAR <= year <= LAST_YEAR else 0


def _in_file_name(name: str) -> list[str]:
    """File names cannot hold a slash: a dash or an underscore stands for it. Dates and spans of years are told apart."""
    found = []
    for match in re.finditer(
        rf"(?<!\d)(?<!\d[-_.])(\d{{4}}|\d{{2}})(?:{DASH}|_|\s)(\d{{2,6}})(?!\d)(?!{DASH}\d{{4}}|_\d{{4}}|{DASH}\d{{2}}(?!\d)|\.\d)", name
    ):
        year, number = match.groups()
        cue = bool(CUE.search(name[: match.start()].replace("_", " ").replace("-", " ")[-20:]))
        span = len(number) == 4 and FIRST_YEAR <= int(number) <= LAST_YEAR
        day = re.fullmatch(r"(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])", number) is not None and len(year) == 4
        if _year(year) and not day and ((len(number) >= 3 and not span) or cue):
            found.append(f"{year[-2:]}/{int(number)}")
    return found


def _in_text(text: str, attachment: bool) -> list[str]:
    """References of running text, in order."""
    ours_is_ssbs = attachment and LETTERHEAD.match(text) is not None
    columns = _columns(text, ours_is_ssbs)
    found: list[str] = []
    last_end, last_kept = 0, False
    for match in CANDIDATE.finditer(text):
        before = _before(text, match.start(), last_end)
        after = text[match.end() : match.end() + 40]
        if match.start() in columns:
            kept = columns[match.start()]
        elif last_end and LIST_GLUE.match(text[last_end : match.start()]) and match["sep"].strip() == "/" and _year(match["year"]):
            kept = last_kept and not _is_span(match) and not _is_date(match, after)
        else:
            kept = _is_ours(match, before, after, ours_is_ssbs)
        if kept:
            found.append(f"{match['year'][-2:]}/{int(match['number'])}")
        last_end, last_kept = match.end(), kept
    return found


def _before(text: str, start: int, last_end: int) -> str:
    """What introduces a candidate: back to the one before it, the start of the sentence or line, or ``BESIDE`` characters."""
    window = text[max(last_end, start - BESIDE, 0) : start]
    pieces = SENTENCE_END.split(window)
    if not pieces[-1].strip() and len(pieces) > 1:  # "Saksnummer:\n23/1234"
        return pieces[-2] + " "
    return pieces[-1]


def _columns(text: str, ours_is_ssbs: bool) -> dict[int, bool]:
    """Letters with a line of headings over a line of values: which values are SSB's."""
    verdicts: dict[int, bool] = {}
    for heading in COLUMNS.finditer(text):
        line_end = text.find("\n", heading.end())
        line = text[heading.end() : line_end if line_end >= 0 else len(text)]
        for match, owner in zip(CANDIDATE.finditer(line), (heading["first"], heading["second"]), strict=False):
            yours = owner.lower() in ("deres", "your", "dykkar")
            verdicts[heading.end() + match.start()] = yours != ours_is_ssbs
    return verdicts


def _is_span(match: re.Match[str]) -> bool:
    """An academic year or another span of years: 2023/24, 2023/2024, 23/24."""
    year, number = _year(match["year"]), match["number"]
    if len(number) == 2:
        return int(number) == (year + 1) % 100
    return len(number) == 4 and year < int(number) <= LAST_YEAR


def _is_date(match: re.Match[str], after: str) -> bool:
    """12/10, 12/10/2023, 24/7, 1/2: two small numbers, with or without a year after."""
    if re.match(r"\s?[/.]\s?\d", after):
        return True
    return len(match["year"]) == 2 and int(match["number"]) <= 31 and int(match["year"]) <= 31


def _is_ours(match: re.Match[str], before: str, after: str, ours_is_ssbs: bool) -> bool:
    """Whether a candidate is a reference of Statistics Norway, by its form and the words beside it."""
    if not _year(match["year"]) or TELEPHONE.search(before) or YEARS.search(before):
        return False
    direct = DIRECT_CUE.search(before) is not None
    if match["sep"].strip() != "/" and not (direct and _dash_form(match, after)):
        return False
    if _foreign(before, after, ours_is_ssbs):
        return False
    if direct or YOURS.search(before):
        return not re.match(r"\s?[/.]\s?\d", after)
    if _is_span(match) or _is_date(match, after) or AFTER_QUANTITY.match(after):
        return False
    return len(match["number"]) >= 3 or CUE.search(before) is not None or bool(match["document"])


# another body acknowledges a mail of ours under a number of its own
REGISTERED = re.compile(
    r"\b(?:registrert|registert|journalført|arkivert|registered|logged|filed)\s+(?:hos oss\s+)?(?:med|under|som|på|with|as|under)\b[^.]{0,30}$",
    re.IGNORECASE,
)


def _dash_form(match: re.Match[str], after: str) -> bool:
    """``ref. 23-1234`` and its like; never a date (2024-05-12) nor a span of years (2010-2020)."""
    if match["document"] and len(match["year"]) == 4 and len(match["number"]) == 2:
        return False
    return not _is_span(match) and (
        len(match["number"]) >= 3 or (len(match["year"]) == 4 and int(match["number"]) > 12 and not match["document"])
    )


def _foreign(before: str, after: str, ours_is_ssbs: bool) -> bool:
    """Whether the words beside it make it another body's number or the sender's own."""
    if OTHER_AFTER.match(after) or REGISTERED.search(before):
        return True
    yours, ours = _last(YOURS, before), _last(OURS, before)
    if ours > yours:
        return not (ours_is_ssbs or FROM_US.search(before) or WITH_US.search(before[ours:]))
    if yours >= 0:
        return ours_is_ssbs
    for match in OTHER_BEFORE.finditer(before):
        name = match.group().strip(" \t([«\"',;:/–-.").removesuffix("s")
        rest = before[match.end() :]
        near = len(rest) <= 25 and not re.search(r"[,;]|\b(?:og|and|samt|men|but)\b", rest)
        if name in ("for", "er") or (PAPER.match(name) and OF_CASE.search(rest)):  # the laws' FOR is written large
            continue
        if WEAK_OTHERS.match(name):
            near = not rest.strip(" .:(#") and DIRECT_CUE.search(before) is None
        if near and not re.search(r"\b(?:ssb|deres|dykkar|your)\b", rest, re.IGNORECASE):
            return True
    return False


def _last(pattern: Caseless, text: str) -> int:
    """Where the last match begins, -1 without one."""
    return max((match.start() for match in pattern.finditer(text)), default=-1)


def _reversed(text: str) -> list[str]:
    """``1234/2023``: a case number turned round or a journal serial (Noark 5 M014); a month with a year is neither."""
    found = []
    for match in REVERSED.finditer(text):
        number, year = match["number"], int(match["year"])
        if len(number) == 4 and FIRST_YEAR <= int(number) <= LAST_YEAR:
            continue  # a span of years, or a reference that CANDIDATE has
        if int(number) > 31 and FIRST_YEAR <= year <= LAST_YEAR and not _year_of_reference(match):
            found.append(f"{number}/{match['year']}")
    return found


def _year_of_reference(match: re.Match[str]) -> bool:
    """``23/2014`` is a reference whose number looks like a year more often than a serial: the two-digit year speaks for it."""
    return len(match["number"]) == 2 and _year(match["number"]) != 0
