"""Whether a machine sent a mail: one table of rules, read from the top; the first that fires is the reason.

Each rule has a name, a kind and the source it rests on. Keywords are compared as tokens, in lower case, without comments. Strong
evidence is a header; where there is none, subject **and** body must both say it, for people quote machines, forward them and write about
them. ``X-Auto-Response-Suppress`` from a person's Exchange client is a wish, not a proof (see ``suppresses``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from bot.mail.mime import Opened, Part, media_type
from bot.mail.text import header
from bot.model import Address, Automatic, Bounce

LOOP_HEADER = "x-mikrodata-bot"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the rules look at: headers in lower case, the sender, the sender's own text, the parts, the envelope."""

    headers: dict[str, str]
    sender: Address
    subject: str
    text: str
    opened: Opened
    own_addresses: frozenset[str]
    envelope_from: str | None
    signature: str = ""

    def header(self, name: str) -> str:
        """A header by its lower-case name, ``""`` where it is missing."""
        return self.headers.get(name, "")


@dataclass(frozen=True, slots=True)
class Rule:
    """A row: ``finds`` gives the evidence, ``""`` where the rule does not fire."""

    name: str
    kind: str
    source: str
    finds: Callable[[Seen], str]


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────

DAEMON = re.compile(
    r"^(?:mailer-?daemon|mail-?daemon|mdaemon|bounces?(?:[+=-].*)?|double-bounce|microsoftexchange[0-9a-f]{20,}|mail\.?delivery\.?(?:sub)?system|mailerdaemon|maildelivery)$",
    re.IGNORECASE,
)
POSTMASTER = re.compile(r"^(?:postmaster|mail-?admin|mailadmin)$", re.IGNORECASE)
NO_REPLY = re.compile(
    r"^(?:(?:[\w.+-]*[._+-])?(?:no|do[._-]?not|dont|donot|ikke|ikkje|inga?|kein|ei)[._-]?(?:reply|response|svar|antwort|respond|vast\w*)(?:[._+\d-].*)?|(?:[\w.-]+[._-])?noreply\w*|auto(?:mailer|svar|reply|responder|matisk)?|"
    r"notifications?|varsel|varslinger?|varsling|notify|alerts?|newsletters?|nyhetsbrev|nyheitsbrev|mailing-?list|listserv|majordomo|mailman|.*-(?:bounces|owner|request)|owner-.*|robot|cron|root|daemon|systemvarsel|donotreply.*)$",
    re.IGNORECASE,
)
BOUNCE_SUBJECT = re.compile(
    r"^\s*(?:(?:undeliver(?:able|ed)(?: mail)?(?: returned to sender)?|returned mail|mail delivery (?:failed|failure|system|error|subsystem)|delivery status notification|delivery (?:failure|has failed|failed|notification|report)|failure notice|failed delivery|message "
    r"(?:undeliverable|not delivered|delivery failure|could not be delivered)|mail system error|warning: (?:could not send|message|e?mail).{0,60}|message delayed|delayed (?:mail|delivery|message)|delivery delayed|mail could not be delivered|non[- ]?delivery|undelivered|"
    r"unzustellbar|zustellung(?:sfehler| fehlgeschlagen)|kan ikke leveres|kunne ikke leveres|kunne ikkje leverast|ikke levert|leveringsfeil|levering mislyktes|leveringsproblem|levering forsinket|meldingen (?:kan|kunne|ble) ikke lever\w+|ej levererat|går inte att leverera|"
    r"olevererbart|leveransfel|kan ikke afleveres|returneret|ikke afleveret|ikkje levert|kan ikkje leverast|rejected:|adressaten (?:er ukjent|finnes ikke))\b|(?:delivery failure|delayed|failed|undeliverable|ikke levert|forsinket)\s*[:(])",
    re.IGNORECASE,
)
BOUNCE_BODY = re.compile(
    r"(?:this is the (?:qmail-send|mail delivery|mail system|postfix|mail delivery agent)|this message was created automatically by mail delivery|i'?m afraid i wasn'?t able to deliver|could not be delivered|couldn'?t be delivered|was not delivered|wasn'?t delivered|unable to deliver|delivery (?:to the "
    r"following|has failed|failed|attempt|of your)|undeliverable|recipient(?:'s|s)? (?:address|mailbox)? ?(?:rejected|unknown|not found|full)|user unknown|unknown user|mailbox (?:is )?(?:full|unavailable|not found)|no such user|over quota|permanent (?:error|failure|fatal)|status(?: code)?: [45]\.\d|"
    r"\b[45]\.\d\.\d{1,2}\b|\b55[0-4][ -]|remote server returned|generating server|diagnostic information for administrators|routing loop|kunne ikke leveres|kan ikke leveres|ble ikke levert|kunne ikkje leverast|mottaker(?:en|ens)?\b.{0,40}(?:finnes ikke|finst ikkje|ukjent|full)|kunde inte levereras|"
    r"konnte nicht zugestellt|kunne ikke afleveres|blev ikke leveret|har ikke blitt levert|vi har ikke kunnet levere|listed recipient|not listed in (?:domino|public)|fikk ikke levert|leveringen mislyktes|levering til (?:disse|følgende|desse))",
    re.IGNORECASE,
)
DELAY = re.compile(
    r"(?:delayed|not yet been delivered|will (?:continue|keep|be retried)|still trying|has not (?:yet )?been delivered|warning message only|do not need to resend|forsinket|forseinka|fortsatt forsøke|prøver igjen|will retry|försenad|verzögert|temporary (?:problem|failure))",
    re.IGNORECASE,
)
ABSENT_SUBJECT = re.compile(
    r"^\s*(?:\[[^\]]{1,30}\]\s*)?(?:auto(?:matic(?:ally)?|mated|matisk[t]?|matische|svar|reply|-reply|-response|response|responder|-svar|antwort|:|\s+reply|generert)\b.{0,20}(?::|\b)|automatisk (?:svar|fraværsmelding|fråværsmelding|melding|kvittering)|automatiskt svar|automatische antwort|out[- ]of[- ](?:the[- ])?office|ooo\b|"
    r"i(?:['’]?m| am) (?:currently )?(?:out of|away|on (?:leave|holiday|vacation))|away from (?:the |my )?(?:office|desk|e?mail)|on (?:leave|vacation|holiday|parental leave|sabbatical)\b|vacation (?:reply|response|notice|message)|absence (?:notice|message)|"
    r"fravær(?:smelding|sassistent|ende|sbeskjed)?\b|fråver(?:smelding|ande)?\b|fråvær\w*|ikke (?:til stede|på kontoret|tilgjengelig)|ikkje (?:til stades|på kontoret|tilgjengeleg)|ute av kontoret|borte fra kontoret|borte frå kontoret|ferie(?:avvikling|melding)?\b.{0,30}$|på ferie|i permisjon|permisjon\b|foreldrepermisjon|"
    r"abwesen(?:heits)?\w*|frånvar\w*|fraværs?\w*|är (?:inte på|ej på|borta från) kontoret|semester\b|jag är på semester|ikke på kontoret|fraværsbesked|jeg er (?:ikke (?:på kontoret|til stede)|på ferie|ute av kontoret|bortreist|for tiden)|eg er (?:ikkje på kontoret|på ferie|borte|bortreist)|réponse automatique|respuesta automática|"
    r"risposta automatica|automatisch antwoord|afwezig\w*|poza biurem|automaattinen)",
    re.IGNORECASE,
)
AUTOMATIC_PHRASE = re.compile(
    r"(?:this is an? (?:automatic(?:ally)?|automated|auto)[- ]?(?:generated )?(?:reply|response|message|e-?mail|notification|confirmation)|(?:e-?mail|message|reply|melding\w*|e-?post\w*|svar\w*|beskjed\w*|kvittering\w*) (?:is|was|has been|er|ble|blei|vart|blir|vert) (?:sendt automatisk|send automatisk|sent automatically|generert automatisk|laga automatisk|skickat automatiskt|(?:automatically|automatisk|auto-?|maskinelt) ?(?:generated|sent|created|generert|sendt|"
    r"send|utsendt|laget|laga|oppretta|skapad|oprettet))|dette er (?:et|eit|en|ei) (?:automatisk|maskingenerert|autogenerert|automatisert)|det här är ett automatiskt|detta är ett automatiskt|dette er en automatisk|dies ist eine automatische|automatisch (?:erstellt|generiert)|do not (?:reply|respond) to this|please do not reply|"
    r"(?:ikke|ikkje) svar(?:e)? på denne|(?:kan|skal) ikke (?:besvares|svares på)|kan ikkje svarast på|svar på denne (?:e-?posten|meldingen|meldinga) (?:blir|vert|vil) ikk\w+|this mailbox is not monitored|unmonitored|inbox is not monitored|postkassen (?:er ikke|blir ikke) (?:overvåket|lest|betjent)|"
    r"autogenerer\w+|auto-generated|autosvar|automatisk svar\b|automated (?:reply|response|message)|automatic (?:reply|response))",
    re.IGNORECASE,
)
ABSENT = re.compile(
    r"(?:\b(?:jeg|eg|i|we|vi|jag|ich|er|æ)\b(?:[^.!?\n]|\.(?=\d)|(?<=\d)\.){0,60}\b(?:ute av kontoret|ikke (?:på kontoret|til stede|tilgjengelig|å treffe|på jobb)|ikkje (?:på kontoret|til stades|tilgjengeleg|å treffe|på jobb|å få tak i)|borte fra|borte frå|bortreist|på (?:ferie|reise|feltarbeid|tjenestereise|tenestereise|konferanse|kurs|fjellet)|i (?:perm\w*|foreldrepermisjon|fødselspermisjon|pappaperm\w*|mammaperm\w*)|har (?:ferie|\w*permisjon|fri|sluttet|slutta|avspasering)|"
    r"sluttet i|slutta i|sykmeldt|sjukmeld|out of (?:the )?office|away|on (?:annual |parental |maternity |paternity |sick |sabbatical |research )?(?:leave|vacation|holiday|sabbatical|fieldwork)|travelling|traveling|unavailable|no longer (?:work|employed|at)|limited access to|begrenset tilgang til|avgrensa tilgang til|"
    r"inte på kontoret|på semester|tjänstledig|föräldraledig|ledig|nicht im (?:büro|haus)|im urlaub|abwesend|außer haus|ikke på kontoret|på barsel|på orlov|på (?:fjelltur|tur|oppdrag)|ute på|not be reading|reading my (?:e-?mail|mail)|leser (?:ikke )?e-?post\w*)"
    r"|^\s*(?:ute av kontoret|out of (?:the )?office|på ferie|er bortreist|er på ferie|for tiden (?:ikke|på)|ikke til stede|ikkje til stades)|takk for (?:din )?e-?post\w*[.,!][^.!?]{0,40}\b(?:ferie|permisjon|kontoret|bortreist)|away from my (?:desk|e-?mail|office)|leave of absence)",
    re.IGNORECASE | re.MULTILINE,
)
RETURNS = re.compile(
    r"(?:\b(?:tilbake|attende|back|return(?:ing)?|retur|åter|zurück|tillbaka|tilbage)\b[^.!?\n]{0,50}(?:\d|mandag|tirsdag|onsdag|torsdag|fredag|måndag|tysdag|monday|tuesday|wednesday|thursday|friday|januar|februar|mars|april|mai|juni|juli|august|september|oktober|november|desember|january|february|march|may|june|july|october|december|uke|veke|week|høst|haust|over|after|etter)"
    r"|\b(?:fra|frå|from|i tidsrommet|until|till|til og med|til|t\.o\.m\.?|between|perioden|bis|mellom|through|uke|veke|week)\b[^.!?\n]{0,25}\d{1,4}\s*[./-]?\s*\w*)",
    re.IGNORECASE,
)
SUBSTITUTE = re.compile(
    r"(?:haste(?:saker?|henvendelser|r det|førespurnader)|ved (?:spørsmål|behov|hastesaker|henvendelser|viktige)|for (?:spørsmål|henvendelser|urgent|immediate|assistance|questions)|if (?:it is |this is |your (?:message|request|matter|e-?mail) is )?urgent|in urgent|urgent (?:matters|requests|enquiries|inquiries)|(?:vennligst|please|ver (?:vennleg|venleg)|venligst|du kan|kan du|bitte|vänligen) "
    r"(?:kontakt\w*|contact|ta kontakt|call|ringe?|wenden|henvend\w*|direct)|kontakt (?:min kollega|kollega|i stedet|i staden|sentralbord|resepsjon|avdelingsleder|\w+@)|contact my (?:colleague|manager|supervisor)|(?:svarer|svarar|leser|les|respond|reply|answer|read)[^.!?\n]{0,40}(?:når jeg|når eg|when i|upon my|så snart|as soon as|etter ferien|sporadisk|"
    r"uregelmessig|periodically|occasionally|limited|forsinket|begrenset)|(?:e-?post\w*|mail\w*|messages?)[^.!?\n]{0,40}(?:blir ikke lest|vert ikkje lese|will not be (?:read|forwarded)|leses ikke|videresendes ikke|sporadisk|sporadically|forwarded))",
    re.IGNORECASE,
)
ASKS_US = re.compile(
    r"\?|\b(?:lurer på|lurer|lurar på|kan dere|kan de|kan dykk|could you|can you|would you|please (?:send|find|confirm|let)|vi ønsker|jeg ønsker|eg ønskjer|vi ber om|vennligst (?:send|bekreft|gi)|har slettet|have deleted|er slettet|vedlagt|attached|søknad(?:en)? (?:om|vår|min)|signert|signed|i lurt på|datasett\w*|leveransen|"
    r"utsett\w*|forleng\w*|extension|spørsmål om (?:tilgang|pris|søknad))\b",
    re.IGNORECASE,
)
RECEIPT_SUBJECT = re.compile(
    r"^\s*(?:read|not read|unread|lest|ulest|ikke lest|lese|ulese|sett|læst|ulæst|ikke læst|läst|oläst|gelesen|ungelesen|delivered|levert|leveret|levererat|read receipt|return receipt(?: \(displayed\))?|lesebekreftelse|lesekvittering|leveringskvittering|kvittering for lesing|relayed|videresendt:? levert)\s*(?::|\(|$)",
    re.IGNORECASE,
)
RECEIPT_BODY = re.compile(
    r"(?:was\s+\S+\s+received|was received by|was (?:read|displayed|opened|deleted without being read)|has been (?:read|delivered|displayed)|ble (?:lest|vist|åpnet|slettet uten å|levert)|blei (?:lest|lese|vist)|vart (?:lesen|lese|opna|vist)|er (?:lest|levert|åpnet)\b|return receipt|read receipt|lesebekreftelse|lesekvittering|this receipt (?:verifies|only acknowledges)|no guarantee that the "
    r"message has been read|blev (?:læst|läst)|wurde (?:gelesen|angezeigt)|delivery to these recipients or groups is complete|levering til disse mottakerne|your message\s+to:.{0,200}was read)",
    re.IGNORECASE | re.DOTALL,
)
CALENDAR_SUBJECT = re.compile(
    r"^\s*(?:accepted|declined|tentative(?:ly accepted)?|canceled|cancelled|updated? invitation|invitation|new time proposed|godtatt|godtatt foreløpig|godteke|avslått|avslege|avlyst|foreløpig(?: godtatt)?|møteforespørsel|møteinnkalling|invitasjon|akseptert|accepterad|accepterat|avböjt|preliminär\w*|accepteret|afvist|zugesagt|abgesagt|mit vorbehalt)\s*:",
    re.IGNORECASE,
)
CALENDAR_BODY = re.compile(
    r"(?:\b(?:has|have|har|hat) (?:tentatively |foreløpig |preliminärt )?(?:accepted|declined|godtatt|godteke|akseptert|avslått|avslege|accepterat|avböjt|accepteret|afvist|cancel+ed|avlyst|kansellert|proposed a new)\b[^.?!]{0,40}\b(?:invit\w*|møte\w*|meeting|møde\w*|event|appointment|avtale\w*)"
    r"|^\s*(?:når|when|tid|kor|hvor|where|sted|stad|wann|wo|tidspunkt|lokasjon|location)\s*:.{4,}|\b(?:meeting|møtet|event|hendelsen) (?:has been|was|is|er|ble|blei|vart) (?:cancel+ed|avlyst|kansellert|flyttet|flytta|updated|oppdatert)|microsoft teams.{0,30}(?:meeting|møte)|(?:join|bli med i) .{0,30}(?:meeting|møtet))",
    re.IGNORECASE | re.MULTILINE,
)
NEWSLETTER = re.compile(
    r"(?:unsubscribe|meld(?:e)? (?:deg|dere|meg)? ?av (?:nyhets|nyheits|listen|lista|e-?post|her|vår)|avmeld\w*|opt[- ]out|view (?:this )?(?:e-?mail|message|it)? ?in (?:your )?browser|vis i nettleser|se (?:e-?posten|nyhetsbrevet) i nettleser|manage (?:your )?(?:preferences|subscription)|du mottar denne (?:e-?posten|meldinga|meldingen) fordi|"
    r"you(?:['’]re| are) receiving this (?:e-?mail|message|newsletter) because|endre (?:dine )?innstillinger|update (?:your )?preferences|vil du ikke lenger motta|if you no longer wish)",
    re.IGNORECASE,
)
LIST_HEADERS = (
    "list-id",
    "list-post",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-help",
    "list-subscribe",
    "list-owner",
    "list-archive",
    "mailing-list",
    "x-mailing-list",
    "x-mailman-version",
    "x-beenthere",
    "x-list",
    "x-listserv",
    "x-ml-name",
    "x-loop-list",
)
BULK_HEADERS = (
    "feedback-id",
    "x-campaign",
    "x-campaignid",
    "x-campaign-id",
    "x-mc-user",
    "x-csa-complaints",
    "x-mailchimp-campaign-id",
    "x-mailgun-tag",
    "x-newsletter",
    "x-nl-id",
    "x-marketing",
    "x-hubspot-rule-id",
    "x-job",
    "x-msys-api",
    "x-emarsys-environment",
    "x-rcpt-campaign",
    "x-apsis-campaign",
)
AUTO_HEADERS = (
    "x-autoreply", "x-auto-reply", "x-autorespond", "x-autoresponder", "x-autoresponse", "x-autoreply-from", "x-mail-autoreply", "x-auto-reply-from", "x-autogenerated", "x-auto-generated", "x-autoreply-domain", "x-autoreplied-from", "x-vacation", "x-fc-machinegenerated", "x-cron-env", "x-auto-replied",
    "x-amazon-auto-reply", "x-amazon-mail-relay-type", "x-jive-autoreply", "x-ooo", "x-out-of-office", "x-autosubmitted", "x-mailer-autoreply", "x-gitlab-notificationreason", "x-github-reason", "x-jira-fingerprint", "x-rt-loop-prevention", "x-otrs-loop", "x-zammad-auto-response", "x-no-loop", "x-zendesk-auto",
)  # fmt: skip


