"""What machines write: the words of bounces, absence notices, receipts, calendars, newsletters and spam, one language a line.

Evidence of the second rank: headers come first (``automatic``), and no word alone makes a mail a machine's. Norwegian (nb, nn), Swedish,
Danish, German and English are those of the people who write to a Norwegian agency; French, Dutch, Spanish, Italian, Portuguese, Polish,
Finnish and Icelandic stand with the forms that their Exchange, Gmail and Notes send. All patterns are bounded.
"""

from __future__ import annotations

import re

from bot.mail.caseless import Caseless


def _words(*alternatives: str) -> Caseless:
    """Any of these, wherever they stand."""
    return Caseless("|".join(alternatives), re.MULTILINE)


def _opening(*alternatives: str, end: str = "") -> Caseless:
    """Any of these at the beginning, after blanks."""
    return Caseless(rf"^\s{{0,20}}(?:{'|'.join(alternatives)}){end}")


# ── who writes ────────────────────────────────────────────────────────────────────────────────────────────────

DAEMON = Caseless(
    r"^(?:mailer-?daemon|mail-?daemon|mdaemon|bounces?(?:[+=-].{0,200})?|double-bounce|microsoftexchange[0-9a-f]{20,}|"
    r"mail\.?delivery\.?(?:sub)?system|maildelivery|ndr)$",
)
DAEMON_NAME = _opening(
    r"mail delivery (?:sub)?system", r"mailer[- ]daemon", r"mail administrator", r"microsoft outlook$", r"system administrator$"
)
POSTMASTER = Caseless(r"^(?:postmaster|mail-?admin)$")
NO_REPLY = Caseless(
    r"^(?:(?:[\w.+-]{0,100}[._+-])?(?:no|do[._-]?not|dont|donot|ikke|ikkje|inga?|kein|ei)[._-]?(?:reply|response|svar|antwort|respond|vast\w{0,20})(?:[._+\d-].{0,100})?|"
    r"(?:[\w.-]{1,100}[._-])?noreply\w{0,20}|auto(?:mailer|svar|reply|responder|matisk)?|notifications?|varsel|varslinger?|varsling|systemvarsel|notify|alerts?|"
    r"newsletters?|nyhetsbrev|nyheitsbrev|mailing-?list|listserv|majordomo|mailman|.{1,100}-bounces|owner-.{1,100}|cron|daemon|donotreply.{0,50})$",
)

# ── what did not arrive ───────────────────────────────────────────────────────────────────────────────────────

