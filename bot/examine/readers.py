"""One reader per kind: bytes in, text and findings out. They run in the worker only, where a breakdown costs a note."""

from __future__ import annotations

import email
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from html import unescape
from typing import Any

from bot.examine.kinds import from_name

TEXT = 200_000  # characters kept
PAGES = 300  # pages of a PDF that are read; an application with all attachments in one file has been seen with about 200
SHEETS, ROWS, COLUMNS = 30, 3000, 200
UNPACKED = 300 * 2**20  # bytes that an archive may promise to unpack to
RATIO = 200  # unpacked : packed; ordinary office files stay under 20
MEMBERS = 10_000


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader found."""

    text: str = ""
    flags: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    signatures: list[dict[str, Any]] = field(default_factory=list)
    note: str = ""


def pdf(content: bytes, options: dict[str, Any]) -> Reading:
    """Text of all pages (pypdfium2), and a report of each signature (pyHanko)."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if "assword" in str(error):
            return Reading(flags=("encrypted",), note="protected by a password")
        return Reading(flags=("unreadable",), note="not a readable PDF", signatures=_signatures(content, options))
    try:
        pages, total = [], 0
        for number in range(min(len(document), PAGES)):
            page = document[number]
            words = page.get_textpage()
            pages.append(words.get_text_range())
            words.close()
            page.close()
            total += len(pages[-1])
            if total > TEXT:
                break
    finally:
        document.close()
    text = "\n".join(pages).replace("\r\n", "\n")[:TEXT]
    note = "" if text.strip() else "no text layer: a scan or a picture"
    return Reading(text, signatures=_signatures(content, options), note=note)


def _signatures(content: bytes, options: dict[str, Any]) -> list[dict[str, Any]]:
    if b"/ByteRange" not in content and b"/ObjStm" not in content:
        return []  # no signature dictionary can be there; pyHanko's import alone costs half a second
    from bot.examine.signatures import reports

    return reports(content, options)


def docx(content: bytes, options: dict[str, Any]) -> Reading:
    """Paragraphs and tables of a Word document, headers left out."""
    guard = _guard(content)
    if guard is not None:
        return guard
    import docx as word

    document = word.Document(io.BytesIO(content))
    parts = [paragraph.text for paragraph in document.paragraphs]
    for table in document.tables:
        for row in table.rows:
            parts.append("\t".join(cell.text for cell in row.cells))
    macro = ("macro",) if b"vbaProject" in content else ()
    return Reading("\n".join(parts)[:TEXT], flags=macro)


def xlsx(content: bytes, options: dict[str, Any]) -> Reading:
    """Cells of a workbook, tab-separated; formulas are not run, their last values are read."""
    guard = _guard(content)
    if guard is not None:
        return guard
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    lines: list[str] = []
    for sheet in book.worksheets[:SHEETS]:
        lines.append(sheet.title)
        for row in sheet.iter_rows(max_row=ROWS, max_col=COLUMNS, values_only=True):
            cells = ["" if cell is None else str(cell) for cell in row]
            if any(cells):
                lines.append("\t".join(cells).rstrip("\t"))
    macro = ("macro",) if b"vbaProject" in content else ()
    return Reading("\n".join(lines)[:TEXT], flags=macro)


def archive(content: bytes, options: dict[str, Any]) -> Reading:
    """The names inside; nothing is unpacked."""
    guard = _guard(content)
    if guard is not None:
        return guard
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        members = packed.infolist()
    flags = {"encrypted"} if any(member.flag_bits & 1 for member in members) else set()
    for member in members:
        flags |= set(from_name(member.filename, "")[1]) & {"data-file", "executable", "macro"}
    return Reading(flags=tuple(sorted(flags)), members=tuple(_safe(member.filename) for member in members[:1000]))


