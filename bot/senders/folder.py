"""The embedded way out: a Maildir. What would have been sent lies there to be read."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

from bot.model import Delivery, Outgoing, Result


class MaildirSender:
    """``bot.senders.Sender`` that writes into ``folder/new``; the same Message-ID always takes the same file name."""

    name = "folder"

    def __init__(self, folder: Path) -> None:
        """``folder`` is made when it does not exist."""
        self.folder = folder

    async def send(self, mail: Outgoing) -> Delivery:
        """Write and flush to the disk, then rename into place."""
        try:
            await asyncio.to_thread(self._write, mail)
        except OSError as error:
            return Delivery(Result.LATER, f"the folder cannot be written ({error.strerror})")
        return Delivery(Result.SENT, "written")

    def _write(self, mail: Outgoing) -> None:
        for name in ("tmp", "new", "cur"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(mail.message_id.encode()).hexdigest()[:32] + ".mikrodata-bot"
        # Return-Path and Delivered-To as a local MTA writes them, so that the envelope can be read from the file
        head = f"Return-Path: <{mail.sender}>\r\nDelivered-To: {mail.recipient}\r\n".encode()
        temporary = self.folder / "tmp" / name
        with temporary.open("wb") as file:
            file.write(head + mail.content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.folder / "new" / name)

    async def close(self) -> None:
        """Nothing is kept open."""
