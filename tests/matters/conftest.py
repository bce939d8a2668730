"""A mailroom for each test; ``@pytest.mark.settings(deadlines={…})`` sets sections of the configuration.

The tests of this folder share one loop and one examiner's process.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.examine import Examiner
from bot.knowledge import Knowledge
from bot.understanding import Model
from tests.mailroom import Mailroom, mailroom
from tests.signing import Authority


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All on the session's loop, where the examiner lives."""
    for item in items:
        if Path(__file__).parent in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def authority() -> Authority:
    """The one authority that the examiner trusts."""
    return Authority()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def examiner(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> AsyncIterator[Examiner]:
    """One worker process for all tests."""
    opened = Examiner(trust_anchors=(authority.pem(tmp_path_factory.mktemp("anchors")),))
    yield opened
    await opened.end()


@pytest_asyncio.fixture(loop_scope="session")
async def room(
    request: pytest.FixtureRequest, tmp_path: Path, knowledge: Knowledge, model: Model, examiner: Examiner
) -> AsyncIterator[Mailroom]:
    """Everything that runs in service, but for the sources."""
    marker = request.node.get_closest_marker("settings")
    async with mailroom(tmp_path / "data", knowledge, model, shared=examiner, **(marker.kwargs if marker else {})) as opened:
        yield opened
