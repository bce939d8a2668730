"""Patterns of small letters: the same as ``re.IGNORECASE`` finds, in the same places."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.mail.caseless import Caseless, small

PATTERN = r"\b(?:slett(?:et|a)|gjør\w*|(?P<code>m-\d{2}))\b"
TEXTS = st.lists(st.sampled_from(["Slettet", "SLETTA", "slettet", "GJØRE", "gjør", "M-12", "m-34", "İ", "Σ", "ß", " ", ".", "Data"])).map(
    " ".join
)


@given(TEXTS)
def test_finds_what_ignorecase_finds(text: str) -> None:
    ours, theirs = Caseless(PATTERN), re.compile(PATTERN, re.IGNORECASE)
    spans = [found.span() for found in theirs.finditer(text)]
    assert [found.span() for found in ours.finditer(text)] == spans
    assert [text[found.start("code") : found.end("code")] for found in ours.finditer(text) if found["code"]] == [
        found["code"] for found in theirs.finditer(text) if found["code"]
    ]
    assert (ours.search(text) is None) == (not spans)
    assert (ours.match(text) is None) == (theirs.match(text) is None)
    assert ours.sub("-", text) == theirs.sub("-", text)
    assert "".join(ours.split(text)) == theirs.sub("", text)


@given(st.text())
def test_small_letters_stand_where_the_large_ones_stood(text: str) -> None:
    assert len(small(text)) == len(text)


def test_a_pattern_in_large_letters_would_never_match_and_is_refused() -> None:
    with pytest.raises(ValueError, match="large letters"):
        Caseless(r"\bNRK\b")
    assert Caseless(r"\Sø(?P<navn>\W)").search("SØ!") is not None
