"""The SMTP or LMTP entrance, behind the organisation's MTA (RFC 5321, RFC 2033).

The mail is acknowledged when the store has it on the disk, not before: 250 then, 451 when we are at fault (the MTA tries
again), 5xx when the client is. No exception text ever reaches the client. Never to be exposed to the Internet: it takes
every recipient, checks no sender, and trusts the MTA in front to have stripped foreign Authentication-Results.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ipaddress
from collections.abc import Callable
from datetime import datetime
from typing import Any

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from bot.model import Raw
from bot.sources import Receive

IDENT = "mikrodata-bot"
CLIENT_TIMEOUT = 300  # seconds of silence before a client is dropped, RFC 5321 § 4.5.3.2 asks for five minutes
RECIPIENTS = 1000  # RFC 5321 § 4.5.3.1.8 asks for at least 100

OK = "250 2.0.0 taken over"
OUR_FAULT = "451 4.3.0 not taken over, please try again later"
TOO_MANY = "452 4.5.3 too many recipients"

Trouble = Callable[[str, BaseException], None]


class Entrance:
    """``bot.sources.Source`` for SMTP and LMTP."""

    name = "smtp"

    def __init__(
        self,
        host: str,
        port: int,
        clock: Callable[[], datetime],
        trouble: Trouble,
        *,
        protocol: str = "smtp",
        max_bytes: int = 40 * 1024 * 1024,
        allowed: tuple[str, ...] = ("127.0.0.0/8", "::1/128"),
    ) -> None:
        """Port 0 takes a free one; ``address`` tells which once it listens. ``trouble`` hears of faults of ours."""
        self.name = protocol
        self._host, self._port = host, port
        self._clock, self._trouble = clock, trouble
        self._max_bytes = max_bytes
        self._allowed = tuple(ipaddress.ip_network(network, strict=False) for network in allowed)
        self.listening = asyncio.Event()
        self.address: tuple[str, int] = (host, port)
        self._at_work = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def run(self, receive: Receive) -> None:
        """Listen until cancelled; a mail that is being taken over is finished first. Errors: ``OSError`` when the port is taken."""
        self._receive = receive
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._connection, self._host, self._port)
        self.address = server.sockets[0].getsockname()[:2]
        self.listening.set()
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(10):
                    await self._idle.wait()

    def _connection(self) -> asyncio.Protocol:
        base = LMTP if self.name == "lmtp" else SMTP
        entrance = self

        class Conversation(base):  # type: ignore[misc,valid-type]
            line_length_limit = entrance._max_bytes + 1024  # long lines are the sender's sin, not a reason to lose mail (P3)

            def _cb_client_connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                super()._cb_client_connected(_Lines(reader), writer)

            def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
                # aiosmtpd reads addresses as headers are read, where line feeds and bare words are white space and names
                if any(letter < " " or letter == "\x7f" for letter in arg):
                    return None, None  # two commands glued with a bare line feed are one wrong command
                address, rest = super()._getaddr(arg)
                return (None, None) if address and "@" not in address and " " in address else (address, rest)

            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                if entrance._may_talk(transport.get_extra_info("peername")):
                    super().connection_made(transport)
                else:
                    transport.write(b"554 5.7.1 this entrance is not for you\r\n")  # type: ignore[attr-defined]
                    transport.close()

            def connection_lost(self, error: Exception | None) -> None:
                if self.transport is not None:
                    super().connection_lost(error)

        conversation: asyncio.Protocol = Conversation(
            _Handler(self),
            data_size_limit=self._max_bytes,
            enable_SMTPUTF8=True,
            ident=IDENT,
            hostname="localhost",
            timeout=CLIENT_TIMEOUT,
        )
        return conversation

    def _may_talk(self, peer: Any) -> bool:
        try:
            address = ipaddress.ip_address(peer[0])
        except (TypeError, ValueError, IndexError):
            return False
        mapped = getattr(address, "ipv4_mapped", None) or address
        return any(mapped in network for network in self._allowed if network.version == mapped.version)

    async def take(self, content: bytes, sender: str, recipients: tuple[str, ...]) -> str:
        """Hand one mail to the store; returns the reply."""
        key = "sha256:" + hashlib.sha256(content).hexdigest()
        self._at_work += 1
        self._idle.clear()
        try:
            await self._receive(Raw(key, content, self._clock(), self.name, sender, recipients))
        except Exception as error:  # whatever it is, the client's mail is not at fault
            self._trouble("not taken over", error)
            return OUR_FAULT
        finally:
            self._at_work -= 1
            if not self._at_work:
                self._idle.set()
        return OK


class _Lines:
    """Lines end with CRLF alone (RFC 5321 § 2.3.8); aiosmtpd would also end a command at a bare line feed."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def readuntil(self, separator: bytes = b"\r\n") -> bytes:
        return await self._reader.readuntil(separator)

    async def read(self, count: int) -> bytes:
        return await self._reader.read(count)


class _Handler:
    """aiosmtpd's hooks. ``handle_exception`` is the last door: aiosmtpd would tell the client the exception's text."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if not address.isascii() and "SMTPUTF8" not in options:
            return "553 5.6.7 an address outside ASCII needs SMTPUTF8"  # RFC 6531 § 3.5
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if len(envelope.rcpt_tos) >= RECIPIENTS:
            return TOO_MANY
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        sender = (envelope.mail_from or "").removeprefix("<").removesuffix(">")  # aiosmtpd hands the null sender on as "<>"
        reply = await self._entrance.take(content, sender, tuple(envelope.rcpt_tos))
        # LMTP owes one reply per recipient (RFC 2033 § 4.2); aiosmtpd sends the string as it stands
        return "\r\n".join([reply] * len(envelope.rcpt_tos)) if isinstance(server, LMTP) else reply

    async def handle_exception(self, error: Exception) -> str:
        self._entrance._trouble("conversation", error)
        return OUR_FAULT
