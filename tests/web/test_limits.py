"""The token bucket: bursts, refilling, what is refused does not count, and a bounded memory."""

from __future__ import annotations

import pytest

from bot.web.limits import Limit, client_key


def test_a_burst_is_allowed_and_then_one_for_each_step() -> None:
    limit = Limit(3, 60.0)

    assert [limit.take("a", 0.0) for _ in range(4)] == [0, 0, 0, 20.0]
    assert limit.take("a", 19.0) == pytest.approx(1.0)
    assert limit.take("a", 20.0) == 0
    assert limit.take("a", 20.0) == pytest.approx(20.0)


def test_what_is_refused_does_not_push_the_end_away() -> None:
    limit = Limit(1, 60.0)
    limit.take("a", 0.0)
    for second in range(1, 60):
        assert limit.take("a", float(second)) > 0

    assert limit.take("a", 60.0) == 0


def test_each_client_has_a_bucket_of_its_own() -> None:
    limit = Limit(1, 60.0)

    assert [limit.take(name, 0.0) for name in ("a", "b", "a")] == [0, 0, 60.0]


def test_a_flood_of_addresses_costs_a_fixed_amount_of_memory() -> None:
    limit = Limit(1, 60.0, remembered=100)
    for number in range(10_000):
        limit.take(str(number), 0.0)

    assert len(limit) == 100
    assert limit.take("9999", 0.0) > 0, "the latest are remembered"


def test_an_address_is_not_held_longer_than_it_must() -> None:
    limit = Limit(2, 60.0)
    limit.take("a", 0.0)
    limit.take("b", 25.0)
    limit.take("c", 31.0)

    assert len(limit) == 2, "the bucket of a was full again after half a minute"
    assert [limit.take("a", 31.0), limit.take("a", 31.0), limit.take("a", 31.0)] == [0, 0, 30.0]


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1%eth0", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_a_client_is_told_by_the_net_that_a_subscriber_has(host: str, key: str) -> None:
    assert client_key(host) == key
