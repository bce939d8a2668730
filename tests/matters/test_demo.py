"""``bot demo --once`` shows what it promises: each matter once going right and once held back."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def shown(cache: object, model: object) -> str:
    """What the demo prints; borders and line breaks of its tables are taken out."""
    done = subprocess.run([sys.executable, "-m", "bot", "demo", "--once"], capture_output=True, text=True, timeout=300, check=True)
    return " ".join(done.stdout.replace("│", " ").replace("┃", " ").split())


@pytest.mark.parametrize(
    "sight",
    [
        "24/1187 confirmed verified-sender",  # a confirmed deletion
        "23/456 to-check unverified",  # a forged one held back
        "25/3021 yes Anne Grimstveit: intact, whole, trusted yes",  # a valid signature
        "25/3022 yes Anne Grimstveit: the signed bytes were changed ?",  # a tampered one
        "not found: dpia",  # an application with a missing DPIA
        "Overdue: a reminder to ola.hansen@ntnu.example in case 23/456 waits as a draft",
    ],
)
def test_the_demo_shows(shown: str, sight: str) -> None:
    assert sight in shown
