"""``bot doctor``, ``pause``, ``resume`` and ``demo`` through the real command line, against real servers."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli import app
from tests.servers import PASSWORD, Certificates, Dovecot, Sink, free_port
from tests.site import PATIENCE

pytestmark = pytest.mark.usefixtures("model")

Doctor = Callable[[str], Awaitable[Result]]


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    """``await doctor(sections)``: on a thread, so that a test server on this loop can answer."""

    async def examined(sections: str) -> Result:
        config = tmp_path / "bot.toml"
        head = f'[service]\ndata = {json.dumps(str(tmp_path / "data"))}\ncolleagues = ["ssb.example"]\n'
        config.write_text(f'{head}[routing]\ntrusted_authserv = ["mx.ssb.example"]\n{sections}')
        return await asyncio.to_thread(CliRunner().invoke, app, ["doctor", "--config", str(config)])

    return examined


def told(result: Result, part: str) -> str:
    """The one sentence on a part; all else must be well."""
    lines = [line for line in result.stdout.splitlines() if line.startswith("MEND")]
    assert result.exit_code == (1 if lines else 0), (result.output, result.exception)
    assert len(lines) == 1 and lines[0].startswith(f"MEND {part}: "), result.output
    return lines[0].removeprefix(f"MEND {part}: ")


def imap(server: Dovecot, **changes: object) -> str:
    """The section, on loopback in clear unless changed."""
    values: dict[str, object] = {"host": "127.0.0.1", "port": server.port, "security": "none", "username": "mikrodata@ssb.example"}
    values |= {"password": PASSWORD, "timeout_seconds": 5, **changes}
    return "[imap]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())


def smtp_out(port: int, **changes: object) -> str:
    """The section, in clear unless changed."""
    values: dict[str, object] = {"host": "127.0.0.1", "port": port, "security": "none", "timeout_seconds": 3, **changes}
    return "[smtp_out]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Of an authority of our own."""
    return Certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secured(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    """A mailbox behind TLS."""
    server = Dovecot(tmp_path_factory.mktemp("dovecot"), certificate=certificates.certificate, key=certificates.key).start()
    yield server
    server.stop()


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    """A relay."""
    sink = await Sink().start()
    yield sink
    await sink.stop()


# ── doctor ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_all_is_well(doctor: Doctor, dovecot: Dovecot, sink: Sink) -> None:
    result = await doctor(
        imap(dovecot) + smtp_out(sink.port) + f'[smtp_in]\nlisten = "127.0.0.1:{free_port()}"\n[web]\nlisten = "127.0.0.1:{free_port()}"\n'
    )
    assert result.exit_code == 0, result.output
    assert re.findall(r"^ok +(\w+)", result.stdout, re.MULTILINE) == ["store", "knowledge", "routing", "imap", "smtp_in", "smtp_out", "web"]
    assert "must strip Authentication-Results that arrive with the name mx.ssb.example" in result.stdout
    assert sink.mails == [], "nothing is sent to find out"


async def test_a_refused_log_in(doctor: Doctor, dovecot: Dovecot) -> None:
    sentence = told(await doctor(imap(dovecot, password="feil")), "imap")
    assert sentence == 'the server refused the log-in of "mikrodata@ssb.example"; check imap.username and the password or token'


async def test_a_missing_folder(doctor: Doctor, dovecot: Dovecot) -> None:
    sentence = told(await doctor(imap(dovecot, folder="Innkomne/Mikrodata")), "imap")
    assert sentence == 'imap.folder = "Innkomne/Mikrodata" does not exist or may not be opened by "mikrodata@ssb.example"'


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_refused_certificate(doctor: Doctor, secured: Dovecot, certificates: Certificates, security: str) -> None:
    port = secured.tls_port if security == "tls" else secured.port
    sentence = told(await doctor(imap(secured, security=security, port=port)), "imap")
    assert re.fullmatch(
        r"the TLS certificate of 127\.0\.0\.1 is not accepted \([^)]+\); set imap\.ca_file to its issuer's certificate, or have the "
        r"certificate mended",
        sentence,
    )
    mended = await doctor(imap(secured, security=security, port=port, ca_file=str(certificates.authority)))
    assert mended.exit_code == 0, mended.output


async def test_a_mailbox_that_cannot_be_reached(doctor: Doctor, tmp_path: Path) -> None:
    sentence = told(await doctor(imap(Dovecot(tmp_path))), "imap")
    assert re.fullmatch(
        r"127\.0\.0\.1:\d+ cannot be reached \(Connection refused\); check imap\.host, imap\.port and imap\.security", sentence
    )


async def test_a_mailbox_that_offers_no_starttls(doctor: Doctor, dovecot: Dovecot) -> None:
    sentence = told(await doctor(imap(dovecot, security="starttls")), "imap")
    assert "imap.security" in sentence


async def test_a_relay_that_cannot_be_reached(doctor: Doctor) -> None:
    sentence = told(await doctor(smtp_out(free_port())), "smtp_out")
    assert re.fullmatch(r"127\.0\.0\.1:\d+ cannot be reached \([\w ]+\); check smtp_out\.host, port and security", sentence)


async def test_a_relay_that_refuses_the_log_in(doctor: Doctor) -> None:
    sink = await Sink(login=("bot", "riktig")).start()
    sentence = told(await doctor(smtp_out(sink.port, auth="password", username="bot", password="feil")), "smtp_out")
    await sink.stop()
    assert sentence == 'the server refused the log-in of "bot"; check smtp_out.username and the password or token'


async def test_a_relay_without_starttls(doctor: Doctor, sink: Sink) -> None:
    sentence = told(await doctor(smtp_out(sink.port, security="starttls")), "smtp_out")
    assert re.fullmatch(r'127\.0\.0\.1:\d+ does not offer STARTTLS; set smtp_out\.security = "tls" or ask its operator', sentence), sentence


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_relay_with_a_certificate_of_nobody_we_know(doctor: Doctor, certificates: Certificates, security: str) -> None:
    sink = await (Sink(tls=certificates) if security == "tls" else Sink(starttls=certificates)).start()
    sentence = told(await doctor(smtp_out(sink.port, security=security)), "smtp_out")
    assert sentence.startswith("the TLS certificate of 127.0.0.1 is not accepted (") and "smtp_out.ca_file" in sentence
    assert (await doctor(smtp_out(sink.port, security=security, ca_file=str(certificates.authority)))).exit_code == 0
    await sink.stop()


async def test_a_relay_that_takes_no_null_sender(doctor: Doctor) -> None:
    sink = await Sink(refuse_null_sender=True).start()
    sentence = told(await doctor(smtp_out(sink.port)), "smtp_out")
    assert sentence == "the relay refuses the null envelope sender; set smtp_out.null_sender = false"
    assert (await doctor(smtp_out(sink.port, null_sender=False))).exit_code == 0
    await sink.stop()


async def test_a_port_that_is_taken(doctor: Doctor) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        sentence = told(await doctor(f'[smtp_in]\nlisten = "{listen}"\n'), "smtp_in")
    assert sentence.startswith(f'smtp_in.listen = "{listen}" cannot be listened on (Address already in use)')


async def test_a_secret_that_cannot_be_read(doctor: Doctor, dovecot: Dovecot) -> None:
    sentence = told(await doctor(imap(dovecot, password="", password_file="no/such/secret")), "imap")
    assert sentence.startswith('imap.password_file = "no/such/secret" cannot be read (No such file or directory)')


async def test_every_fault_is_told_at_once(doctor: Doctor, dovecot: Dovecot) -> None:
    result = await doctor(imap(dovecot, password="feil") + smtp_out(free_port()))
    assert result.exit_code == 1 and result.stdout.count("MEND") == 2


# ── pause and resume ──────────────────────────────────────────────────────────────────────────────────────────


def test_pause_and_resume(tmp_path: Path) -> None:
    config = tmp_path / "bot.toml"
    config.write_text(f"[service]\ndata = {json.dumps(str(tmp_path / 'data'))}\n")

    def bot(*words: str) -> str:
        result = CliRunner().invoke(app, [*words, "--config", str(config)])
        assert result.exit_code == 0, result.output
        return result.stdout

    assert bot("resume") == "Nothing was held.\n"
    assert bot("pause") == "Paused: mail to researchers is held. `bot resume` lets it go.\n"
    assert bot("resume") == "Resumed; it was held because: by-hand.\n"
    assert "2 entries" in bot("audit", "verify")  # who held it and who let it go stands in the log of events


# ── demo ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def shown() -> str:
    """What the demo prints; run once for all."""
    line = [sys.executable, "-m", "bot", "demo", "--once"]
    environment = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(line, capture_output=True, text=True, timeout=PATIENCE * 2, env=environment)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def row(shown: str, what: str) -> str:
    """The row of the table about a sample, on one line."""
    lines = [line for line in shown.splitlines() if line.startswith(f"│ {what}")]
    assert len(lines) == 1, (what, shown)
    return lines[0]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("a question in bokmål", ("faq", "answer")),
        ("a question in nynorsk", ("faq", "answer")),
        ("a question in English", ("faq", "answer")),
        ("a deletion, sender verified", ("deletion", "24/1187", "receipt", "verified-sender", "deletion-confirmed")),
        ("the same, forged", ("deletion", "none", "unverified")),
        ("an offer, signature valid", ("offer", "25/3021", "receipt", "verified-sender")),
        ("an offer, changed after", ("offer", "25/3022", "receipt")),
        ("an application without DPIA", ("application", "receipt")),
        ("an out-of-office reply", ("auto", "none")),
        ("a question without an", ("other", "receipt")),
    ],
)
def test_the_demo_shows_what_became_of_each(shown: str, what: str, words: tuple[str, ...]) -> None:
    line = row(shown, what)
    assert all(word in line for word in words), line


def test_the_demo_shows_the_registers(shown: str) -> None:
    table = shown[shown.index("Deletion register") :]
    assert re.search(r"24/1187 +│ confirmed +│ verified-sender", table)
    assert re.search(r"23/456 +│ to-check +│ unverified", table) and not re.search(r"23/456 +│ confirmed", table)
    assert re.search(r"25/3021 .*intact, whole, trusted", table)
    assert re.search(r"25/3022 ", table) and not re.search(r"25/3022 .*intact, whole, trusted", table)
    assert re.search(r"Application .*: not found: .*dpia", table)
    assert re.search(r"Overdue: a reminder to \S+ in case 23/456 waits as a draft", table)


def test_the_demo_shows_an_answer_and_where_to_look_further(shown: str) -> None:
    assert "Auto-Submitted auto-replied" in shown and "olav.vik@hivolda.example" in shown
    assert re.search(r"Chat: +http://127\.0\.0\.1:\d+/chat", shown)
    assert re.search(r"Console: +http://127\.0\.0\.1:\d+/console +\(user \S+, password \S+\)", shown)
    seconds = re.search(r"\d+ mails in ([\d.]+) seconds", shown)
    assert seconds is not None and float(seconds[1]) < 60  # the demo itself gives up after 50
