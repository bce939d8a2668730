"""The SMTP and LMTP entrance: every conversation in ``tests/dialogs`` over a raw socket, and what a file cannot say.

A conversation is a text file::

    # what it is about
    # store = fails           settings, each with a default: protocol, max_bytes, allowed, store (ok | fails), kept, from, to, holds
    S: 220                    the next reply has a line that begins so; ``<closed>``: the server ends the connection,
                              ``<left>``: the client does, without a word
    C: EHLO mx.example        sent with CRLF; lines that follow each other leave in one packet (pipelining, RFC 2920)
    C~ a\\n.\\nb                sent as it stands; \\r \\n \\xNN are escapes and {x*2000} repeats

``kept`` is the number of mails that must have been taken over, ``from``, ``to``, ``holds`` and ``lacks`` speak of the last one.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import smtplib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.model import Raw
from bot.sources.smtp import Entrance
from bot.store import StoreUnavailable
from tests.servers import mail

DIALOGS = sorted((Path(__file__).parent.parent / "dialogs").glob("*.txt"))
SECRET = "/srv/bot.sqlite3 is full, kari@uio.example"  # what an exception may say and no client may hear
NOW = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
PATIENCE = 10  # seconds for one reply


@dataclass
class Taker:
    """The other side of ``receive``: keeps what it is given, or fails as a full disk does."""

    fails: bool = False
    mails: list[Raw] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def receive(self, raw: Raw) -> bool:
        await self.gate.wait()
        if self.fails:
            raise StoreUnavailable(SECRET)
        self.mails.append(raw)
        return True


@contextlib.asynccontextmanager
async def listening(taker: Taker, **options: object) -> AsyncIterator[Entrance]:
    """An entrance on a free port, closed at the end."""
    troubles: list[str] = []
    entrance = Entrance("127.0.0.1", 0, lambda: NOW, lambda what, error: troubles.append(what), **options)  # type: ignore[arg-type]
    entrance.troubles = troubles  # type: ignore[attr-defined]
    task = asyncio.create_task(entrance.run(taker.receive))
    await entrance.listening.wait()
    try:
        yield entrance
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


# ── conversations ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Dialog:
    """A conversation as its file tells it."""

    settings: dict[str, str]
    steps: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, path: Path) -> Dialog:
        settings: dict[str, str] = {}
        steps: list[tuple[str, str]] = []
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.startswith("#"):
                if found := re.match(r"# (protocol|max_bytes|allowed|store|kept|from|to|holds|lacks) = (.*)", line):
                    settings[found[1]] = found[2]
            elif line[:3] in ("C: ", "C~ ", "S: "):
                steps.append((line[:2], line[3:]))
            elif line.strip() not in ("", "C:"):
                raise ValueError(f"{path.name}:{number}: neither C: nor C~ nor S: nor #")
            elif line.strip() == "C:":
                steps.append(("C:", ""))
        return cls(settings, tuple(steps))


def sent_bytes(kind: str, text: str) -> bytes:
    """What a C line sends."""
    text = re.sub(r"\{(.+?)\*(\d+)\}", lambda found: found[1] * int(found[2]), text)
    escaped = re.sub(r"\\(r|n|x[0-9a-f]{2})", lambda found: {"r": "\r", "n": "\n"}.get(found[1]) or chr(int(found[1][1:], 16)), text)
    # \xNN is a byte, everything else is UTF-8
    content = b"".join(bytes([ord(char)]) if 0x80 <= ord(char) <= 0xFF and "\\x" in text else char.encode() for char in escaped)
    return content + (b"\r\n" if kind == "C:" else b"")


async def reply(reader: asyncio.StreamReader) -> list[str]:
    """One reply of one or more lines (RFC 5321 § 4.2.1); empty when the server has closed."""
    lines: list[str] = []
    while True:
        line = (await asyncio.wait_for(reader.readline(), PATIENCE)).decode("utf-8", "replace")
        if not line:
            return lines
        assert line.endswith("\r\n"), f"a reply line without CRLF: {line!r}"
        lines.append(line.removesuffix("\r\n"))
        if line[3:4] != "-":
            return lines


async def talk(port: int, steps: tuple[tuple[str, str], ...]) -> list[str]:
    """Hold the conversation; returns all that the server said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    said: list[str] = []
    waiting = b""
    try:
        for number, (kind, text) in enumerate(steps, 1):
            if kind != "S:":
                waiting += sent_bytes(kind, text)
                continue
            if waiting:
                writer.write(waiting)
                waiting = b""
            if text == "<left>":
                await writer.drain()
                writer.close()
                return said + await talk(port, (("S:", "220"), ("C:", "QUIT"), ("S:", "221")))  # what follows shows it was noticed
            lines = await reply(reader)
            said += lines
            if text == "<closed>":
                assert lines == [], f"step {number}: the connection should be closed, the server says {lines}"
            else:
                assert any(line.startswith(text) for line in lines), f"step {number}: expected {text!r}, the server says {lines}"
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return said


