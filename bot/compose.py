"""Decision → finished mails: bytes with every header that an automatic mail must carry.

Sources: RFC 3834 (automatic responses), RFC 5322 § 3.6.4 (threading), RFC 2046 § 5.2.1 (message/rfc822), and Exchange's
``X-Auto-Response-Suppress``. A Message-ID is derived from the mail it is about and the kind of reply, so the same decision
always gives the same Message-ID: a repeat after a crash can be told by any receiver.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, formataddr
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bot.knowledge import Knowledge
from bot.model import Act, Action, Case, Decision, Findings, Language, Message, Mode, Outgoing, Raw, Understanding

LOOP_HEADER = "X-Mikrodata-Bot"
SUBJECT_LENGTH = 120  # characters of the sender's subject that a reply may carry
WHOLE = {"forward", "sent-on"}  # templates that carry the original along
REFERENCES_KEPT = 20  # RFC 5322 sets no limit, relays refuse very long lines; the first and the last ones thread
LINE_WANTED = 78  # characters in a line, RFC 5322 § 2.1.1
LINE_LIMIT = 998  # octets in a line without CRLF, RFC 5322 § 2.1.1

PLACEHOLDER = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
PREFIX = re.compile(r"^\s*(?:(?:re|sv|svar|vs|fwd?|vb|aw|wg|antw)\s*(?:\[\d+\])?\s*[:：]\s*)+", re.IGNORECASE)


class Headers(EmailPolicy):
    """The standard policy for SMTP, with a short way for header fields that need none of it.

    A value of printable ASCII that fits on one line is what it will be on the wire: it can hold no line break and needs no encoding
    and no folding. Parsing it all the same costs half of composing a mail.
    """

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        """See ``email.policy.Policy``."""
        structured = name.lower().startswith("content-")  # the message reads these back
        fits = isinstance(value, str) and value.isascii() and value.isprintable() and len(name) + len(value) + 2 <= LINE_WANTED
        if fits and not structured:
            return name, value
        stored: tuple[str, Any] = super().header_store_parse(name, value)
        return stored


HEADERS = Headers(linesep="\r\n")


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who we are in what we write."""

    address: str
    organisation: str
    public_url: str = ""
    privacy_url: str = ""
    null_sender: bool = True
    checklist_in_receipt: bool = False

    @property
    def domain(self) -> str:
        """The domain of our Message-IDs."""
        return self.address.rpartition("@")[2]


class Templates:
    """The texts of ``templates/mail``: first line subject, blank line, body. A folder of the user's own wins, file by file."""

    def __init__(self, folders: Iterable[Path]) -> None:
        """``folders`` in falling order of precedence."""
        loader = ChoiceLoader([FileSystemLoader(folder / "mail") for folder in folders])
        # sandboxed and strict: a template edited in the console cannot reach Python, and a misspelt name is an error, not a hole
        self._environment = ImmutableSandboxedEnvironment(
            loader=loader,
            auto_reload=False,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
            autoescape=False,
        )

    def fault(self) -> str:
        """The first text that cannot be used, by its name and with what is wrong; ``""`` when all can."""
        for name in self._environment.list_templates(extensions=["jinja"]):
            try:
                self._environment.get_template(name)
            except (TemplateError, UnicodeDecodeError) as error:
                return f"the template mail/{name} cannot be used: {error}"
        return ""

    def has(self, name: str, language: Language) -> bool:
        """Whether there is a text of that name in that language."""
        try:
            self._environment.get_template(f"{name}.{language.value}.txt.jinja")
        except TemplateNotFound:
            return False
        return True

    def render(self, name: str, language: Language, context: Mapping[str, Any]) -> tuple[str, str]:
        """Subject and body. Errors: jinja2's ``TemplateError`` (a missing text or name)."""
        text = self._environment.get_template(f"{name}.{language.value}.txt.jinja").render(context)
        subject, _, body = text.lstrip("\n").partition("\n")
        return one_line(subject), re.sub(r"\n{3,}", "\n\n", body).strip() + "\n"


@dataclass(frozen=True, slots=True)
class Subject:
    """All that a mail can be written from."""

    raw: Raw
    message: Message
    understanding: Understanding
    findings: Findings
    decision: Decision
    knowledge: Knowledge
    templates: Templates
    letterhead: Letterhead
    texts: Mapping[str, Mapping[str, str]]  # reason code → language → sentence (templates/reasons.toml)
    cases: Mapping[str, Case]
    now: datetime
    next_deadline: tuple[str, date] | None = None  # of the case whose status is told


