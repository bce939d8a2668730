"""The knowledge base: its entries with use, feedback and freshness, edits behind the gate, open questions, a box to try it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from bot.knowledge import STALE_DAYS, Fault, KnowledgeError, Topic, check, read_topic, topic_file, topic_text
from bot.learning import new_faults
from bot.matters.deadlines import OSLO
from bot.model import Language
from bot.understanding import ask
from bot.understanding.grouping import group
from bot.web import answering
from bot.web.desk.editor import LEARNED, Editor
from bot.web.desk.page import Console, Refused, Visit
from bot.web.desk.why import asked_evidence

PERIOD = timedelta(days=90)
SOON = 60  # days before an entry counts as stale in which it is shown as getting there
HISTORY = 50
LONGEST = 60_000  # characters of one field of an entry


def add(router: APIRouter, console: Console) -> None:
    """The pages, and the deeds of those who may change what the assistant says."""
    pages = Entries(console)
    router.add_api_route("/knowledge", pages.entries)
    router.add_api_route("/knowledge/unanswered", pages.unanswered)
    router.add_api_route("/knowledge/try", pages.try_page)
    router.add_api_route("/knowledge/try", pages.try_it, methods=["POST"])
    router.add_api_route("/knowledge/new", pages.new)
    router.add_api_route("/knowledge/new", pages.create, methods=["POST"])
    router.add_api_route("/knowledge/topics/{topic_id}", pages.entry)
    router.add_api_route("/knowledge/topics/{topic_id}", pages.edit, methods=["POST"])
    router.add_api_route("/knowledge/changes", pages.changes)
    router.add_api_route("/knowledge/changes/{number}", pages.state)
    router.add_api_route("/knowledge/changes/{number}/return", pages.go_back, methods=["POST"])
    router.add_api_route("/knowledge/learn", pages.learn, methods=["POST"])


class Entries:
    """The pages of the knowledge base, and the deeds of those who may change what the assistant says."""

    def __init__(self, console: Console) -> None:
        """On the console of the running service."""
        self._console = console
        self._editor = Editor(console)

    async def entries(self, request: Request) -> Response:
        """All entries, those that need somebody most first."""
        visit = await self._console.look(request)
        rows = await _entries(self._console, visit)
        return self._console.page(visit, "knowledge.html.jinja", rows=rows, days=PERIOD.days, may_act=visit.account.may("caseworker"))

    async def unanswered(self, request: Request) -> Response:
        """Questions without an answer, like with like."""
        visit = await self._console.look(request)
        since = self._console.parts.clock() - PERIOD
        open_questions = await self._console.read(lambda tx: tx.unanswered(since))
        known = self._console.parts.brain.knowledge
        groups = await asyncio.to_thread(group, [row["asked"] for row in open_questions], known.words)
        shown = [[open_questions[number] for number in each.members] for each in groups]
        titles = {topic.id: topic.title(visit.language) for topic in known.topics.values()}
        return self._console.page(visit, "unanswered.html.jinja", groups=shown, titles=titles, total=len(open_questions), days=PERIOD.days)

    async def try_page(self, request: Request) -> Response:
        """The box to try a question in."""
        return self._console.page(await self._console.look(request), "try.html.jinja", question="", spoken="", asked=None)

    async def try_it(self, request: Request) -> Response:
        """What the assistant would answer, and why."""
        visit = await self._console.act(request, "reader")
        question, spoken = answering.entry(visit.form.get("question", "")).question, visit.form.get("language", "")
        wanted = Language(spoken) if spoken in set(Language) else None
        model = self._console.parts.brain.model
        asked = await asyncio.to_thread(ask, question, model, wanted) if question else None
        near, others = asked_evidence(asked.evidence, model.knowledge, visit.language) if asked is not None else ((), ())
        titles = {topic.id: topic.title(visit.language) for topic in model.knowledge.topics.values()}
        context: dict[str, Any] = {"near": near, "others": others, "titles": titles, "threshold": model.chat.threshold}
        answer = answering.paragraphs(asked.answer) if asked is not None else []
        return self._console.page(visit, "try.html.jinja", question=question, spoken=spoken, asked=asked, answer=answer, **context)

    async def new(self, request: Request) -> Response:
        """An empty form."""
        visit = await self._console.look(request, "caseworker")
        return await _form(self._console, visit, _blank(self._console), is_new=True)

    async def create(self, request: Request) -> Response:
        """A new entry, once it has been tried."""
        visit = await self._console.act(request)
        topic_id = visit.form.get("id", "").strip()
        return await _edit(self._console, self._editor, visit, topic_id, is_new=True)

    async def entry(self, request: Request, topic_id: str) -> Response:
        """One entry, to read or to change."""
        visit = await self._console.look(request)
        return await _form(self._console, visit, _topic(self._console, topic_id), is_new=False)

    async def edit(self, request: Request, topic_id: str) -> Response:
        """A changed entry, once it has been tried."""
        visit = await self._console.act(request)
        _topic(self._console, topic_id)
        return await _edit(self._console, self._editor, visit, topic_id, is_new=False)

    async def changes(self, request: Request) -> Response:
        """What was changed, with a way back, and what waits to be learned."""
        visit = await self._console.look(request)
        await self._editor.forget_lost()
        rows, learned = await self._console.read(lambda tx: (tx.changes(HISTORY), int(tx.get_flag(LEARNED) or 0)))
        waiting = await self._console.read(lambda tx: len(tx.new_corrections(learned)))
        latest = next((row["number"] for row in rows if row["kind"] == "corrections" and row["state"] == "live"), 0)
        titles = {topic.id: topic.title(visit.language) for topic in self._console.parts.brain.knowledge.topics.values()}
        return self._console.page(
            visit, "changes.html.jinja", rows=rows, waiting=waiting, latest=latest, titles=titles, may_act=visit.account.may("caseworker")
        )

    async def state(self, request: Request, number: int) -> Response:
        """How far the trial of a change has come, as JSON."""
        if await self._console.session(request, touch=False) is None:
            return JSONResponse({"error": "log-in"}, 401)
        row = await self._console.read(lambda tx: tx.change(number))
        return JSONResponse({"state": row["state"]} if row is not None else {"error": "unknown"}, 200 if row is not None else 404)

    async def go_back(self, request: Request, number: int) -> Response:
        """The text before a change comes back."""
        visit = await self._console.act(request)
        row = await self._console.read(lambda tx: tx.change(number))
        if row is None or row["state"] != "live":
            raise Refused(404, "refused.unknown")
        return _begun(await self._editor.go_back(row, visit.name))

    async def learn(self, request: Request) -> Response:
        """Learn from the corrections, behind the gate."""
        visit = await self._console.act(request)
        return _begun(await self._editor.learn(visit.name))


def _begun(number: int | None) -> Response:
    if number is None:
        raise Refused(409, "refused.trying")
    return RedirectResponse("/console/knowledge/changes?did=trying", 303)


# ── entries ───────────────────────────────────────────────────────────────────────────────────────────────────


async def _entries(console: Console, visit: Visit) -> list[dict[str, Any]]:
    """Every entry with what speaks for looking at it: use, feedback, corrections, age; those that need it most first."""
    now = console.parts.clock()
    today, since = now.astimezone(OSLO).date(), now - PERIOD
    used, helped, corrected = await console.read(lambda tx: (tx.topic_use(since), tx.topic_feedback(since), tx.topic_corrections(since)))
    rows = []
    for topic in console.parts.brain.knowledge.topics.values():
        age = (today - topic.checked).days
        rows.append(
            {
                "topic": topic,
                "title": topic.title(visit.language),
                "used": used.get(topic.id, 0),
                "helped": helped.get(topic.id, (0, 0)),
                "corrected": corrected.get(topic.id, (0, 0)),
                "fresh": "stale" if age > STALE_DAYS else "soon" if age > STALE_DAYS - SOON else "fresh",
            }
        )
    return sorted(
        rows, key=lambda row: (row["fresh"] != "stale", -row["corrected"][1] - row["helped"][1], -row["used"], row["title"].lower())
    )


def _topic(console: Console, topic_id: str) -> Topic:
    """An entry as its file has it: without what corrections have taught. Errors: ``Refused``."""
    known = console.parts.brain.knowledge
    try:
        name = topic_file(topic_id)
    except ValueError:
        raise Refused(404, "refused.unknown") from None
    path = next((folder / name for folder in known.folders if (folder / name).is_file()), None)
    if path is None or topic_id not in known.topics:
        raise Refused(404, "refused.unknown")
    return read_topic(topic_id, path.read_text(encoding="utf-8"))


def _blank(console: Console) -> Topic:
    return Topic("", "https://", console.parts.clock().astimezone(OSLO).date(), "", {}, {}, {})


async def _form(
    console: Console, visit: Visit, topic: Topic, *, is_new: bool, faults: tuple[Fault, ...] = (), fault: str = "", status: int = 200
) -> Response:
    """The page of an entry, to read or to change."""
    now = console.parts.clock()
    today, since = now.astimezone(OSLO).date(), now - PERIOD
    used, helped, corrected, history = await console.read(
        lambda tx: (tx.topic_use(since), tx.topic_feedback(since), tx.topic_corrections(since), tx.changes(HISTORY, topic.id or "-"))
    )
    known = [each for each in check(console.parts.brain.knowledge, today) if each.where == f"topics/{topic.id}.toml"] if not faults else []
    return console.page(
        visit,
        "topic.html.jinja",
        status=status,
        topic=topic,
        is_new=is_new,
        sections=[(language, console.word(f"language.{language}", visit.language)) for language in Language],
        questions={language: "\n".join(topic.questions.get(language, ())) for language in Language},
        faults=[str(each) for each in faults],
        known=[each.what for each in known],
        fault=fault,
        used=used.get(topic.id, 0),
        helped=helped.get(topic.id, (0, 0)),
        corrected=corrected.get(topic.id, (0, 0)),
        history=history,
        days=PERIOD.days,
        may_act=visit.account.may("caseworker"),
    )


async def _edit(console: Console, editor: Editor, visit: Visit, topic_id: str, *, is_new: bool) -> Response:
    """Check an edit at once, then try it beside the service."""
    try:
        name = topic_file(topic_id)
        topic = filled(topic_id, visit.form)
    except ValueError:
        return await _form(
            console,
            visit,
            filled(topic_id, {**visit.form, "checked": _today(console)}),
            is_new=is_new,
            fault="knowledge.bad_field",
            status=422,
        )
    if is_new and topic_id in console.parts.brain.knowledge.topics:
        return await _form(console, visit, topic, is_new=True, fault="knowledge.taken", status=422)
    text = topic_text(topic)
    if not is_new and text == topic_text(_topic(console, topic_id)):
        return RedirectResponse(f"/console/knowledge/topics/{topic_id}?did=same", 303)
    try:
        faults = await asyncio.to_thread(new_faults, {name: text}, editor.data, console.parts.brain.knowledge, editor.own)
    except KnowledgeError:
        return await _form(console, visit, topic, is_new=is_new, fault="knowledge.bad_field", status=422)
    blocking = tuple(fault for fault in faults if fault.blocks)
    if blocking:
        return await _form(console, visit, topic, is_new=is_new, faults=blocking, status=422)
    return _begun(await editor.edit(topic_id, text, visit.name))


def _today(console: Console) -> str:
    return console.parts.clock().astimezone(OSLO).date().isoformat()


def filled(topic_id: str, form: Mapping[str, str]) -> Topic:
    """An entry from the form. Errors: ``ValueError`` for a date that is none."""

    def field(name: str) -> str:
        return form.get(name, "").strip()[:LONGEST]

    return Topic(
        topic_id,
        field("source"),
        date.fromisoformat(field("checked")),
        field("owner"),
        {language: field(f"title_{language}") for language in Language},
        {language: field(f"answer_{language}") for language in Language},
        {
            language: tuple(dict.fromkeys(line.strip() for line in field(f"questions_{language}").splitlines() if line.strip()))
            for language in Language
        },
    )


__all__ = ["add", "filled"]
