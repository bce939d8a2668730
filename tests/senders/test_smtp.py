"""The way out over SMTP, against a real server on loopback that refuses, hangs, cuts and lies as servers do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bot.model import Delivery, Outgoing, Result
from bot.senders.smtp import SmtpSender
from tests.contracts import KARI, SenderContract, outgoing
from tests.servers import Certificates, Sink

MAIL = replace(outgoing(1), content=b"Message-ID: <out-1@ssb.example>\r\nSubject: a\r\n\r\nb\r\n", sender="mikrodata@ssb.example")


@contextlib.asynccontextmanager
async def pair(sink: Sink | None = None, **options: Any) -> AsyncIterator[tuple[Sink, SmtpSender]]:
    """A server and a sender that knows it."""
    sink = await (sink or Sink()).start()
    sender = SmtpSender("127.0.0.1", sink.port, **{"security": "none", "timeout": 5, **options})
    try:
        yield sink, sender
    finally:
        await sender.close()
        await sink.stop()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Of an authority of our own."""
    return Certificates.make(tmp_path_factory.mktemp("certificates"))


class TestSmtp(SenderContract):
    """The contract; a server that is down blocks."""

    sink: Sink

    @pytest.fixture
    async def sender(self) -> AsyncIterator[SmtpSender]:
        """A sender and its server."""
        async with pair() as (self.sink, sender):
            yield sender

    async def arrived(self) -> list[tuple[str, str, bytes]]:
        """As the server took them."""
        return [(sender, to[0], content) for sender, to, content in self.sink.mails]

    async def block(self) -> None:
        """The server goes down."""
        await self.sink.stop()

    async def unblock(self) -> None:
        """It comes back on the same port."""
        await self.sink.start()


# ── one kept connection ───────────────────────────────────────────────────────────────────────────────────────


async def test_one_connection_is_kept() -> None:
    async with pair() as (sink, sender):
        for _ in range(5):
            assert (await sender.send(MAIL)).result is Result.SENT
        assert (len(sink.mails), sink.connections) == (5, 1)


async def test_a_connection_that_died_in_between_is_replaced_without_a_failed_attempt() -> None:
    async with pair() as (sink, sender):
        await sender.send(MAIL)
        sink.cut()
        await asyncio.sleep(0.05)
        assert (await sender.send(MAIL)).result is Result.SENT
        assert (len(sink.mails), sink.connections) == (2, 2)


async def test_a_connection_that_has_rested_too_long_is_replaced() -> None:
    async with pair() as (sink, sender):
        await sender.send(MAIL)
        sender._used -= 3600
        assert (await sender.send(MAIL)).result is Result.SENT
        assert sink.connections == 2


async def test_a_refusal_does_not_cost_the_connection() -> None:
    async with pair(Sink(refuse={KARI.address: "550 5.1.1 no such user"})) as (sink, sender):
        assert (await sender.send(MAIL)).result is Result.REFUSED
        assert (await sender.send(replace(MAIL, recipient="ola@uio.example"))).result is Result.SENT
        assert sink.connections == 1


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("reply", "result"),
    [
        ("421 4.3.2 shutting down", Result.LATER),
        ("450 4.2.1 greylisted", Result.LATER),
        ("451 4.7.1 try again", Result.LATER),
        ("452 4.5.3 too many", Result.LATER),
        ("550 5.1.1 no such user", Result.REFUSED),
        ("552 5.3.4 too big", Result.REFUSED),
        ("554 5.7.1 spam", Result.REFUSED),
    ],
)
@pytest.mark.parametrize("where", ["recipient", "data"])
async def test_4xx_is_for_later_and_5xx_is_final(reply: str, result: Result, where: str) -> None:
    """R34: RFC 5321 § 4.2.1; the detail keeps the code and nothing of the server's free text."""
    sink = Sink(refuse={KARI.address: reply}) if where == "recipient" else Sink(replies=[reply])
    async with pair(sink) as (_, sender):
        delivery = await sender.send(MAIL)
        assert delivery.result is result
        assert reply[:3] in delivery.detail and "user" not in delivery.detail
        sink.refuse.clear()
        assert (await sender.send(MAIL)).result is Result.SENT  # whatever was said, the next mail goes


async def test_a_refused_null_sender_is_final_for_that_mail_alone() -> None:
    async with pair(Sink(refuse_null_sender=True)) as (_, sender):
        assert (await sender.send(replace(MAIL, sender=""))).result is Result.REFUSED
        assert (await sender.send(MAIL)).result is Result.SENT
        assert not await sender.takes_null_sender("mikrodata@ssb.example")


async def test_asking_whether_the_null_sender_is_taken_sends_nothing() -> None:
    async with pair() as (sink, sender):
        assert await sender.takes_null_sender("mikrodata@ssb.example")
        assert sink.mails == []


@pytest.mark.parametrize("recipient", ["kåre@uio.example", "kari@" + "å" * 300])
async def test_an_address_that_the_relay_cannot_carry_is_final(recipient: str) -> None:
    """RFC 6531: without SMTPUTF8 no repetition helps; a caseworker must know today, not in two days."""
    async with pair(Sink(smtputf8=False)) as (sink, sender):
        delivery = await sender.send(replace(MAIL, recipient=recipient))
        assert delivery == Delivery(Result.REFUSED, "the address cannot be written in SMTP (553 5.6.7)")
        assert (await sender.send(MAIL)).result is Result.SENT and len(sink.mails) == 1


@pytest.mark.parametrize("address", ["kari@uio.example>\r\nRCPT TO:<ola@y.example>", "kari@uio.example\r\nRCPT TO:<ola@y.example>"])
async def test_an_address_is_no_command(address: str) -> None:
    async with pair() as (sink, sender):
        await sender.send(replace(MAIL, recipient=address))
        await sender.send(replace(MAIL, sender=address))
        assert "ola@y.example" not in {to for _, recipients, _ in sink.mails for to in recipients}


