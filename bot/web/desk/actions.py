"""What a caseworker does to a mail: correct, reply, approve, assign, note, be done. Every deed is in the audit log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from bot.compose import thread_headers
from bot.model import Category, Language, Outgoing
from bot.pipeline import send_on
from bot.store.work import FIELDS
from bot.web.desk.item import read_again, recipient, show
from bot.web.desk.letters import UNDO, reply_title, unchanged, written
from bot.web.desk.page import Console, Refused, Visit

LONGEST_NOTE = 5_000
LONGEST_LESSON = 4_000  # characters of a mail that a correction teaches from


def add(router: APIRouter, console: Console) -> None:
    """The deeds, each a POST that leads back to the mail."""
    deeds = Deeds(console)
    router.add_api_route("/mail/{key:path}/correct/{field}", deeds.correct, methods=["POST"])
    router.add_api_route("/mail/{key:path}/assign", deeds.assign, methods=["POST"])
    router.add_api_route("/mail/{key:path}/note", deeds.note, methods=["POST"])
    router.add_api_route("/mail/{key:path}/done", deeds.done, methods=["POST"])
    router.add_api_route("/mail/{key:path}/reopen", deeds.reopen, methods=["POST"])
    router.add_api_route("/mail/{key:path}/send-on", deeds.send_on_to_another, methods=["POST"])
    router.add_api_route("/mail/{key:path}/reply", deeds.reply, methods=["POST"])
    router.add_api_route("/mail/{key:path}/draft", deeds.draft, methods=["POST"])
    router.add_api_route("/mail/{key:path}/undo", deeds.undo, methods=["POST"])
    router.add_api_route("/mail/{key:path}/discard", deeds.discard, methods=["POST"])
    router.add_api_route("/mail/{key:path}/retry", deeds.retry, methods=["POST"])


class Deeds:
    """What a caseworker does to a mail; each deed leads back to its page."""

    def __init__(self, console: Console) -> None:
        """On the console of the running service."""
        self._console = console

    async def correct(self, request: Request, key: str, field: str) -> Response:
        """Put something right that was understood wrongly; the assistant may learn from it."""
        visit, row = await _mail(self._console, request, key)
        value = visit.form.get("value", "").strip()
        await _check(self._console, field, value)
        line = lesson(row, field, value)
        now = self._console.parts.clock()
        changed = await self._console.write(lambda tx: tx.correct(key, field, value, line, now, actor=visit.name))
        return back(key, "corrected" if changed else "same")

    async def assign(self, request: Request, key: str) -> Response:
        """Give the mail to a caseworker, or to nobody."""
        visit, _ = await _mail(self._console, request, key)
        to, now = visit.form.get("to", ""), self._console.parts.clock()
        account = await self._console.read(lambda tx: tx.account(to))
        if to and (account is None or account.disabled or not account.may("caseworker")):
            raise Refused(400, "refused.value")
        await self._console.write(lambda tx: tx.assign(key, to, now, actor=visit.name))
        return back(key, "assigned")

    async def note(self, request: Request, key: str) -> Response:
        """Add a note to the mail."""
        visit, _ = await _mail(self._console, request, key)
        text, now = visit.form.get("text", "").strip()[:LONGEST_NOTE], self._console.parts.clock()
        kind = "phone" if visit.form.get("kind") == "phone" else "note"
        if text:
            await self._console.write(lambda tx: tx.add_note(key, text, now, actor=visit.name, kind=kind))
        return back(key, "noted" if text else "same")

    async def done(self, request: Request, key: str) -> Response:
        """Nothing more has to be done."""
        visit, _ = await _mail(self._console, request, key)
        now = self._console.parts.clock()
        changed = await self._console.write(lambda tx: tx.mark_done(key, now, actor=visit.name))
        return back(key, "done" if changed else "same")

    async def reopen(self, request: Request, key: str) -> Response:
        """Something has to be done after all."""
        visit, _ = await _mail(self._console, request, key)
        now = self._console.parts.clock()
        changed = await self._console.write(lambda tx: tx.reopen(key, now, actor=visit.name))
        return back(key, "reopened" if changed else "same")

    async def send_on_to_another(self, request: Request, key: str) -> Response:
        """Send the mail on to the service that it is meant for."""
        visit, _ = await _mail(self._console, request, key)
        service = visit.form.get("service", "")
        if service not in self._console.parts.policy.misdirected:
            raise Refused(400, "refused.value")
        return back(key, "sent_on" if await send_on(self._console.parts, key, service, actor=visit.name) else "same")

    async def reply(self, request: Request, key: str) -> Response:
        """Send or save a reply of the caseworker's own."""
        visit, row = await _mail(self._console, request, key)
        to = await recipient(self._console, row)
        if not to:
            raise Refused(400, "refused.value")
        do = visit.form.get("do", "send")
        if not visit.form.get("text", "").strip():
            return await _again(self._console, visit, key)
        mail = await _written(self._console, visit, row, to, "draft" if do == "save" else "person")
        now = self._console.parts.clock()

        def work(tx: Any) -> None:
            tx.write(mail, now if do == "save" else now + UNDO, now, actor=visit.name)
            if do == "done":
                tx.mark_done(key, now, actor=visit.name)

        await self._console.write(work)
        self._console.parts.outbox_waiting.set()
        return back(key, "drafted" if do == "save" else "sent")

    async def draft(self, request: Request, key: str) -> Response:
        """Send, change or discard a draft of the assistant's."""
        visit, row = await _mail(self._console, request, key)
        return await _draft(self._console, visit, row)

    async def undo(self, request: Request, key: str) -> Response:
        """Take back what has not left yet."""
        return await _outgoing(self._console, request, key, "take_back", "undone")

    async def discard(self, request: Request, key: str) -> Response:
        """Throw a draft away."""
        return await _outgoing(self._console, request, key, "discard", "discarded")

    async def retry(self, request: Request, key: str) -> Response:
        """Try once more to send what could not leave."""
        return await _outgoing(self._console, request, key, "retry", "retried")


