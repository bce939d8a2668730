"""Returned offers with what their signatures say, and applications with their checklists: the assistant reports, a person concludes."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from bot.store.work import CONCLUSIONS
from bot.web.desk.cases import page_of
from bot.web.desk.page import Console, Refused

PAGE = 30
OPEN = "received"  # nobody has concluded yet


def add(router: APIRouter, console: Console) -> None:
    """The two registers."""
    _register(router, console, "offer", "offers", lambda tx: tx.offers())
    _register(router, console, "application", "applications", lambda tx: tx.applications())


def _register(router: APIRouter, console: Console, register: str, place: str, rows_of: Any) -> None:
    @router.get(f"/{place}", name=place)
    async def entries(request: Request) -> Response:
        visit = await console.look(request)
        rows, known = await console.read(lambda tx: (rows_of(tx), [(case.case_ref, case.title) for case in tx.open_cases()[:500]]))
        states = CONCLUSIONS[register]
        asked = request.query_params.get("state", OPEN)
        state = asked if asked in states else OPEN
        counts = {name: sum(row["state"] == name for row in rows) for name in states}
        page = page_of(request)
        return console.page(
            visit,
            f"{place}.html.jinja",
            rows=[row for row in rows if row["state"] == state][(page - 1) * PAGE : page * PAGE],
            counts=counts,
            states=states,
            state=state,
            page=page,
            pages=max(1, -(-counts[state] // PAGE)),
            known_cases=known,
            may_act=visit.account.may("caseworker"),
        )

    @router.post(f"/{place}/{{number}}/conclude", name=f"{register}-conclude")
    async def conclude(request: Request, number: int) -> Response:
        visit = await console.act(request)
        state, ref, now = visit.form.get("state", ""), visit.form.get("case", "").strip(), console.parts.clock()
        if state not in CONCLUSIONS[register]:
            raise Refused(400, "refused.value")

        def work(tx: Any) -> None:
            if ref and tx.case(ref) is None:
                raise Refused(400, "refused.case")
            if not tx.conclude(register, number, state, ref, now, actor=visit.name):
                raise Refused(404, "refused.unknown")

        await console.write(work)
        return RedirectResponse(f"/console/{place}?state={state}&did=verdict", 303)


__all__ = ["add"]