BOUNCE_SUBJECT = Caseless(
    r"^\s{0,20}(?:(?:"
    + "|".join((
        r"undeliver(?:able|ed)(?: mail)?(?: returned to sender)?|returned mail|mail delivery (?:failed|failure|system|error|subsystem|problem|warning)",
        r"delivery status notification|delivery (?:failure|has failed|failed|notification|report)|failure notice|failed (?:delivery|mail)|permanent delivery failure",
        r"message (?:status - undeliverable|undeliverable|not delivered|delivery failure|could not be delivered|blocked)|mail system error",
        r"warning: (?:could not send|message|e?mail).{0,60}|message delayed|delayed (?:mail|delivery|message)|delivery delayed|mail could not be delivered",
        r"non[- ]?delivery|rejected:|your message to \S{3,80} could not be delivered",
        r"kan ikke leveres|kunne ikke leveres|ikke levert|leveringsfeil|levering mislyktes|leveringsproblem|levering forsinket|meldingen (?:kan|kunne|ble) ikke lever\w{1,4}",
        r"kunne ikkje leverast|ikkje levert|kan ikkje leverast|adressaten (?:er ukjent|finnes ikke)",
        r"ej levererat|går inte att leverera|olevererbart|leveransfel|kan ikke afleveres|returneret|ikke afleveret",
        r"unzustellbar|nicht zugestellt|zustellung(?:sfehler| fehlgeschlagen)|non remis|échec de (?:la )?remise|onbestelbaar|niet bezorgd|no se puede entregar|no entregado",
        r"non recapitabile|mancato recapito|não entregue|niedostarczalne|nie dostarczono|toimittaminen epäonnistui|perille toimittamaton|óafhendanlegt|недоставлен\w{0,10}|не доставлено",
    ))
    + r")\b|(?:delivery failure|delayed|failed|undeliverable|ikke levert|forsinket)\s{0,5}[:(])"
    r"|\b(?:delivery failed|non remis|undeliverable)\)?\s{0,5}$",
)  # fmt: skip
BOUNCE_BODY = _words(
    r"this is the (?:qmail-send|mail delivery|mail system|postfix|mail delivery agent)|this message was created automatically by mail delivery",
    r"i'?m afraid i wasn'?t able to deliver|could not be delivered|couldn'?t be delivered|was not delivered|wasn'?t delivered|unable to deliver|was undeliverable",
    r"delivery (?:to the following|has failed|failed|attempt|of your)|undeliverable|recipient(?:'s|s)? (?:address|mailbox)? ?(?:rejected|unknown|not found|full)",
    r"user unknown|unknown user|mailbox (?:is )?(?:full|unavailable|not found)|no such user|over quota|permanent (?:error|failure|fatal)|status(?: code)?: [45]\.\d",
    r"\b[45]\.\d\.\d{1,2}\b|\b55[0-4][ -]|remote server returned|generating server|diagnostic information for administrators|routing loop|listed recipient|not listed in (?:domino|public)",
    r"has (?:stopped|blocked|rejected|quarantined) the following (?:e-?mail|message)|have (?:failed to reach|not been able to deliver)",
    r"kunne ikke leveres|kan ikke leveres|ble ikke levert|har ikke blitt levert|vi har ikke kunnet levere|fikk ikke levert|leveringen mislyktes|levering til (?:disse|følgende|desse)",
    r"kunne ikkje leverast|kan ikkje leverast|vart ikkje levert|mottaker(?:en|ens)?\b.{0,40}(?:finnes ikke|finst ikkje|ukjent|full)",
    r"kunde inte levereras|leveransen till följande|kunne ikke afleveres|blev ikke leveret|levering til disse modtagere|konnte nicht zugestellt|nicht zugestellt werden",
    r"n'a pas pu (?:être|etre) (?:remis|delivre|délivré|distribué)|niet worden bezorgd|kon niet worden afgeleverd|no se (?:ha podido|pudo) entregar|non è stato possibile recapitare",
    r"não pôde ser entregue|nie (?:można|udało się) dostarczyć|ei voitu toimittaa|ekki (?:var|er) hægt að afhenda|не (?:может быть|было|удалось) доставл?\w{0,10}",
)
DELAY = _words(
    r"delayed|not yet been delivered|will (?:continue|keep|be retried)|still trying|still being retried|has not yet been|warning message only|do not need to resend|will retry",
    r"temporary (?:problem|failure)|forsinket|forseinka|fortsatt forsøke|prøver igjen|försenad|verzögert|retardé|vertraagd",
)
# the whole outcome is good: told apart from a bounce of the same form
ARRIVED = _words(
    r"delivery to these recipients or groups is complete|levering til disse mottakerne eller gruppene er fullført|was successfully (?:delivered|relayed)"
)
BLOCKED = _words(
    r"blocked|rejected|quarantined|not (?:been )?delivered|stopped|blokkert|avvist|stoppet|stanset|stansa|ikke kommet fram|ikkje kome fram|karantene"
)
# a person tells of a bounce
PERSON_SPEAKS = _words(
    r"\b(?:i|we)\s(?:still\s|just\s|have\s|also\s){0,3}(?:tried|got|get|received|have not received|not received|sent|cannot|can['’]?t|could not|couldn['’]?t|need|wonder|would like|wish|hope|want)\b",
    r"\b(?:jeg|eg|vi)\s(?:har\s|prøvde\s|prøvd\s|fortsatt\s|bare\s){0,3}(?:prøvde|prøver|prøvd|får|fikk|fekk|sendte|sende|sendt|mottok|lurer|lurar|trenger|treng|ønsker|ønskjer|håper)\b",
)