def back(key: str, did: str) -> Response:
    """To the mail's page, which says what was done."""
    return RedirectResponse(f"/console/mail/{quote(key, safe='')}?did={did}", 303)


async def _mail(console: Console, request: Request, key: str) -> tuple[Visit, dict[str, Any]]:
    visit = await console.act(request)
    try:
        row: dict[str, Any] = await console.read(lambda tx: tx.desk_mail(key))
    except KeyError:
        raise Refused(404, "refused.unknown") from None
    if row["state"] in ("waiting", "purged"):
        raise Refused(409, "refused.gone")
    return visit, row


# ── corrections ───────────────────────────────────────────────────────────────────────────────────────────────


async def _check(console: Console, field: str, value: str) -> None:
    """Errors: ``Refused`` where the field does not exist or cannot have that value."""
    if field not in FIELDS:
        raise Refused(404, "refused.unknown")
    fits = {
        "category": value in set(Category),
        "language": value in set(Language),
        "topic": not value or value in console.parts.brain.knowledge.topics,
        "case": not value or await console.read(lambda tx: tx.case(value)) is not None,
    }
    if not fits[field]:
        raise Refused(400, "refused.value")


def lesson(row: Mapping[str, Any], field: str, value: str) -> str:
    """What a correction teaches, as a line of ``bot learn``; ``""`` where it teaches nothing: protected mail, machine mail, a case."""
    text = (row["own"] or "").strip()[:LONGEST_LESSON]
    language = value if field == "language" else row["language"] or "nb"
    if row["restricted"] or not text or field not in ("category", "topic"):
        return ""
    if field == "topic":
        return json.dumps({"question": text, "faq": value or None, "language": language}, ensure_ascii=False)
    if value == Category.AUTO.value:
        return ""
    return json.dumps({"subject": row["subject"] or "", "text": text, "category": value, "language": language}, ensure_ascii=False)


# ── mails of a person ─────────────────────────────────────────────────────────────────────────────────────────


async def _again(console: Console, visit: Visit, key: str) -> Response:
    return await show(console, visit, key, status=422, fault="item.empty_text")


async def _written(console: Console, visit: Visit, row: Mapping[str, Any], to: str, kind: str) -> Outgoing:
    """A person's mail in the thread of ``row``, from the form's subject and text."""
    message = await read_again(console, row["key"])
    return written(
        console,
        visit,
        kind,
        to=to,
        fallback=reply_title(row["subject"]),
        thread=thread_headers(message),
        key=row["key"],
        case_ref=row["case_ref"] or "",
        language=Language(row["language"] or "nb"),
    )


async def _draft(console: Console, visit: Visit, row: Mapping[str, Any]) -> Response:
    """Approve a draft as it stands, send or save it with changes, or discard it."""
    key, now, do = row["key"], console.parts.clock(), visit.form.get("do", "")
    identifier = visit.form.get("message", "")
    draft = await console.read(lambda tx: tx.outbox_row(identifier))
    if draft is None or draft["mail_key"] != key or do not in ("send", "save", "discard"):
        raise Refused(404, "refused.unknown")
    if do == "discard":
        done = await console.write(lambda tx: draft["state"] == "draft" and tx.discard(identifier, visit.name, now))
        return _told(key, done, "discarded")
    if not visit.form.get("text", "").strip():
        return await _again(console, visit, key)
    if unchanged(draft["content"], visit.form):
        if do == "save":
            return back(key, "same")
        done = await console.write(lambda tx: tx.approve(identifier, now + UNDO, now, actor=visit.name))
        console.parts.outbox_waiting.set()
        return _told(key, done, "sent")
    mail = await _written(console, visit, row, draft["recipient"], "draft")

    def work(tx: Any) -> bool:
        replaced: bool = tx.replace_draft(identifier, mail, now, actor=visit.name)
        return replaced and (do == "save" or tx.approve(mail.message_id, now + UNDO, now, actor=visit.name))

    done = await console.write(work)
    console.parts.outbox_waiting.set()
    return _told(key, done, "drafted" if do == "save" else "sent")


async def _outgoing(console: Console, request: Request, key: str, deed: str, did: str) -> Response:
    """Do something to a mail of ours that has not left."""
    visit, _ = await _mail(console, request, key)
    identifier, now = visit.form.get("message", ""), console.parts.clock()

    def work(tx: Any) -> bool:
        row = tx.outbox_row(identifier)
        if row is None or row["mail_key"] != key:
            return False
        if deed == "take_back":
            return bool(tx.take_back(identifier, now, actor=visit.name))
        return bool(getattr(tx, deed)(identifier, visit.name, now))

    done = await console.write(work)
    console.parts.outbox_waiting.set()
    return _told(key, done, did)


def _told(key: str, done: bool, did: str) -> Response:
    if not done:
        raise Refused(409, "refused.too_late")
    return back(key, did)


__all__ = ["add", "lesson"]
