"""What the rules for machines' mail look at, and how they read a header."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from bot.mail.mime import Opened
from bot.model import Address

BODY = 4000  # characters of the sender's text that the rules read: a machine says what it is in its first lines


@dataclass(frozen=True, slots=True)
class Seen:
    """Headers in lower case, the sender, the sender's own text, the parts, the envelope."""

    headers: dict[str, str]
    sender: Address
    subject: str
    text: str
    opened: Opened
    own_addresses: frozenset[str]
    envelope_from: str | None
    signature: str = ""

    def header(self, name: str) -> str:
        """A header by its lower-case name, ``""`` where it is missing."""
        return self.headers.get(name, "")

    @property
    def body(self) -> str:
        """The beginning of the sender's own text."""
        return self.text[:BODY]

    @property
    def local(self) -> str:
        """The part of the sender's address before the ``@``."""
        return self.sender.address.rpartition("@")[0]


Test = Callable[[Seen], str]


def keyword(value: str) -> str:
    """The first token of a structured value in lower case, comments and parameters left out (RFC 3834 § 5)."""
    if not value:  # as of nearly all that are asked for
        return ""
    return re.sub(r"\([^()]{0,300}\)", " ", value).split(";")[0].strip().strip('"').lower()


def auto_submitted(*keywords: str) -> Test:
    """Auto-Submitted with one of these keywords; without any, with whatever keyword is not ``no``."""

    def finds(seen: Seen) -> str:
        found = keyword(seen.header("auto-submitted"))
        if not found or found in ("no", "none", "false"):
            return ""
        return f"Auto-Submitted: {found[:40]}" if not keywords or found in keywords else ""

    return finds


def precedence(*keywords: str) -> Test:
    """Precedence (or X-Precedence) with one of these keywords."""

    def finds(seen: Seen) -> str:
        for name in ("precedence", "x-precedence"):
            if (found := keyword(seen.header(name)).replace("-", "_")) in keywords:
                return f"Precedence: {found}"
        return ""

    return finds


def header_of(*names: str) -> Test:
    """One of these headers, filled and not denied."""

    wanted = frozenset(names)

    def finds(seen: Seen) -> str:
        if wanted.isdisjoint(seen.headers):  # as of nearly every mail
            return ""
        return next((name for name in names if keyword(seen.header(name)) not in ("", "no", "false", "0", "none")), "")

    return finds


def forwards(seen: Seen) -> bool:
    """A person who sends a machine's mail on says so in the subject."""
    return bool(re.match(r"\s{0,20}(?:fwd?|vs|vb|wg|tr|i|vl|rv|pd|doorst)\s{0,3}:", seen.subject, re.IGNORECASE)) and not seen.header(
        "auto-submitted"
    )