# ── who is away ───────────────────────────────────────────────────────────────────────────────────────────────

# what mail systems put before the subject of the mail they answer; nobody writes it by hand with a colon
AUTOMATIC_PREFIX = _opening(
    r"automatic (?:reply|response)|auto(?:mated)?[- ]?(?:reply|response)|automatisk (?:svar|fraværsmelding|fråværsmelding|fraværssvar)|autosvar|automatiskt svar",
    r"automatische antwort|réponse automatique|automatisch antwoord|respuesta automática|risposta automatica|resposta automática|odpowiedź automatyczna",
    r"automaattinen vastaus|sjálfvirkt svar",
    end=r"\s{0,3}(?:/[^:]{0,40})?:",
)
ABSENT_PREFIX = _opening(
    r"out of office(?: auto-?reply)?|abwesenheitsnotiz|abwesend|absence du bureau|afwezig(?:heidsbericht)?|fuera de la oficina|fuori ufficio",
    r"poissa(?:oloilmoitus)?|frånvaromeddelande|frånvarande|fraværsmelding|fråværsmelding|fraværsbesked|fraværende",
    end=r"\s{0,3}(?:/[^:]{0,40})?:",
)
ABSENT_SUBJECT = Caseless(
    r"^\s{0,20}(?:\[[^\]]{1,30}\]\s{0,3})?(?:"
    + "|".join((
        r"auto(?:matic(?:ally)?|mated|matisk[t]?|matische|svar|reply|-reply|-response|response|responder|-svar|antwort|:|\s{1,3}reply|generert)\b.{0,20}(?::|\b)",
        r"automatisk (?:svar|fraværsmelding|fråværsmelding|melding|kvittering)|automatiskt svar|automatische antwort",
        r"out[- ]of[- ](?:the[- ])?office|ooo\b|i(?:['’]?m| am) (?:currently )?(?:out of|away|on (?:leave|holiday|vacation))|away from (?:the |my )?(?:office|desk|e?mail)",
        r"on (?:leave|vacation|holiday|parental leave|sabbatical)\b|vacation (?:reply|response|notice|message)|absence (?:notice|message)",
        r"fravær(?:smelding|sassistent|ende|sbeskjed)?\b|ikke (?:til stede|på kontoret|tilgjengelig)|ute av kontoret|borte fra kontoret|jeg er (?:ikke (?:på kontoret|til stede)|på ferie|ute av kontoret|bortreist|for tiden)",
        r"ferie(?:avvikling|melding)?\b.{0,30}$|på ferie|i permisjon|permisjon\b|foreldrepermisjon",
        r"fråver(?:smelding|ande)?\b|fråvær\w{0,20}|ikkje (?:til stades|på kontoret|tilgjengeleg)|borte frå kontoret|eg er (?:ikkje på kontoret|på ferie|borte|bortreist)",
        r"frånvar\w{0,20}|är (?:inte på|ej på|borta från) kontoret|semester\b|jag är på semester|fraværs?\w{0,20}|fraværsbesked",
        r"abwesen(?:heits)?\w{0,20}|réponse automatique|absen(?:ce|t) du bureau|en congés?\b|automatisch antwoord|afwezig\w{0,20}|respuesta automática|fuera de la oficina",
        r"risposta automatica|fuori ufficio|assente|resposta automática|ausente|odpowiedź automatyczna|poza biurem|automaattinen|poissa\b|lomalla|sjálfvirkt svar",
    ))
    + ")",
)  # fmt: skip
AUTOMATIC_PHRASE = _words(
    r"this is an? (?:automatic(?:ally)?|automated|auto)[- ]?(?:generated )?(?:reply|response|message|e-?mail|notification|confirmation)",
    r"(?:e-?mail|message|reply|melding\w{0,4}|e-?post\w{0,4}|svar\w{0,4}|beskjed\w{0,4}|kvittering\w{0,4}) (?:is|was|has been|er|ble|blei|vart|blir|vert) (?:sendt automatisk|send automatisk|sent automatically|generert automatisk|laga automatisk|skickat automatiskt|(?:automatically|automatisk|auto-?|maskinelt) ?(?:generated|sent|created|generert|sendt|send|utsendt|laget|laga|oppretta|skapad|oprettet))",
    r"dette er (?:et|eit|en|ei) (?:automatisk|maskingenerert|autogenerert|automatisert)|det här är ett automatiskt|detta är ett automatiskt|dies ist eine automatische|automatisch (?:erstellt|generiert)",
    r"do not (?:reply|respond) to this|please do not reply|(?:ikke|ikkje) svar(?:e)? på denne|(?:kan|skal) ikke (?:besvares|svares på)|kan ikkje svarast på|kan ikke svare på denne",
    r"svar på denne (?:e-?posten|meldingen|meldinga) (?:blir|vert|vil) ikk\w{1,3}|(?:this )?mailbox is (?:not|no longer) monitored|unmonitored|inbox is not monitored",
    r"postkassen (?:er ikke|blir ikke) (?:overvåket|lest|betjent)|autogenerer\w{1,6}|auto-generated (?:e-?mail|message|mail|reply|response|notification)|autosvar|automatisk svar\b|automated (?:reply|response|message)|automatic (?:reply|response)",
    r"would like to recall the message|ønsker å (?:tilbakekalle|trekke tilbake) meldingen",
    r"ceci est (?:un message|une réponse) automatique|dit is een automatisch|este es un (?:mensaje|correo) automático|questo è un messaggio automatico|tämä on automaattinen",
)
ABSENT = _words(
    # a person says so of himself: "jeg er … ute av kontoret", "I am … on leave"
    r"\b(?:jeg|eg|i|we|vi|jag|ich|æ)\b(?:[^.!?\n]|\.(?=\d)|(?<=\d)\.){0,60}\b(?:"
    + "|".join(
        (
            r"ute av kontoret|ikke (?:på kontoret|til stede|tilgjengelig|å treffe|på jobb)|borte fra|bortreist|på (?:ferie|reise|feltarbeid|tjenestereise|konferanse|kurs|fjellet|barsel|orlov|fjelltur|tur|oppdrag)",
            r"i (?:perm\w{0,10}|foreldrepermisjon|fødselspermisjon|pappaperm\w{0,10}|mammaperm\w{0,10})|har (?:ferie|\w{0,20}permisjon|fri|sluttet|slutta|avspasering)|avspaserer|avspaserar|holder ferie|sluttet i|slutta i|sykmeldt|sjukmeld|ute på|ute i felt",
            r"ikkje (?:på kontoret|til stades|tilgjengeleg|å treffe|på jobb|å få tak i)|borte frå|på tenestereise|begrenset tilgang til|avgrensa tilgang til|leser (?:ikke )?e-?post\w{0,3}",
            r"out of (?:the )?office|away|on (?:annual |parental |maternity |paternity |sick |sabbatical |research )?(?:leave|vacation|holiday|sabbatical|fieldwork)|travelling|traveling|unavailable",
            r"no longer (?:work|employed|at)|limited access to|not be reading|reading my (?:e-?mail|mail)",
            r"inte på kontoret|på semester|på tjänsteresa|tjänstledig|föräldraledig|ledig|nicht im (?:büro|haus)|im urlaub|abwesend|außer haus|verreist",
        )
    )
    + r")",
    r"\b(?:we are|the office is|our office is|vi er|vi har|vi holder|kontoret er|kontoret held) (?:closed|stengt)\b|\bi (?:am working|work) part[- ]time|\bjeg (?:jobber|arbeider) deltid",
    # a notice says so without a person
    r"^\s{0,10}(?:ute av kontoret|out of (?:the )?office|på ferie|er bortreist|er på ferie|for tiden (?:ikke|på)|ikke til stede|ikkje til stades)",
    r"takk for (?:din )?e-?post\w{0,3}[.,!][^.!?]{0,40}\b(?:ferie|permisjon|kontoret|bortreist)|away from my (?:desk|e-?mail|office)|leave of absence",
    r"has left the (?:organi[sz]ation|company|university|institute|department)|(?:is|am) no longer (?:employed|working|with)|no longer works (?:at|for|here)|er ikke lenger ansatt|er ikkje lenger tilsett|har sluttet (?:ved|i|hos)|har slutta (?:ved|i|hos)",
    r"absen(?:t|te)e? du bureau|je suis (?:actuellement )?(?:absente?|en (?:congés?|vacances|déplacement))|serai (?:absente?|de retour)|ik ben (?:momenteel )?(?:afwezig|op vakantie|niet aanwezig|met verlof)",
    r"(?:estaré|estoy) (?:fuera|ausente|de vacaciones)|fuera de la oficina|sono (?:fuori ufficio|assente|in ferie)|fuori ufficio|(?:estou|estarei) (?:ausente|de férias|fora)",
    r"(?:jestem|będę) (?:poza biurem|nieobecn\w{1,3}|na urlopie)|olen (?:lomalla|poissa|virkamatkalla|vapaalla)|ég er (?:í fríi|í leyfi|ekki við)|är åter\b|wieder im büro",
)
OUT = _words(
    r"\b(?:ute av kontoret|out of (?:the )?office|(?:ikke|ikkje) på kontoret|på ferie|on (?:leave|holiday|vacation)|inte på kontoret|på semester)\b"
)
RETURNS = _words(
    r"\b(?:tilbake|attende|back|return(?:ing)?|retur|åter|återkommer|zurück|tillbaka|tilbage|retour|terug|regreso|vuelta|rientro|wieder)\b[^.!?\n]{0,50}(?:\d|mandag|tirsdag|onsdag|torsdag|fredag|måndag|tysdag|monday|tuesday|wednesday|thursday|friday|januar|februar|mars|april|mai|juni|juli|august|september|oktober|november|desember|january|february|march|may|june|july|october|december|uke|veke|week|høst|haust|over|after|etter)",
    r"\b(?:fra|frå|from|i tidsrommet|until|till|til og med|til|t\.o\.m\.?|between|perioden|bis|vom|mellom|through|uke|veke|week|jusqu'au|tot(?: en met)?|hasta|fino al|até|do|asti|frem til|fram til|før|before)\b[^.!?\n]{0,25}\d{1,4}\s{0,3}[./-]?\s{0,3}\w{0,20}",
)
SUBSTITUTE = _words(
    r"haste(?:saker?|henvendelser|r det|førespurnader)|ved (?:spørsmål|behov|hastesaker|henvendelser|viktige|frågor|brådskande)|for (?:spørsmål|henvendelser|urgent|immediate|assistance|questions)",
    r"if (?:it is |this is |your (?:message|request|matter|e-?mail) is )?urgent|in urgent|urgent (?:matters|requests|enquiries|inquiries)|contact my (?:colleague|manager|supervisor)",
    r"(?:vennligst|please|ver (?:vennleg|venleg)|venligst|du kan|kan du|bitte|vänligen) (?:kontakt\w{0,3}|contact|ta kontakt|call|ringe?|wenden|henvend\w{0,3}|direct)",
    r"kontakt (?:min kollega|kollega|i stedet|i staden|sentralbord|resepsjon|avdelingsleder|venligst|\w{1,30}@)",
    r"(?:svarer|svarar|leser|les|respond|reply|answer|read)[^.!?\n]{0,40}(?:når jeg|når eg|when i|upon my|så snart|as soon as|etter ferien|sporadisk|uregelmessig|periodically|occasionally|limited|forsinket|begrenset)",
    r"(?:e-?post\w{0,3}|mails?|messages?|nachricht(?:en)?|e-?mails?)[^.!?\n]{0,40}(?:blir ikke lest|vert ikkje lese|will not be (?:read|forwarded)|leses ikke|videresendes ikke|sporadisk|sporadically|forwarded|nicht weitergeleitet)",
    r"(?:spørsmål|henvendelser|førespurnader|enquiries|inquiries|questions|requests)[^.!?\n]{0,60}(?:kan|bes|may|can|should|please) (?:rettes|sendes|rettast|sendast|be (?:sent|directed|addressed))|expect (?:a )?delay|delayed (?:reply|response)",
    r"check(?:ing)? (?:my )?e-?mails? (?:only )?(?:infrequently|sporadically|periodically|occasionally|irregularly)|with (?:limited|no) (?:access to )?e-?mail|uten dekning|utan dekning",
    r"en cas d'urgence|dringende (?:zaken|fällen)|in dringenden fällen|asuntos urgentes|per urgenze|kiireellisissä|w pilnych sprawach|merci de contacter|neem(?:t u)? contact op|contacte (?:con|a)\b",
)
HANDS_OVER = _words(
    r"\b(?:overtar|overtek|tar over|tek over|følger opp|følgjer opp|takes? over|taking over|has taken over|will (?:handle|take over)|ny(?:tt)? prosjektleder|ny prosjektleiar|new (?:project leader|principal investigator|pi\b)|ny kontaktperson|i mitt fravær (?:er|blir))"
)
# the sender wants something of us, or tells what we deal with: a person on holiday who writes all the same
ASKS_US = _words(
    r"\?|\b(?:"
    + "|".join(
        (
            r"lurer på|lurer|lurar på|kan dere|kan de|kan dykk|i lurt på|vi ønsker|jeg ønsker|eg ønskjer|vi ber om|vennligst (?:send|bekreft|gi)|could you|can you|would you|please (?:send|find|confirm|let)",
            r"har slettet|(?:ble|blei|er|vart) slett(?:et|a)|skal slette|sletter dataene|slettingen|slettinga|slettefrist\w{0,3}|have deleted|has been deleted|were deleted|vedlagt|attached|enclosed|signert|signed",
            r"søknad(?:en)? (?:om|vår|min)|datasett\w{0,3}|leveransen|utsett\w{1,4}|forleng\w{1,6}|extension|spørsmål om (?:tilgang|pris|søknad)|(?:mitt|vårt) prosjekt|our project|tilgangen",
        )
    )
    + r")\b"
)

