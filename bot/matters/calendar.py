"""Working days where the agency is. A deadline is a day in Oslo, whatever the server's clock says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from holidays import country_holidays

OSLO = ZoneInfo("Europe/Oslo")
OFFICE_HOURS = range(7, 16)  # local hours in which a reminder may go


def day_in_oslo(moment: datetime) -> date:
    """The day of an instant where the agency is."""
    return moment.astimezone(OSLO).date()


def working_day(day: date) -> bool:
    """Neither a weekend nor a Norwegian holiday; the days between Christmas and New Year count as working days."""
    return day.weekday() < 5 and day not in _holidays(day.year)


def holidays_between(first: date, last: date) -> tuple[date, ...]:
    """Norwegian holidays on weekdays, both ends included: those that take a working day from whoever has a deadline."""
    return tuple(day for day in _days(first, last) if day.weekday() < 5 and day in _holidays(day.year))


def office_hours(now: datetime) -> bool:
    """Whether reminders may go now."""
    local = now.astimezone(OSLO)
    return working_day(local.date()) and local.hour in OFFICE_HOURS


def add_months(day: date, months: int) -> date:
    """The same day so many months later; the last day of the month where the month is shorter."""
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month, min(day.day, last))


def _days(first: date, last: date) -> Iterator[date]:
    for number in range(max(0, (last - first).days + 1)):
        yield first + timedelta(days=number)


@lru_cache(maxsize=8)
def _holidays(year: int) -> frozenset[date]:
    return frozenset(day for day in country_holidays("NO", years=year))
