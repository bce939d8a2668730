"""Proof that a labelled corpus is none of the knowledge base's own words: no near duplicates between the two.

``python -m bench.overlap FOLDER|FILE…`` reads folders of mails (``labels.jsonl`` beside ``.eml`` files), files of labelled questions and
files of mails in source form (JSON lines with ``question`` or ``body``), and compares every text of six words or more, and every
sentence in it that asks, with all that the assistant learns from or is calibrated on: paraphrases, titles, negatives, category
examples, our own evaluation set.
Near means a Jaccard overlap of lower-cased words of 0.8 or more. Ends with 1 where it finds a pair, so that a figure measured on such a
corpus is not trusted; with 2 where there is nothing to compare.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bot.knowledge import TWIN_WORDS, Knowledge, load, near_duplicates, paraphrases, word_set
from bot.mail import parse
from bot.sources.folder import raw
from bot.understanding import sentences

Text = tuple[str, str]  # where it stands, what it says
RECEIVED = datetime(2026, 1, 1, tzinfo=UTC)  # nothing here depends on when a mail came


def corpus(path: Path) -> Iterator[Text]:
    """The texts of a folder of mails or of a file of JSON lines. Errors: ``ValueError`` with one sentence."""
    if path.is_dir():
        yield from _folder(path)
        return
    for number, line in enumerate(_lines(path), 1):
        text = line.get("question") or line.get("body")
        if not isinstance(text, str):
            raise ValueError(f"{path}:{number} has neither a question nor a body")
        yield f"{path.name}:{number}", text


def _folder(path: Path) -> Iterator[Text]:
    for label in _lines(path / "labels.jsonl"):
        name = str(label.get("file"))
        try:
            content = (path / name).read_bytes()
        except OSError as error:
            raise ValueError(f"{path / name} cannot be read ({error.strerror})") from None
        yield name, parse(raw(content, RECEIVED)).own


def _lines(path: Path) -> list[dict[str, object]]:
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror})") from None
    except ValueError:
        raise ValueError(f"{path} is no file of JSON lines in UTF-8") from None


def curated(knowledge: Knowledge) -> Iterator[Text]:
    """Every text that the assistant learns from or is calibrated on."""
    yield from paraphrases(knowledge)
    for topic in knowledge.topics.values():
        yield from ((f"topics/{topic.id}.toml", title) for title in topic.titles.values())
    yield from ((f"categories/{example.category}.toml", example.text) for example in knowledge.examples)
    yield from ((f"evaluation, mail {mail.id}", str(mail.source["body"])) for mail in knowledge.mails)
    yield from (("evaluation, questions", question.question) for question in knowledge.questions)


def pieces(texts: Iterable[Text]) -> Iterator[Text]:
    """Each text whole, and each sentence of it that asks something, as far as they have ``TWIN_WORDS`` words."""
    for where, text in texts:
        asked = [sentence.text for sentence in sentences.body(text) if sentence.question]
        for piece in dict.fromkeys([text, *asked]):
            if len(word_set(piece)) >= TWIN_WORDS:
                yield where, " ".join(piece.split())


def overlaps(paths: Sequence[Path], knowledge: Knowledge) -> tuple[int, list[str]]:
    """(texts compared, a line for each pair that is nearly the same)."""
    theirs = dict.fromkeys(piece for path in paths for piece in pieces(corpus(path)))
    ours = dict.fromkeys(pieces(curated(knowledge)))
    found = near_duplicates(
        ((f"{where}: “{text}”", text) for where, text in theirs), ((f"{where}: “{text}”", text) for where, text in ours)
    )
    return len(theirs), [f"{share:.2f}  {mine}  ~  {other}" for mine, other, share in sorted(found, key=lambda pair: -pair[2])]


def main(arguments: Sequence[str]) -> int:
    """Print the pairs and a summary; returns the exit code."""
    if not arguments:
        print("name a folder of mails or a file of labelled questions", file=sys.stderr)
        return 2
    knowledge = load()
    try:
        count, found = overlaps([Path(argument) for argument in arguments], knowledge)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join([*found, f"{count} texts and questions compared with knowledge {knowledge.version}: {len(found)} near duplicates"]))
    return 1 if found else 0 if count else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