def _guard(content: bytes) -> Reading | None:
    """A note where an archive is a bomb or broken, before anything is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            members = packed.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return Reading(flags=("unreadable",), note="a broken archive")
    unpacked = sum(member.file_size for member in members)
    if len(members) > MEMBERS or unpacked > UNPACKED or unpacked > max(len(content), 10_000) * RATIO:
        return Reading(flags=("bomb",), note=f"promises {unpacked // 2**20} MB in {len(members)} files; not opened")
    return None


def text(content: bytes, options: dict[str, Any]) -> Reading:
    """Plain text in UTF-8, UTF-16 with a mark, or windows-1252."""
    return Reading(decode(content)[:TEXT])


SHARED_COLUMNS = re.compile(
    r"\b(fnr|fodselsnummer|fødselsnummer|personnummer|pnr|national_id|ssn|snr|w\d\d_\w+|lopenr|løpenr)\b", re.IGNORECASE
)
DATA_ROWS = 3  # a table with an identity column and this many rows is data, not a form


def csv(content: bytes, options: dict[str, Any]) -> Reading:
    """A table as text; flagged as data where its columns name persons."""
    decoded = decode(content)
    head, _, rest = decoded.partition("\n")
    persons = SHARED_COLUMNS.search(head[:2000]) is not None and rest.count("\n") + 1 >= DATA_ROWS
    return Reading(decoded[:TEXT], flags=("data-file",) if persons else ())


def html(content: bytes, options: dict[str, Any]) -> Reading:
    """Words of a page, tags taken out; scripts and styles with what is in them."""
    return Reading(_words_of(decode(content))[:TEXT])


def _words_of(page: str) -> str:
    bare = re.sub(r"(?is)<(script|style)\b[^>]{0,1000}>.{0,20000}?</\1>", " ", page[: TEXT * 4])
    bare = re.sub(r"(?i)<(?:br|/p|/div|/tr|/li)\b[^<>]{0,200}>", "\n", bare)
    lines = (" ".join(line.split()) for line in unescape(re.sub(r"<[^<>]{0,2000}>", " ", bare)).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def eml(content: bytes, options: dict[str, Any]) -> Reading:
    """Subject, sender and text of a mail inside a mail (a page's words where there is no plain text); its attachments by name."""
    message = email.message_from_bytes(content)
    plain: list[str] = []
    pages: list[str] = []
    members: list[str] = []
    for part in message.walk():
        if part.is_multipart():
            continue
        name = part.get_filename()
        if name:
            members.append(_safe(_header(name)))
        elif (kind := part.get_content_type()) in ("text/plain", "text/html"):
            payload = part.get_payload(decode=True)
            written = _in_charset(payload if isinstance(payload, bytes) else b"", str(part.get_content_charset() or ""))
            (plain if kind == "text/plain" else pages).append(written)
    lines = [f"{name}: {_header(message.get(name, ''))}" for name in ("From", "Subject", "Date")]
    lines += [text for text in plain if text.strip()] or [_words_of(page) for page in pages]
    return Reading("\n".join(lines)[:TEXT], flags=("nested",), members=tuple(members))


def _header(value: object) -> str:
    try:
        return str(make_header(decode_header(str(value))))
    except Exception:  # abused encoded words raise half a dozen kinds
        return str(value)


def _in_charset(content: bytes, charset: str) -> str:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        try:
            return content.decode(charset or "utf-8")
        except (LookupError, UnicodeError, ValueError):
            pass
    return decode(content)


def msg(content: bytes, options: dict[str, Any]) -> Reading:
    """Subject, sender and text of an Outlook message (python-oxmsg)."""
    from oxmsg import Message

    message = Message.load(io.BytesIO(content))
    body = message.body or _words_of(message.html_body or "")
    lines = [f"From: {message.sender or ''}", f"Subject: {message.subject or ''}", body]
    members = tuple(_safe(part.file_name or "") for part in message.attachments)
    return Reading("\n".join(lines)[:TEXT], flags=("nested",), members=members)


def xml(content: bytes, options: dict[str, Any]) -> Reading:
    """XML as text; no parser is let near it (entity bombs)."""
    return Reading(decode(content)[:TEXT])


def container(content: bytes, options: dict[str, Any]) -> Reading:
    """A signature container (BankID SDO, ASiC): recognised, not validated, for a person (domain.md § 4)."""
    return Reading(note="a signature container that a person must open with the issuer's own tool")


def decode(content: bytes) -> str:
    """Bytes as text, never raising."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _safe(name: str) -> str:
    return "".join(character if character.isprintable() else "_" for character in name)[:200]


READERS: dict[str, Callable[[bytes, dict[str, Any]], Reading]] = {
    "pdf": pdf,
    "docx": docx,
    "xlsx": xlsx,
    "zip": archive,
    "txt": text,
    "csv": csv,
    "html": html,
    "eml": eml,
    "msg": msg,
    "xml": xml,
    "sdo": container,
}
