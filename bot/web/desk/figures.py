"""Figures: how many mails, how they were met, how sure that is, how long people waited, what is late."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bot.matters.deadlines import OSLO, overdue
from bot.model import Category
from bot.web.desk.charts import bars, every_few, interval
from bot.web.desk.page import Console

PERIODS = (7, 30, 90)
KINDS = ("faq", "application", "deletion", "offer", "case", "other", "auto")
# hours up to which a reply counts in a class; the last has no end
WAITS = ((1.0, "hour"), (24.0, "day_"), (72.0, "three_days"), (168.0, "week"), (float("inf"), "longer"))


def add(router: APIRouter, console: Console) -> None:
    """One page."""
    pages = Figures(console)
    router.add_api_route("/figures", pages.figures)


class Figures:
    """The page."""

    def __init__(self, console: Console) -> None:
        """On the console of the running service."""
        self._console = console

    async def figures(self, request: Request) -> Response:
        """The figures of the last days, as charts and as tables."""
        visit = await self._console.look(request)
        asked = request.query_params.get("days", "30")
        days = int(asked) if asked in {str(period) for period in PERIODS} else 30
        now = self._console.parts.clock()
        since = midnight(now, days - 1)
        found = await self._console.read(lambda tx: _gather(tx, since, now))
        daily = by_day(found["hours"], since, now)
        assurance, wanted = self._console.parts.brain.model.assurance, self._console.settings.answers
        return self._console.page(
            visit,
            "figures.html.jinja",
            days=days,
            periods=PERIODS,
            kinds=KINDS,
            daily=daily,
            mails_chart=bars(_columns(daily), KINDS),
            met=found["met"],
            totals=totals(found["met"]),
            assurance=assurance,
            assured=assurance.holds(wanted.precision, wanted.precision_floor),
            precision_chart=interval(assurance.lower95, assurance.precision, (wanted.precision, wanted.precision_floor)),
            wanted=wanted,
            waits=waits(found["replies"]),
            waits_chart=bars(
                [(self._console.word(f"figures.{row['name']}", visit.language), row) for row in waits(found["replies"])],
                ("answer", "person"),
            ),
            middle={who: _middle(hours) for who, hours in found["replies"].items()},
            corrections=found["corrections"],
            late=_late(self._console, found, now),
            old=found["old"],
        )


def midnight(now: datetime, days: int) -> datetime:
    """The beginning of the local day so many days ago, in UTC."""
    local = now.astimezone(OSLO)
    return datetime.combine(local.date() - timedelta(days=days), datetime.min.time(), OSLO).astimezone(UTC)


def _gather(tx: Any, since: datetime, now: datetime) -> dict[str, Any]:
    return {
        "hours": tx.mails_by_hour(since),
        "met": tx.replies_by_category(since),
        "replies": tx.hours_to_first_reply(since),
        "corrections": tx.corrections_by_field(since),
        "cases": tx.cases(),
        "confirmed": tx.confirmed_deletions(),
        "answered": tx.answered_offers(),
        "old": tx.old_open(now),
    }


def by_day(hours: Sequence[tuple[str, str, int]], since: datetime, now: datetime) -> list[tuple[date, Counter[str]]]:
    """(local day, category → mails) for every day of the period, also those without mail."""
    counted: dict[date, Counter[str]] = {}
    day, last = since.astimezone(OSLO).date(), now.astimezone(OSLO).date()
    while day <= last:
        counted[day] = Counter()
        day += timedelta(days=1)
    for hour, category, number in hours:
        local = datetime.fromisoformat(f"{hour}:00:00+00:00").astimezone(OSLO).date()
        if local in counted:
            counted[local][category] += number
    return list(counted.items())


def _columns(daily: list[tuple[date, Counter[str]]]) -> list[tuple[str, Counter[str]]]:
    named = every_few([day for day, _ in daily])
    return [(f"{day.day}.{day.month}." if day in named else "", values) for day, values in daily]


def totals(met: dict[str, dict[str, int]]) -> dict[str, float | int | None]:
    """Mails from people, questions, and the share of questions that the assistant answered alone."""
    people = sum(row["mails"] for category, row in met.items() if category != Category.AUTO)
    questions = met.get("faq", {"mails": 0, "answer": 0})
    return {
        "mails": sum(row["mails"] for row in met.values()),
        "people": people,
        "questions": questions["mails"],
        "answered": questions["answer"],
        "share": questions["answer"] / questions["mails"] if questions["mails"] else None,
        "alone": sum(row["answer"] for row in met.values()) / people if people else None,
    }


def waits(replies: dict[str, list[float]]) -> list[dict[str, Any]]:
    """How many first replies came within each class of time, by who replied."""
    rows, before = [], 0.0
    for end, name in WAITS:
        rows.append({"name": name, **{who: sum(before <= hours < end for hours in times) for who, times in replies.items()}})
        before = end
    return rows


def _middle(hours: list[float]) -> dict[str, float] | None:
    """Median and the time within which nine of ten came."""
    if not hours:
        return None
    ordered = sorted(hours)
    return {"n": len(hours), "median": statistics.median(ordered), "most": ordered[min(len(ordered) - 1, int(0.9 * len(ordered)))]}


def _late(console: Console, found: dict[str, Any], now: datetime) -> Counter[str]:
    today, rules = now.astimezone(OSLO).date(), console.parts.deadlines
    return Counter(kind for case in found["cases"] for kind, _ in overdue(case, today, rules, found["confirmed"], found["answered"]))


__all__ = ["add", "by_day", "midnight", "totals", "waits"]