def _keyword(value: str) -> str:
    """The first token of a structured value, comments and parameters left out (RFC 3834 § 5)."""
    return re.sub(r"\([^()]*\)", " ", value).split(";")[0].strip().strip('"').lower()


# ── the tests ─────────────────────────────────────────────────────────────────────────────────────────────────


def _own(seen: Seen) -> str:
    if seen.header(LOOP_HEADER):
        return "our own loop header"
    return "From is our own address" if seen.sender.address.lower() in seen.own_addresses else ""


def _report(kind: str) -> Callable[[Seen], str]:
    def finds(seen: Seen) -> str:
        if not seen.opened.types or seen.opened.types[0] != "multipart/report":
            return ""
        found = re.search(r"report-type\s*=\s*\"?([\w-]+)", seen.header("content-type"), re.IGNORECASE)
        named = found[1].lower() if found else ""
        fits = named == kind or (not named and f"message/{kind}" in seen.opened.types)
        return f"multipart/report; report-type={kind}" if fits else ""

    return finds


def _delivery_delay(seen: Seen) -> str:
    return "Action: delayed" if _actions(seen) == {"delayed"} and _report("delivery-status")(seen) else ""


def _delivered(seen: Seen) -> str:
    fine = {"delivered", "relayed", "expanded"}
    return "Action: delivered" if _actions(seen) and _actions(seen) <= fine and _report("delivery-status")(seen) else ""


