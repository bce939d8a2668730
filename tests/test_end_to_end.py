"""The program as its operator starts it, between a real mailbox and a real relay: what goes in at one end and comes out at the other."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import signal
import smtplib
import socket
import subprocess
import sys
from email.message import Message
from pathlib import Path

import pytest

from tests.letters import EN, NB, NN, UNKNOWN, letter
from tests.servers import USER, free_port
from tests.site import PATIENCE, Service, Site, site

pytestmark = pytest.mark.usefixtures("model")  # learned before the first start


def to(here: Site, address: str) -> list[Message]:
    """What the relay got for an address."""
    return [message for message in here.sent() if message["To"] == address]


async def command(here: Site, *words: str) -> str:
    """Another program beside the running service; returns what it printed."""
    line = [sys.executable, "-m", "bot", *words, "--config", str(here.config)]
    process = await asyncio.create_subprocess_exec(*line, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def started(here: Site) -> Service:
    """The service, ready."""
    service = await here.start()
    await service.until("started")
    assert service.said("started"), "".join(map(str, service.events[-3:]))
    return service


def deliver(here: Site, *contents: bytes) -> None:
    """By LMTP to the mailbox, as the organisation's MTA does."""
    here.dovecot.deliver(*contents)
    for content in contents:
        here.offered[str(email.message_from_bytes(content)["Message-ID"])] = True


async def test_a_mail_in_the_mailbox_becomes_an_answer_a_folder_and_a_record() -> None:
    async with site() as here:
        service = await started(here)
        deliver(here, letter(*NB), letter(*NN, sender="Olav <olav@hivolda.example>"), letter(*EN, sender="Maria <maria@uni.example>"))
        deliver(here, letter(*UNKNOWN, sender="Siri <siri@fhi.example>"))
        here.offer(1, machine=True)
        await here.done(service)

        # what the world got
        for address in ("kari@uio.example", "olav@hivolda.example", "maria@uni.example"):
            (answer,) = to(here, address)
            assert (answer["From"].endswith(f"<{USER}>"), answer["Auto-Submitted"]) == (True, "auto-replied")
            assert answer["X-Auto-Response-Suppress"] == "All" and answer["In-Reply-To"] in here.offered
        (receipt,) = to(here, "siri@fhi.example")
        assert receipt["In-Reply-To"] == receipt["References"]
        envelopes = {recipients[0]: sender for sender, recipients, _ in here.sink.mails}
        assert (envelopes["siri@fhi.example"], envelopes["kari@uio.example"]) == ("", USER)
        (forward,) = to(here, "postmottak@ssb.example")
        parsed = email.message_from_bytes(forward.as_bytes(), policy=email.policy.default)
        (original,) = parsed.iter_attachments()  # type: ignore[attr-defined]
        assert original.get_content_type() == "message/rfc822"
        assert original.get_content()["From"] == "Siri <siri@fhi.example>"

        # where the mails lie
        counts = await asyncio.to_thread(here.dovecot.folders)
        assert {name: count for name, count in counts.items() if count} == {"Bot/Besvart": 3, "Bot/Annet": 1, "Bot/Automatisk": 1}

        # what the record holds
        rows = here.rows("SELECT category, reply, json_extract(reading.decision, '$.reasons') FROM mail JOIN reading USING (id)")
        assert sorted(row[:2] for row in rows) == sorted([("faq", "answer")] * 3 + [("other", "receipt"), ("auto", "none")])
        assert all(json.loads(row[2]) for row in rows)
        assert "whole" in await command(here, "audit", "verify")
        log = json.dumps(service.events)
        assert "Kari" not in log and "ntnu.example" not in log and NB[0] not in log  # identifiers and reasons, never content

        # it ends in order, and what is sent stays sent
        assert await service.end(signal.SIGTERM) == 0 and service.said("stopped")
        again = await started(here)
        await here.done(again)
        assert await again.end(signal.SIGTERM) == 0
        await here.check()


async def test_killed_in_the_middle_of_two_hundred_waiting_mails() -> None:
    """Each is recorded once, none is answered twice under another Message-ID; at most the one in flight comes twice under its own."""
    async with site() as here:
        here.offer(200)
        service = await here.start()
        await here.sink.wait(40, PATIENCE)
        await here.crash(service)
        assert len(here.sink.mails) >= 40 and here.unfinished(), "all was done before the kill: it fell in no middle"
        service = await started(here)
        await here.done(service)
        assert await service.end(signal.SIGTERM) == 0
        await here.check()
        assert sum((await asyncio.to_thread(here.dovecot.folders)).values()) == 200
        assert (await asyncio.to_thread(here.dovecot.folders))["INBOX"] == 0


