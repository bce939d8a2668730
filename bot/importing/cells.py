"""One cell: from what a stranger's table holds to a value of the register; ``ValueError`` says what is allowed, never the value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

from bot.understanding.caserefs import normalise

STATES = ("applied", "legal", "offered", "agreed", "delivered", "open", "closed")
YEARS = range(1950, 2101)  # a date outside is a slip of the keyboard
LENGTH = 1000  # characters of one text; the longest title in the archive's practice is far below
DOMAIN = re.compile(r"(?=.{1,253}\Z)(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}[^\W_]")
ADDRESS = re.compile(r"[^\s<>(),;:\"\[\]\\@]{1,64}@([^\s<>(),;:\"\\@]{1,253})")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
QUOTED_FORMULA = re.compile(r"'(?=[=+\-@\t\r\n])")  # what `bot deletions export` puts before a formula, taken off again
REFERENCE = "must be a case reference YY/NNNN or YYYY/NNNN as text, for example 19/1234"
TEXT = f"must be one text of at most {LENGTH} characters without control characters"


def shown(cell: Any) -> str:
    """A cell as text, ``""`` for an empty one."""
    return "" if cell is None else str(cell)


def _line(cell: Any) -> str:
    """A text on one line; ``""`` for an empty cell."""
    if isinstance(cell, (dict, list, bool)):
        raise ValueError(TEXT)
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)  # a spreadsheet knows no whole numbers
    text = QUOTED_FORMULA.sub("", shown(cell), count=1)
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
