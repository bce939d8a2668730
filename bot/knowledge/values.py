"""What the knowledge base is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from bot.model import Category, Language


class KnowledgeError(ValueError):
    """A file of the knowledge base cannot be used; the text is one sentence that names it."""


@dataclass(frozen=True, slots=True)
class Topic:
    """An entry: what it answers in each language, on which page it rests, and how people ask for it."""

    id: str
    source: str
    checked: date
    owner: str
    titles: Mapping[Language, str]
    answers: Mapping[Language, str]
    questions: Mapping[Language, tuple[str, ...]]

    def title(self, language: Language) -> str:
        """A short noun phrase, in bokmål where the language is missing."""
        return self.titles.get(language) or self.titles.get(Language.NB) or self.id

    def answer(self, language: Language) -> str:
        """The answer as plain text, in bokmål where the language is missing."""
        return self.answers.get(language) or self.answers.get(Language.NB) or ""


@dataclass(frozen=True, slots=True)
class Negatives:
    """Questions that must not be answered; ``may_point_to`` names topics that are no fault all the same."""

    id: str
    questions: Mapping[Language, tuple[str, ...]]
    may_point_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """A text that shows a category; ``subject`` is its first line ``Emne:``/``Subject:``, if it has one."""

    subject: str
    text: str
    category: Category
    language: Language
    look_alike: bool = False


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question of the evaluation set: any one of ``faq`` is right, none means that answering is a fault."""

    question: str
    faq: tuple[str, ...]
    language: Language
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelledMail:
    """A mail of the evaluation set in its source form, with what is expected of it."""

    id: str
    source: Mapping[str, Any]
    expect: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Words:
    """Word lists: nynorsk → bokmål, and concepts: a name → words, beginnings (``slett*``) and phrases in any language."""

    nynorsk: Mapping[str, str] = field(default_factory=dict)
    concepts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All that the assistant knows. ``folders``: where it was read, first wins."""

    topics: Mapping[str, Topic]
    negatives: tuple[Negatives, ...]
    examples: tuple[Example, ...]
    words: Words
    mails: tuple[LabelledMail, ...]
    questions: tuple[LabelledQuestion, ...]
    version: str
    folders: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """Something to mend in the knowledge base: in which file, and what. ``blocks``: an edit that brings it must not go live."""

    where: str
    what: str
    blocks: bool = True

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"
