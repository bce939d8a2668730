"""The table of rules: each row has a name and a source, one mail at least that fires it and one that comes close and does not.

R15, R17 of the reliability list; the holes are those of the systems that do this job (exact and prefix matches, English only).
"""

from __future__ import annotations

import pytest

from bot.mail.automatic import RULES
from tests.mail.golden import pairs
from tests.mail.golden import read as golden
from tests.mail.writing import mail, read

REPORT = "Content-Type: multipart/report; report-type={kind}; boundary=b"


def report(kind: str, fields: str, text: str = "Hei", subject: str = "Rapport", sender: str = "x@mx.example") -> bytes:
    """A multipart/report with one machine-readable part."""
    body = f"--b\nContent-Type: text/plain\n\n{text}\n--b\nContent-Type: message/{kind}\n\n{fields}\n--b--\n"
    return mail(body, REPORT.format(kind=kind), subject=subject, sender=sender)


def status(action: str) -> str:
    """A delivery status of one recipient."""
    return f"Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; ola@uni.example\nAction: {action}\nStatus: 5.1.1\n"


def invitation(method: str) -> bytes:
    """A calendar part."""
    body = "--b\nContent-Type: text/plain\n\nHei\n--b\nContent-Type: text/calendar; method={}\n\nBEGIN:VCALENDAR\nEND:VCALENDAR\n--b--\n"
    return mail(body.format(method), "Content-Type: multipart/alternative; boundary=b", subject="Møte")


