"""Bytes → Message: a mail read once, whatever was done to it on the way."""

from __future__ import annotations

from bot.mail.reading import parse

__all__ = ["parse"]
