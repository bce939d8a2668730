"""The contract of a way in.

A source offers each mail by awaiting ``receive(raw)``. When it returns, the mail is safe and the source may acknowledge
(SMTP 250, LMTP 250 per recipient, IMAP: nothing yet). When it raises, the source must not acknowledge and offers the same
mail, under the same key, again. A source never reads a mail, never answers, and keeps no state that the store does not have.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
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
    """A source that can show a decision on the server (IMAP)."""

    async def mirror(self, key: str, folder: str) -> str:
        """Carry the decision out: returns ``moved``, ``keyword``, ``gone`` or ``retry``; never raises for the server's faults."""
