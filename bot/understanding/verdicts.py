"""The last word on an answer: how probable it is that it is right, for a mail and for a question in the chat.

Two verdicts, for the two are written differently: who writes a mail introduces themselves, gives a background and perhaps asks several
things; who writes to a chat gives five words. Each is a forest over the numbers below, learned on our own evaluation set.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from bot.mail.caseless import Caseless
from bot.model import Category
from bot.understanding.category import REPLY, Read, speaks_of_own
from bot.understanding.sentences import is_question
from bot.understanding.topics import Asked

WITH_DOCUMENTS = 0.9  # how sure it must be that a mail only asks, for an answer to go out, where documents came with it
TEXT = 4000  # characters in which a wish for a meeting is looked for
FEW = 15  # words in which somebody who asks nothing can hardly have hidden a question
PRESS = Caseless(
    r"\b(?:journalist\w*|reporter(?:en|s)?|pressekontakt\w*|(?:stille|stiller|still|vera med|være med) (?:opp )?(?:til|på) (?:et |eit )?intervju"
    r"|intervjue (?:ein|en|éin|noen|nokon|deg|dere|dykk)|(?:lager|lagar|skriver|skriv) (?:en|ei) sak om|pod[ck]ast\w*|"
    r"interview (?:you|one|someone|somebody)|press (?:desk|enquiry|inquiry|officer?)|(?:writing|working on) a (?:news )?(?:story|piece) (?:about|on|for))\b"
)
MEETING = Caseless(
    r"\b(?:vil|ville|ønsk\w+|ynskj\w+|gjerne|(?:kan|kunne) (?:vi|me|de|dere)|(?:can|could) (?:we|you|i)|would (?:like|love)"
    r"|possible|mulig\w*|mogleg\w*|(?:tid|høve|anledning) til|time for|invite\w*|inviter\w*)(?: [^\s.?!]{1,30}){0,7}?"
    r" (?:\w{0,20}møte|\w{0,20}meeting|(?:phone |video |teams |zoom |short |quick )call|prat|samtale|foredrag|innlegg|give a talk|visit you)\b"
)
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


def for_a_person(read: Read, chances: Mapping[Category, float]) -> str:
    """Why a mail gets no answer by itself, however well its question is known; ``""`` for nothing of the kind."""
    if chances.get(Category.FAQ, 0.0) < WITH_DOCUMENTS and any(not one.type.startswith("image/") for one in read.message.attachments):
        return "documents came with it, and it may do more than ask (the letter of an application asks to be approved, too)"
    if PRESS.search(read.text):
        return "it may come from the press"
    if MEETING.search(read.text[:TEXT]):
        return "it asks for a meeting or a talk"
    asks = any(sentence.question for sentence in read.sentences) or is_question(read.message.subject)
    if not asks and len(read.text.split()) < FEW:
        return "it is short and asks nothing"
    return ""
