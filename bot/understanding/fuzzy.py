"""Likeness of texts (rapidfuzz): spelling variants of names and titles."""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz import fuzz, utils


def contained(needle: str, text: str) -> float:
    """How well a name or title stands somewhere in a text, 0–100; short needles (under eight letters) count only whole."""
    wanted, body = utils.default_process(needle), utils.default_process(text)
    if not wanted or not body:
        return 0.0
    if len(wanted) < 8:
        return 100.0 if f" {wanted} " in f" {body} " else 0.0
    return float(fuzz.partial_ratio(wanted, body))


def same_name(name: str, others: Iterable[str]) -> float:
    """How like a person's name is to the most like of others, 0–100, whatever the order of its parts."""
    return max((float(fuzz.token_sort_ratio(name, other, processor=utils.default_process)) for other in others), default=0.0)
