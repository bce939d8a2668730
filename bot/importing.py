"""Case lists of others as rows of the case register: pure functions from bytes to rows and faults.

A table is read first (CSV, xlsx or JSON lines, told apart by its bytes), then each row is checked. A fault names the line,
the column and what is allowed, never the value: a list may hold what the screen of a terminal should not. The register takes
either every row or none, so nothing here stops at the first fault.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any

from bot.model import Case
from bot.understanding.caserefs import normalise

COLUMNS = tuple(item.name for item in fields(Case))
STATES = ("applied", "legal", "offered", "agreed", "delivered", "open", "closed")
YEARS = range(1950, 2101)  # a date outside is a slip of the keyboard
LENGTH = 1000  # characters of one text; the longest title in the archive's practice is far below
DOMAIN = re.compile(r"(?=.{1,253}\Z)(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}[^\W_]")
ADDRESS = re.compile(r"[^\s<>(),;:\"\[\]\\@]{1,64}@([^\s<>(),;:\"\\@]{1,253})")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
QUOTED_FORMULA = re.compile(r"'(?=[=+\-@\t\r\n])")  # what `bot deletions export` puts before a formula, taken off again


class Unreadable(Exception):
    """The file is no table that can be read; the text is a sentence that says what is expected."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: where it stands in the file, its cells by column, and what was wrong with its form (or ``""``)."""

    line: int
    cells: Mapping[str, Any]
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns as named in the file and the rows beneath them; empty lines are left out."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """What stands in the way of the import: line of the file, column, what is allowed there."""

    line: int
    column: str
    allowed: str

    def __str__(self) -> str:
        """A sentence for the operator."""
        return f"line {self.line}, {self.column}: {self.allowed}" if self.column else f"line {self.line}: {self.allowed}"


@dataclass(frozen=True, slots=True)
class Checked:
    """The rows as ``upsert_cases`` takes them, the faults, and the file's columns that are no columns of ours."""

    rows: tuple[tuple[str, dict[str, Any]], ...]
    faults: tuple[Fault, ...]
    unknown: tuple[str, ...] = ()


# ── bytes to table ────────────────────────────────────────────────────────────────────────────────────────────


def read(content: bytes) -> Table:
    """The table in a file. Errors: ``Unreadable``."""
    if content.startswith(b"PK\x03\x04"):
        return _xlsx(content)
    text = _text(content)
    if text.lstrip().startswith("{"):
        return _json_lines(text)
    if text.lstrip().startswith("["):
        raise Unreadable("the file is one JSON list; give JSON lines: one object a line, without brackets around them")
    return _csv(text)


def _text(content: bytes) -> str:
    """UTF-8 with or without a byte order mark, UTF-16 with one (Excel's "Unicode text"), else Windows-1252."""
    utf_16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if utf_16 else ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable("the file is no text in UTF-8 or Windows-1252, no xlsx and no JSON lines")


def _csv(text: str) -> Table:
    skipped = 0
    if text[:4].lower() == "sep=":  # Excel's own first line
        separator, skipped = text[4:5], 1
        text = text.partition("\n")[2]
    else:
        separator = _separator(text)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    columns: tuple[str, ...] = ()
    rows: list[Row] = []
    start = 1
    try:
        for cells in lines:
            if any(cell.strip() for cell in cells):
                if columns:
                    rows.append(_row(start + skipped, columns, cells))
                else:
                    columns = _columns(cells)
            start = lines.line_num + 1
    except csv.Error as error:
        raise Unreadable(f"line {start + skipped} is not well-formed CSV ({error}); quotation marks inside a cell are doubled") from None
    if not columns:
        raise Unreadable("the file is empty; the first line names the columns")
    return Table(columns, tuple(rows))


