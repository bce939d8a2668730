"""Which of our mails came back, for whom, and whether for good (RFC 3464)."""

from __future__ import annotations

import pytest

from bot.model import Bounce
from tests.mail.writing import mail, read

OURS = "<9f0c1d@ssb.example>"
NDR = "Content-Type: multipart/report; report-type=delivery-status; boundary=b"


def bounced(content: bytes) -> Bounce:
    """The bounce that a mail is."""
    bounce = read(content).bounce
    assert bounce is not None
    return bounce


def report(recipient: str, action: str, status: str, returned: str) -> bytes:
    """A report as RFC 3464 has it, with the returned mail or its header."""
    fields = f"Reporting-MTA: dns; mx.example\n\n{recipient}\nAction: {action}\nStatus: {status}\n"
    body = f"--b\n\nSorry.\n--b\nContent-Type: message/delivery-status\n\n{fields}\n--b\n{returned}\n--b--\n"
    return mail(body, NDR, sender="MAILER-DAEMON@mx.example", subject="Undelivered")


WHOLE = f"Content-Type: message/rfc822\n\nMessage-ID: {OURS}\nSubject: Tilbud\n\nHei"
HEADER = f"Content-Type: text/rfc822-headers\n\nSubject: Tilbud\nMessage-ID:\n {OURS}\n"


@pytest.mark.parametrize("returned", [WHOLE, HEADER])
def test_the_returned_mail_names_ours(returned: str) -> None:
    bounce = bounced(report("Final-Recipient: rfc822; Ola@Uni.example", "failed", "5.1.1", returned))
    assert bounce == Bounce(OURS, "ola@uni.example", "5.1.1", True)


def test_the_original_recipient_is_the_one_we_wrote_to() -> None:
    fields = "Original-Recipient: rfc822;ola@uni.example\nFinal-Recipient: rfc822;ola.moen@mailbox.uni.example"
    assert bounced(report(fields, "failed", "5.2.2", WHOLE)).recipient == "ola@uni.example"


def test_a_delay_is_not_final() -> None:
    content = report("Final-Recipient: rfc822; ola@uni.example", "delayed", "4.4.1", WHOLE)
    assert bounced(content) == Bounce(OURS, "ola@uni.example", "4.4.1", False)
    judged = read(content).automatic
    assert judged is not None and judged.kind == "delay"


def test_a_mail_returned_as_text_names_ours() -> None:
    text = f"ola@uni.example\n  Unrouteable address\n\n------ This is a copy ------\n\nReturn-path: <mikrodata@ssb.example>\nMessage-ID: {OURS}\n"
    assert bounced(mail(text, sender="Mailer-Daemon@mx.example", subject="Mail delivery failed")).message_id == OURS


def test_the_thread_names_ours_where_nothing_was_returned() -> None:
    text = "Delivery has failed to these recipients: ola@uni.example"
    assert bounced(mail(text, f"In-Reply-To: {OURS}", sender="postmaster@mx.example", subject="Undeliverable: Tilbud")).message_id == OURS


@pytest.mark.parametrize(
    ("text", "recipient", "status"),
    [
        ("For help, contact <postmaster@mx.example>\n\n<ola@uni.example>: host not found", "ola@uni.example", ""),
        ("From mikrodata@ssb.example to ola@uni.example: 550 5.1.1 user unknown", "ola@uni.example", "5.1.1"),
        ("Mailer 2.0.13 at 5.10.15.20 could not deliver to ola@uni.example", "ola@uni.example", ""),
        ("Your message could not be delivered.", "", ""),
    ],
)
def test_recipient_and_status_in_words(text: str, recipient: str, status: str) -> None:
    bounce = bounced(mail(text, sender="MAILER-DAEMON@mx.example", subject="Undelivered Mail"))
    assert (bounce.recipient, bounce.status) == (recipient, status)


def test_only_bounces_have_one() -> None:
    assert read(mail("Jeg er på ferie.", "Auto-Submitted: auto-replied", f"In-Reply-To: {OURS}")).bounce is None
    assert read(mail("Hei, hva koster det?", f"In-Reply-To: {OURS}")).bounce is None
