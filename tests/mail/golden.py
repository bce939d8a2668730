"""The golden mails: pairs of a mail as it arrives and what a person would say of it, read by the tests and by the benchmark."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from bot.mail import parse
from bot.model import Message, Raw

FOLDER = Path(__file__).parent.parent / "golden"
OURS = frozenset({"mikrodata@ssb.example"})
RECEIVED = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)


@dataclass(frozen=True)
class Pair:
    """A golden mail; ``expected`` holds the keys of its ``.toml`` file."""

    name: str
    content: bytes
    expected: dict[str, Any]


@lru_cache(maxsize=1)
def pairs() -> tuple[Pair, ...]:
    """All golden mails in the order of their numbers."""
    return tuple(
        Pair(path.stem, path.with_suffix(".eml").read_bytes(), tomllib.loads(path.read_text(encoding="utf-8")))
        for path in sorted(FOLDER.glob("*.toml"))
    )


def raw(content: bytes, envelope_from: str | None = None) -> Raw:
    """A mail as a folder gives it: what the transport knew stands in the headers."""
    return Raw(f"sha256:{hashlib.sha256(content).hexdigest()}", content, RECEIVED, "folder", envelope_from)


@lru_cache(maxsize=512)
def read(name: str) -> Message:
    """A golden mail, read once for all the tests."""
    return parse(raw(next(pair.content for pair in pairs() if pair.name == name)), own_addresses=OURS)


def words(text: str) -> str:
    """A text with every stretch of white space as one blank: how lines were folded is no difference."""
    return " ".join(text.split())
