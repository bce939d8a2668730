"""MIME: bytes → the parts of a mail, total. Any input gives an ``Opened``; what was wrong is listed, nothing is raised.

On the standard library's ``compat32`` parser with guarded decoding: the newer policy raises on mail that exists (Exchange's Message-ID
with brackets, an encoded newline in From, an unknown charset). Limits come first, each with its reason; beyond them the mail is not
read at all and a person is told.
"""

from __future__ import annotations

import binascii
import email
import email.message
import re
from dataclasses import dataclass, field

from bot.mail import html, tnef
from bot.mail.fields import name_for, name_of, parameter, safe_name, unflow
from bot.mail.text import clean, codec_of, decode, header, unscramble
from bot.mail.transfer import content_of, without_uuencoded, written_in
from bot.model import Attachment

Part = email.message.Message

LIMITS = {
    "size": 60 * 1024 * 1024,  # bytes: Exchange Online takes 150 MB at most, our entrance 40; reading costs five times that in memory
    "headers": 600,  # of one mail: a mail through ten relays with ARC sets has under 150
    "header-bytes": 400_000,
    "parts": 400,  # a mail with 300 attachments is no letter
    "nesting": 40,  # the standard parser recurses per level
    "lines": 2_000_000,  # 60 MB of base64 are 800,000
    "boundaries": 5_000,  # lines that look like boundaries: each is compared with every open one
}
TEXT = 400_000  # characters of body that are read; the rest stays in the raw mail
CONTAINER = re.compile(rb"^content-type:\s*(?:multipart/|message/(?:rfc822|global|news))", re.IGNORECASE | re.MULTILINE)
BOUNDARY_LINE = re.compile(rb"^--", re.MULTILINE)
HEADER_END = re.compile(rb"\r?\n\r?\n|\r\r")
LOST_BOUNDARY = re.compile(r"^--([^\s\"]{1,70})[ \t]*\r?\n(?=content-)", re.IGNORECASE | re.MULTILINE)


@dataclass
class Opened:
    """A mail taken apart. ``text`` is its plain body, ``html`` the HTML one, ``nested`` the mails inside it, ``status`` the delivery reports."""

    headers: tuple[tuple[str, str], ...] = ()
    text: str = ""
    html: str = ""
    attachments: list[Attachment] = field(default_factory=list)
    nested: list[Part] = field(default_factory=list)
    status: list[Part] = field(default_factory=list)
    types: list[str] = field(default_factory=list)  # media types of all parts, in order
    calendar_method: str = ""
    alternatives: int = 0  # multipart/alternative around the part that is read just now
    defects: list[str] = field(default_factory=list)
    quarantine: str = ""

    def flaw(self, name: str) -> None:
        """Note what was wrong, once."""
        if name not in self.defects:
            self.defects.append(name)


def read(content: bytes) -> Opened:
    """Take a mail apart; total."""
    opened = Opened()
    opened.quarantine = _beyond(content)
    if opened.quarantine:
        opened.headers = _headers(_parsed(content[:200_000].partition(b"\n\n")[0][:100_000] + b"\n\n"), opened)
        return opened
    if b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    content = _without_strays(content)
    try:
        root = email.message_from_bytes(content)
        opened.headers = _headers(root, opened)
        texts: list[str] = []
        pages: list[str] = []
        _walk(root, opened, texts, pages, 0)
    except RecursionError:
        opened.quarantine = "nested too deeply"
        return opened
    opened.html = "\n".join(pages)
    written = "\n\n".join(text for text in texts if text.strip())
    if not written and opened.html.strip():
        written = html.to_text(opened.html)
    opened.text = written or opened.text  # an Outlook envelope may hold the only text
    opened.text, files = without_uuencoded(opened.text, opened.flaw)
    opened.attachments += [Attachment(safe_name(name), "application/octet-stream", data) for name, data in files]
    return opened


KNOWN_FIELD = re.compile(rb"^(?:from|to|subject|date|mime-version|content-type|message-id)[ \t]*:", re.IGNORECASE)


def _without_strays(content: bytes) -> bytes:
    """The header without lines that are no field: the parser would end it there and take the rest for the body."""
    end = HEADER_END.search(content)
    if end is None:
        return content
    lines = content[: end.start()].split(b"\n")
    strays = {
        number
        for number, line in enumerate(lines)
        if number and line[:1] not in b" \t\r" and not re.match(rb"[!-9;-~]{1,200}[ \t]{0,20}:", line)
    }
    if not strays or sum(bool(KNOWN_FIELD.match(line)) for line in lines[min(strays) :]) < 2:
        return content
    return b"\n".join(line for number, line in enumerate(lines) if number not in strays) + content[end.start() :]


