"""One reader per kind: bytes in, text and findings out. They run in the worker only, where a breakdown costs a note."""

from __future__ import annotations

import email
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

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
    flags = ("encrypted",) if any(member.flag_bits & 1 for member in members) else ()
    from bot.examine.kinds import DATA_NAMES

    if any(member.filename.lower().endswith(DATA_NAMES) for member in members):
        flags = (*flags, "data-file")
    return Reading(flags=flags, members=tuple(_safe(member.filename) for member in members[:1000]))


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
    decoded = decode(content)[: TEXT * 4]
    bare = re.sub(r"(?is)<(script|style)\b[^>]{0,1000}>.{0,100000}?</\1>", " ", decoded)
    return Reading(" ".join(re.sub(r"<[^>]{0,2000}>", " ", bare).split())[:TEXT])


def eml(content: bytes, options: dict[str, Any]) -> Reading:
    """Subject, sender and plain text of a mail inside a mail; its attachments by name."""
    message = email.message_from_bytes(content)
    lines = [f"{name}: {message.get(name, '')}" for name in ("From", "Subject", "Date")]
    members = []
    for part in message.walk():
        if part.is_multipart():
            continue
        name = part.get_filename()
        if name:
            members.append(_safe(str(name)))
        elif part.get_content_type() == "text/plain":
            payload = part.get_payload(decode=True)
            lines.append(decode(payload if isinstance(payload, bytes) else b""))
    return Reading("\n".join(lines)[:TEXT], flags=("nested",), members=tuple(members))


def msg(content: bytes, options: dict[str, Any]) -> Reading:
    """Subject, sender and text of an Outlook message (python-oxmsg)."""
    from oxmsg import Message

    message = Message.load(io.BytesIO(content))
    lines = [f"From: {message.sender or ''}", f"Subject: {message.subject or ''}", message.body or ""]
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
