"""Bounces, delays and delivery reports: by which rules they are told, and of which of our mails they speak (RFC 3464)."""

from __future__ import annotations

import re

from bot.mail import machine_words as words
from bot.mail.mime import Part
from bot.mail.seen import Seen, Test, forwards
from bot.mail.text import header
from bot.model import Automatic, Bounce

FINE = frozenset({"delivered", "relayed", "expanded"})  # actions of RFC 3464 § 2.3.3 after which nobody need do anything


def report(kind: str) -> Test:
    """multipart/report of a type, also where the parameter is missing and only the part tells it."""

    def finds(seen: Seen) -> str:
        if not seen.opened.types or seen.opened.types[0] != "multipart/report":
            return ""
        found = re.search(r"report-type\s{0,5}=\s{0,5}\"?([\w-]{1,60})", seen.header("content-type"), re.IGNORECASE)
        named = found[1].lower() if found else ""
        fits = named == kind or (not named and f"message/{kind}" in seen.opened.types)
        return f"multipart/report; report-type={kind}" if fits else ""

    return finds


def delayed(seen: Seen) -> str:
    """A delivery report that speaks of nothing but delay."""
    return "Action: delayed" if _actions(seen) == {"delayed"} and report("delivery-status")(seen) else ""


def arrived(seen: Seen) -> str:
    """A delivery report that speaks of nothing but success."""
    found = _actions(seen)
    return "Action: delivered" if found and found <= FINE and report("delivery-status")(seen) else ""


def _actions(seen: Seen) -> set[str]:
    return {str(part.get("Action", "")).strip().lower() for part in seen.opened.status if part.get("Action")}


def rejected(seen: Seen) -> str:
    """A filter that refuses in the form of a read receipt (Sieve reject, RFC 5429 § 2.1.2)."""
    if report("disposition-notification")(seen) and re.search(r"reject|refus|avvis", seen.text[:1500], re.IGNORECASE):
        return "a disposition notification that says rejected"
    return ""


def status_part(seen: Seen) -> str:
    """A delivery-status part in whatever container, unless a person sends it on."""
    return "a delivery-status part" if "message/delivery-status" in seen.opened.types and not _persons(seen) else ""


def _persons(seen: Seen) -> bool:
    return forwards(seen) or (bool(words.PERSON_SPEAKS.search(seen.body)) and "?" in seen.body)


def daemon(seen: Seen) -> str:
    """A mail daemon by address or name; postmaster only with the words of a bounce, for that is a person's address too."""
    if words.DAEMON.match(seen.local) or (
        words.DAEMON_NAME.match(seen.sender.name) and (words.BOUNCE_SUBJECT.match(seen.subject) or not seen.local)
    ):
        return "From a mail daemon"
    if words.POSTMASTER.match(seen.local) and (
        words.BOUNCE_SUBJECT.match(seen.subject)
        or words.RECEIPT_SUBJECT.match(seen.subject)
        or (words.BOUNCE_BODY.search(seen.body) and "?" not in seen.body)
    ):
        return "From postmaster, with the words of a bounce"
    return ""


def failed_recipients(seen: Seen) -> str:
    """Exim's and Exchange's own headers."""
    if seen.header("x-failed-recipients"):
        return "X-Failed-Recipients"
    return "X-MS-Exchange-Message-Is-Ndr" if "x-ms-exchange-message-is-ndr" in seen.headers else ""


def bounce_words(seen: Seen) -> str:
    """Subject and body both say it, and no person tells of it."""
    if re.match(r"\s{0,20}hi\. this is the (?:qmail-send|mail system)", seen.text, re.IGNORECASE):
        return "qmail's opening words"
    told = words.BOUNCE_SUBJECT.search(seen.subject) and words.BOUNCE_BODY.search(seen.text[:3000])
    return "the subject and the words of a bounce" if told and not words.PERSON_SPEAKS.search(seen.text[:1500]) else ""


def null_sender(seen: Seen) -> str:
    """The null reverse-path, in the envelope or in Return-Path."""
    if seen.envelope_from == "":
        return "null envelope sender"
    return "Return-Path: <>" if re.fullmatch(r"<\s{0,5}>", seen.header("return-path")) else ""


def null_sender_bounce(seen: Seen) -> str:
    """The null sender, and words that say that something did not arrive."""
    if not null_sender(seen):
        return ""
    text = seen.text[:3000]
    told = words.BOUNCE_SUBJECT.match(seen.subject) or words.BOUNCE_BODY.search(text) or words.BLOCKED.search(text)
    return "null sender, with the words of a bounce" if told else ""


# ── which of our mails came back ──────────────────────────────────────────────────────────────────────────────

IDENTIFIER = re.compile(r"<[^<>\s@]{1,200}@[^<>\s]{1,200}>")
RETURNED_ID = re.compile(r"^[\s>]{0,20}Message-Id:\s{0,5}(<[^<>\s]{1,400}>)", re.IGNORECASE | re.MULTILINE)
STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")  # "5.1.1", not the middle of a version or an address
FAILED_STATUS = re.compile(r"(?<![\d.])([45]\.\d\.\d{1,2})(?![\d.]*\d)")
RECIPIENT = re.compile(r"(?<![\w.+'-])[\w.+'-]{1,100}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
NOT_THE_RECIPIENT = re.compile(r"^(?:postmaster|mailer-daemon|abuse|helpdesk|support|noreply|no-reply)@", re.IGNORECASE)


def bounce_of(seen: Seen, automatic: Automatic, answers: tuple[str, ...], full_text: str) -> Bounce | None:
    """Which mail a bounce or delay is about: by the returned mail, its words, or the thread headers ``answers``."""
    if automatic.kind not in ("bounce", "delay"):
        return None
    identifier = _returned(seen.opened.nested) or _in_words(full_text) or (answers[0] if answers else "")
    recipient, status, action = _reported(seen.opened.status)
    recipient = recipient or seen.header("x-failed-recipients").split(",")[0].strip() or _named(seen, full_text)
    status = status or (found[1] if (found := FAILED_STATUS.search(full_text[:6000])) else "")
    delay = (
        automatic.kind == "delay"
        or action == "delayed"
        or (not action and not status.startswith("5") and bool(words.DELAY.search(seen.subject + "\n" + full_text[:2000])))
    )
    return Bounce(identifier, recipient.lower(), status, not delay)


def _named(seen: Seen, text: str) -> str:
    """The first address in the words that is nobody's who only tells of it."""
    for found in RECIPIENT.findall(text[:4000]):
        address = str(found).lower().strip("'")
        if address != seen.sender.address.lower() and address not in seen.own_addresses and not NOT_THE_RECIPIENT.match(address):
            return address
    return ""


def _returned(nested: list[Part]) -> str:
    for part in nested:
        if found := IDENTIFIER.search(header(str(part.get("Message-ID", "")))):
            return found[0]
    return ""


def _in_words(text: str) -> str:
    found = RETURNED_ID.search(text)
    return found[1] if found else ""


def _reported(status: list[Part]) -> tuple[str, str, str]:
    """(recipient, enhanced status, action) of the first recipient in a delivery report (RFC 3464 § 2.3)."""
    for part in status:
        recipient = header(str(part.get("Original-Recipient") or part.get("Final-Recipient") or "")).partition(";")[2].strip()
        if recipient:
            found = STATUS.search(str(part.get("Status", "")))
            return recipient.strip("<>"), found[1] if found else "", str(part.get("Action", "")).strip().lower()
    return "", "", ""
