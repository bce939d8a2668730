"""Attachments: what they are, what they say, how they are signed. Read in a worker process with limits.

A file that loops, bombs or crashes its reader costs nothing but a note: the worker is killed when its time is over or its
memory is used up, and a new one is started. Always before the transaction; the mail itself is never held up by more than
``seconds`` per attachment and ``seconds_per_mail`` (plus one attachment) in all.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.examine.kinds import from_name
from bot.model import Attachment, Examined, ExaminedAttachment, Message, SignatureReport

SECONDS_PER_MAIL = 120.0  # of all its attachments; what is not begun by then is listed and not opened
SECONDS = 20.0  # an ordinary offer or form takes well under one
MEMORY_MB = 1024  # address space: pyHanko and pypdfium2 together need about 400 MB of it
LARGEST = 60 * 1024 * 1024  # bytes; beyond that an attachment is listed and not opened
PER_MAIL = 200  # attachments opened in one mail
TEXT = 200_000  # characters of text that are kept of one attachment
CONTROLS = {code: None for code in (*range(9), 11, 12, *range(14, 32), 127)}
# the worker died, or what it says is no answer: it has read hostile bytes
BROKE_DOWN = (OSError, asyncio.IncompleteReadError, ValueError, TypeError, KeyError, AttributeError)


class Examiner:
    """A long-lived worker process, started at first use. Not to be shared between event loops."""

    def __init__(
        self,
        *,
        trust_anchors: tuple[str, ...] = (),
        trusted_list: str = "",
        trusted_list_certificates: tuple[str, ...] = (),
        seconds: float = SECONDS,
        seconds_per_mail: float = SECONDS_PER_MAIL,
        memory_mb: int = MEMORY_MB,
    ) -> None:
        """``trust_anchors``: PEM or DER files of certificates; ``trusted_list``: an ETSI TS 119 612 trusted list on the
        disk, whose signature is checked against ``trusted_list_certificates``."""
        self._options = {
            "anchors": list(trust_anchors),
            "trusted_list": trusted_list,
            "trusted_list_certificates": list(trusted_list_certificates),
            "memory_mb": memory_mb,
        }
        self._seconds = seconds
        self._seconds_per_mail = seconds_per_mail
        self._process: asyncio.subprocess.Process | None = None
        self._lock: asyncio.Lock | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def examine(self, message: Message) -> Examined:
        """Examine all attachments in order. Never raises for what an attachment holds."""
        if self._lock is None:
            self._lock = asyncio.Lock()
        async with self._lock:
            read = await self._all(message.attachments[:PER_MAIL])
        rest = [unopened(part, "too many attachments") for part in message.attachments[PER_MAIL:]]
        return Examined((*read, *rest))

    def examine_now(self, message: Message) -> Examined:
        """The same without a running loop, for the command line."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop.run_until_complete(self.examine(message))

    async def end(self) -> None:
        """End the worker and wait for it, so that nothing of it is left when the event loop closes."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        with contextlib.suppress(OSError, ValueError):
            await process.communicate()
        await asyncio.sleep(0)  # the transport takes its leave of the loop in a call of its own

    def close(self) -> None:
        """The same for the command line, after ``examine_now``."""
        if self._loop is None:
            self._kill()
        else:
            self._loop.run_until_complete(self.end())
            self._loop.close()
            self._loop = None

    async def _all(self, parts: Sequence[Attachment]) -> list[ExaminedAttachment]:
        """In order, while the mail's time lasts."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._seconds_per_mail
        return [
            await self._one(part) if loop.time() < ends else unopened(part, "the time for this mail is over", "timeout") for part in parts
        ]

    async def _one(self, part: Attachment) -> ExaminedAttachment:
        if part.size > LARGEST:
            return unopened(part, f"larger than {LARGEST // 2**20} MB")
        used = self._process is not None  # a worker that read other files before may have died of them, or of its age
        try:
            return await self._read(part)
        except BROKE_DOWN:
            self._kill()
        if used:
            try:
                return await self._read(part)
            except BROKE_DOWN:
                self._kill()
        return unopened(part, "the reader broke down")

    async def _read(self, part: Attachment) -> ExaminedAttachment:
        """One attempt; raises one of ``BROKE_DOWN`` when the worker died or answered nonsense."""
        try:
            async with asyncio.timeout(self._seconds):
                return from_json(part, await self._ask(part))
        except TimeoutError:
            self._kill()
            return unopened(part, f"reading took more than {self._seconds:g} seconds", "timeout")

    async def _ask(self, part: Attachment) -> dict[str, Any]:
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await self._start()
        assert process.stdin is not None and process.stdout is not None
        head = json.dumps({"name": part.name, "type": part.type, "size": part.size}).encode()
        process.stdin.write(len(head).to_bytes(4, "big") + head + part.content)
        await process.stdin.drain()
        length = int.from_bytes(await process.stdout.readexactly(4), "big")
        answer: dict[str, Any] = json.loads(await process.stdout.readexactly(length))
        return answer

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot.examine.worker",
            json.dumps(self._options),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if not name.startswith("BOT_")},  # passwords may stand there
        )

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            try:
                process.kill()
            except ProcessLookupError:
                return


def unopened(part: Attachment, note: str, flag: str = "unreadable") -> ExaminedAttachment:
    """What can be said of a file without opening it: its name tells a program, a macro or a data file all the same."""
    kind, flags = from_name(part.name, part.type)
    return ExaminedAttachment(part.name, part.type, part.size, kind, flags=(*flags, flag), note=note)


def from_json(part: Attachment, answer: dict[str, Any]) -> ExaminedAttachment:
    """The worker's answer as a value; what the worker says is checked, for it has read hostile bytes."""
    signatures = tuple(
        replace(
            SignatureReport("", "", None, False, False, False, False),
            **{**row, "signed_at": datetime.fromisoformat(row["signed_at"]) if row.get("signed_at") else None},
        )
        for row in answer.get("signatures", ())
    )
    return ExaminedAttachment(
        part.name,
        part.type,
        part.size,
        str(answer.get("kind", "other")),
        text=str(answer.get("text", "")).translate(CONTROLS)[:TEXT].encode("utf-8", "replace").decode("utf-8"),
        flags=tuple(map(str, answer.get("flags", ()))),
        members=tuple(map(str, answer.get("members", ())))[:1000],
        signatures=signatures,
        note=str(answer.get("note", ""))[:500],
    )
