"""The service as its operator meets it: a process that is reloaded and stopped, whose log tells nothing and whose secrets stay secret."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import smtplib
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.run import BUILT_IN
from bot.understanding import Model
from tests.servers import PASSWORD, USER, Dovecot, Sink, free_port, mail

PATIENCE = 60.0
SECRETS = {"BOT_OIDC__CLIENT_SECRET": "klient-hemmelighet-77"}
TELLTALE = ("Ragnfrid", "ragnfrid.solli", "utenlandsadopsjon", "fjellrev-42", "kvitteringsbrev")


class Running:
    """``bot run`` as a process; its log is read when it has ended."""

    def __init__(self, folder: Path, environment: dict[str, str], **sections: str) -> None:
        self.smtp, self.web, self.data = free_port(), free_port(), folder / "data"
        self.log = folder / "log"
        config = folder / "bot.toml"
        config.write_text(
            f'[service]\naddress = "{USER}"\ncolleagues = ["ssb.example"]\ndata = "{self.data}"\n'
            f'[smtp_in]\nlisten = "127.0.0.1:{self.smtp}"\n'
            f'[web]\nlisten = "127.0.0.1:{self.web}"\n'
            '[routing]\nfallback = "postmottak@ssb.example"\n' + "".join(f"[{name}]\n{text}\n" for name, text in sections.items()),
            encoding="utf-8",
        )
        command = [sys.executable, "-m", "bot", "run", "--config", str(config)]
        self.process = subprocess.Popen(command, stderr=self.log.open("w"), env={**os.environ, **environment})

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait; what does not come is the test's failure."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, f"the service ended: {self.log.read_text()[-600:]}"
            assert time.monotonic() < deadline, f"{what} did not come: {self.log.read_text()[-600:]}"
            time.sleep(0.05)

    def logged(self, event: str) -> int:
        """How often an event stands in the log."""
        return self.log.read_text().count(f'"event": "{event}"')

    def send(self, content: bytes, sender: str = "ragnfrid.solli@uio.example") -> None:
        """Through the SMTP entrance."""
        with smtplib.SMTP("127.0.0.1", self.smtp, timeout=20) as client:
            client.sendmail(sender, [USER], content)

    def get(self, path: str) -> str:
        """A page of the web."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.web}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    @property
    def outgoing(self) -> list[str]:
        """What left, oldest first."""
        folder = self.data / "outgoing" / "new"
        return [path.read_text(encoding="utf-8") for path in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)]

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE)


@pytest.fixture
def started(tmp_path: Path, model: Model) -> Iterator[Callable[..., Running]]:
    """Services that are ended with the test."""
    all_of_them: list[Running] = []

    def start(environment: dict[str, str] | None = None, **sections: str) -> Running:
        folder = tmp_path / str(len(all_of_them))
        folder.mkdir()
        service = Running(folder, environment or {}, **sections)
        all_of_them.append(service)
        service.until(lambda: service.logged("started") > 0, "the start")
        return service

    yield start
    for service in all_of_them:
        if service.process.poll() is None:
            service.process.kill()
            service.process.wait()


def test_changed_texts_are_taken_in_without_a_restart(started: Callable[..., Running], tmp_path: Path) -> None:
    """SIGHUP (``systemctl reload``): the next receipt and the next page are made from the new texts, and the service never stopped."""
    texts = tmp_path / "texts"
    for folder in ("mail", "web/console"):
        (texts / folder).mkdir(parents=True)
    service = started(templates=f'folder = "{texts}"')
    built_in = (BUILT_IN / "templates" / "mail" / "receipt.nb.txt.jinja").read_text(encoding="utf-8")
    subject, _, body = built_in.partition("\n")
    assert "Spør oss i dag" not in service.get("/?lang=nb")

    (texts / "mail" / "receipt.nb.txt.jinja").write_text(f"{subject}\n\nNy ordlyd fra i dag.\n{body}", encoding="utf-8")
    (texts / "web" / "words.toml").write_text('nb.title = "Spør oss i dag"\n', encoding="utf-8")
    (texts / "web" / "privacy.nb.html.jinja").write_text("<p>Ny erklæring fra i dag.</p>", encoding="utf-8")
    (texts / "web" / "console" / "login.html.jinja").write_text("<p>Ny innlogging fra i dag.</p>", encoding="utf-8")
    service.process.send_signal(signal.SIGHUP)
    service.until(lambda: service.logged("reloaded") == 1, "the reload")
    service.send(
        mail("Møte", "Hei! Har dere tid til et møte om samarbeid neste uke? Vi holder til i Bergen.", sender="Ole <ole@uio.example>")
    )
    service.until(lambda: service.logged("delivered") >= 2, "receipt and forward")

    assert any("Ny ordlyd fra i dag." in text for text in service.outgoing)
    assert "Spør oss i dag" in service.get("/?lang=nb")
    assert "Ny erklæring fra i dag." in service.get("/privacy?lang=nb")
    assert "Ny innlogging fra i dag." in service.get("/console/login")
    assert service.stop() == 0


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("knowledge/topics/price.toml", "price"),
        ("texts/mail/receipt.nb.txt.jinja", "mail/receipt.nb.txt.jinja"),
        ("texts/web/told.html.jinja", "told.html.jinja"),
        ("texts/web/console/words.toml", "console/words.toml"),
    ],
)
def test_texts_that_cannot_be_used_change_nothing(started: Callable[..., Running], tmp_path: Path, file: str, told: str) -> None:
    """A broken file at a reload raises an alarm that names it; the service goes on with all that it had."""
    for folder in ("knowledge/topics", "texts/mail", "texts/web/console"):
        (tmp_path / folder).mkdir(parents=True)
    service = started(knowledge=f'folder = "{tmp_path / "knowledge"}"', templates=f'folder = "{tmp_path / "texts"}"')

    (tmp_path / file).write_text("[dette {% er verken TOML eller en mal", encoding="utf-8")
    (tmp_path / "texts" / "web" / "layout.html.jinja").write_text("<p>Ny ramme.</p>", encoding="utf-8")
    service.process.send_signal(signal.SIGHUP)
    service.until(lambda: "reload-failed" in service.log.read_text(), "the alarm")
    service.send(mail("Signering", "Hvem kan signere tilbudet?", sender="Ole <ole@uio.example>"))
    service.until(lambda: service.logged("handled") == 1, "the mail")

    alarm = next(line for line in service.log.read_text().splitlines() if "reload-failed" in line)
    assert told in json.loads(alarm)["fault"]
    assert json.loads(service.get("/ready")) == {"status": "ready"}
    assert "Ny ramme." not in service.get("/?lang=nb")
    assert service.stop() == 0


