"""What is decided and sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.model.reading import Evidence
from bot.model.vocabulary import Act, Category, Language, Mode, Reason, Reply


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do. ``to`` is an address for mails; ``draft`` means that a caseworker must send it."""

    act: Act
    to: str = ""
    template: str = ""
    topics: tuple[str, ...] = ()
    case_ref: str = ""
    draft: bool = False
    to_person: bool = False  # a forward that waits in the queue of the console


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a mail, with reasons. ``needs_person``: it stands in the console's queue until somebody is done."""

    category: Category
    actions: tuple[Action, ...]
    reply: Reply
    reasons: tuple[Reason, ...]
    mode: Mode
    needs_person: bool
    folder: str  # key of imap.folders: a category id, or "quarantine"
    urgent: bool = False
    trace: tuple[Evidence, ...] = ()

    def has(self, act: Act) -> bool:
        """Whether the decision asks for that act."""
        return any(action.act == act for action in self.actions)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A finished mail: bytes with a fixed Message-ID, envelope, and when it may go.

    ``kind``: answer, receipt, forward, draft, reminder, person, alarm, notice. ``automatic`` counts against the sender's daily limit and
    is held while paused. ``sender`` is the envelope sender, ``""`` for the null sender.
    """

    message_id: str
    kind: str
    sender: str
    recipient: str
    content: bytes
    mail_key: str = ""
    case_ref: str = ""
    automatic: bool = True
    language: Language = Language.NB
    topics: tuple[str, ...] = ()
    meta: dict[str, Any] = field(default_factory=dict)


class Result(StrEnum):
    """What became of one attempt to send."""

    SENT = "sent"
    LATER = "later"  # 4xx, connection lost, timeout
    REFUSED = "refused"  # 5xx: final


@dataclass(frozen=True, slots=True)
class Delivery:
    """The outcome of one attempt; ``detail`` holds the reply code and its enhanced status, never mail content."""

    result: Result
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Assurance:
    """What was measured of the automatic answers: n answered, precision, its one-sided 95 % Clopper–Pearson lower bound,
    coverage of the answerable, the threshold in force and the version of the knowledge base."""

    n: int
    precision: float
    lower95: float
    coverage: float
    threshold: float
    version: str

    def holds(self, precision: float, floor: float) -> bool:
        """Whether answers may go out alone."""
        return self.n > 0 and self.precision >= precision and self.lower95 >= floor
