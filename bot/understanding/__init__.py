"""Understanding: what a mail or a question says, from the curated knowledge and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.knowledge import Knowledge
from bot.mail.authentication import judge
from bot.model import Assurance, Category, Evidence, Examined, Language, Message, Score, Understanding
from bot.understanding.language import detect


@dataclass(frozen=True, slots=True)
class Model:
    """What was learned from a knowledge base, ready to use."""

    knowledge: Knowledge
    assurance: Assurance


@dataclass(frozen=True, slots=True)
class Asked:
    """The answer to a question; ``faq`` is None where the assistant abstains."""

    question: str
    faq: str | None
    confidence: float
    alternatives: tuple[Score, ...]
    language: Language
    answer: str
    out_of_scope: bool = False
    evidence: tuple[Evidence, ...] = ()


def prepare(knowledge: Knowledge, cache: Path | None = None) -> Model:
    """The model of a knowledge base, from the cache folder when it is there."""
    return Model(knowledge, Assurance(0, 0.0, 0.0, 0.0, 1.0, knowledge.version))


def understand(message: Message, examined: Examined, model: Model, *, trusted_authserv: tuple[str, ...] = ()) -> Understanding:
    """All that can be told of a mail; total."""
    told = detect(message.own or message.subject)
    category = Category.AUTO if message.automatic is not None else Category.OTHER
    return Understanding(category, 0.0, told.language, told.sure, authentication=judge(message, trusted_authserv))


def ask(question: str, model: Model, language: Language | None = None, previous: str | None = None) -> Asked:
    """The chat's answer to a question."""
    return Asked(question, None, 0.0, (), language or detect(question).language, "")
