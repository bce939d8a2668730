"""The pages of the chat, which work without JavaScript, and the way from them to a person.

The page is a form. What was asked before travels in hidden fields and is answered anew each time, so there is no session, no
cookie and nothing stored. With JavaScript the same form is sent in the background (``X-Fragment: 1``) and the same template comes
back for the new turn alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bot.knowledge import Topic
from bot.model import Language
from bot.web import answering, handover
from bot.web.answering import Entry, Turn
from bot.web.api import Choice
from bot.web.pages import language_of
from bot.web.talk import KEPT, Talk, whole

# ── how a turn looks ──────────────────────────────────────────────────────────────────────────────────────────


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
    """The pages of the chat."""

    def __init__(self, talk: Talk) -> None:
        """Shares everything with the API."""
        self._talk, self._parts, self._pages = talk, talk.parts, talk.pages

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
        if wait := self._talk.wait(request):
            return self._too_many(request, language, wait)
        earlier, said, helped = self._read(form), self._said(form, language), _text(form, "helped")
        if helped and said is None:
            return await self._thanks(request, language, earlier, helped)
        if said is None:
            typed = answering.entry(_text(form, "question")).question
            return self._chat(request, language, await self._talk.turns(earlier, language), typed=typed)
        fragment = _is_fragment(request)
        turns = await self._talk.turns([*(earlier[-1:] if fragment else earlier), said], language)
        self._parts.journal.asked(turns[-1].kind.value)
        if not fragment:
            return self._chat(request, language, turns)
        context = {"turn": self._shown(turns, len(earlier), language), "last": False, "embedded": _embedded(request)}
        return HTMLResponse(self._pages.render("_turn", language, **context))

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
        """The last of ``turns`` as the template wants it; ``number`` is its place on the page."""
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
            "message": self._talk.message(turn),
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
            await self._talk.note(topic, verdict == "yes", language)
        if _is_fragment(request):
            return HTMLResponse(self._pages.render("_thanks", language, thanked=verdict))
        return self._chat(
            request,
            language,
            await self._talk.turns(earlier, language),
            thanked=verdict,
            thanked_at=int(number) if number.isdecimal() else -1,
        )

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
        turns = await self._talk.turns(earlier, language) if _text(form, "attach") == "yes" else []
        if wait := await self._talk.send_link(request, filled, turns, language):
            return self._too_many(request, language, wait, "too_many_mails")
        context = {"email": filled.email, "hours": handover.HOURS}
        if fragment:
            return HTMLResponse(self._pages.render("_sent", language, level="h3", **context))
        return self._pages.page("handover", request, language, **context)

    async def confirm_page(self, request: Request) -> Response:
        """The page behind the link. Opening it changes nothing: mail filters open links too."""
        language, token = language_of(request), request.query_params.get("token", "")
        found = self._talk.waiting.find(token, self._parts.clock())
        if found is None:
            return self._told(request, language, "confirm_old_title", "confirm_old", 410)
        if found[1].taken:
            return self._confirmed(request, language, token, found[1])
        return self._pages.page("confirm", request, language, token=token, pending=found[1])

    async def confirm(self, request: Request) -> Response:
        """The button on that page: the message goes in. A second time changes nothing."""
        language, form = language_of(request), await request.form(max_fields=10, max_files=0)
        token = _text(form, "token")
        found = self._talk.waiting.find(token, self._parts.clock())
        if found is None:
            return self._told(request, language, "confirm_old_title", "confirm_old", 410)
        number, pending = found
        if not pending.taken:
            await handover.take_in(self._parts, pending)
            self._talk.waiting.taken(number)
        return self._confirmed(request, language, token, pending)

    def _confirmed(self, request: Request, language: Language, token: str, pending: handover.Pending) -> Response:
        return self._told(request, language, "confirm_done_title", "confirm_done", 200, token=token, email=pending.email)

    # ── told in a page ────────────────────────────────────────────────────────────────────────────────────────

    def _too_many(self, request: Request, language: Language, wait: float, text: str = "too_many") -> Response:
        seconds = whole(wait)
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
