"""``bot reconcile`` through the real command line against a real server, and a breaker that a person lets go (R42)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.config import ConfigError
from bot.run import now
from tests.held import within
from tests.servers import PASSWORD, USER, Dovecot, mail

Cli = Callable[..., Result]


@pytest.fixture
def dovecot(tmp_path: Path) -> Iterator[Dovecot]:
    server = Dovecot(tmp_path / "dovecot").start()
    yield server
    server.stop()


@pytest.fixture
def bot(tmp_path: Path, dovecot: Dovecot) -> Cli:
    """``bot("reconcile")`` with the configuration of the test."""
    imap = f'[imap]\nhost = "127.0.0.1"\nport = {dovecot.port}\nsecurity = "none"\nusername = "{USER}"\npassword = "{PASSWORD}"\n'
    (tmp_path / "bot.toml").write_text(f"[service]\ndata = {json.dumps(str(tmp_path / 'data'))}\n{imap}")
    return lambda *words: CliRunner().invoke(app, [*words, "--config", str(tmp_path / "bot.toml")])


def test_r42_the_ledger_on_demand(bot: Cli, dovecot: Dovecot, tmp_path: Path) -> None:
    empty = bot("reconcile")
    assert (empty.exit_code, empty.stdout.splitlines()[0]) == (0, "INBOX: 0 on the server = 0")
    dovecot.deliver(*(mail(f"Nummer {number}") for number in range(3)))
    found = bot("reconcile")
    lines = found.stdout.splitlines()
    assert found.exit_code == 1
    assert lines[0] == "INBOX: 3 on the server = 3 not recorded"
    assert lines[2] == "not recorded: UID 1, 2, 3" and lines[3].startswith("taken in now: 3")
    again = bot("reconcile", "--json")
    table = json.loads(again.stdout)
    assert again.exit_code == 0
    assert (table["folder"], table["on_server"], table["here"], table["gaps"], table["taken_in"]) == ("INBOX", 3, {"waiting": 3}, [], 0)
    events = within(tmp_path / "data" / "bot.sqlite3", lambda tx: tx.events_of("INBOX"))
    assert [json.loads(event["facts"])["gaps"] for event in events] == [[], [1, 2, 3], []]


def test_a_server_that_cannot_be_asked_is_one_sentence(bot: Cli, dovecot: Dovecot) -> None:
    dovecot.stop()
    result = bot("reconcile")
    assert isinstance(result.exception, ConfigError)
    assert str(result.exception).startswith(f"imap: 127.0.0.1:{dovecot.port} cannot be asked (")


def test_without_a_mailbox_there_is_nothing_to_compare(tmp_path: Path) -> None:
    (tmp_path / "bot.toml").write_text(f"[service]\ndata = {json.dumps(str(tmp_path / 'data'))}\n")
    result = CliRunner().invoke(app, ["reconcile", "--config", str(tmp_path / "bot.toml")])
    assert isinstance(result.exception, ConfigError) and "[imap]" in str(result.exception)


def test_r42_a_person_lets_the_breaker_go_and_hears_why_it_held(bot: Cli, tmp_path: Path) -> None:
    database = tmp_path / "data" / "bot.sqlite3"
    within(database, lambda tx: tx.pause("too-many-in-an-hour", now()))
    bot("pause")  # too late to be the reason
    assert bot("resume").stdout == "Resumed; it was held because: too-many-in-an-hour.\n"
    assert within(database, lambda tx: tx.paused_by()) == ""
