"""MIME, taken apart whatever was done to it: limits, bodies, attachments, names, signatures, mails in mails."""

from __future__ import annotations

import base64
import struct
import zlib

import pytest
from asn1crypto import cms

from bot.mail import tnef
from bot.mail.fields import safe_name, unflow
from bot.mail.mime import LIMITS
from bot.model import Message
from tests.mail.writing import mail, read


def parts(*pieces: str, kind: str = "mixed", subject: str = "Søknad") -> bytes:
    """A multipart of pieces, each with its own header."""
    return mail(
        "\n".join(f"--b\n{piece}" for piece in pieces) + "\n--b--\n", f"Content-Type: multipart/{kind}; boundary=b", subject=subject
    )


def listed(message: Message) -> list[tuple[str, str, bytes]]:
    """The attachments as (name, type, content)."""
    return [(part.name, part.type, part.content) for part in message.attachments]


TEXT = "Content-Type: text/plain; charset=utf-8\n\nHei, vedlagt."


# ── R07, R13: limits ──────────────────────────────────────────────────────────────────────────────────────────


def test_r07_twenty_thousand_headers_are_not_read() -> None:
    """R07: the mail is kept raw, and says why it was not read."""
    message = read(b"".join(b"X-A%d: b\n" % number for number in range(20_000)) + b"Subject: x\n\nHei")
    assert message.quarantine == f"more than {LIMITS['headers']} header fields"
    assert message.text == ""


def test_r07_two_hundred_nested_parts_are_not_read() -> None:
    """R07: the standard parser recurses per level."""
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number) for number in range(200))
    assert read(nested + b"\nHei").quarantine == "nested too deeply"
    assert read(b"Content-Type: message/rfc822\n\n" * 300 + b"Subject: x\n\nHei").quarantine == "nested too deeply"


def test_r07_a_thousand_parts_are_not_read() -> None:
    """R07: a mail of a thousand parts is no letter."""
    assert read(parts(*[TEXT] * 1000)).quarantine == f"more than {LIMITS['parts']} parts"
    assert read(mail("--\n" * 6000)).quarantine == f"more than {LIMITS['parts']} parts"


def test_r07_a_long_header_is_not_read() -> None:
    """R07: half a megabyte of header is nobody's."""
    assert read(b"X: " + b"a" * 500_000 + b"\n\nHei").quarantine == "its header is too long"
    assert read(b"X: a\n" + b" a\n" * 300_000 + b"\nHei").quarantine == "its header is too long"


def test_r13_a_mail_beyond_the_size_is_not_read_and_says_from_whom() -> None:
    """R13: larger than any mail server takes; the sender is still told to the person who must look."""
    message = read(mail("x" * (LIMITS["size"] + 1)))
    assert message.quarantine == "larger than 60 MB"
    assert message.sender.address == "kari.nordmann@uni.example"
    assert message.subject == "Spørsmål"


def test_r13_seventy_attachments_and_a_long_line_are_read() -> None:
    """R13: many files are no fault, nor is a line of 1,500 characters."""
    files = [f'Content-Type: application/pdf; name="{number}.pdf"\n\nx' for number in range(70)]
    message = read(parts(f"Content-Type: text/plain\n\n{'ord ' * 400}slutt", *files))
    assert message.quarantine == ""
    assert len(message.attachments) == 70
    assert message.own.endswith("slutt")


def test_a_limit_that_is_not_passed_is_no_fault() -> None:
    assert read(b"".join(b"X-A%d: b\n" % number for number in range(500)) + b"\nHei").quarantine == ""
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number) for number in range(30))
    message = read(nested + b"\nHei, hva koster det?")
    assert message.quarantine == ""
    assert "hva koster det?" in message.text


# ── R07: the inputs on which the newer parser raises (P1) ──────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "head",
    [
        b"Message-ID: <[1234]@[host]>",
        b"From: =?utf-8?q?a=0A?= <a@b.example>",
        b"Content-Type: text/plain; name*",
        b"To: (c):",
        b"Content-Type: text/plain; charset=no-such-charset",
        b"Subject: S\xf8knad",
        b"Content-Type: multipart/mixed",
        b"Content-Type: ;;;=\x00",
        b"Content-Transfer-Encoding: \xff",
        b"From:",
        b"From: <>",
        b'From: "a@b.example',
        b"From: a@b.example, c@d.example",
        b"Date: 99 Foo 20266 99:99:99 +9999",
        b"Date: Mon, 2 Mar 2026 09:00:00 +99999999999999",
        b"References: " + b"<a@b> " * 2000,
        b"Content-Disposition: attachment; filename*0*=utf-8''%C3%28; filename*1",
        b"Content-Type: text/plain; charset*0=u; charset*99999999=x",
    ],
)
def test_r07_poison_headers_are_read(head: bytes) -> None:
    """R07, P1: any bytes give a message."""
    message = read(head + b"\nX-Other: y\n\nHei, hva koster det?")
    assert "hva koster det?" in message.text or [b"hva koster det?" in part.content for part in message.attachments] == [True]


