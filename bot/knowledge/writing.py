"""An entry as a file, and back, for those who change it in the console."""

from __future__ import annotations

import json
import re
from pathlib import Path

from bot.knowledge.reading import topic_of
from bot.knowledge.values import Topic
from bot.model import Language

TOPIC_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
UNPRINTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def topic_file(topic_id: str) -> str:
    """The name of a topic's file in a knowledge folder. Errors: ``ValueError`` where it is no id of a topic."""
    if len(topic_id) > 60 or not TOPIC_ID.fullmatch(topic_id):
        raise ValueError("an id has small letters, digits and single hyphens, and begins with a letter")
    return f"topics/{topic_id}.toml"


def read_topic(topic_id: str, text: str) -> Topic:
    """A topic from the text of its file. Errors: ``KnowledgeError``."""
    path = Path(topic_file(topic_id))
    return topic_of(path, topic_id, text.encode("utf-8"))


def topic_text(topic: Topic) -> str:
    """The text of a topic's file; ``read_topic`` gives the same topic back, but for blanks at the ends of texts."""
    lines = [f"source = {_quoted(topic.source)}", f"checked = {topic.checked.isoformat()}", f"owner = {_quoted(topic.owner)}"]
    for language in Language:
        answer = UNPRINTED.sub("", topic.answers.get(language, "").replace("\r\n", "\n")).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
        lines += [
            "",
            f"[{language}]",
            f"title = {_quoted(topic.titles.get(language, ''))}",
            f'answer = """\n{answer}\n"""',
            "questions = [",
        ]
        lines += [f"  {_quoted(question)}," for question in topic.questions.get(language, ())]
        lines += ["]"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A basic string of TOML on one line."""
    return json.dumps(" ".join(UNPRINTED.sub(" ", text).split()), ensure_ascii=False)
