"""One mail: its text, made safe; what was understood and why; its thread, its case, what was sent."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import quote

import nh3
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from bot.decide import reply_address
from bot.mail import parse
from bot.matters.deadlines import OSLO, next_deadline, overdue
from bot.model import Authentication, Category, Language, Message, Raw, Reason, Understanding
from bot.store.accounts import Account
from bot.web.desk.letters import letter, reply_title
from bot.web.desk.page import Console, Refused, Visit
from bot.web.desk.queue import tags
from bot.web.desk.why import why

LOCKED = {"executable", "macro", "encrypted", "bomb", "timeout", "unreadable"}  # what harms, or what nobody could look into
TAGS = {
    *("p", "br", "hr", "div", "span", "blockquote", "pre", "code", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd"),
    *("table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "b", "strong", "i", "em", "u", "s", "sub", "sup", "small"),
}
LONGEST_HTML = 500_000
# nothing that comes from a mail is ever shown by the browser as a page of ours
DOWNLOAD = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'", "Cache-Control": "no-store"}


def sanitised(html: str) -> str:
    """The HTML of a mail with nothing left that loads, runs, links or lays itself over the page: structure and text only."""
    return nh3.clean(
        html[:LONGEST_HTML], tags=set(TAGS), attributes={"td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}, link_rel=None
    )


def framed(html: str, language: str) -> str:
    """A whole page of it, for a sandboxed frame."""
    return f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8"><title>HTML</title></head><body>{sanitised(html)}</body></html>'


@dataclass(frozen=True, slots=True)
class Access:
    """What of a mail may be shown to somebody: ``hidden`` until it is asked for, ``locked`` for good."""

    hidden: bool
    files_locked: bool

    @staticmethod
    def of(row: dict[str, Any], account: Account, revealed: bool) -> Access:
        """Restricted mail (identity numbers, data files) is hidden until a caseworker asks for it; its files are the lead's.
        Files of a mail that was not read are nobody's."""
        hidden = bool(row["restricted"]) and not (revealed and account.may("caseworker"))
        return Access(hidden, unread(row) or (bool(row["restricted"]) and not (revealed and account.may("lead"))))


def unread(row: dict[str, Any]) -> bool:
    """Whether a mail lies in quarantine because it could not be read, and not for what stands in it."""
    reasons = row["decision"].get("reasons", [])
    return row["folder"] == "quarantine" and (row["state"] == "failed" or Reason.UNREADABLE.value in reasons)


def add(router: APIRouter, console: Console) -> None:
    """The mail's page, its files, and who else is looking."""
    pages = Item(console)
    router.add_api_route("/mail/{key:path}/presence", pages.presence)
    router.add_api_route("/mail/{key:path}/files/{number}", pages.file)
    router.add_api_route("/mail/{key:path}/files/{number}", pages.restricted_file, methods=["POST"])
    router.add_api_route("/mail/{key:path}/original", pages.original, methods=["POST"])
    router.add_api_route("/mail/{key:path}/reveal", pages.reveal, methods=["POST"])
    # last of the router's GETs, for a key may hold slashes
    router.add_api_route("/mail/{key:path}", pages.item)