def _beyond(content: bytes) -> str:
    """Which limit a mail passes, as words for a person, or ``""``."""
    if len(content) > LIMITS["size"]:
        return f"larger than {LIMITS['size'] // 1024 // 1024} MB"
    if content.count(b"\n") > LIMITS["lines"] or content.count(b"\r") > LIMITS["lines"]:
        return f"more than {LIMITS['lines']} lines"
    end = HEADER_END.search(content)
    head = content[: end.start()] if end else content
    if len(head) > LIMITS["header-bytes"] and end is not None:
        return "its header is too long"
    if (
        head.count(b"\n") > LIMITS["headers"] * 20
        or len(re.findall(rb"^[!-9;-~]+:", head[: LIMITS["header-bytes"]], re.MULTILINE)) > LIMITS["headers"]
    ):
        return f"more than {LIMITS['headers']} header fields"
    if len(CONTAINER.findall(content)) > LIMITS["nesting"] * 3:
        return "nested too deeply"
    if len(BOUNDARY_LINE.findall(content)) > LIMITS["boundaries"]:
        return f"more than {LIMITS['parts']} parts"
    return ""


def _parsed(content: bytes) -> Part:
    return email.message_from_bytes(content)


def _headers(part: Part, opened: Opened) -> tuple[tuple[str, str], ...]:
    found = []
    for name, value in part.raw_items():
        text = str(value)
        if not text.isascii():
            opened.flaw("raw-8bit-header")
        found.append((name.encode("ascii", "replace").decode(), header(text)))
    return tuple(found)


def _walk(part: Part, opened: Opened, texts: list[str], pages: list[str], depth: int) -> None:
    """Collect bodies and attachments; ``multipart/alternative`` gives one body, everything else all of them in order."""
    if depth > LIMITS["nesting"]:
        raise RecursionError
    kind = media_type(part)
    opened.types.append(kind)
    if len(opened.types) > LIMITS["parts"]:
        opened.quarantine = f"more than {LIMITS['parts']} parts"
        return
    for defect in part.defects[:5]:
        opened.flaw(_defect_name(defect))
    if kind.startswith("multipart/"):
        _walk_parts(part, kind, opened, texts, pages, depth)
    elif kind == "message/delivery-status" or kind == "message/disposition-notification":
        opened.status.extend(child for child in _children(part) if isinstance(child, Part))
    elif kind in ("message/rfc822", "message/global", "message/news"):
        _nested(part, opened)
    elif kind == "text/rfc822-headers":
        opened.nested.append(_parsed(content_of(part, opened.flaw)))
    elif kind in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        _enveloped(part, opened, texts, pages, depth)
    elif _is_body(part, kind):
        _body(part, kind, opened, texts, pages)
    else:
        _attachment(part, kind, opened)


def _walk_parts(part: Part, kind: str, opened: Opened, texts: list[str], pages: list[str], depth: int) -> None:
    children = _children(part)
    if not children and isinstance(written_in(part), str):
        opened.flaw("multipart-without-parts")
        found = LOST_BOUNDARY.search(str(written_in(part)))
        if found is not None and depth < LIMITS["nesting"]:
            head = f'Content-Type: multipart/mixed; boundary="{found[1]}"\n\n'.encode("ascii", "replace")
            _walk(_parsed(head + str(written_in(part)).encode("utf-8", "surrogateescape")), opened, texts, pages, depth + 1)
            return
        texts.append(_text(part, "text/plain", opened))
        return
    if kind != "multipart/alternative":
        for child in children:
            _walk(child, opened, texts, pages, depth + 1)
        return
    plain: list[str] = []
    opened.alternatives += 1
    for child in children:
        _walk(child, opened, plain, pages, depth + 1)
    opened.alternatives -= 1
    texts.extend(text for text in plain if text.strip())


def _children(part: Part) -> list[Part]:
    payload = written_in(part)
    return [child for child in payload if isinstance(child, email.message.Message)] if isinstance(payload, list) else []


def media_type(part: Part) -> str:
    """The declared media type in lower case; ``text/plain`` where it is missing or no type."""
    try:
        return part.get_content_type()
    except Exception:  # an abused Content-Type: the default of RFC 2045 § 5.2
        return "text/plain"


def _disposition(part: Part) -> str:
    return str(part.get("Content-Disposition", "")).split(";")[0].strip().lower()


def _is_body(part: Part, kind: str) -> bool:
    return (
        kind in ("text/plain", "text/html", "text/enriched", "text/richtext") and _disposition(part) != "attachment" and not name_of(part)
    )