def compose(subject: Subject) -> tuple[Outgoing, ...]:
    """The mails of a decision, drafts included. In shadow mode none: nothing leaves and nothing waits to leave."""
    if subject.decision.mode is Mode.SHADOW:
        return ()
    mails = []
    for action in subject.decision.actions:
        if action.act in (Act.ANSWER, Act.RECEIPT) and action.to:
            mails.append(_reply(subject, action))
        elif action.act is Act.FORWARD and action.to:
            mails.append(_forward(subject, action))
    return tuple(mails)


def message_id(domain: str, *parts: str) -> str:
    """A Message-ID (RFC 5322 § 3.6.4) that depends on its parts alone."""
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"<{digest}@{domain}>"


def one_line(text: str) -> str:
    """Text fit for a header: control characters and line breaks become one blank (header injection, CWE-93)."""
    return " ".join(PLACEHOLDER.sub(" ", text).split())


def reply_subject(subject: str) -> str:
    """The sender's subject cleaned, without its reply prefixes, shortened; may be empty."""
    cleaned = PREFIX.sub("", one_line(subject))
    return cleaned if len(cleaned) <= SUBJECT_LENGTH else cleaned[: SUBJECT_LENGTH - 1].rstrip() + "…"


IDENTIFIER = re.compile(r"<[^<>\s]{1,900}>")


def thread_headers(message: Message) -> dict[str, str]:
    """In-Reply-To and References for an answer to ``message`` (RFC 5322 § 3.6.4)."""
    return thread_of(message.message_id, message.references or message.in_reply_to)


def thread_of(identifier: str, references: Iterable[str]) -> dict[str, str]:
    """The same from a mail's Message-ID and its own references."""
    if not IDENTIFIER.fullmatch(identifier):
        return {}
    known = [each for each in references if IDENTIFIER.fullmatch(each)]
    chain = list(dict.fromkeys([*known, identifier]))
    if len(chain) > REFERENCES_KEPT:
        chain = [chain[0], *chain[-(REFERENCES_KEPT - 1) :]]
    return {"In-Reply-To": identifier, "References": " ".join(chain)}


def draft_to_person(
    letterhead: Letterhead, *, recipient: str, subject: str, body: str, thread: Mapping[str, str], name: str, now: datetime
) -> tuple[str, bytes]:
    """A person's own reply as bytes, with its Message-ID: no automatic headers, for a person wrote it."""
    identifier = message_id(letterhead.domain, "person", name, now.isoformat())
    mail = _mail(letterhead, recipient, subject, now, identifier)
    for key, value in thread.items():
        mail[key] = value
    mail.set_content(body, cte="quoted-printable")
    return identifier, mail.as_bytes()


def notice(
    letterhead: Letterhead,
    templates: Templates,
    name: str,
    language: Language,
    *,
    recipient: str,
    context: Mapping[str, Any],
    key: str,
    now: datetime,
) -> Outgoing:
    """An automatic mail that answers no mail: reminder, alarm, digest. ``key`` makes its Message-ID."""
    mail = _notice(letterhead, templates, name, language, recipient, {**context, "by_person": False}, key, now)
    _automatic_headers(mail, "auto-generated")
    return Outgoing(
        str(mail["Message-ID"]),
        name,
        letterhead.address,
        recipient,
        mail.as_bytes(),
        language=language,
        case_ref=str(context.get("case_ref", "")),
    )


def draft_notice(
    letterhead: Letterhead,
    templates: Templates,
    name: str,
    language: Language,
    *,
    recipient: str,
    context: Mapping[str, Any],
    key: str,
    now: datetime,
    thread: Mapping[str, str] | None = None,
) -> Outgoing:
    """A mail that a person may send: as ``notice``, without the headers and the words of an automatic one.

    ``thread``: In-Reply-To and References where it answers a mail.
    """
    mail = _notice(letterhead, templates, name, language, recipient, {**context, "by_person": True}, key, now)
    for header, value in (thread or {}).items():
        mail[header] = value
    return Outgoing(
        str(mail["Message-ID"]),
        "draft",
        letterhead.address,
        recipient,
        mail.as_bytes(),
        automatic=False,
        language=language,
        case_ref=str(context.get("case_ref", "")),
    )


def _notice(
    letterhead: Letterhead,
    templates: Templates,
    name: str,
    language: Language,
    recipient: str,
    context: Mapping[str, Any],
    key: str,
    now: datetime,
) -> EmailMessage:
    subject, body = templates.render(name, language, {**_common(letterhead), **context})
    mail = _mail(letterhead, recipient, subject, now, message_id(letterhead.domain, "notice", name, key, recipient))
    mail.set_content(body, cte="quoted-printable")
    return mail


