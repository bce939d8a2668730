"""The contract of a way in.

A source offers each mail by awaiting ``receive(raw)``. When it returns, the mail is safe and the source may acknowledge
(SMTP 250, LMTP 250 per recipient, IMAP: nothing yet). When it raises, the source must not acknowledge and offers the same
mail, under the same key, again. A source never reads a mail, never answers, and keeps no state that the store does not have.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.model import Raw

Receive = Callable[[Raw], Awaitable[bool]]
"""Keeps a mail; True when it is new, False when the key was known. Raises when it could not be kept."""


class Source(Protocol):
    """A way in. ``run`` works until it is cancelled; it reconnects by itself and tells the journal what is worth telling."""

    name: str

    async def run(self, receive: Receive) -> None:
        """Offer mails until cancelled; finish the mail in hand before leaving."""


class Mirror(Protocol):
    """A source that can show decisions on the server (IMAP)."""

    async def mirror(self, moves: Sequence[tuple[str, str]]) -> list[str]:
        """Show each (mail key, folder key); returns for each ``moved``, ``keyword``, ``unsupported``, ``gone`` (a person moved
        it first) or ``retry``. Never raises for the server's faults."""


@dataclass(frozen=True, slots=True)
class Census:
    """What a mail server has in a folder now: the beginning of its keys, the UIDs, and the highest UID that watching has passed."""

    folder: str
    prefix: str
    uids: frozenset[int]
    passed: int


class Counted(Protocol):
    """A source whose server can be asked what it has, to compare it with what is recorded (IMAP)."""

    async def census(self) -> Census:
        """What is there now. Errors: network and protocol errors, ``OSError`` among them."""

    async def recover(self, uids: Sequence[int], receive: Receive) -> int:
        """Offer these mails, and say how many were new. Errors: as ``census``, and what ``receive`` raises."""


class Ledger(Protocol):
    """What a source may ask the store: which keys are known, and small facts that must survive a restart."""

    async def known(self, prefix: str) -> set[str]:
        """All keys that begin with ``prefix``."""

    async def recall(self, name: str) -> str:
        """A remembered fact, or ``""``."""

    async def remember(self, name: str, value: str) -> None:
        """Keep a fact."""
