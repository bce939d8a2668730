"""mikrodata-bot: looks after the mailbox of a microdata service."""

__version__ = "0.1.0"
