"""Returned offers with what their signatures say, and applications with their checklists: the assistant reports, a person concludes."""

from __future__ import annotations

from collections.abc import Callable
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
    for register in (
        Register(console, "offer", "offers", lambda tx: tx.offers()),
        Register(console, "application", "applications", lambda tx: tx.applications()),
    ):
        router.add_api_route(f"/{register.place}", register.entries)
        router.add_api_route(f"/{register.place}/{{number}}/conclude", register.conclude, methods=["POST"])


class Register:
    """One of the two: its list and what a person concludes."""

    def __init__(self, console: Console, kind: str, place: str, rows_of: Callable[[Any], list[dict[str, Any]]]) -> None:
        """``kind`` as in ``CONCLUSIONS``; ``place`` in the console's addresses; ``rows_of`` reads the register."""
        self._console, self._kind, self._rows_of, self.place = console, kind, rows_of, place

    async def entries(self, request: Request) -> Response:
        """The entries in one state, newest first."""
        visit = await self._console.look(request)
        rows, known = await self._console.read(
            lambda tx: (self._rows_of(tx), [(case.case_ref, case.title) for case in tx.open_cases()[:500]])
        )
        states = CONCLUSIONS[self._kind]
        asked = request.query_params.get("state", OPEN)
        state = asked if asked in states else OPEN
        counts = {name: sum(row["state"] == name for row in rows) for name in states}
        page = page_of(request)
        return self._console.page(
            visit,
            f"{self.place}.html.jinja",
            rows=[row for row in rows if row["state"] == state][(page - 1) * PAGE : page * PAGE],
            counts=counts,
            states=states,
            state=state,
            page=page,
            pages=max(1, -(-counts[state] // PAGE)),
            known_cases=known,
            may_act=visit.account.may("caseworker"),
        )

    async def conclude(self, request: Request, number: int) -> Response:
        """What a person concludes of an entry, and the case it belongs to."""
        visit = await self._console.act(request)
        state, ref, now = visit.form.get("state", ""), visit.form.get("case", "").strip(), self._console.parts.clock()
        if state not in CONCLUSIONS[self._kind]:
            raise Refused(400, "refused.value")

        def work(tx: Any) -> None:
            if ref and tx.case(ref) is None:
                raise Refused(400, "refused.case")
            if not tx.conclude(self._kind, number, state, ref, now, actor=visit.name):
                raise Refused(404, "refused.unknown")

        await self._console.write(work)
        return RedirectResponse(f"/console/{self.place}?state={state}&did=verdict", 303)


__all__ = ["add"]
