"""Documents as people attach them, made by the libraries that make them in earnest."""

from __future__ import annotations

import io

from bot.demo_documents import offer_pdf


def pdf(*lines: str) -> bytes:
    """A page with a text layer."""
    return offer_pdf(*lines)


def scan() -> bytes:
    """A page without any text: what a scanner makes."""
    return offer_pdf()


def docx(*lines: str, table: tuple[tuple[str, ...], ...] = ()) -> bytes:
    """A Word document with a paragraph a line and perhaps a table."""
    import docx as word

    document = word.Document()
    for line in lines:
        document.add_paragraph(line)
    if table:
        grid = document.add_table(len(table), len(table[0]))
        for number, cells in enumerate(table):
            for column, text in enumerate(cells):
                grid.cell(number, column).text = text
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def xlsx(*rows: tuple[object, ...]) -> bytes:
    """A workbook of one sheet."""
    import openpyxl

    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
