"""Which category a person's mail is in: the learned sound of its text, what its sentences state, and what came with it.

A linear model over the text gives seven scores; a small calibrated one weighs them against facts (a sentence that says that data were
deleted, a signed document, a case reference, a topic that answers the question). Machines are told before, by ``bot.mail.automatic``;
the category ``auto`` is left here for spam, which nobody marked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.mail.caseless import Caseless
from bot.model import Category, Examined, Message, Statement
from bot.understanding.caserefs import References
from bot.understanding.features import Features, Lexicon
from bot.understanding.learned import Floats, Linear, Logistic
from bot.understanding.sentences import Sentence, body
from bot.understanding.statements import speaks_of_deletion
from bot.understanding.topics import COMPOSITION, Asked

KINDS = (
    "deletion-done", "deletion-promised", "deletion-negated", "deletion-question", "deletion-postponed", "offer-accepted", "offer-returned",
    "offer-refused", "application", "change-application", "institution-application", "thanks", "status-question", "access-request",
    "offer-change", "offer-question", "offer-promised", "application-mentioned", "application-supplement", "data-subject-request", "complaint", "deletion-accident",
)  # fmt: skip
DOCUMENTS = {
    "offer": re.compile(r"tilbud|tilbod|offer|quot|signe|avtale|agreement|contract|kontrakt", re.IGNORECASE),
    "application": re.compile(
        r"s[øo]knad|applica|skjema|form|protokoll|protocol|prosjektbesk|project|dpia|variab|ansøg|ansök", re.IGNORECASE
    ),
    "deletion": re.compile(r"slett|delet|destru|makul|erasure|destruks", re.IGNORECASE),
}
REPLY = re.compile(r"^\s*(?:re|sv|aw|svar|vs|fwd?)\s*:", re.IGNORECASE)
OWN_PROJECT = Caseless(
    r"\b(?:prosjektet vårt|vårt prosjekt|prosjektet mitt|saken vår|saka vår|vår sak|vår søknad|søknaden vår|søknaden min|our project|our case|our application|my application|our data|our delivery|leveransen|leveringa|dataene våre|dataene vi fikk|datasettet vi|"
    r"the files we received|the data we received|vi har mottatt|vi mottok|vi fikk|we received|saksbehandleren vår|our caseworker|den siste leveransen|purrer|purring|purre|minner om|any update|any news|noe nytt|noko nytt|status)\b"
)
TEXT = 1500


@dataclass(frozen=True, slots=True)
class Read:
    """What the category rests on: the text that counts, its sentences, statements and references, the topic it asks for."""

    message: Message
    examined: Examined
    text: str
    sentences: tuple[Sentence, ...]
    statements: tuple[Statement, ...]
    references: References
    asked: Asked | None


def counted_text(message: Message) -> str:
    """The sender's own text; a forward without a comment (or with a mere greeting) speaks by what it forwards."""
    own = message.own.strip()
    if message.forwarded and len(" ".join(sentence.text for sentence in body(own)).split()) < 12:
        return f"{own}\n\n{forwarded_body(message.forwarded)}".strip()
    return own


HEADER_LINE = re.compile(
    r"^\s*(?:-{2,}.*|\*?(?:from|fra|frå|von|från|sent|sendt|dato|date|datum|skickat|gesendet|to|til|till|an|cc|kopi|subject|emne|ämne|betreff)\*?\s*:.*|_{5,})$",
    re.IGNORECASE,
)


def forwarded_body(text: str) -> str:
    """A forwarded mail without the lines of its header."""
    return "\n".join(line for line in text.split("\n") if not HEADER_LINE.match(line)).strip()


@lru_cache(maxsize=4)
def speaks_of_own(text: str) -> bool:
    """Whether a text speaks of a project of the sender's own; asked twice of each mail, for its category and for its answer."""
    return OWN_PROJECT.search(text) is not None


def sounding(read: Read) -> str:
    """The text whose sound tells the category: subject and text."""
    return f"{read.message.subject}\n{read.text[:TEXT]}"


def of_subject(features: Features, read: Read) -> list[str]:
    """The subject's words, marked as such."""
    return [f"w:subject {word}" for word in features.words(read.message.subject)]


def featured(features: Features, read: Read) -> list[str]:
    """Features of subject and text, the subject's marked as such."""
    return [*features.of(sounding(read)), *of_subject(features, read)]


