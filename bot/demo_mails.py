"""What the demo is fed with: a case register and mails of all kinds, by invented people at reserved domains."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from bot.demo_documents import Authority, offer_pdf, tampered

SERVER = "mx.ssb.example"
SERVICE = "mikrodata@ssb.example"


@dataclass(frozen=True, slots=True)
class Sample:
    """One mail of the demo. ``proven``: our own mail server vouches for the sender; False: it says the sender is forged."""

    what: str
    sender: str
    subject: str
    body: str
    proven: bool | None = None
    attachments: tuple[tuple[str, bytes], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()

    def content(self, number: int) -> bytes:
        """The mail as the organisation's server hands it on."""
        mail = EmailMessage()
        domain = self.sender.rpartition("@")[2].rstrip(">")
        if self.proven is not None:
            verdict = "pass" if self.proven else "fail"
            mail["Authentication-Results"] = f"{SERVER}; spf={verdict} smtp.mailfrom={domain}; dmarc={verdict} header.from={domain}"
        mail["From"], mail["To"], mail["Subject"] = self.sender, SERVICE, self.subject
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = f"<demo-{number}@{domain}>"
        for name, value in self.headers:
            mail[name] = value
        mail.set_content(self.body)
        for name, data in self.attachments:
            kind = {"pdf": ("application", "pdf"), "csv": ("text", "csv")}.get(name.rpartition(".")[2], ("application", "octet-stream"))
            mail.add_attachment(data, maintype=kind[0], subtype=kind[1], filename=name)
        return mail.as_bytes(policy=SMTP)  # CRLF, as it goes over the wire


def cases(today: datetime) -> list[tuple[str, dict[str, Any]]]:
    """The demo's case register."""
    day = today.date()
    ntnu = {"institution": "NTNU", "domains": ("ntnu.example",), "contacts": ("ola.hansen@ntnu.example",)}
    uib = {"institution": "Universitetet i Bergen", "domains": ("uib.example",), "contacts": ("anne.grimstveit@uib.example",)}
    worker = {"caseworker": "saksbehandler@ssb.example"}
    return [
        (
            "24/1187",
            {**ntnu, **worker, "title": "Arbeid og helse i distriktene", "state": "delivered", "deletion_due": day + timedelta(days=20)},
        ),
        (
            "23/456",
            {**ntnu, **worker, "title": "Utdanningsløp", "state": "delivered", "deletion_due": day - timedelta(days=9)},
        ),
        (
            "25/3021",
            {
                **uib,
                **worker,
                "title": "Boforhold og barnetal",
                "state": "offered",
                "offer_sent": day - timedelta(days=5),
                "signatories": ("Anne Grimstveit",),
            },
        ),
        ("25/3022", {**uib, **worker, "title": "Pendling over fjorden", "state": "offered", "offer_sent": day - timedelta(days=6)}),
    ]


def samples(authority: Authority) -> list[Sample]:
    """All mails of the demo, in the order in which they come; ``authority`` signs the offers."""
    return [*_questions(), *_deletions(), *_offers(authority), _application(), *_others()]


def _questions() -> list[Sample]:
    """What the knowledge base answers, in three languages."""
    return [
        Sample(
            "a question in bokmål",
            "Kari Lund <kari.lund@ntnu.example>",
            "Hvem kan signere?",
            "Hei,\n\nvi har fått et tilbud fra dere og lurer på hvem hos oss som kan skrive under på det. Må det være rektor?\n\nHilsen Kari\n",
        ),
        Sample(
            "a question in nynorsk",
            "Olav Vik <olav.vik@hivolda.example>",
            "Sletting",
            "Hei,\n\nnår må vi seinast slette dataa vi har fått frå dykk, og gjeld det kopiar og utskrifter òg?\n\nVenleg helsing\nOlav Vik\n",
        ),
        Sample(
            "a question in English",
            "Maria Rossi <maria.rossi@uni.example>",
            "Access from abroad",
            "Hello,\n\nI work at a university in Italy. Can institutions outside Norway get access to your microdata?\n\nBest regards\nMaria Rossi\n",
        ),
    ]


