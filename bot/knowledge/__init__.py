"""knowledge/ → Knowledge: topics, negatives, categories, words, our own evaluation set; and what is wrong with them.

The built-in folder ships with the package; a folder of the operator's own overrides it, file by file (same relative name).
Everything is data that a caseworker can edit; the version is a hash of the files, so that a model, an answer and a figure can
always be tied to the text they rest on.
"""

from __future__ import annotations

from bot.knowledge.checking import FEWEST_PARAPHRASES, STALE_DAYS, TWIN_WORDS, check, jaccard, near_duplicates, paraphrases, word_set
from bot.knowledge.reading import BUILT_IN, labelled_question, load
from bot.knowledge.values import Example, Fault, Knowledge, KnowledgeError, LabelledMail, LabelledQuestion, Negatives, Topic, Words
from bot.knowledge.writing import read_topic, topic_file, topic_text

__all__ = [
    "BUILT_IN",
    "FEWEST_PARAPHRASES",
    "STALE_DAYS",
    "TWIN_WORDS",
    "Example",
    "Fault",
    "Knowledge",
    "KnowledgeError",
    "LabelledMail",
    "LabelledQuestion",
    "Negatives",
    "Topic",
    "Words",
    "check",
    "jaccard",
    "labelled_question",
    "load",
    "near_duplicates",
    "paraphrases",
    "read_topic",
    "topic_file",
    "topic_text",
    "word_set",
]
