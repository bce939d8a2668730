"""One console with a full desk for all tests that do not need one of their own, and people who are logged in to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from bot.demo_documents import Authority
from bot.demo_mails import cases, samples
from bot.pipeline import Brain
from bot.understanding import Model
from tests.web.conftest import Faults, Served, running, watch, web_settings
from tests.web.console.desk import arrive, hire, learner, log_in

expect.set_options(timeout=60_000)  # a machine may be busy; what is expected comes at once on an idle one

Enter = Callable[..., Awaitable[Page]]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs the offers of the demo's mails."""
    return Authority(tmp_path_factory.mktemp("authority"), "Anne Grimstveit")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def desk(tmp_path_factory: pytest.TempPathFactory, model: Model, authority: Authority) -> AsyncIterator[Served]:
    """A console whose queue and registers hold what the demo's mails left; tests bring mails of their own to change."""
    data = tmp_path_factory.mktemp("desk")
    settings = web_settings(data, offers={"trust_anchors": (str(authority.root),)})
    with running(settings, learn=lambda _: Brain(model.knowledge, model)) as served:
        served.parts.learn = learner(model)
        await hire(served.parts, "reader", "caseworker", "caseworker-2", "lead", "lead-2")
        now = served.parts.clock()
        await served.parts.store.write(lambda tx: tx.upsert_cases(cases(now), now))
        chosen = await asyncio.to_thread(samples, authority)
        await arrive(served.parts, *(sample.content(number) for number, sample in enumerate(chosen, 1)))
        yield served
        await served.parts.examiner.end()  # it was begun in this loop, not in the server's


@pytest_asyncio.fixture(loop_scope="session")
async def enter(browser: Browser, desk: Served) -> AsyncIterator[Enter]:
    """``await enter("lead", locale="en-GB", …)``: a page of somebody who is logged in, in a browser of their own.

    A script error, a breach of the content security policy or a fault of the server (5xx) fails the test.
    """
    faults = Faults()
    visitors: list[BrowserContext] = []

    async def come(name: str = "caseworker", *, served: Served = desk, **options: object) -> Page:
        wanted = {"locale": "nb-NO", "viewport": {"width": 1280, "height": 900}, **options}
        visitor = await browser.new_context(**wanted)  # type: ignore[arg-type]
        visitor.set_default_timeout(60_000)  # a machine may be busy
        visitors.append(visitor)
        page = await visitor.new_page()
        watch(page, faults)
        page.on("response", lambda response: faults.append(f"{response.status} {response.url}") if response.status >= 500 else None)
        await log_in(page, served.base_url, name)
        return page

    yield come
    for visitor in visitors:
        await visitor.close()
    assert not faults, faults
