"""R42, R02: the ledger's equation, and the ledger against a real mail server: gaps are listed, taken in, and told."""

from __future__ import annotations

import pytest

from bot.ledger import balance, recorded_line

HANDLED, QUARANTINED, COPY, WAITING = ("handled", "moved"), ("quarantined", "waiting"), ("copy", ""), ("waiting", "")


def test_r42_the_equation() -> None:
    found = balance("INBOX", range(1, 413), 412, {uid: HANDLED for uid in range(1, 411)} | {411: QUARANTINED, 412: QUARANTINED})
    assert found.sentence() == "INBOX: 412 on the server = 410 handled + 2 quarantined"
    assert found.even and found.lines()[1:] == ["no longer there: 0 moved by the assistant, 0 moved or deleted by people"]


def test_r42_what_is_missing_is_named_and_what_is_on_its_way_is_not_missing() -> None:
    found = balance("INBOX", [1, 2, 3, 7, 8], 3, {1: HANDLED, 3: WAITING})
    assert (found.gaps, found.coming, found.even) == ((2,), 2, False)
    assert found.sentence() == "INBOX: 5 on the server = 1 handled + 1 waiting to be handled + 2 on their way + 1 not recorded"
    assert found.lines()[-1] == "not recorded: UID 2"


def test_r02_what_people_moved_or_deleted_is_told_from_what_we_moved() -> None:
    found = balance("INBOX", [4], 4, {1: HANDLED, 2: ("handled", "gone"), 3: ("handled", "waiting"), 4: COPY})
    assert (found.moved, found.gone, found.even) == (1, 2, True)


def test_what_came_over_smtp_is_told_beside_it() -> None:
    assert recorded_line("smtp", {"copy": 2, "handled": 298}) == "smtp: 300 recorded = 298 handled + 2 copies"


def test_an_empty_folder_comes_out_even() -> None:
    assert balance("INBOX", [], 0, {}).sentence() == "INBOX: 0 on the server = 0"


@pytest.mark.parametrize("count", [20, 21, 500])
def test_a_long_list_of_gaps_is_cut(count: int) -> None:
    line = balance("INBOX", range(1, count + 1), count, {}).lines()[-1]
    assert line.endswith(f"and {count - 20} more") == (count > 20)
    assert len(line) < 120
