"""What the chat says to one turn of a visitor: an answer, choices, or that a person should take over. Pure.

Nothing here is kept: a conversation is the list of what the visitor wrote, and every answer in it is found anew. So a page
cannot be made to show an answer that we did not give, and identity numbers are masked before anything else sees them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from markupsafe import Markup, escape

from bot.knowledge import Topic
from bot.model import Language
from bot.understanding import Asked, Model, ask, caserefs
from bot.understanding.language import detect
from bot.understanding.sensitive import ELEVEN, is_identity_number

LONGEST = 1000  # characters of a question; the longest paraphrase in the knowledge base has some 300
MASK = "•••••• •••••"
CHOICES = 3
LEAST = 0.03  # a choice below this is noise, unless there would be fewer than two

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029]")
PEOPLE = (
    r"(?:menneske|person|saks?behand(?:ler|lar)|sakshandsamar|kundebehandler|rådgiver|rådgjevar|human|human being|person|people|someone|"
    r"somebody|caseworker|case worker|adviser|advisor|agent|operator|ansatt|tilsett|medarbeider|medarbeidar|noen|nokon|employee)"
)
ALONE = re.compile(rf"\W*(?:(?:et|en|eit|ein|a|an|ekte|levende|levande|real|live|virkelig|verkeleg)\W+)*{PEOPLE}\W*", re.IGNORECASE)
WISH = re.compile(
    rf"\b(?:snakke?|prate?|chatte|tale|kontakt(?:e|a)?|nå|få|ring(?:e|je)?|skriv(?:e)?|spørre|spørje|vil ha|heller|overfør(?:e)?|sett(?:e)? (?:meg )?over|"
    rf"talk|speak|chat|connect|contact|reach|get|want|need|transfer|write)\b"
    rf"(?:\W+(?:me|meg|til|med|to|with|hos|ved|et|en|eit|ein|a|an|ekte|levende|levande|real|live|virkelig|verkeleg|heller|gjerne|rather|get|have|ha|through|in|touch|tak|i|hold)){{0,5}}"
    rf"\W+{PEOPLE}(?:\W*$|\W+(?:please|takk|nå|no|now|her|here|hos|på|om|about|at|i stedet|i staden|instead|som kan|who can|heller|you)\b)",
    re.IGNORECASE,
)
WISH_WORDS = 16  # a longer text asks about something
LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]|[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


class Kind(StrEnum):
    """What became of a turn; counted under these names."""

    ANSWERED = "answered"
    UNSURE = "unsure"
    STRANGE = "out-of-scope"
    CASE = "case"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a visitor did: asked in words, or chose a topic (its question is then the topic's title). Masked already."""

    question: str
    topic: str = ""
    masked: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """An entry with what the chat says to it. ``topics`` are answered, ``choices`` are offered."""

    entry: Entry
    kind: Kind
    language: Language
    asked: Asked | None
    topics: tuple[Topic, ...] = ()
    choices: tuple[Topic, ...] = ()
    about_case: bool = False

    @property
    def missed(self) -> bool:
        """Whether the visitor got no answer."""
        return self.kind in (Kind.UNSURE, Kind.STRANGE)


def entry(text: str, topic: str = "") -> Entry:
    """What a visitor sent, made safe: no control characters, not too long, identity numbers masked."""
    cleaned = clean(text)[:LONGEST]
    hidden = masked(cleaned)
    return Entry(hidden, topic, hidden != cleaned)


def clean(text: str) -> str:
    """Text without control characters and lone surrogates, trimmed."""
    return CONTROL.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()).strip()


def masked(text: str) -> str:
    """The text with every national identity number hidden."""
    return ELEVEN.sub(lambda match: MASK if is_identity_number(match[1] + match[2]) else match[0], text)


def wants_person(text: str) -> bool:
    """Whether a visitor asks for a human being, rather than about people."""
    return ALONE.fullmatch(text) is not None or (len(text.split()) <= WISH_WORDS and WISH.search(text) is not None)


def answer(model: Model, said: Entry, *, previous: str = "", wanted: Language | None = None, likely: Language | None = None) -> Turn:
    """The chat's turn. ``wanted`` is the language to answer in; without it the question's own, and ``likely`` where that is
    uncertain (språklova § 15: a state body answers in the written form that it was asked in)."""
    spoken = wanted or _language(said.question, likely)
    chosen = model.knowledge.topics.get(said.topic)
    if chosen is not None:
        return Turn(said, Kind.ANSWERED, wanted or likely or spoken, None, (chosen,))
    if wants_person(said.question):
        return Turn(said, Kind.PERSON, spoken, None)
    asked = ask(said.question, model, spoken, previous or None)
    about_case = bool(caserefs.find("", said.question).stated)
    if asked.faq is not None:
        return Turn(said, Kind.ANSWERED, spoken, asked, told(asked, model), about_case=about_case)
    if about_case:
        return Turn(said, Kind.CASE, spoken, asked, about_case=True)
    if asked.out_of_scope:
        return Turn(said, Kind.STRANGE, spoken, asked)
    return Turn(said, Kind.UNSURE, spoken, asked, choices=choices(asked, model))


def _language(question: str, likely: Language | None) -> Language:
    found = detect(question)
    return likely if likely is not None and not found.sure else found.language


def told(asked: Asked, model: Model) -> tuple[Topic, ...]:
    """The topics whose answers make up the answer, the best first."""
    topics = model.knowledge.topics
    first = topics[asked.faq or ""]
    if asked.answer == first.answer(asked.language):
        return (first,)
    others = [topic for topic in topics.values() if topic is not first and topic.answer(asked.language) in asked.answer]
    return (first, *others)


def choices(asked: Asked, model: Model) -> tuple[Topic, ...]:
    """Two or three topics that may be meant."""
    ranked = [score for score in asked.alternatives if score.id in model.knowledge.topics][:CHOICES]
    return tuple(model.knowledge.topics[score.id] for number, score in enumerate(ranked) if number < 2 or score.confidence >= LEAST)


def offers_person(turns: list[Turn]) -> bool:
    """Whether the last turn should lead to a human being: wished for, about a case, or the second miss in a row."""
    if not turns:
        return False
    last = turns[-1]
    return last.kind in (Kind.PERSON, Kind.CASE) or (last.missed and len(turns) > 1 and turns[-2].missed)


def paragraphs(text: str) -> list[Markup]:
    """The paragraphs of an answer as HTML: escaped, with addresses as links."""
    return [_linked(part.strip()) for part in re.split(r"\n\s*\n", text) if part.strip()]


def _linked(text: str) -> Markup:
    found, last = Markup(), 0
    for match in LINK.finditer(text):
        target = match[0] if match[0].startswith("http") else f"mailto:{match[0]}"
        found += escape(text[last : match.start()]) + Markup('<a href="{}">{}</a>').format(target, match[0])
        last = match.end()
    return found + escape(text[last:])