def test_no_word_of_a_mail_and_no_secret_is_ever_logged(started: Callable[..., Running]) -> None:
    """Names, addresses, subject, text and file names stay out of log and metrics, and so do secrets; not in the list of processes either."""
    service = started(SECRETS)
    content = mail(
        "Om utenlandsadopsjon",
        "Hei, jeg er Ragnfrid og lurer på fjellrev-42. Legger ved et kvitteringsbrev.",
        sender="Ragnfrid Solli <ragnfrid.solli@uio.example>",
        attachments=(("kvitteringsbrev.txt", b"Ragnfrid og fjellrev-42", "text/plain"),),
    )
    service.send(content)
    service.send(
        b"From: Ragnfrid <ragnfrid.solli@uio.example>\r\nSubject: =?x-ukjent?B?fjellrev-42?=\r\nContent-Type: multipart/mixed\r\n\r\n\xff\xfe"
    )
    service.until(lambda: service.logged("handled") + service.logged("not-understood") == 2, "both mails")
    metrics = service.get("/metrics")
    processes = "".join(
        path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if _mine(path, service)
    )
    assert service.stop() == 0
    log = service.log.read_text()

    assert "bot.examine.worker" in processes  # the reader of the attachment was among those looked at
    for told in (log, metrics, processes):
        assert not [word for word in (*TELLTALE, *SECRETS.values()) if word in told]


def _mine(path: Path, service: Running) -> bool:
    """Whether a process is the service or its child."""
    try:
        fields = (path.parent / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return service.process.pid in (int(path.parent.name), int(fields[1]))


def test_the_reader_of_attachments_knows_no_secret(started: Callable[..., Running]) -> None:
    """A file that takes the worker over finds no password in its environment."""
    service = started(SECRETS)
    service.send(mail("Vedlegg", "Se vedlegg.", attachments=(("a.txt", b"tekst", "text/plain"),)))
    service.until(lambda: service.logged("handled") == 1, "the mail")

    children = (Path("/proc") / str(service.process.pid) / "task" / str(service.process.pid) / "children").read_text().split()
    workers = [child for child in children if b"bot.examine.worker" in (Path("/proc") / child / "cmdline").read_bytes()]
    environments = [(Path("/proc") / child / "environ").read_bytes() for child in workers]

    assert len(environments) == 1
    assert not [secret for secret in SECRETS.values() if secret.encode() in environments[0]]
    assert service.stop() == 0


def test_health_and_readiness(started: Callable[..., Running]) -> None:
    """``/health`` answers while the process does, ``/ready`` while its store does, ``/metrics`` in Prometheus' form."""
    service = started()

    assert json.loads(service.get("/health")) == {"status": "ok"}
    assert json.loads(service.get("/ready")) == {"status": "ready"}
    assert "# TYPE bot_mails_arrived_total counter" in service.get("/metrics")
    assert service.stop() == 0


async def test_a_stop_finishes_what_is_in_hand(started: Callable[..., Running], tmp_path: Path) -> None:
    """SIGTERM while a mail is being sent: the sink has it, and the store knows that it has."""
    sink = await Sink().start()
    out = f'host = "127.0.0.1"\nport = {sink.port}\nsecurity = "none"\nper_minute = 1000'
    dovecot = Dovecot(tmp_path / "dovecot").start()
    try:
        dovecot.append(
            *(mail(f"Signering {number}", "Hvem kan signere tilbudet?", sender=f"A <a{number}@uio.example>") for number in range(20))
        )
        box = f'host = "127.0.0.1"\nport = {dovecot.port}\nsecurity = "none"\nusername = "{USER}"'
        service = started({"BOT_IMAP__PASSWORD": PASSWORD}, imap=box, smtp_out=out)
        await sink.wait(3)
        service.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(service.process.wait, PATIENCE) == 0
    finally:
        dovecot.stop()
        await sink.stop()

    sent = _states(service.data / "bot.sqlite3")
    assert "sending" not in sent
    assert sent.count("sent") == len(sink.mails)


def _states(database: Path) -> list[str]:
    connection = sqlite3.connect(database)
    try:
        return [row[0] for row in connection.execute("SELECT state FROM outbox")]
    finally:
        connection.close()
