"""What people do in the console: accounts, and their work on mails, drafts and registers."""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from bot.store.accounts import Accounts
from bot.store.changes import Changes
from bot.store.codec import run_script
from bot.store.figures import Figures
from bot.store.queue import Queue
from bot.store.work import Work

migrations = Migrations("desk")


@migrations()
def first(db: Database) -> None:
    """People, their sessions, and what they add to a mail. Notes go when their mail goes; corrections hold text of mails too."""
    run_script(
        db,
        """
        CREATE TABLE account (
          name TEXT PRIMARY KEY, role TEXT NOT NULL, password TEXT NOT NULL, totp TEXT NOT NULL DEFAULT '',
          totp_step INTEGER NOT NULL DEFAULT 0, disabled INTEGER NOT NULL DEFAULT 0, created TEXT NOT NULL
        );
        CREATE TABLE session (
          token TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE, csrf TEXT NOT NULL,
          created TEXT NOT NULL, seen TEXT NOT NULL, ends TEXT NOT NULL
        );
        CREATE TABLE attempt (digest TEXT PRIMARY KEY, count INTEGER NOT NULL, last TEXT NOT NULL, locked_until TEXT NOT NULL DEFAULT '');
        CREATE TABLE assignment (
          id INTEGER PRIMARY KEY REFERENCES mail (id) ON DELETE CASCADE, account TEXT NOT NULL, at TEXT NOT NULL
        );
        CREATE INDEX assignment_account ON assignment (account);
        CREATE TABLE note (
          number INTEGER PRIMARY KEY, id INTEGER NOT NULL REFERENCES mail (id) ON DELETE CASCADE, at TEXT NOT NULL, account TEXT NOT NULL,
          text TEXT NOT NULL
        );
        CREATE INDEX note_mail ON note (id);
        CREATE TABLE presence (
          id INTEGER NOT NULL REFERENCES mail (id) ON DELETE CASCADE, account TEXT NOT NULL, seen TEXT NOT NULL, PRIMARY KEY (id, account)
        );
        CREATE TABLE correction (
          number INTEGER PRIMARY KEY, id INTEGER NOT NULL REFERENCES mail (id) ON DELETE CASCADE, at TEXT NOT NULL, account TEXT NOT NULL,
          field TEXT NOT NULL, was TEXT NOT NULL, became TEXT NOT NULL,
          line TEXT NOT NULL                              -- what `bot learn` takes, '' where the mail must teach nothing
        );
        CREATE INDEX correction_mail ON correction (id);
        CREATE INDEX mail_sender ON mail (sender);
        """,
    )


@migrations()
def knowledge_changes(db: Database) -> None:
    """Changes of the knowledge base, with the text of an entry before and after."""
    run_script(
        db,
        """
        CREATE TABLE knowledge_change (
          number INTEGER PRIMARY KEY, at TEXT NOT NULL, account TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
          was TEXT, became TEXT,                          -- NULL: there was, or will be, no file of the service's own
          state TEXT NOT NULL,                            -- trying | live | refused | failed | returned
          told TEXT NOT NULL, settled TEXT NOT NULL
        );
        CREATE INDEX knowledge_change_subject ON knowledge_change (subject);
        """,
    )


@migrations()
def kinds_of_notes(db: Database) -> None:
    """A note may tell of a telephone call."""
    run_script(db, "ALTER TABLE note ADD COLUMN kind TEXT NOT NULL DEFAULT 'note';")


@migrations()
def accounts_of_a_log_in_server(db: Database) -> None:
    """Whom an account belongs to that comes through OpenID Connect: issuer and subject, ``''`` for a local one."""
    run_script(db, "ALTER TABLE account ADD COLUMN oidc TEXT NOT NULL DEFAULT '';")


class Desk(Accounts, Queue, Work, Figures, Changes):
    """The part of ``bot.store.Tx`` that belongs to the console."""

    db: Database
