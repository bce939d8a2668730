"""``bot classify`` over the golden set: the figures of the whole set through the same way that the command takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from tests.mail.golden import FOLDER, pairs, words


@pytest.fixture(scope="module")
def classified(model: object, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """One JSON object a mail; ``model`` is learned by then."""
    settings = tmp_path_factory.mktemp("classify") / "config.toml"
    settings.write_text('[service]\naddress = "mikrodata@ssb.example"\n', encoding="utf-8")
    result = CliRunner().invoke(
        app, ["classify", "--json", "--config", str(settings), *(str(path) for path in sorted(FOLDER.glob("*.eml")))]
    )
    assert result.exit_code == 0, result.output[-2000:]
    return {Path(row["file"]).stem: row for row in map(json.loads, result.stdout.splitlines())}


def test_every_mail_has_its_line(classified: dict[str, dict[str, object]]) -> None:
    assert set(classified) == {pair.name for pair in pairs()}


def test_figures(classified: dict[str, dict[str, object]]) -> None:
    """Machines: recall 1.0, precision ≥ 0.99. Own text equal in ≥ 97 %. Language right in ≥ 99 % over 40 characters."""
    told = [(bool(pair.expected["auto"]), bool(classified[pair.name]["auto"])) for pair in pairs()]
    right = sum(expected and found for expected, found in told)
    texts = [words(str(classified[p.name]["text"])) == words(p.expected["text"]) for p in pairs() if "text" in p.expected]
    languages = [
        classified[p.name]["language"] == p.expected["language"]
        for p in pairs()
        if "language" in p.expected and len(p.expected.get("text", "")) > 40
    ]
    assert right == sum(expected for expected, _ in told)
    assert right / sum(found for _, found in told) >= 0.99
    assert sum(texts) / len(texts) >= 0.97
    assert len(languages) > 60 and sum(languages) / len(languages) >= 0.99


def test_no_machine_gets_a_reply(classified: dict[str, dict[str, object]]) -> None:
    for pair in pairs():
        if pair.expected["auto"]:
            row = classified[pair.name]
            assert (row["category"], row["reply"]) == ("auto", "none"), pair.name