def _actions(seen: Seen) -> set[str]:
    return {str(part.get("Action", "")).strip().lower() for part in seen.opened.status if part.get("Action")}


def _rejected(seen: Seen) -> str:
    """A filter that refuses in the form of a read receipt (Sieve reject, RFC 5429 § 2.1.2)."""
    if _report("disposition-notification")(seen) and re.search(r"reject\w*|refus\w*|avvis\w*", seen.text[:1500], re.IGNORECASE):
        return "a disposition notification that says rejected"
    return ""


def _status_part(seen: Seen) -> str:
    if "message/delivery-status" in seen.opened.types and not _forwards(seen):
        return "a delivery-status part"
    return ""


def _forwards(seen: Seen) -> bool:
    """A person who sends a machine's mail on writes something of their own or says so in the subject."""
    return bool(re.match(r"\s*(?:fwd?|vs|vb|wg|tr)\s*:", seen.subject, re.IGNORECASE)) and not seen.header("auto-submitted")


def _daemon(seen: Seen) -> str:
    local = seen.sender.address.partition("@")[0]
    if DAEMON.match(local) or (
        re.match(r"(?:mail delivery (?:sub)?system|mailer-daemon|mail administrator|microsoft outlook$)", seen.sender.name, re.IGNORECASE)
        and (BOUNCE_SUBJECT.match(seen.subject) or not local)
    ):
        return "From a mail daemon"
    if POSTMASTER.match(local) and (
        BOUNCE_SUBJECT.match(seen.subject)
        or RECEIPT_SUBJECT.match(seen.subject)
        or (BOUNCE_BODY.search(seen.text) and "?" not in seen.text)
    ):
        return "From postmaster, with the words of a bounce"
    return ""


