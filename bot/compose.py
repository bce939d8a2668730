"""Decision → finished mails: bytes with every header that an automatic mail must carry.

Sources: RFC 3834 (automatic responses), RFC 5322 § 3.6.4 (threading), RFC 2046 § 5.2.1 (message/rfc822), and Exchange's
``X-Auto-Response-Suppress``. A Message-ID is derived from the mail it is about and the kind of reply, so the same decision
always gives the same Message-ID: a repeat after a crash can be told by any receiver.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from email.utils import format_datetime, formataddr
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bot.knowledge import Knowledge
from bot.letter import Letter
from bot.model import Act, Action, Case, Decision, Findings, Language, Message, Mode, Outgoing, Raw, Understanding

LOOP_HEADER = "X-Mikrodata-Bot"
SUBJECT_LENGTH = 120  # characters of the sender's subject that a reply may carry
WHOLE = {"forward", "sent-on"}  # templates that carry the original along
BETWEEN_LANGUAGES = "\n" + "-" * 40 + "\n\n"
REFERENCES_KEPT = 20  # RFC 5322 sets no limit, relays refuse very long lines; the first and the last ones thread

PLACEHOLDER = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
PREFIX = re.compile(r"^\s*(?:(?:re|sv|svar|vs|fwd?|vb|aw|wg|antw)\s*(?:\[\d+\])?\s*[:：]\s*)+", re.IGNORECASE)


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
    return identifier, mail.with_text(body)


@dataclass(frozen=True, slots=True)
class Notice:
    """A mail of ours that no decision makes: reminder, alarm, digest, hand-over. ``key`` makes its Message-ID."""

    name: str  # of the template, and the kind of the mail
    language: Language
    recipient: str
    context: Mapping[str, Any]
    key: str


def notice(letterhead: Letterhead, templates: Templates, told: Notice, now: datetime) -> Outgoing:
    """As an automatic mail that answers none."""
    identifier, mail, body = _notice(letterhead, templates, told, now, by_person=False)
    _automatic_headers(mail, "auto-generated")
    return _outgoing(letterhead, told, told.name, identifier, mail.with_text(body))


def draft_notice(
    letterhead: Letterhead, templates: Templates, told: Notice, now: datetime, *, thread: Mapping[str, str] | None = None
) -> Outgoing:
    """As a mail that a person may send: without the headers and the words of an automatic one.

    ``thread``: In-Reply-To and References where it answers a mail.
    """
    identifier, mail, body = _notice(letterhead, templates, told, now, by_person=True)
    for header, value in (thread or {}).items():
        mail[header] = value
    return replace(_outgoing(letterhead, told, "draft", identifier, mail.with_text(body)), automatic=False)


def _notice(letterhead: Letterhead, templates: Templates, told: Notice, now: datetime, *, by_person: bool) -> tuple[str, Letter, str]:
    """Message-ID, what stands at the head of the mail, and its text."""
    context = {**_common(letterhead), **told.context, "by_person": by_person}
    subject, body = templates.render(told.name, told.language, context)
    identifier = message_id(letterhead.domain, "notice", told.name, told.key, told.recipient)
    return identifier, _mail(letterhead, told.recipient, subject, now, identifier), body


def _outgoing(letterhead: Letterhead, told: Notice, kind: str, identifier: str, content: bytes) -> Outgoing:
    case_ref = str(told.context.get("case_ref", ""))
    return Outgoing(identifier, kind, letterhead.address, told.recipient, content, language=told.language, case_ref=case_ref)


def _common(letterhead: Letterhead) -> dict[str, Any]:
    return {
        "address": letterhead.address,
        "organisation": letterhead.organisation,
        "public_url": letterhead.public_url,
        "privacy_url": letterhead.privacy_url,
        "by_person": False,
    }


def _mail(letterhead: Letterhead, recipient: str, subject: str, now: datetime, identifier: str) -> Letter:
    mail = Letter()
    mail["From"] = _author(letterhead.organisation, letterhead.address)
    mail["To"] = recipient
    mail["Subject"] = one_line(subject)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = identifier
    return mail


@lru_cache(maxsize=8)
def _author(organisation: str, address: str) -> str:
    return formataddr((organisation, address))


def _automatic_headers(mail: Letter, kind: str) -> None:
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
    envelope = "" if action.act is Act.RECEIPT and letterhead.null_sender else letterhead.address
    return Outgoing(
        identifier,
        kind,
        envelope,
        action.to,
        mail.with_text(BETWEEN_LANGUAGES.join(body for _, body in rendered)),
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
        "checklist_names": Named(subject.texts, "checklist"),
        "state_names": Named(subject.texts, "state"),
        "deadline_names": Named(subject.texts, "deadline"),
        "language": language.value,
    }


def person_name(address: str) -> str:
    """The name that an address ``first.last@…`` tells, with the address; else the address alone."""
    local = address.rpartition("@")[0]
    names = [part for part in re.split(r"[._]", local) if part]
    if len(names) < 2 or not all(re.fullmatch(r"[^\W\d_]+(?:-[^\W\d_]+)*", part) for part in names):
        return address
    return f"{' '.join(part.title() for part in names)} ({address})"


class Named(Mapping[str, Mapping[str, str]]):
    """The words of one group, id → language → word: a view, for a copy with each mail costs more than the text that is written."""

    def __init__(self, texts: Mapping[str, Mapping[str, str]], group: str) -> None:
        """``group`` is what stands before the first full stop of a key."""
        self._texts, self._prefix = texts, f"{group}."

    def __getitem__(self, name: str) -> Mapping[str, str]:
        """The word by its languages."""
        return self._texts[self._prefix + name]

    def __iter__(self) -> Iterator[str]:
        """The names in the group."""
        return (key.removeprefix(self._prefix) for key in self._texts if key.startswith(self._prefix))

    def __len__(self) -> int:
        """How many there are."""
        return sum(1 for _ in self)


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
    content = mail.with_original(body, subject.raw.content) if action.template in WHOLE else mail.with_text(body)
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
        "checklist_names": Named(subject.texts, "checklist"),
        "remark_names": Named(subject.texts, "remark"),
    }