class Item:
    """The mail's page, its files, and who else is looking."""

    def __init__(self, console: Console) -> None:
        """On the console of the running service."""
        self._console = console

    async def presence(self, request: Request, key: str) -> Response:
        """Say that somebody looks at the mail; who else does, as JSON."""
        session = await self._console.session(request, touch=False)
        if session is None:
            return JSONResponse({"error": "log-in"}, 401)
        name, now = session.account.name, self._console.parts.clock()
        await self._console.write(lambda tx: tx.be_present(key, name, now))
        return JSONResponse({"others": await self._console.read(lambda tx: tx.others_present(key, name, now))})

    async def file(self, request: Request, key: str, number: int) -> Response:
        """An attachment that nothing locks."""
        return await _file(self._console, await self._console.look(request), key, number, revealed=False)

    async def restricted_file(self, request: Request, key: str, number: int) -> Response:
        """An attachment of a restricted mail, for a lead; noted in the audit log."""
        return await _file(self._console, await self._console.act(request, "lead"), key, number, revealed=True)

    async def original(self, request: Request, key: str) -> Response:
        """The mail as it came, for a lead; noted in the audit log."""
        visit = await self._console.act(request, "lead")
        raw = await _raw(self._console, key)
        now = self._console.parts.clock()
        await self._console.write(lambda tx: tx.event("original-fetched", key, {}, now, actor=visit.name))
        return download(raw.content, "original.eml")

    async def reveal(self, request: Request, key: str) -> Response:
        """The content of a restricted mail; noted in the audit log."""
        visit = await self._console.act(request)
        now = self._console.parts.clock()
        page = await show(self._console, visit, key, revealed=True)
        await self._console.write(lambda tx: tx.event("restricted-opened", key, {}, now, actor=visit.name))
        return page

    async def item(self, request: Request, key: str) -> Response:
        """The mail's page."""
        return await show(self._console, await self._console.look(request), key)


async def show(console: Console, visit: Visit, key: str, *, revealed: bool = False, status: int = 200, **more: Any) -> Response:
    """The page of a mail. Errors: ``Refused`` for an unknown one."""
    now = console.parts.clock()
    await console.write(lambda tx: tx.be_present(key, visit.name, now))
    try:
        kept = await console.read(lambda tx: _kept(tx, key, visit.name, now))
    except KeyError:
        raise Refused(404, "refused.unknown") from None
    access = Access.of(kept["row"], visit.account, revealed)
    context: dict[str, Any] = {
        **kept,
        **_read(console, visit, kept["row"], access),
        **_case(console, kept, now),
        **_choices(console, visit, kept),
        "recipient": "" if access.hidden else await recipient(console, kept["row"]),
        "now": now,
        "fault": "",
    }
    return console.page(visit, "item.html.jinja", status=status, **{**context, **more})


def _kept(tx: Any, key: str, name: str, now: datetime) -> dict[str, Any]:
    """What the store has on a mail. Errors: ``KeyError``."""
    row = tx.desk_mail(key)
    reference = row["case_ref"] or row["suggested_ref"]
    return {
        "row": row,
        "sent": [{**mail, **_shown_mail(tx, mail["message_id"])} for mail in tx.outgoing_of(key)],
        "thread": tx.thread_of(row),
        "case": tx.case(reference) if reference else None,
        "confirmed": tx.confirmed_deletions(),
        "answered": tx.answered_offers(),
        "known_cases": [(known.case_ref, known.title) for known in tx.cases()[:500]],
        "accounts": tx.accounts(),
        "others": tx.others_present(key, name, now),
        "events": tx.events_of(key),
    }


def _read(console: Console, visit: Visit, row: dict[str, Any], access: Access) -> dict[str, Any]:
    """What of the mail itself is shown, and what was understood of it."""
    return {
        "access": access,
        "tags": tags({**row, "sensitive": row["understanding"].get("sensitive", []), "drafts": 0}),
        "why": why(row, console.parts.brain.knowledge, visit.language),
        "files": [] if access.hidden else files(row, access),
        "frame": framed(row["html"], row["language"] or "nb") if row["html"] and not access.hidden else "",
    }