def _failed_recipients(seen: Seen) -> str:
    if seen.header("x-failed-recipients"):
        return "X-Failed-Recipients"
    return "X-MS-Exchange-Message-Is-Ndr" if "x-ms-exchange-message-is-ndr" in seen.headers else ""


def _bounce_words(seen: Seen) -> str:
    if BOUNCE_SUBJECT.match(seen.subject) and BOUNCE_BODY.search(seen.text[:3000]):
        return "the subject and the words of a bounce"
    return "qmail's opening words" if re.match(r"\s*hi\. this is the (?:qmail-send|mail system)", seen.text, re.IGNORECASE) else ""


def _null_sender(seen: Seen) -> str:
    if seen.envelope_from == "":
        return "null envelope sender"
    return "Return-Path: <>" if re.fullmatch(r"<\s*>", seen.header("return-path")) else ""


def _null_sender_bounce(seen: Seen) -> str:
    if _null_sender(seen) and (
        BOUNCE_SUBJECT.match(seen.subject) or BOUNCE_BODY.search(seen.text[:3000]) or BLOCKED.search(seen.text[:3000])
    ):
        return "null sender, with the words of a bounce"
    return ""


BLOCKED = re.compile(
    r"(?:blocked|rejected|quarantined|not (?:been )?delivered|blokkert|avvist|stoppet|stanset|stansa|ikke kommet fram|ikkje kome fram|karantene|stopped)",
    re.IGNORECASE,
)