def _common(letterhead: Letterhead) -> dict[str, Any]:
    return {
        "address": letterhead.address,
        "organisation": letterhead.organisation,
        "public_url": letterhead.public_url,
        "privacy_url": letterhead.privacy_url,
        "by_person": False,
    }


def _mail(letterhead: Letterhead, recipient: str, subject: str, now: datetime, identifier: str) -> EmailMessage:
    mail = EmailMessage(policy=HEADERS)
    mail["From"] = formataddr((letterhead.organisation, letterhead.address))
    mail["To"] = recipient
    mail["Subject"] = one_line(subject)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = identifier
    return mail


def _automatic_headers(mail: EmailMessage, kind: str) -> None:
    mail["Auto-Submitted"] = kind  # RFC 3834 § 5
    mail["X-Auto-Response-Suppress"] = "All"  # Exchange: no out-of-office, no receipts
    mail[LOOP_HEADER] = "1"


def _languages(understanding: Understanding) -> tuple[Language, ...]:
    """The language of the mail; both written forms of Norwegian when it is uncertain which (språklova § 15)."""
    if understanding.language is Language.EN or understanding.language_sure:
        return (understanding.language,)
    other = Language.NN if understanding.language is Language.NB else Language.NB
    return (understanding.language, other)


def _reply(subject: Subject, action: Action) -> Outgoing:
    letterhead, understanding = subject.letterhead, subject.understanding
    kind = "draft" if action.draft else action.act.value
    # a mail may have drafts of several kinds, but one answer and one receipt
    identifier = message_id(letterhead.domain, kind, subject.raw.key, *((action.template,) if action.draft else ()))
    rendered = [
        subject.templates.render(action.template, language, _context(subject, action, language)) for language in _languages(understanding)
    ]
    title = reply_subject(subject.message.subject)
    mail = _mail(letterhead, action.to, f"Re: {title}" if title else rendered[0][0], subject.now, identifier)
    for key, value in thread_headers(subject.message).items():
        mail[key] = value
    if not action.draft:
        _automatic_headers(mail, "auto-replied")
        if action.act is Act.RECEIPT:
            mail["Precedence"] = "auto_reply"
    mail.set_content(("\n" + "-" * 40 + "\n\n").join(body for _, body in rendered), cte="quoted-printable")
    envelope = "" if action.act is Act.RECEIPT and letterhead.null_sender else letterhead.address
    return Outgoing(
        identifier,
        kind,
        envelope,
        action.to,
        mail.as_bytes(),
        mail_key=subject.raw.key,
        case_ref=action.case_ref,
        automatic=not action.draft,
        language=understanding.language,
        topics=action.topics,
        meta={"knowledge": subject.knowledge.version, "template": action.template},
    )


def _context(subject: Subject, action: Action, language: Language) -> dict[str, Any]:
    topics = [subject.knowledge.topics[topic] for topic in action.topics if topic in subject.knowledge.topics]
    application = subject.findings.application
    return {
        **_common(subject.letterhead),
        "by_person": action.draft,
        "topics": [
            {"title": topic.title(language), "answer": topic.answer(language), "source": topic.source, "checked": topic.checked.isoformat()}
            for topic in topics
        ],
        "missing": application.missing if application is not None and subject.letterhead.checklist_in_receipt else (),
        "forwarded_to": next((other.to for other in subject.decision.actions if other.template == "sent-on"), ""),
        "number": application.number if application is not None else "",
        "case": subject.cases.get(action.case_ref),
        "caseworker_name": person_name(subject.cases[action.case_ref].caseworker) if action.case_ref in subject.cases else "",
        "next_deadline": subject.next_deadline,
        "checklist_names": named(subject.texts, "checklist"),
        "state_names": named(subject.texts, "state"),
        "deadline_names": named(subject.texts, "deadline"),
        "language": language.value,
    }


def person_name(address: str) -> str:
    """The name that an address ``first.last@…`` tells, with the address; else the address alone."""
    local = address.rpartition("@")[0]
    names = [part for part in re.split(r"[._]", local) if part]
    if len(names) < 2 or not all(re.fullmatch(r"[^\W\d_]+(?:-[^\W\d_]+)*", part) for part in names):
        return address
    return f"{' '.join(part.title() for part in names)} ({address})"


def named(texts: Mapping[str, Mapping[str, str]], group: str) -> dict[str, Mapping[str, str]]:
    """The words of one group: id → language → word."""
    return {key.removeprefix(f"{group}."): value for key, value in texts.items() if key.startswith(f"{group}.")}


