"""What the documentation says exists does: files, commands, tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")], key=str)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page leads to a file of the repository."""
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))

    missing = [link for link in links if "://" not in link and not link.startswith("mailto:") and not (page.parent / link).exists()]

    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tests_that_are_named_exist(page: Path) -> None:
    """A promise that names a test names one that is there."""
    for path, name in re.findall(r"`(tests/[\w/.-]+)(?:::(\w+))?`", page.read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), path
        if name:
            assert re.search(rf"\bdef {name}\b", (ROOT / path).read_text(encoding="utf-8")), f"{path}::{name}"
