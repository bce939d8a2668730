"""What all tests share: learned models lie in pytest's cache, never in the user's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot import understanding
from bot.knowledge import Knowledge, load
from bot.understanding import Model


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
