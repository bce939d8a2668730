"""The way out: one kept connection to the organisation's submission server (RFC 6409)."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable

from aiosmtplib import SMTP, SMTPException, SMTPNotSupported, SMTPRecipientsRefused, SMTPResponseException
from aiosmtplib.errors import SMTPAuthenticationError

from bot.model import Delivery, Outgoing, Result

KEEP_SECONDS = 50  # servers drop idle clients after a minute or more; a fresh connection is cheaper than a lost attempt

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

    async def send(self, mail: Outgoing) -> Delivery:
        """One attempt. A kept connection that turns out dead before anything was said is replaced once."""
        async with self._lock:
            try:
                sender, recipient = _ascii_domain(mail.sender), _ascii_domain(mail.recipient)
                options = [] if (sender + recipient).isascii() else ["SMTPUTF8"]
                client = await self._connected()
                await client.sendmail(sender, [recipient], mail.content, mail_options=options)
            except SMTPRecipientsRefused as error:
                return _answer(error.recipients[0].code, "recipient refused")
            except SMTPAuthenticationError as error:
                await self._drop()
                return Delivery(Result.LATER, f"log-in refused ({error.code})")
            except SMTPResponseException as error:
                if error.code == 421 or error.code < 0:
                    await self._drop()
                return _answer(error.code, "refused")
            except (SMTPNotSupported, ValueError) as error:  # no repetition makes this server, or any, take such an address
                if self._client is None:  # STARTTLS is not offered: the server's fault, and it may pass
                    return Delivery(Result.LATER, type(error).__name__)
                return Delivery(Result.REFUSED, "the address cannot be written in SMTP (553 5.6.7)")
            except (SMTPException, OSError, TimeoutError, ssl.SSLError) as error:
                await self._drop()
                return Delivery(Result.LATER, type(error).__name__)
            self._used = time.monotonic()
            return Delivery(Result.SENT, "250")

    async def check(self) -> None:
        """Connect and log in, for ``doctor``. Errors: what aiosmtplib and ssl raise."""
        async with self._lock:
            await self._connected()

    async def takes_null_sender(self, recipient: str) -> bool:
        """Whether the server accepts ``MAIL FROM:<>`` to a recipient; nothing is sent. For ``doctor``."""
        async with self._lock:
            client = await self._connected()
            try:
                await client.mail("")
                await client.rcpt(recipient)
            except SMTPResponseException:
                return False
            finally:
                await client.rset()
            return True

    async def close(self) -> None:
        """Say QUIT where it is possible."""
        async with self._lock:
            await self._drop()

    async def _connected(self) -> SMTP:
        if self._client is not None and self._client.is_connected and time.monotonic() - self._used < KEEP_SECONDS:
            return self._client
        await self._drop()
        client = SMTP(
            hostname=self._host,
            port=self._port,
            use_tls=self._security == "tls",
            start_tls=self._security == "starttls",
            timeout=self._timeout,
            tls_context=self._context if self._security != "none" else None,
        )
        await client.connect()
        self._client, self._used = client, time.monotonic()
        if self._token is not None:
            await self._log_in_with(self._token, client)
        elif self._password:
            await client.login(self._username, self._password)
        return client

    async def _log_in_with(self, token: Token, client: SMTP) -> None:
        try:
            await client.auth_xoauth2(self._username, await token(False))
        except SMTPAuthenticationError:  # the token may have been revoked early: once more with a new one
            await client.auth_xoauth2(self._username, await token(True))

    async def _drop(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        try:
            await client.quit(timeout=2)
        except (SMTPException, OSError, TimeoutError):
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
