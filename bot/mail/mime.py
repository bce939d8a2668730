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
from urllib.parse import unquote_to_bytes

from bot.mail import html, tnef
from bot.mail.text import clean, codec_of, decode, header, unscramble
from bot.model import Attachment

Part = email.message.Message

LIMITS = {
    "size": 60 * 1024 * 1024,  # bytes: Exchange Online takes 150 MB at most, our entrance 40; reading costs five times that in memory
    "headers": 600,  # of one mail: a mail through ten relays with ARC sets has under 150
    "header-bytes": 400_000,
    "parts": 400,  # a mail with 300 attachments is no letter
    "nesting": 40,  # the standard parser recurses per level
    "boundaries": 5_000,  # lines that look like boundaries: each is compared with every open one
}
TEXT = 400_000  # characters of body that are read; the rest stays in the raw mail
CONTAINER = re.compile(rb"^content-type:\s*(?:multipart/|message/(?:rfc822|global|news))", re.IGNORECASE | re.MULTILINE)
BOUNDARY_LINE = re.compile(rb"^--", re.MULTILINE)
HEADER_END = re.compile(rb"\r?\n\r?\n|\r\r")
PARAMETER = re.compile(r';\s*([A-Za-z][\w-]*)(\*\d+)?(\*)?\s*=\s*("(?:[^"\\]|\\.){0,2000}"|[^;\s][^;]{0,2000})')
LOST_BOUNDARY = re.compile(r"^--([^\s\"]{1,70})[ \t]*\r?\n(?=content-)", re.IGNORECASE | re.MULTILINE)
UUENCODED = re.compile(r"^begin [0-7]{3,4} ([^\n]{1,200})\n((?:[\x20-\x60]{1,62}[^\n]?\n){1,20000})`?\n?end\s*$", re.MULTILINE)
UNSAFE = re.compile(r"[\x00-\x1f\x7f<>:\"|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]")
DEVICE = re.compile(r"^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
NAME_LENGTH, NAME_BYTES = 120, 240  # common file systems take 255 bytes


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
    opened.text = "\n\n".join(text for text in texts if text.strip())
    if not opened.text.strip() and opened.html.strip():
        opened.text = html.to_text(opened.html)
    opened.text = _without_uuencoded(opened.text, opened)
    return opened


KNOWN_FIELD = re.compile(rb"^(?:from|to|subject|date|mime-version|content-type|message-id)[ \t]*:", re.IGNORECASE)


def _without_strays(content: bytes) -> bytes:
    """The header without lines that are no field: the parser would end it there and take the rest for the body."""
    end = HEADER_END.search(content)
    if end is None:
        return content
    lines = content[: end.start()].split(b"\n")
    stray = [
        number for number, line in enumerate(lines) if number and line[:1] not in b" \t\r" and not re.match(rb"[!-9;-~]+[ \t]*:", line)
    ]
    if not stray or sum(bool(KNOWN_FIELD.match(line)) for line in lines[stray[0] :]) < 2:
        return content
    return b"\n".join(line for number, line in enumerate(lines) if number not in set(stray)) + content[end.start() :]


def _beyond(content: bytes) -> str:
    """Which limit a mail passes, as words for a person, or ``""``."""
    if len(content) > LIMITS["size"]:
        return f"larger than {LIMITS['size'] // 1024 // 1024} MB"
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
        opened.nested.append(_parsed(_bytes(part, opened)))
    elif kind in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        _enveloped(part, opened, texts, pages, depth)
    elif _is_body(part, kind):
        _body(part, kind, opened, texts, pages)
    else:
        _attachment(part, kind, opened)


def _walk_parts(part: Part, kind: str, opened: Opened, texts: list[str], pages: list[str], depth: int) -> None:
    children = _children(part)
    if not children and isinstance(part.get_payload(), str):
        opened.flaw("multipart-without-parts")
        found = LOST_BOUNDARY.search(str(part.get_payload()))
        if found is not None and depth < LIMITS["nesting"]:
            head = f'Content-Type: multipart/mixed; boundary="{found[1]}"\n\n'.encode("ascii", "replace")
            _walk(_parsed(head + str(part.get_payload()).encode("utf-8", "surrogateescape")), opened, texts, pages, depth + 1)
            return
        texts.append(_text(part, "text/plain", opened))
        return
    if kind != "multipart/alternative":
        for child in children:
            _walk(child, opened, texts, pages, depth + 1)
        return
    plain: list[str] = []
    for child in children:
        _walk(child, opened, plain, pages, depth + 1)
    texts.extend(text for text in plain if text.strip())


def _children(part: Part) -> list[Part]:
    payload = part.get_payload()
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
        return
    if kind in ("text/enriched", "text/richtext"):
        text = re.sub(r"<[^<>\n]{1,60}>", "", text.replace("<<", "<"))
    elif parameter(part, "format").lower() == "flowed":
        text = unflow(text, delsp=parameter(part, "delsp").lower() == "yes")
    texts.append(text)


def _text(part: Part, kind: str, opened: Opened) -> str:
    content = _bytes(part, opened)[: TEXT * 4]
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


def _bytes(part: Part, opened: Opened) -> bytes:
    """The content after transfer decoding; what cannot be decoded is taken as it stands."""
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    written = part.get_payload()
    if isinstance(written, str) and encoding == "quoted-printable":
        written = re.sub(r"=[ \t]+(?=\r?\n)", "=", written)  # RFC 2045 § 6.7 (3): blanks at the end were added on the way
        return binascii.a2b_qp(written.encode("utf-8", "surrogateescape"))
    if isinstance(written, str) and encoding == "base64" and (lines := _base64_lines(written)) is not None:
        opened.flaw("text-after-base64")
        return binascii.a2b_base64(lines + "=" * (-len(lines) % 4))
    try:
        payload = part.get_payload(decode=True)
    except Exception:
        opened.flaw("transfer-encoding-broken")
        payload = None
    if isinstance(payload, bytes):
        return payload
    raw = part.get_payload()
    return raw.encode("utf-8", "surrogateescape") if isinstance(raw, str) else b""


NOT_BASE64 = re.compile(r"^(?!\s*$)(?![A-Za-z0-9+/]+={0,2}\s*$).*$", re.MULTILINE)


def _base64_lines(written: str) -> str | None:
    """The lines before something that is no base64 at all (a list's or scanner's footer), or None where there is none."""
    stray = NOT_BASE64.search(written)
    if stray is None or stray.start() == 0:
        return None
    kept = re.sub(r"\s", "", written[: stray.start()])
    return kept.rstrip("=") if kept and len(kept.rstrip("=")) % 4 != 1 else None


def _defect_name(defect: object) -> str:
    """``StartBoundaryNotFoundDefect`` → ``start-boundary-not-found``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", type(defect).__name__.removesuffix("Defect")).lower()


# ── what is not text ──────────────────────────────────────────────────────────────────────────────────────────


def _attachment(part: Part, kind: str, opened: Opened) -> None:
    if kind == "text/calendar":
        opened.calendar_method = opened.calendar_method or parameter(part, "method").upper()
    content = _bytes(part, opened)
    name = safe_name(name_of(part) or _name_for(kind))
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
        text = inner.get_payload() if inner is not None else part.get_payload()
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
    content = _bytes(part, opened)
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


def _without_uuencoded(text: str, opened: Opened) -> str:
    """Files written into the text by ``uuencode``, as attachments."""
    if "\nend" not in text or "begin " not in text:
        return text

    def take(match: re.Match[str]) -> str:
        content = bytearray()
        for line in match[2].splitlines():
            try:
                content += binascii.a2b_uu(line)
            except binascii.Error:
                opened.flaw("uuencode-broken")
                break
        opened.attachments.append(Attachment(safe_name(match[1]), "application/octet-stream", bytes(content)))
        return ""

    return UUENCODED.sub(take, text)


# ── names and parameters ──────────────────────────────────────────────────────────────────────────────────────


def parameter(part: Part, name: str, field_name: str = "Content-Type") -> str:
    """A parameter of a structured header: plain, quoted, RFC 2231 (split, with charset) or, against the rules, RFC 2047."""
    value = _field(part, field_name)[:8000]
    if "=" not in value:
        return ""
    pieces: dict[int, tuple[str, bool]] = {}
    for match in PARAMETER.finditer(re.sub(r"[\r\n]+\s*", " ", value)):
        if match[1].lower() != name:
            continue
        text = match[4].strip()
        if text.startswith('"'):
            text = re.sub(r'\\([\\"])', r"\1", text[1:-1]) if text.endswith('"') and len(text) > 1 else text[1:]
        pieces.setdefault(int(match[2][1:]) if match[2] and len(match[2]) < 6 else (-1 if not match[3] else 0), (text, bool(match[3])))
    extended = {number: piece for number, piece in pieces.items() if number >= 0}
    if extended:
        return _rfc2231([extended[number] for number in sorted(extended)])
    return header(pieces[-1][0]) if pieces else ""


def _field(part: Part, name: str) -> str:
    """A header as it was written, raw bytes as surrogates (``get`` would replace them)."""
    wanted = name.lower()
    return next((UNPRINTED.sub("", str(value)) for key, value in part.raw_items() if key.lower() == wanted), "")


UNPRINTED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def _rfc2231(pieces: list[tuple[str, bool]]) -> str:
    charset, first = "", True
    content = b""
    for text, encoded in pieces:
        if encoded:
            if first and text.count("'") >= 2:
                charset, _, text = text.split("'", 2)
            content += unquote_to_bytes(text.encode("ascii", "surrogateescape"))
        else:
            content += text.encode("utf-8", "surrogateescape")
        first = False
    return header(decode(content, charset or "utf-8")[0])


def name_of(part: Part) -> str:
    """The file name of a part, ``""`` where it has none."""
    return parameter(part, "filename", "Content-Disposition") or parameter(part, "name")


def safe_name(name: str) -> str:
    """A name that can be written to any disk and shown to anybody: no path, no control or direction marks, no device, bounded."""
    name = UNSAFE.sub("", name.replace("\\", "/").rpartition("/")[2]).strip(" .")
    if DEVICE.match(name):
        name = "_" + name
    if len(name) > NAME_LENGTH:
        stem, dot, ending = name.rpartition(".")
        name = f"{stem[: NAME_LENGTH - 12]}.{ending[:10]}" if dot else name[:NAME_LENGTH]
    while len(name.encode("utf-8", "replace")) > NAME_BYTES:
        stem, dot, ending = name.rpartition(".")
        name = f"{stem[: len(stem) - 10]}.{ending}" if dot and len(stem) > 10 else name[:-10]
    return name or "unnamed"


def _name_for(kind: str) -> str:
    endings = {
        "text/calendar": "invite.ics",
        "text/html": "page.html",
        "text/plain": "text.txt",
        "application/pdf": "document.pdf",
        "application/pkcs7-signature": "smime.p7s",
    }
    return endings.get(kind, "unnamed" if not kind.startswith("image/") else f"image.{kind.partition('/')[2][:8]}")


def unflow(text: str, *, delsp: bool = False) -> str:
    """``format=flowed`` undone (RFC 3676 § 4.2): a line that ends in a blank goes on in the next of the same quote depth."""
    out: list[str] = []
    depth_before, open_line = 0, False
    for line in text.split("\n"):
        stripped = line.lstrip(">")
        depth = len(line) - len(stripped)
        stripped = stripped.removeprefix(" ")
        flowed = stripped.endswith(" ") and stripped != "-- "
        if open_line and depth == depth_before and stripped != "-- ":
            out[-1] += stripped[:-1] if flowed and delsp else stripped
        else:
            out.append(("> " if depth == 1 else ">" * depth + " " if depth else "") + (stripped[:-1] if flowed and delsp else stripped))
        depth_before, open_line = depth, flowed
    return "\n".join(out)
