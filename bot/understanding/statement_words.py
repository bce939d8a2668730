"""The words by which a sentence is told to say that something is done, promised, refused or asked for.

Patterns only; ``statements`` judges by them. Short alternations without nested repetition, so time is linear in the text.
"""

from __future__ import annotations

from bot.mail.caseless import Caseless


def _words(*alternatives: str) -> Caseless:
    return Caseless(r"\b(?:" + "|".join(alternatives) + r")\b")


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
DELETION_DONE = Caseless(
    r"\b(?:slett(?:ing|ingen|inga)|makulering\w*|destruksjon\w*|destruering\w*|deletion|erasure|destruction|disposal|radering\w*)\b[^.?!]{0,70}?\b(?:er |ble |vart |blei |has been |was |is |have been |been |er nå |er no )?"
    r"(?:gjennomført|utført|fullført|gjort|ferdig|avsluttet|avslutta|ordnet|ordna|sluttført|completed?|carried out|done|performed|finished|concluded|slutförd|skjedd|foretatt|føreteke|ligger vedlagt|attached|enclosed)\b"
    r"|\b(?:bekreft\w*|stadfest\w*|confirm\w*|attest\w*|certif\w*|bekräft\w*|erklær\w*|dokumenter\w*|melder|melde|meddel\w*)\b[^.?!]{0,60}?\b(?:slett(?:ing|ingen|inga)|makulering\w*|destruksjon\w*|destruering\w*|deletion|erasure|destruction)\b"
    r"|\b(?:har|have|has|vi|we)\b[^.?!]{0,25}\b(?:gjennomført|utført|fullført|foretatt|føreteke|completed|carried out|performed)\b[^.?!]{0,30}\b(?:slett\w+|deletion|erasure|destruction)\b",
)
GONE = Caseless(
    r"\b(?:(?:finnes|finst|fins|foreligger|eksisterer|ligger|ligg|lagres|lagra|er)\b[^.?!]{0,40}\b(?:ikke|ikkje|ingen|inga|intet|ingenting)\b[^.?!]{0,25}\b(?:lenger|lengre|lenge?r|igjen|hos oss|att|meir|mer)\b"
    r"|(?:har|sitter|sit|oppbevarer|oppbevarar|have|hold|retain|keep|store|possess)\b[^.?!]{0,30}\b(?:ingen|inga|ikke|ikkje|no|not|none)\b[^.?!]{0,30}\b(?:igjen|lenger|lengre|any longer|longer|left|remaining|anymore|any more|att)\b"
    r"|no longer (?:hold|have|possess|retain|store|exist|in our|on our|available|keep)\w*|nothing (?:remains|is left|left)|none (?:of .{0,30} )?remain\w*|ceased to exist"
    r"|er (?:nå |no )?(?:borte|vekk|historie|ute av)\b|are (?:now )?gone\b|is (?:now )?gone\b|ikkje lenger|ikke lenger)\b",
)
# a body that is gone, not its data
BODY_GONE = Caseless(
    r"\b(?:\w*firma\w*|\w*selskap\w*|\w*bedrift\w*|\w*institu\w+|\w*senter\w*|\w*byrå\w*|compan(?:y|ies)|firms?|agenc(?:y|ies)|cent(?:re|er)s?|department\w*|avdeling\w*)\b[^.?!,]{0,12}"
    r"\b(?:no longer exist\w*|ceased to exist|(?:ikke|ikkje) (?:lenger |lengre )?(?:finnes|finst|fins|eksister\w*)|(?:finnes|finst|fins|eksister\w*) (?:ikke|ikkje))",
)
# a document that confirms it, handed over
DELETION_PAPER = Caseless(
    r"\b(?:slett\w*(?:bekreft|stadfest|erklær|skjema|kvitt|attest|protokoll|rapport|logg)\w*|destruksjons?attest\w*|destruksjons?bevis\w*|makulerings?(?:attest|bevis)\w*|(?:bekreftelse|stadfesting|erklæring|erklering|attest|dokumentasjon|skjema|"
    r"logg|protokoll|rapport)\w* (?:om|på|for|over|fra|frå) (?:\w+ )?(?:slett|makuler|destruer|destruksjon)\w*|(?:confirmation|declaration|certificate|proof|statement|record|log|attestation|evidence) of (?:the )?(?:data )?(?:deletion|destruction|erasure|disposal)|"
    r"(?:deletion|destruction|erasure|disposal) (?:form|certificate|confirmation|declaration|statement|log|record|report|protocol))\b",
)
DONE_SO = Caseless(
    r"^(?:ja|yes|jo|yep)[,.:]? (?:on |den |i |in |alt|alle|all of|everything|de er|dei er|dei òg|de også)\b|^(?:(?:ja|yes|jo|jepp|yep|hei|hi|ok)[,.! ]+)?(?:(?:nå |no )?(?:er )?(?:det|dette|this|that|it|alt|everything|all|jobben|arbeidet|so)\b[^.?!,]{0,30}\b(?:gjort|utført|gjennomført|ordnet|ordna|i orden|fullført|done|carried out|completed|taken care of|finished|effectuated|"
    r"gone|borte|vekk)|(?:it|they|that|those|det|dei?)(?:['’]s| is| are| has| have| er| har)(?: (?:it|det|de|dei))?\s*(?:[.!,]|$)|(?:gjort|utført|gjennomført|done|completed|ferdig|ordnet|ordna)\b(?! (?:å|to)\b)[^?]{0,60}$|(?:yes, )?(?:they|it) (?:have|has|are|is)\b[^?]{0,20}$|"
    r"(?:nå|no|this|dette|det) (?:er|har|has|is|vart|ble|was)[^.?!]{0,25}\b(?:utført|gjort|done|carried out|gjennomført|completed)\b)",
)
REPORTS = Caseless(
    r"\b(?:bekreft\w*|bekräft\w*|stadfest\w*|confirm\w*|melde[rt]?|meddel\w*|opplys\w*|informer\w*|inform\w*|report\w*|attest\w*|certif\w*|erklær\w*|declare\w*|seie frå|si fra|tell you|let you know|notify\w*|kan si|kan seie|garanter\w*|register)\b"
    r"[^.?!,]{0,40}?\b(?:at|that|om at|att|our|the|alle|all|samtlige)\b|^\s*(?:bekreft\w*|confirm\w*|stadfest\w*)\b",
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
NOT_OURS = Caseless(
    r"\b(?:e-?post(?:en|er|ene)?|mail(?:en|er|s)?|epost|e-?mails?|meldingen|meldinga|message|lenk(?:en|e|a)|link|bruker(?:en|konto\w*)?|brukar(?:en|konto\w*)?|account|konto(?:en)?|profil\w*|appen?|passord\w*|password|"
    r"avsnitt\w*|paragraph|søknad(?:en)?|utkast\w*|draft|søknadsskjema\w*|punkt\w*|kalender\w*|innkalling\w*|attachment|vedlegg(?:et)?|setning\w*|telefonnummer\w*|nummer(?:et)?)\b",
)
ACCIDENT = Caseless(
    r"\b(?:ved (?:en |ei |eit |et )?(?:feil\w*|uhell|mistak|misstak|vanvare|slump)|uheldigvis|kom i skade|kom til å|accident\w*|by mistake|mistaken\w*|inadvertent\w*|unintention\w*|av misstag|utilsikta|utilsiktet|feilaktig)\b",
)
NEGATION = Caseless(
    r"\b(?:ikke|ikkje|ikkj|inte|aldri|verken|hverken|korkje|not|never|neither|nor|cannot|uten å|utan å|without|ei heller|uslett\w*|undeleted|gjenstår|står igjen|står att|remains? to be|yet to|pending|fail\w* to|unable to|ingenting|ingen av|inga av|none of|nothing|nobody|noone)\b"
    r"|n['’]t\b|\b(?:ingen|inga|no) (?:data\w*|fil\w*|kopi\w*|files?|cop\w+|av|of)\b[^.?!]{0,30}\b(?:er|har|ble|vart|is|are|has|have|was|were)\b",
)
FUTURE = Caseless(
    r"\b(?:skal|vil|kommer (?:til å|vi til)|kjem(?: vi)? til å|planlegg\w*|planen er|planlagt|akter|aktar|har tenkt|tenker å|tenkjer å|lover|lovar|frist\w*|kommende|komande|sikter mot|tar sikte på|tek sikte på|ska|bør|må|burde|"
    r"skulle|ville|kan|kunne|blir|bli|vert|verte|verta|å bli|will|shall|would|should|must|can|could|may|might|going to|plan\w*|intend\w*|aim\w*|expect\w*|schedul\w*|to be|until|about to|soon|upcoming|due to be|promise\w*|"
    r"ber(?:e)? om|be om|ønsker? å|ynskjer? å|ønskjer? å|want\w* to|wish\w* to|need\w* to|have to|has to|ought to|før(?: vi)?|innen|i ferd med|holder på|held på|is being|are being|being|bestilt|ordered|requested|"
    r"satt opp|sett opp|neste (?:uke|veke|måned|månad|år)|next (?:week|month|year)|til (?:våren|høsten|hausten|sommeren|sommaren|jul|påske))\b|['’]ll\b",
)
CONDITION = Caseless(
    r"\b(?:når|hvis|viss|dersom|såfremt|om(?! (?:slett|makuler|destru))|etter at|så snart|så fort|med en gang|straks|idet|innen|før(?! \d)|if|when(?! (?:it|they|we|that) (?:was|were))|once|as soon as|unless|until|before(?! \d)|after|whether|in case(?!\s*(?:no\.?|nr\.?|number)?\s*\d)|provided|hvorvidt|hvordan|korleis|how|at dere|om dere|that you)\b",
)
ANTERIOR = Caseless(
    r"\b(?:har|have|has|er|ble|blei|vart|vorte|blitt|was|were|been|did|is|are|['’]ve|hatt|now|nå|no|herved|hereby|dags dato|today|i dag|i går|yesterday|har vi|vi har)\b",
)
POSTPONE = Caseless(
    r"\b(?:utset\w+|utsatt|utsett(?:ing|e|ja)?|forleng\w+|lengre frist|lengre tid|ny frist|utvid\w+|beholde|behalde|oppbevare (?:lenger|lengre)|ta vare på|dispensasjon|unntak|postpon\w+|extend\w*|extension|defer\w*|delay\w*|longer|"
    r"keep the data|retain the data|new deadline|later date|utsat\w*|uppskov|flytte fristen|flytta fristen|skyve)\b",
)
# the present tense, which promises only with a "when" or "once" beside it
DELETES = Caseless(
    r"\b(?:slett(?:er|ar)|makuler(?:er|ar)|destruer(?:er|ar)|fjern(?:er|ar)|raderar|(?:we|i|they) (?:delete|erase|destroy|wipe|shred|remove))\b",
)
DELETION_TOPIC = Caseless(
    r"slett|makuler|destruer|destruksjon|delet|erase|erasure|destroy|destruct|shred|wipe|purge|rader|fjern|dispos|tilintet|øydele",
)
PARTLY = Caseless(
    r"\b(?:del(?:er|vis|ar)?(?: av)?|delene|noen av|nokre av|nokon av|enkelte|enkelte av|bortsett fra|bortsett frå|unntatt|unnateke|med unntak|med untak|utenom|utanom|foruten|resten|resterende|resterande|øvrige|halvparten|kun|berre|bare|"
    r"ikke alle|ikkje alle|foreløpig|førebels|så langt|hittil|partial\w*|partly|part of|parts of|some of|except\w*|apart from|other than|with the exception|the rest|remaining|remainder|so far|half of|not all|only|"
    r"fortsatt|fremdeles|framleis|still|beholde?r|beheld|held vi på|keep|kept|keeping|retain\w*|gjenstår|står igjen|står att|med atterhald)\b",
)
COPIES = Caseless(
    r"\b(?:\w*kopi\w*|\w*utskrift\w*|papir\w*|back-?ups?|\w*copies|\w*copy|print-?outs?|duplicate\w*|avskrift\w*|arbeidsfil\w*|arbeidskopi\w*|avled\w*|derived)\b",
)

# "can confirm that", "must report that": what stands before the report itself is no promise of the deed
SAYS = Caseless(
    r"\b(?:(?:kan|can|vil|may|will|want to|would like to|ønsker å|ønskjer å)\s+(?:\w+\s+)?(?:herved\s+|hereby\s+)?|(?:må|skal|must)\s+(?:\w+\s+)?(?:herved|hereby)\s+)"
    r"(?:bekreft\w*|meld\w*|meddel\w*|stadfest\w*|opplys\w*|inform\w*|confirm\w*|report\w*|seie|si|state)\b",
)
# "data with all identifiers removed" tells what data are wanted
WITHOUT = Caseless(r"\b(?:with|med)\s[^,.;:]{1,60}$")

# ── offers ────────────────────────────────────────────────────────────────────────────────────────────────────

OFFER = Caseless(
    r"\b(?:\w*tilbud\w*|\w*tilbod\w*|\w*offer(?:ed|s)?|\w*quot(?:e|es|ation|ations|ed)|avtale\w*|\w*avtalen|\w*kontrakt\w*|\w*agreement\w*|\w*contract\w*|tender|vilkår\w*|terms|pris(?:en|overslag\w*|tilbud\w*)|estimat\w*|offert\w*|anbud\w*)\b",
)
# one of these stands in every match of OFFER; most sentences have none, which is told in a tenth of the time
OFFER_STEMS = Caseless(r"tilbud|tilbod|offer|quot|avtale|kontrakt|agreement|contract|tender|vilkår|terms|pris|estimat|anbud")
ACCEPTED = Caseless(
    r"\b(?:aksepter(?:er|ar|t|te)?|aksept|godt(?:ar|as|att|ek|eke)|godtok|tek imot|tar imot|tek vi imot|tar vi imot|vi tar det\b|vi tek det\b|godkjenner|godkjennar|godkjent av oss|takker? ja|takkar ja|sier ja|seier ja|slår til|stiller oss bak|inneforstått|innforstått|går med på|samtykker|tiltrer|tiltrår|"
    r"accept(?:s|ed|ing|ance)?|agree[ds]?(?: to)?|approv(?:e|es|ed)|go ahead|going ahead|proceed\w*|happy with|fine with|green light|confirm(?:s|ed)? (?:our|the) (?:acceptance|order)|bekrefter bestilling|stadfestar bestilling|"
    r"accepter\w*|antar|antas)\b",
)
SIGNED = Caseless(
    r"\b(?:signert\w*|underskreve[nt]\w*|underskrive\w*|undertegn(?:et|a|ede)|påtegn\w*|signatur\w*|skrevet under|skrive under|skreiv under|signeret|undertecknat?|signed|counter-?signed|executed|signature\w*|e-?signed|digitally signed|"
    r"signering\w*|underteikna|underskrift\w*)\b",
)
RETURNED = Caseless(
    r"\b(?:vedlagt|vedlegg\w*|vedlagd\w*|legg\w* ved|ligger ved|ligg ved|følger|følgjer|fylgjer|returner\w*|i retur|sender?|sendes|her er|her kommer|her kjem|attached|enclosed|enclos\w*|attach\w*|return\w*|herewith|here is|here's|"
    r"please find|find|sending|bifogat|vedhæft\w*|oversend\w*|herved|tilbake|attende|back to you|completed)\b",
)
REFUSED = Caseless(
    r"\b(?:avslår|avslå|takker? nei|takkar nei|sier nei|seier nei|ikke (?:akseptere?|godta|aktuelt|ønsk\w+ å gå videre|ønsk\w+ å (?:takke ja|benytte))|ikkje (?:akseptere?|godta|aktuelt|ynskj\w+|ønskj\w+)|trekker? (?:oss|søknaden|bestillingen)|trekkjer|"
    r"forkast\w*|avvis\w*|kan ikke (?:akseptere?|godta|signere?)|kan ikkje (?:akseptere?|godta|signere?)|declin\w+|reject\w*|refus\w+|turn(?:ed|ing)? down|cannot accept|can['’]?t accept|not accept\w*|unable to accept|won['’]t accept|"
    r"will not (?:accept|proceed|sign)|not (?:going ahead|proceed\w*)|withdraw\w*|for (?:dyrt|høy|høg|høyt)|too expensive|too high|beyond our|over budsjett\w*|sprenger budsjett\w*)\b",
)
WANTS_CHANGE = Caseless(
    r"\b(?:revider\w*|revised?|endre\w*|endring\w*|justere?\w*|justert|reduser\w*|redusert|reduce\w*|change[sd]?|amend\w*|adjust\w*|correct\w*|korriger\w*|rette|rettes|nytt tilbud|nytt tilbod|new (?:offer|quote)|forhandl\w*|negotiat\w*|"
    r"utsett\w*|utsettelse|forleng\w*|extend\w*|extension|more time|mer tid|meir tid|lengre frist|spesifi\w*|itemi[sz]ed?|breakdown|forbehold|atterhald|reservation|remove|drop|stryk\w*|ta ut|uten (?:variab|punkt)|billigere|cheaper)\b",
)

HANDED_OVER = Caseless(
    r"\b(?:vedlagt|vedlagde|ved?lagd|legg(?:er)? ved|ligger ved|ligg ved|her (?:er|kommer|kjem)|attached|enclosed|herewith|please find|returner\w*|i retur)\b",
)
# "skrive under på tilbud" speaks of signing, not of a signature that stands there
TO_SIGN = Caseless(
    r"\b(?:å |kan |to |må |skal |may |can )?(?:skrive under|skriv under|skriver under|signere|signerer|undertegne|undertegner|underteikne|underteiknar|sign|signs)\b",
)

# ── applications ──────────────────────────────────────────────────────────────────────────────────────────────

APPLICATION = Caseless(
    r"\b(?:\w*søknad\w*|\w*soknad\w*|\w*ansøgning\w*|\w*ansökan\w*|application\w*|applying|apply|appl\w+ form|søkes|søkjast|søkast|change form|endringsskjema\w*|endringsmelding\w*|søkn|søker|søkjer|bestillingsskjema|proposal|request for (?:access|data|microdata))\b",
)
HANDED_IN = Caseless(
    r"\b(?:vedlagt\w*|vedlegg\w*|vedlagd\w*|legg\w* ved|ligger ved|ligg ved|sender? (?:med dette |herved |nå |no |dere |dykk |inn )?|sendes|oversend\w*|innsend\w*|herved|med dette|leverer|her (?:er|kommer|kjem)|søk(?:er|jer)|ønsker å søke|ønskjer å søkje|ynskjer å søkje|"
    r"vil (?:gjerne )?søke om|vil (?:gjerne )?søkje om|attached|enclosed|enclos\w*|attach\w*|submit\w*|herewith|hereby|please find|we (?:are )?apply(?:ing)?|i (?:am )?apply(?:ing)?|would like to apply|wish to apply|here is|here's|sending|se vedl\w*|sjå vedl\w*|bifogat|vedhæft\w*)\b",
)
CHANGE_APPLICATION = Caseless(
    r"\b(?:endringssøknad\w*|endringsmelding\w*|søk\w*[^.?!]{0,40}(?:endring|utvid|forleng|tillegg|nye? (?:variab|årgang|medarb|populasjon)|oppdater)\w*|søknad om (?:endring|utvid|forleng|tillegg|oppdater|å (?:endre|utvide|legge til))\w*|"
    r"tilleggssøknad\w*|endringsskjema\w*|change application|change form|change request|application for (?:a )?(?:change|amendment|extension|additional)\w*|amendment\w*|apply[^.?!]{0,40}(?:change|amend|exten|additional|add )\w*|request(?:ing)? (?:a |an )?(?:amendment|change)\w*)\b",
)
INSTITUTION = Caseless(
    r"\b(?:godkjen\w+[^.?!]{0,50}(?:institusjon|forskningsinstitusjon|forskingsinstitusjon|institutt|virksomhet|verksemd|forskningsmiljø)\w*|(?:institusjon|institutt|stiftelse|stifting|virksomhet|verksemd|senter)\w*[^.?!]{0,50}godkjen\w+|"
    r"institusjonsgodkjenning\w*|institution\w*[^.?!]{0,40}approv\w+|approv\w+[^.?!]{0,50}institution\w*|approved as a research)\b",
)
LATER = Caseless(
    r"\b(?:skal (?:snart )?(?:sende|søke|levere|skrive|skrivi|søkje)|i ferd med å|kommer til å (?:sende|søke)|planlegger å søke|planlegg å søkje|vurderer å søke|før (?:vi|jeg|eg|me) (?:sender|søk\w*|leverer)|will (?:soon )?(?:apply|submit|send in)|plan(?:ning)? to (?:apply|submit)|consider\w* applying|before (?:we|i) (?:apply|submit|send)|"
    r"om å søke om|tenker å søke|tenkjer å søkje|ønsker å vite|"
    r"når (?:vi|jeg|me|eg) søk\w*|(?:sender|leverer|søker|søkjer|send|submit\w*|apply)\b[^.?!]{0,40}\b(?:i løpet av|neste (?:uke|veke|måned|månad|år)|etter (?:påske|jul|sommer|sommar|ferie|nyttår)\w*|truleg|trolig|sannsynligvis|sannsynlegvis|snart|"
    r"next (?:week|month|year)|in the course of|probably|soon)|(?:how|(?:which|what) (?:is|are) the ways?|way) to apply)\b",
)
ALREADY_IN = Caseless(
    r"\b(?:ettersend\w*|ettersendt|etterspurt\w*|etterspurd\w*|som avtalt|som avtala|dere (?:ba|spurte|etterlyste|etterspurte|manglet)|de bad|dykk bad|supplerende|supplerande|oppdatert (?:versjon|dpia|vedlegg)|i tillegg til søknaden|allerede sendt|sendte inn|sende inn [^.?!]{0,20}\d{1,2}\. (?:jan|feb|mar|apr|mai|jun|jul|aug|sep|okt|nov|des)\w*|sende inn .{0,20} i (?:går|forrige)|"
    r"missing (?:attachment|document)|as requested|you (?:asked|requested)|supplement\w*|further to (?:our|my) application|already (?:submitted|sent)|submitted (?:in|on|last)|previously submitted|glemte|gløymde|forgot)\b",
)

# ── other statements ──────────────────────────────────────────────────────────────────────────────────────────

THANKS = Caseless(
    r"\b(?:takk(?:er|ar)?|takke|thanks?|thank you|tack|tak for|mange tak|appreciate\w*|setter (?:stor )?pris|set (?:stor )?pris|supert|flott|perfekt|topp|strålende|strålande|great|perfect|excellent|wonderful|kjempebra|fint|notert|mottatt|motteke|received|god (?:helg|jul|sommer|sommar|påske)|merry christmas|happy)\b",
)
THANKS_ONLY = Caseless(
    r"^(?:tusen |mange |hjertelig |hjarteleg |many |ok[,.]? |okei[,.]? |så fint[,.]? |supert[,.]? )*(?:takk|thanks|thank you|tack|tak|ok|okei|supert|flott|perfekt|topp|strålende|great|perfect|notert|mottatt|motteke|received)\b",
)
ACCESS_REQUEST = Caseless(
    r"\b(?:(?:ber|be|krever|krev|begjær\w*|søker|søkjer|ønsker|ønskjer|ynskjer|fremsett\w*|request\w*|apply|would like)\b[^.?!]{0,60}\b(?:innsyn\w*|partsinnsyn|dokumentinnsyn|public access|access to (?:the )?documents?)|innsynskrav|innsynsbegjæring\w*|krav om innsyn|begjæring om innsyn|"
    r"freedom of information|\bfoi\b|offentle[gn]lov\w*|offentlighetslov\w*|offentleglov\w*|offentliglov\w*|offentlegheitslov\w*)\b",
)
DATA_SUBJECT = Caseless(
    r"\b(?:(?:slett\w*|fjern\w*|rette|korriger\w*|delete|remove|erase|correct|rectify)\b[^.?!]{0,30}\b(?:opplysning\w*|data|information|everything|alt)\b[^.?!]{0,25}\b(?:om meg|om meg sjølv|about me|on me|concerning me|jeg har|mine)\b|"
    r"(?:hvilke|hva slags|kva|kva for|what|which)\b[^.?!]{0,40}\b(?:opplysning\w*|data|information)\b[^.?!]{0,40}\b(?:om meg|about me|on me|på meg|lagret om min)\b|mine personopplysninger|my personal data|personopplysningane mine|"
    r"(?:artikkel|article|art\.?) (?:15|16|17|21)\b|right of access|retten til innsyn|rett til (?:å bli slettet|sletting)|rett til innsyn|reserver\w* (?:meg|mot)|opt out|trekke (?:mitt )?samtykke|withdraw my consent|innsyn i (?:egne|mine|eigne))\b",
)
COMPLAINT = Caseless(
    r"\b(?:klag(?:er|ar|e|en|a) (?:på|over|med dette|herved)|klage (?:på|over|herved)|påklag\w*|formell klage|klagesak|reklamasjon\w*|reklamer\w*|svært misfornøy\w*|misnøgd\w*|misfornøyd\w*|uakseptabel\w*|uakseptabl\w*|under enhver kritikk|complain(?:t|ts|ing)?(?: about| over)?|dissatisf\w*|unacceptable|appeal(?:ing)? (?:against|the)|"
    r"lodge a complaint|file a complaint|klagar)\b",
)
STATUS = Caseless(
    r"\b(?:status(?:en)?\b[^.?!]{0,40}(?:sak|søknad|prosjekt|case|application|project|order|leveranse)?|hvor langt (?:har|er)|kor langt (?:har|er)|(?:når|kva tid|when)\b[^.?!]{0,50}\b(?:vi|jeg|eg|we|i)\b[^.?!]{0,30}\b(?:svar|data\w*|tilbud\w*|tilbod\w*|vedtak|filene|decision|answer|reply|hear)|har (?:dere|de|dykk) (?:fått|mottatt|motteke|sett|rukket|rokke)|"
    r"purr\w*|reminder\b|ikke hørt (?:noe|fra)|ikkje høyrt|(?:have|has)(?: not|n['’]t) heard|any (?:news|update)|an update on|hvordan ligger vi an|korleis ligg|how is .{0,30} (?:going|progress\w*)|what is happening with|hva skjer med|kva skjer med|følge opp|follow(?:ing)? up)\b",
)

CLAUSE = Caseless(
    r"(?:,\s{0,9}|\s{1,9}[–-]\s{1,9}|;\s{0,9}|:\s{1,9})(?:(?:og|men|mens|medan|samt|og at|but|while|whereas|and|although|selv om|sjølv om|så)\b\s{0,9})?|\s{1,9}(?:men|mens|medan|but|while|whereas|although)\s{1,9}",
)
