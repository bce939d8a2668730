"""The store from the command line: one piece of work, and who does it when."""

from __future__ import annotations

import contextlib
import getpass
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from bot.commands import run, settings
from bot.store import Store

T = TypeVar("T")


def read_store(config: Path | None, work: Callable[[Any], T]) -> T:
    """What ``work`` finds in the configured store. Errors: ``ConfigError``, ``StoreUnavailable``."""
    return _with_store(config, lambda store: store.read(work))


def write_store(config: Path | None, work: Callable[[Any], T]) -> T:
    """Do ``work`` in one transaction of the configured store. Errors: ``ConfigError``, ``StoreUnavailable``."""
    return _with_store(config, lambda store: store.write(work))


def _with_store(config: Path | None, work: Callable[[Store], Awaitable[T]]) -> T:
    from bot.store.sqlite import SqliteStore

    async def main() -> T:
        store = SqliteStore(settings(config).database)
        try:
            return await work(store)
        finally:
            await store.close()

    return run(main)


def now() -> datetime:
    """The clock of the commands."""
    return datetime.now(UTC)


def operator() -> str:
    """Who acts on the command line, for the audit log: the account of the operating system."""
    with contextlib.suppress(Exception):  # a container may run under a number that has no name
        return getpass.getuser()
    return f"uid {os.getuid()}"
