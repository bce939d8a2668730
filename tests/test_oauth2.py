"""Exchange Online's log-in: client credentials against a TLS token endpoint, XOAUTH2 at a real Dovecot and a real SMTP server (R12)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from imapclient.exceptions import LoginError

from bot import oauth2
from bot.config import Settings
from bot.model import Outgoing, Raw, Result
from bot.oauth2 import RENEW_SECONDS, TokenRefused, Tokens
from bot.run import account, sender
from bot.sources.imap import Events, Mailbox
from tests.identity import CLIENT, SECRET, TENANT, Platform
from tests.servers import USER, Certificates, Dovecot, mail


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.make(tmp_path_factory.mktemp("papers"))


@pytest.fixture
def platform(papers: Certificates, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setattr(Tokens, "_of", {})  # one configuration, one Tokens: each test has a platform of its own
    with Platform(USER, papers) as running:
        yield running


@pytest.fixture
def dovecot(platform: Platform, tmp_path: Path) -> Iterator[Dovecot]:
    passdbs = f"{platform.passdb(tmp_path / 'oauth2')}\npassdb {{\n  driver = static\n  mechanisms = plain login\n  args = password=correct-horse\n}}"
    server = Dovecot(tmp_path / "dovecot", passdb=passdbs, mechanisms=" xoauth2", extra="auth_failure_delay = 0").start()
    yield server
    server.stop()


def configured(platform: Platform, papers: Certificates, data: Path, **sections: dict[str, Any]) -> Settings:
    values: dict[str, Any] = {
        "service": {"address": USER, "data": data},
        "oauth2": {
            "tenant": TENANT,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "authority": platform.authority,
            "scope": "https://outlook.example/.default",
            "ca_file": str(papers.authority),
        },
        **sections,
    }
    return Settings(**values)


def with_imap(platform: Platform, papers: Certificates, data: Path, dovecot: Dovecot) -> Settings:
    section = {"host": "127.0.0.1", "port": dovecot.port, "security": "none", "username": USER, "auth": "oauth2", "timeout_seconds": 10}
    return configured(platform, papers, data, imap=section)


# ── tokens ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_token_is_renewed_before_it_ends_and_when_it_was_rejected() -> None:
    """R12: the token of an hour is asked for anew five minutes before its end, and at once when the server says no."""
    moment, asked = [0.0], []

    def ask() -> dict[str, Any]:
        asked.append(moment[0])
        return {"access_token": f"token-{len(asked)}", "expires_in": 3600}

    tokens = Tokens(ask, clock=lambda: moment[0])

    assert [tokens.fetch(False), tokens.fetch(False)] == ["token-1", "token-1"]
    moment[0] = 3600 - RENEW_SECONDS - 1
    assert tokens.fetch(False) == "token-1"
    moment[0] = 3600 - RENEW_SECONDS
    assert tokens.fetch(False) == "token-2"
    assert tokens.fetch(True) == "token-3"


@pytest.mark.parametrize("code", sorted(oauth2.FINAL))
def test_what_an_administrator_must_mend_is_told_apart(code: str) -> None:
    """R12: revoked consent and an expired secret are final; the text holds the code and nothing the platform wrote beside it."""
    tokens = Tokens(lambda: {"error": code, "error_description": "AADSTS7000222: secret of kari@uio.example"})

    with pytest.raises(TokenRefused) as refused:
        tokens.fetch(False)

    assert refused.value.final and code in str(refused.value) and "kari" not in str(refused.value)


@pytest.mark.parametrize("error", [ConnectionRefusedError("no"), TimeoutError(), ValueError("<html>")])
def test_what_may_pass_is_no_final_refusal(error: Exception) -> None:
    """R12: an identity platform that does not answer is asked again."""

    def ask() -> dict[str, Any]:
        raise error

    with pytest.raises(TokenRefused) as refused:
        Tokens(ask).fetch(False)

    assert not refused.value.final


# ── IMAP ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_mailbox_is_opened_with_a_token(platform: Platform, papers: Certificates, dovecot: Dovecot, tmp_path: Path) -> None:
    """The platform's certificate is checked against the configured authority, the token is shown as XOAUTH2."""
    way_in = account(with_imap(platform, papers, tmp_path, dovecot), with_imap(platform, papers, tmp_path, dovecot).imap)  # type: ignore[arg-type]

    with way_in.connect() as client:
        assert client.select_folder("INBOX")[b"EXISTS"] == 0
    with way_in.connect():
        pass

    assert len(platform.given) == 1  # both connections share one token


