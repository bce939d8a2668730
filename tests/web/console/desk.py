"""A console with work on its desk: people who may log in, a case register, and mails that came in and were handled for real."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from playwright.async_api import Page

from bot import understanding
from bot.knowledge import Knowledge
from bot.model import Language, Raw
from bot.pipeline import Parts, handle_waiting, receive
from bot.store.accounts import ROLES, Account
from bot.understanding import Model
from bot.web.login import hashed
from tests.letters import SERVICE, key_of, letter

PASSWORD = "lang nok setning 42"
KARI = "Kari Lund <kari.lund@uib.example>"
HASH = hashed(PASSWORD, "anybody")


async def hire(parts: Parts, *names: str) -> None:
    """Accounts without a second factor, with ``PASSWORD``; a name tells its role: ``reader``, ``caseworker-2`` …"""
    now = parts.clock()
    accounts = [Account(name, next(role for role in ROLES if name.startswith(role)), HASH) for name in names]
    await parts.store.write(lambda tx: [tx.add_account(account, now, actor="test") for account in accounts])  # type: ignore[attr-defined]


async def log_in(page: Page, base_url: str, name: str = "caseworker", password: str = PASSWORD, code: str = "") -> None:
    """Through the form, as a person does."""
    await page.goto(f"{base_url}/console/login")
    await page.fill("#name", name)
    await page.fill("#password", password)
    if code:
        await page.fill("#code", code)
    async with page.expect_navigation():
        await page.click("button.main")


def mail(subject: str, text: str, sender: str = KARI, **parts: Any) -> bytes:
    """A mail from somebody at an institution of the demo's register; ``parts`` as of ``letter``."""
    return letter(subject, text, sender, **parts)


async def arrive(parts: Parts, *contents: bytes) -> list[str]:
    """Mails come in and are handled; returns their keys."""
    raws = [Raw(key_of(content), content, parts.clock(), "smtp", envelope_to=(SERVICE,)) for content in contents]
    for raw in raws:
        assert await receive(parts, raw)
    while await handle_waiting(parts):
        pass
    return [raw.key for raw in raws]


async def ask(parts: Parts, work: Any) -> Any:
    """What the store says."""
    return await parts.store.read(work)


def learner(model: Model, coverage: float = 0.0, wait: threading.Event | None = None) -> Callable[[Knowledge], Model]:
    """A trainer that is done at once: the same model, with a coverage so much better or worse."""

    def learn(knowledge: Knowledge) -> Model:
        if wait is not None:
            assert wait.wait(20)
        assurance = replace(model.assurance, version=knowledge.version, coverage=model.assurance.coverage + coverage)
        return replace(model, knowledge=knowledge, assurance=assurance)

    return learn


def surely_asked(model: Model, topic: str = "who-can-sign") -> str:
    """The letter that the model is surest belongs to a topic: a test of the console must not hang on a threshold."""
    asked = [
        understanding.ask(question, model) for question in model.knowledge.topics[topic].questions[Language.NB] if question.endswith("?")
    ]
    best = max((each for each in asked if each.faq == topic), key=lambda each: each.confidence)
    return f"Hei,\n\n{best.question}\n\nHilsen Kari"


def path_of(key: str) -> str:
    """Where the console shows a mail."""
    return "/console/mail/" + key.replace(":", "%3A")
