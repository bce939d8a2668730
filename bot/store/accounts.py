"""Who may use the console: accounts, their sessions, and the count of failed attempts.

Nothing here can be used to get in: a password is an argon2 hash, a session the SHA-256 of a token that only the browser has.
The secret of the second factor stands in clear, for a code must be computed from it; the file is its owner's alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database

from bot.store.codec import moment, stamp

ROLES = ("reader", "caseworker", "lead")  # in rising order of what they may do


@dataclass(frozen=True, slots=True)
class Account:
    """A person of the console. ``totp`` is the base32 secret of the second factor, ``""`` where there is none; ``totp_step`` the
    last step of it that was used, so that a code works once (RFC 6238 § 5.2); ``oidc`` the issuer and subject of somebody who logs in
    through OpenID Connect, and has no password here."""

    name: str
    role: str
    password: str = field(repr=False)
    totp: str = field(default="", repr=False)
    totp_step: int = 0
    disabled: bool = False
    oidc: str = ""

    def may(self, role: str) -> bool:
        """Whether the account's role is at least ``role``."""
        return ROLES.index(self.role) >= ROLES.index(role)


@dataclass(frozen=True, slots=True)
class Session:
    """One log-in that has not ended. ``csrf`` is the token that every form of this session carries."""

    account: Account
    token: str = field(repr=False)  # SHA-256 of what the cookie holds
    csrf: str = field(repr=False)
    created: datetime
    seen: datetime
    ends: datetime


COLUMNS = "name, role, password, totp, totp_step, disabled, oidc"


def to_account(row: tuple[Any, ...]) -> Account:
    """The value of a row of ``COLUMNS``."""
    return Account(row[0], row[1], row[2], row[3], int(row[4]), bool(row[5]), row[6])


