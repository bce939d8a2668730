"""The chat: a page that works without JavaScript, its JSON API, and the way from it to a person.

The page is a form. What was asked before travels in hidden fields and is answered anew each time, so there is no session, no
cookie and nothing stored. With JavaScript the same form is sent in the background (``X-Fragment: 1``) and the same template comes
back for the new turn alone.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from pydantic import BaseModel, Field
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from bot.config import Settings
from bot.knowledge import Topic
from bot.model import Language
from bot.pipeline import Parts
from bot.web import answering, handover
from bot.web.answering import Entry, Kind, Turn
from bot.web.limits import Limit, client_key
from bot.web.pages import Pages, language_of

BRIEF = 400  # characters of a conversation that are answered at once
KEPT = 8  # earlier turns that a conversation carries along
LATEST = 20  # messages to a person that one client may start in an hour
SAME_ADDRESS = 3  # links that one address may get in a day, whoever asks
HOUR, DAY = 3600.0, 86400.0


# ── what the API takes and gives ──────────────────────────────────────────────────────────────────────────────


class Question(BaseModel):
    """A turn of a visitor."""

    question: str = Field(min_length=1, max_length=answering.LONGEST, description="The question, in Norwegian or English.")
    language: Language | None = Field(None, description="The language to answer in; without it that of the question.")
    previous: str | None = Field(None, max_length=answering.LONGEST, description="The question before, for a follow-up.")
    topic: str | None = Field(None, max_length=100, description="A topic chosen from `choices`: its answer is given as it is.")


class Choice(BaseModel):
    """A topic that may be meant."""

    id: str
    title: str


class Near(BaseModel):
    """A topic and how likely it is meant."""

    id: str
    confidence: float


class Told(BaseModel):
    """The answer of one topic."""

    id: str
    title: str
    answer: str
    source: str
    checked: str


class Answer(BaseModel):
    """What the chat says. Automatic: no person has read the question."""

    question: str = Field(description="As it was understood: national identity numbers are masked.")
    faq: str | None = Field(description="The topic that answers, or null where the service abstains.")
    confidence: float
    alternatives: list[Near]
    language: Language
    answer: str
    source: str | None = Field(description="The page that the answer rests on.")
    checked: str | None = Field(description="The day on which the answer was last compared with its source.")
    out_of_scope: bool = Field(description="The question is none that this service answers.")
    choices: list[Choice] = Field(description="Two or three topics that may be meant, where the service is unsure.")
    topics: list[Told] = Field(description="Every topic that makes up the answer: two questions in one get two.")
    outcome: Kind
    message: str = Field(description="What to show where there is no answer.")
    masked: bool = Field(description="A national identity number was found and hidden.")
    handover: bool = Field(description="A person should take over: wished for, or about a particular case.")
    automatic: bool = True


class Feedback(BaseModel):
    """Whether an answer helped."""

    topic: str = Field(max_length=100)
    helped: bool
    language: Language = Language.NB


class Earlier(BaseModel):
    """One turn of the conversation so far; the service writes the answers itself."""

    question: str = Field(max_length=answering.LONGEST)
    topic: str = Field("", max_length=100)


class Handover(BaseModel):
    """A message to a person. It goes on once the link that is sent to the address has been opened and confirmed."""

    name: str = Field(min_length=1, max_length=handover.NAME_LONGEST)
    email: str = Field(min_length=3, max_length=254)
    message: str = Field(min_length=1, max_length=handover.MESSAGE_LONGEST)
    transcript: list[Earlier] = Field(default_factory=list, max_length=50)
    language: Language = Language.NB


class Accepted(BaseModel):
    """The link is on its way."""

    status: str = "verify-address"
    hours: int = handover.HOURS


class Fault(BaseModel):
    """Why a request was refused. Nothing of what was sent is repeated."""

    error: str = Field(description="A code: invalid, too-many-requests, unknown-topic, forbidden, too-large, unavailable …")
    fields: list[str] | None = Field(None, description="The fields that are wrong.")
    retry_after: int | None = Field(None, description="Seconds to wait.")


# ── how a turn looks ──────────────────────────────────────────────────────────────────────────────────────────


MESSAGES = {
    Kind.STRANGE: "strange",
    Kind.CASE: "case",
    Kind.PERSON: "person",
    Kind.GREETING: "greeting",
    Kind.THANKS: "thanks",
    Kind.MACHINE: "machine",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A topic as the templates want it."""

    id: str
    title: str
    paragraphs: Sequence[str]
    source: str
    host: str
    checked: str
    day: str


