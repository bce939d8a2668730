"""``bot classify`` and ``bot receive`` through the real command line. The JSON keys are a contract: other programs read them."""

from __future__ import annotations

import email
import json
import mailbox
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.config import ConfigError
from tests.letters import CASE, DELETED, NB, NN, UNKNOWN, letter

pytestmark = pytest.mark.usefixtures("model")

Cli = Callable[..., Result]
OLA = "Ola Hansen <ola.hansen@ntnu.example>"

CLASSIFIED = [
    "file", "message_id", "auto", "auto_reason", "category", "confidence", "also", "language", "case_refs", "case_refs_ambiguous",
    "faq", "faqs", "faq_confidence", "faq_alternatives", "reply", "actions", "text", "attachments", "sensitive", "trust", "defects",
    "reasons",
]  # fmt: skip
CATEGORIES = {"faq", "application", "deletion", "offer", "case", "other", "auto"}
ACTIONS = {"answer", "receipt", "forward", "register", "link", "quarantine", "hold"}
TRUST = {"verified-sender", "verified-domain", "unverified"}


@pytest.fixture
def bot(tmp_path: Path) -> Cli:
    """``bot("receive", path)`` with a configuration of the test's own."""
    config = tmp_path / "bot.toml"
    config.write_text(
        f"""[service]
address = "mikrodata@ssb.example"
colleagues = ["ssb.example"]
data = {json.dumps(str(tmp_path / "data"))}
[routing]
intake = "soknad@ssb.example"
fallback = "postmottak@ssb.example"
trusted_authserv = ["mx.ssb.example"]
"""
    )
    return lambda *words: CliRunner().invoke(app, [*map(str, words), "--config", str(config)])


def rows(result: Result) -> list[dict[str, Any]]:
    """The JSON lines that a command printed."""
    assert result.exit_code == 0, (result.output, result.exception)
    return [json.loads(line) for line in result.stdout.splitlines()]


def put(folder: Path, name: str, content: bytes) -> Path:
    """A file with a mail."""
    path = folder / name
    path.write_bytes(content)
    return path


# ── classify ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def samples(tmp_path: Path) -> list[Path]:
    """One mail of several kinds each."""
    contents = {
        "sporsmal": letter(*NB, proven=True),
        "nynorsk": letter(*NN),
        "sletting": letter(*DELETED, sender=OLA, proven=True),
        "sak": letter(*CASE, sender=OLA, proven=True, files={"liste.csv": b"a;b\n1;2\n"}),
        "annet": letter(*UNKNOWN),
        "fravaer": letter("Automatisk svar: Tilbud", "Jeg er ikke på kontoret.\n", headers={"Auto-Submitted": "auto-replied"}),
        "odelagt": b"\x00\xff\xfe",
        "tom": b"",
    }
    return [put(tmp_path, f"{name}.eml", content) for name, content in contents.items()]


def test_classify_has_exactly_the_keys_of_the_contract(bot: Cli, samples: list[Path]) -> None:
    found = rows(bot("classify", "--json", *samples))
    assert [row["file"] for row in found] == [str(path) for path in samples]
    for row in found:
        assert list(row) == CLASSIFIED
        assert row["category"] in CATEGORIES and set(row["also"]) <= CATEGORIES and row["language"] in ("nb", "nn", "en")
        assert isinstance(row["auto"], bool) and (row["category"] == "auto") is row["auto"]
        assert 0 <= row["confidence"] <= 1 and 0 <= row["faq_confidence"] <= 1
        assert row["reply"] in ("answer", "receipt", "none") and set(row["actions"]) <= ACTIONS and row["trust"] in TRUST
        assert all(isinstance(row[name], list) for name in ("case_refs", "case_refs_ambiguous", "faqs", "sensitive", "defects", "reasons"))
        assert all(list(entry) == ["id", "confidence"] for entry in row["faq_alternatives"])
        assert all(list(part) == ["name", "type", "size", "kind"] for part in row["attachments"])
        assert row["reasons"], "every decision has its reasons"


def test_classify_says_what_it_understands(bot: Cli, samples: list[Path]) -> None:
    question, nynorsk, deletion, case, other, away, broken, empty = rows(bot("classify", "--json", *samples))
    assert (question["category"], question["reply"], question["actions"]) == ("faq", "answer", ["answer"])
    assert question["faq"] == "who-can-sign" and question["faqs"] == ["who-can-sign"]
    assert question["message_id"].startswith("<") and question["text"].startswith("Hei,")
    assert nynorsk["language"] == "nn"
    assert (deletion["category"], deletion["case_refs"], deletion["trust"]) == ("deletion", ["24/1187"], "verified-domain")
    assert (case["category"], [part["kind"] for part in case["attachments"]]) == ("case", ["csv"])
    assert (other["category"], other["reply"], other["faq"]) == ("other", "receipt", None)
    assert (away["auto"], away["category"], away["reply"], away["actions"]) == (True, "auto", "none", [])
    assert away["auto_reason"] and not question["auto_reason"]
    assert broken["defects"] or empty["defects"]
    confidences = [[entry["confidence"] for entry in row["faq_alternatives"]] for row in (question, nynorsk, deletion, case, other)]
    assert all(len(each) == 5 and each == sorted(each, reverse=True) for each in confidences), "five, best first, for every human mail"