# ── receipts and calendars ────────────────────────────────────────────────────────────────────────────────────

RECEIPT_SUBJECT = _opening(
    r"read|not read|unread|delivered|relayed|read receipt|return receipt(?: \(displayed\))?",
    r"lest|ulest|ikke lest|lese|lesen|ulese|ikkje lesen|opna|åpnet|sett|levert|lesebekreftelse|lesekvittering|leveringskvittering|kvittering for lesing|videresendt:? levert",
    r"læst|ulæst|ikke læst|leveret|läst|oläst|levererat|gelesen|ungelesen|lu|non lu|gelezen|leído|letto|lido|luettu|przeczytano",
    end=r"\s{0,3}(?::|\(|$)",
)
RECEIPT_BODY = Caseless(
    r"was\s{1,20}\S{1,100}\s{1,20}received|was received by|was (?:read|displayed|opened|deleted without being read)|has been (?:read|delivered|displayed)|return receipt|read receipt|"
    r"this receipt (?:verifies|only acknowledges)|no guarantee that the message has been read|delivery to these recipients or groups is complete|your message\s{1,20}to:.{0,200}was read|"
    r"ble (?:lest|vist|åpnet|slettet uten å|levert)|blei (?:lest|lese|vist)|vart (?:lesen|lese|opna|vist)|er (?:lest|levert|åpnet)\b|lesebekreftelse|lesekvittering|levering til disse mottakerne|"
    r"blev (?:læst|läst)|lästes (?:den)?|wurde\b.{0,60}\b(?:gelesen|angezeigt)|a été lu|is gelezen|(?:fue leído|se leyó)|è stato letto|foi lida|luettiin",
    re.DOTALL,
)
CALENDAR_SUBJECT = _opening(
    r"accepted|declined|tentative(?:ly accepted)?|canceled|cancelled|(?:updated? )?invitation|new time proposed",
    r"godtatt|godtatt foreløpig|godteke|godkjent|avslått|avslege|avlyst|foreløpig(?: godtatt)?|møteforespørsel|møteinnkalling|invitasjon|akseptert",
    r"accepterad|accepterat|avböjt|inställt|preliminär\w{0,5}|accepteret|afvist|aflyst|foreløbig|zugesagt|abgesagt|mit vorbehalt|accepté|refusé|annulé|geaccepteerd|geweigerd|geannuleerd|aceptada|rechazada",
    end=r"\s{0,3}:",
)
CALENDAR_BODY = _words(
    r"\b(?:has|have|har|hat) (?:tentatively |foreløpig |preliminärt )?(?:accepted|declined|godtatt|godteke|akseptert|avslått|avslege|accepterat|avböjt|accepteret|afvist|cancel+ed|avlyst|kansellert|proposed a new)\b[^.?!]{0,40}\b(?:invit\w{0,10}|møte\w{0,4}|meeting|møde\w{0,4}|event|appointment|avtale\w{0,3})",
    r"^\s{0,10}(?:når|when|tid|kor|hvor|where|sted|stad|wann|wo|tidspunkt|lokasjon|location)\s{0,3}:.{4,}",
    r"\b(?:meeting|møtet|event|hendelsen) (?:has been|was|is|er|ble|blei|vart) (?:cancel+ed|avlyst|kansellert|flyttet|flytta|updated|oppdatert)",
    r"microsoft teams.{0,30}(?:meeting|møte)|(?:join|bli med i) .{0,30}(?:meeting|møtet)|you have been invited to the following event",
)

