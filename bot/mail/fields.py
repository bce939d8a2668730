"""Header fields of a part: parameters in every writing that mail has, file names made safe, ``format=flowed`` undone."""

from __future__ import annotations

import email.message
import re
from urllib.parse import unquote_to_bytes

from bot.mail.text import decode, header

Part = email.message.Message

PARAMETER = re.compile(r';\s*([A-Za-z][\w-]*)(\*\d+)?(\*)?\s*=\s*("(?:[^"\\]|\\.){0,2000}"|[^;\s][^;]{0,2000})')
UNPRINTED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
UNSAFE = re.compile(r"[\x00-\x1f\x7f<>:\"|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]")
DEVICE = re.compile(r"^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
NAME_LENGTH, NAME_BYTES = 120, 240  # common file systems take 255 bytes


def parameter(part: Part, name: str, field_name: str = "Content-Type") -> str:
    """A parameter of a structured header: plain, quoted, RFC 2231 (split, with charset) or, against the rules, RFC 2047."""
    value = _field(part, field_name)[:8000]
    if "=" not in value or name not in value.lower():
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


def name_for(kind: str) -> str:
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
