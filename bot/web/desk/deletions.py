"""The deletion register: what is due and overdue, what a person must check, what is confirmed; verdicts; export."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from bot.exporting import csv_text, workbook
from bot.matters.deadlines import OSLO, awaited_deletions
from bot.model import Verdict
from bot.store.registers import DELETION_COLUMNS
from bot.web.desk.cases import page_of
from bot.web.desk.item import download
from bot.web.desk.page import Console, Refused

VIEWS = ("overdue", "due", "to-check", "confirmed", "rejected")
PAGE = 50
LONGEST_REASON = 1_000


def add(router: APIRouter, console: Console) -> None:
    """The register's pages and deeds."""
    pages = Register(console)
    router.add_api_route("/deletions", pages.deletions)
    router.add_api_route("/deletions/export.{form}", pages.export)
    router.add_api_route("/deletions/{number}/verdict", pages.verdict, methods=["POST"])


class Register:
    """The register's pages and deeds."""

    def __init__(self, console: Console) -> None:
        """On the console of the running service."""
        self._console = console

    async def deletions(self, request: Request) -> Response:
        """The register, one view of it at a time."""
        visit = await self._console.look(request)
        lists = await self._console.read(lambda tx: _lists(self._console, tx))
        counts = {name: len(rows) for name, rows in lists.items()}
        asked = request.query_params.get("view", "")
        view = asked if asked in VIEWS else next((name for name in ("to-check", "overdue", "due") if counts[name]), "confirmed")
        page = page_of(request)
        return self._console.page(
            visit,
            "deletions.html.jinja",
            view=view,
            views=VIEWS,
            counts=counts,
            rows=lists[view][(page - 1) * PAGE : page * PAGE],
            page=page,
            pages=max(1, -(-counts[view] // PAGE)),
            verdicts=[verdict.value for verdict in Verdict],
            known_cases=await self._console.read(lambda tx: [(case.case_ref, case.title) for case in tx.open_cases()[:500]]),
            may_act=visit.account.may("caseworker"),
        )

    async def export(self, request: Request, form: str) -> Response:
        """The whole register as CSV or xlsx; noted in the audit log."""
        visit = await self._console.look(request, "caseworker")
        if form not in ("csv", "xlsx"):
            raise Refused(404, "refused.unknown")
        now = self._console.parts.clock()
        rows = await self._console.read(lambda tx: tx.deletions())
        await self._console.write(
            lambda tx: tx.event("register-exported", "deletions", {"rows": len(rows), "form": form}, now, actor=visit.name)
        )
        # the mark at the beginning tells a spreadsheet that the text is UTF-8
        content = csv_text(DELETION_COLUMNS, rows).encode("utf-8-sig") if form == "csv" else workbook("deletions", DELETION_COLUMNS, rows)
        return download(content, f"slettinger-{now.astimezone(OSLO).date()}.{form}")

    async def verdict(self, request: Request, number: int) -> Response:
        """Conclude on a confirmation, with a reason."""
        visit = await self._console.act(request)
        given, reason = visit.form.get("verdict", ""), visit.form.get("reason", "").strip()[:LONGEST_REASON]
        ref, now = visit.form.get("case", "").strip(), self._console.parts.clock()
        if given not in set(Verdict) or not reason:
            raise Refused(400, "refused.reason" if given in set(Verdict) else "refused.value")

        def work(tx: Any) -> None:
            row = next((row for row in tx.deletions() if row["id"] == number), None)
            if row is None:
                raise Refused(404, "refused.unknown")
            if ref and tx.case(ref) is None:
                raise Refused(400, "refused.case")
            if given == Verdict.CONFIRMED and not (ref or row["case_ref"]):
                raise Refused(400, "refused.case")
            if ref and ref != row["case_ref"]:
                tx.tie_deletion(number, ref, now, actor=visit.name)
            tx.set_verdict(number, Verdict(given), reason, now, actor=visit.name)

        await self._console.write(work)
        return RedirectResponse(f"/console/deletions?view={given}&did=verdict", 303)


def _lists(console: Console, tx: Any) -> dict[str, list[dict[str, Any]]]:
    """Each view's rows: cases for what is awaited, entries for what came."""
    today, ahead = console.parts.clock().astimezone(OSLO).date(), console.parts.deadlines.remind_deletion_days
    entries, history = tx.deletions(), tx.deletion_history()
    latest: dict[str, str] = {}
    for entry in entries:
        latest.setdefault(entry["case_ref"], entry["verdict"])
    drafts: dict[str, str] = {row["case_ref"]: row["message_id"] for row in tx.reminder_drafts()}
    awaited: list[dict[str, Any]] = [
        {"case": case, "days": days, "received": latest.get(case.case_ref, ""), "draft": drafts.get(case.case_ref, "")}
        for days, case in awaited_deletions(tx.cases(), today, tx.confirmed_deletions())
    ]
    lists = {"overdue": [row for row in awaited if row["days"] < 0], "due": [row for row in awaited if 0 <= row["days"] <= ahead]}
    titles = {case.case_ref: case.title for case in tx.cases()}
    for verdict in Verdict:
        lists[verdict.value] = [
            {**entry, "history": history.get(entry["id"], []), "title": titles.get(entry["case_ref"], "")}
            for entry in entries
            if entry["verdict"] == verdict.value
        ]
    return lists


__all__ = ["add"]
