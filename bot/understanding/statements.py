"""Sentences in which the sender says that something is done, promised, refused or asked for.

What counts is tense and negation, not the verb: "vi har slettet" confirms, "vi skal slette", "har ikke slettet", "må vi slette?"
and "kan vi utsette slettingen" do not. Each clause of a sentence is judged by itself ("alt er slettet, men papirkopiene skal
makuleres i juni"). The patterns are short alternations without nested repetition, so time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date

from bot.model import Statement
from bot.understanding.sentences import INTERROGATIVE, Sentence


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(alternatives) + r")\b", re.IGNORECASE)


# ── deletion ──────────────────────────────────────────────────────────────────────────────────────────────────

# participles: the deed is done when nothing stands against it
DELETED = _words(
    r"slett(?:et|a|ede|ete|ed)",
    r"slettad\w*",
    r"fjern(?:et|a|ede)",
    r"makuler(?:t|te)",
    r"destruer(?:t|te)",
    r"tilintetgj(?:ort|orde)",
    r"øydela(?:gt|gde)",
    r"kassert",
    r"avhend(?:et|a)",
    r"slette(?:t|de)",
    r"wip[e]?et",
    r"overskr(?:evet|ive|eve)",
    r"avmagnetisert",
    r"degauss(?:et|ed)",
    r"fjernede",
    r"raderat?",
    r"raderade",
    r"brent opp",
    r"strimlet",
    r"skredd(?:et|a)",
    r"deleted",
    r"erased",
    r"destroyed",
    r"shredded",
    r"wiped",
    r"purged",
    r"removed",
    r"disposed of",
    r"overwritten",
    r"eliminated",
    r"expunged",
    r"scrubbed",
    r"incinerated",
    r"zeroed",
    r"kvittet oss med",
    r"kvitta oss med",
    r"gotten rid of",
    r"got rid of",
    r"ryddet (?:bort|vekk|unna)",
    r"rydda (?:bort|vekk|unna)",
    r"tømt",
    r"tømde",
    r"tømte",
    r"nullstilt",
    r"reformatert",
    r"formatert",
    r"teke?n? bort",
    r"tek(?:e|ne|en) (?:bort|vekk)",
    r"tatt bort",
    r"tatt vekk",
    r"slettett",
    r"delete?d",
    r"emptied",
    r"tømd",
    r"kasta",
    r"tilinkje\w+",
    r"decommissioned",
    r"avviklet",
    r"avvikla",
    r"utsletta",
    r"utslettet",
    r"fysisk ødelagt",
    r"cleared",
    r"sanitised",
    r"gelöscht",
    r"vernichtet",
    r"effacée?s?",
    r"supprimée?s?",
    r"détruite?s?",
    r"eliminad[oa]s?",
    r"borrad[oa]s?",
    r"verwijderd",
    r"sanitized",
)
STRONG_DELETED = _words(
    r"slett(?:et|a|ede|ete|ed)",
    r"slettad\w*",
    r"raderat?",
    r"raderade",
    r"makuler(?:t|te)",
    r"destruer(?:t|te)",
    r"deleted",
    r"erased",
    r"destroyed",
    r"wiped",
    r"purged",
    r"shredded",
    r"tilintetgj(?:ort|orde)",
    r"utslett\w+",
)
# the deed as a noun with its completion
DELETION_DONE = re.compile(
    r"\b(?:slett(?:ing|ingen|inga)|makulering\w*|destruksjon\w*|destruering\w*|deletion|erasure|destruction|disposal|radering\w*)\b[^.?!]{0,70}?\b(?:er |ble |vart |blei |has been |was |is |have been |been |er nå |er no )?"
    r"(?:gjennomført|utført|fullført|gjort|ferdig|avsluttet|avslutta|ordnet|ordna|sluttført|completed?|carried out|done|performed|finished|concluded|slutförd|skjedd|foretatt|føreteke|ligger vedlagt|attached|enclosed)\b"
    r"|\b(?:bekreft\w*|stadfest\w*|confirm\w*|attest\w*|certif\w*|bekräft\w*|erklær\w*|dokumenter\w*|melder|melde|meddel\w*)\b[^.?!]{0,60}?\b(?:slett(?:ing|ingen|inga)|makulering\w*|destruksjon\w*|destruering\w*|deletion|erasure|destruction)\b"
    r"|\b(?:har|have|has|vi|we)\b[^.?!]{0,25}\b(?:gjennomført|utført|fullført|foretatt|føreteke|completed|carried out|performed)\b[^.?!]{0,30}\b(?:slett\w+|deletion|erasure|destruction)\b",
    re.IGNORECASE,
)
GONE = re.compile(
    r"\b(?:(?:finnes|finst|fins|foreligger|eksisterer|ligger|ligg|lagres|lagra|er)\b[^.?!]{0,40}\b(?:ikke|ikkje|ingen|inga|intet|ingenting)\b[^.?!]{0,25}\b(?:lenger|lengre|lenge?r|igjen|hos oss|att|meir|mer)\b"
    r"|(?:har|sitter|sit|oppbevarer|oppbevarar|have|hold|retain|keep|store|possess)\b[^.?!]{0,30}\b(?:ingen|inga|ikke|ikkje|no|not|none)\b[^.?!]{0,30}\b(?:igjen|lenger|lengre|any longer|longer|left|remaining|anymore|any more|att)\b"
    r"|no longer (?:hold|have|possess|retain|store|exist|in our|on our|available|keep)\w*|nothing (?:remains|is left|left)|none (?:of .{0,30} )?remain\w*|ceased to exist"
    r"|er (?:nå |no )?(?:borte|vekk|historie|ute av)\b|are (?:now )?gone\b|is (?:now )?gone\b|ikkje lenger|ikke lenger)\b",
    re.IGNORECASE,
)
# a document that confirms it, handed over
DELETION_PAPER = re.compile(
    r"\b(?:slett\w*(?:bekreft|stadfest|erklær|skjema|kvitt|attest|protokoll|rapport|logg)\w*|destruksjons?attest\w*|destruksjons?bevis\w*|makulerings?(?:attest|bevis)\w*|(?:bekreftelse|stadfesting|erklæring|erklering|attest|dokumentasjon|skjema|"
    r"logg|protokoll|rapport)\w* (?:om|på|for|over|fra|frå) (?:\w+ )?(?:slett|makuler|destruer|destruksjon)\w*|(?:confirmation|declaration|certificate|proof|statement|record|log|attestation|evidence) of (?:the )?(?:data )?(?:deletion|destruction|erasure|disposal)|"
    r"(?:deletion|destruction|erasure|disposal) (?:form|certificate|confirmation|declaration|statement|log|record|report|protocol))\b",
    re.IGNORECASE,
)
DONE_SO = re.compile(
    r"^(?:ja|yes|jo|yep)[,.:]? (?:on |den |i |in |alt|alle|all of|everything|de er|dei er|dei òg|de også)\b|^(?:(?:ja|yes|jo|jepp|yep|hei|hi|ok)[,.! ]+)?(?:(?:nå |no )?(?:er )?(?:det|dette|this|that|it|alt|everything|all|jobben|arbeidet|so)\b[^.?!,]{0,30}\b(?:gjort|utført|gjennomført|ordnet|ordna|i orden|fullført|done|carried out|completed|taken care of|finished|effectuated|"
    r"gone|borte|vekk)|(?:it|they|that|those|det|dei?)(?:['’]s| is| are| has| have| er| har)(?: (?:it|det|de|dei))?\s*(?:[.!,]|$)|(?:gjort|utført|gjennomført|done|completed|ferdig|ordnet|ordna)\b(?! (?:å|to)\b)[^?]{0,60}$|(?:yes, )?(?:they|it) (?:have|has|are|is)\b[^?]{0,20}$|"
    r"(?:nå|no|this|dette|det) (?:er|har|has|is|vart|ble|was)[^.?!]{0,25}\b(?:utført|gjort|done|carried out|gjennomført|completed)\b)",
    re.IGNORECASE,
)
REPORTS = re.compile(
    r"\b(?:bekreft\w*|bekräft\w*|stadfest\w*|confirm\w*|melde[rt]?|meddel\w*|opplys\w*|informer\w*|inform\w*|report\w*|attest\w*|certif\w*|erklær\w*|declare\w*|seie frå|si fra|tell you|let you know|notify\w*|kan si|kan seie|garanter\w*|register)\b"
    r"[^.?!,]{0,40}?\b(?:at|that|om at|att|our|the|alle|all|samtlige)\b|^\s*(?:bekreft\w*|confirm\w*|stadfest\w*)\b",
    re.IGNORECASE,
)
THINGS = _words(
    r"data\w*",
    r"fil(?:er|ene|a|en|ane)?",
    r"\w*filer\w*",
    r"\w*filene",
    r"\w*datasett\w*",
    r"material\w*",
    r"opplysning\w*",
    r"utlån\w*",
    r"mikrodata\w*",
    r"registerdata\w*",
    r"kopi\w*",
    r"\w*kopi\w*",
    r"leveranse\w*",
    r"utskrift\w*",
    r"uttrekk\w*",
    r"disk\w*",
    r"server\w*",
    r"papir\w*",
    r"datafil\w*",
    r"koblingsnøk\w*",
    r"koplingsnøk\w*",
    r"nøkkelfil\w*",
    r"løpenummer\w*",
    r"\w*uttak\w*",
    r"mappe\w*",
    r"område\w*",
    r"alt",
    r"samtlige",
    r"samtlege",
    r"files?",
    r"data\s?sets?",
    r"datasets?",
    r"material\w*",
    r"records?",
    r"extracts?",
    r"cop(?:y|ies)",
    r"printouts?",
    r"backups?",
    r"back-ups?",
    r"everything",
    r"information",
    r"deliver(?:y|ies)",
    r"drives?",
    r"folders?",
    r"tables?",
    r"personopplysning\w*",
    r"individdata",
    r"microdata",
    r"uppgift\w*",
    r"filerna",
    r"variab\w*",
    r"årgang\w*",
    r"sak(?:en|a)?",
    r"prosjekt\w*",
    r"project\w*",
    r"case\w*",
    r"dokument\w*",
    r"de",
    r"dei",
    r"it",
    r"they",
    r"them",
    r"these",
)
NOT_OURS = re.compile(
    r"\b(?:e-?post(?:en|er|ene)?|mail(?:en|er|s)?|epost|e-?mails?|meldingen|meldinga|message|lenk(?:en|e|a)|link|bruker(?:en|konto\w*)?|brukar(?:en|konto\w*)?|account|konto(?:en)?|profil\w*|appen?|passord\w*|password|"
    r"avsnitt\w*|paragraph|søknad(?:en)?|utkast\w*|draft|søknadsskjema\w*|punkt\w*|kalender\w*|innkalling\w*|attachment|vedlegg(?:et)?|setning\w*|telefonnummer\w*|nummer(?:et)?)\b",
    re.IGNORECASE,
)
ACCIDENT = re.compile(
    r"\b(?:ved (?:en |ei |eit |et )?(?:feil\w*|uhell|mistak|misstak|vanvare|slump)|uheldigvis|kom i skade|kom til å|accident\w*|by mistake|mistaken\w*|inadvertent\w*|unintention\w*|av misstag|utilsikta|utilsiktet|feilaktig)\b",
    re.IGNORECASE,
)
NEGATION = re.compile(
    r"\b(?:ikke|ikkje|ikkj|inte|aldri|verken|hverken|korkje|not|never|neither|nor|cannot|uten å|utan å|without|ei heller|uslett\w*|undeleted|gjenstår|står igjen|står att|remains? to be|yet to|pending|fail\w* to|unable to|ingenting|ingen av|inga av|none of|nothing|nobody|noone)\b"
    r"|n['’]t\b|\b(?:ingen|inga|no) (?:data\w*|fil\w*|kopi\w*|files?|cop\w+|av|of)\b[^.?!]{0,30}\b(?:er|har|ble|vart|is|are|has|have|was|were)\b",
    re.IGNORECASE,
)
FUTURE = re.compile(
    r"\b(?:skal|vil|kommer (?:til å|vi til)|kjem(?: vi)? til å|planlegg\w*|planen er|planlagt|akter|aktar|har tenkt|tenker å|tenkjer å|lover|lovar|frist\w*|kommende|komande|sikter mot|tar sikte på|tek sikte på|ska|bør|må|burde|"
    r"skulle|ville|kan|kunne|blir|bli|vert|verte|verta|å bli|will|shall|would|should|must|can|could|may|might|going to|plan\w*|intend\w*|aim\w*|expect\w*|schedul\w*|to be|until|about to|soon|upcoming|due to be|promise\w*|"
    r"ber(?:e)? om|be om|ønsker? å|ynskjer? å|ønskjer? å|want\w* to|wish\w* to|need\w* to|have to|has to|ought to|før(?: vi)?|innen|i ferd med|holder på|held på|is being|are being|being|bestilt|ordered|requested|"
    r"satt opp|sett opp|neste (?:uke|veke|måned|månad|år)|next (?:week|month|year)|til (?:våren|høsten|hausten|sommeren|sommaren|jul|påske))\b|['’]ll\b",
    re.IGNORECASE,
)
CONDITION = re.compile(
    r"\b(?:når|hvis|viss|dersom|såfremt|om(?! (?:slett|makuler|destru))|etter at|så snart|så fort|med en gang|straks|idet|innen|før(?! \d)|if|when(?! (?:it|they|we|that) (?:was|were))|once|as soon as|unless|until|before(?! \d)|after|whether|in case(?!\s*(?:no\.?|nr\.?|number)?\s*\d)|provided|hvorvidt|hvordan|korleis|how|at dere|om dere|that you)\b",
    re.IGNORECASE,
)
ANTERIOR = re.compile(
    r"\b(?:har|have|has|er|ble|blei|vart|vorte|blitt|was|were|been|did|is|are|['’]ve|hatt|now|nå|no|herved|hereby|dags dato|today|i dag|i går|yesterday|har vi|vi har)\b",
    re.IGNORECASE,
)
POSTPONE = re.compile(
    r"\b(?:utset\w+|utsatt|utsett(?:ing|e|ja)?|forleng\w+|lengre frist|lengre tid|ny frist|utvid\w+|beholde|behalde|oppbevare (?:lenger|lengre)|ta vare på|dispensasjon|unntak|postpon\w+|extend\w*|extension|defer\w*|delay\w*|longer|"
    r"keep the data|retain the data|new deadline|later date|utsat\w*|uppskov|flytte fristen|flytta fristen|skyve)\b",
    re.IGNORECASE,
)
# the present tense, which promises only with a "when" or "once" beside it
DELETES = re.compile(
    r"\b(?:slett(?:er|ar)|makuler(?:er|ar)|destruer(?:er|ar)|fjern(?:er|ar)|raderar|(?:we|i|they) (?:delete|erase|destroy|wipe|shred|remove))\b",
    re.IGNORECASE,
)
DELETION_TOPIC = re.compile(
    r"slett|makuler|destruer|destruksjon|delet|erase|erasure|destroy|destruct|shred|wipe|purge|rader|fjern|dispos|tilintet|øydele",
    re.IGNORECASE,
)
PARTLY = re.compile(
    r"\b(?:del(?:er|vis|ar)?(?: av)?|delene|noen av|nokre av|nokon av|enkelte|enkelte av|bortsett fra|bortsett frå|unntatt|unnateke|med unntak|med untak|utenom|utanom|foruten|resten|resterende|resterande|øvrige|halvparten|kun|berre|bare|"
    r"ikke alle|ikkje alle|foreløpig|førebels|så langt|hittil|partial\w*|partly|part of|parts of|some of|except\w*|apart from|other than|with the exception|the rest|remaining|remainder|so far|half of|not all|only|"
    r"fortsatt|fremdeles|framleis|still|beholde?r|beheld|held vi på|keep|kept|keeping|retain\w*|gjenstår|står igjen|står att|med atterhald)\b",
    re.IGNORECASE,
)
COPIES = re.compile(
    r"\b(?:\w*kopi\w*|\w*utskrift\w*|papir\w*|back-?ups?|\w*copies|\w*copy|print-?outs?|duplicate\w*|avskrift\w*|arbeidsfil\w*|arbeidskopi\w*|avled\w*|derived)\b",
    re.IGNORECASE,
)

# ── offers ────────────────────────────────────────────────────────────────────────────────────────────────────

OFFER = re.compile(
    r"\b(?:\w*tilbud\w*|\w*tilbod\w*|\w*offer(?:ed|s)?|\w*quot(?:e|es|ation|ations|ed)|avtale\w*|\w*avtalen|\w*kontrakt\w*|\w*agreement\w*|\w*contract\w*|tender|vilkår\w*|terms|pris(?:en|overslag\w*|tilbud\w*)|estimat\w*|offert\w*|anbud\w*)\b",
    re.IGNORECASE,
)
ACCEPTED = re.compile(
    r"\b(?:aksepter(?:er|ar|t|te)?|aksept|godt(?:ar|as|att|ek|eke)|godtok|tek imot|tar imot|tek vi imot|tar vi imot|vi tar det\b|vi tek det\b|godkjenner|godkjennar|godkjent av oss|takker? ja|takkar ja|sier ja|seier ja|slår til|stiller oss bak|inneforstått|innforstått|går med på|samtykker|tiltrer|tiltrår|"
    r"accept(?:s|ed|ing|ance)?|agree[ds]?(?: to)?|approv(?:e|es|ed)|go ahead|going ahead|proceed\w*|happy with|fine with|green light|confirm(?:s|ed)? (?:our|the) (?:acceptance|order)|bekrefter bestilling|stadfestar bestilling|"
    r"accepter\w*|antar|antas)\b",
    re.IGNORECASE,
)
SIGNED = re.compile(
    r"\b(?:signert\w*|underskreve[nt]\w*|underskrive\w*|undertegn(?:et|a|ede)|påtegn\w*|signatur\w*|skrevet under|skrive under|skreiv under|signeret|undertecknat?|signed|counter-?signed|executed|signature\w*|e-?signed|digitally signed|"
    r"signering\w*|underteikna|underskrift\w*)\b",
    re.IGNORECASE,
)
RETURNED = re.compile(
    r"\b(?:vedlagt|vedlegg\w*|vedlagd\w*|legg\w* ved|ligger ved|ligg ved|følger|følgjer|fylgjer|returner\w*|i retur|sender?|sendes|her er|her kommer|her kjem|attached|enclosed|enclos\w*|attach\w*|return\w*|herewith|here is|here's|"
    r"please find|find|sending|bifogat|vedhæft\w*|oversend\w*|herved|tilbake|attende|back to you|completed)\b",
    re.IGNORECASE,
)
REFUSED = re.compile(
    r"\b(?:avslår|avslå|takker? nei|takkar nei|sier nei|seier nei|ikke (?:akseptere?|godta|aktuelt|ønsk\w+ å gå videre|ønsk\w+ å (?:takke ja|benytte))|ikkje (?:akseptere?|godta|aktuelt|ynskj\w+|ønskj\w+)|trekker? (?:oss|søknaden|bestillingen)|trekkjer|"
    r"forkast\w*|avvis\w*|kan ikke (?:akseptere?|godta|signere?)|kan ikkje (?:akseptere?|godta|signere?)|declin\w+|reject\w*|refus\w+|turn(?:ed|ing)? down|cannot accept|can['’]?t accept|not accept\w*|unable to accept|won['’]t accept|"
    r"will not (?:accept|proceed|sign)|not (?:going ahead|proceed\w*)|withdraw\w*|for (?:dyrt|høy|høg|høyt)|too expensive|too high|beyond our|over budsjett\w*|sprenger budsjett\w*)\b",
    re.IGNORECASE,
)
WANTS_CHANGE = re.compile(
    r"\b(?:revider\w*|revised?|endre\w*|endring\w*|justere?\w*|justert|reduser\w*|redusert|reduce\w*|change[sd]?|amend\w*|adjust\w*|correct\w*|korriger\w*|rette|rettes|nytt tilbud|nytt tilbod|new (?:offer|quote)|forhandl\w*|negotiat\w*|"
    r"utsett\w*|utsettelse|forleng\w*|extend\w*|extension|more time|mer tid|meir tid|lengre frist|spesifi\w*|itemi[sz]ed?|breakdown|forbehold|atterhald|reservation|remove|drop|stryk\w*|ta ut|uten (?:variab|punkt)|billigere|cheaper)\b",
    re.IGNORECASE,
)

# ── applications ──────────────────────────────────────────────────────────────────────────────────────────────

APPLICATION = re.compile(
    r"\b(?:\w*søknad\w*|\w*soknad\w*|\w*ansøgning\w*|\w*ansökan\w*|application\w*|applying|apply|appl\w+ form|change form|endringsskjema\w*|endringsmelding\w*|søkn|søker|søkjer|bestillingsskjema|proposal|request for (?:access|data|microdata))\b",
    re.IGNORECASE,
)
HANDED_IN = re.compile(
    r"\b(?:vedlagt\w*|vedlegg\w*|vedlagd\w*|legg\w* ved|ligger ved|ligg ved|sender? (?:med dette |herved |nå |no |dere |dykk |inn )?|sendes|oversend\w*|innsend\w*|herved|med dette|leverer|her (?:er|kommer|kjem)|søk(?:er|jer)|ønsker å søke|ønskjer å søkje|ynskjer å søkje|"
    r"vil (?:gjerne )?søke om|vil (?:gjerne )?søkje om|attached|enclosed|enclos\w*|attach\w*|submit\w*|herewith|hereby|please find|we (?:are )?apply(?:ing)?|i (?:am )?apply(?:ing)?|would like to apply|wish to apply|here is|here's|sending|se vedl\w*|sjå vedl\w*|bifogat|vedhæft\w*)\b",
    re.IGNORECASE,
)
CHANGE_APPLICATION = re.compile(
    r"\b(?:endringssøknad\w*|endringsmelding\w*|søk\w*[^.?!]{0,40}(?:endring|utvid|forleng|tillegg|nye? (?:variab|årgang|medarb|populasjon)|oppdater)\w*|søknad om (?:endring|utvid|forleng|tillegg|oppdater|å (?:endre|utvide|legge til))\w*|"
    r"tilleggssøknad\w*|endringsskjema\w*|change application|change form|change request|application for (?:a )?(?:change|amendment|extension|additional)\w*|amendment\w*|apply[^.?!]{0,40}(?:change|amend|exten|additional|add )\w*|request(?:ing)? (?:a |an )?(?:amendment|change)\w*)\b",
    re.IGNORECASE,
)
INSTITUTION = re.compile(
    r"\b(?:godkjen\w+[^.?!]{0,50}(?:institusjon|forskningsinstitusjon|forskingsinstitusjon|institutt|virksomhet|verksemd|forskningsmiljø)\w*|(?:institusjon|institutt|stiftelse|stifting|virksomhet|verksemd|senter)\w*[^.?!]{0,50}godkjen\w+|"
    r"institusjonsgodkjenning\w*|institution\w*[^.?!]{0,40}approv\w+|approv\w+[^.?!]{0,50}institution\w*|approved as a research)\b",
    re.IGNORECASE,
)
LATER = re.compile(
    r"\b(?:skal (?:snart )?(?:sende|søke|levere)|kommer til å (?:sende|søke)|planlegger å søke|planlegg å søkje|vurderer å søke|før (?:vi|jeg|eg) (?:sender|søk)|will (?:soon )?(?:apply|submit|send in)|plan(?:ning)? to (?:apply|submit)|consider\w* applying|before (?:we|i) (?:apply|submit|send)|"
    r"om å søke om|tenker å søke|tenkjer å søkje|ønsker å vite|"
    r"når (?:vi|jeg|me|eg) søk\w*|(?:sender|leverer|søker|søkjer|send|submit\w*|apply)\b[^.?!]{0,40}\b(?:i løpet av|neste (?:uke|veke|måned|månad|år)|etter (?:påske|jul|sommer|sommar|ferie|nyttår)\w*|truleg|trolig|sannsynligvis|sannsynlegvis|snart|"
    r"next (?:week|month|year)|in the course of|probably|soon)|(?:how|(?:which|what) (?:is|are) the ways?|way) to apply)\b",
    re.IGNORECASE,
)
ALREADY_IN = re.compile(
    r"\b(?:ettersend\w*|ettersendt|etterspurt\w*|etterspurd\w*|som avtalt|som avtala|dere (?:ba|spurte|etterlyste|etterspurte|manglet)|de bad|dykk bad|supplerende|supplerande|oppdatert (?:versjon|dpia|vedlegg)|i tillegg til søknaden|allerede sendt|sendte inn|sende inn .{0,20} i (?:går|forrige)|"
    r"missing (?:attachment|document)|as requested|you (?:asked|requested)|supplement\w*|further to (?:our|my) application|already (?:submitted|sent)|submitted (?:in|on|last)|previously submitted|glemte|gløymde|forgot)\b",
    re.IGNORECASE,
)

# ── other statements ──────────────────────────────────────────────────────────────────────────────────────────

THANKS = re.compile(
    r"\b(?:takk(?:er|ar)?|takke|thanks?|thank you|tack|tak for|mange tak|appreciate\w*|setter (?:stor )?pris|set (?:stor )?pris|supert|flott|perfekt|topp|strålende|strålande|great|perfect|excellent|wonderful|kjempebra|fint|notert|mottatt|motteke|received|god (?:helg|jul|sommer|sommar|påske)|merry christmas|happy)\b",
    re.IGNORECASE,
)
THANKS_ONLY = re.compile(
    r"^(?:tusen |mange |hjertelig |hjarteleg |many |ok[,.]? |okei[,.]? |så fint[,.]? |supert[,.]? )*(?:takk|thanks|thank you|tack|tak|ok|okei|supert|flott|perfekt|topp|strålende|great|perfect|notert|mottatt|motteke|received)\b",
    re.IGNORECASE,
)
ACCESS_REQUEST = re.compile(
    r"\b(?:(?:ber|be|krever|krev|begjær\w*|søker|søkjer|ønsker|ønskjer|ynskjer|fremsett\w*|request\w*|apply|would like)\b[^.?!]{0,60}\b(?:innsyn\w*|partsinnsyn|dokumentinnsyn|public access|access to (?:the )?documents?)|innsynskrav|innsynsbegjæring\w*|krav om innsyn|begjæring om innsyn|"
    r"freedom of information|\bFOI\b|offentle[gn]lov\w*|offentlighetslov\w*|offentleglov\w*|offentliglov\w*|offentlegheitslov\w*)\b",
    re.IGNORECASE,
)
DATA_SUBJECT = re.compile(
    r"\b(?:(?:slett\w*|fjern\w*|rette|korriger\w*|delete|remove|erase|correct|rectify)\b[^.?!]{0,30}\b(?:opplysning\w*|data|information|everything|alt)\b[^.?!]{0,25}\b(?:om meg|om meg sjølv|about me|on me|concerning me|jeg har|mine)\b|"
    r"(?:hvilke|hva slags|kva|kva for|what|which)\b[^.?!]{0,40}\b(?:opplysning\w*|data|information)\b[^.?!]{0,40}\b(?:om meg|about me|on me|på meg|lagret om min)\b|mine personopplysninger|my personal data|personopplysningane mine|"
    r"(?:artikkel|article|art\.?) (?:15|16|17|21)\b|right of access|retten til innsyn|rett til (?:å bli slettet|sletting)|rett til innsyn|reserver\w* (?:meg|mot)|opt out|trekke (?:mitt )?samtykke|withdraw my consent|innsyn i (?:egne|mine|eigne))\b",
    re.IGNORECASE,
)
COMPLAINT = re.compile(
    r"\b(?:klag(?:er|ar|e|en|a) (?:på|over|med dette|herved)|klage (?:på|over|herved)|påklag\w*|formell klage|klagesak|reklamasjon\w*|reklamer\w*|svært misfornøy\w*|misnøgd\w*|misfornøyd\w*|uakseptabel\w*|uakseptabl\w*|under enhver kritikk|complain(?:t|ts|ing)?(?: about| over)?|dissatisf\w*|unacceptable|appeal(?:ing)? (?:against|the)|"
    r"lodge a complaint|file a complaint|klagar)\b",
    re.IGNORECASE,
)
STATUS = re.compile(
    r"\b(?:status(?:en)?\b[^.?!]{0,40}(?:sak|søknad|prosjekt|case|application|project|order|leveranse)?|hvor langt (?:har|er)|kor langt (?:har|er)|(?:når|kva tid|when)\b[^.?!]{0,50}\b(?:vi|jeg|eg|we|i)\b[^.?!]{0,30}\b(?:svar|data\w*|tilbud\w*|tilbod\w*|vedtak|filene|decision|answer|reply|hear)|har (?:dere|de|dykk) (?:fått|mottatt|motteke|sett|rukket|rokke)|"
    r"purr\w*|reminder\b|ikke hørt (?:noe|fra)|ikkje høyrt|(?:have|has)(?: not|n['’]t) heard|any (?:news|update)|an update on|hvordan ligger vi an|korleis ligg|how is .{0,30} (?:going|progress\w*)|what is happening with|hva skjer med|kva skjer med|følge opp|follow(?:ing)? up)\b",
    re.IGNORECASE,
)

CLAUSE = re.compile(
    r"(?:,\s{0,9}|\s{1,9}[–-]\s{1,9}|;\s{0,9}|:\s{1,9})(?:(?:og|men|mens|medan|samt|og at|but|while|whereas|and|although|selv om|sjølv om|så)\b\s{0,9})?|\s{1,9}(?:men|mens|medan|but|while|whereas|although)\s{1,9}",
    re.IGNORECASE,
)

# ── dates ─────────────────────────────────────────────────────────────────────────────────────────────────────

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            *(
                "jan januar january januari",
                "feb februar february februari",
                "mar mars march marts",
                "apr april",
                "mai may maj",
                "jun juni june",
                "jul juli july",
            ),
            *("aug august augusti", "sep sept september", "okt oct oktober october", "nov november", "des dec desember december"),
        ),
        1,
    )
    for name in names.split()
}
DATE = re.compile(
    r"(?<!\d)(?:(?P<d1>\d{1,2})\.\s?(?P<m1>\d{1,2})\.\s?(?P<y1>\d{4}|\d{2})(?!\d)|(?P<y2>\d{4})-(?P<m2>\d{2})-(?P<d2>\d{2})(?!\d)|"
    r"(?P<d3>\d{1,2})(?:\.|st|nd|rd|th)?\s+(?:of\s+)?(?P<m3>[a-zæøå]{3,9})\.?,?\s+(?P<y3>\d{4})|(?P<m4>[a-z]{3,9})\s+(?P<d4>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y4>\d{4}))",
    re.IGNORECASE,
)


def stated_date(sentence: str) -> date | None:
    """The first full date that a sentence states (day, month and year), in Norwegian, English or ISO form."""
    for match in DATE.finditer(sentence):
        parts = match.groupdict()
        for n in "1234":
            if parts[f"d{n}"] is None:
                continue
            raw_month, year = parts[f"m{n}"], int(parts[f"y{n}"])
            month = int(raw_month) if raw_month.isdigit() else MONTHS.get(raw_month.lower(), 0)
            try:
                return date(year + 2000 if year < 100 else year, month, int(parts[f"d{n}"]))
            except ValueError:
                continue
    return None


# ── finding ───────────────────────────────────────────────────────────────────────────────────────────────────


def find(sentences: Iterable[Sentence], where: str, *, about_deletion: bool = False) -> tuple[Statement, ...]:
    """The statements of one text. ``where``: subject, text, forwarded, or an attachment's file name.

    ``about_deletion``: what came before (the subject) was about deletion, so that "it is done" says what is done.
    """
    found: list[Statement] = []
    for sentence in sentences:
        for judge in JUDGES:
            kind = judge(sentence)
            if kind:
                found.append(_statement(kind, sentence, where))
        if about_deletion and not sentence.question and DONE_SO.search(sentence.text) and not NEGATION.search(sentence.text):
            found.append(_statement("deletion-done", sentence, where))
        about_deletion = about_deletion or DELETION_TOPIC.search(sentence.text) is not None
    return tuple(found)


def is_about_deletion(text: str) -> bool:
    """Whether a subject line is about deletion."""
    return DELETION_TOPIC.search(text) is not None


def _statement(kind: str, sentence: Sentence, where: str) -> Statement:
    text = sentence.text
    if not kind.startswith("deletion"):
        return Statement(kind, text, where)
    partial = kind == "deletion-done" and PARTLY.search(text) is not None
    copies = None
    if kind == "deletion-done" and (match := COPIES.search(text)):
        copies = not NEGATION.search(text[max(0, match.start() - 30) : match.end() + 30])
    return Statement(kind, text, where, partial=partial, copies=copies, date=stated_date(text) if kind == "deletion-done" else None)


def deletion(sentence: Sentence) -> str:
    """What a sentence says of deletion, by its clauses: a completed one wins, then what speaks against it."""
    text = sentence.text
    if not (DELETION_TOPIC.search(text) or DELETED.search(text) or GONE.search(text)):
        return ""
    verdicts = [_clause(clause, sentence) for clause in _clauses(text)]
    for kind in ("deletion-accident", "deletion-done", "deletion-postponed", "deletion-negated", "deletion-promised", "deletion-question"):
        if kind in verdicts:
            return kind
    return ""


def _clauses(text: str) -> list[str]:
    """The clauses of a sentence; one without a verb of deletion stays with the one before it."""
    pieces = [piece for piece in CLAUSE.split(text) if piece.strip()]
    clauses: list[str] = []
    for piece in pieces:
        if (clauses and not (DELETION_TOPIC.search(piece) or GONE.search(piece))) or (
            clauses and not (DELETION_TOPIC.search(clauses[-1]) or GONE.search(clauses[-1]))
        ):
            clauses[-1] += ", " + piece
        else:
            clauses.append(piece)
    return clauses


def _clause(clause: str, sentence: Sentence) -> str:
    done = _done_at(clause)
    asked = sentence.question and ("?" in sentence.text or INTERROGATIVE.match(sentence.text) is not None)
    if asked and not (done is not None and REPORTS.search(clause[:done]) and "register" in clause.lower()):
        return "deletion-postponed" if POSTPONE.search(clause) else "deletion-question"
    if done is None:
        return _not_done(clause)
    if ACCIDENT.search(clause):
        return "deletion-accident"
    before = _governing(clause[:done])
    if _negated(before, clause, done):
        return "deletion-negated"
    if CONDITION.search(before):
        return "deletion-promised"
    future = _last_end(FUTURE, before)
    if future >= 0 and _last_end(ANTERIOR, before) < future and not _perfect_future(before, future):
        return "deletion-promised"
    return "deletion-done"


def _governing(before: str) -> str:
    """The words that bear on the participle: after "vi bekrefter at", else after the last comma or "så"."""
    reports = [match for match in REPORTS.finditer(before)]
    if reports:
        promise = before[: reports[-1].start()]
        if not re.search(
            r"\b(?:når|as soon as|once|så snart|innen|before|later|senere|seinare|ikke|ikkje|not|cannot|kommer tilbake|kjem attende)\b[^,]*$",
            promise,
            re.IGNORECASE,
        ):
            return before[reports[-1].end() :]
    return re.split(r",\s|:\s|\bså\b|\bso\b|\band has\b|\bog har\b", before)[-1]


# "can confirm that", "must report that": what stands before the report itself is no promise of the deed
SAYS = re.compile(
    r"\b(?:kan|can|må|skal|vil|may|must|will|want to|would like to|ønsker å|ønskjer å)\s+(?:\w+\s+)?(?:herved\s+|hereby\s+)?"
    r"(?:bekreft\w*|meld\w*|meddel\w*|stadfest\w*|opplys\w*|inform\w*|confirm\w*|report\w*|seie|si|state)\b",
    re.IGNORECASE,
)


# "data with all identifiers removed" tells what data are wanted
WITHOUT = re.compile(r"\b(?:with|med)\s[^,.;:]{1,60}$", re.IGNORECASE)


def _done_at(clause: str) -> int | None:
    """Where a completed deletion of something like data begins, or None."""
    for match in DELETED.finditer(clause):
        strong = STRONG_DELETED.match(match.group()) is not None
        if NOT_OURS.search(clause) and not re.search(
            r"\b(?:data\w*|fil(?:er|ene)|files?|opplysning\w*|\w*kopi\w*)\b", clause, re.IGNORECASE
        ):
            continue
        if not strong and WITHOUT.search(clause[: match.end()]):
            continue
        if strong or THINGS.search(clause):
            return match.start()
    paper = DELETION_PAPER.search(clause)
    if paper and re.search(
        r"\b(?:vedl(?:agt|egg|agd)\w*|legg\w* ved|ligger ved|ligg ved|følger|følgjer|fylgjer|attached|enclosed|herewith|please find|her er|her kjem|her kommer|here is|signert|signed|utført|sender|sending)\b|_",
        clause,
        re.IGNORECASE,
    ):
        return paper.end()
    match2 = DELETION_DONE.search(clause)
    if match2 and not re.search(
        r"\b(?:ber\w* om|krav\w* om|må|skal|kan|hvordan|korleis|how|request\w*|need\w*|asking|ask for|requires?|kravet|mal\b|reminder|påminn\w*|purr\w*|asked (?:us )?to|template|skjema for|form for|ikke|ikkje|not)\b",
        SAYS.sub("", clause[: match2.end()]),
        re.IGNORECASE,
    ):
        return match2.end()
    match3 = GONE.search(clause)
    if (
        match3
        and THINGS.search(clause)
        and re.search(
            r"\b(?:data\w*|\w*fil\w*|material\w*|opplysning\w*|files?|copies|copy|\w*kopi\w*|records?|microdata|mikrodata)\b",
            clause,
            re.IGNORECASE,
        )
    ):
        if re.search(
            r"\b(?:trenger|treng|need\w*|åpn\w*|open\w*|access\w*|bruk\w*|use[sd]?|virker|verkar|finner|finn|(?:ned|opp)last\w*|(?:down|up)load\w*|overføring\w*|transfer\w*|portal\w*|lenk\w*|link\w*)\b",
            clause,
            re.IGNORECASE,
        ):
            return None
        return match3.end()
    return None


def _negated(before: str, clause: str, done: int) -> bool:
    """Whether the completed deed is denied: a negation before it, or right after it ("er slettet ikke")."""
    if GONE.search(clause) is None and NEGATION.search(before[-70:]):
        return True
    return re.match(r"\S+\s+(?:vi |jeg |eg )?(?:ikke|ikkje|not)\b", clause[done:]) is not None


def _perfect_future(before: str, future: int) -> bool:
    """ "skal nå være slettet", "kan bekrefte at … er slettet", "will have been", "må meddele at": the deed itself is done."""
    rest = before[future:]
    return (
        re.search(
            r"\b(?:være|vere|vera|ha|have been|bekreft\w*|stadfest\w*|confirm\w*|melde|meddel\w*|opplyse|inform\w*|report|si|seie|tell|add|document)\b",
            rest,
            re.IGNORECASE,
        )
        is not None
    )


def _last_end(pattern: re.Pattern[str], text: str) -> int:
    return max((match.end() for match in pattern.finditer(text)), default=-1)


def _not_done(clause: str) -> str:
    if POSTPONE.search(clause):
        return "deletion-postponed"
    if not DELETION_TOPIC.search(clause):
        return ""
    if NEGATION.search(clause) or re.search(r"\b(?:gjenstår|remains to|står igjen)\b", clause, re.IGNORECASE):
        return "deletion-negated"
    if FUTURE.search(clause) or (DELETES.search(clause) and CONDITION.search(clause)):
        return "deletion-promised"
    return ""


def offer(sentence: Sentence) -> str:
    """Whether an offer is accepted in words, returned signed, refused, or wanted otherwise."""
    text = sentence.text
    if not OFFER.search(text):
        return "offer-returned" if SIGNED.search(text) and RETURNED.search(text) and not sentence.question else ""
    if REFUSED.search(text):
        return "offer-refused"
    if sentence.question and not (SIGNED.search(text) and HANDED_OVER.search(text)):
        return "offer-question"
    conditional = re.search(
        r"\b(?:hvis|viss|dersom|om (?:vi|dere|de)|if|unless|før (?:vi|jeg|eg) (?:kan|signer|aksepter|godtar|takk)|before (?:we|i) (?:can|sign|accept)|forutsatt|under forutsetning|provided that|på vilkår)\b",
        text,
        re.IGNORECASE,
    )
    if (
        WANTS_CHANGE.search(text)
        and (conditional or not SIGNED.search(text))
        and not re.search(r"\b(?:uten endring\w*|utan endring\w*|without (?:any )?changes?)\b", text, re.IGNORECASE)
    ):
        return "offer-change"
    if _unfinished(text):
        return "offer-promised"
    if SIGNED.search(TO_SIGN.sub(" ", text)) and (
        RETURNED.search(text) or re.search(r"\b(?:er|har|is|has|have|nå|now)\b", text, re.IGNORECASE)
    ):
        return "offer-returned"
    if ACCEPTED.search(text) and not conditional:
        return "offer-accepted"
    return ""


HANDED_OVER = re.compile(
    r"\b(?:vedlagt|vedlagde|ved?lagd|legg(?:er)? ved|ligger ved|ligg ved|her (?:er|kommer|kjem)|attached|enclosed|herewith|please find|returner\w*|i retur)\b",
    re.IGNORECASE,
)


# "skrive under på tilbud" speaks of signing, not of a signature that stands there
TO_SIGN = re.compile(
    r"\b(?:å |kan |to |må |skal |may |can )?(?:skrive under|skriv under|skriver under|signere|signerer|undertegne|undertegner|underteikne|underteiknar|sign|signs)\b",
    re.IGNORECASE,
)


def _unfinished(text: str) -> bool:
    """The acceptance is denied or still to come: "ikke signert ennå", "vil bli signert i morgen"."""
    for match in (*ACCEPTED.finditer(text), *SIGNED.finditer(text)):
        before = text[max(0, match.start() - 45) : match.start()]
        if NEGATION.search(before):
            return True
        if re.search(
            r"\b(?:skal|vil bli|blir|vert|kommer til å|må|bør|få|get|will be|to be|going to|must|should|awaiting|venter på|ventar på|until|waiting|inntil)\b[^.?!]{0,25}$",
            before,
            re.IGNORECASE,
        ):
            return True
    return False


def application(sentence: Sentence) -> str:
    """Whether an application is handed in: new, change, or for approval of an institution."""
    text = sentence.text
    asked = sentence.question and ("?" in text or INTERROGATIVE.match(text) is not None)
    if asked or LATER.search(text):
        return ""
    if not (HANDED_IN.search(text) and (APPLICATION.search(text) or INSTITUTION.search(text))):
        return ""
    if re.search(
        r"\b(?:svar på søknad\w*|søknaden (?:vår|min|som)\b[^.?!]{0,40}(?:sendte|leverte|er til behandling|ligger)|our application (?:of|from|submitted|dated)|status)\b",
        text,
        re.IGNORECASE,
    ):
        return "application-mentioned"
    if ALREADY_IN.search(text):
        return "application-supplement"
    if CHANGE_APPLICATION.search(text):
        return "change-application"
    if INSTITUTION.search(text):
        return "institution-application"
    return "application"


def _by(pattern: re.Pattern[str], kind: str) -> Callable[[Sentence], str]:
    return lambda sentence: kind if pattern.search(sentence.text) else ""


JUDGES: tuple[Callable[[Sentence], str], ...] = (
    deletion,
    offer,
    application,
    _by(ACCESS_REQUEST, "access-request"),
    _by(DATA_SUBJECT, "data-subject-request"),
    _by(COMPLAINT, "complaint"),
    _by(STATUS, "status-question"),
    lambda sentence: "thanks" if THANKS_ONLY.match(sentence.text) else "",
)


def is_thanks_only(sentences: list[Sentence]) -> bool:
    """A thank-you that needs nobody: short, every sentence thanks or wishes, nothing is asked."""
    if not sentences or any(sentence.question for sentence in sentences) or sum(len(s.text.split()) for s in sentences) > 45:
        return False
    thanked = any(
        THANKS.search(sentence.text) or THANKS_ONLY.match(sentence.text) for sentence in sentences
    )  # "see below" is few words too
    return thanked and (
        all(THANKS.search(sentence.text) or len(sentence.text.split()) <= 3 for sentence in sentences)
        or (THANKS_ONLY.match(sentences[0].text) is not None and len(sentences) <= 3 and not any(s.text.endswith(":") for s in sentences))
    )