@pytest.mark.parametrize("content", [b"", b"\n", b"\n\n", b"\r", b"\0", b"x", b":", b"\xff\xfe", b"\r\n\r\n", b"--b", b"From ", b" \n x"])
def test_r07_next_to_nothing_is_read(content: bytes) -> None:
    """R07: empty mails exist."""
    assert read(content).quarantine == ""


def test_r07_nul_and_lone_surrogates() -> None:
    """R07: text is Unicode that can be written."""
    message = read(b"Subject: a\0b\n\nHei\0 \xed\xa0\x80 d\xe5r\n")
    for text in (message.subject, message.text, message.own):
        text.encode("utf-8")
        assert "\0" not in text


# ── bodies ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_alternative_gives_one_body_mixed_gives_all() -> None:
    page = "Content-Type: text/html\n\n<p>Hei, vedlagt.</p>"
    assert read(parts(TEXT, page, kind="alternative")).text == "Hei, vedlagt."
    assert read(parts(TEXT, TEXT)).text == "Hei, vedlagt.\n\nHei, vedlagt."
    assert read(parts("Content-Type: text/plain\n\n", page, kind="alternative")).text == "Hei, vedlagt."


def test_a_page_beside_a_text_is_read_too() -> None:
    """Apple Mail writes text, file, page; lists put a page under a text."""
    page = "Content-Type: text/html; charset=utf-8\n\n<p>Og et spørsmål til: hva koster det?</p>"
    message = read(parts(TEXT, 'Content-Type: application/pdf; name="a.pdf"\n\nx', page))
    assert message.own == "Hei, vedlagt.\n\nOg et spørsmål til: hva koster det?"
    inside = "Content-Type: multipart/mixed; boundary=c\n\n--c\nContent-Type: text/html\n\n<p>Hei, vedlagt.</p>\n--c--"
    assert read(parts(TEXT, inside, kind="alternative")).text == "Hei, vedlagt."


def test_a_text_with_a_name_is_an_attachment() -> None:
    message = read(
        parts(
            TEXT, 'Content-Type: text/plain; name="notat.txt"\n\nNotat', "Content-Type: text/html\nContent-Disposition: attachment\n\n<p>x"
        )
    )
    assert message.text == "Hei, vedlagt."
    assert [part.name for part in message.attachments] == ["notat.txt", "page.html"]


def test_transfer_encodings_as_they_are_written() -> None:
    encoded = base64.b64encode("Søknad".encode()).decode()
    for field, written in (
        ("base64", encoded),
        ("BASE64 ", encoded.rstrip("=")),
        ('"base64"', encoded),
        ("base64 (x)", encoded),
        ("Quoted-Printable", "S=C3=B8knad"),
        ("quoted-printable", "S=C3=  \n=B8knad"),
        ("8-bit", "Søknad"),
        ("base64", "Søknad på data, og mer"),
    ):
        text = read(mail(written, f"Content-Transfer-Encoding: {field}", "Content-Type: text/plain; charset=utf-8")).text
        assert text.startswith("Søknad"), field


def test_a_list_footer_under_base64_costs_nothing() -> None:
    written = base64.b64encode(b"Hei, hva koster det?").decode() + "\n_____________\nDenne e-posten er skannet.\n"
    message = read(mail(written, "Content-Transfer-Encoding: base64"))
    assert message.text == "Hei, hva koster det?"
    assert "text-after-base64" in message.defects


@pytest.mark.parametrize(
    ("flowed", "text"),
    [
        ("Hei, \nhva koster\ndet?", "Hei, hva koster\ndet?"),
        ("> Hei, \n> hva\nJa", "> Hei, hva\nJa"),
        (">> a \n> b", ">> a \n> b"),
        ("Hei\n-- \nKari", "Hei\n-- \nKari"),
        (" From oss", "From oss"),
    ],
)
def test_format_flowed(flowed: str, text: str) -> None:
    assert unflow(flowed) == text


