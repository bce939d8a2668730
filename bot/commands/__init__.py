"""The commands, one module for each kind; each has ``register(app)``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from bot.config import ConfigError, Settings, load

T = TypeVar("T")

ConfigOption = Annotated[Path | None, typer.Option("--config", help="Configuration file (TOML); without it: defaults, no connections.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def settings(config: Path | None) -> Settings:
    """The settings of a command. Errors: ``ConfigError``."""
    return load(config)


def run(work: Callable[[], Awaitable[T]]) -> T:
    """Run asynchronous work to its end; a ``ConfigError`` inside a group comes out as itself."""

    async def _main() -> T:
        return await work()

    try:
        return asyncio.run(_main())
    except BaseExceptionGroup as group:
        first = _first(group)
        if isinstance(first, (ConfigError, OSError)):
            raise first from None
        raise


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