def _absent_with_header(seen: Seen) -> str:
    marked = _auto_submitted()(seen) or _precedence("bulk", "junk", "auto_reply")(seen)
    if (
        marked
        and not _header_of(*LIST_HEADERS)(seen)
        and (ABSENT_SUBJECT.match(seen.subject) or _signs(seen.text[:4000]) >= 2)
        and ABSENT.search(seen.text[:4000])
    ):
        return f"{marked}, and the words of an absence notice"
    return ""


def _auto_submitted(*keywords: str) -> Callable[[Seen], str]:
    def finds(seen: Seen) -> str:
        keyword = _keyword(seen.header("auto-submitted"))
        if not keyword or keyword in ("no", "none", "false"):
            return ""
        return f"Auto-Submitted: {keyword[:40]}" if not keywords or keyword in keywords else ""

    return finds


def _auto_header(seen: Seen) -> str:
    for name in AUTO_HEADERS:
        value = _keyword(seen.header(name))
        if value and value not in ("no", "false", "0", "none"):
            return name
    if re.search(r"autorespond", seen.header("delivered-to"), re.IGNORECASE):
        return "Delivered-To an autoresponder"
    if seen.header("x-post-messageclass").startswith("9"):
        return "X-POST-MessageClass 9"
    loop = _keyword(seen.header("x-loop"))
    return "X-Loop" if loop else ""


