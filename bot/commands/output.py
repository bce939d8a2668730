"""What commands show: tables and progress for people, JSON lines for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text


def print_table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """A table on standard output; cells are shown as they stand, for they may hold what a stranger wrote."""
    table = Table(*columns)
    for cells in rows:
        table.add_row(*(Text(str(cell)) for cell in cells))
    Console().print(table)


def print_json_lines(rows: Iterable[Mapping[str, Any]]) -> None:
    """One JSON object a line; dates in ISO form."""
    for row in rows:
        print(json.dumps(row, ensure_ascii=False, default=str))


def progress_bar(*, quiet: bool) -> Progress:
    """A progress bar on standard error, for people only."""
    return Progress(console=Console(stderr=True), disable=quiet or not sys.stderr.isatty())
