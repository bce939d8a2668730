"""Who may use the console: roles, shutting out, letting in again. New accounts are made with ``bot user add`` or come from the log-in server."""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from bot.store.accounts import ROLES
from bot.web.desk.page import Console, Refused

DEEDS = ("role", "disable", "enable")


def add(router: APIRouter, console: Console) -> None:
    """The page, and what a lead may do to other people's accounts."""
    pages = People(console)
    router.add_api_route("/people", pages.people)
    router.add_api_route("/people/{name}/{deed}", pages.change, methods=["POST"])


class People:
    """The page, and what a lead may do to other people's accounts."""

    def __init__(self, console: Console) -> None:
        """On the console of the running service."""
        self._console = console

    async def people(self, request: Request) -> Response:
        """All accounts."""
        visit = await self._console.look(request, "lead")
        now = self._console.parts.clock()

        def work(tx: Any) -> list[dict[str, Any]]:
            seen = tx.last_log_ins()
            return [
                {"account": each, "locked": tx.locked_until(_digest(each.name), now), "seen": seen.get(each.name, "")}
                for each in tx.accounts()
            ]

        return self._console.page(visit, "people.html.jinja", rows=await self._console.read(work), roles=ROLES)

    async def change(self, request: Request, name: str, deed: str) -> Response:
        """Another role, shut out, or let in again."""
        visit = await self._console.act(request, "lead")
        role, now = visit.form.get("role", ""), self._console.parts.clock()
        if name == visit.name:
            raise Refused(403, "refused.self")
        if deed not in DEEDS or await self._console.read(lambda tx: tx.account(name)) is None:
            raise Refused(404, "refused.unknown")
        if deed == "role" and role not in ROLES:
            raise Refused(400, "refused.value")

        def work(tx: Any) -> None:
            if deed == "role":
                tx.set_role(name, role, now, actor=visit.name)
            else:
                tx.set_disabled(name, deed == "disable", now, actor=visit.name)
            if deed == "enable":
                tx.forget_failures(_digest(name))
                tx.event("account-unlocked", name, {}, now, actor=visit.name)

        await self._console.write(work)
        return RedirectResponse("/console/people?did=people", 303)


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


__all__ = ["add"]