async def test_sigterm_finishes_what_is_in_hand() -> None:
    async with site() as here:
        here.offer(60)
        service = await here.start()
        await here.sink.wait(10, PATIENCE)
        assert await service.end(signal.SIGTERM) == 0
        assert here.rows("SELECT count(*) FROM outbox WHERE state = 'sending'") == [(0,)]
        assert len({str(message["Message-ID"]) for message in here.sent()}) == len(here.sent())
        sent = here.rows("SELECT count(*) FROM outbox WHERE state = 'sent'")[0][0]
        assert sent == len(here.sink.mails), "what has left is known to have left"


@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
async def test_the_entrance_behind_an_mta(protocol: str) -> None:
    port = free_port()
    async with site(f'[smtp_in]\nlisten = "127.0.0.1:{port}"\nprotocol = "{protocol}"\n') as here:
        service = await started(here)
        client = smtplib.LMTP if protocol == "lmtp" else smtplib.SMTP

        def submit() -> None:
            with client("127.0.0.1", port) as mta:
                mta.sendmail("kari@uio.example", [USER], letter(*NB))
                mta.sendmail("kari@uio.example", [USER], letter(*NB))  # the MTA did not hear our 250 and comes again

        await asyncio.to_thread(submit)
        here.offered[str(email.message_from_bytes(letter(*NB))["Message-ID"])] = True
        await here.done(service)
        (answer,) = to(here, "kari@uio.example")
        assert answer["Auto-Submitted"] == "auto-replied"
        assert here.rows("SELECT source, envelope_from FROM mail") == [(protocol, "kari@uio.example")]
        assert await service.end(signal.SIGTERM) == 0


async def test_pause_and_resume_from_beside_the_running_service() -> None:
    async with site() as here:
        service = await started(here)
        await command(here, "pause")
        deliver(here, letter(*NB), letter(*UNKNOWN, sender="Siri <siri@fhi.example>"))
        await here.sink.wait(1, PATIENCE)
        await asyncio.sleep(1.5)  # a loop of the outbox and more
        assert [message["To"] for message in here.sent()] == ["postmottak@ssb.example"]
        await command(here, "resume")
        await here.done(service)
        assert {message["To"] for message in here.sent()} >= {"kari@uio.example", "siri@fhi.example"}
        assert await service.end(signal.SIGTERM) == 0


async def test_a_relay_that_takes_the_mail_and_dies_gets_the_same_mail_again() -> None:
    """R34: cut after DATA; whether it was taken nobody can know, so it comes again under the same Message-ID, and no third time."""
    async with site() as here:
        here.sink.replies, here.cuts = ["kept, drop"], 1
        service = await started(here)
        deliver(here, letter(*NB))
        await here.sink.wait(2, PATIENCE)
        assert service.said("delivered", result="waiting")
        await here.done(service)
        assert await service.end(signal.SIGTERM) == 0
        await here.check()
        assert len(here.sent()) == 2 and len({str(message["Message-ID"]) for message in here.sent()}) == 1


# ── starts that fail, each with one sentence ──────────────────────────────────────────────────────────────────


def run_service(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """``bot run`` with a configuration that cannot work; it must end by itself."""
    file = folder / "bot.toml"
    file.write_text(f'[service]\ndata = "{folder / "data"}"\n{text}')
    return subprocess.run([sys.executable, "-m", "bot", "run", "--config", str(file)], capture_output=True, text=True, timeout=PATIENCE)


@pytest.mark.parametrize(
    ("section", "key"), [('[smtp_in]\nlisten = "127.0.0.1:{port}"', "smtp_in.listen"), ('[web]\nlisten = "127.0.0.1:{port}"', "web.listen")]
)
def test_a_port_that_is_taken(tmp_path: Path, section: str, key: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = run_service(tmp_path, section.format(port=port))
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f'mikrodata-bot: {key} = "127.0.0.1:{port}" cannot be listened on') and "Traceback" not in done.stderr


async def test_a_second_service_on_the_same_store_is_refused() -> None:
    async with site() as here:
        service = await started(here)
        second = await here.start()
        assert await second.ended() == 2
        assert service.process.returncode is None
        assert await service.end(signal.SIGTERM) == 0
