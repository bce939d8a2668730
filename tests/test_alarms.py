"""R42: which alarms stand, that each is told once with an all-clear, that none storms, and when automatic sending stops."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.alarms import BREAKER, HOLD, QUIET, Alarm, Limits, Readings, Standing, overrun, standing, step

NOW = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LATE = {"unhandled": Alarm("unhandled", 16, 15, "minutes")}
BROKEN = {"gave-up": Alarm("gave-up", 1, 0, "count")}


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        (Readings(), set()),
        (Readings(unhandled_seconds=15 * 60), set()),
        (Readings(unhandled_seconds=15 * 60 + 1), {"unhandled"}),
        (Readings(silent_seconds=None), set()),
        (Readings(silent_seconds=30 * 60 + 1), {"contact"}),
        (Readings(outbox_seconds=30 * 60 + 1), {"outbox"}),
        (Readings(store_silent_seconds=15 * 60 + 1), {"store"}),
        (Readings(people=100, unverified=80), set()),
        (Readings(people=100, unverified=81), {"unverified"}),
        (Readings(people=19, unverified=19), set()),  # a share of few mails says nothing
        (Readings(not_understood=1), {"not-understood"}),
        (Readings(gave_up=2), {"gave-up"}),
        (Readings(gaps=1), {"gaps"}),
        (Readings(paused_by="by-hand"), set()),
        (Readings(paused_by=BREAKER[0]), {BREAKER[0]}),
        (Readings(paused_by=BREAKER[1], unhandled_seconds=3600), {BREAKER[1], "unhandled"}),
    ],
)
def test_r42_what_stands(readings: Readings, expected: set[str]) -> None:
    found = standing(readings, Limits())
    assert set(found) == expected
    assert all(alarm.name == name for name, alarm in found.items())


def look_every_minute(found: list[dict[str, Alarm]], memory: dict[str, Standing] | None = None) -> list[tuple[int, str]]:
    """(minute, ``+name`` told or ``-name`` over) of one look a minute."""
    told, memory = [], memory or {}
    for minute, now_standing in enumerate(found):
        taken = step(memory, now_standing, NOW + minute * MINUTE)
        memory = taken.memory
        told += [(minute, f"+{alarm.name}") for alarm in taken.raised] + [(minute, f"-{name}") for name, _ in taken.over]
    return told


def test_r42_each_alarm_is_told_once_with_an_all_clear() -> None:
    wait, quiet = HOLD // MINUTE, QUIET // MINUTE
    told = look_every_minute([{}] * 3 + [LATE] * 200 + [{}] * 60)
    assert told == [(3 + wait, "+unhandled"), (202 + quiet, "-unhandled")]


def test_r42_facts_are_told_at_once() -> None:
    assert look_every_minute([BROKEN] * 5 + [{}] * 60)[0] == (0, "+gave-up")


def test_r42_a_restart_of_a_minute_is_no_alarm() -> None:
    assert look_every_minute([{}, LATE, {}, {}, LATE, {}] * 20) == []


def test_r42_a_figure_that_swings_about_its_limit_makes_no_storm() -> None:
    told = look_every_minute([LATE, LATE, LATE, {}] * 360)  # a day
    assert told == [(2, "+unhandled")]
    told = look_every_minute(([LATE] * 5 + [{}] * 16) * 68)  # swings slowly for a day: the worst that can be
    assert len(told) <= 2 * 24 * 60 * MINUTE / (QUIET + HOLD)


def test_r42_alarms_do_not_wait_for_each_other() -> None:
    told = look_every_minute([LATE] * 10 + [LATE | BROKEN] * 10 + [LATE] * 30)
    assert told == [(2, "+unhandled"), (10, "+gave-up"), (34, "-gave-up")]


def test_r42_a_clock_that_is_set_back_neither_hides_nor_repeats_an_alarm() -> None:
    ahead = {"unhandled": Standing(NOW + 900 * MINUTE, NOW + 900 * MINUTE, told=True)}
    assert look_every_minute([LATE] * 10 + [{}] * 30, ahead) == [(24, "-unhandled")]
    ahead = {"unhandled": Standing(NOW + 900 * MINUTE, NOW + 900 * MINUTE)}
    assert look_every_minute([LATE] * 10, ahead) == [(2, "+unhandled")]


@pytest.mark.parametrize(
    ("lately", "to_one", "expected"),
    [(0, 0, ""), (9, 2, ""), (10, 0, BREAKER[0]), (9, 3, BREAKER[1]), (10, 3, BREAKER[0])],
)
def test_r42_when_automatic_sending_stops(lately: int, to_one: int, expected: str) -> None:
    assert overrun(lately, to_one, Limits(automatic_per_hour=10, automatic_per_address_per_hour=3)) == expected
