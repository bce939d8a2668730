"""Applications: which kind, from whom, and which of the required attachments were found. Never "incomplete": only "not found".

Required attachments: https://www.ssb.no/data-til-forskning/utlan-av-data-til-forskere/soknad and /offentlig-myndighet
(domain.md § 1.2). A file is told by its name, by its title, by a heading inside it where all attachments came in one file, or by its
form: a table of variables is a variable list whatever it is called. A list of attachments in a form finds none of them.
"""

from __future__ import annotations

import re

from bot.model import ApplicationEntry, Category, ChecklistItem, Examined, ExaminedAttachment, Message, Past, Reason, Understanding

ITEMS: dict[str, re.Pattern[str]] = {
    "application-form": re.compile(r"s[øo]knads?skjema|s[øo]knad\b|application[ _-]?form|\bapplication\b|endringss[øo]knad", re.IGNORECASE),
    "variable-list": re.compile(r"variabel|variable|dataoversikt|data ?list|microdata\.no|skript|script|datauttrekk", re.IGNORECASE),
    "project-description": re.compile(
        r"prosjekt(beskriv|omtale|plan|skildr)|forskningsprotokoll|forskingsprotokoll|protokoll|project[ _-]?(desc|plan|prop)|protocol",
        re.IGNORECASE,
    ),
    "needs-description": re.compile(r"behov|form[åa]l|f[øo]rem[åa]l|needs?[ _-]|purpose|prosjektbeskriv|project[ _-]?desc", re.IGNORECASE),
    "dpia": re.compile(r"\bdpia|dpia\b|personvernkonsekvens|impact[ _-]?assess|konsekvensvurdering", re.IGNORECASE),
    "institution-approval": re.compile(
        r"godkjen(t|ning).{0,40}(institusjon|forskningsr|forskingsr|nfr|eurostat)|(nfr|eurostat|forskningsr[åa]det).{0,40}godkjen"
        r"|approved.{0,40}(institution|research council|eurostat)",
        re.IGNORECASE,
    ),
    "identifying-reasons": re.compile(r"begrunn|grunngjev|grunngiv|justification|reasons?[ _-]for", re.IGNORECASE),
    "other-use": re.compile(r"andre form[åa]l|andre f[øo]rem[åa]l|other purposes|internkontroll", re.IGNORECASE),
    "prior-approval": re.compile(r"\brek\b|konsesjon|personvernombud|tilr[åa]ding|licen[cs]e|data protection officer", re.IGNORECASE),
    "gdpr-account": re.compile(r"gdpr|rettsgrunnlag|behandlingsgrunnlag|legal basis|artikkel 6|article 6", re.IGNORECASE),
    "updated-documentation": re.compile(r"endring|oppdater|forleng|change|updated|extension|amend|DPIA|sikt|rek\b", re.IGNORECASE),
    "institution-documents": re.compile(
        r"vedtekt|statutt|statutes|publikasjon|publication|\bcv|årsmelding|annual report|godkjen", re.IGNORECASE
    ),
    "norwegian-partner": re.compile(
        r"(samarbeid|partner|prosjekt|project|cooperat|collaborat)\w*.{0,60}(norsk|norw|norge|noreg)|(norsk|norw)\w*.{0,40}(institusjon|institution|universit|partner)",
        re.IGNORECASE,
    ),
}
# "DPIA eller begrunnelse for at den ikke er nødvendig": the reasons may stand in the letter
NO_DPIA = re.compile(
    r"(?:\bdpia\b|personvernkonsekvens\w*|impact assessment)[^.?!]{0,80}\b(?:ikke|ikkje|not?)\b[^.?!]{0,40}"
    r"\b(?:nødvendig|naudsynt|påkrevd|påkravd|behov|krav|required|necessary|needed)\b"
    r"|\b(?:ikke|ikkje|no|not)\b[^.?!]{0,40}\b(?:nødvendig|naudsynt|behov|krav|required|necessary|need)\b[^.?!]{0,40}"
    r"(?:\bdpia\b|personvernkonsekvens|impact assessment)",
    re.IGNORECASE,
)
IN_LETTER: dict[str, re.Pattern[str]] = {
    "dpia": NO_DPIA,
    **{name: ITEMS[name] for name in ("institution-approval", "identifying-reasons", "gdpr-account", "other-use", "norwegian-partner")},
}
SCRIPT = re.compile(r"\b(?:require no\.ssb\.fdb|create-dataset|import db/)", re.IGNORECASE)  # a script of microdata.no
COLUMN = re.compile(r"variabel|variable|kortnavn|short ?name", re.IGNORECASE)  # heads a column of a variable list
TABLES = {"csv", "xlsx"}
TITLE_LINES, TITLE_LETTERS = 3, 200
HEADING_LETTERS = 80  # a longer line is no heading
SECTION_LETTERS = 400  # a heading that is followed by less is an entry of a list
IDENTIFYING = re.compile(
    r"grunnkrets|postnummer|f[øo]dselsdato|d[øo]dsdato|basic statistical unit|post ?code|date of (birth|death)", re.IGNORECASE
)
BEFORE_2018 = re.compile(r"f[øo]r 20\.?0?7\.?(20)?18|before 20 july 2018|konsesjon fra|licen[cs]e from", re.IGNORECASE)
PUBLIC = re.compile(
    r"kommune\b|direktorat|departement|tilsynet\b|fylke|\betaten?\b|statsforvalter|riksrevisjon|norges bank"
    r"|municipality|directorate|ministry|county council",
    re.IGNORECASE,
)
ABROAD = re.compile(
    r"\b(?:sverige|sweden|danmark|denmark|finland|island|iceland|tyskland|germany|deutschland|nederland|netherlands|storbritannia|united kingdom|"
    r"england|scotland|usa|united states|frankrike|france|italia|italy|spania|spain|sveits|switzerland|australia|canada|belgia|belgium|austria)\b",
    re.IGNORECASE,
)
HOME = {"no", "example", "com", "org", "net", "edu", "eu", "int", ""}  # top-level domains that do not tell a country abroad

