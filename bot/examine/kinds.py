"""What the bytes are, told by the bytes; a name or a declared type is believed only where bytes cannot tell."""

from __future__ import annotations

import io
import zipfile

# Data files of statistics programs, by their first bytes and by their names (domain.md § 7, item 3)
DATA_NAMES = (".sas7bdat", ".sas7dat", ".xpt", ".sav", ".zsav", ".por", ".dta", ".rds", ".rdata", ".parquet", ".feather")
EXECUTABLE_NAMES = (
    *(".exe", ".com", ".scr", ".bat", ".cmd", ".ps1", ".vbs", ".js", ".jse"),
    *(
        ".wsf",
        ".hta",
        ".msi",
        ".lnk",
        ".jar",
        ".iso",
        ".img",
        ".dll",
        ".sh",
        ".vbe",
        ".pif",
        ".cpl",
        ".reg",
        ".vhd",
        ".vhdx",
        ".chm",
        ".app",
    ),
)
MACRO_NAMES = (".docm", ".xlsm", ".pptm", ".dotm", ".xltm", ".xlam")
IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"BM")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
HEAD = 4096  # bytes that are looked at


def find_kind(name: str, declared: str, content: bytes) -> tuple[str, tuple[str, ...]]:
    """(kind, flags); kinds as in ``bot.model.ExaminedAttachment``."""
    kind = _by_bytes(name.lower(), declared, content) or _by_name(name.lower(), declared, content)
    return kind, (*_flags(name, kind), *(_office_flags(content) if content.startswith(OLE) else ()))


def from_name(name: str, declared: str) -> tuple[str, tuple[str, ...]]:
    """The same for a file that is not opened."""
    kind = _by_name(name.lower(), declared, b"")
    return ("other" if kind in ("csv", "txt") else kind), _flags(name, kind)


def _flags(name: str, kind: str) -> tuple[str, ...]:
    lowered = name.lower().rstrip(". ")  # Windows opens "x.exe." too
    flags = []
    if lowered.endswith(MACRO_NAMES):
        flags.append("macro")
    if lowered.endswith(EXECUTABLE_NAMES) or kind == "executable":
        flags.append("executable")
    if lowered.endswith(DATA_NAMES) or kind in ("data", "7z"):
        flags.append("data-file")
    if kind == "7z":
        flags.append("encrypted")  # SSB's own rule is 7z with a password; the header does not always tell
    return tuple(flags)


def _office_flags(content: bytes) -> tuple[str, ...]:
    """Old Office files are small file systems whose directory names stand in UTF-16: a password, a macro ([MS-OFFCRYPTO], [MS-OVBA])."""
    found = []
    if "EncryptedPackage".encode("utf-16-le") in content:
        found.append("encrypted")
    if "_VBA_PROJECT".encode("utf-16-le") in content:
        found.append("macro")
    return tuple(found)


def _by_bytes(name: str, declared: str, content: bytes) -> str:
    head = content[:HEAD]
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _archive(name, content)
    if head.startswith(b"7z\xbc\xaf\x27\x1c"):
        return "7z"
    if head.startswith((b"MZ", b"\x7fELF", b"\xcf\xfa\xed\xfe", b"L\0\0\0\x01\x14\x02\0")):
        return "executable"
    if head.startswith(OLE):
        return "msg" if name.endswith(".msg") or "outlook" in declared else "doc"
    if head.startswith(IMAGES):
        return "image"
    if head.startswith((b"$FL2", b"$FL3", b"<stata_dta>")) or (b"\xc2\xea\x81\x60" in head[:32] and b"SAS FILE" in head[:200]):
        return "data"
    if head.startswith(b"{\\rtf"):
        return "rtf"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(b"<?xml") or text.startswith(b"<sdo"):
        return "sdo" if b"sdolist" in text or b"<sdo" in text or b"ltv-sdo" in text or b"ltvsdo" in text else "xml"
    if text.startswith((b"<!doctype html", b"<html")):
        return "html"
    return ""


def _archive(name: str, content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()[:2000]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return "zip"
    if any(member.startswith("word/") for member in names):
        return "docx"
    if any(member.startswith("xl/") for member in names):
        return "xlsx"
    if name.endswith((".asice", ".sce", ".asics")) or any(
        member.upper().startswith("META-INF/") and "signatures" in member for member in names
    ):
        return "sdo"  # ASiC (ETSI EN 319 162-1): a signature container of another kind, for a person all the same
    return "zip"


def _by_name(name: str, declared: str, content: bytes) -> str:
    if name.endswith(DATA_NAMES):
        return "data"
    if name.endswith(".sdo"):
        return "sdo"
    if name.endswith(".eml") or declared == "message/rfc822":
        return "eml"
    if name.endswith(EXECUTABLE_NAMES):
        return "executable"
    if name.endswith((".htm", ".html")) or declared == "text/html":
        return "html"
    if b"\0" in content[:HEAD] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):  # Excel writes "Unicode text" in UTF-16
        return "other"
    if name.endswith((".csv", ".tsv")) or declared in ("text/csv", "text/tab-separated-values"):
        return "csv"
    if name.endswith((".txt", ".md", ".log", ".do", ".sas", ".r", ".py", ".sps")) or declared.startswith("text/"):
        return "txt"
    return "other"
