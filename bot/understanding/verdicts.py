"""The last word on an answer: how probable it is that it is right, for a mail and for a question in the chat.

Two verdicts, for the two are written differently: who writes a mail introduces themselves, gives a background and perhaps asks several
things; who writes to a chat gives five words. Each is a forest over the numbers below, learned on our own evaluation set.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from bot.model import Category
from bot.understanding.category import REPLY, Read, speaks_of_own
from bot.understanding.topics import Asked

LEAST = 1e-4  # probabilities are kept this far from 0 and 1 before their log odds are taken


def log_odds(probability: float) -> float:
    """ln(p / (1 − p)), bounded."""
    kept = min(1 - LEAST, max(LEAST, probability))
    return math.log(kept / (1 - kept))


def chat_numbers(asked: Asked) -> tuple[float, ...]:
    """What the chat's verdict reads: the topic's numbers and their even weighing."""
    return (*asked.numbers, log_odds(asked.confidence))


def mail_numbers(read: Read, chances: Mapping[Category, float]) -> tuple[float, ...] | None:
    """What the mail's verdict reads beside them: how surely the mail is a question, and signs of a matter of its own. None: nothing is asked."""
    if read.asked is None:
        return None
    faq = chances.get(Category.FAQ, 0.0)
    return (
        *chat_numbers(read.asked),
        log_odds(faq),
        log_odds(chances.get(Category.OTHER, 0.0)),
        log_odds(chances.get(Category.CASE, 0.0)),
        float(bool(read.references.stated)),
        float(bool(REPLY.match(read.message.subject))),
        float(speaks_of_own(read.text[:4000])),
        float(sum(sentence.question for sentence in read.sentences)),
    )