REQUIRED = {
    "research": ("application-form", "variable-list", "project-description", "dpia"),
    "public": ("application-form", "variable-list", "needs-description", "dpia"),
    "foreign": ("application-form", "variable-list", "project-description"),
}
# what is wanted of some only, and what nobody can tell from the mail: shown where found, never said to be missing
OPTIONAL = {"research": ("institution-approval",), "public": ("other-use",), "foreign": ("norwegian-partner",)}


def entry(message: Message, understanding: Understanding, examined: Examined, past: Past, case_ref: str) -> ApplicationEntry | None:
    """What the register keeps of an application that was handed in; None for any other mail."""
    if understanding.category is not Category.APPLICATION:
        return None
    kind = _kind(understanding)
    applicant = applicant_of(message)
    checklist = _checklist(kind, applicant, message, examined)
    reasons = [{"new": Reason.APPLICATION_NEW, "change": Reason.APPLICATION_CHANGE, "institution": Reason.APPLICATION_INSTITUTION}[kind]]
    if any(item.required and not item.found_in for item in checklist):
        reasons.append(Reason.ATTACHMENT_MISSING)
    return ApplicationEntry(kind, applicant, checklist, case_ref, tuple(reasons), past.application_number)


def _kind(understanding: Understanding) -> str:
    kinds = {statement.kind for statement in understanding.statements}
    if "institution-application" in kinds:
        return "institution"
    if "change-application" in kinds or (understanding.case_refs and "application" not in kinds):
        return "change"
    return "new"


def applicant_of(message: Message) -> str:
    """``research``, ``public`` or ``foreign``, from the sender's domain, name and signature (where none was told apart, the last lines)."""
    signature = message.signature or "\n".join(message.own.strip().splitlines()[-4:])
    signed = f"{message.sender.domain} {message.sender.name}\n{signature}"
    if message.sender.domain.rpartition(".")[2] not in HOME or ABROAD.search(signature):
        return "foreign"
    return "public" if PUBLIC.search(signed) else "research"


def _checklist(kind: str, applicant: str, message: Message, examined: Examined) -> tuple[ChecklistItem, ...]:
    everything = f"{message.own}\n{examined.text}"
    if kind == "institution":
        required: tuple[str, ...] = ("institution-documents",)
    elif kind == "change":
        required = ("application-form", "updated-documentation")
    else:
        required = REQUIRED[applicant]
        if IDENTIFYING.search(everything):
            required = (*required, "identifying-reasons")
        if applicant == "research" and BEFORE_2018.search(everything):
            required = (*(item for item in required if item != "dpia"), "prior-approval", "gdpr-account")
    optional = OPTIONAL[applicant] if kind == "new" else ()
    return tuple(ChecklistItem(item, _where(item, message, examined), item in required) for item in (*required, *optional))


def _where(item: str, message: Message, examined: Examined) -> str:
    """The file that seems to be it, ``text`` where the letter itself says it, else ``""``."""
    for test in (_by_name, _by_form, _by_title, _by_heading):
        for attachment in examined.attachments:
            if test(item, attachment):
                return attachment.name
    in_letter = IN_LETTER.get(item)
    return "text" if in_letter is not None and in_letter.search(message.own) else ""


def _by_name(item: str, attachment: ExaminedAttachment) -> bool:
    names = (attachment.name, *attachment.members)
    return any(ITEMS[item].search(name.replace("_", " ")) for name in names)


def _by_form(item: str, attachment: ExaminedAttachment) -> bool:
    if item != "variable-list":
        return False
    first_lines = "\n".join(attachment.text.splitlines()[:TITLE_LINES])
    return (attachment.kind in TABLES and COLUMN.search(first_lines) is not None) or SCRIPT.search(attachment.text[:20_000]) is not None


def _by_title(item: str, attachment: ExaminedAttachment) -> bool:
    """Its first lines name it, where its file name does not name it something else."""
    if any(_by_name(other, attachment) for other in ITEMS):
        return False
    lines = [line.strip() for line in attachment.text.splitlines() if line.strip()]
    return ITEMS[item].search("\n".join(lines[:TITLE_LINES])[:TITLE_LETTERS]) is not None


def _by_heading(item: str, attachment: ExaminedAttachment) -> bool:
    """A heading with a section beneath it, where all attachments came in one file."""
    place = 0
    headings: list[tuple[int, str]] = []
    for line in attachment.text.splitlines(keepends=True):
        text = line.strip(" \t\r\n-–•*☐☒□■✓0123456789.):")
        if 0 < len(text) <= HEADING_LETTERS and not text.endswith((".", ";", ",")) and any(p.match(text) for p in ITEMS.values()):
            headings.append((place, text))
        place += len(line)
    ends = [*(start for start, _ in headings[1:]), place][: len(headings)]
    return any(
        ITEMS[item].match(text) is not None and end - start - len(text) >= SECTION_LETTERS
        for (start, text), end in zip(headings, ends, strict=True)
    )