def test_classify_changes_nothing(bot: Cli, samples: list[Path], tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in samples}
    bot("classify", "--json", *samples)
    assert {path.name: path.read_bytes() for path in samples} == before
    assert not (tmp_path / "data" / "bot.sqlite3").exists()


def test_classify_counts_the_mails_of_an_mbox(bot: Cli, tmp_path: Path) -> None:
    made = mailbox.mbox(tmp_path / "box")
    for what in (NB, UNKNOWN):
        made.add(letter(*what))
    made.close()
    assert [row["file"] for row in rows(bot("classify", "--json", tmp_path / "box"))] == [f"{tmp_path / 'box'}#1", f"{tmp_path / 'box'}#2"]


def test_classify_for_people(bot: Cli, samples: list[Path]) -> None:
    shown = bot("classify", samples[0]).stdout
    assert "category   faq" in shown and "who-can-sign" in shown and "why" in shown


def test_classify_without_a_configuration_and_through_a_pipe(samples: list[Path]) -> None:
    """As another program calls it; a reader that leaves early is no fault."""
    line = [sys.executable, "-m", "bot", "classify", "--json", *map(str, samples * 3)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        assert list(json.loads(process.stdout.readline())) == CLASSIFIED
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) in (0, 1, 141, -13)


# ── receive ───────────────────────────────────────────────────────────────────────────────────────────────────


def outgoing(folder: Path) -> list[email.message.Message]:
    """What lies in the Maildir of outgoing mail."""
    return [email.message_from_bytes(path.read_bytes()) for path in sorted((folder / "data" / "outgoing" / "new").glob("*"))]


def test_receive_handles_and_delivers_until_nothing_waits(bot: Cli, samples: list[Path], tmp_path: Path) -> None:
    found = rows(bot("receive", "--json", *samples[:6]))
    assert all(list(row) == ["file", "category", "case", "actions", "reasons"] for row in found)
    assert [row["category"] for row in found] == ["faq", "faq", "deletion", "case", "other", "auto"]
    assert [row["file"] for row in found] == [str(path) for path in samples[:6]]
    mails = outgoing(tmp_path)
    assert sum(mail["Auto-Submitted"] == "auto-replied" for mail in mails) == 5
    assert {mail["To"] for mail in mails} >= {"kari@uio.example", "postmottak@ssb.example"}


def test_receive_again_changes_nothing(bot: Cli, samples: list[Path], tmp_path: Path) -> None:
    first = rows(bot("receive", "--json", *samples[:3]))
    count = len(outgoing(tmp_path))
    assert rows(bot("receive", "--json", *samples[:3])) == first and len(outgoing(tmp_path)) == count


def test_receive_tells_of_each_file_even_when_two_are_one_mail(bot: Cli, tmp_path: Path) -> None:
    paths = [put(tmp_path, name, letter(*NB)) for name in ("a.eml", "b.eml")]
    found = rows(bot("receive", "--json", *paths))
    assert [(row["file"], row["category"]) for row in found] == [(str(paths[0]), "faq"), (str(paths[1]), "faq")]
    assert len(outgoing(tmp_path)) == 1


def test_receive_takes_mbox_and_maildir(bot: Cli, tmp_path: Path) -> None:
    made = mailbox.mbox(tmp_path / "box")
    made.add(letter(*NB))
    made.close()
    mailbox.Maildir(tmp_path / "Maildir").add(letter(*UNKNOWN))
    assert [row["category"] for row in rows(bot("receive", "--json", tmp_path / "box", tmp_path / "Maildir"))] == ["faq", "other"]


def test_receive_has_no_age_limit(bot: Cli, tmp_path: Path) -> None:
    """What somebody hands in today is answered today, whatever its Date says."""
    old = letter(*NB).replace(b"Mon, 02 Mar 2026", b"Fri, 02 Mar 2012")
    assert rows(bot("receive", "--json", put(tmp_path, "gammel.eml", old)))[0]["actions"] == ["answer"]


def test_a_wrong_path_takes_nothing_in(bot: Cli, samples: list[Path], tmp_path: Path) -> None:
    result = bot("receive", samples[0], tmp_path / "finnes-ikke.eml")
    assert isinstance(result.exception, ConfigError)
    assert str(result.exception) == f"{tmp_path / 'finnes-ikke.eml'} does not exist; give .eml files, an mbox or a Maildir"
    database = tmp_path / "data" / "bot.sqlite3"
    assert not database.exists() or sqlite3.connect(database).execute("SELECT count(*) FROM mail").fetchone() == (0,)


def test_receive_says_what_could_not_leave(tmp_path: Path, samples: list[Path]) -> None:
    """The relay is away: the mails are handled, wait in the outbox, and the command says so and ends."""
    config = tmp_path / "bot.toml"
    config.write_text(
        f'[service]\ndata = "{tmp_path / "data"}"\n[smtp_out]\nhost = "127.0.0.1"\nport = 9\nsecurity = "none"\ntimeout_seconds = 2\n'
    )
    line = [sys.executable, "-m", "bot", "receive", "--json", str(samples[0]), "--config", str(config)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and json.loads(done.stdout)["category"] == "faq"
    assert done.stderr.strip() == "mails that could not leave yet: 1; the service sends them when they are due"