def _body(part: Part, kind: str, opened: Opened, texts: list[str], pages: list[str]) -> None:
    text = _text(part, kind, opened)
    if kind == "text/html":
        pages.append(text)
        if not opened.alternatives:  # a page that is nobody's other form is text of its own
            texts.append(html.to_text(text))
        return
    if kind in ("text/enriched", "text/richtext"):
        text = re.sub(r"<[^<>\n]{1,60}>", "", text.replace("<<", "<"))
    elif parameter(part, "format").lower() == "flowed":
        text = unflow(text, delsp=parameter(part, "delsp").lower() == "yes")
    texts.append(text)


def _text(part: Part, kind: str, opened: Opened) -> str:
    content = content_of(part, opened.flaw)[: TEXT * 4]
    charset = parameter(part, "charset")
    if kind == "text/html" and codec_of(charset) is None:
        charset = html.declared_charset(content) or charset
    text, defect = decode(content, charset)
    if defect:
        opened.flaw(defect)
    fixed = unscramble(text)
    if fixed != text:
        opened.flaw("charset-doubled")
    if len(fixed) > TEXT:
        opened.flaw("text-cut")
    return clean(fixed[:TEXT])


def _defect_name(defect: object) -> str:
    """``StartBoundaryNotFoundDefect`` → ``start-boundary-not-found``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", type(defect).__name__.removesuffix("Defect")).lower()


# ── what is not text ──────────────────────────────────────────────────────────────────────────────────────────


def _attachment(part: Part, kind: str, opened: Opened) -> None:
    if kind == "text/calendar":
        opened.calendar_method = opened.calendar_method or parameter(part, "method").upper()
    content = content_of(part, opened.flaw)
    name = safe_name(name_of(part) or name_for(kind))
    if name.lower() == "winmail.dat" or kind in ("application/ms-tnef", "application/vnd.ms-tnef"):
        inside = tnef.read(content)
        if inside is not None:
            opened.attachments += [Attachment(safe_name(n), "application/octet-stream", data) for n, data in inside.files]
            opened.text = opened.text or clean(inside.text)
            opened.flaw("tnef")
            return
    opened.attachments.append(
        Attachment(
            name,
            kind,
            content,
            inline=_disposition(part) == "inline"
            or kind in ("application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"),
        )
    )


def _nested(part: Part, opened: Opened) -> None:
    """A mail inside the mail: kept as an ``.eml`` attachment, and as a value for forwards and bounces."""
    children = _children(part)
    inner = children[0] if children else None
    if inner is None or (not inner.items() and str(part.get("Content-Transfer-Encoding", "")).strip().lower() == "base64"):
        text = written_in(inner) if inner is not None else written_in(part)
        try:
            content = binascii.a2b_base64(str(text).encode("ascii", "ignore"))
        except (binascii.Error, ValueError):
            content = str(text).encode("utf-8", "surrogateescape")
        opened.flaw("encoded-message-part")
        inner = _parsed(content)
    else:
        content = _as_bytes(inner)
    opened.nested.append(inner)
    name = name_of(part) or header(str(inner.get("Subject", "")))[:60] or "message"
    opened.attachments.append(Attachment(safe_name(name if name.lower().endswith(".eml") else name + ".eml"), "message/rfc822", content))


def _as_bytes(part: Part) -> bytes:
    try:
        return part.as_bytes()
    except Exception:  # the generator cannot write every mail that the parser can read
        return part.as_string().encode("utf-8", "surrogateescape") if not part.is_multipart() else b""


def _enveloped(part: Part, opened: Opened, texts: list[str], pages: list[str], depth: int) -> None:
    """S/MIME in one piece (RFC 8551 § 3.5.2): the signed content is read, an encrypted one is an attachment with a defect."""
    content = content_of(part, opened.flaw)
    inner = _signed_content(content)
    if inner:
        opened.flaw("smime-signed")
        _walk(_parsed(inner), opened, texts, pages, depth + 1)
        return
    opened.flaw("smime-encrypted")
    opened.attachments.append(Attachment(safe_name(name_of(part) or "smime.p7m"), "application/pkcs7-mime", content))


def _signed_content(content: bytes) -> bytes:
    from asn1crypto import cms  # heavy for the one mail in a thousand that needs it

    try:
        info = cms.ContentInfo.load(content)
        if info["content_type"].native != "signed_data":
            return b""
        return bytes(info["content"]["encap_content_info"]["content"].native or b"")
    except Exception:  # asn1crypto raises whatever the bytes lead it to
        return b""
