"""How often one client may ask: a token bucket for each address, in memory and bounded.

A bucket holds ``most`` tokens and fills evenly over ``seconds`` (the generic cell rate algorithm, ITU-T I.371, keeps one
number for each client: the moment at which its bucket is full again). A full bucket is forgotten, and beyond a number the oldest are, so
that no address is held longer than it must and a flood of addresses costs a fixed amount of memory.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

REMEMBERED = 20_000  # addresses: some two megabytes


class Limit:
    """At most ``most`` in a burst and on average in ``seconds``, for each key."""

    def __init__(self, most: int, seconds: float, *, remembered: int = REMEMBERED) -> None:
        """``most`` ≥ 1; ``remembered``: keys held at once."""
        self._step = seconds / most
        self._burst = seconds
        self._remembered = remembered
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, key: str, now: float) -> float:
        """Count one for ``key`` at ``now`` (seconds on any steady clock). 0 when it is allowed, else the seconds to wait;
        what is refused does not count."""
        self._forget(now)
        full_at = max(self._full_at.get(key, now), now)
        wait = full_at + self._step - now - self._burst
        if wait > 1e-9:
            return wait
        self._full_at[key] = full_at + self._step
        self._full_at.move_to_end(key)
        while len(self._full_at) > self._remembered:
            self._full_at.popitem(last=False)
        return 0.0

    def _forget(self, now: float) -> None:
        while self._full_at and self._full_at[oldest := next(iter(self._full_at))] <= now:
            del self._full_at[oldest]

    def __len__(self) -> int:
        """Keys held now."""
        return len(self._full_at)


def client_key(host: str) -> str:
    """The client of an address: IPv6 by its /64, the smallest net that one subscriber gets (RFC 6177)."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return host
