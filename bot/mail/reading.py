"""``parse``: a mail as it came → ``Message``. Total: any bytes give one, defects are listed, nothing is raised."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bot.mail import automatic, bounces, quoting
from bot.mail.mime import Opened, read
from bot.mail.seen import Seen
from bot.mail.text import clean
from bot.model import Address, Message, Raw

ADDRESSES = 200  # of one header; a mail to more is no letter to us
IDENTIFIER = re.compile(r"<([^<>\s]{1,900})>")
ADDRESS = re.compile(r"[^\s<>(),;:\"\[\]\\@]{1,250}@[^\s<>(),;:\"\\@]{1,250}|\"[^\"\s@]{1,100}\"@[^\s<>(),;:\"\\@]{1,250}")
REFERENCES = 100


def parse(raw: Raw, *, own_addresses: frozenset[str] = frozenset()) -> Message:
    """Read a mail. ``own_addresses`` (lower case) tell a loop. Total and bounded in time and memory (see ``mime.LIMITS``)."""
    opened = read(raw.content)
    first: dict[str, str] = {}
    for name, value in opened.headers:
        first.setdefault(name.lower(), value)
    senders = addresses(first.get("from", ""))
    if len(senders) > 1:
        opened.flaw("two-senders")
    sender = _behind_a_group(senders[0], first, own_addresses) if senders else _fallback(first)
    if senders and sender != senders[0]:
        opened.flaw("from-of-a-group")
    subject = first.get("subject", "")[:1000]
    parts = quoting.split(opened.text, subject, f"{sender.name} {sender.address.partition('@')[0]}")
    in_reply_to = identifiers(first.get("in-reply-to", ""))
    references = identifiers(first.get("references", ""))
    text = quoting.unmarked(opened.text)
    seen = Seen(first, sender, subject, parts.own or _all_of(parts, text), opened, own_addresses, raw.envelope_from, parts.signature)
    judged = automatic.judge(seen)
    bounce = bounces.bounce_of(seen, judged, (*in_reply_to, *references), text) if judged is not None else None
    if judged is not None and bounce is not None and judged.kind == "bounce" and not bounce.final:
        judged = replace(judged, kind="delay")
    return Message(
        message_id=next(iter(identifiers(first.get("message-id", ""))), ""),
        sender=sender,
        subject=subject,
        text=text,
        own=parts.own,
        reply_to=addresses(first.get("reply-to", "")),
        to=addresses(first.get("to", "")),
        cc=addresses(first.get("cc", "")),
        date=_date(first.get("date", ""), opened),
        in_reply_to=in_reply_to,
        references=references,
        quoted=parts.quoted,
        forwarded=parts.forwarded,
        signature=parts.signature,
        html=opened.html,
        attachments=tuple(opened.attachments),
        headers=opened.headers,
        automatic=judged,
        suppress_reply=judged is None and automatic.suppresses(seen),
        bounce=bounce,
        content_hash=_content_hash(first, sender, opened),
        defects=tuple(opened.defects),
        quarantine=opened.quarantine,
    )


def _all_of(parts: quoting.Parts, text: str) -> str:
    """What the rules read where the sender has written nothing new: a forward speaks by what it forwards, a bounce by all of it."""
    return parts.forwarded if parts.forwarded else "" if parts.quoted else text


VIA = re.compile(r"^(.{1,200}?)['\"]?\s{1,3}via\s", re.IGNORECASE)


def _behind_a_group(sender: Address, first: dict[str, str], own_addresses: frozenset[str]) -> Address:
    """Who wrote through a group of ours: groups that must not forge a strict DMARC domain put themselves into From ("Kari via Mikrodata")
    and the writer into a header of their own or Reply-To. Nothing authenticates that address, so it gets no trust by it
    (``authentication.judge``)."""
    named = VIA.match(sender.name)
    if named is None or sender.address.lower() not in own_addresses:
        return sender
    for name in ("x-original-from", "x-original-sender", "reply-to"):
        for found in addresses(first.get(name, "")):
            if found.address.lower() not in own_addresses:
                return Address(found.name or named[1].strip("'\" "), found.address)
    return sender


def _fallback(first: dict[str, str]) -> Address:
    """No From: the Sender or Return-Path is all there is."""
    for name in ("sender", "x-original-from", "return-path"):
        if found := addresses(first.get(name, "")):
            return found[0]
    return Address("", "")


def addresses(value: str) -> tuple[Address, ...]:
    """The mailboxes of an address header (RFC 5322 § 3.4), tolerant: broken lists give what can be found. Never raises."""
    found: list[Address] = []
    for piece in _pieces(value[:16_000]):
        if len(found) >= ADDRESSES:
            break
        bare = _without_comments(piece)
        marked = re.search(r"<\s*([^<>]*?)\s*>[^<>]*$", bare)
        match = ADDRESS.search(marked[1]) if marked else None
        match = match or ADDRESS.search(bare)
        if match is None:
            continue
        name = bare[: marked.start()] if marked else bare.replace(match[0], "")
        found.append(Address(_name(name) or _comment(piece), _address(match[0])))
    return tuple(found)


def _pieces(value: str) -> list[str]:
    """Cut at commas and semicolons that stand outside quotation marks, angle brackets and comments; group names are dropped."""
    pieces = _cut(value) if "," in value or ";" in value else [value]
    return [re.sub(r"^\s*[^\s\"<@:]{1,60}:(?=\s*[\w\"<])", "", piece) if ":" in piece.partition("@")[0] else piece for piece in pieces]


def _cut(value: str) -> list[str]:
    pieces, start, depth, quoted, angle = [], 0, 0, False, False
    at = 0
    while at < len(value):
        letter = value[at]
        if letter == "\\":
            at += 2
            continue
        if letter == '"' and not depth:
            quoted = not quoted
        elif not quoted:
            depth = max(0, depth + (letter == "(") - (letter == ")"))
            angle = letter == "<" or (angle and letter != ">")
            if letter in ",;" and not depth and not angle:
                pieces.append(value[start:at])
                start = at + 1
        at += 1
    pieces.append(value[start:])
    if len(pieces) == 1 and (quoted or angle or depth):
        pieces = re.split(r"[,;]", value)  # an unclosed mark swallowed the list
    return pieces


def _without_comments(piece: str) -> str:
    return re.sub(r"\([^()]{0,300}\)", " ", piece)


def _comment(piece: str) -> str:
    match = re.search(r"\(([^()]{1,200})\)", piece)
    return _name(match[1]) if match else ""


def _name(text: str) -> str:
    text = re.sub(r"\\(.)", r"\1", text.strip().strip("\"'").strip())
    return re.sub(r"\s+", " ", text)[:200]


def _address(text: str) -> str:
    local, _, domain = text.rpartition("@")
    bare = local.strip(chr(34))
    return f"{bare}@{domain.rstrip(chr(46)).lower()}" if domain else text


def identifiers(value: str) -> tuple[str, ...]:
    """Message identifiers in angle brackets, in order, each once; a bare one is taken too (clients write them)."""
    found = [f"<{inner}>" for inner in IDENTIFIER.findall(value)]
    if not found and (bare := re.fullmatch(r"\s*([^\s<>\"]{3,400}@[^\s<>\"]{1,200})\s*", value)):
        found = [f"<{bare[1]}>"]
    return tuple(dict.fromkeys(found[:1] + found[-REFERENCES:]))


def _date(value: str, opened: Opened) -> datetime | None:
    if not value:
        return None
    try:
        found = parsedate_to_datetime(value[:200])
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except Exception:  # the parser raises half a dozen kinds
        opened.flaw("date-broken")
        return None


def _content_hash(first: dict[str, str], sender: Address, opened: Opened) -> str:
    """From, Date, Subject and body: what makes two arrivals copies of one mail. Empty where there is nothing to compare."""
    if opened.quarantine:
        return ""
    digest = hashlib.sha256()
    for piece in (sender.address.lower(), first.get("date", ""), first.get("subject", ""), " ".join(clean(opened.text).split())):
        digest.update(piece.encode("utf-8", "replace") + b"\0")
    for attachment in opened.attachments:
        digest.update(hashlib.sha256(attachment.content).digest())
    return digest.hexdigest()