@pytest.mark.parametrize("path", DIALOGS, ids=lambda path: path.stem)
async def test_conversation(path: Path) -> None:
    dialog = Dialog.read(path)
    told = dialog.settings
    taker = Taker(fails=told.get("store") == "fails")
    options: dict[str, object] = {"protocol": told.get("protocol", "smtp"), "max_bytes": int(told.get("max_bytes", 1_000_000))}
    if "allowed" in told:
        options["allowed"] = tuple(told["allowed"].split())
    async with listening(taker, **options) as entrance:
        said = await talk(entrance.address[1], dialog.steps)
        assert bool(entrance.troubles) == (told.get("store") == "fails")  # type: ignore[attr-defined]
    assert len(taker.mails) == int(told["kept"]), [raw.content[:200] for raw in taker.mails]
    assert not any(part in line for line in said for part in (SECRET, "Traceback", "Exception", "Error(", "RuntimeError", ".py"))
    if taker.mails:
        last = taker.mails[-1]
        assert last.envelope_from == told.get("from", last.envelope_from)
        assert list(last.envelope_to) == told.get("to", " ".join(last.envelope_to)).split()
        assert sent_bytes("C~", told.get("holds", "")) in last.content
        assert "lacks" not in told or sent_bytes("C~", told["lacks"]) not in last.content


def test_every_conversation_says_what_it_is_about() -> None:
    assert len(DIALOGS) >= 20
    for path in DIALOGS:
        assert re.fullmatch(r"\d\d-[a-z0-9-]+\.txt", path.name), path.name
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith("# ") and " = " not in first, path.name


# ── what a file cannot say ────────────────────────────────────────────────────────────────────────────────────


async def test_the_mail_is_kept_byte_for_byte_under_its_hash() -> None:
    content = mail("Blåbær", "Linje én\n.punktum først\n..to punktum\n\nsist").replace(b"\n", b"\r\n")
    taker = Taker()
    async with listening(taker) as entrance:
        await asyncio.to_thread(submit, entrance.address[1], content)
    (raw,) = taker.mails
    assert raw.content == content
    assert raw == Raw("sha256:" + hashlib.sha256(content).hexdigest(), content, NOW, "smtp", "kari@uio.example", ("mikrodata@ssb.example",))


async def test_lmtp_names_itself_as_the_source() -> None:
    taker = Taker()
    async with listening(taker, protocol="lmtp") as entrance:
        await asyncio.to_thread(submit, entrance.address[1], mail(), smtplib.LMTP)
    assert [raw.source for raw in taker.mails] == ["lmtp"]


async def test_250_comes_after_the_store_has_the_mail() -> None:
    taker = Taker()
    taker.gate.clear()
    async with listening(taker) as entrance:
        sending = asyncio.create_task(asyncio.to_thread(submit, entrance.address[1], mail()))
        done, _ = await asyncio.wait({sending}, timeout=0.3)
        assert not done and not taker.mails
        taker.gate.set()
        await sending
    assert len(taker.mails) == 1


async def test_a_fault_of_ours_is_told_to_the_journal() -> None:
    taker = Taker(fails=True)
    async with listening(taker) as entrance:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            await asyncio.to_thread(submit, entrance.address[1], mail())
        assert refused.value.smtp_code == 451
        assert entrance.troubles == ["not taken over"]  # type: ignore[attr-defined]


