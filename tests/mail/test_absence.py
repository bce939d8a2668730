"""Absence told by words alone: notices that no header marks, and people who write of leave, holidays and colleagues who are away."""

from __future__ import annotations

import pytest

from tests.mail.writing import mail, read

REPLY = "In-Reply-To: <a@ssb.example>"
NOTICES = [
    "Hei! Jeg er på ferie og tilbake på jobb mandag 9. mars. Mvh Kari",
    "Hei, jeg har avspasering fredag 6. mars. Ved behov ta kontakt med servicetorget.",
    "Jeg er for tiden i foreldrepermisjon og er tilbake i august 2026. Henvendelser kan rettes til Ola Moen, ola@uni.example.",
    "Takk for din henvendelse. Jeg er på tjenestereise uke 10 og har begrenset tilgang til e-post. Jeg svarer så snart jeg kan.",
    "Jeg er dessverre ikke tilgjengelig på e-post før 12. mars.",
    "Eg er på ferie fram til 9. mars, og les ikkje e-post i denne perioden. Kontakt sentralbordet ved behov.",
    "Eg har permisjon frå stillinga mi ut året. Spørsmål om forskingsadministrasjon kan sendast til fadm@hvl.example.",
    "Hi, I am on annual leave returning on Monday 9th March. I will respond to your email on my return.",
    "Thank you for your email. I am currently on parental leave and will be back 1 September. For urgent matters please contact jane@uni.example.",
    "I am travelling with limited email access this week. Expect delays in responses.",
    "I'm out of office until 10/3. Best, Kari",
    "I am on sabbatical leave during the academic year 2025/26 and check email infrequently.",
    "I no longer work at the university. Please contact dept@uni.example.",
    "Please note that I am working part-time and respond to e-mails Monday to Wednesday. If urgent, call +47 900 00 000.",
    "I will be away from 2 to 13 March with no access to email.",
    "We are closed for the holidays and will be back on 5 January. ",
    "Kontoret er stengt i påsken. Vi svarer på e-post fra 7. april.",
    "Vi holder stengt i romjulen og er tilbake 2. januar. God jul!",
    "Jeg er sykmeldt på ubestemt tid. E-posten min blir ikke lest. Kontakt leder Per Vik.",
    "Jag är ledig till den 9 mars och läser inte min mejl. Kontakta receptionen vid brådskande ärenden.",
    "Jag är på tjänsteresa och återkommer måndag.",
    "Jeg er på barsel frem til 1. oktober 2026. Kontakt venligst min kollega Mette.",
    "Ich bin derzeit nicht im Büro und ab dem 9. März wieder erreichbar. Ihre Nachricht wird nicht weitergeleitet.",
    "Vielen Dank für Ihre E-Mail. Ich bin bis 13.03. im Urlaub.",
    "Takk for e-posten! Jeg er på konferanse i utlandet til og med torsdag, og svarer deg når jeg er tilbake.",
    "Hei\n\nJeg er ute av kontoret i dag.\n\nMvh\nKari",
    "Jeg er ute i felt uke 10-11 uten dekning.",
    "Hei, eg er bortreist til måndag 9. mars. Ring 91000000 om det hastar.",
    "Autosvar: Jeg leser e-post sporadisk i uke 10. Haster det, send SMS til 90000000.",
]
PEOPLE = [
    "Hei, takk for påminnelsen. Dataene er slettet. Jeg er på ferie neste uke.",
    "Hei, jeg er tilbake fra permisjon og vil gjerne gjenåpne prosjektet.",
    "Hei! Jeg er i permisjon til august, og har ikke tilgang til jobbmailen. Kan dere sende tilbudet til denne adressen i stedet?",
    "Vi rekker ikke å signere før mandag, da avdelingsleder er på ferie. Håper det er i orden.",
    "Avdelingslederen vår er bortreist til 12. mars, så signaturen kommer da.",
    "Our department head is on leave until March 12, so the signed offer will follow then.",
    "I am back from leave and would like to resume the project.",
    "I'm away next week, but my colleague Ola can answer questions about the variables.",
    "Jeg er på kontoret igjen mandag. Da sender jeg svar.",
    "Ok, kontakt meg gjerne på telefon 90000000 etter kl. 12.",
    "Takk, da avventer jeg. Jeg er tilgjengelig fra 9. mars.",
    "Per har sluttet hos oss, og Kari Nordmann tar over prosjektet fra 1. april.",
    "Jeg bytter jobb 1. april og slutter ved NIFU. Hva skjer med tilgangen min?",
    "Jeg har sluttet i NIFU, og prosjektet videreføres av Ola Moen.",
    "Vi er ute i god tid: kan dere bekrefte at leveringen skjer innen 1. juni?",
    "I will be travelling to Oslo in March and would like to meet you.",
    "Jeg er syk i dag, men ringer dere i morgen.",
    "Eg er på reise denne veka, men kan svare på spørsmål på telefon.",
    "Beklager sent svar, jeg har vært på ferie. Vi ønsker å gå videre med tilbudet.",
    "Sorry for the late reply, I was on holiday. We accept the offer.",
    "Vi sletter data når stipendiaten er tilbake fra permisjon i august.",
    "Prosjektleder er sykmeldt. Vi ber derfor om utsatt frist til 1. mai.",
    "Jeg kan ikke møte 9. mars, da er jeg på konferanse. Passer 12. mars?",
    "Fint, vi snakkes når du er tilbake fra ferie.",
    "Hei, kontoret vårt er stengt i påsken, så send gjerne filene før 27. mars.",
]


@pytest.mark.parametrize("text", NOTICES)
def test_notices(text: str) -> None:
    """In a reply, and under the subject that Exchange writes."""
    for content in (mail(text, REPLY, subject="Re: Tilbud 26/1234"), mail(text, subject="Automatisk svar: Tilbud 26/1234")):
        judged = read(content).automatic
        assert judged is not None
        assert judged.kind == "out-of-office"


@pytest.mark.parametrize("text", PEOPLE)
def test_people(text: str) -> None:
    """In a reply, and of themselves."""
    for content in (mail(text, REPLY, subject="Re: Tilbud 26/1234"), mail(text, subject="Sak 26/1234")):
        assert read(content).automatic is None


@pytest.mark.parametrize("text", [*NOTICES[:6], *PEOPLE[:6]])
def test_quoted_words_do_not_count(text: str) -> None:
    """What stands in the older mail is nobody's absence now."""
    content = mail(f"Hei, når kommer tilbudet?\n\nDen 2. mars 2026 skrev Ola <ola@uni.example>:\n> {text}", REPLY, subject="Re: Tilbud")
    assert read(content).automatic is None
