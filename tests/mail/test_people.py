"""People whose subjects sound like a machine's: each gets a person or an answer, never silence."""

from __future__ import annotations

import pytest

from tests.mail.writing import mail, read

PEOPLE = [
    ("Automatic data transfer to our server", "Hi, we would like to set up an automated transfer of the dataset. Is that possible?"),
    ("Auto-generated codebook", "Hi, I have attached the auto-generated codebook for our project 26/1234."),
    ("Do not reply all", "Please do not reply to this thread with attachments; our system drops them. Can you upload the files instead?"),
    ("Kvittering", "Hei, kan vi få en kvittering på at søknaden er mottatt?"),
    ("Mottatt", "Vi har mottatt tilbudet og sender det til signering."),
    ("Henvendelse om mikrodata", "Vår henvendelse er mottatt hos dere 1. mars, men vi har ikke fått svar innen 14 dager."),
    (
        "Invitation: workshop on register data",
        "Dear SSB, we invite you to our workshop. When: 12 May. Where: Bergen. Would you like to give a talk?",
    ),
    ("Read: the guidelines", "I have read the guidelines and have a question about linking."),
    ("Delivered data incomplete", "The delivered data are incomplete; two files are missing."),
    ("Failed to open file", "I could not open the file: permission denied. What should I do?"),
    ("Warning: wrong variable in delivery", "The variable wage is wrong for 2019."),
    (
        "Newsletter",
        "Hello, could you include our project in your newsletter? People can unsubscribe whenever they like, right?.",
    ),
    ("Nyhetsbrev", "Hei, hvordan melder jeg meg av nyhetsbrevet fra mikrodata? Jeg får det to ganger."),
    ("Account suspended", "Hi, my account at microdata.no has been suspended and my password expired. How can I verify it?"),
    ("Konto sperret", "Kontoen min er sperret etter for mange forsøk. Jeg må inn innen 24 timer. https://microdata.no/login gir feil."),
    (
        "Open access publication",
        "We are submitting to a peer-reviewed open access journal which asks for our data. Dear colleagues, may we share aggregated tables?",
    ),
    ("Call for papers deadline", "We need the data before the call for papers closes on 1 April. Could you speed up delivery?"),
    ("Million kroner", "Prosjektet har fått 5 millioner kroner fra Forskningsrådet. Kan vi bestille data nå? Haster, konfidensielt."),
    ("Ang. avlyst møte", "Hei, siden møtet ble avlyst: kan vi ta det på telefon? Når: mandag. Hvor: Teams."),
    ("Accepted", "We have accepted the offer. Regards Kari"),
    ("Godkjent: tilbud 26/1234", "Tilbudet er godkjent."),
    ("Declined", "We have decided to decline the offer due to costs."),
    ("Tentative timeline", "Could we get a tentative timeline?"),
    ("Fax", "Hei, vi sendte en faks i går. Har dere fått den?"),
    ("Talemelding", "Jeg la igjen talemelding. Kan dere ringe meg?"),
    ("Undelivered", "Fikk melding om at e-posten under ikke ble levert, så prøver igjen: hva koster det?"),
    ("SV: Undelivered Mail Returned to Sender", "Den gikk visst ikke fram forrige gang. Prøver igjen: vedlagt er søknaden."),
    ("Returned mail", "Hi, my mail was returned yesterday, so I am sending it again. We want to extend project 26/1234."),
    ("Ikke levert", "Oppgaven er ikke levert ennå, så vi beholder dataene til juni."),
    ("Permisjonssøknad", "Hei, jeg søker om at prosjektet settes på pause mens jeg har permisjon fra 1. april. Hva må vi gjøre?"),
    ("Ferie", "Når har dere ferie i sommer? Vi trenger data før 1. august."),
    ("Fravær av svar", "Vi har ikke fått svar på søknaden fra januar."),
    ("På ferie", "Jeg er på ferie, men vi må få slettet dataene. Kan Ola gjøre det?"),
]


@pytest.mark.parametrize(("subject", "text"), PEOPLE)
def test_a_person_is_a_person(subject: str, text: str) -> None:
    assert read(mail(text, subject=subject)).automatic is None
