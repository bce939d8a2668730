"""A finished mail as bytes: header fields, a text, and at most one thing attached (RFC 5322, RFC 2045, RFC 2047).

``email.message.EmailMessage`` parses every field that it is given in order to write it: ten times the work, and it breaks Message-IDs
of more than a line (as Exchange makes them) into encoded words, so that the thread is lost. Here the same library writes the fields
without parsing them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from email import base64mime, quoprimime
from email.charset import Charset
from email.header import Header
from email.policy import SMTP
from functools import lru_cache

LINE_WANTED = 78  # characters in a line, RFC 5322 § 2.1.1
LINE_LIMIT = 998  # octets in a line without CRLF, RFC 5322 § 2.1.1
ENCODED_LINE = 76  # characters in a line that holds encoded words, RFC 2047 § 2
CHROME = len("=?utf-8?q??=")  # of an encoded word, beside what it holds
ADDRESSES = {"From", "To", "Reply-To"}  # encoded words stand beside addresses, never in them (RFC 2047 § 5): the library parses these

TEXT_PART = b'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n'
MIME = b"MIME-Version: 1.0\r\n"


class Utf8(Charset):
    """UTF-8 whose encoded words are cut where the library cuts them, in time linear in the text.

    The library joins the line anew for each character and measures it as a whole: for one subject that takes as long as all else of a mail.
    """

    def __init__(self) -> None:
        """As the library has it."""
        super().__init__("utf-8")

    def header_encode_lines(self, string: str, maxlengths: Iterator[int]) -> list[str | None]:
        """See ``Charset``: encoded words of at most the given lengths; None first where nothing fits on the first line."""
        content = string.encode()
        shorter = base64mime.header_length(content) < quoprimime.header_length(content)  # in base64
        encode = base64mime.header_encode if shorter else quoprimime.header_encode
        lines: list[str | None] = []
        start, octets, most = 0, 0, next(maxlengths) - CHROME
        for at, character in enumerate(string):
            own = len(character.encode()) if shorter else _quoted_length(character)
            octets += own
            if (-(-octets // 3) * 4 if shorter else octets) > most:
                lines.append(encode(string[start:at].encode(), "utf-8") if lines or at > start else None)
                start, octets, most = at, own, next(maxlengths) - CHROME
        return [*lines, encode(string[start:].encode(), "utf-8")]


@lru_cache(maxsize=1000)
def _quoted_length(character: str) -> int:
    return quoprimime.header_length(character.encode())


UTF8 = Utf8()
ASCII = Charset("us-ascii")


class Letter:
    """A mail being written. Fields keep the order in which they are set; each is set once."""

    def __init__(self) -> None:
        """No fields yet."""
        self._fields: list[bytes] = []

    def __setitem__(self, name: str, value: str) -> None:
        """Add a field. Errors: as ``field``."""
        self._fields.append(field(name, value))

    def with_text(self, text: str) -> bytes:
        """The mail with a text. Errors: ``UnicodeEncodeError`` for a lone surrogate."""
        return b"".join((*self._fields, TEXT_PART, MIME, b"\r\n", quoted_printable(text)))

    def with_original(self, text: str, original: bytes) -> bytes:
        """The mail with a text and another mail as message/rfc822, byte for byte but for ends of lines.

        message/rfc822 allows no transfer encoding but 7bit, 8bit and binary (RFC 2046 § 5.2.1); an original that no 8bit
        transport can carry (NUL, lines over 998 octets) goes along as a base64 file instead, so that nothing of it is lost.
        """
        lines = original.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        if b"\0" in original or max(map(len, lines)) > LINE_LIMIT:
            kind, encoding = b'application/octet-stream\r\nContent-Disposition: attachment; filename="original.eml"', b"base64"
            content = base64.encodebytes(original).replace(b"\n", b"\r\n")
        else:
            kind, content = b"message/rfc822\r\nContent-Disposition: attachment; filename=original.eml", b"\r\n".join(lines)
            encoding = b"7bit" if original.isascii() else b"8bit"
        part = b"Content-Type: " + kind + b"\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n" + content
        boundary = b"=_" + hashlib.sha256(original).hexdigest()[:40].encode()
        edge = b"\r\n--" + boundary
        head = b"".join((*self._fields, b'Content-Type: multipart/mixed;\r\n boundary="', boundary, b'"\r\n', MIME))
        return b"".join((head, edge, b"\r\n", TEXT_PART, b"\r\n", quoted_printable(text), edge, b"\r\n", part, edge, b"--\r\n"))


def field(name: str, value: str) -> bytes:
    """One header field as it goes over the wire, folded and encoded where it must be.

    Errors: ``ValueError`` for a value with a line break, which would begin a field of its own (CWE-93).
    """
    if "\r" in value or "\n" in value:
        raise ValueError("a header field holds no line break")
    plain = value.isascii() and value.isprintable()
    if plain and len(name) + len(value) + 2 <= LINE_WANTED:
        return f"{name}: {value}\r\n".encode("ascii")
    if name in ADDRESSES:
        return SMTP.fold_binary(*SMTP.header_store_parse(name, value))
    written = Header(value.encode("utf-8", "replace"), ASCII if plain else UTF8, ENCODED_LINE, name).encode(linesep="\r\n")
    return f"{name}: {written}\r\n".encode("ascii")


def quoted_printable(text: str) -> bytes:
    """RFC 2045 § 6.7, every line ending in CRLF."""
    return binascii.b2a_qp(b"".join(line + b"\r\n" for line in text.encode().splitlines()))


__all__ = ["LINE_LIMIT", "Letter", "field", "quoted_printable"]
