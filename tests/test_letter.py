"""Finished mails as bytes: what is written is what any reader reads, and the lines are such that any server carries them."""

from __future__ import annotations

import email
import email.policy
import re
from email.header import Header
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.letter import UTF8, Letter, field, quoted_printable

EXCHANGE = "<AM0PR0102MB3459A1B2C3D4E5F60718293A4B5C6D7E8F90@AM0PR0102MB3459.eurprd01.prod.exchangelabs.example>"
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300).map(lambda text: " ".join(text.split()))


def opened(content: bytes) -> EmailMessage:
    """A mail as a receiver reads it."""
    found = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


@given(WORDS)
def test_a_subject_is_read_as_it_was_written(subject: str) -> None:
    letter = Letter()
    letter["Subject"] = subject
    content = letter.with_text("")

    assert " ".join(str(opened(content)["Subject"]).split()) == subject
    assert all(len(line) <= 78 or b" " not in line.strip() for line in content.split(b"\r\n"))


@given(WORDS, st.sampled_from(["Subject", "X-Quite-Long-Name-Of-A-Field", "X" * 70]))
def test_encoded_words_are_cut_where_the_library_cuts_them(text: str, name: str) -> None:
    ours, theirs = (Header(text, charset, 76, name).encode(linesep="\r\n") for charset in (UTF8, "utf-8"))
    assert ours == theirs


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=500))
def test_a_text_is_read_as_it_was_written(text: str) -> None:
    content = Letter().with_text(text)
    lines = text.encode().splitlines()

    part = opened(content)
    assert part.get_payload(decode=True) == b"".join(line + b"\r\n" for line in lines)
    assert content.isascii() and max(len(line) for line in quoted_printable(text).split(b"\r\n")) <= 76
    assert b"\n" not in content.replace(b"\r\n", b"") and b"\r" not in content.replace(b"\r\n", b"")


def test_long_identifiers_stay_whole() -> None:
    """RFC 2047 § 5: no encoded words in an identifier, or the reader finds no thread; those of Exchange are longer than a line."""
    thread = [EXCHANGE.replace("A1", f"{number:02}") for number in range(20)]
    content = field("In-Reply-To", EXCHANGE) + field("References", " ".join(thread))

    assert b"=?" not in content and EXCHANGE.encode() in content
    assert str(email.message_from_bytes(content)["References"]).split() == thread
    assert max(len(line) for line in content.split(b"\r\n")) < 120


@pytest.mark.parametrize("name", ["Subject", "To", "References", "X-Anything"])
@pytest.mark.parametrize("value", ["a\r\nBcc: b@x.example", "a\nBcc: b@x.example", "å\rBcc: b@x.example", "a\r\n b", "a" * 200 + "\n"])
def test_a_line_break_is_refused(name: str, value: str) -> None:
    """CWE-93: the reader and the composer let none through; should they ever, no mail is written."""
    with pytest.raises(ValueError, match="line break"):
        Letter()[name] = value


@pytest.mark.parametrize(
    "value", ["a\x00b", "a\x0bBcc: b@x.example", "\x1fa", "å\x85Bcc: b@x.example", "å\u2028Bcc: b@x.example", "a \udcff b"]
)
def test_what_is_no_text_is_written_in_ascii_on_lines_of_the_same_field(value: str) -> None:
    written = field("Subject", value)

    assert written.isascii() and not re.search(rb"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]", written)
    assert list(email.message_from_bytes(written).keys()) == ["Subject"]


def test_a_name_and_an_address_are_encoded_apart() -> None:
    written = field("From", "Ærlig Åndsverk, forvaltning av mikrodata og statistikk over alle grenser <mikrodata@ssb.example>")

    assert max(len(line) for line in written.split(b"\r\n")) <= 78
    assert b"<mikrodata@ssb.example>" in written


ORIGINALS = {
    "lines": b"Subject: a\r\n\r\nb\r\n",
    "unix": b"Subject: a\n\nb\n",
    "latin": b"Subject: a\r\n\r\n\xe5\r\n",
    "no end": b"Subject: a\r\n\r\nb",
    "own parts": b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n\r\na\r\n--x--\r\n',
}


@pytest.mark.parametrize("original", ORIGINALS.values(), ids=ORIGINALS)
def test_an_original_goes_along_byte_for_byte(original: bytes) -> None:
    letter = Letter()
    letter["Subject"] = "Videresendt"
    content = letter.with_original("Hei\n", original)

    assert re.sub(rb"\r?\n", b"\r\n", original) in content
    text, attached = opened(content).iter_parts()
    assert text.get_content().strip() == "Hei"
    assert (attached.get_content_type(), attached.get_filename()) == ("message/rfc822", "original.eml")
    assert attached.get_content()["Subject"] == email.message_from_bytes(original)["Subject"]


@pytest.mark.parametrize("original", [b"Subject: a\r\n\r\n\0\r\n", b"Subject: a\r\n\r\n" + b"x" * 999 + b"\r\n"], ids=["nul", "long line"])
def test_an_original_that_no_server_carries_goes_along_as_a_file(original: bytes) -> None:
    content = Letter().with_original("Hei\n", original)
    attached = list(opened(content).iter_parts())[1]

    assert max(len(line) for line in content.split(b"\r\n")) <= 78 and content.isascii()
    assert (attached.get_content_type(), attached.get_filename()) == ("application/octet-stream", "original.eml")
    assert attached.get_payload(decode=True) == original
