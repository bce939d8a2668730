"""Applications: which kind, from whom, and which of the required attachments were found. Never "incomplete": only "not found".

Required attachments: https://www.ssb.no/data-til-forskning/utlan-av-data-til-forskere/soknad and /offentlig-myndighet
(domain.md § 1.2).
"""

from __future__ import annotations

import re

from bot.model import ApplicationEntry, Category, ChecklistItem, Examined, Message, Reason, Understanding

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
}
IDENTIFYING = re.compile(
    r"grunnkrets|postnummer|f[øo]dselsdato|d[øo]dsdato|basic statistical unit|post ?code|date of (birth|death)", re.IGNORECASE
)
BEFORE_2018 = re.compile(r"f[øo]r 20\.?0?7\.?(20)?18|before 20 july 2018|konsesjon fra|licen[cs]e from", re.IGNORECASE)
PUBLIC = re.compile(
    r"kommune\b|direktorat|departement|tilsynet\b|fylke|\betaten?\b|statsforvalter|riksrevisjon|norges bank"
    r"|municipality|directorate|ministry|county council",
    re.IGNORECASE,
)
HOME = {"no", "example", "com", "org", "net", "edu", "eu", "int", ""}  # top-level domains that do not tell a country abroad

REQUIRED = {
    "research": ("application-form", "variable-list", "project-description", "dpia"),
    "public": ("application-form", "variable-list", "needs-description", "dpia"),
    "foreign": ("application-form", "variable-list", "project-description"),
}


def entry(message: Message, understanding: Understanding, examined: Examined, case_ref: str) -> ApplicationEntry | None:
    """What the register keeps of an application that was handed in; None for any other mail."""
    if understanding.category is not Category.APPLICATION:
        return None
    kind = _kind(understanding)
    applicant = applicant_of(message)
    checklist = _checklist(kind, applicant, message, examined)
    reasons = [{"new": Reason.APPLICATION_NEW, "change": Reason.APPLICATION_CHANGE, "institution": Reason.APPLICATION_INSTITUTION}[kind]]
    if any(item.required and not item.found_in for item in checklist):
        reasons.append(Reason.ATTACHMENT_MISSING)
    return ApplicationEntry(kind, applicant, checklist, case_ref, tuple(reasons))


def _kind(understanding: Understanding) -> str:
    kinds = {statement.kind for statement in understanding.statements}
    if "institution-application" in kinds:
        return "institution"
    if "change-application" in kinds or (understanding.case_refs and "application" not in kinds):
        return "change"
    return "new"


def applicant_of(message: Message) -> str:
    """``research``, ``public`` or ``foreign``, from the sender's domain, name and signature."""
    if PUBLIC.search(f"{message.sender.domain} {message.sender.name} {message.signature} {message.own[-300:]}"):
        return "public"
    return "research" if message.sender.domain.rpartition(".")[2] in HOME else "foreign"


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
    optional = ("institution-approval",) if kind == "new" and applicant == "research" else ()
    return tuple(ChecklistItem(item, _where(item, message, examined), item in required) for item in (*required, *optional))


def _where(item: str, message: Message, examined: Examined) -> str:
    """The file that seems to be it: by its name first, then by the beginning of its text; for what may stand in the letter, the letter."""
    pattern = ITEMS[item]
    for attachment in examined.attachments:
        if pattern.search(attachment.name.replace("_", " ")):
            return attachment.name
    for attachment in examined.attachments:
        if pattern.search(attachment.text[:2000]) or any(pattern.search(member) for member in attachment.members):
            return attachment.name
    in_letter = item in ("institution-approval", "identifying-reasons", "gdpr-account", "other-use")
    return "text" if in_letter and pattern.search(message.own) else ""
