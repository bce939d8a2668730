"""The settings: what each wrong one dies with, the environment on top, secrets in files, and the example that lists them all."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from bot.config import ConfigError, Settings, load

ROOT = Path(__file__).parent.parent
BAD = sorted((ROOT / "tests" / "bad_config").glob("*.toml"))
IMAP = '[imap]\nhost = "imap.example.no"\nusername = "mikrodata@ssb.example"\n'


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own environment, and paths as the repository has them."""
    for name in [name for name in os.environ if name.startswith("BOT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(ROOT)


def written(folder: Path, text: str) -> Path:
    """A configuration file."""
    file = folder / "bot.toml"
    file.write_text(text, encoding="utf-8")
    return file


def sentence(path: Path) -> str:
    """What loading the file dies with."""
    with pytest.raises(ConfigError) as died:
        load(path)
    return str(died.value)


# ── wrong files ───────────────────────────────────────────────────────────────────────────────────────────────


def expected(path: Path) -> str:
    """The sentence of the file's first line; ``...`` at its end stands for more of a list."""
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# dies with: "), path.name
    return first.removeprefix("# dies with: ").replace("{file}", str(path.relative_to(ROOT)))


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_wrong_file_dies_with_its_sentence(path: Path) -> None:
    said, wanted = sentence(path.relative_to(ROOT)), expected(path)
    assert said == wanted or (wanted.endswith("...") and said.startswith(wanted[:-3]))
    assert "\n" not in said and "hemmelig" not in said and len(said) < 300


def test_there_is_a_wrong_file_for_each_kind_of_fault() -> None:
    assert len(BAD) >= 25
    assert all(re.fullmatch(r"\d\d-[a-z0-9-]+\.toml", path.name) for path in BAD)
    assert len({path.name[:2] for path in BAD}) == len(BAD)


def bot(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program as the user starts it."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *words], capture_output=True, text=True, timeout=60, cwd=ROOT, env={**os.environ, **environment}
    )


@pytest.mark.parametrize("name", ["02-unknown-key", "12-clear-text-to-a-distant-host", "35-not-toml"])
def test_the_service_dies_with_one_line(name: str) -> None:
    path = next(path for path in BAD if path.stem == name)
    done = bot("run", "--config", str(path.relative_to(ROOT)))
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("mikrodata-bot: " + expected(path).removesuffix("..."))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    missing = tmp_path / "no.toml"
    assert sentence(missing) == f'--config "{missing}" cannot be read (No such file or directory); give the path of a configuration file'
    done = bot("run", "--config", str(missing))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    file = tmp_path / "bot.toml"
    file.write_bytes('[service]\norganisation = "Språkrådet"\n'.encode("latin-1"))
    assert "is not UTF-8 text" in sentence(file)


@pytest.mark.parametrize(
    "secret", ["imap.password = 4711", 'imap.pasword = "hemmelig"', 'oauth2.client_secret = ["hemmelig"]', 'imap.auth = "hemmelig"']
)
def test_a_secret_is_never_told(tmp_path: Path, secret: str) -> None:
    section, _, rest = secret.partition(".")
    said = sentence(written(tmp_path, f"[{section}]\n{rest}\n"))
    assert "4711" not in said and ("hemmelig" not in said or "auth" in said)


# ── the environment ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path, IMAP + 'password = "from-the-file"\nport = 1993\n[service]\nmode = "shadow"\n')
    monkeypatch.setenv("BOT_IMAP__PASSWORD", "from-the-environment")
    monkeypatch.setenv("BOT_SERVICE__MODE", "suggest")
    settings = load(file)
    assert settings.imap is not None
    assert (settings.imap.secret(), settings.imap.port, settings.imap.host) == ("from-the-environment", 1993, "imap.example.no")
    assert settings.service.mode == "suggest"


def test_every_kind_of_key_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "IMAP__HOST": "imap.example.no",
        "IMAP__USERNAME": "mikrodata@ssb.example",
        "IMAP__PASSWORD": "x",
        "IMAP__MOVE": "false",
        "IMAP__FOLDERS": '{"faq": "Svar"}',
        "SERVICE__ALIASES": '["utlan@ssb.example"]',
        "ANSWERS__PRECISION": "0.995",
        "SMTP_IN__LISTEN": "127.0.0.1:2525",
        "MODES__FAQ": "suggest",
    }.items():
        monkeypatch.setenv(f"BOT_{name}", value)
    settings = load(None)
    assert settings.imap is not None and settings.smtp_in is not None
    assert (settings.imap.move, settings.imap.folders["faq"], settings.imap.folders["auto"]) == (False, "Svar", "Bot/Automatisk")
    assert (settings.service.aliases, settings.answers.precision) == (("utlan@ssb.example",), 0.995)
    assert (settings.mode("faq"), settings.mode("case")) == ("suggest", "auto")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("BOT_SERVICE__MODE", "loud", "service.mode = \"loud\" is not allowed: must be 'shadow', 'suggest' or 'auto'"),
        ("BOT_IMAP__PORT", "many", 'imap.port = "many" is not allowed: must be a whole number from 1 to 65535'),
        ("BOT_SERVICE__ALIASES", "a@b.example", "the environment holds a BOT_ value that cannot be read"),
        ("BOT_SERVICE__ADRESS", "a@b.example", "service.adress is no known setting"),
    ],
)
def test_a_wrong_variable_dies_with_a_sentence_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    assert said in sentence(written(tmp_path, IMAP + 'password = "x"\n'))


def test_without_a_file_there_are_no_connections() -> None:
    settings = load(None)
    assert (settings.imap, settings.smtp_in, settings.smtp_out, settings.web, settings.oauth2) == (None,) * 5


# ── secrets ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_secret_is_the_first_line_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hemmelig ord \nog en linje til\n", encoding="utf-8")
    settings = load(written(tmp_path, IMAP + f'password = "mellombels"\npassword_file = "{tmp_path / "secret"}"\n'))
    assert settings.imap is not None and settings.imap.secret() == "hemmelig ord"
    assert "mellombels" not in repr(settings)


def test_a_secret_that_cannot_be_read_names_its_key(tmp_path: Path) -> None:
    file = written(tmp_path, IMAP + 'password_file = "no/such/secret"\n' + f'[service]\ndata = "{tmp_path / "data"}"\n')
    done = bot("run", "--config", str(file))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        'mikrodata-bot: imap.password_file = "no/such/secret" cannot be read (No such file or directory); '
        "give the path of a file that holds the secret on its first line"
    )


# ── the example ───────────────────────────────────────────────────────────────────────────────────────────────


def keys(kind: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key of the settings, dotted."""
    for name, field in kind.model_fields.items():
        section = next((each for each in (field.annotation, *get_args(field.annotation)) if isinstance(each, type)), None)
        if section is not None and issubclass(section, BaseModel):
            yield from keys(section, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_the_example_lists_every_key_with_its_default() -> None:
    text = (ROOT / "config.example.toml").read_text(encoding="utf-8")
    uncommented = re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)
    given: dict[str, Any] = tomllib.loads(uncommented)
    listed = {f"{section}.{key}" for section, values in given.items() for key in values}
    assert listed == set(keys(Settings))


def test_the_example_is_a_configuration() -> None:
    settings = Settings(**tomllib.loads((ROOT / "config.example.toml").read_text(encoding="utf-8")))
    assert settings.imap is not None and settings.smtp_out is not None and settings.web is not None
