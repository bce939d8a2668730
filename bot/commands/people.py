"""``user``: who may use the console."""

from __future__ import annotations

import typer

user = typer.Typer(help="The console's users.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(user, name="user")


@user.callback()
def _users() -> None:
    """The console's users."""
