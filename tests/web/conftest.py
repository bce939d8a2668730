"""What the tests of chat and console share: a real web server on loopback over a real store, and a real Chromium.

``web`` is ``(base_url, parts, settings)`` of a server that runs in a thread with a loop of its own; its store is new for
each test, and ``parts`` may be used from the test's own loop. Nothing but the web runs: a test that wants a mail handled or
sent calls ``pipeline.handle_waiting(parts)`` or ``pipeline.deliver_waiting(parts)`` itself. ``web_server`` gives more servers
with other settings. The servers think with the model that the fixture ``model`` has learned.

Tests in the browser use Playwright's asynchronous interface on one loop for the whole session (its synchronous interface
and pytest-asyncio do not live in one thread); their module says ``pytestmark = pytest.mark.asyncio(loop_scope="session")``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from bot.config import Settings
from bot.model import Language
from bot.pipeline import Brain, Parts
from bot.run import brain, now, open_parts
from bot.understanding import Model
from bot.web import answering, serve_web
from tests.servers import free_port

SERVICE = "mikrodata@ssb.example"
STARTED_SECONDS = 60


class Served(NamedTuple):
    """A web server under test; ``base_url`` ends without a slash."""

    base_url: str
    parts: Parts
    settings: Settings


ServeWith = Callable[..., AbstractContextManager[Served]]


VAGUE = {
    Language.NB: (
        "Hva koster det og hvem kan få tilgang?",
        "pris og tilgang",
        "data og pris",
        "Hva gjelder for prosjektet vårt?",
        "tilgang",
    ),
    Language.NN: ("Kva kostar det og kven kan få tilgang?", "pris og tilgang til data?", "Kva gjeld for prosjektet vårt?", "Kva med data?"),
    Language.EN: (
        "What is the price, and who can get access?",
        "price and access",
        "data and price",
        "What applies to our project?",
        "access",
    ),
}


@pytest.fixture(scope="session")
def vague(model: Model) -> dict[str, str]:
    """A question for each language that the model as it stands is unsure about, with choices."""
    found = {}
    for language, questions in VAGUE.items():
        turns = [answering.answer(model, answering.entry(question), likely=language) for question in questions]
        found[language.value] = next(turn.entry.question for turn in turns if turn.choices and turn.language is language)
    return found


@pytest.fixture
def web_server(tmp_path: Path, model: Model) -> ServeWith:
    """``with web_server(web={"chat_per_minute": 3}, …) as (base_url, parts, settings)``: a server with other sections.

    ``clock`` replaces the clock of the parts. Each call has a store of its own.
    """
    numbers = iter(range(1, 100))

    def serve(*, clock: Callable[[], datetime] = now, **sections: dict[str, Any]) -> AbstractContextManager[Served]:
        data = tmp_path / f"data-{next(numbers)}"
        data.mkdir()
        return running(web_settings(data, **sections), clock, lambda _: Brain(model.knowledge, model))

    return serve


@pytest.fixture
def web(web_server: ServeWith) -> Iterator[Served]:
    """A server with the settings that most tests want."""
    with web_server() as served:
        yield served


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Iterator[Served]:
    """One server for all tests that leave nothing behind, and that no limit stops."""
    with running(
        web_settings(tmp_path_factory.mktemp("site"), web={"chat_per_minute": 1_000_000}), learn=lambda _: Brain(model.knowledge, model)
    ) as served:
        yield served


def web_settings(data: Path, **sections: dict[str, Any]) -> Settings:
    """Embedded parts in ``data``, web on a free port of loopback; each of ``sections`` goes over its default."""
    port = free_port()
    values: dict[str, dict[str, Any]] = {
        "service": {"address": SERVICE, "colleagues": ("ssb.example",), "mode": "auto", "data": data},
        "routing": {"intake": "soknad@ssb.example", "fallback": "postmottak@ssb.example", "trusted_authserv": ("mx.ssb.example",)},
        "web": {"listen": f"127.0.0.1:{port}", "public_url": f"http://127.0.0.1:{port}", "chat_per_minute": 600},
    }
    for name, section in sections.items():
        values[name] = {**values.get(name, {}), **section}
    return Settings(**values)


@contextlib.contextmanager
def running(settings: Settings, clock: Callable[[], datetime] = now, learn: Callable[[Settings], Brain] = brain) -> Iterator[Served]:
    """The web of ``settings`` served in a thread until the block ends; an error at start or end is the test's."""
    assert settings.web is not None
    ready = threading.Event()
    held: dict[str, Any] = {}

    async def main() -> None:
        stop = asyncio.Event()
        async with open_parts(settings, clock=clock, learn=learn) as parts:
            serving = asyncio.create_task(serve_web(settings, parts))
            await _listening(settings, serving)
            held.update(parts=parts, loop=asyncio.get_running_loop(), stop=stop)
            ready.set()
            await stop.wait()
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving

    def work() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            held["error"] = error
        finally:
            ready.set()

    thread = threading.Thread(target=work, name="web-under-test", daemon=True)
    thread.start()
    assert ready.wait(STARTED_SECONDS), "the server did not start"
    if "error" in held:
        raise held["error"]
    try:
        yield Served(f"http://{settings.web.listen}", held["parts"], settings)
    finally:
        held["loop"].call_soon_threadsafe(held["stop"].set)
        thread.join(STARTED_SECONDS)
    assert not thread.is_alive(), "the server did not stop"
    if "error" in held:
        raise held["error"]


def events(served: Served, kind: str) -> list[dict[str, Any]]:
    """The log's entries of a kind, oldest first."""
    with contextlib.closing(sqlite3.connect(f"file:{served.settings.database}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM audit WHERE kind = ? ORDER BY number", (kind,))]


async def _listening(settings: Settings, serving: asyncio.Task[None]) -> None:
    assert settings.web is not None
    host, _, port = settings.web.listen.rpartition(":")
    while True:
        if serving.done():
            await serving
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            await asyncio.sleep(0.01)
            continue
        writer.close()
        return


# ── Chromium ──────────────────────────────────────────────────────────────────────────────────────────────────


def chromium() -> str:
    """The path of the system's Chromium. Missing: a failure with CI=true, else a skip."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        message = "chromium is not installed; `make test` installs it"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for the whole run."""
    async with async_playwright() as playwright:
        running_browser = await playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        yield running_browser
        await running_browser.close()


# a browser that talks to nobody but our server; the sandbox needs a user who is not root
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Faults(list[str]):
    """What a page complained of: exceptions in scripts, and console errors such as a breach of the content security policy."""


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A visitor of his own: no cookies, Norwegian, a common screen."""
    visitor = await browser.new_context(locale="nb-NO", viewport={"width": 1280, "height": 900})
    visitor.set_default_timeout(60_000)  # a machine may be busy
    yield visitor
    await visitor.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext) -> AsyncIterator[Page]:
    """A page of that visitor. A script error or a breach of the content security policy fails the test."""
    faults = Faults()
    opened = await context.new_page()
    watch(opened, faults)
    yield opened
    assert not faults, faults


def watch(opened: Page, faults: Faults) -> None:
    """Collect what ``opened`` complains of into ``faults``; refused requests (4xx) are no fault of the page."""
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on(
        "console",
        lambda message: faults.append(message.text) if message.type == "error" and "Failed to load resource" not in message.text else None,
    )
