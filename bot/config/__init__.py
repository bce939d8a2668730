"""The settings: every key with its default, its explanation and its check; a wrong one dies with a sentence.

Read from a TOML file, then the environment (``BOT_SECTION__KEY``) on top. The names are a contract.
``config.example.toml`` holds every key with its explanation; a test keeps the two together.
"""

from __future__ import annotations

from bot.config.checks import ConfigError
from bot.config.reading import load
from bot.config.schema import CATEGORIES, FOLDERS, Imap, OAuth2, Oidc, Settings, SmtpOut, Web

__all__ = ["CATEGORIES", "FOLDERS", "ConfigError", "Imap", "OAuth2", "Oidc", "Settings", "SmtpOut", "Web", "load"]