async def test_after_a_fault_of_ours_the_same_connection_goes_on() -> None:
    taker = Taker(fails=True)
    async with listening(taker) as entrance:

        def twice() -> None:
            with smtplib.SMTP("127.0.0.1", entrance.address[1]) as client:
                with pytest.raises(smtplib.SMTPDataError):
                    client.sendmail("kari@uio.example", ["mikrodata@ssb.example"], mail("første"))
                taker.fails = False
                client.sendmail("kari@uio.example", ["mikrodata@ssb.example"], mail("andre"))

        await asyncio.to_thread(twice)
    assert len(taker.mails) == 1 and b"andre" in taker.mails[0].content


async def test_many_clients_at_once() -> None:
    taker = Taker()
    mails = [mail(f"nummer {number}", "x" * 20_000) for number in range(40)]
    async with listening(taker) as entrance:
        await asyncio.gather(*(asyncio.to_thread(submit, entrance.address[1], content) for content in mails))
    assert len({raw.key for raw in taker.mails}) == 40


async def test_stopping_waits_for_the_mail_that_is_being_taken_over() -> None:
    taker = Taker()
    taker.gate.clear()
    entrance = Entrance("127.0.0.1", 0, lambda: NOW, lambda what, error: None)
    task = asyncio.create_task(entrance.run(taker.receive))
    await entrance.listening.wait()
    sending = asyncio.create_task(asyncio.to_thread(submit, entrance.address[1], mail()))
    while not entrance._at_work:
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.1)
    assert not task.done()
    taker.gate.set()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await sending
    assert len(taker.mails) == 1


async def test_a_port_that_is_taken_is_an_os_error() -> None:
    taker = Taker()
    async with listening(taker) as first:
        second = Entrance("127.0.0.1", first.address[1], lambda: NOW, lambda what, error: None)
        with pytest.raises(OSError, match=r"address already in use|Address already in use"):
            await second.run(taker.receive)


async def test_more_recipients_than_we_take_are_put_off() -> None:
    taker = Taker()
    async with listening(taker, protocol="lmtp") as entrance:
        steps = [("S:", "220"), ("C:", "LHLO mx.example"), ("S:", "250"), ("C:", "MAIL FROM:<kari@uio.example>"), ("S:", "250")]
        steps += [step for number in range(1000) for step in (("C:", f"RCPT TO:<bruker{number}@ssb.example>"), ("S:", "250"))]
        steps += [("C:", "RCPT TO:<en-til@ssb.example>"), ("S:", "452")]
        steps += [("C:", "DATA"), ("S:", "354"), ("C:", "Subject: til mange\r\n\r\nhei\r\n."), *[("S:", "250 2.0.0")] * 1000]
        await talk(entrance.address[1], tuple(steps))
    (raw,) = taker.mails
    assert len(raw.envelope_to) == 1000


@pytest.mark.parametrize(
    ("allowed", "address", "may"),
    [
        (("10.0.0.0/8",), "10.1.2.3", True),
        (("10.0.0.0/8",), "11.1.2.3", False),
        (("10.0.0.0/8",), "::ffff:10.1.2.3", True),
        (("10.0.0.5",), "10.0.0.5", True),
        (("fd00::/8",), "fd12::1", True),
        (("fd00::/8",), "10.0.0.1", False),
        (("127.0.0.0/8",), "::1", False),
        ((), "127.0.0.1", False),
        (("0.0.0.0/0",), "no address", False),
    ],
)
def test_who_may_talk(allowed: tuple[str, ...], address: str, may: bool) -> None:
    entrance = Entrance("127.0.0.1", 0, lambda: NOW, lambda what, error: None, allowed=allowed)
    assert entrance._may_talk((address, 4711)) is may


def submit(port: int, content: bytes, kind: type[smtplib.SMTP] = smtplib.SMTP) -> None:
    """Hand one mail over as an MTA does."""
    with kind("127.0.0.1", port) as client:
        client.sendmail("kari@uio.example", ["mikrodata@ssb.example"], content)