# ── notices ───────────────────────────────────────────────────────────────────────────────────────────────────

ACKNOWLEDGED_SUBJECT = _words(
    r"\b(?:received|mottatt|motteke|motteken|fått e-posten|bekreftelse|stadfesting|kvittering|registrert|acknowledge?ment|case \S{2,20}|ticket|sak(?:snummer)? \S{2,20}|henvendelse)\b"
)
ACKNOWLEDGED = _words(
    r"(?:din|deres|dykkar|your) (?:e-?post|e-?mail|henvendelse|melding|forespørsel|førespurnad|request|message|enquiry|inquiry|case) (?:er|har blitt|ble|vart|blei|has been|was|is) (?:nå )?(?:mottatt|motteken|motteke|registrert|received|registered|logged|opprettet)",
    r"e-?posten (?:er|har vorte) motteken",
)
HANDLED_LATER = _words(
    r"(?:vil bli|blir|vert|will be) (?:fordelt|behandlet|handsama|vidaresend|videresendt|besvart|svart|processed|handled|forwarded|answered)|(?:within|innen|innan) \d{1,3}|behandlingstid|saksbehandlingstid|as soon as possible|så snart som mulig|så snart råd er"
)
DEVICE_SUBJECT = _words(r"\b(?:voice ?mail|voice message|talemelding|talepost|telefonsvarer|missed call|ubesvart anrop|röstmeddelande)\b")
DEVICE_BODY = _words(
    r"\b(?:received a (?:new )?voice|new voice ?mail|ny talemelding|duration|varighet|lengde|called you|caller|oppringer|innringer)\b"
)
NEWSLETTER = _words(
    r"unsubscribe|opt[- ]out|view (?:this )?(?:e-?mail|message|it)? ?in (?:your )?browser|manage (?:your )?(?:preferences|subscription)|update (?:your )?preferences|if you no longer wish",
    r"you(?:['’]re| are) receiving this (?:e-?mail|message|newsletter) because",
    r"meld(?:e)? (?:deg|dere|meg)? ?av (?:nyhets|nyheits|listen|lista|e-?post|her|vår)|avmeld\w{0,6}|vis i nettleser|se (?:e-?posten|nyhetsbrevet) i nettleser|du mottar denne (?:e-?posten|meldinga|meldingen) fordi",
    r"du får denne e-?posten fordi|endre (?:dine )?innstillinger|vil du ikke lenger motta|avregistrera|avsluta prenumeration|afmeld\w{0,6}|abbestellen|se désabonner|uitschrijven|darse de baja",
)
# who asks for something writes no newsletter
REQUEST = _words(
    r"\b(?:could you|can you|would you (?:please|be able)|kan dere|kunne dere|kan de\b|lurer på|lurar på|we would (?:like|love) to)\b"
)
MONITORING_SUBJECT = _opening(
    r"\[?(?:problem|resolved|recovery|critical|alert|alarm|warning|disaster|down|ok|firing)\]?\s{0,3}[:\-]",
    r"\*\*",
    r"\[firing",
    r"\[resolved",
)
MONITORING_FIELDS = _words(
    r"^\s{0,5}(?:host|severity|trigger|service|state|status|original problem id|event id|problem (?:started|name)|notification type|check|address)\b[\w ]{0,20}:\s{1,5}\S"
)

