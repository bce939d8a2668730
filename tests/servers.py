"""Real servers for the tests, on loopback and free ports: Dovecot (IMAP and LMTP) and an SMTP sink on aiosmtpd."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import time
import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from imapclient import IMAPClient

USER = "mikrodata@ssb.example"
PASSWORD = "correct-horse"

DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
instance_name = test-{port}
protocols = imap lmtp
listen = 127.0.0.1
ssl = {ssl}
{certificates}
disable_plaintext_auth = no
auth_mechanisms = plain login{mechanisms}
mail_location = maildir:{folder}/mail/%u:INDEX=MEMORY
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_max_userip_connections = 50
{passdb}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/home/%u
}}
auth_failure_delay = 0
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp_port}
  }}
}}
namespace inbox {{
  inbox = yes
  separator = {separator}
  prefix = {prefix}
}}
protocol imap {{
  imap_idle_notify_interval = 29 mins
}}
{extra}
"""

STATIC_PASSDB = """passdb {{
  driver = static
  args = password={password}
}}"""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def need(program: str) -> str:
    """The path of a server program. Missing: a failure with CI=true, else a skip."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if found is None:
        message = f"{program} is not installed; `make test` installs it"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found


def _nobody() -> tuple[str, str]:
    import grp
    import pwd

    user = pwd.getpwuid(os.getuid()).pw_name if os.getuid() else "nobody"
    return user, grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name


@dataclass
class Dovecot:
    """A Dovecot of our own in a temporary folder. ``start`` and ``stop`` may be called again and again."""

    folder: Path
    certificate: Path | None = None
    key: Path | None = None
    separator: str = "/"
    prefix: str = ""
    extra: str = ""
    passdb: str = ""
    mechanisms: str = ""
    password: str = PASSWORD
    port: int = field(default_factory=free_port)
    tls_port: int = field(default_factory=free_port)
    lmtp_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        if os.getuid() == 0:  # Dovecot's children are nobody, who cannot pass through pytest's folders (0700, set anew by every run)
            self.folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
            self.folder.chmod(0o755)
            weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def start(self) -> Dovecot:
        """Write the configuration and start; returns when it answers."""
        program = need("dovecot")
        user, group = _nobody()
        for name in ("run", "state", "mail", "home"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for path in (self.folder, self.folder / "mail", self.folder / "home"):
            path.chmod(0o777)
        certificates = f"ssl_cert = <{self.certificate}\nssl_key = <{self.key}" if self.certificate else ""
        (self.folder / "dovecot.conf").write_text(
            DOVECOT.format(
                folder=self.folder,
                port=self.port,
                tls_port=self.tls_port if self.certificate else 0,
                lmtp_port=self.lmtp_port,
                ssl="yes" if self.certificate else "no",
                certificates=certificates,
                user=user,
                group=group,
                passdb=self.passdb or STATIC_PASSDB.format(password=self.password),
                mechanisms=self.mechanisms,
                separator=self.separator,
                prefix=self.prefix,
                extra=self.extra,
            )
        )
        command = [program, "-F", "-c", str(self.folder / "dovecot.conf")]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._wait()
        return self

    def _wait(self) -> None:
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                    if connection.recv(10).startswith(b"* OK"):
                        return
            except OSError:
                time.sleep(0.05)
        log = (self.folder / "log").read_text() if (self.folder / "log").exists() else "no log"
        raise RuntimeError(f"Dovecot does not answer: {log[-800:]}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it: SIGTERM in order, SIGKILL as a crash (its children are ended too)."""
        if self.process is None:
            return
        children = self._children() if how is signal.SIGKILL else []
        self.process.send_signal(how)
        self.process.wait(timeout=20)
        for child in children:  # after their master, who would start others
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self.process = None

    def _children(self) -> list[int]:
        assert self.process is not None
        tasks = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(child) for child in tasks.read_text().split()]

    def client(self, user: str = USER) -> IMAPClient:
        """A person's mail program."""
        client = IMAPClient("127.0.0.1", self.port, ssl=False, timeout=20)
        client.login(user, self.password)
        return client

    def deliver(self, *mails: bytes, user: str = USER, sender: str = "kari@uio.example") -> None:
        """Deliver by LMTP, as the organisation's MTA does."""
        with smtplib.LMTP("127.0.0.1", self.lmtp_port) as lmtp:
            for mail in mails:
                lmtp.sendmail(sender, [user], mail)

    def append(self, *mails: bytes, folder: str = "INBOX", when: datetime | None = None, user: str = USER) -> None:
        """Put mails into a folder, as a mail program does; ``when`` becomes their INTERNALDATE."""
        with self.client(user) as client:
            for mail in mails:
                client.append(folder, mail, msg_time=when)

    def fill(self, mails: Iterable[bytes], user: str = USER) -> None:
        """Put many mails into the Maildir of a user behind the server's back, which is fast. Nobody may be looking."""
        new = self.folder / "mail" / user / "new"
        for name in ("new", "cur", "tmp"):
            (new.parent / name).mkdir(parents=True, exist_ok=True)
        for number, mail in enumerate(mails):
            (new / f"{1_700_000_000 + number}.M{number}P1.test").write_bytes(mail)
        for path in (new.parent.parent, new.parent, *new.parent.rglob("*")):
            path.chmod(0o777)

    def folders(self, user: str = USER) -> dict[str, int]:
        """How many mails lie in each folder."""
        with self.client(user) as client:
            names = [name for flags, _, name in client.list_folders() if b"\\Noselect" not in flags]
            return {name: client.folder_status(name, ["MESSAGES"])[b"MESSAGES"] for name in names}


