"""The command line: options in, sentences out; no logic. Names and JSON keys are a contract (architecture, *Commands*)."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import typer

from bot.config import ConfigError

COMMANDS = ("service", "mail", "understanding", "cases", "deletions", "offers", "people", "keeping", "archive", "backup")

app = typer.Typer(
    name="mikrodata-bot",
    help="Looks after the mailbox of a microdata service: answers, logs, routes, and shows why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

for _name in COMMANDS:
    import_module(f"bot.commands.{_name}").register(app)


def main() -> None:
    """Run a command; a fault of the user's or the machine's ends with one sentence on standard error and status 2."""
    try:
        app()
    except ConfigError as error:
        sys.exit(_say(str(error)))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
    except Exception as error:
        sys.exit(_say(sentence(error)))


def sentence(error: Exception) -> str:
    """What an error that no command has foreseen says to the operator; never its own text, which could hold a mail's words."""
    from bot.journal import where
    from bot.store import StoreUnavailable

    if isinstance(error, StoreUnavailable):
        return f"the store cannot be used now: {error}"
    if isinstance(error, OSError) and isinstance(error.filename, str | Path):
        return f"{error.filename} cannot be used ({error.strerror})"
    return f"this should not have happened ({where(error)}); please report it with this line"


def _say(sentence: str) -> int:
    print(f"mikrodata-bot: {sentence}", file=sys.stderr)
    return 2