NEWS = "Velkommen til årets konferanse om registerdata. " * 8
ROBOT = "noreply@uni.example"
# rule → (mails that fire it, mails that come close)
CASES: dict[str, tuple[tuple[bytes, ...], tuple[bytes, ...]]] = {
    "own-mail": (
        (mail("Hei", "X-Mikrodata-Bot: 1"), mail("Hei", sender="MIKRODATA@ssb.example")),
        (mail("Hei", sender="mikrodata@ssb.example.org"), mail("Hei", sender="mikrodata@nibio.example")),
    ),
    "delivered-report": ((report("delivery-status", status("delivered")),), (report("delivery-status", status("failed")),)),
    "delivery-delay": ((report("delivery-status", status("delayed")),), (report("delivery-status", status("failed")),)),
    "delivery-report": ((report("delivery-status", status("failed")),), (report("disposition-notification", "Disposition: x; displayed"),)),
    "rejected-by-filter": (
        (report("disposition-notification", "Disposition: automatic-action; deleted", "Your mail was rejected by the recipient's filter"),),
        (report("disposition-notification", "Disposition: manual-action; displayed", "Your mail was displayed"),),
    ),
    "disposition-report": (
        (report("disposition-notification", "Disposition: manual-action; displayed"),),
        (mail("Hei", "Disposition-Notification-To: kari@uni.example"),),
    ),
    "feedback-report": ((report("feedback-report", "Feedback-Type: abuse"),), (mail("Tilbakemelding: søknaden er sendt."),)),
    "delivery-status-part": (
        (
            mail(
                f"--b\nContent-Type: text/plain\n\nx\n--b\nContent-Type: message/delivery-status\n\n{status('failed')}\n--b--\n",
                "Content-Type: multipart/mixed; boundary=b",
            ),
        ),
        (
            mail(
                f"--b\nContent-Type: text/plain\n\nHva betyr dette?\n--b\nContent-Type: message/delivery-status\n\n{status('failed')}\n--b--\n",
                "Content-Type: multipart/mixed; boundary=b",
                subject="VS: ikke levert",
            ),
        ),
    ),
    "read-receipt-words": (
        (mail("Meldingen din\n\nTil: Per\n\nble lest 2. mars 2026", subject="Lest: Tilbud"),),
        (mail("Hei, jeg har lest retningslinjene og har to spørsmål.", subject="Lest: retningslinjene"),),
    ),
    "daemon": (
        (
            mail("x", sender="MAILER-DAEMON@mx.example"),
            mail("Mailbox full", sender="postmaster@mx.example", subject="Undeliverable: Tilbud"),
        ),
        (
            mail(
                "Brukerne våre får ikke sendt til dere. Vi ser 550 5.7.1. Kan dere sjekke?",
                sender="postmaster@uni.example",
                subject="E-post",
            ),
        ),
    ),
    "failed-recipients": ((mail("x", "X-Failed-Recipients: ola@uni.example"),), (mail("x", "X-Failed-Recipients:"),)),
    "bounce-words": (
        (mail("Your message could not be delivered to ola@uni.example", subject="Undeliverable: Tilbud", sender="gw@corp.example"),),
        (
            mail("I got this when I sent you my application: 550 5.7.1. What now?", subject="Undeliverable: Søknad"),
            mail("Vi har ikke fått levert dataene. Er leveransen forsinket?", subject="Leveringsproblem"),
        ),
    ),
    "calendar": (
        (invitation("REQUEST"), invitation("REPLY"), invitation("CANCEL"), mail("", subject="Godtatt: Møte")),
        (invitation("PUBLISH"), mail("Vi godtar tilbudet, signert kopi er vedlagt.", subject="Godtatt: tilbud 26/1234")),
    ),
    "absence-with-header": (
        (mail("Jeg er på ferie til 10. mars.", "Auto-Submitted: auto-generated", subject="Ferie"),),
        (mail("Jeg er på ferie til 10. mars. Når får vi svar?", "Auto-Submitted: no"),),
    ),
    "auto-replied": (
        (
            mail("Takk.", "Auto-Submitted: Auto-Replied (vacation); owner=x"),
            mail("Takk.", 'Auto-Submitted: "auto-replied"'),
        ),
        (mail("Takk.", "Auto-Submitted: No (human)"), mail("Takk.", "Auto-Submitted: no; x=y"), mail("Takk.", "Auto-Submitted:")),
    ),
    "auto-reply-header": (
        (mail("Takk.", "X-Autoreply: yes"), mail("Takk.", "X-Autorespond: Tilbud"), mail("Takk.", "Delivered-To: autoresponder")),
        (mail("Takk.", "X-Autoreply: no"), mail("Takk.", "X-Autoreply:"), mail("Takk.", "X-Auto-Response-Suppress: OOF, AutoReply")),
    ),
    "precedence-auto-reply": (
        (mail("Takk.", "Precedence: auto_reply"), mail("Takk.", "X-Precedence: Auto-Reply")),
        (mail("Takk.", "Precedence: first-class"), mail("Takk.", "Precedence: normal")),
    ),
    "list-header": (
        (mail("Hei alle", "List-Id: <forsk.lists.example>"), mail("Hei alle", "Mailing-List: list x@y.example")),
        (
            mail("Hei", "List-Id: <mikrodata.ssb.example>"),
            mail("Hei", "List-Post: <mailto:mikrodata@ssb.example>"),
            mail("Hei", "List-Id:"),
        ),
    ),
    "precedence-bulk": (
        (mail("Hei", "Precedence: bulk"), mail("Hei", "Precedence: JUNK"), mail("Hei", "X-Precedence: list")),
        (mail("Hei", "Precedence: list", "List-Post: <mailto:mikrodata@ssb.example>"), mail("Hei", "Precedence: special-delivery")),
    ),
    "bulk-sender-header": (
        (mail("Nytt", "X-Mailgun-Tag: news"), mail("Nytt", "X-Campaign: 1")),
        (mail("Hei, hva koster det?", "Feedback-ID: 123:user:proton"),),
    ),
    "auto-submitted": (
        (mail("x", "Auto-Submitted: auto-generated"), mail("x", "Auto-Submitted: auto-notified; owner-email=x")),
        (mail("x", "Auto-Submitted: NO"), mail("x", "Auto-Submitted: (robot) no")),
    ),
    "service-header": ((mail("x", "X-Cron-Env: <SHELL=/bin/sh>"), mail("x", "X-GitHub-Reason: mention")), (mail("x", "X-Mailer: cron"),)),
    "loop-header": ((mail("x", "X-Loop: help@uni.example"),), (mail("x", "X-Loop:"), mail("x", "X-Loop: no"))),
    "null-sender-bounce": (
        (mail("Meldingen ble ikke levert.", "Return-Path: <>"),),
        (mail("Meldingen ble ikke levert.", "Return-Path: <a@b.example>"),),
    ),
    "null-sender": ((mail("Takk.", "Return-Path: < >"),), (mail("Takk.", "Return-Path: <kari@uni.example>"),)),
    "spam-flag": (
        (mail("x", "X-Spam-Flag: YES"), mail("x", "X-Spam-Status: Yes, score=9.1")),
        (mail("x", "X-Spam-Flag: NO"), mail("x", "X-Spam-Status: No, score=-1 required=5 tests=YES")),
    ),
    "absence-subject": (
        (
            mail("Jeg er på kurs til torsdag.", subject="Fravær: Tilbud"),
            mail("Har du spørsmål? Ring. Jeg har permisjon.", subject="Automatisk svar: Tilbud"),
        ),
        (
            mail("Hei, vi ønsker data om sykefravær for 2015 til 2024.", subject="Fraværsdata"),
            mail("Jeg fikk et automatisk svar om ferie. Hvem kan jeg kontakte?", subject="SV: Automatisk svar: Tilbud"),
        ),
    ),
    "absence-words": (
        (mail("Jeg er ute av kontoret til 6. mars, og svarer når jeg er tilbake.", "In-Reply-To: <a@ssb.example>", subject="Re: Tilbud"),),
        (
            mail(
                "Takk! Jeg er på ferie denne uka, men sender signert tilbud mandag.", "In-Reply-To: <a@ssb.example>", subject="Re: Tilbud"
            ),
            mail(
                "Alle data ble slettet før jeg gikk ut i permisjon. Jeg er tilbake 1. august.",
                "In-Reply-To: <a@ssb.example>",
                subject="Re: Sletting",
            ),
        ),
    ),
    "no-reply-address": (
        (mail("x", sender=ROBOT), mail("x", sender="ikke-svar@altinn.example"), mail("x", sender="owner-forsk@lists.example")),
        (mail("x", sender="data-request@uni.example"), mail("x", sender="noreen@uni.example"), mail("x", sender="robot@uni.example")),
    ),
    "newsletter-words": (
        (mail(NEWS + "\n\nMeld deg av her: http://x.example", subject="Nytt"),),
        (mail(NEWS + "\n\nHva koster det?\n\nMvh Kari\n\nTo unsubscribe from our mailings, click here.", subject="Nytt"),),
    ),
    "monitoring-words": (
        (mail("Problem started at 10:00\nHost: db1\nSeverity: High\nOriginal problem ID: 12", subject="Problem: High CPU"),),
        (mail("Bruker: kari\nSystem: microdata.no\nFeilmelding: 403\nKan dere hjelpe", subject="Problem: kan ikke logge inn"),),
    ),
    "voice-mail-words": (
        (mail("Du har fått en ny talemelding.\nVarighet: 0:23", subject="Ny talemelding fra 22000000"),),
        (mail("Jeg la igjen en talemelding i går. Kan dere ringe tilbake?", subject="Talemelding"),),
    ),
    "acknowledgement-words": (
        (mail("Din henvendelse er mottatt og vil bli behandlet.", subject="Bekreftelse på henvendelse"),),
        (mail("Vi lurer på om deres henvendelse er mottatt hos oss og når den vil bli besvart?", subject="Henvendelse"),),
    ),
    "automatic-words": (
        (mail("Dette er en automatisk melding. Du kan ikke svare på den."),),
        (mail("Vi fikk en automatisk generert melding fra dere. Hva betyr den?"), mail("Finnes det et automatisert uttrekk?")),
    ),
    "spam-words": (
        (mail("Your mailbox is full. Verify your account within 24 hours: http://x.example", subject="Quota", sender="it@x.example"),),
        (
            mail("Kontoen min på microdata.no er sperret. Jeg må bekrefte noe innen 24 timer: https://microdata.example. Hva gjør jeg?"),
            mail("Our manuscript is under review in a peer-reviewed open access journal. Can we keep the microdata longer?"),
        ),
    ),
}