@dataclass(frozen=True)
class Certificates:
    """A certification authority of our own and a server's certificate for 127.0.0.1, as PEM files."""

    authority: Path
    certificate: Path
    key: Path

    @classmethod
    def make(cls, folder: Path, name: str = "Test CA") -> Certificates:
        """Write them to ``folder``; nobody else trusts them."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        folder.mkdir(parents=True, exist_ok=True)
        now = datetime.now(UTC)
        ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        ca_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])

        def begun(subject: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
            builder = x509.CertificateBuilder().subject_name(subject).issuer_name(ca_name).public_key(public_key)
            builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
            return builder.not_valid_after(now + timedelta(days=30))

        authority = begun(ca_name, ca_key.public_key()).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        leaf = begun(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")]), key.public_key()).add_extension(names, False)
        pem = serialization.Encoding.PEM
        paths = cls(folder / "ca.pem", folder / "server.pem", folder / "server.key")
        paths.authority.write_bytes(authority.sign(ca_key, hashes.SHA256()).public_bytes(pem))
        paths.certificate.write_bytes(leaf.sign(ca_key, hashes.SHA256()).public_bytes(pem))
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        paths.key.write_bytes(private)
        return paths

    @property
    def context(self) -> ssl.SSLContext:
        """The server's side."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


@dataclass
class Sink:
    """An SMTP server that keeps what it gets.

    ``replies`` are given instead of 250, one per DATA, while they last; ``drop`` cuts the connection before the mail is kept,
    ``kept, drop`` after it, ``hang`` never answers. ``refuse`` gives replies to RCPT by address. ``starttls`` and ``tls``
    are certificates for either kind, ``login`` a name and password that must be given.
    """

    host: str = "127.0.0.1"
    port: int = 0
    mails: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    refuse_null_sender: bool = False
    smtputf8: bool = True
    starttls: Certificates | None = None
    tls: Certificates | None = None
    login: tuple[str, str] | None = None
    connections: int = 0
    server: asyncio.Server | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    open: set[SMTP] = field(default_factory=set)

    async def start(self) -> Sink:
        """Listen on the running loop."""
        loop = asyncio.get_running_loop()
        context = self.tls.context if self.tls is not None else None
        self.server = await loop.create_server(self._conversation, self.host, self.port, ssl=context)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def _conversation(self) -> SMTP:
        options: dict[str, Any] = {}
        if self.starttls is not None:
            options |= {"tls_context": self.starttls.context, "require_starttls": True}
        if self.login is not None:
            options |= {"authenticator": self._log_in, "auth_required": True, "auth_require_tls": False}
        self.connections += 1
        conversation = SMTP(self, data_size_limit=100_000_000, enable_SMTPUTF8=self.smtputf8, hostname="sink.example", **options)
        self.open.add(conversation)
        return conversation

    def _log_in(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == self.login, handled=False)

    def cut(self) -> None:
        """Cut every connection without a word, as a restart does."""
        for conversation in self.open:
            if conversation.transport is not None:
                conversation.transport.abort()
        self.open.clear()

    async def stop(self) -> None:
        """Listen no more and cut what is open."""
        if self.server is not None:
            self.server.close()
            self.server = None
        self.cut()

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        """The null sender comes as ``<>``."""
        address = "" if address == "<>" else address
        if self.refuse_null_sender and not address:
            return "550 5.7.1 null sender refused"
        envelope.mail_from = address or "<>"
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        """Refused where ``refuse`` says so."""
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Keep the mail, unless ``replies`` says otherwise."""
        reply = self.replies.pop(0) if self.replies else "250 OK"
        if reply == "hang":
            await asyncio.sleep(3600)
        if reply.startswith("250") or reply == "kept, drop":
            sender = "" if envelope.mail_from == "<>" else envelope.mail_from
            self.mails.append((sender, list(envelope.rcpt_tos), bytes(envelope.content)))
            self.arrived.set()
        if reply.endswith("drop"):
            server.transport.abort()
            return "250 OK"
        return reply

    async def wait(self, count: int, seconds: float = 20) -> None:
        """Until ``count`` mails have come."""
        async with asyncio.timeout(seconds):
            while len(self.mails) < count:
                self.arrived.clear()
                await self.arrived.wait()


def mail(
    subject: str = "Spørsmål",
    body: str = "Hei, hva koster det å få data?",
    *,
    sender: str = "Kari Nordmann <kari.nordmann@uio.example>",
    to: str = USER,
    message_id: str | None = None,
    headers: dict[str, str] | None = None,
    attachments: tuple[tuple[str, bytes, str], ...] = (),
) -> bytes:
    """A mail as a person's program writes it."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"] = "Mon, 02 Mar 2026 09:15:00 +0100"
    message["Message-ID"] = message_id or f"<{abs(hash((subject, body, sender, time.monotonic_ns())))}@uio.example>"
    for name, value in (headers or {}).items():
        message[name] = value
    message.set_content(body)
    for name, content, kind in attachments:
        main, _, sub = kind.partition("/")
        message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return message.as_bytes()
