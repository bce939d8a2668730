"""What the chat says to one turn of a visitor: an answer, choices, or that a person should take over. Pure.

Nothing here is kept: a conversation is the list of what the visitor wrote, and every answer in it is found anew. So a page
cannot be made to show an answer that we did not give, and identity numbers are masked before anything else sees them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from markupsafe import Markup, escape

from bot.knowledge import Topic
from bot.model import Language
from bot.understanding import Asked, Model, ask, caserefs
from bot.understanding.language import detect
from bot.understanding.sensitive import MASK, mask

LONGEST = 1000  # characters of a question; the longest paraphrase in the knowledge base has some 300
CHOICES = 3
LEAST = 0.03  # a choice below this is noise, unless there would be fewer than two

# control characters, and those that turn the direction of text: a name or question must not look other than it reads
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
# more ways of writing a number than ``sensitive`` looks for in mails: hiding one too many costs nothing here

_PERSON = (
    r"(?:menneske|person|saks?behand(?:ler|lar)|sakshandsamar|kundebehandler|rådgiver|rådgjevar|human|human being|person|people|someone|"
    r"somebody|caseworker|case worker|adviser|advisor|agent|operator|ansatt|tilsett|medarbeider|medarbeidar|noen|nokon|employee)"
)
_WHICH = r"(?:et|en|eit|ein|a|an|ekte|levende|levande|real|live|virkelig|verkeleg|actual)"
_FILLERS = rf"(?:\W+(?:me|meg|til|med|to|with|hos|ved|{_WHICH}|heller|gjerne|rather|get|have|ha|through|in|touch|tak|i|hold)){{0,5}}"
_POLITE = r"(?:please|takk|nå|no|now|her|here|i stedet|i staden|instead|heller|som kan|who can)"
ALONE = re.compile(rf"\W*(?:{_WHICH}\W+)*{_PERSON}\W*(?:{_POLITE}\W*)?", re.IGNORECASE)
# to talk to somebody is the wish itself; to get or want somebody is one only where nothing follows ("få en medarbeider på prosjektet")
TALK = re.compile(
    rf"\b(?:snakke?|prate?|chatte|tale|kontakt(?:e|a)?|ring(?:e|je)?|skriv(?:e)?|spørre|spørje|overfør(?:e)?|sett(?:e)? (?:meg )?over|"
    rf"talk|speak|chat|connect|contact|transfer|write){_FILLERS}"
    rf"\W+{_PERSON}(?:\W*$|\W+(?:{_POLITE}|hos|på|om|about|at|you)\b)",
    re.IGNORECASE,
)
GET = re.compile(
    rf"\b(?:nå|få|gi|gje|give|vil\W+(?:heller\W+|gjerne\W+)?ha|ønsker|ynskjer|trenger|treng|reach|get|want|need){_FILLERS}"
    rf"\W+{_PERSON}\W*(?:{_POLITE}\b.{{0,30}})?$|^\W*(?:ring meg|ring til meg|call me)\b.{{0,30}}$",
    re.IGNORECASE,
)
NORWEGIAN = re.compile("[æøå]", re.IGNORECASE)
WISH_WORDS, WISH_LONGEST = 16, 200  # a longer text asks about something

# what is no question, by the whole text; the bound keeps the patterns' work small
_BEING = r"(?:et |en |eit |ein |an? )?(?:ekte |virkelig |verkeleg |real )?(?:menneske|human|person|robot|bot|chatbot|maskin|machine|automat|ki|ai)"
MACHINE = re.compile(
    rf"(?:er (?:du|dette|det) (?:her )?{_BEING}(?: her)?|(?:snakker|snakkar|skriver|skriv|chatter|chattar) (?:jeg|eg) med {_BEING}|"
    rf"(?:are you|is this|is it) {_BEING}|am i (?:talking|speaking|chatting|writing) (?:to|with) {_BEING}|"
    r"(?:hvem|kven|hva|kva) er du|(?:who|what) are you)",
    re.IGNORECASE,
)
GREETING = re.compile(
    r"(?:hei|heisann|hallo|hallå|hello|hi|hey|(?:god|good) ?(?:dag|morgen|morgon|kveld|ettermiddag|day|morning|afternoon|evening))"
    r"(?: (?:there|der|på deg|du|dere|alle|igjen|again))?",
    re.IGNORECASE,
)
THANKS = re.compile(
    r"(?:(?:ok|okei|okay|fint|flott|great|perfect|perfekt) )?(?:(?:tusen |mange |hjertelig |hjarteleg |many )?takk(?: skal du ha)?|thanks|thank you|many thanks)"
    r"(?: (?:for|så|mye|mykje|very|much|so|a|lot|hjelpen|hjelpa|svaret|meg|your|the|help|answer|igjen|again|that|det|all))*(?: (?:ha det(?: bra)?|bye|goodbye))?",
    re.IGNORECASE,
)
SAID_LONGEST = 60
LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]|[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


class Kind(StrEnum):
    """What became of a turn; counted under these names."""

    ANSWERED = "answered"
    UNSURE = "unsure"
    STRANGE = "out-of-scope"
    CASE = "case"
    PERSON = "person"
    GREETING = "greeting"
    THANKS = "thanks"
    MACHINE = "machine"


SAID = ((Kind.MACHINE, MACHINE), (Kind.GREETING, GREETING), (Kind.THANKS, THANKS))


@dataclass(frozen=True, slots=True)
class Entry:
    """What a visitor did: asked in words, or chose a topic in the language it was offered in (its question is then the topic's title).

    Identity numbers are masked already.
    """

    question: str
    topic: str = ""
    language: Language | None = None

    @property
    def masked(self) -> bool:
        """Whether something was hidden."""
        return MASK in self.question


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


def entry(text: str, topic: str = "", language: Language | None = None) -> Entry:
    """What a visitor sent, made safe: no control characters, not too long, identity numbers masked."""
    return Entry(masked(clean(text)[:LONGEST]), topic, language)


def clean(text: str) -> str:
    """Text without control characters and lone surrogates, trimmed."""
    return CONTROL.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()).strip()


def masked(text: str) -> str:
    """The text with every national identity number hidden."""
    return mask(text)


def wants_person(text: str) -> bool:
    """Whether a visitor asks for a human being, rather than about people."""
    if len(text) > WISH_LONGEST or len(text.split()) > WISH_WORDS:
        return False
    return bool(ALONE.fullmatch(text) or TALK.search(text) or GET.search(text))


def answer(model: Model, said: Entry, *, previous: str = "", wanted: Language | None = None, likely: Language | None = None) -> Turn:
    """The chat's turn. ``wanted`` is the language to answer in; without it the question's own, and ``likely`` where that is
    uncertain (språklova § 15: a state body answers in the written form that it was asked in)."""
    spoken = wanted or _language(said.question, likely)
    chosen = model.knowledge.topics.get(said.topic)
    if chosen is not None:
        return Turn(said, Kind.ANSWERED, wanted or said.language or likely or spoken, None, (chosen,))
    if (kind := _no_question(said.question)) is not None:
        return Turn(said, kind, spoken, None)
    asked = ask(said.question, model, spoken, previous or None)
    about_case = bool(caserefs.find("", said.question).stated)
    if asked.faq is not None:
        return Turn(said, Kind.ANSWERED, spoken, asked, told(asked, model), about_case=about_case)
    if about_case:
        return Turn(said, Kind.CASE, spoken, asked, about_case=True)
    if asked.out_of_scope:
        return Turn(said, Kind.STRANGE, spoken, asked)
    return Turn(said, Kind.UNSURE, spoken, asked, choices=choices(asked, model))


def conversation(model: Model, entries: Sequence[Entry], likely: Language | None, *, wanted: Language | None = None) -> list[Turn]:
    """A turn for each entry, with the one before as its context: for follow-ups, and for the language of a few words."""
    turns: list[Turn] = []
    for said in entries:
        before = turns[-1] if turns else None
        spoken = before.language if before is not None else likely
        turns.append(answer(model, said, previous=before.entry.question if before else "", wanted=wanted, likely=spoken))
    return turns


def _no_question(text: str) -> Kind | None:
    if len(text) <= SAID_LONGEST:
        bare = " ".join(re.findall(r"\w+", text))
        for kind, words in SAID:
            if words.fullmatch(bare):
                return kind
    return Kind.PERSON if wants_person(text) else None


def _language(question: str, likely: Language | None) -> Language:
    found = detect(question)
    if likely is None or found.sure or (likely is Language.EN and NORWEGIAN.search(question)):
        return found.language
    return likely


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


def offers_person(turns: Sequence[Turn]) -> bool:
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
