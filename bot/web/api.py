"""The JSON API of the chat: what it takes, what it gives, and its endpoints. Described at ``/api/openapi.json``."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from bot.model import Language
from bot.web import answering, handover
from bot.web.answering import Kind, Turn
from bot.web.talk import KEPT, Talk, whole


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


class Api:
    """The endpoints; programs are counted and limited as visitors are."""

    def __init__(self, talk: Talk) -> None:
        """Shares everything with the page."""
        self._talk = talk

    async def ask(self, request: Request, body: Question) -> Any:
        """Answers a question, offers two or three topics where it is unsure, or says that it is out of scope. Automatic."""
        if wait := self._talk.wait(request):
            return _refused(wait)
        topic = self._talk.parts.brain.knowledge.topics.get(body.topic or "")
        said = answering.entry(body.question, topic.id if topic else "")
        before = [answering.entry(body.previous)] if body.previous else []
        turns = await self._talk.turns([*before, said], None, body.language)
        self._talk.parts.journal.asked(turns[-1].kind.value)
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
            message=self._talk.message(turn),
            masked=turn.entry.masked,
            handover=answering.offers_person(turns),
        )

    async def feedback(self, request: Request, body: Feedback) -> Response:
        """Remembers whether the answer of a topic helped; nothing of the question and nothing of the visitor."""
        if wait := self._talk.wait(request):
            return _refused(wait)
        known = await self._talk.note(body.topic, body.helped, body.language)
        return Response(status_code=204) if known else JSONResponse({"error": "unknown-topic"}, 404)

    async def hand_over(self, request: Request, body: Handover) -> Any:
        """Sends a link to the address; the message goes to a person when the link was opened and confirmed, within 24 hours."""
        filled = handover.Form.of(body.name, body.email, body.message)
        if errors := filled.errors(self._talk.parts.own_addresses):
            return JSONResponse({"error": "invalid", "fields": sorted(errors)}, 422)
        entries = [answering.entry(each.question, each.topic) for each in body.transcript][-KEPT:]
        turns = await self._talk.turns([said for said in entries if said.question], body.language)
        wait = await self._talk.send_link(request, filled, turns, body.language)
        return _refused(wait) if wait else Accepted()


def _refused(wait: float) -> JSONResponse:
    seconds = whole(wait)
    return JSONResponse({"error": "too-many-requests", "retry_after": seconds}, 429, {"Retry-After": str(seconds)})
