"""Values of the model as JSON, and times as sortable text."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from functools import cache
from operator import attrgetter
from typing import Any

from sqlite_utils import Database


def encode(value: Any) -> str:
    """JSON of a value of the model; bytes are left out, they are kept raw."""
    if not value and isinstance(value, (list, tuple)):  # as half of what is kept of a mail
        return "[]"
    return _ENCODER.encode(value)


def _plain(value: Any) -> Any:
    kind: Any = type(value)
    if found := _fields(kind):
        names, read = found
        return dict(zip(names, read(value), strict=True))
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return None
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here")


_ENCODER = json.JSONEncoder(default=_plain, ensure_ascii=False, separators=(",", ":"))


@cache
def _fields(kind: Any) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]] | None:
    """The names of a dataclass's fields, and what reads them all; of other types None."""
    if not is_dataclass(kind):
        return None
    names = tuple(item.name for item in fields(kind))
    return names, attrgetter(*names) if len(names) > 1 else lambda value: tuple(getattr(value, name) for name in names)


def decode(text: str | None, default: Any = None) -> Any:
    """The plain value of a JSON column."""
    return json.loads(text) if text else default


def stamp(moment: datetime) -> str:
    """An instant as text that sorts by time: UTC, microseconds, always the same length."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def moment(text: str) -> datetime:
    """The instant of ``stamp``."""
    return datetime.fromisoformat(text)


def day(text: str | None) -> date | None:
    """An ISO date, or None."""
    return date.fromisoformat(text) if text else None


def run_script(db: Database, script: str) -> None:
    """Run several statements inside the open transaction (``executescript`` would commit it first)."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            db.conn.execute(statement)
            statement = ""
