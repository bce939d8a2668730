"""Case lists of others: every form they come in, and every fault they have."""

from __future__ import annotations

import io
import json
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest

from bot.importing import COLUMNS, Row, Table, Unreadable, check, read

CSV = "case_ref,title,contacts,offer_due,state\n2019/01234,Ærlig arbeid,kari@uio.example;ola@uio.example,2026-01-31,offered\n"


def rows(content: bytes | str, **mapping: str) -> list[tuple[str, dict[str, Any]]]:
    """The rows of a file that has no faults."""
    checked = check(read(content.encode() if isinstance(content, str) else content), mapping)
    assert not checked.faults, checked.faults
    return list(checked.rows)


def faults(content: str, **mapping: str) -> list[str]:
    """What is said against a file."""
    return [str(fault) for fault in check(read(content.encode()), mapping).faults]


def workbook(*lines: list[Any]) -> bytes:
    """An xlsx file."""
    book, out = openpyxl.Workbook(), io.BytesIO()
    for line in lines:
        book.active.append(line)
    book.save(out)
    return out.getvalue()


EXPECTED = (
    "19/1234",
    {"title": "Ærlig arbeid", "contacts": ["kari@uio.example", "ola@uio.example"], "offer_due": date(2026, 1, 31), "state": "offered"},
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_encodings(encoding: str) -> None:
    """CSV is read in the encodings that spreadsheets write."""
    assert rows(CSV.encode(encoding)) == [EXPECTED]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_separators(separator: str) -> None:
    """Semicolon and tab are told from the first line; a cell with several values is quoted then."""
    lines = [line.split(",") for line in CSV.splitlines()]
    text = "\r\n".join(separator.join(f'"{cell}"' for cell in line) for line in lines)
    assert rows(text) == [EXPECTED]
    assert rows(f"sep={separator}\r\n{text}") == [EXPECTED]


def test_xlsx() -> None:
    """Dates are cells of their own kind, numbers lose their decimals, empty lines are nothing, a short line is filled up."""
    content = workbook(
        ["Saksnr", "offer_due", "serial_numbers", "title"],
        ["2019/01234", datetime(2026, 1, 31), 4711, "Arbeid"],
        [],
        ["20/7", None, 12.0],
    )
    assert rows(content, Saksnr="case_ref") == [
        ("19/1234", {"offer_due": date(2026, 1, 31), "serial_numbers": ["4711"], "title": "Arbeid"}),
        ("20/7", {"offer_due": None, "serial_numbers": ["12"], "title": ""}),
    ]


def test_json_lines() -> None:
    """A key that is not there leaves, null and the empty text clear; lists are lists."""
    lines = [{"case_ref": "19/1", "domains": ["UiO.example"], "deletion_due": None}, {"case_ref": "19/2", "title": ""}]
    text = "\n\n".join(json.dumps(line) for line in lines)
    assert rows(text) == [("19/1", {"domains": ["uio.example"], "deletion_due": None}), ("19/2", {"title": ""})]


def test_missing_column_leaves_empty_cell_clears() -> None:
    """Only the columns of the file are in the row."""
    assert rows("case_ref;title;contacts\n19/1;;\n") == [("19/1", {"title": "", "contacts": []})]


def test_export_can_be_imported() -> None:
    """The apostrophe that an export puts before a formula is taken off."""
    assert rows("case_ref,title\n19/1,'=1+1\n") == [("19/1", {"title": "=1+1"})]


def test_mapping() -> None:
    """Their names, whatever blanks and capitals; a dash leaves a column out; others are named."""
    checked = check(read(b"Saks Nr,Notat,Annet,Title\n19/1,x,y,z\n"), {"saks nr": "case_ref", "Notat": "-"})
    assert checked.rows == (("19/1", {"title": "z"}),)
    assert checked.unknown == ("Annet",)


def test_all_faults_with_their_lines() -> None:
    """Nothing stops at the first fault; lines are those of the file, also after a cell with a line break."""
    text = (
        'case_ref,title,contacts,domains,caseworker,offer_due,state\n19/1,"two\nlines",,,,,\n19/1,,,,,,\n,x,,,,,\n'
        "19/3,,not an address,x@y@z,nobody,31.01.2026,offerd\n19/4,,,,,2026-02-30,\n19/5,,,,,0206-01-01,\n19/6,,\n"
    )
    assert faults(text) == [
        "line 4, case_ref: stands in line 2 already; one line a case is allowed",
        "line 5, case_ref: must be a case reference YY/NNNN or YYYY/NNNN as text, for example 19/1234",
        "line 6, contacts: must be e-mail addresses, several separated by ;, for example kari@uio.example;ola@uio.example",
        "line 6, domains: must be domains, several separated by ;, for example uio.example;ntnu.example",
        "line 6, caseworker: must be an e-mail address, for example kari@uio.example",
        "line 6, offer_due: must be a date, for example 2027-01-31",
        "line 6, state: must be one of applied, legal, offered, agreed, delivered, open, closed",
        "line 7, offer_due: must be a date, for example 2027-01-31",
        "line 8, offer_due: must be a date in the years 1950–2100",
        "line 9: has 3 cells; the first line names 7 columns",
    ]


def test_no_value_in_a_fault() -> None:
    """What stands in the file stays there."""
    assert not any("hemmelig" in fault for fault in faults("case_ref,state,contacts\nhemmelig,hemmelig,hemmelig\n"))


def test_columns_that_cannot_be_meant() -> None:
    """A missing reference, a doubled column, a slip, a mapping of what is not there."""
    assert faults("title\nx\n") == ['line 1, case_ref: is missing; a column of the file must hold the reference: --map "theirs=case_ref"']
    assert faults("case_ref,title,Title\n19/1,a,b\n") == ["line 1, Title: is a second column for title; one is allowed"]
    assert faults("case_ref,contact\n19/1,kari@uio.example\n")[0].startswith(
        "line 1, contact: is no column of the register; meant is perhaps contacts"
    )
    assert faults("case_ref\n19/1\n", Tittel="title") == ["line 1, Tittel: stands in --map but is no column of the file"]


@pytest.mark.parametrize("cell", [19.1, 45000, datetime(2019, 1, 1), True, "19-", "saken", "19/1234; 19/1235"])
def test_references_spoilt_by_a_spreadsheet(cell: Any) -> None:
    """What a spreadsheet has made a number or a date of is no reference."""
    checked = check(Table(("case_ref",), (Row(2, {"case_ref": cell}),)), {})
    assert [fault.column for fault in checked.faults] == ["case_ref"]


def test_json_faults() -> None:
    """A line that is no object, and values of a kind that no column takes."""
    text = '{"case_ref": "19/1"}\n[1]\n{"case_ref": "19/2"\n{"case_ref": "19/3", "title": {"a": 1}, "contacts": [["x"]], "state": true}\n{"title": "x"}'
    lines = [fault.partition(":")[0] for fault in faults(text)]
    assert lines == ["line 2", "line 3", "line 4, title", "line 4, contacts", "line 4, state", "line 5, case_ref"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\x81\x8d\xff", "no text"),
        (b"PK\x03\x04 broken", "cannot be read as xlsx"),
        (b'[{"case_ref": "19/1"}]', "JSON lines"),
        (b'case_ref\n"19/1', "line 2 is not well-formed CSV"),
    ],
)
def test_unreadable(content: bytes, said: str) -> None:
    """A file that is no table dies with a sentence."""
    with pytest.raises(Unreadable, match=said):
        read(content)


def test_control_characters_and_long_texts() -> None:
    """What would spoil a screen or a mail header is refused; white space becomes one blank."""
    assert faults("case_ref,title\n19/1,a\x1bb\n") and faults(f"case_ref,title\n19/1,{'x' * 1001}\n")
    assert rows('case_ref,title\n19/1,"a \n  b"\n') == [("19/1", {"title": "a b"})]


def test_columns_are_those_of_the_case() -> None:
    """Every column has a reader."""
    from bot.importing.cells import READERS

    assert set(READERS) == set(COLUMNS)