def _separator(text: str) -> str:
    """The separator of the first line that is not empty: the one that stands there most often outside quotation marks."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    outside = "".join(first.split('"')[::2])
    return max((",", ";", "\t"), key=outside.count)


def _columns(cells: Iterable[Any]) -> tuple[str, ...]:
    columns = [str(cell).strip() if cell is not None else "" for cell in cells]
    while columns and not columns[-1]:
        columns.pop()
    return tuple(columns)


def _row(line: int, columns: tuple[str, ...], cells: list[Any]) -> Row:
    while len(cells) > len(columns) and cells[-1] in ("", None):
        cells = cells[:-1]
    flaw = f"has {len(cells)} cells; the first line names {len(columns)} columns" if len(cells) != len(columns) else ""
    return Row(line, dict(zip(columns, cells, strict=False)), flaw)


def _xlsx(content: bytes) -> Table:
    """The first sheet. Values of formulas as they were last computed."""
    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what the file says of its own size is not always true
        lines = [list(cells) for cells in sheet.iter_rows(values_only=True)]
        book.close()
    except Exception as error:  # openpyxl lets whatever its parsers raise through
        raise Unreadable(f"the file cannot be read as xlsx ({type(error).__name__}); save it anew as xlsx or CSV") from None
    filled = [(line, cells) for line, cells in enumerate(lines, 1) if any(_shown(cell).strip() for cell in cells)]
    if not filled:
        raise Unreadable("the first sheet is empty; its first line names the columns")
    columns = _columns(filled[0][1])
    width = len(columns)
    return Table(columns, tuple(_row(line, columns, (cells + [None] * width)[: max(width, len(cells))]) for line, cells in filled[1:]))


def _json_lines(text: str) -> Table:
    columns: dict[str, None] = {}
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            cells = json.loads(line)
        except (ValueError, RecursionError):
            rows.append(Row(number, {}, "is no JSON object; give one object a line"))
            continue
        if not isinstance(cells, dict):
            rows.append(Row(number, {}, "is no JSON object; give one object a line"))
            continue
        columns.update(dict.fromkeys(cells))
        rows.append(Row(number, cells))
    return Table(tuple(columns), tuple(rows))


def _shown(cell: Any) -> str:
    return "" if cell is None else str(cell)


# ── table to rows of the register ─────────────────────────────────────────────────────────────────────────────


@dataclass
class _Seen:
    references: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def check(table: Table, mapping: Mapping[str, str], *, rows: Iterable[Row] | None = None) -> Checked:
    """All rows with our column names and values, or what is wrong. ``mapping``: their column → ours, ``-`` leaves it out.

    ``rows`` are the table's own, wrapped by somebody who counts them.
    """
    names, faults, unknown = _names(table.columns, mapping)
    if "case_ref" not in names.values():
        return Checked((), tuple(faults), unknown)
    seen = _Seen(faults=faults)
    checked = [row for row in (_checked(row, names, seen) for row in (table.rows if rows is None else rows)) if row is not None]
    return Checked(tuple(checked), tuple(sorted(seen.faults, key=lambda fault: fault.line)), unknown)


def _names(columns: tuple[str, ...], mapping: Mapping[str, str]) -> tuple[dict[str, str], list[Fault], tuple[str, ...]]:
    """Their column → ours, faults of the first line, and their columns that we have no place for."""
    wanted = {_folded(theirs): ours for theirs, ours in mapping.items()}
    names: dict[str, str] = {}
    faults = [
        Fault(1, theirs, "stands in --map but is no column of the file")
        for theirs in mapping
        if _folded(theirs) not in map(_folded, columns)
    ]
    unknown = []
    for theirs in columns:
        ours = wanted.get(_folded(theirs), _folded(theirs))
        if ours in COLUMNS and ours in names.values():
            faults.append(Fault(1, theirs, f"is a second column for {ours}; one is allowed"))
        elif ours in COLUMNS:
            names[theirs] = ours
        elif ours != "-" and theirs:
            unknown.append(theirs)
    faults += [
        Fault(
            1,
            theirs,
            f'is no column of the register; meant is perhaps {near[0]}: --map "{theirs}={near[0]}", or "{theirs}=-" to leave it out',
        )
        for theirs in unknown
        if (near := _near(theirs, names))
    ]
    if "case_ref" not in names.values():
        faults.append(Fault(1, "case_ref", 'is missing; a column of the file must hold the reference: --map "theirs=case_ref"'))
    return names, faults, tuple(unknown)


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name.strip().lower()) if name.strip() != "-" else "-"


def _near(theirs: str, names: Mapping[str, str]) -> list[str]:
    """Our columns that are missing and look like theirs: a slip that would otherwise leave a column out without a word."""
    return get_close_matches(_folded(theirs), [name for name in COLUMNS if name not in names.values()], 1, 0.8)


def _checked(row: Row, names: Mapping[str, str], seen: _Seen) -> tuple[str, dict[str, Any]] | None:
    """One row for ``upsert_cases``; None when something is wrong with it (said in ``seen``)."""
    if row.flaw:
        seen.faults.append(Fault(row.line, "", row.flaw))
        return None
    values: dict[str, Any] = {}
    before = len(seen.faults)
    for theirs, cell in row.cells.items():
        if theirs not in names:
            continue
        try:
            values[names[theirs]] = READERS[names[theirs]](cell)
        except ValueError as error:
            seen.faults.append(Fault(row.line, theirs, str(error)))
    reference = values.pop("case_ref", "")
    if not reference and not any(fault.column in names and names[fault.column] == "case_ref" for fault in seen.faults[before:]):
        seen.faults.append(Fault(row.line, "case_ref", REFERENCE))
    elif reference and (first := seen.references.setdefault(reference, row.line)) != row.line:
        seen.faults.append(Fault(row.line, "case_ref", f"stands in line {first} already; one line a case is allowed"))
    return (reference, values) if len(seen.faults) == before else None


# ── one cell ──────────────────────────────────────────────────────────────────────────────────────────────────

REFERENCE = "must be a case reference YY/NNNN or YYYY/NNNN as text, for example 19/1234"
TEXT = f"must be one text of at most {LENGTH} characters without control characters"


def _line(cell: Any) -> str:
    """A text on one line; ``""`` for an empty cell."""
    if isinstance(cell, (dict, list, bool)):
        raise ValueError(TEXT)
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)  # a spreadsheet knows no whole numbers
    text = QUOTED_FORMULA.sub("", _shown(cell), count=1)
    if CONTROL.search(text) or len(text) > LENGTH or any(0xD800 <= ord(ch) <= 0xDFFF for ch in text):
        raise ValueError(TEXT)
    return " ".join(text.split())


def _reference(cell: Any) -> str:
    if isinstance(cell, (int, float, date)):  # a spreadsheet has made a number or a date of it
        raise ValueError(REFERENCE)
    text = _line(cell)
    reference = normalise(text)
    if not reference:
        raise ValueError(REFERENCE)
    return reference


def _state(cell: Any) -> str:
    text = _line(cell).lower()
    if text and text not in STATES:
        raise ValueError(f"must be one of {', '.join(STATES)}")
    return text


def _day(cell: Any) -> date | None:
    allowed = "must be a date, for example 2027-01-31"
    if isinstance(cell, datetime):
        cell = cell.date()
    if isinstance(cell, date):
        day = cell
    else:
        text = _line(cell)
        if not text:
            return None
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            raise ValueError(allowed)
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise ValueError(allowed) from None
    if day.year not in YEARS:
        raise ValueError(f"must be a date in the years {YEARS.start}–{YEARS.stop - 1}")
    return day


def _address(text: str) -> str:
    match = ADDRESS.fullmatch(text)
    if match is None or not DOMAIN.fullmatch(match[1]):
        raise ValueError("must be an e-mail address, for example kari@uio.example")
    local, _, domain = text.rpartition("@")
    return f"{local}@{domain.lower()}"


def _caseworker(cell: Any) -> str:
    text = _line(cell)
    return _address(text) if text else ""


def _domain(text: str) -> str:
    domain = text.removeprefix("@").lower()
    if not DOMAIN.fullmatch(domain):
        raise ValueError("must be domains, several separated by ;, for example uio.example;ntnu.example")
    return domain


def _addresses(text: str) -> str:
    try:
        return _address(text)
    except ValueError:
        raise ValueError("must be e-mail addresses, several separated by ;, for example kari@uio.example;ola@uio.example") from None


def _several(one: Callable[[str], str]) -> Callable[[Any], list[str]]:
    """A reader of several values: a list, or a text with ``;`` between them; each once."""

    def read_all(cell: Any) -> list[str]:
        return list(dict.fromkeys(one(text) for text in _pieces(cell)))

    return read_all


def _pieces(cell: Any) -> Iterator[str]:
    cells = cell if isinstance(cell, list) else cell.split(";") if isinstance(cell, str) else [cell]
    return (piece for piece in map(_line, cells) if piece)


READERS: dict[str, Callable[[Any], Any]] = {
    "case_ref": _reference,
    "title": _line,
    "institution": _line,
    "domains": _several(_domain),
    "contacts": _several(_addresses),
    "caseworker": _caseworker,
    "state": _state,
    "decision_date": _day,
    "offer_sent": _day,
    "offer_due": _day,
    "delivered": _day,
    "deletion_due": _day,
    "serial_numbers": _several(str),
    "signatories": _several(str),
}
