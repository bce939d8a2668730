"""Operation: what the service says of itself, and the switch that holds its mail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from bot import __version__
from bot.alarms import MINUTES, SHARE, Alarm, Readings, standing
from bot.ledger import LABELS
from bot.model import Category, Language
from bot.web.desk.page import Console, percent

EVENTS = 20
OUTBOX = 50
# kinds of the audit log that are about the service and its people rather than about one mail
TOLD = ("paused", "resumed", "alarm", "alarm-over", "reconciled", "restored", "register-exported", "cases-imported", "knowledge-changed")


def add(router: APIRouter, console: Console) -> None:
    """The page and the switch."""
    pages = Operation(console)
    router.add_api_route("/health", pages.health)
    router.add_api_route("/health/pause", pages.pause, methods=["POST"])
    router.add_api_route("/health/resume", pages.resume, methods=["POST"])


class Operation:
    """The page and the switch."""

    def __init__(self, console: Console) -> None:
        """On the console of the running service."""
        self._console = console

    async def health(self, request: Request) -> Response:
        """What the service says of itself."""
        visit = await self._console.look(request)
        now, contact = self._console.parts.clock(), self._console.parts.contact
        found = await self._console.read(lambda tx: _gather(tx, now))
        silent = contact.silent() if contact is not None else None
        readings = Readings(**found["readings"], silent_seconds=silent, gaps=float(len(found["gaps"])), paused_by=found["by"])
        alarms = standing(readings, self._console.parts.limits).values()
        return self._console.page(
            visit,
            "health.html.jinja",
            **found,
            silent=silent,
            alarms=[{"name": alarm.name, "text": told(self._console, alarm, visit.language)} for alarm in alarms],
            labels=LABELS,
            modes=[(category.value, self._console.settings.mode(category.value)) for category in Category if category is not Category.AUTO],
            version=__version__,
            knowledge=self._console.parts.brain.knowledge.version,
            span=lambda seconds: span(self._console, seconds, visit.language),
            may_lead=visit.account.may("lead"),
        )

    async def pause(self, request: Request) -> Response:
        """Hold mail to researchers."""
        visit, now = await self._console.act(request, "lead"), self._console.parts.clock()
        await self._console.write(lambda tx: tx.pause("by-hand", now, actor=visit.name))
        return RedirectResponse("/console/health?did=paused", 303)

    async def resume(self, request: Request) -> Response:
        """Let it go."""
        visit, now = await self._console.act(request, "lead"), self._console.parts.clock()
        await self._console.write(lambda tx: tx.set_flag("paused", "0", now, actor=visit.name))
        self._console.parts.outbox_waiting.set()
        return RedirectResponse("/console/health?did=resumed", 303)


def _gather(tx: Any, now: datetime) -> dict[str, Any]:
    return {
        "readings": tx.readings(now),
        "counts": tx.counts(now),
        "by": tx.paused_by(),
        "gaps": tx.recall("ledger").get("gaps", []),
        "reconciled": tx.last_event("reconciled"),
        "outbox": tx.outbox_list(("waiting", "sending", "gave-up"), OUTBOX),
        "events": tx.last_events(EVENTS, TOLD),
    }


def span(console: Console, seconds: float, language: Language) -> str:
    """A length of time in one unit."""
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return console.word(f"health.{unit}", language, n=int(seconds // size))
    return console.word("health.seconds", language, n=int(seconds))


def told(console: Console, alarm: Alarm, language: Language) -> str:
    """What an alarm stands for and what to do, with its figures."""

    def figure(value: float) -> str:
        if alarm.unit == SHARE:
            return percent(value, language)
        return span(console, value * 60, language) if alarm.unit == MINUTES else f"{value:.0f}"

    return console.word(f"alarm-text.{alarm.name}", language, value=figure(alarm.value), limit=figure(alarm.limit))


__all__ = ["add", "span", "told"]
