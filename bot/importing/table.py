"""Bytes to a table: CSV, xlsx or JSON lines, told apart by their bytes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.importing.cells import shown


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
    filled = [(line, cells) for line, cells in enumerate(lines, 1) if any(shown(cell).strip() for cell in cells)]
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
