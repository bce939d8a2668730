"""What our own mail server says of the sender: Authentication-Results (RFC 8601), by the architecture's definition of *authenticated*.

A tolerant parser of our own: Microsoft's form has no authserv-id, and strict readers raise on it. Only the topmost result that our own
server wrote counts; everything below, and every ARC header, a sender could have written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from bot.model import Authentication, Message

EXCHANGE_ONLINE = "exchange-online"
LENGTH = 8000
METHOD = re.compile(r"^\s*([a-z][\w-]*)(?:\s*/\s*\d+)?\s*=\s*([a-z]+)\b(.*)$", re.IGNORECASE | re.DOTALL)
PROPERTY = re.compile(r"\b([a-z][\w-]*\.[a-z][\w-]*)\s*=\s*(\"[^\"]{0,300}\"|[^\s;\"]{1,300})", re.IGNORECASE)
NO_IDENTIFIER = re.compile(r"^\s*[a-z][\w-]*\s*=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Check:
    """One result: ``method`` (dmarc, dkim, spf …), ``result`` in lower case, and what it was about."""

    method: str
    result: str
    properties: tuple[tuple[str, str], ...] = ()

    def about(self, *names: str) -> str:
        """The domain of the first of these properties that is given, in lower case, or ``""``."""
        given = dict(self.properties)
        return next((domain_of(given[name]) for name in names if given.get(name)), "")


def judge(message: Message, trusted_authserv: tuple[str, ...]) -> Authentication:
    """Whether the From domain is authenticated: dmarc=pass, or a DKIM or SPF pass aligned with From.

    ``compauth`` and ``bestguesspass`` never count, an explicit dmarc=fail outweighs all. Total.
    """
    domain = message.sender.domain
    checks = own_result(message.headers, trusted_authserv)
    verdicts = {check.result for check in checks if check.method == "dmarc"}
    senders = sum(name.lower() == "from" for name, _ in message.headers)
    if "fail" in verdicts or "permerror" in verdicts:
        return Authentication("", "fail" if "fail" in verdicts else "none", "dmarc=fail" if "fail" in verdicts else "dmarc=permerror")
    if not domain or senders != 1 or {"two-senders", "from-of-a-group"} & set(message.defects):
        return Authentication("", "none", "no single From address" if checks else "")
    for check in checks:
        if (evidence := _proof(check, domain)) is not None:
            return Authentication(domain, "pass" if check.method == "dmarc" else "none", evidence)
    return Authentication("", "none", "no aligned pass" if checks else "no result of our own server")


def _proof(check: Check, domain: str) -> str | None:
    """Why this check proves the From domain, or None."""
    if check.result != "pass":
        return None
    if check.method == "dmarc":
        about = check.about("header.from")
        return "dmarc=pass" if not about or aligned(about, domain) else None
    if check.method == "dkim":
        about = check.about("header.d", "header.i")
        return f"dkim={about} aligned" if about and aligned(about, domain) else None
    if check.method == "spf":
        about = check.about("smtp.mailfrom", "smtp.mfrom", "envelope-from")
        return f"spf={about} aligned" if about and aligned(about, domain) else None
    return None


def own_result(headers: Iterable[tuple[str, str]], trusted_authserv: tuple[str, ...]) -> tuple[Check, ...]:
    """The checks of the topmost Authentication-Results that our own server wrote; none where there is none."""
    trusted = {name.strip().lower().rstrip(".") for name in trusted_authserv}
    for name, value in headers:
        if name.lower() != "authentication-results":
            continue
        identifier, checks = parse(value)
        if (identifier and identifier in trusted) or (not identifier and EXCHANGE_ONLINE in trusted):
            return checks
    return ()


def parse(value: str) -> tuple[str, tuple[Check, ...]]:
    """(authserv-id in lower case or ``""``, checks) of a header value; what cannot be read is left out."""
    pieces = _without_comments(value[:LENGTH]).split(";")
    identifier = ""
    if pieces and not NO_IDENTIFIER.match(pieces[0]):
        words = pieces[0].split()
        identifier = words[0].strip('"').lower().rstrip(".") if words else ""
        pieces = pieces[1:]
    checks = []
    for piece in pieces:
        match = METHOD.match(piece)
        if match:
            properties = tuple((key.lower(), text.strip('"')) for key, text in PROPERTY.findall(match[3]))
            checks.append(Check(match[1].lower(), match[2].lower(), properties))
    return identifier, tuple(checks)


def _without_comments(value: str) -> str:
    """Comments (nested, RFC 5322 § 3.2.2) taken out; a semicolon inside a quoted string ends nothing."""
    out: list[str] = []
    depth, quoted, escaped = 0, False, False
    for letter in value:
        if escaped:
            escaped = False
            if not depth:
                out.append(letter)
        elif letter == "\\" and (depth or quoted):
            escaped = True
        elif quoted:
            quoted = letter != '"'
            out.append("_" if letter == ";" else letter)
        elif letter == "(":
            depth += 1
        elif letter == ")":
            depth = max(0, depth - 1)
        elif not depth:
            quoted = letter == '"'
            out.append(letter)
    return "".join(out)


def domain_of(value: str) -> str:
    """The domain of an address or a domain, lower case, in its ASCII form; ``""`` where there is none."""
    domain = value.strip().strip("<>").rpartition("@")[2].strip().rstrip(".").lower()
    try:
        domain = domain.encode("idna").decode("ascii") if not domain.isascii() else domain
    except UnicodeError:
        return ""
    return domain if re.fullmatch(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+", domain) else ""


def aligned(first: str, second: str) -> bool:
    """Relaxed alignment (RFC 7489 § 3.1): the same organisational domain."""
    first, second = domain_of(first), domain_of(second)
    return bool(first) and (first == second or organisational(first) == organisational(second) != "")


@lru_cache(maxsize=4096)
def organisational(domain: str) -> str:
    """The organisational domain by the public suffix list that ships with its library; ``""`` for a public suffix itself."""
    return str(_suffixes().privatesuffix(domain) or "")


@lru_cache(maxsize=1)
def _suffixes():  # type: ignore[no-untyped-def]
    from publicsuffixlist import PublicSuffixList  # reads its list on first use

    return PublicSuffixList()