def _forward(subject: Subject, action: Action) -> Outgoing:
    """A mail to a desk: trust line first, what was understood and why, then the original, or a link where it may not leave."""
    letterhead, message = subject.letterhead, subject.message
    identifier = message_id(letterhead.domain, "forward", subject.raw.key, action.to)
    language = Language.NB
    title, body = subject.templates.render(action.template, language, _forward_context(subject, action))
    mail = _mail(letterhead, action.to, title, subject.now, identifier)
    writers = [address for address in (message.sender.address, letterhead.address) if _is_plain(address)]
    mail["Reply-To"] = ", ".join(dict.fromkeys(writers))
    _automatic_headers(mail, "auto-generated")
    mail.set_content(body, cte="quoted-printable")
    content = _with_original(mail, subject.raw) if action.template in WHOLE else mail.as_bytes()
    return Outgoing(
        identifier,
        "forward",
        letterhead.address,
        action.to,
        content,
        mail_key=subject.raw.key,
        case_ref=action.case_ref,
        automatic=False,
        language=language,
    )


PLAIN_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")


def _is_plain(address: str) -> bool:
    return PLAIN_MAILBOX.fullmatch(address) is not None


def _forward_context(subject: Subject, action: Action) -> dict[str, Any]:
    understanding, findings, decision, message = subject.understanding, subject.findings, subject.decision, subject.message
    shown = subject.texts
    return {
        **_common(subject.letterhead),
        "key": subject.raw.key,
        "sender": one_line(f"{message.sender.name} <{message.sender.address}>".strip()),
        "subject": reply_subject(message.subject),
        "received": subject.raw.received,
        "trust": findings.trust.value,
        "authentication": understanding.authentication.evidence,
        "dmarc": understanding.authentication.dmarc,
        "category": decision.category.value,
        "category_name": shown.get(f"category.{decision.category.value}", {}).get("nb", decision.category.value),
        "confidence": understanding.confidence,
        "also": [category.value for category in understanding.also],
        "case_ref": action.case_ref,
        "suggestions": [
            found.case_ref
            for found in (findings.match, *findings.suggestions)
            if found is not None and not (found is findings.match and found.certain)
        ],
        "case_refs": understanding.case_refs,
        "misdirected": findings.misdirected,
        "reasons": [shown.get(reason.value, {}).get("nb", reason.value) for reason in decision.reasons],
        "sentences": [statement.sentence for statement in understanding.statements][:3],
        "offer": findings.offer,
        "deletions": findings.deletions,
        "application": findings.application,
        "topics": [subject.knowledge.topics[topic].title(Language.NB) for topic in understanding.faqs if topic in subject.knowledge.topics],
        "draft": any(other.draft for other in decision.actions),
        "receipt": decision.reply.value,
        "sensitive": understanding.sensitive,
        "attachments": [(attachment.name, attachment.size) for attachment in message.attachments],
        "checklist_names": named(subject.texts, "checklist"),
        "remark_names": named(subject.texts, "remark"),
    }


def _with_original(mail: EmailMessage, raw: Raw) -> bytes:
    """The summary and the whole original as message/rfc822, byte for byte.

    message/rfc822 allows no transfer encoding but 7bit, 8bit and binary (RFC 2046 § 5.2.1); an original that no 8bit
    transport can carry (NUL, lines over 998 octets) goes along as a base64 file instead, so that nothing of it is lost.
    """
    lines = raw.content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    if b"\0" in raw.content or any(len(line) > LINE_LIMIT for line in lines):
        mail.add_attachment(raw.content, maintype="application", subtype="octet-stream", filename="original.eml")
        return mail.as_bytes()
    boundary = "=_" + hashlib.sha256(raw.content).hexdigest()[:40]
    head, _, body = mail.as_bytes().partition(b"\r\n\r\n")
    keep, part = _split_headers(head)
    original = b"\r\n".join(lines)
    encoding = b"7bit" if original.isascii() else b"8bit"
    edge = b"--" + boundary.encode()
    return b"\r\n".join(
        [
            keep,
            b'Content-Type: multipart/mixed; boundary="' + boundary.encode() + b'"',
            b"",
            edge,
            part,
            b"",
            body.rstrip(b"\r\n"),
            edge,
            b"Content-Type: message/rfc822",
            b"Content-Disposition: attachment; filename=original.eml",
            b"Content-Transfer-Encoding: " + encoding,
            b"",
            original,
            edge + b"--",
            b"",
        ]
    )


def _split_headers(head: bytes) -> tuple[bytes, bytes]:
    """The mail's own headers, and those that describe its text part."""
    keep: list[bytes] = []
    part: list[bytes] = []
    target = keep
    for line in head.split(b"\r\n"):
        if line[:1] not in b" \t":
            lowered = line.lower()
            target = part if lowered.startswith((b"content-type:", b"content-transfer-encoding:")) else keep
        target.append(line)
    return b"\r\n".join(keep), b"\r\n".join(part)
