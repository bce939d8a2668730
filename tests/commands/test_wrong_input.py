"""What commands say to wrong input: one sentence on standard error that names it and what would be right, and status 2."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.cli import main, sentence

Refused = Callable[..., str]

pytestmark = pytest.mark.usefixtures("model")

CONFIGS = {
    "ok.toml": '[service]\ndata = "data"\n',
    "broken.toml": "[service\n",
    "no-folder.toml": '[service]\ndata = "a-file/data"\n',
    "no-database.toml": '[store]\nurl = "sqlite:///a-file"\n',
    "bad-knowledge.toml": '[knowledge]\nfolder = "knowledge"\n',
    "bad-texts.toml": '[service]\ndata = "data"\n[templates]\nfolder = "texts"\n',
}


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """``refused("doctor", "--config", "broken.toml")``: the sentence, in a folder with wrong files of all kinds."""
    monkeypatch.chdir(tmp_path)
    for name, text in CONFIGS.items():
        Path(name).write_text(text, encoding="utf-8")
    Path("a-file").write_text("neither a folder nor a database\n" * 100, encoding="utf-8")
    Path("latin-1.txt").write_bytes("blåbær".encode("latin-1"))
    for folder, name in (("knowledge/topics", "price.toml"), ("texts/mail", "receipt.nb.txt.jinja")):
        Path(folder).mkdir(parents=True)
        (Path(folder) / name).write_text("[neither {% TOML nor a template", encoding="utf-8")

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["mikrodata-bot", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr().err
        assert ended.value.code == 2, said
        assert said.startswith("mikrodata-bot: ") and said.count("\n") == 1, said
        assert "should not have happened" not in said
        return said.removeprefix("mikrodata-bot: ").rstrip("\n")

    return run


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("doctor --config none.toml", "give the path of a configuration file"),
        ("doctor --config broken.toml", "is not valid TOML"),
        ("run --config no-folder.toml", "give a service.data that this user may write to"),
        ("run --config bad-knowledge.toml", "price.toml is no valid TOML"),
        ("run --config bad-texts.toml", "the template mail/receipt.nb.txt.jinja cannot be used"),
        ("demo --once --folder a-file/demo", "give a folder that this user may write to"),
        ("pause --config no-folder.toml", "the store cannot be used now"),
        ("cases list --config no-database.toml", "a-file cannot be opened as a store"),
        ("classify none.eml", "none.eml does not exist"),
        ("receive none.eml --config ok.toml", "none.eml does not exist"),
        ("ask --language tysk Hei", "must be nb, nn or en"),
        ("evaluate none", "none/labels.jsonl cannot be read"),
        ("evaluate --questions latin-1.txt", "is not UTF-8 text"),
        ("evaluate --plot a-file/curve.svg", "a-file/curve.svg cannot be written"),
        ("evaluate --paraphrases --config bad-knowledge.toml", "price.toml is no valid TOML"),
        ("learn none.jsonl --config ok.toml", "give a file of corrections"),
        ("cases import none.csv --config ok.toml", "give a CSV, xlsx or JSON lines file"),
        ("cases show 24/1 --config ok.toml", "`bot cases list` shows them all"),
        ("deletions verdict 9 confirmed --reason x --config ok.toml", "`bot deletions list` shows them"),
        ("deletions export --xlsx a-file/x.xlsx --config ok.toml", "give a file in a folder that exists"),
        ("applications tie M-2026-0001 24/1 --config ok.toml", "`bot applications list` shows them all"),
        ("archive --config ok.toml", "give either a folder to write or --acknowledge"),
        ("archive a-file/out --config ok.toml", "give a folder that can be made and written"),
        ("archive --acknowledge none --config ok.toml", "none is no finished hand-over"),
        ("backup copy --config ok.toml", "there is nothing to copy"),
        ("restore none --config ok.toml", "give one that `bot backup` has written"),
        ("restore a-file --config ok.toml", "a-file: file is not a database"),
        ("person export kari --config ok.toml", "give one like kari@uio.example"),
        ("user role kari king --config ok.toml", "must be one of reader, caseworker, lead"),
        ("user disable kari --config ok.toml", "`bot user list` shows them all"),
        ("reconcile --config ok.toml", "needs the section [imap]"),
    ],
)
def test_one_sentence_says_what_to_do(refused: Refused, command: str, told: str) -> None:
    assert told in refused(*command.split())


def test_an_error_that_no_command_foresees_tells_where_and_never_its_text() -> None:
    """A file is named, for the operator has given it; the text of any other error could hold a mail's words."""
    assert sentence(PermissionError(13, "Permission denied", "data/x")) == "data/x cannot be used (Permission denied)"
    said = sentence(ValueError("Kari Lund writes of an adoption"))
    assert "ValueError" in said and "Kari" not in said


def test_a_number_of_days_below_zero(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["mikrodata-bot", "deletions", "list", "--due", "--days", "-4"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2 and "--days" in capsys.readouterr().err


def test_an_interrupt_while_the_program_loads_leaves_no_traceback(tmp_path: Path) -> None:
    """Ctrl+C at the moment when the command line is imported: here a stand-in for typer gives it."""
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt")
    ended = subprocess.run(
        [sys.executable, "-m", "bot", "doctor"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")
