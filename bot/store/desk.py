"""What people do in the console, and what the chat leaves behind."""

from __future__ import annotations

from sqlite_utils import Database, Migrations

migrations = Migrations("desk")


class Desk:
    """The part of ``bot.store.Tx`` that belongs to the console and the chat."""

    db: Database