@pytest.mark.parametrize("rule", [rule.name for rule in RULES])
def test_fires_where_it_should_and_not_where_it_should_not(rule: str) -> None:
    fires, close = CASES[rule]
    for content in fires:
        judged = read(content).automatic
        assert judged is not None, content.decode()
        assert judged.rule == rule, (judged, content.decode())
    for content in close:
        judged = read(content).automatic
        assert judged is None or judged.rule != rule, (judged, content.decode())


def test_the_table_is_whole() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    assert set(names) == set(CASES)
    for rule in RULES:
        assert rule.source and rule.kind in {"bounce", "delay", "out-of-office", "list", "calendar", "receipt", "notice", "own", "spam"}


def test_the_golden_mails_know_most_rules() -> None:
    fired = {message.automatic.rule for pair in pairs() if (message := golden(pair.name)).automatic is not None}
    assert len(fired & {rule.name for rule in RULES}) >= 25


def test_the_envelope_tells_a_null_sender() -> None:
    assert read(mail("Meldingen ble ikke levert."), envelope_from="").automatic is not None
    assert read(mail("Takk for svar."), envelope_from="kari@uni.example").automatic is None


@pytest.mark.parametrize("value", ["OOF, AutoReply", "All", "DR, RN, NRN, OOF, AutoReply", "autoreply", "all;OOF"])
def test_r17_a_person_who_asks_for_no_automatic_reply_is_a_person(value: str) -> None:
    """R17: X-Auto-Response-Suppress is a wish that is kept, not a machine."""
    message = read(mail("Hei, hva koster det?", f"X-Auto-Response-Suppress: {value}"))
    assert message.automatic is None
    assert message.suppress_reply