def _precedence(*keywords: str) -> Callable[[Seen], str]:
    def finds(seen: Seen) -> str:
        for name in ("precedence", "x-precedence"):
            if (keyword := _keyword(seen.header(name)).replace("-", "_")) in keywords:
                return f"Precedence: {keyword}"
        return ""

    return finds


def _spam(seen: Seen) -> str:
    if _keyword(seen.header("x-spam-flag")) == "yes" or seen.header("x-spam-status").lower().startswith("yes"):
        return "X-Spam-Flag of the mail server"
    return ""


def _header_of(*names: str) -> Callable[[Seen], str]:
    def finds(seen: Seen) -> str:
        return next((name for name in names if seen.header(name)), "")

    return finds


SCHEDULING = frozenset({"REQUEST", "REPLY", "CANCEL", "COUNTER", "DECLINECOUNTER", "REFRESH", "ADD"})  # PUBLISH is a file like any other


def _calendar(seen: Seen) -> str:
    if seen.opened.calendar_method in SCHEDULING and not _forwards(seen):
        return f"text/calendar; method={seen.opened.calendar_method}"
    if "text/calendar" in seen.opened.types[:4] and (CALENDAR_SUBJECT.match(seen.subject) or seen.opened.types[0] == "text/calendar"):
        return "a calendar part and its subject"
    if CALENDAR_SUBJECT.match(seen.subject) and (
        not seen.text.strip()
        or seen.header("x-ms-exchange-calendar-originator-id")
        or seen.header("content-class").endswith("calendarmessage")
    ):
        return "the subject of a calendar reply"
    if (
        CALENDAR_SUBJECT.match(seen.subject)
        and CALENDAR_BODY.search(seen.text[:1500])
        and "?" not in seen.text[:1500]
        and not ASKS_US.search(seen.text[:1500])
    ):
        return "the subject and the words of a calendar notice"
    return ""


def _receipt_words(seen: Seen) -> str:
    if RECEIPT_SUBJECT.match(seen.subject) and RECEIPT_BODY.search(seen.text[:2000]):
        return "the subject and the words of a read receipt"
    return ""


def _absent_subject(seen: Seen) -> str:
    if not ABSENT_SUBJECT.match(seen.subject):
        return ""
    text = seen.text[:4000]
    signs = _signs(text)
    if HANDS_OVER.search(text) or (_asks(text) and not (AUTOMATIC_PHRASE.search(text) and ABSENT.search(text))):
        return ""
    if AUTOMATIC_PHRASE.search(text) or ABSENT.search(text) or signs >= 2:
        return "the subject and the words of an automatic reply"
    machine = re.match(
        r"\s*(?:automatic reply|automatisk svar|autosvar|automatiskt svar|automatische antwort|autoreply|auto-?reply|out of office|automatisk fraværs\w*|réponse automatique)\b",
        seen.subject,
        re.IGNORECASE,
    )
    return "the subject that only machines write" if machine and not ASKS_US.search(text) else ""


HANDS_OVER = re.compile(
    r"\b(?:overtar|overtek|tar over|tek over|takes? over|taking over|has taken over|ny(?:tt)? prosjektleder|ny prosjektleiar|new (?:project leader|principal investigator|pi\b)|ny kontaktperson|i mitt fravær (?:er|blir))",
    re.IGNORECASE,
)


def _asks(text: str) -> bool:
    """A request to us among the words: a person on holiday who writes all the same."""
    return bool(ASKS_US.search(SUBSTITUTE.sub(" ", text)))


def _signs(text: str) -> int:
    return sum(bool(pattern.search(text)) for pattern in (ABSENT, RETURNS, SUBSTITUTE, AUTOMATIC_PHRASE))


