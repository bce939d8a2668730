"""The queue: what waits for a person, most urgent first; filters, search, counts."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from bot.model import Category, Language
from bot.store.queue import SHOWS, View
from bot.web import login
from bot.web.desk.page import LANGUAGE_SECONDS, Console

LONGEST_SEARCH = 200
LAST_PAGE = 10_000


def add(router: APIRouter, console: Console) -> None:
    """The queue and the small things that every page uses."""
    pages = Queue(console)
    router.add_api_route("", pages.queue)
    router.add_api_route("/counts", pages.counts)
    router.add_api_route("/language/{tag}", pages.language)


class Queue:
    """The queue and the small things that every page uses."""

    def __init__(self, console: Console) -> None:
        """On the console of the running service."""
        self._console = console

    async def queue(self, request: Request) -> Response:
        """What waits, or what was looked for."""
        visit = await self._console.look(request)
        view, now = view_of(request), self._console.parts.clock()
        offer_days = self._console.settings.offers.days

        def work(tx: Any) -> tuple[Any, ...]:
            rows, total = tx.queue(view, now, offer_days)
            return rows, total, tx.queue_counts(visit.name), tx.accounts(), tx.caseworkers()

        rows, total, counts, accounts, caseworkers = await self._console.read(work)
        return self._console.page(
            visit,
            "queue.html.jinja",
            view=view,
            rows=[{**row, "tags": tags(row)} for row in rows],
            total=total,
            counts=counts,
            people=[account.name for account in accounts if account.may("caseworker") and not account.disabled],
            caseworkers=caseworkers,
            categories=[category.value for category in Category],
            shows=SHOWS,
            pages=max(1, -(-total // view.size)),
            link=lambda **changes: link(view, **changes),
        )

    async def counts(self, request: Request) -> Response:
        """How many wait, as JSON for the page that asks again."""
        session = await self._console.session(request, touch=False)
        if session is None:
            return JSONResponse({"error": "log-in"}, 401)
        return JSONResponse(await self._console.read(lambda tx: tx.queue_counts(session.account.name)))

    async def language(self, request: Request, tag: str) -> Response:
        """Remember the language that somebody chose."""
        response = RedirectResponse(_back(request.query_params.get("next", "")), 303)
        if tag in set(Language):
            secure = login.is_secure(request, self._console.settings)
            response.set_cookie(
                "console_language", tag, max_age=LANGUAGE_SECONDS, path="/console", secure=secure, httponly=True, samesite="lax"
            )
        return response


def _back(target: str) -> str:
    return "/console/login" if target.startswith("/console/login") else login.inside(target)


def view_of(request: Request) -> View:
    """What the address asks for; what is not understood counts as left out. A search looks through everything."""
    asked = request.query_params
    words = asked.get("q", "")[:LONGEST_SEARCH].replace("\0", "")
    show = asked.get("show", "all" if words.strip() else "open")
    page = asked.get("page", "1")
    category = asked.get("category", "")
    return View(
        show=show if show in SHOWS else "open",
        category=category if category in set(Category) else "",
        assigned=asked.get("assigned", "")[:100],
        caseworker=asked.get("caseworker", "")[:200],
        words=words,
        page=min(LAST_PAGE, max(1, int(page))) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
    )


def link(view: View, **changes: Any) -> str:
    """The address of the same view with something changed; a change of filter goes back to the first page."""
    values = {"show": view.show, "category": view.category, "assigned": view.assigned, "caseworker": view.caseworker, "q": view.words}
    values |= {"page": "1", **{name: str(value) for name, value in changes.items()}}
    plain = {"show": "all" if values["q"].strip() else "open", "page": "1"}
    kept = {name: value for name, value in values.items() if value and value != plain.get(name)}
    return "/console" + (f"?{urlencode(kept)}" if kept else "")


URGENT = ("access-request", "identity-number", "data-breach", "data-file", "data-subject-request", "complaint", "press")


def tags(row: dict[str, Any]) -> list[tuple[str, str]]:
    """(kind, word) of what makes a mail pressing or special, most important first; ``kind`` is alarm, soon or plain."""
    found = []
    if row["attention"]:
        found.append(("alarm", f"attention.{row['attention']}"))
    if row["folder"] == "quarantine":
        found.append(("alarm", "tag.quarantine"))
    sensitive = [code for code in URGENT if code in row["sensitive"]]
    found += [("alarm" if row["urgent"] and number == 0 else "soon", f"sensitive.{code}") for number, code in enumerate(sensitive)]
    if row["urgent"] and not found:
        found.append(("alarm", "tag.urgent"))
    if row["drafts"]:
        found.append(("plain", "tag.draft"))
    return found


__all__ = ["add", "link", "tags", "view_of"]