class Chat:
    """The endpoints of the chat, on one set of parts."""

    def __init__(self, settings: Settings, parts: Parts, pages: Pages) -> None:
        """``settings.web`` is there."""
        assert settings.web is not None
        self._settings, self._parts, self._pages = settings, parts, pages
        self._base = settings.web.public_url.rstrip("/") or f"http://{settings.web.listen}"
        self._questions = Limit(settings.web.chat_per_minute, 60.0)
        self._handovers = Limit(LATEST, HOUR)
        self._recipients = Limit(SAME_ADDRESS, DAY)
        self._waiting = handover.Waiting()

    # ── the page ──────────────────────────────────────────────────────────────────────────────────────────────

    async def page(self, request: Request) -> Response:
        """The chat, empty."""
        return self._chat(request, language_of(request), [])

    async def moved(self, request: Request) -> Response:
        """``/chat`` leads to the chat."""
        return RedirectResponse(f"/?{request.url.query}" if request.url.query else "/", 308)

    async def turn(self, request: Request) -> Response:
        """A question, a choice or feedback from the form."""
        language, form = language_of(request), await request.form(max_fields=40, max_files=0)
        if wait := self._questions.take(_client(request), time.monotonic()):
            return self._too_many(request, language, wait)
        earlier, said, helped = self._read(form), self._said(form, language), _text(form, "helped")
        if helped and said is None:
            return await self._thanks(request, language, earlier, helped)
        if said is None:
            typed = answering.entry(_text(form, "question")).question
            return self._chat(request, language, await self._turns(earlier, language), typed=typed)
        fragment = _is_fragment(request)
        turns = await self._turns([*(earlier[-1:] if fragment else earlier), said], language)
        self._parts.journal.asked(turns[-1].kind.value)
        if not fragment:
            return self._chat(request, language, turns)
        context = {"turn": self._shown(turns, len(earlier), language), "last": False, "embedded": _embedded(request)}
        return HTMLResponse(self._pages.render("_turn", language, **context))

    async def _turns(self, entries: Sequence[Entry], likely: Language | None, wanted: Language | None = None) -> list[Turn]:
        """Every entry answered. A few words take a millisecond or two, less than a thread's turn on a busy machine; what would keep
        others waiting goes to a thread: a long conversation, or a model that a mail is being understood with."""
        model = self._parts.brain.model
        if sum(len(said.question) for said in entries) <= BRIEF and not model.lock.locked():
            return answering.conversation(model, entries, likely, wanted=wanted)
        return await asyncio.to_thread(answering.conversation, model, entries, likely, wanted=wanted)

    def _read(self, form: FormData) -> list[Entry]:
        """The turns before this one, from the hidden fields."""
        values = [value for value in form.getlist("earlier") if isinstance(value, str)][-KEPT:]
        return [said for said in map(_unpacked, values) if said.question]

    def _said(self, form: FormData, language: Language) -> Entry | None:
        name, _, code = _text(form, "topic").partition(":")
        topic = self._parts.brain.knowledge.topics.get(name)
        if topic is not None:
            spoken = _language(code) or language
            return Entry(topic.title(spoken), topic.id, spoken)
        said = answering.entry(_text(form, "question"))
        return said if said.question and not _text(form, "helped") and not _text(form, "only") else None

    def _chat(self, request: Request, language: Language, turns: list[Turn], **more: Any) -> HTMLResponse:
        shown = [self._shown(turns[: number + 1], number, language) for number in range(len(turns))]
        topics = self._parts.brain.knowledge.topics
        wanted = self._pages.words[language]["example_topics"]
        context = {
            "turns": shown,
            "earlier": [turn["earlier"] for turn in shown][-KEPT:],
            "offered": bool(shown and shown[-1]["offered"]) or more.get("thanked") == "no",
            "longest": answering.LONGEST,
            "typed": "",
            "examples": [Choice(id=name, title=topics[name].title(language)) for name in wanted if name in topics],
            **self._blank(),
            **more,
        }
        return self._pages.page("chat", request, language, **context)

    def _shown(self, turns: list[Turn], number: int, language: Language) -> dict[str, Any]:
        """The last of ``turns`` as the template wants it; ``number`` makes its ids unique on the page."""
        turn = turns[-1]
        spoken = self._pages.words[turn.language]
        by_misses = turn.missed and answering.offers_person(turns)
        return {
            "number": number,
            "earlier": _packed(turn.entry),
            "question": turn.entry.question,
            "chosen": bool(turn.entry.topic),
            "masked": turn.entry.masked,
            "kind": turn.kind.value,
            "language": turn.language.value,
            "topics": [self._topic(topic, turn.language, language) for topic in turn.topics],
            "choices": [Choice(id=topic.id, title=topic.title(turn.language)) for topic in turn.choices],
            "message": self._message(turn),
            "misses": spoken["misses"],
            "offered": "misses" if by_misses else "person" if answering.offers_person(turns) else "",
        }

    def _topic(self, topic: Topic, spoken: Language, page: Language) -> Shown:
        return Shown(
            topic.id,
            topic.title(spoken),
            answering.paragraphs(topic.answer(spoken)),
            topic.source,
            urlsplit(topic.source).netloc,
            topic.checked.isoformat(),
            self._pages.date(topic.checked, page),
        )

    def _message(self, turn: Turn) -> str:
        """What is said besides answers, in the language of the question."""
        name = MESSAGES.get(turn.kind, "")
        if turn.kind is Kind.UNSURE:
            name = "unsure" if turn.choices else "unsure_bare"
        elif turn.kind is Kind.ANSWERED:
            name = "case_too" if turn.about_case else ""
        organisation = self._settings.service.organisation
        return str(self._pages.words[turn.language][name]).format(organisation=organisation) if name else ""

    def _blank(self, form: handover.Form | None = None, errors: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What the form to a person needs."""
        shown = {"name": "", "email": "", "message": "", **(errors or {})}
        return {
            "values": form or handover.Form(),
            "errors": shown,
            "faults": dict(errors or {}),
            "message_longest": handover.MESSAGE_LONGEST,
        }

    # ── feedback ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _thanks(self, request: Request, language: Language, earlier: list[Entry], value: str) -> Response:
        verdict, topic, number = (*value.split(":"), "", "")[:3]
        if verdict in ("yes", "no"):
            await self._note(topic, verdict == "yes", language)
        if _is_fragment(request):
            return HTMLResponse(self._pages.render("_thanks", language, thanked=verdict))
        return self._chat(
            request, language, await self._turns(earlier, language), thanked=verdict, thanked_at=int(number) if number.isdecimal() else -1
        )

    async def _note(self, topic: str, helped: bool, language: Language) -> bool:
        """Remember a verdict on a topic, without a word of what was asked."""
        if topic not in self._parts.brain.knowledge.topics:
            return False
        facts = {"helped": helped, "language": language.value, "knowledge": self._parts.brain.knowledge.version}
        now = self._parts.clock()
        await self._parts.store.write(lambda tx: tx.event("chat-feedback", topic, facts, now, actor="visitor"))
        return True

    # ── to a person ───────────────────────────────────────────────────────────────────────────────────────────

    async def hand_over_page(self, request: Request) -> Response:
        """The form to a person on a page of its own: an address that others can link to."""
        return self._pages.page("handover", request, language_of(request), earlier=[], **self._blank())

    async def hand_over(self, request: Request) -> Response:
        """The form to a person: sends the link that proves the address."""
        language, form = language_of(request), await request.form(max_fields=40, max_files=0)
        earlier = self._read(form)
        filled = handover.Form.of(_text(form, "name"), _text(form, "email"), _text(form, "message"))
        words = self._pages.words[language]
        errors = {
            field: str(words[word]).format(most=handover.MESSAGE_LONGEST)
            for field, word in filled.errors(self._parts.own_addresses).items()
        }
        fragment = _is_fragment(request)
        if errors:
            context = {**self._blank(filled, errors), "earlier": [_packed(said) for said in earlier]}
            if fragment:
                return HTMLResponse(self._pages.render("_handover", language, embedded=_embedded(request), **context), 422)
            return self._pages.page("handover", request, language, status=422, **context)
        turns = await self._turns(earlier, language) if _text(form, "attach") == "yes" else []
        if wait := await self._send_link(request, filled, turns, language):
            return self._too_many(request, language, wait, "too_many_mails")
        context = {"email": filled.email, "hours": handover.HOURS}
        if fragment:
            return HTMLResponse(self._pages.render("_sent", language, level="h3", **context))
        return self._pages.page("handover", request, language, **context)

    async def _send_link(self, request: Request, filled: handover.Form, turns: list[Turn], language: Language) -> float:
        """Keep the message and send its link. 0 when that was done, else the seconds after which there may be room again."""
        clock, now = time.monotonic(), self._parts.clock()
        if wait := self._handovers.take(_client(request), clock) or self._recipients.take(filled.email.lower(), clock):
            return wait
        pending = handover.write(filled, turns, self._parts, self._pages.words[language], language, now)
        token = self._waiting.put(pending)
        if not token:
            return HOUR
        await handover.ask_for_proof(self._parts, pending, f"{self._base}/handover/confirm?lang={language.value}&token={token}", now)
        return 0.0

    async def confirm_page(self, request: Request) -> Response:
        """The page behind the link. Opening it changes nothing: mail filters open links too."""
        language, token = language_of(request), request.query_params.get("token", "")
        found = self._waiting.find(token, self._parts.clock())
        if found is None:
            return self._told(request, language, "confirm_old_title", "confirm_old", 410)
        if found[1].taken:
            return self._confirmed(request, language, token, found[1])
        return self._pages.page("confirm", request, language, token=token, pending=found[1])

    async def confirm(self, request: Request) -> Response:
        """The button on that page: the message goes in. A second time changes nothing."""
        language, form = language_of(request), await request.form(max_fields=10, max_files=0)
        token = _text(form, "token")
        found = self._waiting.find(token, self._parts.clock())
        if found is None:
            return self._told(request, language, "confirm_old_title", "confirm_old", 410)
        number, pending = found
        if not pending.taken:
            await handover.take_in(self._parts, pending)
            self._waiting.taken(number)
        return self._confirmed(request, language, token, pending)

    def _confirmed(self, request: Request, language: Language, token: str, pending: handover.Pending) -> Response:
        return self._told(request, language, "confirm_done_title", "confirm_done", 200, token=token, email=pending.email)

    # ── the API ───────────────────────────────────────────────────────────────────────────────────────────────

    async def api_ask(self, request: Request, body: Question) -> Any:
        """Answers a question, offers two or three topics where it is unsure, or says that it is out of scope. Automatic."""
        if wait := self._questions.take(_client(request), time.monotonic()):
            return _refused(wait)
        topic = self._parts.brain.knowledge.topics.get(body.topic or "")
        said = answering.entry(body.question, topic.id if topic else "")
        before = [answering.entry(body.previous)] if body.previous else []
        turns = await self._turns([*before, said], None, body.language)
        self._parts.journal.asked(turns[-1].kind.value)
        return self._answer(turns)

    def _answer(self, turns: list[Turn]) -> Answer:
        turn = turns[-1]
        told = [
            Told(
                id=topic.id,
                title=topic.title(turn.language),
                answer=topic.answer(turn.language),
                source=topic.source,
                checked=topic.checked.isoformat(),
            )
            for topic in turn.topics
        ]
        asked, first = turn.asked, told[0] if told else None
        return Answer(
            question=turn.entry.question,
            faq=first.id if first else None,
            confidence=round(asked.confidence, 4) if asked else 1.0,
            alternatives=[Near(id=score.id, confidence=round(score.confidence, 4)) for score in (asked.alternatives[:5] if asked else ())],
            language=turn.language,
            answer="\n\n".join(each.answer for each in told),
            source=first.source if first else None,
            checked=first.checked if first else None,
            out_of_scope=turn.kind is Kind.STRANGE,
            choices=[Choice(id=topic.id, title=topic.title(turn.language)) for topic in turn.choices],
            topics=told,
            outcome=turn.kind,
            message=self._message(turn),
            masked=turn.entry.masked,
            handover=answering.offers_person(turns),
        )

    async def api_feedback(self, request: Request, body: Feedback) -> Response:
        """Remembers whether the answer of a topic helped; nothing of the question and nothing of the visitor."""
        if wait := self._questions.take(_client(request), time.monotonic()):
            return _refused(wait)
        known = await self._note(body.topic, body.helped, body.language)
        return Response(status_code=204) if known else JSONResponse({"error": "unknown-topic"}, 404)

    async def api_handover(self, request: Request, body: Handover) -> Any:
        """Sends a link to the address; the message goes to a person when the link was opened and confirmed, within 24 hours."""
        filled = handover.Form.of(body.name, body.email, body.message)
        if errors := filled.errors(self._parts.own_addresses):
            return JSONResponse({"error": "invalid", "fields": sorted(errors)}, 422)
        entries = [answering.entry(each.question, each.topic) for each in body.transcript][-KEPT:]
        turns = await self._turns([said for said in entries if said.question], body.language)
        wait = await self._send_link(request, filled, turns, body.language)
        return _refused(wait) if wait else Accepted()

    # ── told in a page ────────────────────────────────────────────────────────────────────────────────────────

    def _too_many(self, request: Request, language: Language, wait: float, text: str = "too_many") -> Response:
        seconds = _whole(wait)
        response = self._told(request, language, "too_many_title", text, 429, seconds=seconds)
        response.headers["Retry-After"] = str(seconds)
        return response

    def _told(
        self, request: Request, language: Language, heading: str, text: str, status: int, *, token: str = "", **facts: Any
    ) -> Response:
        words = self._pages.words[language]
        told = str(words[text]).format(**facts) if facts else str(words[text])
        if _is_fragment(request):
            return HTMLResponse(self._pages.render("_told", language, text=told), status)
        context = {"heading": words[heading], "text": told, "with_address": status != 200, "token": token}
        return self._pages.page("told", request, language, status=status, **context)


# ── requests ──────────────────────────────────────────────────────────────────────────────────────────────────


def _client(request: Request) -> str:
    return client_key(request.client.host) if request.client else ""


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _is_fragment(request: Request) -> bool:
    return request.headers.get("x-fragment") == "1"


def _embedded(request: Request) -> bool:
    return request.query_params.get("embed") == "1"


def _language(code: str) -> Language | None:
    return Language(code) if code in set(Language) else None


def _packed(said: Entry) -> str:
    """An entry as a hidden field: ``topic:language|question``."""
    return f"{said.topic}:{said.language.value if said.language else ''}|{said.question}"


def _unpacked(value: str) -> Entry:
    choice, _, question = value.partition("|")
    topic, _, code = choice.partition(":")
    return answering.entry(question, topic, _language(code))


def _whole(wait: float) -> int:
    return max(1, math.ceil(wait))


def _refused(wait: float) -> JSONResponse:
    seconds = _whole(wait)
    return JSONResponse({"error": "too-many-requests", "retry_after": seconds}, 429, {"Retry-After": str(seconds)})