def numbers(scores: Sequence[float], read: Read) -> tuple[float, ...]:
    """What the calibrated model reads beside the seven scores."""
    stated = {statement.kind for statement in read.statements if statement.where != "subject"}
    names = " ".join(attachment.name for attachment in read.message.attachments)
    told = " ".join(attachment.text[:400] for attachment in read.examined.attachments)
    questions = sum(sentence.question for sentence in read.sentences)
    asked = read.asked
    return (
        *scores,
        *(float(kind in stated) for kind in KINDS),
        float(_about("deletion", read.message)),
        float(_about("offer", read.message)),
        float(len(read.text.split()) < 15),
        *(float(bool(pattern.search(names))) for pattern in DOCUMENTS.values()),
        *(float(bool(pattern.search(told))) for pattern in DOCUMENTS.values()),
        float(bool(read.message.attachments)),
        float(bool(read.references.stated)),
        float(bool(read.references.serial_numbers)),
        float(bool(REPLY.match(read.message.subject))),
        float(speaks_of_own(read.text[:4000])),
        float(questions > 0),
        float(questions) / max(1, len(read.sentences)),
        math.log(len(read.text.split()) + 1),
        asked.confidence if asked else 0.0,
        asked.numbers[2] if asked else -2.0,
        float(asked is not None and asked.background == "own-case" and asked.numbers[2] < 0),
        float(asked is not None and asked.numbers[2] < 0),
        asked.dissent if asked else 0.0,
        *(asked.composition if asked else (0.0,) * COMPOSITION),
    )


def _about(what: str, message: Message) -> bool:
    """The thread is about a deletion or an offer: its subject in a reply, or the mail of ours that is quoted."""
    return bool(DOCUMENTS[what].search(message.quoted[:1500])) or bool(
        REPLY.match(message.subject) and DOCUMENTS[what].search(message.subject)
    )


STATED = 0.9  # what a plain statement weighs against the sound of the text
DENIED = 0.02  # what is left of a deletion's sound where its sentences promise, deny, ask or postpone
UNHEARD = 0.01  # a deletion less likely than this is not looked into
NOT_YET = frozenset({"deletion-promised", "deletion-negated", "deletion-question", "deletion-postponed", "deletion-accident"})


def stated(read: Read) -> Category | None:
    """The matter with the most at stake that a sentence states outright (FORMAT: a mail that does two things takes that one), or None."""
    kinds = {statement.kind for statement in read.statements if statement.where != "subject"}
    if "deletion-done" in kinds and not kinds & {"deletion-accident"}:
        return Category.DELETION
    if "offer-returned" in kinds and not kinds & {"offer-refused", "offer-change"}:
        return Category.OFFER
    if "offer-accepted" in kinds and not kinds & {
        "offer-refused",
        "offer-change",
        "offer-question",
        "offer-promised",
        "deletion-promised",
        "status-question",
        "complaint",
    }:
        return Category.OFFER
    return None


class Categoriser:
    """Category probabilities of a person's mail. Not thread-safe (its features are not)."""

    def __init__(self, features: Features, linear: Linear, calibration: Logistic, classes: tuple[str, ...]) -> None:
        """``classes``: the order of the calibration's rows."""
        self._features, self._linear, self._calibration, self._classes = features, linear, calibration, classes
        self._lexicon = Lexicon(features, linear)

    def __call__(self, read: Read) -> dict[Category, float]:
        """Probability of each category; together 1. A matter that a sentence states outright outweighs what the text sounds like."""
        vector = self._lexicon.vector(sounding(read), of_subject(self._features, read))
        found = self._calibration(numbers(_averaged(self._linear.scores_of(*vector)), read))
        return settled({Category(name): float(value) for name, value in zip(self._classes, found, strict=True)}, read)


def settled(told: dict[Category, float], read: Read) -> dict[Category, float]:
    """Probabilities in which a matter that a sentence states outright outweighs what the text sounds like.

    A text that speaks of deletion only to promise, deny, ask or postpone it is none, nor is one that never speaks of it, however much
    it sounds like one.
    """
    sure = stated(read)
    kinds = {statement.kind for statement in read.statements}
    if "deletion-done" not in kinds and told.get(Category.DELETION, 0.0) > UNHEARD and (kinds & NOT_YET or not _speaks_of_deletion(read)):
        told = {name: value * (DENIED if name is Category.DELETION else 1.0) for name, value in told.items()}
        total = sum(told.values())
        told = {name: value / total for name, value in told.items()}
    if sure is None or max(told, key=lambda name: told[name]) is sure:
        return told
    return {name: value * (1.0 - STATED) + (STATED if name is sure else 0.0) for name, value in told.items()}


def _speaks_of_deletion(read: Read) -> bool:
    """Whether the text, its subject, what it quotes or what came with it has a word of deletion."""
    attached = (f"{attachment.name} {attachment.text}" for attachment in read.examined.attachments)
    return any(speaks_of_deletion(text) for text in (read.message.subject, read.text, read.message.quoted, *attached))


def scores(features: Features, linear: Linear, read: Read) -> list[float]:
    """The seven scores of the text, the three views averaged."""
    return _averaged(linear.scores(featured(features, read)))


def _averaged(rows: Floats) -> list[float]:
    return [float(value) for value in rows.mean(axis=0)]
