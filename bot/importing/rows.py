"""A table to rows of the register: columns by their names, every fault of every row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any

from bot.importing.cells import READERS, REFERENCE
from bot.importing.table import Row, Table
from bot.model import Case

COLUMNS = tuple(item.name for item in fields(Case))


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
