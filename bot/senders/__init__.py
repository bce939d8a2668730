"""The contract of a way out: try once, say what became of it."""

from __future__ import annotations

from typing import Protocol

from bot.model import Delivery, Outgoing


class Sender(Protocol):
    """A way out. It never retries by itself (the outbox does) and never changes a byte of the mail."""

    name: str

    async def send(self, mail: Outgoing) -> Delivery:
        """One attempt. Network trouble and 4xx are ``LATER``, 5xx is ``REFUSED``; an exception means a defect of ours."""

    async def close(self) -> None:
        """Let go of a kept connection."""