class Accounts:
    """The part of ``bot.store.Tx`` that knows who may come in."""

    db: Database
    if TYPE_CHECKING:  # other parts of the same transaction
        event: Callable[..., None]

    def account(self, name: str) -> Account | None:
        """An account by its name, disabled ones too."""
        row = self.db.conn.execute(f"SELECT {COLUMNS} FROM account WHERE name = ?", (name,)).fetchone()
        return to_account(row) if row is not None else None

    def accounts(self) -> list[Account]:
        """All accounts by name."""
        return [to_account(row) for row in self.db.conn.execute(f"SELECT {COLUMNS} FROM account ORDER BY name")]

    def last_log_ins(self) -> dict[str, str]:
        """name → when that account last logged in."""
        return dict(self.db.conn.execute("SELECT subject, max(at) FROM audit WHERE kind = 'logged-in' GROUP BY 1").fetchall())

    def add_account(self, account: Account, now: datetime, *, actor: str) -> bool:
        """Add it; False when the name is taken."""
        values = (account.name, account.role, account.password, account.totp, stamp(now), account.oidc)
        cursor = self.db.conn.execute(
            "INSERT INTO account (name, role, password, totp, created, oidc) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
            values,
        )
        if cursor.rowcount:
            self.event("account-added", account.name, {"role": account.role, "second-factor": bool(account.totp)}, now, actor=actor)
        return bool(cursor.rowcount)

    def set_role(self, name: str, role: str, now: datetime, *, actor: str) -> bool:
        """Give another role; it counts from the next request."""
        if role not in ROLES:
            raise ValueError("no such role")
        done = self.db.conn.execute("UPDATE account SET role = ? WHERE name = ? AND role != ?", (role, name, role)).rowcount
        if done:
            self.event("account-role", name, {"role": role}, now, actor=actor)
        return bool(done)

    def set_disabled(self, name: str, disabled: bool, now: datetime, *, actor: str) -> bool:
        """Shut an account out, or let it in again; its sessions end at once."""
        done = self.db.conn.execute("UPDATE account SET disabled = ? WHERE name = ? AND disabled != ?", (disabled, name, disabled)).rowcount
        if done:
            self.end_sessions(name)
            self.event("account-disabled" if disabled else "account-enabled", name, {}, now, actor=actor)
        return bool(done)

    def set_password(self, name: str, password: str, totp: str | None, now: datetime, *, actor: str) -> bool:
        """A new password hash and, where ``totp`` is given, a new second factor; all sessions of the account end."""
        done = self.db.conn.execute("UPDATE account SET password = ? WHERE name = ?", (password, name)).rowcount
        if totp is not None:
            self.db.conn.execute("UPDATE account SET totp = ?, totp_step = 0 WHERE name = ?", (totp, name))
        if done:
            self.end_sessions(name)
            self.event("account-password", name, {"second-factor-changed": totp is not None}, now, actor=actor)
        return bool(done)

    def rehash(self, name: str, password: str) -> None:
        """Keep the same password under today's parameters of the hash."""
        self.db.conn.execute("UPDATE account SET password = ? WHERE name = ?", (password, name))

    def use_step(self, name: str, step: int) -> bool:
        """Mark a step of the second factor as used; False when it, or a later one, was used before."""
        cursor = self.db.conn.execute("UPDATE account SET totp_step = ? WHERE name = ? AND totp_step < ?", (step, name, step))
        return bool(cursor.rowcount)

    # failed attempts ──────────────────────────────────────────────────────────────────────────────────────────

    def locked_until(self, digest: str, now: datetime) -> datetime | None:
        """Until when a name takes no attempts; the name comes as a digest, for people type passwords into that field."""
        row = self.db.conn.execute("SELECT locked_until FROM attempt WHERE digest = ?", (digest,)).fetchone()
        until = moment(row[0]) if row is not None and row[0] else None
        return until if until is not None and until > now else None

    def count_failure(self, digest: str, now: datetime, *, most: int, lock: timedelta) -> int:
        """One more failed attempt; locks the name for ``lock`` at the ``most``-th. Returns the count."""
        self.db.conn.execute("DELETE FROM attempt WHERE last < ?", (stamp(now - lock),))
        row = self.db.conn.execute(
            """INSERT INTO attempt (digest, count, last) VALUES (?1, 1, ?2)
               ON CONFLICT (digest) DO UPDATE SET count = count + 1, last = ?2 RETURNING count""",
            (digest, stamp(now)),
        ).fetchone()
        count = int(row[0])
        if count >= most:
            self.db.conn.execute("UPDATE attempt SET locked_until = ?, count = 0 WHERE digest = ?", (stamp(now + lock), digest))
        return count

    def forget_failures(self, digest: str) -> None:
        """Begin to count anew: after a log-in, or when somebody unlocks the name."""
        self.db.conn.execute("DELETE FROM attempt WHERE digest = ?", (digest,))

    # sessions ─────────────────────────────────────────────────────────────────────────────────────────────────

    def add_session(self, token: str, name: str, csrf: str, now: datetime, ends: datetime) -> None:
        """Begin a session; sessions that have ended are cleared on the way."""
        self.db.conn.execute("DELETE FROM session WHERE ends < ?", (stamp(now),))
        self.db.conn.execute(
            "INSERT INTO session (token, account, csrf, created, seen, ends) VALUES (?, ?, ?, ?, ?, ?)",
            (token, name, csrf, stamp(now), stamp(now), stamp(ends)),
        )

    def session(self, token: str, now: datetime, idle: timedelta) -> Session | None:
        """The session of a token, if it has neither ended nor idled too long and its account is not shut out."""
        row = self.db.conn.execute(
            f"""SELECT {COLUMNS}, session.token, csrf, session.created, seen, ends FROM session JOIN account ON account.name = session.account
                WHERE token = ? AND ends > ? AND seen > ? AND disabled = 0""",
            (token, stamp(now), stamp(now - idle)),
        ).fetchone()
        if row is None:
            return None
        return Session(to_account(row[:7]), row[7], row[8], moment(row[9]), moment(row[10]), moment(row[11]))

    def touch_session(self, token: str, now: datetime) -> None:
        """The session was used."""
        self.db.conn.execute("UPDATE session SET seen = ? WHERE token = ?", (stamp(now), token))

    def end_session(self, token: str) -> None:
        """Log out."""
        self.db.conn.execute("DELETE FROM session WHERE token = ?", (token,))

    def end_sessions(self, name: str) -> None:
        """Log an account out everywhere."""
        self.db.conn.execute("DELETE FROM session WHERE account = ?", (name,))
