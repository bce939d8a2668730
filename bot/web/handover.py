"""From the chat to a person: a message waits until its sender has proved the address, then goes the way of every mail.

What waits lies in memory alone, bounded in number and time: nothing of it is stored before the address is proven, and nobody's
address can be used to put a message into a case. Who loses the wait (a restart, a day gone by) is told to write again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer

from bot.compose import PLAIN_MAILBOX, Notice, message_id, notice, one_line
from bot.matters.deadlines import OSLO
from bot.model import Language, Raw
from bot.pipeline import Parts, receive
from bot.web.answering import Turn, clean, masked

HEADER = "X-Chat-Handover"
HOURS = 24  # how long the link works
WAITING = 500  # messages that may wait at once: at most some 25 MB
NAME_LONGEST = 100
MESSAGE_LONGEST = 5000


@dataclass(frozen=True, slots=True)
class Pending:
    """A message whose sender is not proven yet; ``taken`` once it went in (its contents are forgotten then)."""

    name: str
    email: str
    message: str
    language: Language
    asked_at: datetime
    content: bytes
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody filled in, cleaned; identity numbers are masked."""

    name: str = ""
    email: str = ""
    message: str = ""

    @classmethod
    def of(cls, name: str, email: str, message: str) -> Form:
        """From what was sent."""
        # "=?" would begin an encoded word (RFC 2047): a name that a reader decodes into something else than was written
        return cls(masked(one_line(clean(name))).replace("=?", "= ?"), clean(email), masked(clean(message)))

    def errors(self, own: frozenset[str]) -> dict[str, str]:
        """Field → the word that says what is wrong (``words.toml``); ``own`` are our own addresses, to which nothing is sent."""
        found = {}
        if not self.name or len(self.name) > NAME_LONGEST:
            found["name"] = "error_name"
        if not is_address(self.email):
            found["email"] = "error_email"
        elif self.email.lower() in own:
            found["email"] = "error_email_ours"
        elif masked(self.email) != self.email:
            found["email"] = "error_email_number"
        if not self.message:
            found["message"] = "error_message"
        elif len(self.message) > MESSAGE_LONGEST:
            found["message"] = "error_long"
        return found


def is_address(text: str) -> bool:
    """Whether a text is a plain e-mail address on the internet, fit for a header (CWE-93)."""
    domain = text.rpartition("@")[2]
    labels = domain.split(".")
    return (
        len(text) <= 254
        and PLAIN_MAILBOX.fullmatch(text) is not None
        and len(labels) > 1
        and all(label and not label.startswith("-") and not label.endswith("-") for label in labels)
        and not text.startswith(".")
        and ".@" not in text
        and ".." not in text
    )


class Waiting:
    """The messages that wait for their sender's proof."""

    def __init__(self) -> None:
        """Links are signed with a key that dies with the process, as what they point to does."""
        self._signer = URLSafeSerializer(secrets.token_bytes(32), salt="handover")
        self._entries: OrderedDict[str, Pending] = OrderedDict()

    def put(self, pending: Pending) -> str:
        """Keep a message; returns the token of its link, or ``""`` when too many wait."""
        self.forget(pending.asked_at)
        if len(self._entries) >= WAITING:
            return ""
        number = secrets.token_urlsafe(16)
        self._entries[number] = pending
        return str(self._signer.dumps(number))

    def find(self, token: str, now: datetime) -> tuple[str, Pending] | None:
        """The message of a token, with its number; None when the token is not ours, used up or too old."""
        self.forget(now)
        try:
            number = self._signer.loads(token)
        except BadSignature:
            return None
        pending = self._entries.get(str(number))
        return (str(number), pending) if pending is not None else None

    def taken(self, number: str) -> None:
        """The message went in: keep only that it did, so that a second press is answered in the same way."""
        self._entries[number] = replace(self._entries[number], message="", content=b"", taken=True)

    def forget(self, now: datetime) -> None:
        """Let go of what has waited too long."""
        while self._entries and next(iter(self._entries.values())).asked_at < now - timedelta(hours=HOURS):
            self._entries.popitem(last=False)


def write(form: Form, turns: list[Turn], parts: Parts, words: Mapping[str, Any], language: Language, now: datetime) -> Pending:
    """The finished mail of a message: from the person to us, the conversation quoted beneath, marked as ``X-Chat-Handover``."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(form.name, addr_spec=form.email)
    mail["To"] = parts.policy.address
    mail["Subject"] = words["mail_subject"]
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message_id(parts.letterhead.domain, "chat", secrets.token_hex(16))
    mail[HEADER] = "1"
    mail["Content-Language"] = language.value
    mail.set_content(f"{form.message}\n{transcript(turns, form.name, words, now)}", cte="quoted-printable")
    return Pending(form.name, form.email, form.message, language, now, mail.as_bytes())


def transcript(turns: list[Turn], name: str, words: Mapping[str, Any], now: datetime) -> str:
    """The conversation as a quoted mail, so that a reader tells the message from it; ``""`` without turns."""
    if not turns:
        return ""
    lines = []
    for turn in turns:
        lines += [f"{words['mail_you']}: {turn.entry.question}"]
        lines += [
            f"{words['mail_bot']}: {topic.title(turn.language)}\n{topic.answer(turn.language)}\n{topic.source}" for topic in turn.topics
        ]
        lines += [f"{words['mail_bot']}: {words['mail_no_answer']}"] if not turn.topics else []
        lines += [""]
    quoted = "\n".join(f"> {line}".rstrip() for line in "\n".join(lines).strip().split("\n"))
    day = now.astimezone(OSLO)
    head = words["mail_transcript"].format(date=f"{day.day}.{day.month}.{day.year}", name=name)
    return f"\n{head}\n{quoted}\n"


async def ask_for_proof(parts: Parts, pending: Pending, link: str, now: datetime) -> None:
    """Send the link to the address. Errors: ``StoreUnavailable``."""
    key = hashlib.sha256(pending.content).hexdigest()
    told = Notice("verify-address", pending.language, pending.email, {"link": link}, key)
    mail = notice(parts.letterhead, parts.templates, told, now)
    await parts.store.write(lambda tx: tx.add_mail(mail, now))
    parts.outbox_waiting.set()


async def take_in(parts: Parts, pending: Pending) -> None:
    """The sender is proven: the message arrives as a mail. Errors: ``StoreUnavailable``. A repeat changes nothing."""
    key = f"sha256:{hashlib.sha256(pending.content).hexdigest()}"
    raw = Raw(key, pending.content, parts.clock(), "chat", pending.email, (parts.policy.address,))
    await receive(parts, raw)
    parts.journal.asked("handed-over")