def _deletions() -> list[Sample]:
    """One that may be believed, one that may not."""
    return [
        Sample(
            "a deletion, sender verified",
            "Ola Hansen <ola.hansen@ntnu.example>",
            "Sak 24/1187: bekreftelse på sletting",
            "Hei,\n\nvi bekrefter at alle data i sak 24/1187 ble slettet i går, også kopier og utskrifter.\n\nVennlig hilsen\nOla Hansen\n",
            proven=True,
        ),
        Sample(
            "the same, forged",
            "Ola Hansen <ola.hansen@ntnu.example>",
            "Bekreftelse på sletting, sak 23/456",
            "Hei,\n\nalle data i sak 23/456 er slettet.\n\nOla Hansen\n",
            proven=False,
        ),
    ]


def _offers(authority: Authority) -> list[Sample]:
    """Both signed; one was changed afterwards."""
    first = authority.sign(offer_pdf("Tilbud fra SSB, sak 25/3021", "Pris: 48 000 kroner", "Vi godtar tilbudet."))
    second = tampered(authority.sign(offer_pdf("Tilbud fra SSB, sak 25/3022", "Pris: 61 000 kroner")), b"61 000", b"16 000")
    return [
        Sample(
            "an offer, signature valid",
            "Anne Grimstveit <anne.grimstveit@uib.example>",
            "Signert tilbod, sak 25/3021",
            "Hei,\n\nvedlagt er det signerte tilbodet i sak 25/3021.\n\nVenleg helsing\nAnne Grimstveit\n",
            proven=True,
            attachments=(("tilbod-25-3021-signert.pdf", first),),
        ),
        Sample(
            "an offer, changed after signing",
            "Anne Grimstveit <anne.grimstveit@uib.example>",
            "Signert tilbod, sak 25/3022",
            "Hei,\n\nher er tilbodet i sak 25/3022, signert.\n\nVenleg helsing\nAnne Grimstveit\n",
            proven=True,
            attachments=(("tilbod-25-3022-signert.pdf", second),),
        ),
    ]


def _application() -> Sample:
    return Sample(
        "an application without DPIA",
        "Per Dahl <per.dahl@uio.example>",
        "Søknad om tilgang til mikrodata",
        "Hei,\n\nvedlagt følger søknad om tilgang til mikrodata for prosjektet «Unge utenfor», med prosjektbeskrivelse og variabelliste.\n\n"
        "Vennlig hilsen\nPer Dahl\n",
        attachments=(
            ("Søknadsskjema.pdf", offer_pdf("Søknad om tilgang til mikrodata", "Prosjekt: Unge utenfor")),
            ("Prosjektbeskrivelse.pdf", offer_pdf("Prosjektbeskrivelse", "Vi undersøker unge utenfor arbeid.")),
            ("Variabelliste.csv", b"omrade;variabel;fra;til\nutdanning;BU;2005;2024\n"),
        ),
    )


def _others() -> list[Sample]:
    """What is recorded in silence, goes to a person, or needs no reply."""
    return [
        Sample(
            "an out-of-office reply",
            "Nils Moe <nils.moe@nifu.example>",
            "Automatisk svar: Tilbud",
            "Jeg er ikke på kontoret før mandag.\n",
            headers=(("Auto-Submitted", "auto-replied"),),
        ),
        Sample(
            "a question without an answer",
            "Siri Aas <siri.aas@fhi.example>",
            "Variabel",
            "Hei,\n\nfinnes det opplysninger om antall rom i boligen før 1980, og hvilken koding er brukt?\n\nHilsen Siri\n",
        ),
        Sample(
            "a matter of a running case",
            "Ola Hansen <ola.hansen@ntnu.example>",
            "Sak 24/1187: mangler en fil",
            "Hei,\n\ni leveransen i sak 24/1187 mangler filen for 2019. Kan dere sende den på nytt?\n\nOla\n",
            proven=True,
        ),
        Sample("a thank-you", "Kari Lund <kari.lund@ntnu.example>", "Takk", "Tusen takk for hjelpen!\n\nKari\n"),
    ]