def test_a_token_that_was_revoked_early_is_replaced(platform: Platform, papers: Certificates, dovecot: Dovecot, tmp_path: Path) -> None:
    """R12: the server rejects a token that still has time; a new one is fetched and shown at once."""
    settings = with_imap(platform, papers, tmp_path, dovecot)
    way_in = account(settings, settings.imap)  # type: ignore[arg-type]
    with way_in.connect():
        pass
    platform.revoked.update(platform.given)

    with way_in.connect() as client:
        assert client.select_folder("INBOX")[b"EXISTS"] == 0

    assert len(platform.given) == 2


def test_a_platform_with_a_foreign_certificate_gets_no_secret(
    platform: Platform, papers: Certificates, dovecot: Dovecot, tmp_path: Path
) -> None:
    """The client secret is sent to nobody whose certificate does not lead to the configured authority."""
    stranger = Certificates.make(tmp_path / "stranger")
    settings = with_imap(platform, stranger, tmp_path, dovecot)

    with pytest.raises(TokenRefused):
        account(settings, settings.imap).connect()  # type: ignore[arg-type]

    assert platform.given == []


class Remembered:
    """``bot.sources.Ledger`` for one test: what a store would know."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.facts: dict[str, str] = {}

    async def known(self, prefix: str) -> set[str]:
        return {key for key in self.keys if key.startswith(prefix)}

    async def recall(self, name: str) -> str:
        return self.facts.get(name, "")

    async def remember(self, name: str, value: str) -> None:
        self.facts[name] = value


@contextlib.asynccontextmanager
async def watching(settings: Settings) -> AsyncIterator[tuple[list[Raw], list[str], asyncio.Event]]:
    """A mailbox that runs; yields what it took in, what troubled it, and an event set at each of both."""
    mails: list[Raw] = []
    troubles: list[str] = []
    happened = asyncio.Event()
    loop = asyncio.get_running_loop()
    ledger = Remembered()

    def troubled(what: str, error: BaseException | None) -> None:
        troubles.append(what)
        loop.call_soon_threadsafe(happened.set)

    async def receive(raw: Raw) -> bool:
        ledger.keys.add(raw.key)
        mails.append(raw)
        happened.set()
        return True

    assert settings.imap is not None
    box = Mailbox(account(settings, settings.imap), ledger, settings.imap.folders, Events(trouble=troubled), poll_seconds=1)
    running = asyncio.create_task(box.run(receive))
    try:
        yield mails, troubles, happened
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def until(condition: Any, happened: asyncio.Event, seconds: float = 15) -> None:
    """Until ``condition()`` holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            happened.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(happened.wait(), 0.2)


async def test_revoked_consent_is_told_and_the_mail_waits_on_the_server(
    platform: Platform, papers: Certificates, dovecot: Dovecot, tmp_path: Path
) -> None:
    """R12: consent is taken back: that is told as such; the mail stays where it is and is taken in once consent is back."""
    platform.refusal = "invalid_client"
    dovecot.append(mail(subject="Venter"))
    settings = with_imap(platform, papers, tmp_path, dovecot)

    async with watching(settings) as (mails, troubles, happened):
        await until(lambda: "token refused" in troubles, happened)
        assert mails == []
        platform.refusal = ""
        await until(lambda: mails, happened)

    assert [b"Venter" in raw.content for raw in mails] == [True]
    assert set(troubles) == {"token refused"}


