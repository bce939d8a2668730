"""What mail clients and people write around a text of their own: attributions, header blocks, separators, signatures, footers.

By client and language; all patterns are bounded. ``quoting`` says how they are used.
"""

from __future__ import annotations

import re

FORWARD_SUBJECT = re.compile(
    r"^\s{0,20}(?:(?:re|sv|aw|antw)\s{0,3}:\s{0,3})?(?:fwd?|vs|vb|videresend\w{0,6}|vidaresend\w{0,6}|wg|tr|rv|vl|doorst|i|pd|enc)\s{0,3}(?:\[\d{1,3}\])?\s{0,3}:",
    re.IGNORECASE,
)

# ── older mail ────────────────────────────────────────────────────────────────────────────────────────────────

FROM = r"(?:from|fra|frå|från|frá|von|van|de|da|od|от|lähettäjä|avsender|afsender|avsändare|absender|expéditeur|sender|发件人|差出人)"
# a field of a header block → what it is: two kinds beside the sender make a block
FIELD_KINDS = {
    "date": r"sent|sendt|sende|send(?:t|e)? dato|dato|date|datum|skickat|skickades|gesendet|envoyé|verzonden|enviado(?: el| em)?|enviada em|fecha|inviato|lähetetty|päiväys|päivä|wysłano|отправлено|дата|发送时间|送信日時",
    "to": r"to|til|till|an|à|aan|para|a|vastaanottaja|do|кому|komu|收件人|宛先",
    "cc": r"cc|kopi|kopia|bcc|kopio|copie|kópia|afrit|dw|копия",
    "subject": r"subject|emne|ämne|betreff|tittel|objet|onderwerp|asunto|assunto|oggetto|aihe|temat|тема|efni|předmět|主题|件名",
    "other": r"svar til|reply-to|importance|prioritet|viktigheit|viktighet|vedlegg|attachments|organisation|organisasjon",
}
HEADER_FROM = re.compile(rf"^[\s>|*_]{{0,20}}{FROM}\s{{0,3}}:?\*?\s{{0,3}}:\*?\s{{0,20}}\S", re.IGNORECASE)
HEADER_FIELD = re.compile(
    r"^[\s>|*_]{0,20}(?:" + "|".join(f"(?P<{kind}>{names})" for kind, names in FIELD_KINDS.items()) + r")\s{0,3}:?\*?\s{0,3}:",
    re.IGNORECASE,
)
SEPARATOR = re.compile(
    r"^[\s>]{0,20}[-_=—–*]{2,80}\s{0,5}(?:"
    + "|".join((
        r"original\s{0,3}(?:message|appointment)|reply message|opprinneli[gt]{1,2}\s{0,3}(?:melding|avtale)|opprinneleg\s{0,3}melding|opphavleg\s{0,3}melding",
        r"oprindelig\s{0,3}(?:meddelelse|besked)|ursprungligt\s{0,3}meddelande|ursprüngliche\s{0,3}nachricht|alkuperäinen\s{0,3}viesti|oorspronkelijk\s{0,3}bericht",
        r"message d'origine|mensaje original|mensagem original|messaggio originale|oryginalna wiadomość|wiadomość oryginalna|исходное сообщение|upprunaleg skilaboð",
        r"(?:svar|reply|antwort) (?:på|to|auf).{0,60}",
    ))
    + r")\s{0,5}[-_=—–*]{0,80}",
    re.IGNORECASE,
)  # fmt: skip
MESSAGE_FROM = re.compile(
    r"^[\s>]{0,20}-{3,80}\s{0,5}(?:melding|message|nachricht|besked|meddelande) (?:fra|frå|from|från|von) .{0,80}", re.IGNORECASE
)  # Samsung
ANY_SEPARATOR = re.compile(r"^[\s>]{0,20}-{3,80}\s{0,5}\w[\w .'’]{2,60}\s{0,5}-{3,80}\s{0,5}$")  # in a language that is not named above
FORWARD = re.compile(
    r"^[\s>]{0,20}(?:[-_=—–*]{2,80}\s{0,5}(?:forwarded (?:message|by|mail|email)|videresendt (?:melding|e-post|epost|av|meddelelse|besked)|vidaresend\w{0,3} (?:melding|e-post)|"
    r"vidarebefordra[td] (?:meddelande|mejl|mail)|weitergeleitete\s{0,3}nachricht|message transféré|doorgestuurd bericht|mensaje reenviado|messaggio inoltrato|mensagem encaminhada|"
    r"välitetty viesti|przekazana wiadomość|пересланное сообщение)\b.{0,120}|"
    r"begin forwarded message\s{0,3}:|start på videresendt melding\s{0,3}:|byrjing på vidaresend melding\s{0,3}:|(?:starten på det )?videresendt\w{0,2} (?:melding|besked)\s{0,3}:|"
    r"vidarebefordrat brev\s{0,3}:|anfang der weitergeleiteten nachricht\s{0,3}:|début du message réexpédié\s{0,3}:|begin doorgestuurd bericht\s{0,3}:|-{1,80}\s{0,5}(?:videresendt|forwarded) av/by .{0,80})",
    re.IGNORECASE,
)
RULE = re.compile(r"^\s{0,20}(?:_{10,}|-{20,}|\*{20,}|={20,})\s{0,20}$")
WROTE = r"(?:skrev|skreiv|wrote|writes|schrieb|ha scritto|a écrit|escribió|escreveu|skriver|kirjoitti|skrifaði|schreef|geschreven|geschrieben|sa|napisał\w{0,3}|napsal\w{0,2}|написал\w{0,3}|пишет|viết|写道)"
# "Den 3. nov. 2025 kl. 13:30 skrev Kari <k@x>:", "On Mon, 3 Nov 2025 at 13:30, K wrote:", "man. 3. nov. 2025 kl. 13:30 skrev K <k@x>:"
ATTRIBUTION = re.compile(rf"^[\s>]{{0,20}}(?=.{{0,300}}(?:\d|@)).{{0,260}}\b{WROTE}(?:\b|\().{{0,160}}:\s{{0,5}}$", re.IGNORECASE)
# without a verb, as Yandex, Gmail in Russian and older Gmail write it: a date, a name, the address, a colon
ATTRIBUTION_BARE = re.compile(r"^[\s>]{0,20}(?=.{0,200}\d{1,4}[-./:年]\d)|^[\s>]{0,20}(?=\w{1,4}\.?, \d)", re.IGNORECASE)
ADDRESS_AT_END = re.compile(r".{0,260}<\s{0,2}[^<>\s]{1,100}@[^<>\s]{1,150}>\)?\s{0,3}:\s{0,5}$")
ATTRIBUTION_NAME = re.compile(
    rf"^[\s>]{{0,20}}(?!(?i:dere|du|de|jeg|eg|vi|hun|ho|han|dykk|you|i|we|they|she|he)\b)(?:[A-ZÆØÅÄÖ][\w.'-]{{0,40}}\s{{1,3}}){{1,4}}(?:<[^<>\s]{{1,100}}@[^<>\s]{{1,150}}>\s{{0,3}})?{WROTE}\s{{0,3}}:\s{{0,5}}$"
)
# Yahoo's plain text: the older mail goes on in the line of the attribution
ATTRIBUTION_RUNS_ON = re.compile(
    rf"^[\s>]{{0,20}}(?:on|på|den|am|le|el|op|il|em)\s(?=.{{0,100}}\d).{{5,160}}<[^<>\s]{{1,100}}@[^<>\s]{{1,150}}>\s{{0,3}},?\s{{0,3}}{WROTE}\s{{0,3}}:\s{{1,9}}\S",
    re.IGNORECASE,
)
# Notes before release 8: name, date, and below them the other fields as a column
NOTES_NAME = re.compile(r"^\s{0,20}\S.{0,100}(?:<[^<>\s]{1,100}@[^<>\s]{1,150}>|/[\w/-]{1,40}@?\w{0,40})\s{0,5}$")
NOTES_DATE = re.compile(r"^\s{0,40}(?:sent by.{0,80}|\d{1,4}[./-]\d{1,2}[./-]\d{2,4},?\s{1,3}\d{1,2}[:.]\d{2}.{0,20})$", re.IGNORECASE)
NOTES_FIELD = re.compile(r"^\s{0,60}(?:to|til|an|subject|emne|betreff|please respond to|cc)\s{0,20}$", re.IGNORECASE)
# Horde, IMP, Mutt: only where marked lines follow
QUOTING = re.compile(
    r"^\s{0,20}(?:(?:quoting|sitat(?: fra| av)?|siterer|zitat von|citerar|citat från|citerer|citando a|lainaus)\s.{1,160}:|\*\s.{1,200}\[\d[^\]]{4,40}\]:)\s{0,5}$",
    re.IGNORECASE,
)
ATTRIBUTION_START = re.compile(
    r"^[\s>]{0,20}(?:den|på|on|am|le|em|il|op|el|i|(?:ma|ti|on|to|fr|lø|sø|må|ty|la|su|sön|lör|tis|ons|tors|fre)\w{0,8}\.?,?|mon|tue|wed|thu|fri|sat|sun|\d{1,2}[./ -]|\d{4}-|-{3,80}).{0,200}$",
    re.IGNORECASE,
)
NOTES = re.compile(rf"^[\s>]{{0,20}}-{{3,80}}\s{{0,5}}.{{2,160}}\b{WROTE}\b.{{0,160}}-{{3,80}}\s{{0,5}}$", re.IGNORECASE)
QUOTED_LINE = re.compile(r"^\s{0,3}(?:>|\|\s)")
# "Hei, i brevet av 3. mars skrev dere følgende:" is the sender's own sentence
SENTENCE_LIKE = re.compile(
    r"^\s{0,20}(?:hei|hi|hello|dear|kjære)\b|^.{0,300}\b(?:skrev|wrote|skreiv)\s{1,3}(?:dere|de|du|jeg|vi|dykk|at|that|følgende|the following|you|to us|til oss|i|om)\b|"
    r"^.{0,300}\b(?:dette|følgende|fylgjande|this|the following|slik)\s{0,3}:\s{0,5}$",
    re.IGNORECASE,
)