def test_format_flowed_delsp() -> None:
    assert unflow("register \ndata", delsp=True) == "registerdata"


# ── attachments ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ('filename="søknad.pdf"', "søknad.pdf"),
        ("filename=søknad.pdf", "søknad.pdf"),
        ("filename*=utf-8''s%C3%B8knad.pdf", "søknad.pdf"),
        ("filename*=iso-8859-1'no's%F8knad.pdf", "søknad.pdf"),
        ("filename*0*=utf-8''s%C3%B8; filename*1=knad; filename*2*=.pdf", "søknad.pdf"),
        ("filename*1=knad.pdf; filename*0=so", "soknad.pdf"),
        ('filename="=?utf-8?Q?s=C3=B8knad.pdf?="', "søknad.pdf"),
        ("filename==?iso-8859-1?Q?s=F8knad.pdf?=", "søknad.pdf"),
        ('filename="a\\"b.pdf"', "ab.pdf"),
        ('filename="unclosed.pdf', "unclosed.pdf"),
        ('filename="../../etc/passwd"', "passwd"),
        ('filename="C:\\\\Users\\\\kari\\\\tilbud.docx"', "tilbud.docx"),
        ('filename="tilbud\u202excod.exe"', "tilbudxcod.exe"),
        ('filename="con.txt"', "_con.txt"),
        ('filename="..."', "unnamed"),
        ('filename=""; name="b.pdf"', "unnamed"),
    ],
)
def test_file_names(field: str, name: str) -> None:
    message = read(parts(TEXT, f"Content-Type: application/pdf\nContent-Disposition: attachment; {field}\n\nx"))
    assert [part.name for part in message.attachments] in ([name], ["document.pdf"] if name == "unnamed" else [name])


@pytest.mark.parametrize(
    "name", ["a" * 500 + ".pdf", "ø" * 300 + ".docx", "x" * 300, "a." + "b" * 300, "\x00\x1f.pdf", "a/b\\c:d*e?f.pdf", " . "]
)
def test_a_safe_name_fits_every_disk(name: str) -> None:
    safe = safe_name(name)
    assert safe and len(safe.encode()) <= 240
    assert not set(safe) & set('/\\:*?"<>|\x00\x1f')
    assert safe_name(safe) == safe


def test_r29_mails_inside_a_mail() -> None:
    """R29: message/rfc822, base64 against the rules, and an .eml of its own."""
    inner = "Subject: Indre\nFrom: ola@uni.example\n\nHei fra Ola"
    encoded = base64.encodebytes(inner.encode()).decode()
    message = read(
        parts(
            TEXT,
            f"Content-Type: message/rfc822\n\n{inner}",
            f"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{encoded}",
            f'Content-Type: application/octet-stream; name="x.eml"\nContent-Transfer-Encoding: base64\n\n{encoded}',
        )
    )
    assert [part.name for part in message.attachments] == ["Indre.eml", "Indre.eml", "x.eml"]
    assert all(b"Hei fra Ola" in part.content for part in message.attachments)
    assert message.text == "Hei, vedlagt."


def test_uuencoded_file_in_the_text() -> None:
    message = read(mail("Hei\n\nbegin 644 data.txt\n#86)C\n`\nend\n\nHilsen"))
    assert listed(message) == [("data.txt", "application/octet-stream", b"abc")]
    assert "begin" not in message.text


def envelope(text: bytes, name: bytes, content: bytes, long_name: str = "") -> bytes:
    """A TNEF envelope of one file ([MS-OXTNEF] § 2.1)."""

    def attribute(level: int, identifier: int, kind: int, value: bytes) -> bytes:
        return struct.pack("<BHHI", level, identifier, kind, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)

    properties = b""
    if long_name:
        value = long_name.encode("utf-16-le") + b"\0\0"
        properties = attribute(2, tnef.PROPERTIES, 6, struct.pack("<IHHII", 1, 0x001F, tnef.LONG_NAME, 1, len(value)) + value)
    return (
        struct.pack("<IH", tnef.SIGNATURE, 1)
        + attribute(1, tnef.BODY, 2, text + b"\0")
        + attribute(2, tnef.RENDERING, 6, b"\0" * 14)
        + attribute(2, tnef.TITLE, 1, name + b"\0")
        + attribute(2, tnef.DATA, 6, content)
        + properties
    )