# ── spam ──────────────────────────────────────────────────────────────────────────────────────────────────────

# of each family at least two signs must stand together, and nothing of what we deal with (``OURS``)
PHISHING = (
    _words(r"\b(?:mailbox|inbox|webmail|postboks\w{0,4}|innboks\w{0,4}|e-?post(?:konto\w{0,4}|kasse\w{0,3})|account|konto(?:en)?|password|passord(?:et)?|pakke(?:n)?|parcel|package)\b[^.!?]{0,80}\b(?:full|exceeded|quota|kvote\w{0,2}|kapasitet\w{0,2}|storage|expire\w{0,2}|utløp\w{0,3}|sperr\w{1,4}|suspend\w{0,3}|deactivat\w{0,3}|verif\w{1,8}|bekreft\w{0,3}|ikke leveres|could not be delivered|on hold)"),
    _words(r"\b(?:within|innen) (?:24|48|72|\d{1,2}) ?(?:hours|timer|t\b)|immediately|umiddelbart|to avoid|for å unngå|failure to|will be (?:closed|terminated|deleted|suspended)"),
    _words(r"https?://|click (?:here|below|the link)|klikk (?:her|på lenken)|log(?:g)? inn (?:her|via)|log ?in here"),
)  # fmt: skip
ADVANCE_FEE = (
    _words(r"\b(?:next of kin|inheritance|late (?:husband|client|father)|beneficiary|lottery|lotto|award(?:ed)? winner|transfer (?:of )?(?:the )?funds?|bank account details|god bless|business proposal|compensation fund|bitcoin)\b"),
    _words(r"\b(?:million|billion) (?:us |u\.s\. )?(?:dollars|usd|euros?|pounds)|\$ ?\d[\d.,]{0,12} ?(?:million|m\b)|(?:usd|eur|gbp) ?\d{1,3}(?:[.,]\d{3}){1,4}|sum of"),
    _words(r"\b(?:dear (?:friend|beloved|beneficiary|sir/madam|winner)|urgent|confidential(?:ity)?|strictly|reply (?:urgently|immediately)|percent|\d{2} ?%)"),
)  # fmt: skip
MARKETING = (
    _words(r"\b(?:seo|search engine optimi[sz]ation|first page of google|google ranking|backlinks?|guest post|web ?design services|mobile app development|email list|database of (?:contacts|leads)|lead generation)\b"),
    _words(r"\b(?:your (?:website|site|company|business)|we (?:offer|provide|can help)|affordable|free (?:quote|audit|proposal)|send you a (?:quote|proposal)|rank(?:ing)?)\b"),
)  # fmt: skip
JOURNALS = (
    _words(r"\b(?:call for (?:papers|submissions|manuscripts)|submit your (?:manuscript|paper|article|research)|your (?:valuable|esteemed|eminent|upcoming) (?:paper|article|contribution|manuscript|research)|editorial board|special issue|conference proceedings|keynote speaker at)\b"),
    _words(r"\b(?:open access|peer[- ]reviewed|impact factor|indexed in|rapid publication|article processing|submission deadline|abstract submission|esteemed|eminent)\b"),
    _words(r"\bdear (?:dr\.?|prof\w{0,6}\.?|researcher|colleague|author|scholar|scientist|sir)"),
)  # fmt: skip
OURS = _words(
    r"\b(?:mikrodata|microdata|ssb|statistisk sentralbyrå|statistics norway|register(?:data|et)?|datasett|dataset|variab\w{1,6}|statistikk|application for access|søknad om)\b"
)
