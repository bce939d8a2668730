"""``user``: who may use the console."""

from __future__ import annotations

import getpass
import hashlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.commands import ConfigOption, settings
from bot.commands.output import print_table
from bot.commands.store import now, read_store, write_store
from bot.config import ConfigError

user = typer.Typer(help="The console's users.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The name that the person logs in with.")]
Role = Annotated[str, typer.Option("--role", help="reader: sees; caseworker: acts; lead: also pauses and manages.")]
NoCode = Annotated[bool, typer.Option("--no-second-factor", help="Let the password be enough. Only for trying out.")]
ACTOR = "command line"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(user, name="user")


@user.callback()
def _users() -> None:
    """The console's users."""


@user.command("add")
def add(name: Name, role: Role = "caseworker", no_second_factor: NoCode = False, config: ConfigOption = None) -> None:
    """Add a user; the password is asked for, or read from standard input. Prints the address for the authenticator app."""
    from bot.web.login import Unfit, new_account, totp_address

    try:
        account = new_account(name, role, _password(), second_factor=not no_second_factor)
    except Unfit as error:
        raise ConfigError(f"{name} was not added: {error}") from None
    if not write_store(config, lambda tx: tx.add_account(account, now(), actor=ACTOR)):
        raise ConfigError(f"{account.name} is a user already; `bot user password` gives a new password")
    print(f"{account.name} may now use the console as {account.role}.")
    if account.totp:
        print(f"Second factor, for an authenticator app: {totp_address(account, settings(config).service.organisation)}")


@user.command("list")
def list_users(config: ConfigOption = None) -> None:
    """All users."""
    print_table(
        ("name", "role", "second factor", "state"),
        (
            (account.name, account.role, "yes" if account.totp else "no", "shut out" if account.disabled else "active")
            for account in read_store(config, lambda tx: tx.accounts())
        ),
    )


@user.command("password")
def password(name: Name, no_second_factor: NoCode = False, config: ConfigOption = None) -> None:
    """Give a new password and a new second factor; the user is logged out everywhere."""
    from dataclasses import replace

    from bot.web.login import Unfit, new_account, totp_address

    account = _known(config, name)
    try:
        fresh = new_account(account.name, account.role, _password(), second_factor=not no_second_factor)
    except Unfit as error:
        raise ConfigError(f"the password of {name} was not changed: {error}") from None
    write_store(config, lambda tx: tx.set_password(account.name, fresh.password, fresh.totp, now(), actor=ACTOR))
    print(f"{account.name} has a new password.")
    if fresh.totp:
        address = totp_address(replace(account, totp=fresh.totp), settings(config).service.organisation)
        print(f"Second factor, for an authenticator app: {address}")


@user.command("role")
def role(name: Name, role: Annotated[str, typer.Argument(help="reader, caseworker or lead")], config: ConfigOption = None) -> None:
    """Give another role."""
    from bot.store.accounts import ROLES

    if role not in ROLES:
        raise ConfigError(f"the role {role} must be one of {', '.join(ROLES)}")
    account = _known(config, name)
    write_store(config, lambda tx: tx.set_role(account.name, role, now(), actor=ACTOR))
    print(f"{account.name} is {role}.")


@user.command("disable")
def disable(name: Name, config: ConfigOption = None) -> None:
    """Shut a user out at once; what the person did stays in the records."""
    account = _known(config, name)
    write_store(config, lambda tx: tx.set_disabled(account.name, True, now(), actor=ACTOR))
    print(f"{account.name} is shut out.")


@user.command("enable")
def enable(name: Name, config: ConfigOption = None) -> None:
    """Let a user in again, and forget failed attempts."""
    account = _known(config, name)
    digest = hashlib.sha256(account.name.encode()).hexdigest()

    def work(tx: Any) -> None:
        tx.set_disabled(account.name, False, now(), actor=ACTOR)
        tx.forget_failures(digest)

    write_store(config, work)
    print(f"{account.name} may log in.")


def _known(config: Path | None, name: str) -> Any:
    account = read_store(config, lambda tx: tx.account(name.strip().lower()))
    if account is None:
        raise ConfigError(f"{name} is no user; `bot user list` shows them all")
    return account


def _password() -> str:
    """Asked for twice at a terminal, else the first line of standard input: never an argument, which others on the machine can see."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != first:
        raise ConfigError("the passwords differ; nothing was changed")
    return first