def test_r29_winmail_dat() -> None:
    """R29: Outlook's envelope is opened; a long name wins over the short one."""
    content = base64.encodebytes(envelope(b"Hei", b"SKNAD~1.PDF", b"%PDF-", "søknad om tilgang.pdf")).decode()
    message = read(parts(TEXT, f'Content-Type: application/ms-tnef; name="winmail.dat"\nContent-Transfer-Encoding: base64\n\n{content}'))
    assert listed(message) == [("søknad om tilgang.pdf", "application/octet-stream", b"%PDF-")]
    assert "tnef" in message.defects


def test_winmail_dat_alone_is_the_mail() -> None:
    content = base64.encodebytes(envelope("Hei, hva koster det? Hilsen Bjørn".encode("cp1252"), b"A.TXT", b"x")).decode()
    message = read(mail(content, 'Content-Type: application/ms-tnef; name="winmail.dat"', "Content-Transfer-Encoding: base64"))
    assert message.text == "Hei, hva koster det? Hilsen Bjørn"


@pytest.mark.parametrize("length", [0, 5, 6, 20, 60, 90])
def test_a_cut_or_false_envelope_is_an_attachment_or_what_is_whole(length: int) -> None:
    whole = envelope(b"Hei", b"A.TXT", b"content")
    tnef.read(whole[:length])
    assert tnef.read(zlib.compress(whole)) is None


def test_s_mime_signed_in_one_piece_is_read() -> None:
    inner = b"Content-Type: text/plain; charset=utf-8\n\nHei, hva koster det?"
    signed = cms.SignedData(
        {"version": "v1", "digest_algorithms": [], "encap_content_info": {"content_type": "data", "content": inner}, "signer_infos": []}
    )
    content = base64.encodebytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump()).decode()
    field = 'Content-Type: application/pkcs7-mime; smime-type=signed-data; name="smime.p7m"'
    message = read(mail(content, field, "Content-Transfer-Encoding: base64"))
    assert message.own == "Hei, hva koster det?"
    assert "smime-signed" in message.defects


def test_s_mime_encrypted_is_listed() -> None:
    message = read(mail("AAAA", 'Content-Type: application/pkcs7-mime; name="smime.p7m"', "Content-Transfer-Encoding: base64"))
    assert [part.name for part in message.attachments] == ["smime.p7m"]
    assert "smime-encrypted" in message.defects


# ── addresses ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("field", "name", "address"),
    [
        ("Kari Nordmann <kari@uni.example>", "Kari Nordmann", "kari@uni.example"),
        ('"Nordmann, Kari" <kari@UNI.example>', "Nordmann, Kari", "kari@uni.example"),
        ("kari@uni.example (Kari Nordmann)", "Kari Nordmann", "kari@uni.example"),
        ("=?utf-8?Q?=C3=98ystein?= <o@uni.example>", "Øystein", "o@uni.example"),
        ('"ola@uni.example" <spoof@evil.example>', "ola@uni.example", "spoof@evil.example"),
        ("<kari@uni.example>", "", "kari@uni.example"),
        ("kari@uni.example.", "", "kari@uni.example"),
        ('"kari nordmann"@uni.example', "", '"kari nordmann"@uni.example'),
        ("Gruppe: kari@uni.example;", "", "kari@uni.example"),
        ("undisclosed-recipients:;", "", ""),
        ("kari at uni.example", "", ""),
    ],
)
def test_senders(field: str, name: str, address: str) -> None:
    sender = read(mail(sender=field)).sender
    if address.startswith('"'):
        assert sender.domain in ("uni.example", "")
    else:
        assert (sender.name, sender.address) == (name, address)


def test_two_senders_are_a_defect_and_give_no_trust() -> None:
    message = read(mail(sender="a@b.example, c@d.example"))
    assert "two-senders" in message.defects
    assert message.sender.address == "a@b.example"


def test_no_from_falls_back_to_sender() -> None:
    assert read(b"Sender: kari@uni.example\nSubject: x\n\nHei").sender.address == "kari@uni.example"
    assert read(b"Subject: x\n\nHei").sender.address == ""


def test_the_same_mail_twice_has_one_hash_and_another_mail_another() -> None:
    first, again, other = read(mail("Hei  der")), read(mail("Hei der\n", "X-Relay: 2")), read(mail("Hei du"))
    assert first.content_hash == again.content_hash != other.content_hash
