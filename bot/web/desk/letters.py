"""Mails that a person writes in the console: drafts, replies, reminders. They leave after a while in which they can be taken back."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Mapping
from datetime import timedelta

from bot.compose import PREFIX, draft_to_person, one_line
from bot.model import Language, Outgoing
from bot.web.desk.page import Console, Visit

LONGEST_SUBJECT = 200
LONGEST_TEXT = 50_000
UNDO = timedelta(seconds=30)  # how long an approved mail can be taken back


def reply_title(subject: str | None) -> str:
    """The subject of a reply: ``Re:`` once, on one line."""
    return f"Re: {PREFIX.sub('', one_line(subject or ''))}"[:LONGEST_SUBJECT]


def letter(content: bytes) -> tuple[str, str]:
    """Subject and text of one of our own mails."""
    mail = email.message_from_bytes(content, policy=email.policy.default)
    body = mail.get_body(("plain",))
    return str(mail["Subject"] or ""), body.get_content() if body is not None else ""


def unchanged(content: bytes, form: Mapping[str, str]) -> bool:
    """Whether a form holds the draft as it stands; line ends and blanks at the ends do not count."""
    subject, text = letter(content)
    return one_line(form.get("subject", "")) == one_line(subject) and _plain(form.get("text", "")) == _plain(text)


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def written(
    console: Console,
    visit: Visit,
    kind: str,
    *,
    to: str,
    fallback: str,
    thread: Mapping[str, str] | None = None,
    key: str = "",
    case_ref: str = "",
    language: Language = Language.NB,
) -> Outgoing:
    """A person's mail from the form's ``subject`` (else ``fallback``) and ``text``; ``thread``: headers that tie it to a mail."""
    now, letterhead = console.parts.clock(), console.parts.letterhead
    identifier, content = draft_to_person(
        letterhead,
        recipient=to,
        subject=one_line(visit.form.get("subject", ""))[:LONGEST_SUBJECT] or fallback,
        body=visit.form.get("text", "").strip()[:LONGEST_TEXT] + "\n",
        thread=thread or {},
        name=f"{visit.name} {key or case_ref}",
        now=now,
    )
    return Outgoing(
        identifier,
        kind,
        letterhead.address,
        to,
        content,
        mail_key=key,
        case_ref=case_ref,
        automatic=False,
        language=language,
        meta={"by": visit.name},
    )


__all__ = ["LONGEST_SUBJECT", "LONGEST_TEXT", "UNDO", "letter", "reply_title", "unchanged", "written"]