@pytest.mark.parametrize(
    ("smtputf8", "recipient", "received"),
    [
        (True, "kåre@uio.example", "kåre@uio.example"),
        (True, "kåre@blåbær.example", "kåre@xn--blbr-roah.example"),
        (False, "kari@blåbær.example", "kari@xn--blbr-roah.example"),
    ],
)
async def test_international_addresses(smtputf8: bool, recipient: str, received: str) -> None:
    """A domain has an ASCII form that every relay takes; a local part needs SMTPUTF8."""
    async with pair(Sink(smtputf8=smtputf8)) as (sink, sender):
        assert (await sender.send(replace(MAIL, recipient=recipient))).result is Result.SENT
        assert sink.mails[0][1] == [received]


# ── cuts and silence ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", ["drop", "kept, drop"])
async def test_a_cut_after_data_is_for_later(how: str) -> None:
    """R34: whether the server has the mail cannot be known; the repeat has the same Message-ID."""
    async with pair(Sink(replies=[how])) as (sink, sender):
        assert (await sender.send(MAIL)).result is Result.LATER
        assert (await sender.send(MAIL)).result is Result.SENT
        assert {content for _, _, content in sink.mails} == {MAIL.content}
        assert len(sink.mails) == (2 if how == "kept, drop" else 1)


async def test_a_server_that_hangs_is_left_in_time() -> None:
    async with pair(Sink(replies=["hang"]), timeout=0.3) as (sink, sender):
        assert (await sender.send(MAIL)).result is Result.LATER
        assert (await sender.send(MAIL)).result is Result.SENT
        assert sink.connections == 2


async def test_a_port_that_takes_and_says_nothing() -> None:
    """A listener without a greeting (a firewall, a dead process) must not stop the outbox."""
    silent = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    sender = SmtpSender("127.0.0.1", silent.sockets[0].getsockname()[1], security="none", timeout=0.3)
    assert (await sender.send(MAIL)).result is Result.LATER
    silent.close()


@pytest.mark.parametrize(
    "script",
    [b"", b"hello\r\n", b"220 ok\r\n" + b"x" * 100_000, b"220 ok\r\n999 what\r\n", b"554 5.7.1 go away\r\n", b"\xff\xfe\r\n"],
    ids=["nothing", "no-smtp", "no-line-end", "no-code", "554", "bytes"],
)
async def test_a_server_that_speaks_nonsense_is_for_later_or_final_and_never_an_exception(script: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(script)
        with contextlib.suppress(OSError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    sender = SmtpSender("127.0.0.1", server.sockets[0].getsockname()[1], security="none", timeout=1)
    delivery = await sender.send(MAIL)
    assert delivery.result is not Result.SENT and isinstance(delivery, Delivery)
    server.close()


# ── TLS and log-in ────────────────────────────────────────────────────────────────────────────────────────────


async def test_starttls_with_an_authority_of_our_own(certificates: Certificates) -> None:
    sink = Sink(starttls=certificates)
    async with pair(sink, security="starttls", ca_file=str(certificates.authority)) as (_, sender):
        assert (await sender.send(MAIL)).result is Result.SENT


async def test_tls_from_the_first_byte(certificates: Certificates) -> None:
    async with pair(Sink(tls=certificates), security="tls", ca_file=str(certificates.authority)) as (_, sender):
        assert (await sender.send(MAIL)).result is Result.SENT


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_certificate_of_an_unknown_authority_is_refused(certificates: Certificates, security: str) -> None:
    sink = Sink(tls=certificates) if security == "tls" else Sink(starttls=certificates)
    async with pair(sink, security=security) as (_, sender):
        assert (await sender.send(MAIL)).result is Result.LATER
        assert sink.mails == []


async def test_starttls_that_was_stripped_is_refused() -> None:
    """RFC 3207 § 6: a server that offers no STARTTLS gets neither the password nor the mail."""
    login = ("bot", "hemmelig")
    async with pair(Sink(login=login), security="starttls", username="bot", password="hemmelig") as (sink, sender):
        delivery = await sender.send(MAIL)
        assert delivery.result is Result.LATER and sink.mails == []


@pytest.mark.parametrize("password", ["riktig hest", "blå hest €"])
async def test_logging_in(certificates: Certificates, password: str) -> None:
    options = {"security": "starttls", "ca_file": str(certificates.authority), "username": "bot"}
    sink = Sink(starttls=certificates, login=("bot", password))
    async with pair(sink, **options, password=password) as (_, sender):
        assert (await sender.send(MAIL)).result is Result.SENT
    async with pair(sink, **options, password=password + "!") as (_, sender):
        delivery = await sender.send(MAIL)
        assert delivery == Delivery(Result.LATER, "log-in refused (535)")  # the mail is not at fault: it waits for a mended password
        assert len(sink.mails) == 1


def test_nothing_of_the_password_is_shown() -> None:
    assert "hemmelig" not in repr(SmtpSender("127.0.0.1", 25, security="none", username="bot", password="hemmelig"))


async def test_every_header_and_byte_leaves_unchanged() -> None:
    """Eight-bit bytes (a forwarded original) are neither recoded nor refused."""
    content = b"Subject: a\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xe5\xf8 latin-1, \xc3\xa6 utf-8\r\n.\r\n"
    mail: Outgoing = replace(MAIL, content=content)
    async with pair() as (sink, sender):
        assert (await sender.send(mail)).result is Result.SENT
        assert sink.mails[0][2] == content
