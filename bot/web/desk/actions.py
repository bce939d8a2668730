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

    @router.post("/mail/{key:path}/correct/{field}")
    async def correct(request: Request, key: str, field: str) -> Response:
        visit, row = await _mail(console, request, key)
        value = visit.form.get("value", "").strip()
        await _check(console, field, value)
        line = lesson(row, field, value)
        now = console.parts.clock()
        changed = await console.write(lambda tx: tx.correct(key, field, value, line, now, actor=visit.name))
        return back(key, "corrected" if changed else "same")

    @router.post("/mail/{key:path}/assign")
    async def assign(request: Request, key: str) -> Response:
        visit, _ = await _mail(console, request, key)
        to, now = visit.form.get("to", ""), console.parts.clock()
        account = await console.read(lambda tx: tx.account(to))
        if to and (account is None or account.disabled or not account.may("caseworker")):
            raise Refused(400, "refused.value")
        await console.write(lambda tx: tx.assign(key, to, now, actor=visit.name))
        return back(key, "assigned")

    @router.post("/mail/{key:path}/note")
    async def note(request: Request, key: str) -> Response:
        visit, _ = await _mail(console, request, key)
        text, now = visit.form.get("text", "").strip()[:LONGEST_NOTE], console.parts.clock()
        kind = "phone" if visit.form.get("kind") == "phone" else "note"
        if text:
            await console.write(lambda tx: tx.add_note(key, text, now, actor=visit.name, kind=kind))
        return back(key, "noted" if text else "same")

    @router.post("/mail/{key:path}/done")
    async def done(request: Request, key: str) -> Response:
        visit, _ = await _mail(console, request, key)
        now = console.parts.clock()
        changed = await console.write(lambda tx: tx.mark_done(key, now, actor=visit.name))
        return back(key, "done" if changed else "same")

    @router.post("/mail/{key:path}/reopen")
    async def reopen(request: Request, key: str) -> Response:
        visit, _ = await _mail(console, request, key)
        now = console.parts.clock()
        changed = await console.write(lambda tx: tx.reopen(key, now, actor=visit.name))
        return back(key, "reopened" if changed else "same")

    @router.post("/mail/{key:path}/send-on")
    async def send_on_to_another(request: Request, key: str) -> Response:
        visit, _ = await _mail(console, request, key)
        service = visit.form.get("service", "")
        if service not in console.parts.policy.misdirected:
            raise Refused(400, "refused.value")
        return back(key, "sent_on" if await send_on(console.parts, key, service, actor=visit.name) else "same")

    @router.post("/mail/{key:path}/reply")
    async def reply(request: Request, key: str) -> Response:
        visit, row = await _mail(console, request, key)
        to = await recipient(console, row)
        if not to:
            raise Refused(400, "refused.value")
        do = visit.form.get("do", "send")
        if not visit.form.get("text", "").strip():
            return await _again(console, visit, key)
        mail = await _written(console, visit, row, to, "draft" if do == "save" else "person")
        now = console.parts.clock()

        def work(tx: Any) -> None:
            tx.write(mail, now if do == "save" else now + UNDO, now, actor=visit.name)
            if do == "done":
                tx.mark_done(key, now, actor=visit.name)

        await console.write(work)
        console.parts.outbox_waiting.set()
        return back(key, "drafted" if do == "save" else "sent")

    @router.post("/mail/{key:path}/draft")
    async def draft(request: Request, key: str) -> Response:
        visit, row = await _mail(console, request, key)
        return await _draft(console, visit, row)

    @router.post("/mail/{key:path}/undo")
    async def undo(request: Request, key: str) -> Response:
        return await _outgoing(console, request, key, "take_back", "undone")

    @router.post("/mail/{key:path}/discard")
    async def discard(request: Request, key: str) -> Response:
        return await _outgoing(console, request, key, "discard", "discarded")

    @router.post("/mail/{key:path}/retry")
    async def retry(request: Request, key: str) -> Response:
        return await _outgoing(console, request, key, "retry", "retried")


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