# ── signatures and footers ────────────────────────────────────────────────────────────────────────────────────

DELIMITER = re.compile(r"^(?:-- ?|—|__ ?)$")  # RFC 3676 § 4.3, and what editors make of it
LINE = re.compile(r"^[-–—_=*~]{3,60}\s{0,5}$")  # drawn by hand; a delimiter where only name, title and numbers follow
CLIENT = re.compile(
    r"^\s{0,20}(?:<?(?:sendt (?:fra|frå|via|med)|sent (?:from|via|with)|skickat från|von meinem \w{1,30} gesendet|gesendet (?:von|mit)|få outlook for|get outlook for|"
    r"hent(?:et)? (?:fra )?outlook (?:for|til)|last ned outlook|hämta outlook|outlook for (?:ios|android)|envoyé (?:de|depuis|à partir)|obtenir outlook|e-posten er sendt fra|"
    r"lähetetty (?:iphone|ipad|android|samsung|outlook|puhelim|minun)|hanki outlook|verzonden (?:vanaf|met|via)|enviado (?:desde|do|a partir)|inviato (?:da|dal)|wysłane z|отправлено (?:с|из)|mobil e-post)\b.{0,90}|"
    r"lähetetty (?:iphon|androidi|samsungi)\w{0,10}.{0,60})$",
    re.IGNORECASE,
)
THANKS = re.compile(
    r"^\s{0,20}(?:(?:på forhånd|på førehand|tusen|mange|hjertelig|many|kind)\s{1,3}){0,3}(?:takk|thanks?|tack|tak)\b", re.IGNORECASE
)
NAMES = r"(?:(?-i:[A-ZÆØÅÄÖÜÉ])[\w.'’-]{0,40}\s{0,3}){1,5}"
VALEDICTION = re.compile(
    r"^\s{0,20}(?:"
    + "|".join((
        r"(?:med\s{1,3})?(?:(?:vennlig(?:e|st)?|beste?|mange|varme|gode|hjertelig|kjærlig|kollegiale?|sommerlig|julehilsen|påske)\s{1,3})?hils(?:en|ener|ning\w{0,4})|mvh|m\.v\.h\.?|alt godt|god (?:helg|påske|jul|sommer|ferie)",
        r"(?:med\s{1,3})?(?:vennleg|venleg|beste|hjarteleg|god)\s{1,3}helsing(?:ar)?|med helsing|helsing(?:ar)?",
        r"(?:with\s{1,3})?(?:kind(?:est)?|best|warm(?:est)?|many)\s{1,3}(?:regards|wishes)|regards|all the best|(?:yours\s{1,3})?(?:sincerely|faithfully|truly)(?: yours)?|cheers|rgds|take care|have a (?:nice|good|great) (?:day|weekend|week)",
        r"(?:med\s{1,3})?venlig(?:e)?\s{1,3}hilsen|(?:de\s{1,3})?(?:bedste|mange|kærlige?)\s{1,3}hilsner|dbh",
        r"(?:med\s{1,3})?(?:vänlig|bästa|varma|många|hjärtliga)(?:a)?\s{1,3}hälsning(?:ar)?|hälsningar|vänligen|ha det (?:bra|gott)",
        r"mit (?:freundlichen|besten|herzlichen) grü(?:ß|ss)en|(?:viele|beste|freundliche|liebe|herzliche) grü(?:ß|ss)e|mfg",
        r"(?:bien )?cordialement|bien à vous|(?:bonne|belle) journée|sincères salutations|salutations|met (?:vriendelijke|hartelijke) groet(?:en)?|groet(?:en|jes)?|mvg",
        r"(?:un )?saludos?(?: cordial(?:es)?)?|atentamente|un cordial saludo|cordiali saluti|distinti saluti|atenciosamente|cumprimentos|com os melhores cumprimentos|pozdrawiam|z poważaniem|с уважением",
        r"(?:ystävällisin )?terveisin|(?:bestu|með) kveðju?r?|kveðja",
        r"(?:på forhånd |på førehand )?(?:tusen |mange |hjertelig )?takk(?: på forhånd| på førehand| for hjelpen?| for hjelpa| og hilsen)?|(?:many |kind )?thanks(?: in advance| and (?:kind |best )?regards)?|thank you(?: in advance)?",
        r"ha (?:en|ei) (?:fin|god|riktig god|flott|fortsatt fin|strålende) (?:dag|helg|uke|veke|kveld|ettermiddag|påske|jul|sommer)(?: videre)?",
    ))
    + r")(?:\s{0,3}(?:[,.!:–/-]|fra|frå|from|:\)|;\))\s{0,3}.{0,80}|\s{1,3}" + NAMES + r"(?:,.{0,60})?"
    r"|(?<=hilsen)(?:\s{1,3}\S{1,20}){1,5}|(?<=mvh)(?:\s{1,3}\S{1,20}){1,3}|\s{0,3}/?\s{0,5})$",
    re.IGNORECASE,
)  # fmt: skip
# abbreviations and words that mean something else too: alone, or before a name
SHORT_VALEDICTION = re.compile(
    rf"^\s{{0,20}}(?:vh|v\.h\.|bh|kh|kr|br|vg|lg|hels|best|ta vare|t\.|terv\.?)\s{{0,3}}[,.!]?\s{{0,3}}(?:{NAMES})?\s{{0,3}}$",
    re.IGNORECASE,
)
ON_BEHALF = re.compile(r"^\s{0,20}(?:på vegne av|på vegner av|on behalf of)\s{1,3}\S.{1,60}$", re.IGNORECASE)  # beneath a greeting's place
ADDRESSES_US = re.compile(
    r"\b(?:dere|dykk|deres|dykkar|you|your|ber|bed|ønsker|ønskjer|lurer|lurar|trenger|treng|please|vennligst)\b", re.IGNORECASE
)
POSTSCRIPT = re.compile(r"^\s{0,20}(?:p\.?\s?s\.?|nb!?|edit|tillegg|etterskrift)\s{0,3}[:.!]?\s{1,5}\S", re.IGNORECASE)
DISCLAIMER = re.compile(
    r"^[\s*]{0,20}(?:(?:this|the information (?:contained )?in this|the content(?:s)? of this) (?:e-?mail|message|communication|electronic)\b.{0,200}(?:confidential|privileged|intended|solely|virus)|confidentiality (?:notice|note)|disclaimer|"
    r"(?:denne|innholdet i denne|informasjonen i denne) (?:e-?posten?|meldingen|meldinga|mailen)\b.{0,200}(?:konfidensiel|fortrolig|taushet|teieplikt|beregnet|utelukkende|kun for|rette mottaker)|denne mail\w*.{0,100}fortrolig|(?:detta (?:e-post)?meddelande|den här e-posten|innehållet i detta).{0,120}(?:konfidentiell|avsed|avsett)|"
    r"diese (?:e-?mail|nachricht).{0,120}vertraulich|if you (?:are not the intended|have received this (?:e-?mail|message) in error)|dersom du har (?:mottatt|fått) denne|hvis du (?:ikke er rette mottaker|har mottatt denne)|please consider the environment|tenk på miljøet|tenk på miljøet før|"
    r"(?:når du sender e-?post til|when you (?:send|e-?mail)).{0,120}(?:personopplysning|personal data|privacy)|how we process personal data|når du .{0,60}behandler .{0,40}personopplysninger|virus-?free\b|i (?:may |often |sometimes )?(?:work|send (?:e-?mails?|messages)) (?:flexibl[ey]|odd|at (?:odd|different|unusual|varying|various|flexible|irregular|times)|outside (?:of )?(?:my |your |the )?(?:normal|office|regular|usual|work|business|standard))|my working (?:hours|days)|jeg (?:jobber|arbeider|sender e-?post) (?:fleksibelt|utenfor (?:vanlig|ordinær|normal|kontor|arbeidstid))|mine arbeidsdager|i do not expect (?:a|an) (?:answer|reply|response)|ce (?:message|courriel).{0,120}confidentiel|este (?:mensaje|correo).{0,120}confidencial|dit (?:bericht|e-?mail).{0,120}vertrouwelijk|detta mejl.{0,120}konfidentiell|når du mailer med|læs om hvordan .{0,60}personoplysninger|følg oss på|følg os på|follow us on|meld deg på nyhetsbrev|denne e-posten er (?:skannet|kontrollert) for virus)",
    re.IGNORECASE,
)
BANNER = re.compile(
    r"^\s{0,20}(?:\[?\s{0,3}(?:ekstern(?:t)?|external|extern)(?: (?:e-?post|email|avsender|sender|mail))?\s{0,3}\]?\s{0,3}:?\s{0,5}$|\[?(?:caution|advarsel|obs|warning|nb|vær oppmerksom|forsiktig|varning)\b.{0,20}(?:this (?:e-?mail|message)|denne e-?posten|e-?post|external|"
    r"ekstern|meldingen).{0,300}|\[?(?:du|some people who received this message|you|noen som mottok|enkelte som mottok).{0,30}(?:får ikke ofte e-?post|don['’]t often get e-?mail|ikke så ofte e-?post|får vanligvis ikke).{0,200}|(?:this|denne) (?:e-?mail|e-?posten|message|meldingen)"
    r".{0,40}(?:originated|kommer|er sendt|came|was sent).{0,30}(?:outside|utenfra|utenfor|utanfrå|eksternt).{0,200})",
    re.IGNORECASE,
)
CONTACT = re.compile(
    r"(?:\+?\d[\d ()./-]{6,40}|\S@\S{1,100}\.\w{2,20}|https?://|www\.|\b(?:tlf|telefon|mob(?:il)?|tel|phone|direkte|sentralbord|fax|postboks|p\.?o\.? box|avdeling|avd\.|institutt|department|dept|seksjon|section|senter|center|centre|"
    r"university|universitet\w{0,12}|høgskol\w{0,12}|høyskol\w{0,12}|professor|stipendiat|forsker|forskar|researcher|ph\.?d|postdoktor|rådgiver|rådgjevar|seniorrådgiver|leder|leiar|fellow|advisor|adviser|director|direktør|student|"
    r"koordinator|coordinator|fakultet\w{0,12}|faculty|school|institute|hospital|sykehus\w{0,12}|sjukehus\w{0,12}|kommune|direktorat\w{0,12}|departement\w{0,12})\b)",
    re.IGNORECASE,
)
VERB = re.compile(r"\b(?:jeg|eg|vi|dere|dykk|we|you|i|har|have|er|is|are|kan|can|skal|will|må|must)\b", re.IGNORECASE)
SAYS = re.compile(
    r"\b(?:jeg|eg|vi|dere|dykk|we|you|har|have|er|is|are|kan|can|skal|will|må|must|ønsker|aksepterer|sender|bekrefter)\b", re.IGNORECASE
)
