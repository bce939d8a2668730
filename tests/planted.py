"""``bot run`` with a fault planted in it, for the crash tests: ``python -m tests.planted CONFIG``. Nothing of it is in the program.

``PLANT="record:inside:2"`` kills the process (SIGKILL) when the second piece of work that records a mail is done and not yet
committed; the points are ``POINTS``. ``PLANT_CLOCK="BASE SPEED OFFSET"`` gives the program another clock: from the instant
``BASE`` (seconds since 1970) on it runs ``SPEED`` times as fast, ``OFFSET`` seconds ahead. Unset: the machine's clock.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot import journal
from bot.commands import run
from bot.config import load
from bot.model import Delivery, Outgoing
from bot.pipeline import Parts
from bot.run import serve
from bot.senders import Sender
from bot.sources import Mirror
from bot.store import Store

WORK = ("add_reminder", "arrive", "start", "record", "claim", "settle", "mirrored")  # a reminder; then the order of a mail's life
POINTS = tuple(
    point
    for step in WORK
    for point in (
        f"{step}:inside",  # done, not committed
        f"{step}:after",  # on the disk, nobody has heard of it
        *(("send:before", "send:after") if step == "claim" else ()),
        *(("mirror:before", "mirror:after") if step == "settle" else ()),
    )
)
ONLY_WHEN_TRUE = {"arrive", "add_reminder", "claim"}  # asked again and again; only what changes something counts


class Plant:
    """Kills the process at the n-th passing of a point."""

    def __init__(self, text: str) -> None:
        """``text`` as in ``PLANT``; ``""`` never kills."""
        self._point, _, count = text.rpartition(":") if text.count(":") == 2 else (text, "", "1")
        self._left = int(count)

    def passing(self, point: str) -> None:
        """The program passes a point."""
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class Named:
    """A transaction that notes what is done in it."""

    def __init__(self, tx: Any, done: list[str]) -> None:
        self._tx, self._done = tx, done

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._tx, name)
        if name not in WORK:
            return found

        def noted(*arguments: Any, **named: Any) -> Any:
            result = found(*arguments, **named)
            if result or name not in ONLY_WHEN_TRUE:
                self._done.append(name)
            return result

        return noted


class PlantedStore:
    """``bot.store.Store`` around another."""

    def __init__(self, store: Store, passing: Callable[[str], None]) -> None:
        self._store, self._passing = store, passing

    async def write(self, work: Callable[[Any], Any]) -> Any:
        done: list[str] = []

        def inside(tx: Any) -> Any:
            result = work(Named(tx, done))
            for name in done:
                self._passing(f"{name}:inside")
            return result

        result = await self._store.write(inside)
        for name in done:
            self._passing(f"{name}:after")
        return result

    async def read(self, work: Callable[[Any], Any]) -> Any:
        return await self._store.read(work)

    async def close(self) -> None:
        await self._store.close()


class PlantedSender:
    """``bot.senders.Sender`` around another."""

    def __init__(self, sender: Sender, passing: Callable[[str], None]) -> None:
        self.name, self._sender, self._passing = sender.name, sender, passing

    async def send(self, mail: Outgoing) -> Delivery:
        self._passing("send:before")
        delivery = await self._sender.send(mail)
        self._passing("send:after")
        return delivery

    async def close(self) -> None:
        await self._sender.close()


class PlantedMirror:
    """``bot.sources.Mirror`` around another."""

    def __init__(self, mirror: Mirror, passing: Callable[[str], None]) -> None:
        self._mirror, self._passing = mirror, passing

    async def mirror(self, moves: Sequence[tuple[str, str]]) -> list[str]:
        self._passing("mirror:before")
        outcomes = await self._mirror.mirror(moves)
        self._passing("mirror:after")
        return outcomes


def clock(text: str) -> Callable[[], datetime]:
    """The clock of ``PLANT_CLOCK``."""
    base, speed, offset = (float(part) for part in text.split())
    return lambda: datetime.fromtimestamp(base + (datetime.now(UTC).timestamp() - base) * speed + offset, UTC)


def plant(parts: Parts) -> None:
    """Put the fault into a service that is about to work."""
    passing = Plant(os.environ.get("PLANT", "")).passing
    parts.store = PlantedStore(parts.store, passing)
    parts.sender = PlantedSender(parts.sender, passing)
    parts.mirrors = {name: PlantedMirror(mirror, passing) for name, mirror in parts.mirrors.items()}
    if "PLANT_CLOCK" in os.environ:
        parts.clock = clock(os.environ["PLANT_CLOCK"])


if __name__ == "__main__":
    journal.to_stderr()
    run(lambda: serve(load(Path(sys.argv[1])), started=plant))
