"""Case lists of others as rows of the case register: pure functions from bytes to rows and faults.

A table is read first (CSV, xlsx or JSON lines, told apart by its bytes), then each row is checked. A fault names the line,
the column and what is allowed, never the value: a list may hold what the screen of a terminal should not. The register takes
either every row or none, so nothing here stops at the first fault.
"""

from __future__ import annotations

from bot.importing.cells import STATES
from bot.importing.rows import COLUMNS, Checked, Fault, check
from bot.importing.table import Row, Table, Unreadable, read

__all__ = ["COLUMNS", "STATES", "Checked", "Fault", "Row", "Table", "Unreadable", "check", "read"]
