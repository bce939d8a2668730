"""What page and API share: answers in the loop or beside it, what is said around them, feedback, limits, and messages to a person."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence

from fastapi import Request

from bot.config import Settings
from bot.model import Language
from bot.pipeline import Parts
from bot.web import answering, handover
from bot.web.answering import Entry, Kind, Turn
from bot.web.limits import Limit, client_key
from bot.web.pages import Pages

BRIEF = 400  # characters of a conversation that are answered at once
KEPT = 8  # earlier turns that a conversation carries along
LATEST = 20  # messages to a person that one client may start in an hour
SAME_ADDRESS = 3  # links that one address may get in a day, whoever asks
HOUR, DAY = 3600.0, 86400.0

MESSAGES = {
    Kind.STRANGE: "strange",
    Kind.CASE: "case",
    Kind.PERSON: "person",
    Kind.GREETING: "greeting",
    Kind.THANKS: "thanks",
    Kind.MACHINE: "machine",
}


class Talk:
    """The chat of one service: its limits, and the messages that wait for their sender's proof."""

    def __init__(self, settings: Settings, parts: Parts, pages: Pages) -> None:
        """``settings.web`` is there."""
        assert settings.web is not None
        self.parts, self.pages = parts, pages
        self.waiting = handover.Waiting()
        self._organisation = settings.service.organisation
        self._base = settings.web.public_url.rstrip("/") or f"http://{settings.web.listen}"
        self._questions = Limit(settings.web.chat_per_minute, 60.0)
        self._handovers = Limit(LATEST, HOUR)
        self._recipients = Limit(SAME_ADDRESS, DAY)

    def wait(self, request: Request) -> float:
        """Count a question of this client: 0 when it may ask, else the seconds to wait."""
        return self._questions.take(_client(request), time.monotonic())

    async def turns(self, entries: Sequence[Entry], likely: Language | None, wanted: Language | None = None) -> list[Turn]:
        """Every entry answered. A few words take a millisecond or two, less than a thread's turn on a busy machine; what would keep
        others waiting goes to a thread: a long conversation, or a model that a mail is being understood with."""
        model = self.parts.brain.model
        if sum(len(said.question) for said in entries) <= BRIEF and not model.lock.locked():
            return answering.conversation(model, entries, likely, wanted=wanted)
        return await asyncio.to_thread(answering.conversation, model, entries, likely, wanted=wanted)

    def message(self, turn: Turn) -> str:
        """What is said besides answers, in the language of the question."""
        name = MESSAGES.get(turn.kind, "")
        if turn.kind is Kind.UNSURE:
            name = "unsure" if turn.choices else "unsure_bare"
        elif turn.kind is Kind.ANSWERED:
            name = "case_too" if turn.about_case else ""
        return str(self.pages.words[turn.language][name]).format(organisation=self._organisation) if name else ""

    async def note(self, topic: str, helped: bool, language: Language) -> bool:
        """Remember a verdict on a topic, without a word of what was asked."""
        if topic not in self.parts.brain.knowledge.topics:
            return False
        facts = {"helped": helped, "language": language.value, "knowledge": self.parts.brain.knowledge.version}
        now = self.parts.clock()
        await self.parts.store.write(lambda tx: tx.event("chat-feedback", topic, facts, now, actor="visitor"))
        return True

    async def send_link(self, request: Request, filled: handover.Form, turns: list[Turn], language: Language) -> float:
        """Keep the message and send its link. 0 when that was done, else the seconds after which there may be room again."""
        clock, now = time.monotonic(), self.parts.clock()
        if wait := self._handovers.take(_client(request), clock) or self._recipients.take(filled.email.lower(), clock):
            return wait
        pending = handover.write(filled, turns, self.parts, self.pages.words[language], language, now)
        token = self.waiting.put(pending)
        if not token:
            return HOUR
        # the privacy notice promises the day, also where nobody else ever writes
        asyncio.get_running_loop().call_later(handover.HOURS * HOUR + 1, lambda: self.waiting.forget(self.parts.clock()))
        await handover.ask_for_proof(self.parts, pending, f"{self._base}/handover/confirm?lang={language.value}&token={token}", now)
        return 0.0


def _client(request: Request) -> str:
    return client_key(request.client.host) if request.client else ""


def whole(wait: float) -> int:
    """Seconds to wait as ``Retry-After`` wants them: whole, and one at least."""
    return max(1, math.ceil(wait))