@pytest.mark.parametrize("value", ["", "None", "DR", "RN, NRN"])
def test_r17_receipts_alone_suppress_no_reply(value: str) -> None:
    """R17: who wants no delivery receipt may still be answered."""
    assert not read(mail("Hei, hva koster det?", f"X-Auto-Response-Suppress: {value}")).suppress_reply


@pytest.mark.parametrize("value", ["no", "No", "NO (human)", "no; owner=kari", "(robot) no", '"no"', " no "])
def test_r17_auto_submitted_no_is_a_person(value: str) -> None:
    """R17: the keyword decides, not that the header is there."""
    assert read(mail("Hei, hva koster det?", f"Auto-Submitted: {value}")).automatic is None


def test_r15_each_kind_of_machine_is_told() -> None:
    """R15: out-of-office, vacation with a new address each time, list, DSN, read receipt, calendar reply, no-reply."""
    kinds = {
        "out-of-office": mail("I am on leave until 10 March.", subject="Automatic reply: Tilbud"),
        "list": mail("Hei alle", "List-Id: <forsk.lists.example>"),
        "bounce": report("delivery-status", status("failed")),
        "receipt": report("disposition-notification", "Disposition: manual-action; displayed"),
        "calendar": invitation("REPLY"),
        "notice": mail("x", sender=ROBOT),
    }
    for kind, content in kinds.items():
        judged = read(content).automatic
        assert judged is not None
        assert judged.kind == kind
    for number in range(20):
        sender = f"vacation-{number * 7919}@away.example"
        judged = read(mail("Jeg er på ferie til 10. mars.", "Auto-Submitted: auto-replied", sender=sender)).automatic
        assert judged is not None and judged.kind == "out-of-office"


def test_our_own_group_hides_nobody() -> None:
    """A group of ours that rewrites From: the writer is found, and gets no trust by a header that nobody checked."""
    content = mail(
        "Hei",
        "Reply-To: Kari Nordmann <kari.nordmann@uni.example>",
        "X-Original-From: Kari Nordmann <kari.nordmann@uni.example>",
        sender="'Kari Nordmann' via Mikrodata <mikrodata@ssb.example>",
    )
    message = read(content)
    assert message.sender.address == "kari.nordmann@uni.example"
    assert message.automatic is None
    assert "from-of-a-group" in message.defects
    looped = read(mail("Hei", "X-Mikrodata-Bot: 1", "Reply-To: x@y.example", sender="'X' via M <mikrodata@ssb.example>"))
    assert looped.automatic is not None and looped.automatic.kind == "own"
