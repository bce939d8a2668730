"""docs/reliability.md says nothing that is not there: every number has a row, every row names tests that exist and carry its number."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
DOCUMENT = (TESTS.parent / "docs" / "reliability.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| (R\d\d) \|(.*)\|$", DOCUMENT, re.MULTILINE))
NUMBERS = [f"R{number:02d}" for number in range(1, 43)]


@cache
def described(path: str) -> dict[str, str]:
    """Name → all that a test file says of each of its tests: its name, its description, that of the file."""
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    head = ast.get_docstring(tree) or ""
    return {
        node.name: f"{node.name} {ast.get_docstring(node) or ''} {head}"
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_")
    }


def test_every_number_has_its_row() -> None:
    assert list(ROWS) == NUMBERS


@pytest.mark.parametrize("number", NUMBERS)
def test_each_row_names_tests_that_exist_and_carry_its_number(number: str) -> None:
    cells = [cell.strip() for cell in ROWS[number].split("|")]
    assert len(cells) == 4 and all(cells), "simulated, promised, tested by, not promised"
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", cells[2])
    assert named
    for path, name in named:
        assert name in described(path), f"{path} has no {name}"
    carry = re.compile(rf"\b{number}\b|_{number.lower()}_")
    assert any(carry.search(described(path)[name]) for path, name in named), f"no test of the row says {number}"
