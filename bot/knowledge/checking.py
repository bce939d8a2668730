"""What is wrong with the knowledge base: what is missing, stale or said twice."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import TypeVar

from bot.knowledge.values import Fault, Knowledge, Topic
from bot.model import Language

Mine = TypeVar("Mine")
Theirs = TypeVar("Theirs")

STALE_DAYS = 365  # a page that nobody has compared with its source for a year is not to be trusted
TITLE_LENGTH = 70  # characters; a title is shown as a choice in the chat
ANSWER_WORDS = 180  # a caseworker's answer is shorter than that
TWIN = 0.8  # Jaccard overlap of words from which two texts count as the same (FORMAT of the evaluation sets)
TWIN_WORDS = 6
FEWEST_PARAPHRASES = 40


def check(knowledge: Knowledge, today: date | None = None) -> list[Fault]:
    """What a caseworker should mend: missing languages, stale dates (only with ``today``), thin topics, twins.

    Paraphrases that a model puts under another topic are found by ``bot.understanding.misplaced``, which must train first.
    """
    faults: list[Fault] = []
    for topic in knowledge.topics.values():
        faults += _topic_faults(topic, today)
    faults += _twins(knowledge)
    pointed = {name for entry in knowledge.negatives for name in entry.may_point_to}
    labelled = {name for question in knowledge.questions for name in (*question.faq, *question.also)}
    labelled |= {name for mail in knowledge.mails for name in mail.expect.get("faq", ())}
    for name in sorted((pointed | labelled) - set(knowledge.topics)):
        faults.append(Fault(f"topics/{name}.toml", "is named by the negatives or the evaluation set but does not exist"))
    return faults


def _topic_faults(topic: Topic, today: date | None) -> list[Fault]:
    where = f"topics/{topic.id}.toml"
    faults = []
    for language in Language:
        title, answer, questions = topic.titles.get(language, ""), topic.answers.get(language, ""), topic.questions.get(language, ())
        if not title or not answer or not questions:
            faults.append(Fault(where, f"[{language}] needs a title, an answer and questions"))
            continue
        if len(title) > TITLE_LENGTH:
            faults.append(Fault(where, f"[{language}] has a title of {len(title)} characters; at most {TITLE_LENGTH}"))
        if len(answer.split()) > ANSWER_WORDS:
            faults.append(Fault(where, f"[{language}] has an answer of {len(answer.split())} words; at most {ANSWER_WORDS}"))
        if len(questions) < FEWEST_PARAPHRASES:
            faults.append(Fault(where, f"[{language}] has {len(questions)} questions; {FEWEST_PARAPHRASES} are wanted", blocks=False))
    if not topic.source.startswith("https://"):
        faults.append(Fault(where, "source must be the https address of the page that the answer rests on"))
    if today is not None and (today - topic.checked).days > STALE_DAYS:
        faults.append(Fault(where, f"was last compared with its source on {topic.checked}; check it and set the new date", blocks=False))
    return faults


def word_set(text: str) -> frozenset[str]:
    """The lower-cased words of a text."""
    return frozenset(re.findall(r"\w+", text.lower()))


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Overlap of two word sets, 0–1 (Jaccard)."""
    return len(first & second) / len(first | second) if first or second else 0.0


def near_duplicates(texts: Iterable[tuple[Mine, str]], others: Iterable[tuple[Theirs, str]]) -> list[tuple[Mine, Theirs, float]]:
    """Pairs of (name, name, overlap) of texts with at least ``TWIN_WORDS`` words that are the same but for a word or two.

    Two sets that overlap so much share one of the rarest words of each (prefix filter: Bayardo, Ma and Srikant 2007), so that only
    those are looked up.
    """
    known = [(name, words) for name, text in others if len(words := word_set(text)) >= TWIN_WORDS]
    often = Counter(word for _, words in known for word in words)

    def rarest(words: frozenset[str]) -> list[str]:
        return sorted(words, key=lambda word: (often[word], word))[: len(words) - math.ceil(TWIN * len(words)) + 1]

    index: dict[str, list[int]] = {}
    for number, (_, words) in enumerate(known):
        for word in rarest(words):
            index.setdefault(word, []).append(number)
    found = []
    for name, text in texts:
        words = word_set(text)
        if len(words) < TWIN_WORDS:
            continue
        for number in sorted({number for word in rarest(words) for number in index.get(word, ())}):
            other, theirs = known[number]
            fewer, more = sorted((len(words), len(theirs)))
            if fewer >= TWIN * more and (overlap := jaccard(words, theirs)) >= TWIN:
                found.append((name, other, overlap))
    return found


def _twins(knowledge: Knowledge) -> list[Fault]:
    """The same words, or nearly the same, under two topics, or under a topic and among what must not be answered."""
    faults = []
    seen: dict[frozenset[str], str] = {}
    for where, text in paraphrases(knowledge):
        words = word_set(text)
        other = seen.setdefault(words, where)
        if other != where and words:
            faults.append(Fault(where, f"“{text}” also stands in {other}"))
    named = [((where, text), text) for where, text in paraphrases(knowledge)]
    for (where, text), (other, twin), overlap in near_duplicates((entry for entry in named if entry[0][0].startswith("topics/")), named):
        if where < other and overlap < 1:
            faults.append(Fault(where, f"“{text}” is nearly “{twin}” in {other}", blocks=False))
    return faults


def paraphrases(knowledge: Knowledge) -> Iterable[tuple[str, str]]:
    """(file, text) of every question of topics and negatives."""
    for topic in knowledge.topics.values():
        for questions in topic.questions.values():
            yield from ((f"topics/{topic.id}.toml", text) for text in questions)
    for entry in knowledge.negatives:
        for questions in entry.questions.values():
            yield from ((f"negatives/{entry.id}.toml", text) for text in questions)