def _case(console: Console, kept: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Where the mail's case stands."""
    case, rules, today = kept["case"], console.parts.deadlines, now.astimezone(OSLO).date()
    if case is None:
        return {"next": None, "overdue": []}
    return {"next": next_deadline(case, today, rules), "overdue": overdue(case, today, rules, kept["confirmed"], kept["answered"])}


def _choices(console: Console, visit: Visit, kept: dict[str, Any]) -> dict[str, Any]:
    """What the visitor may do, and what there is to choose from."""
    row, parts = kept["row"], console.parts
    topics = ((topic.id, topic.title(visit.language)) for topic in parts.brain.knowledge.topics.values())
    return {
        "topics": sorted(topics, key=lambda pair: pair[1]),
        "people": [account.name for account in kept["accounts"] if account.may("caseworker") and not account.disabled],
        "categories": [category.value for category in Category],
        "services": list(parts.policy.misdirected) if not row["restricted"] else [],
        "may_act": visit.account.may("caseworker"),
        "may_lead": visit.account.may("lead"),
        "reply_text": visit.form.get("text", "") or _prefilled(console, visit, row),
        "reply_subject": visit.form.get("subject", "") or reply_title(row["subject"]),
    }


def _shown_mail(tx: Any, message_id: str) -> dict[str, Any]:
    subject, text = letter(tx.outgoing_content(message_id))
    row = tx.outbox_row(message_id)
    return {"subject": subject, "text": text, "not_before": row["not_before"]}


def _prefilled(console: Console, visit: Visit, row: dict[str, Any]) -> str:
    """The answer of a topic that was chosen to begin the reply with, in the language of the mail."""
    topic = console.parts.brain.knowledge.topics.get(visit.request.query_params.get("with", ""))
    return topic.answer(Language(row["language"] or "nb")) if topic is not None else ""


def files(row: dict[str, Any], access: Access) -> list[dict[str, Any]]:
    """The attachments as they were examined, each with whether and why it is locked."""
    found = []
    for number, part in enumerate(row["attachments"]):
        harmful = sorted(LOCKED & set(part["flags"]))
        locked = "quarantine" if unread(row) else harmful[0] if harmful else "restricted" if access.files_locked else ""
        found.append({**part, "number": number, "locked": locked})
    return found


async def recipient(console: Console, row: dict[str, Any]) -> str:
    """Where a reply goes (``bot.decide.reply_address``), or ``""`` where there is nowhere."""
    try:
        message = await read_again(console, row["key"])
    except Refused:
        return ""
    told = row["understanding"].get("authentication") or {}
    known = Understanding(Category.OTHER, 0.0, Language.NB, authentication=Authentication(told.get("domain", "")))
    return reply_address(message, known)


async def read_again(console: Console, key: str) -> Message:
    """The mail as it is read from its bytes. Errors: ``Refused`` where they are gone."""
    raw = await _raw(console, key)
    return await asyncio.to_thread(parse, raw, own_addresses=console.parts.own_addresses)


async def _raw(console: Console, key: str) -> Raw:
    try:
        raw: Raw = await console.read(lambda tx: tx.raw(key))
    except KeyError:
        raise Refused(404, "refused.gone") from None
    return raw


async def _file(console: Console, visit: Visit, key: str, number: int, *, revealed: bool) -> Response:
    """An attachment's bytes, if nothing locks it; a restricted one is noted in the audit log."""
    try:
        row = await console.read(lambda tx: tx.desk_mail(key))
    except KeyError:
        raise Refused(404, "refused.unknown") from None
    shown = files(row, Access.of(row, visit.account, revealed))
    attachments = (await read_again(console, key)).attachments
    if not 0 <= number < min(len(shown), len(attachments)):
        raise Refused(404, "refused.unknown")
    if shown[number]["locked"]:
        raise Refused(403, "refused.locked")
    if row["restricted"]:
        now = console.parts.clock()
        await console.write(lambda tx: tx.event("restricted-file-fetched", key, {"number": number}, now, actor=visit.name))
    return download(attachments[number].content, attachments[number].name)


def download(content: bytes, name: str) -> Response:
    """Bytes to be saved, never shown: the name in ASCII and as RFC 6266 wants it."""
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "._- ") else "_" for char in name)[:150] or "file"
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name.encode('utf-8', 'replace')[:300], safe='')}"
    return Response(content, media_type="application/octet-stream", headers={**DOWNLOAD, "Content-Disposition": disposition})


__all__ = ["add", "download", "framed", "read_again", "recipient", "sanitised", "show"]