def _absent_words(seen: Seen) -> str:
    """No subject tells it: an answer to something, short, that says absent, until when and whom to ask, and asks us nothing."""
    text = seen.text[:4000]
    if len(text.split()) > 160 or not ABSENT.search(text) or _asks(text):
        return ""
    answers = (
        bool(seen.header("in-reply-to") or seen.header("references"))
        or bool(re.match(r"\s*(?:re|sv|aw|svar)\s*:", seen.subject, re.IGNORECASE))
        or not seen.subject.strip()
    )
    needed = 3 if not answers else 2
    return (
        "the words of an absence notice" if _signs(text) >= needed + (not AUTOMATIC_PHRASE.search(text) and len(text.split()) > 90) else ""
    )


def _automatic_words(seen: Seen) -> str:
    """Somebody's system says that it is one: in so many words, and nobody asks anything beside it."""
    text = seen.text[:4000]
    match = AUTOMATIC_PHRASE.search(text)
    if match is None or "?" in text or (re.match(r"\s*(?:re|sv|aw|fwd?|vs)\s*:", seen.subject, re.IGNORECASE) and ASKS_US.search(text)):
        return ""
    around = text[max(0, match.start() - 60) : match.end() + 60]
    if re.search(
        r"\b(?:fikk|fekk|mottok|got|received|from you|fra dere|frå dykk|your|deres|dykkar)\b", around, re.IGNORECASE
    ) and not re.match(r"\s*(?:dette er|this is)", text[match.start() :], re.IGNORECASE):
        return ""
    return "the words of an automatic message"


def _monitoring(seen: Seen) -> str:
    fields = len(re.findall(r"^[A-Za-z][\w /-]{1,30}:\s+\S", seen.text[:2000], re.MULTILINE))
    if fields >= 3 and "?" not in seen.text and MONITORING.match(seen.subject):
        return "the form of a monitoring message"
    return ""


MONITORING = re.compile(
    r"^\s*(?:\[?(?:problem|resolved|recovery|critical|alert|alarm|warning|disaster|down|ok|firing)\]?\s*[:\-]|\*\*|\[firing|\[resolved)",
    re.IGNORECASE,
)


def _no_reply(seen: Seen) -> str:
    local = seen.sender.address.partition("@")[0]
    return "From an address that takes no reply" if NO_REPLY.match(local) else ""


def _newsletter(seen: Seen) -> str:
    """A newsletter without list headers: it says how to unsubscribe in text of its own, and was not sent on by a person."""
    if (
        NEWSLETTER.search(f"{seen.text[-1500:]}\n{seen.signature[-800:]}")
        and len(seen.text.split()) > 40
        and not _forwards(seen)
        and not seen.header("in-reply-to")
    ):
        return "the words of a newsletter"
    return ""


EXCHANGE = "Microsoft: Exchange Online message headers"
RULES = (
    Rule("own-mail", "own", "RFC 3834 § 4", _own),
    Rule("delivered-report", "receipt", "RFC 3464 § 2.3.3", _delivered),
    Rule("delivery-delay", "delay", "RFC 3464 § 2.3.3", _delivery_delay),
    Rule("delivery-report", "bounce", "RFC 3462, RFC 3464", _report("delivery-status")),
    Rule("rejected-by-filter", "bounce", "RFC 5429 § 2.1.2", _rejected),
    Rule("disposition-report", "receipt", "RFC 8098", _report("disposition-notification")),
    Rule("feedback-report", "notice", "RFC 5965", _report("feedback-report")),
    Rule("delivery-status-part", "bounce", "RFC 3464 § 2", _status_part),
    Rule("daemon", "bounce", "RFC 5321 § 4.5.5; RFC 2142", _daemon),
    Rule("failed-recipients", "bounce", "Exim specification § 49; " + EXCHANGE, _failed_recipients),
    Rule("bounce-words", "bounce", "qmail-send(8), Exim, Exchange and Notes non-delivery texts", _bounce_words),
    Rule("calendar", "calendar", "RFC 5546 § 1.4", _calendar),
    Rule("absence-with-header", "out-of-office", "RFC 3834 § 5; Exchange sends absence notices as auto-generated", _absent_with_header),
    Rule("auto-replied", "out-of-office", "RFC 3834 § 5; RFC 5230 § 4.7", _auto_submitted("auto-replied")),
    Rule("auto-reply-header", "out-of-office", "autoresponders' own headers (peers: osTicket, FreeScout)", _auto_header),
    Rule("precedence-auto-reply", "out-of-office", "vacation(1), Precedence: auto_reply", _precedence("auto_reply")),
    Rule("list-header", "list", "RFC 2919, RFC 2369, RFC 8058", _header_of(*LIST_HEADERS)),
    Rule("precedence-bulk", "list", "RFC 3834 § 2, RFC 2076 § 3.9", _precedence("bulk", "list", "junk")),
    Rule("bulk-sender-header", "list", "bulk mailers' own headers", _header_of(*BULK_HEADERS)),
    Rule("auto-submitted", "notice", "RFC 3834 § 5, RFC 5436 § 2.7.1", _auto_submitted()),
    Rule("null-sender-bounce", "bounce", "RFC 5321 § 4.5.5", _null_sender_bounce),
    Rule("null-sender", "notice", "RFC 5321 § 4.5.5", _null_sender),
    Rule("spam-flag", "spam", "SpamAssassin: X-Spam-Flag", _spam),
    Rule("read-receipt-words", "receipt", "Outlook and Notes receipts without RFC 8098", _receipt_words),
    Rule("absence-subject", "out-of-office", "Exchange, Gmail and Notes absence notices", _absent_subject),
    Rule("absence-words", "out-of-office", "Exchange, Gmail and Notes absence notices", _absent_words),
    Rule("no-reply-address", "notice", "RFC 7504 in spirit: nobody reads replies there", _no_reply),
    Rule("newsletter-words", "list", "markedsføringsloven § 15: a way to unsubscribe", _newsletter),
    Rule("monitoring-words", "notice", "Zabbix, Nagios, Icinga: problem and recovery messages", _monitoring),
    Rule("automatic-words", "notice", "RFC 3834 § 3.1.2", _automatic_words),
)  # fmt: skip


