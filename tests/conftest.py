"""What all tests share: learned models lie in pytest's cache, never in the user's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import understanding
from bot.knowledge import Knowledge, load
from bot.understanding import Model
from tests.servers import Dovecot


@pytest.fixture(scope="session", autouse=True)
def cache(request: pytest.FixtureRequest) -> Path:
    """The cache folder of this run, for the tests and for the programs that they start."""
    folder = Path(request.config.cache.mkdir("learned"))
    os.environ["XDG_CACHE_HOME"] = str(folder)
    os.environ.pop("CACHE_DIRECTORY", None)
    return folder


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    """The knowledge base that ships."""
    return load()


@pytest.fixture(scope="session")
def model(cache: Path, knowledge: Knowledge) -> Model:
    """The model of the knowledge base, learned if nobody has before."""
    return understanding.prepare(knowledge, cache / "mikrodata-bot")


@pytest.fixture(scope="session")
def dovecot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    """One Dovecot for all tests that do not stop it: any user name has a mailbox of its own, each test takes one."""
    server = Dovecot(tmp_path_factory.mktemp("dovecot")).start()
    yield server
    server.stop()
