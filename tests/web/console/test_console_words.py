"""The console's words: each in three languages, none missing that a page asks for, none of the others in their place."""

from __future__ import annotations

import re
import string
from pathlib import Path

from bot.model import Category, Reason, Trust, Verdict
from bot.pipeline import words
from bot.store.accounts import ROLES
from bot.store.changes import STATES as CHANGE_STATES
from bot.store.work import CONCLUSIONS, FIELDS
from bot.web.desk.deletions import VIEWS
from bot.web.desk.page import _words
from bot.web.texts import BUILT_IN, tables

FOLDER = BUILT_IN / "console"
OWN = _words(tables([FOLDER], "words*.toml"))
SHARED = words(BUILT_IN.parent / "words.toml")
SOURCES = Path(__file__).parents[3] / "bot"
LITERAL = re.compile(r"""\bt\(\s*["']([a-z_]+\.[A-Za-z0-9_.-]+)["']\s*[,)]""")
CHOICE = re.compile(r"""["']([a-z]+\.[a-z_]+)["'] if [^"']+ else ["']([a-z]+\.[a-z_]+)["']""")


def test_every_word_is_there_in_three_languages() -> None:
    """The same places to fill in, nothing empty, and nynorsk that is not bokmål with its tell-tale words."""
    for key, texts in OWN.items():
        assert set(texts) == {"nb", "nn", "en"}, key
        fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in texts.values()]
        assert fields[0] == fields[1] == fields[2], key
        assert all(text.strip() for text in texts.values()), key
        foreign = re.search(
            r"\b(ikke|noen|hvis|hvem|hva|hvor|hvorfor|jeg|fra|blir|gjøre|saksbehandler\w*|forsker(?:e|en))\b", texts["nn"].lower()
        )
        assert foreign is None, f"{key} in nynorsk: {foreign}"


def test_pages_ask_for_no_word_that_is_missing() -> None:
    """Every word that stands in a template, also where one of two is chosen."""
    missing = []
    for path in FOLDER.glob("*.jinja"):
        text = path.read_text(encoding="utf-8")
        keys = set(LITERAL.findall(text)) | {key for pair in CHOICE.findall(text) for key in pair}
        missing += [f"{path.name}: {key}" for key in keys if key not in OWN and key not in SHARED]
    assert not missing, missing


def test_ids_that_are_shown_have_words() -> None:
    """Ids of the program that pages put together with a group's name."""
    groups = {
        "category": [each.value for each in Category],
        "trust": [each.value for each in Trust],
        "verdict": [each.value for each in Verdict],
        "reason": [each.value for each in Reason],
        "role": ROLES,
        "change": CHANGE_STATES,
        "deletions": VIEWS,
        "conclusion": {state for states in CONCLUSIONS.values() for state in states},
        "figures": [f"field_{field}" for field in FIELDS],
        "kind": ("answer", "receipt", "forward", "draft", "person", "reminder", "alarm", "digest"),
        "outbox": ("draft", "waiting", "sending", "sent", "gave-up", "discarded"),
    }
    missing = [f"{group}.{name}" for group, names in groups.items() for name in names if f"{group}.{name}" not in OWN | SHARED]
    assert not missing, missing


def test_events_of_the_audit_log_have_words() -> None:
    """What history lists show in words: every kind that the program writes about a mail, a case or an account."""
    kinds = set()
    for path in SOURCES.rglob("*.py"):
        kinds |= set(re.findall(r"""\bevent\(\s*["']([a-z-]+)["']""", path.read_text(encoding="utf-8")))
    missing = sorted(kind for kind in kinds if f"event.{kind}" not in OWN)
    assert not missing, missing
