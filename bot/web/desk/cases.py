"""The case register: a list that can be searched, and each case with all that happened and will happen in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from bot.importing import STATES
from bot.matters.deadlines import OSLO, DeadlineRules, complaint_deadline, next_deadline, overdue
from bot.matters.offer import due_date
from bot.model import Case, Language
from bot.store.codec import stamp
from bot.web.desk.letters import UNDO, letter, unchanged, written
from bot.web.desk.page import Console, Refused, Visit

PAGE = 50


@dataclass(frozen=True, slots=True)
class Step:
    """One point of a case's timeline. ``at``: an ISO date or a stamp of the store; ``mark``: done, ahead or over."""

    at: str
    word: str
    text: str = ""
    link: str = ""
    mark: str = "done"
    state: str = ""


def add(router: APIRouter, console: Console) -> None:
    """The register, a case, and the drafts of reminders that belong to a case alone."""
    pages = Register(console)
    router.add_api_route("/cases", pages.cases)
    router.add_api_route("/cases/{ref:path}/draft", pages.draft, methods=["POST"])
    router.add_api_route("/cases/{ref:path}/undo", pages.undo, methods=["POST"])
    router.add_api_route("/cases/{ref:path}", pages.case)


class Register:
    """The register, a case, and the drafts of reminders that belong to a case alone."""

    def __init__(self, console: Console) -> None:
        """On the console of the running service."""
        self._console = console

    async def cases(self, request: Request) -> Response:
        """The register: those past a deadline first."""
        visit = await self._console.look(request)
        words, state = request.query_params.get("q", "")[:200], request.query_params.get("state", "")
        caseworker, page = request.query_params.get("caseworker", "")[:200], page_of(request)
        every, confirmed, answered, workers = await self._console.read(
            lambda tx: (tx.cases(), tx.confirmed_deletions(), tx.answered_offers(), tx.caseworkers())
        )
        found = [case for case in every if fits(case, words) and state in ("", case.state) and caseworker in ("", case.caseworker)]
        today, rules = self._console.parts.clock().astimezone(OSLO).date(), self._console.parts.deadlines
        late = {case.case_ref: overdue(case, today, rules, confirmed, answered) for case in found}
        found.sort(key=lambda case: min((day for _, day in late[case.case_ref]), default=date.max))
        shown = found[(page - 1) * PAGE : page * PAGE]
        return self._console.page(
            visit,
            "cases.html.jinja",
            rows=[{"case": case, "overdue": late[case.case_ref], "next": next_deadline(case, today, rules)} for case in shown],
            total=len(found),
            asked={"q": words, "state": state, "caseworker": caseworker},
            states=STATES,
            caseworkers=workers,
            page=page,
            pages=max(1, -(-len(found) // PAGE)),
        )

    async def draft(self, request: Request, ref: str) -> Response:
        """Send, change or discard a reminder that waits."""
        return await _draft(self._console, await self._console.act(request), ref)

    async def undo(self, request: Request, ref: str) -> Response:
        """Take back a reminder that has not left yet."""
        visit = await self._console.act(request)
        identifier, now = visit.form.get("message", ""), self._console.parts.clock()
        await _own_mail(self._console, identifier, ref)
        if not await self._console.write(lambda tx: tx.take_back(identifier, now, actor=visit.name)):
            raise Refused(409, "refused.too_late")
        return back(ref, "undone")

    async def case(self, request: Request, ref: str) -> Response:
        """One case with its timeline."""
        return await show(self._console, await self._console.look(request), ref)


def page_of(request: Request) -> int:
    """The page of a list that is asked for, 1 where it is not understood."""
    text = request.query_params.get("page", "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def fits(case: Case, words: str) -> bool:
    """Whether every word of a search stands somewhere in the case."""
    text = " ".join((case.case_ref, case.title, case.institution, *case.contacts, *case.domains, *case.serial_numbers)).lower()
    return all(word in text for word in words.lower().split())


def back(ref: str, did: str) -> Response:
    """To the case's page, which says what was done."""
    return RedirectResponse(f"/console/cases/{quote(ref, safe='')}?did={did}", 303)


async def show(console: Console, visit: Visit, ref: str, *, status: int = 200, fault: str = "") -> Response:
    """The page of a case. Errors: ``Refused`` for an unknown one."""

    def work(tx: Any) -> dict[str, Any]:
        history = tx.deletion_history()
        return {
            "case": tx.case(ref),
            "mails": tx.mails_of_case(ref),
            "outgoing": tx.outgoing_of_case(ref),
            "deletions": [{**row, "history": history.get(row["id"], [])} for row in tx.deletions() if row["case_ref"] == ref],
            "offers": [row for row in tx.offers() if row["case_ref"] == ref],
            "applications": [row for row in tx.applications() if row["case_ref"] == ref],
            "events": tx.events_of(ref),
            "drafts": [_letter(tx, row) for row in tx.own_mails_of_case(ref)],
            "confirmed": tx.confirmed_deletions(),
            "answered": tx.answered_offers(),
        }

    found = await console.read(work)
    if found["case"] is None:
        raise Refused(404, "refused.unknown")
    now = console.parts.clock()
    today, rules = now.astimezone(OSLO).date(), console.parts.deadlines
    return console.page(
        visit,
        "case.html.jinja",
        status=status,
        fault=fault,
        **found,
        steps=timeline(found["case"], found, today, rules),
        next=next_deadline(found["case"], today, rules),
        overdue=overdue(found["case"], today, rules, found["confirmed"], found["answered"]),
        may_act=visit.account.may("caseworker"),
        now=stamp(now),
    )


def _letter(tx: Any, row: dict[str, Any]) -> dict[str, Any]:
    subject, text = letter(tx.outgoing_content(row["message_id"]))
    return {**row, "subject": subject, "text": text}


# ── the timeline ──────────────────────────────────────────────────────────────────────────────────────────────


def timeline(case: Case, found: dict[str, Any], today: date, rules: DeadlineRules) -> list[Step]:
    """All that happened in a case and the deadlines ahead of it, oldest first."""
    steps = [*_dates(case, found["confirmed"], found["answered"], today, rules)]
    for mail in found["mails"]:
        title = "" if mail["restricted"] else mail["subject"] or ""
        sender = mail["sender_name"] or mail["sender"] or ""
        steps.append(Step(mail["received"], f"category.{mail['category'] or 'other'}", f"{sender}: {title}".strip(": "), mail["key"]))
    for mail in found["outgoing"]:
        at = mail["sent_at"] or mail["created"]
        steps.append(Step(at, f"kind.{mail['kind']}", mail["recipient"], mail["mail_key"], state=mail["state"]))
    for row in found["deletions"]:
        first, *later = row["history"]
        steps.append(Step(first["at"], "event.deletion-registered", row["sender"], row["mail_key"]))
        for past in later:
            steps.append(Step(past["at"], f"verdict.{past['verdict']}", f"{past['actor']}: {past['reason']}", row["mail_key"]))
    for event in found["events"]:
        if event["kind"] in ("case-added", "offer-concluded", "application-concluded"):
            steps.append(Step(event["at"], f"event.{event['kind']}", "" if event["actor"] == "bot" else event["actor"]))
    return sorted(steps, key=lambda step: (step.at[:10], len(step.at) > 10, step.at))


def _dates(case: Case, confirmed: frozenset[str], answered: frozenset[str], today: date, rules: DeadlineRules) -> list[Step]:
    """The register's own dates: what was, what will be, what is over and still open."""
    steps = [
        Step(day.isoformat(), f"case.{name}", mark="done" if day <= today else "ahead")
        for name, day in (("decision_date", case.decision_date), ("offer_sent", case.offer_sent), ("delivered", case.delivered))
        if day is not None
    ]
    late = dict(overdue(case, today, rules, confirmed, answered))
    deadlines = (("offer", due_date(case, rules.offer_days)), ("complaint", complaint_deadline(case)), ("deletion", case.deletion_due))
    for kind, day in deadlines:
        if day is not None:
            mark = "over" if kind in late else "ahead" if day >= today and case.state != "closed" else "done"
            steps.append(Step(day.isoformat(), f"case.{kind}", mark=mark))
    return steps


# ── reminders that wait as drafts ─────────────────────────────────────────────────────────────────────────────


async def _own_mail(console: Console, identifier: str, ref: str) -> dict[str, Any]:
    row = await console.read(lambda tx: tx.outbox_row(identifier))
    if row is None or row["case_ref"] != ref or row["mail_key"]:
        raise Refused(404, "refused.unknown")
    return dict(row)


async def _draft(console: Console, visit: Visit, ref: str) -> Response:
    """Send a reminder as it stands or with changes, or discard it."""
    identifier, do, now = visit.form.get("message", ""), visit.form.get("do", ""), console.parts.clock()
    row = await _own_mail(console, identifier, ref)
    if do not in ("send", "discard"):
        raise Refused(404, "refused.unknown")
    if do == "discard":
        done = await console.write(lambda tx: row["state"] == "draft" and tx.discard(identifier, visit.name, now))
    elif not visit.form.get("text", "").strip():
        return await show(console, visit, ref, status=422, fault="item.empty_text")
    elif unchanged(row["content"], visit.form):
        done = await console.write(lambda tx: tx.approve(identifier, now + UNDO, now, actor=visit.name))
    else:
        language = Language(row["language"])
        mail = written(console, visit, "draft", to=row["recipient"], fallback=letter(row["content"])[0], case_ref=ref, language=language)
        done = await console.write(
            lambda tx: (
                tx.replace_draft(identifier, mail, now, actor=visit.name) and tx.approve(mail.message_id, now + UNDO, now, actor=visit.name)
            )
        )
    if not done:
        raise Refused(409, "refused.too_late")
    console.parts.outbox_waiting.set()
    return back(ref, "discarded" if do == "discard" else "sent")


__all__ = ["Step", "add", "page_of", "timeline"]
