"""The way out: one kept connection to the organisation's submission server (RFC 6409), on a thread of its own.

smtplib waits for the server in the kernel. An event loop that is woken for each line of the conversation costs three times the
processor time, and on each wake it must wait for whoever is thinking.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import select
import ssl
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from smtplib import SMTP, SMTP_SSL, SMTPAuthenticationError, SMTPNotSupportedError, SMTPRecipientsRefused, SMTPResponseException
from typing import TypeVar

from bot.model import Delivery, Outgoing, Result

T = TypeVar("T")

KEEP_SECONDS = 50  # servers drop idle clients after a minute or more; a fresh connection is cheaper than a lost attempt

LEAVE_SECONDS = 2  # how long a server may take to say goodbye
ADDRESS_REFUSED = Delivery(Result.REFUSED, "the address cannot be written in SMTP (553 5.6.7)")

Token = Callable[[bool], Awaitable[str]]


class SmtpSender:
    """``bot.senders.Sender`` over SMTP with STARTTLS, TLS or (on loopback) neither; password, OAuth2 or no log-in.

    With ``security = "starttls"`` a server that does not offer STARTTLS is refused: the password and the mail are not sent
    in clear (STARTTLS stripping, RFC 3207 § 6).
    """

    name = "smtp"

    def __init__(
        self,
        host: str,
        port: int,
        *,
        security: str,
        timeout: float = 60,
        username: str = "",
        password: str = "",
        token: Token | None = None,
        ca_file: str = "",
    ) -> None:
        """``token`` yields an OAuth2 access token (given True, a new one) and wins over ``password``. ``timeout`` in seconds, for every step."""
        self._host, self._port, self._timeout = host, port, timeout
        self._security, self._username, self._password, self._token = security, username, password, token
        self._context = ssl.create_default_context(cafile=ca_file or None)
        self._client: SMTP | None = None
        self._used = 0.0
        self._lock = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "smtp-out")

    async def send(self, mail: Outgoing) -> Delivery:
        """One attempt. A kept connection that turns out dead before anything was said is replaced once."""
        async with self._lock:
            try:
                client = await self._connected()
            except SMTPAuthenticationError as error:
                await self._drop()
                return Delivery(Result.LATER, f"log-in refused ({error.smtp_code})")
            except (OSError, ValueError) as error:  # smtplib's errors are OSErrors; no mail was named yet, so none is at fault
                await self._drop()
                return Delivery(Result.LATER, type(error).__name__)
            delivery = await self._run(lambda: _hand_over(client, mail))
            if client.sock is None:
                await self._drop()
            self._used = time.monotonic()
            return delivery

    async def check(self) -> None:
        """Connect and log in, for ``doctor``. Errors: what smtplib and ssl raise."""
        async with self._lock:
            await self._connected()

    async def takes_null_sender(self, recipient: str) -> bool:
        """Whether the server accepts ``MAIL FROM:<>`` to a recipient; nothing is sent. For ``doctor``."""
        async with self._lock:
            client = await self._connected()

            def ask() -> bool:
                taken = client.mail("")[0] == 250 and client.rcpt(recipient)[0] in (250, 251)
                client.rset()
                return taken

            return await self._run(ask)

    async def close(self) -> None:
        """Say QUIT where it is possible."""
        async with self._lock:
            await self._drop()

    async def _connected(self) -> SMTP:
        if self._client is not None and _is_open(self._client) and time.monotonic() - self._used < KEEP_SECONDS:
            return self._client
        await self._drop()
        client = self._client = await self._run(self._connect)
        self._used = time.monotonic()
        if self._token is not None:
            await self._log_in_with(self._token, client)
        elif self._password:
            await self._run(lambda: _log_in(client, self._username, self._password))
        return client

    def _connect(self) -> SMTP:
        if self._security == "tls":
            client: SMTP = SMTP_SSL(self._host, self._port, timeout=self._timeout, context=self._context)
        else:
            client = SMTP(self._host, self._port, timeout=self._timeout)
        try:
            if self._security == "starttls":
                client.starttls(context=self._context)  # raises where the server does not offer it
            client.ehlo_or_helo_if_needed()
        except BaseException:
            client.close()
            raise
        return client

    async def _log_in_with(self, token: Token, client: SMTP) -> None:
        try:
            await self._xoauth2(client, await token(False))
        except SMTPAuthenticationError:  # the token may have been revoked early: once more with a new one
            await self._xoauth2(client, await token(True))

    async def _xoauth2(self, client: SMTP, token: str) -> None:
        def answer(challenge: bytes | None = None) -> str:
            """The token; to the description of a refusal nothing, upon which the server says its code."""
            return f"user={self._username}\x01auth=Bearer {token}\x01\x01" if challenge is None else ""

        await self._run(lambda: client.auth("XOAUTH2", answer))

    async def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await self._run(lambda: _leave(client))

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _log_in(client: SMTP, username: str, password: str) -> None:
    """With a password; smtplib knows ASCII alone, others are written as RFC 4616 § 2 wants it."""
    if (username + password).isascii():
        client.login(username, password)
        return
    code, answer = client.docmd("AUTH", "PLAIN " + base64.b64encode(f"\0{username}\0{password}".encode()).decode())
    if code != 235:
        raise SMTPAuthenticationError(code, answer)


def _hand_over(client: SMTP, mail: Outgoing) -> Delivery:
    """One mail on an open connection; the connection is closed (``client.sock`` is None) when it cannot serve another."""
    sender, recipient = _ascii_domain(mail.sender), _ascii_domain(mail.recipient)
    options = [] if (sender + recipient).isascii() else ["SMTPUTF8"]
    if not mail.content.isascii() and client.has_extn("8bitmime"):
        options.append("BODY=8BITMIME")
    try:
        client.sendmail(sender, [recipient], mail.content, options)
    except SMTPRecipientsRefused as error:
        return _answer(error.recipients[recipient][0], "recipient refused")
    except SMTPResponseException as error:
        if error.smtp_code < 0:
            client.close()
        # a line without an end is smtplib's 500, not the server's: it has left then
        return _answer(error.smtp_code if client.sock is not None else 421, "refused")
    except (SMTPNotSupportedError, ValueError):  # no repetition makes this server, or any, take such an address
        with contextlib.suppress(OSError):
            client.rset()
        return ADDRESS_REFUSED
    except OSError as error:
        client.close()
        return Delivery(Result.LATER, type(error).__name__)
    return Delivery(Result.SENT, "250")


def _is_open(client: SMTP) -> bool:
    """Whether a connection that rests is still there: what a server says unasked is goodbye."""
    if client.sock is None:
        return False
    said = select.poll()  # select() cannot watch file descriptors above 1023
    said.register(client.sock, select.POLLIN)
    return not said.poll(0)


def _leave(client: SMTP) -> None:
    try:
        if client.sock is not None:
            client.sock.settimeout(LEAVE_SECONDS)
            client.quit()
    except OSError:
        client.close()


def _ascii_domain(address: str) -> str:
    """The address with an international domain in its ASCII form (RFC 5890); what cannot be so written stays as it is."""
    local, at, domain = address.rpartition("@")
    try:
        return local + at + domain.encode("idna").decode("ascii") if at and not domain.isascii() else address
    except UnicodeError:
        return address


def _answer(code: int, what: str) -> Delivery:
    """4xx and what is no code at all may pass; 5xx is final (RFC 5321 § 4.2.1)."""
    return Delivery(Result.REFUSED if 500 <= code < 600 else Result.LATER, f"{what} ({code})")
