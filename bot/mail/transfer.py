"""Transfer encodings undone (RFC 2045 § 6), also where they are broken, only claimed, or followed by something else; uuencode in texts."""

from __future__ import annotations

import binascii
import email.message
import re
from collections.abc import Callable

Part = email.message.Message
Flaw = Callable[[str], None]

UUENCODED = re.compile(r"^begin [0-7]{3,4} ([^\n]{1,200})\n((?:[\x20-\x60]{1,62}[^\n]?\n){1,20000})`?\n?end\s*$", re.MULTILINE)


def written_in(part: Part) -> object:
    """The payload as the parser keeps it: a text, or the parts. It raises where the charset's name is none that a codec takes."""
    try:
        return part.get_payload()
    except Exception:
        del part["Content-Type"]
        return part.get_payload()


def content_of(part: Part, flaw: Flaw) -> bytes:
    """The content after transfer decoding; what cannot be decoded is taken as it stands."""
    encoding = re.sub(r"\([^()]{0,300}\)|[\"']", "", str(part.get("Content-Transfer-Encoding", ""))).strip().lower()
    written = written_in(part)
    if isinstance(written, str) and encoding == "quoted-printable":
        written = re.sub(r"=[ \t]{1,80}(?=\r?\n)", "=", written)  # RFC 2045 § 6.7 (3): blanks at the end were added on the way
        return binascii.a2b_qp(written.encode("utf-8", "surrogateescape"))
    if isinstance(written, str) and encoding == "base64":
        return _from_base64(written, flaw)
    try:
        payload = part.get_payload(decode=True)
    except Exception:
        flaw("transfer-encoding-broken")
        payload = None
    if isinstance(payload, bytes):
        return payload
    raw = written_in(part)
    return raw.encode("utf-8", "surrogateescape") if isinstance(raw, str) else b""


NOT_BASE64 = re.compile(r"^(?!\s{0,80}$)(?![A-Za-z0-9+/]++={0,2}\s{0,80}$).*$", re.MULTILINE)


FOOTED = 2_000_000  # characters: footers are put under texts, not under files


def _from_base64(written: str, flaw: Flaw) -> bytes:
    """Base64 to the first line that is none (a list's or scanner's footer); text that only claims to be base64 as it stands."""
    stray = NOT_BASE64.search(written) if len(written) <= FOOTED else None
    if stray is not None and not written[: stray.start()].strip() and " " in stray[0].strip():
        flaw("transfer-encoding-broken")
        return written.encode("utf-8", "surrogateescape")
    if stray is not None and written[: stray.start()].strip():
        flaw("text-after-base64")
        written = written[: stray.start()]
    try:
        return binascii.a2b_base64(written.encode("ascii", "ignore"))
    except binascii.Error:  # the padding is missing or wrong
        letters = re.sub(r"[^A-Za-z0-9+/]", "", written)
        return binascii.a2b_base64(letters[: len(letters) - (len(letters) % 4 == 1)] + "=" * (-len(letters) % 4))


def without_uuencoded(text: str, flaw: Flaw) -> tuple[str, list[tuple[str, bytes]]]:
    """A text without the files that ``uuencode`` wrote into it, and those files as (name, content)."""
    files: list[tuple[str, bytes]] = []
    if "\nend" not in text or "begin " not in text:
        return text, files

    def take(match: re.Match[str]) -> str:
        content = bytearray()
        for line in match[2].splitlines():
            try:
                content += binascii.a2b_uu(line)
            except binascii.Error:
                flaw("uuencode-broken")
                break
        files.append((match[1], bytes(content)))
        return ""

    return UUENCODED.sub(take, text), files
