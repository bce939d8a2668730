"""Registers as files for a spreadsheet: CSV and xlsx whose cells are texts, so that nothing of what people wrote is ever computed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_cell(value: Any) -> str:
    """A value as text that no spreadsheet takes for a formula (OWASP, *CSV injection*)."""
    text = ";".join(map(str, value)) if isinstance(value, (list, tuple)) else "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """The rows with a first line of column names (RFC 4180)."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(columns)
    writer.writerows([safe_cell(row[name]) for name in columns] for row in rows)
    return written.getvalue()


def workbook(title: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """One sheet of an xlsx file; every cell is marked as text."""
    import openpyxl
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    sheet.append(list(columns))
    for number, row in enumerate(rows, 2):
        for column, name in enumerate(columns, 1):
            cell = sheet.cell(number, column, ILLEGAL_CHARACTERS_RE.sub("", safe_cell(row[name])))
            cell.data_type, cell.number_format = "s", "@"
    sheet.freeze_panes, sheet.auto_filter.ref = "A2", sheet.dimensions
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


__all__ = ["csv_text", "safe_cell", "workbook"]
