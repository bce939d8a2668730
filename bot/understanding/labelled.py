"""The evaluation set's mails in their source form → messages, read by the same reader as any other mail."""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import PurePath
from typing import Any

from bot.mail import parse
from bot.model import Examined, ExaminedAttachment, Message, Raw

RECEIVED = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
OWN = frozenset({"mikrodata@ssb.no"})


def message_of(source: Mapping[str, Any]) -> tuple[Message, Examined]:
    """A mail of the evaluation set; the attachments' text stands in the source, so nothing is examined."""
    mail = EmailMessage()
    name, address = source["from"]
    mail["From"] = f'"{name}" <{address}>' if name else address
    mail["To"] = source.get("to", "mikrodata@ssb.no")
    mail["Subject"] = source["subject"].replace("\n", " ")
    mail["Date"] = format_datetime(RECEIVED)
    headers = dict(source.get("headers") or {})
    mail["Message-ID"] = headers.pop("Message-ID", f"<{source['id']}@{address.rpartition('@')[2] or 'localhost'}>")
    for key, value in headers.items():
        mail[key] = value
    if source.get("html") == "only":
        paragraphs = "".join(f"<p>{html.escape(text).replace(chr(10), '<br>')}</p>" for text in source["body"].split("\n\n"))
        mail.set_content(f"<html><body>{paragraphs}</body></html>", subtype="html")
    else:
        mail.set_content(source["body"])
    examined = []
    for part in source.get("attachments") or []:
        mail.add_attachment(part["text"].encode(), maintype="application", subtype="octet-stream", filename=part["name"])
        kind = PurePath(part["name"]).suffix.lower().removeprefix(".") or "other"
        examined.append(ExaminedAttachment(part["name"], "application/octet-stream", len(part["text"]), kind, part["text"]))
    message = parse(Raw(f"sha256:{source['id']}", bytes(mail), RECEIVED, "folder"), own_addresses=OWN)
    return message, Examined(tuple(examined))