async def test_authenticated_but_not_connected_is_tried_again(platform: Platform, papers: Certificates, tmp_path: Path) -> None:
    """Exchange Online says after a good log-in that the user is not connected; it passes, and so must we."""
    refusals = [2]

    async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        able = b"CAPABILITY IMAP4 IMAP4rev1 AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT IDLE NAMESPACE LITERAL+"
        writer.write(b"* OK [" + able + b"] ready\r\n")
        while line := await reader.readline():
            tag, _, command = line.decode().strip().partition(" ")
            verb = command.upper().split(" ")[0]
            if verb == "SELECT" and refusals[0]:
                refusals[0] -= 1
                writer.write(f"{tag} BAD User is authenticated but not connected.\r\n".encode())
                continue
            if verb == "SELECT":
                writer.write(b"* 0 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n")
            if command.upper().startswith("UID SEARCH"):
                writer.write(b"* SEARCH\r\n")
            if verb == "CAPABILITY":
                writer.write(b"* " + able + b"\r\n")
            if verb == "AUTHENTICATE":
                writer.write(b"+ \r\n")
                await reader.readline()
            if verb == "IDLE":
                connected.set()
                writer.write(b"+ idling\r\n")
                await reader.readline()
            writer.write(f"{tag} OK {verb} completed\r\n".encode())

    connected = asyncio.Event()
    server = await asyncio.start_server(exchange, "127.0.0.1", 0)
    section = {"host": "127.0.0.1", "port": server.sockets[0].getsockname()[1], "security": "none", "username": USER, "auth": "oauth2"}
    settings = configured(platform, papers, tmp_path, imap=section)

    async with server, watching(settings) as (_, troubles, _happened):
        await asyncio.wait_for(connected.wait(), 15)

    assert troubles == ["connection", "connection"]


async def test_a_log_in_that_stays_refused_is_an_error_of_the_log_in(
    platform: Platform, papers: Certificates, dovecot: Dovecot, tmp_path: Path
) -> None:
    """A token of somebody else's mailbox: told as a refused log-in, after one new token and no more."""
    settings = with_imap(platform, papers, tmp_path, dovecot)
    platform.user = "noen-andre@ssb.example"

    with pytest.raises(LoginError):
        account(settings, settings.imap).connect()  # type: ignore[arg-type]

    assert len(platform.given) == 2


# ── SMTP ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Submission:
    """A submission server that takes XOAUTH2 and keeps what it gets."""

    def __init__(self, platform: Platform) -> None:
        self.platform, self.mails = platform, []

    async def auth_XOAUTH2(self, server: SMTP, arguments: list[str]) -> AuthResult:
        import base64

        shown = base64.b64decode(arguments[1]).decode()
        token = shown.partition("auth=Bearer ")[2].rstrip("\x01")
        return AuthResult(success=self.platform.good(token), handled=False)

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        self.mails.append(bytes(envelope.content))
        return "250 OK"


async def test_mail_leaves_with_a_token_and_with_a_new_one_after_a_rejection(
    platform: Platform, papers: Certificates, tmp_path: Path
) -> None:
    """R12: the way out shows the token too; one that was revoked early costs no attempt of the mail."""
    taking = Submission(platform)
    server = await asyncio.get_running_loop().create_server(
        partial(SMTP, taking, auth_require_tls=False, hostname="relay.example"), "127.0.0.1", 0
    )
    section = {"host": "127.0.0.1", "port": server.sockets[0].getsockname()[1], "security": "none", "username": USER, "auth": "oauth2"}
    way_out = sender(configured(platform, papers, tmp_path, smtp_out=section))
    outgoing = Outgoing("<1@ssb.example>", "answer", USER, "kari@uio.example", b"Subject: Svar\r\n\r\nSvar\r\n")

    async with server:
        first = await way_out.send(outgoing)
        await way_out.close()
        platform.revoked.update(platform.given)
        second = await way_out.send(outgoing)
        await way_out.close()

    assert (first.result, second.result) == (Result.SENT, Result.SENT)
    assert len(platform.given) == 2 and len(taking.mails) == 2


async def test_revoked_consent_keeps_outgoing_mail_waiting(platform: Platform, papers: Certificates, tmp_path: Path) -> None:
    """R12: without a token nothing is lost: the attempt counts as later, not as refused."""
    platform.refusal = "unauthorized_client"
    server = await asyncio.get_running_loop().create_server(partial(SMTP, Submission(platform), auth_require_tls=False), "127.0.0.1", 0)
    section = {"host": "127.0.0.1", "port": server.sockets[0].getsockname()[1], "security": "none", "username": USER, "auth": "oauth2"}
    way_out = sender(configured(platform, papers, tmp_path, smtp_out=section))

    async with server:
        delivery = await way_out.send(Outgoing("<1@ssb.example>", "answer", USER, "kari@uio.example", b"Subject: Svar\r\n\r\nSvar\r\n"))
        await way_out.close()

    assert delivery.result is Result.LATER