def judge(seen: Seen) -> Automatic | None:
    """The first rule that fires, or None for a person's mail."""
    for rule in RULES:
        if evidence := rule.finds(seen):
            kind = "notice" if rule.kind == "out-of-office" and not _absence(seen) else rule.kind
            return Automatic(kind, rule.name, rule.source, evidence)
    return None


def _absence(seen: Seen) -> bool:
    """Whether an automatic reply speaks of absence at all; a ticket system's acknowledgement does not."""
    text = seen.text[:4000]
    return bool(
        ABSENT_SUBJECT.match(seen.subject)
        or ABSENT.search(text)
        or re.search(r"vacation|away|ferie|fravær|absen", seen.subject, re.IGNORECASE)
    )


def suppresses(seen: Seen) -> bool:
    """Whether the sender's client asks for no automatic reply ([MS-OXCMAIL] § 2.2.3.2.14: All, AutoReply, OOF …)."""
    tokens = {token.strip().lower() for token in re.split(r"[,;\s]+", seen.header("x-auto-response-suppress"))}
    return bool(tokens & {"all", "autoreply", "oof"})


# ── which of our mails came back ──────────────────────────────────────────────────────────────────────────────

IDENTIFIER = re.compile(r"<[^<>\s@]{1,200}@[^<>\s]{1,200}>")
RETURNED_ID = re.compile(r"^[\s>]*Message-Id:\s*(<[^<>\s]{1,400}>)", re.IGNORECASE | re.MULTILINE)
STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
RECIPIENT = re.compile(r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)+")


def bounce_of(seen: Seen, automatic: Automatic, answers: tuple[str, ...], full_text: str) -> Bounce | None:
    """Which mail a bounce or delay is about: by the returned mail, its words, or the thread headers."""
    if automatic.kind not in ("bounce", "delay"):
        return None
    identifier = _returned(seen.opened.nested) or _in_words(full_text) or (answers[0] if answers else "")
    recipient, status, action = _reported(seen.opened.status)
    recipient = recipient or seen.header("x-failed-recipients").split(",")[0].strip()
    status = status or (found[1] if (found := STATUS.search(full_text[:6000])) else "")
    if not recipient and (found := RECIPIENT.search(full_text[:4000])):
        recipient = found[0]
    delayed = (
        automatic.kind == "delay"
        or action == "delayed"
        or (not action and not status.startswith("5") and bool(DELAY.search(seen.subject + "\n" + full_text[:2000])))
    )
    return Bounce(identifier, recipient.lower(), status, not delayed)


def _returned(nested: list[Part]) -> str:
    for part in nested:
        if found := IDENTIFIER.search(header(str(part.get("Message-ID", "")))):
            return found[0]
    return ""


def _in_words(text: str) -> str:
    found = RETURNED_ID.search(text)
    return found[1] if found else ""


def _reported(status: list[Part]) -> tuple[str, str, str]:
    """(recipient, enhanced status, action) of the first recipient in a delivery report (RFC 3464 § 2.3)."""
    for part in status:
        recipient = header(str(part.get("Original-Recipient") or part.get("Final-Recipient") or "")).partition(";")[2].strip()
        if recipient:
            found = STATUS.search(str(part.get("Status", "")))
            return recipient.strip("<>"), found[1] if found else "", str(part.get("Action", "")).strip().lower()
    return "", "", ""


__all__ = ["LOOP_HEADER", "RULES", "Rule", "Seen", "bounce_of", "judge", "media_type", "suppresses"]
