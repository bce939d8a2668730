"""knowledge/ → Knowledge: topics, negatives, categories, words, our own evaluation set; and what is wrong with them.

The built-in folder ships with the package; a folder of the operator's own overrides it, file by file (same relative name).
Everything is data that a caseworker can edit; the version is a hash of the files, so that a model, an answer and a figure can
always be tied to the text they rest on.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from bot.model import Category, Language

Mine = TypeVar("Mine")
Theirs = TypeVar("Theirs")

BUILT_IN = Path(__file__).parent / "data" / "knowledge"
SUFFIXES = {".toml", ".jsonl"}
STALE_DAYS = 365  # a page that nobody has compared with its source for a year is not to be trusted
TITLE_LENGTH = 70  # characters; a title is shown as a choice in the chat
ANSWER_WORDS = 180  # a caseworker's answer is shorter than that
TWIN = 0.8  # Jaccard overlap of words from which two texts count as the same (FORMAT of the evaluation sets)
TWIN_WORDS = 6
FEWEST_PARAPHRASES = 40


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


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────


def load(folder: Path | None = None, *, extra: Iterable[Path] = ()) -> Knowledge:
    """The knowledge base: the built-in one with ``folder`` and ``extra`` over it, file by file.

    Errors: ``KnowledgeError`` naming the file that cannot be read.
    """
    folders = (*extra, *([folder] if folder is not None else []), BUILT_IN)
    files = _files(folders)
    version = hashlib.sha256()
    topics, negatives, examples = {}, [], []
    mails: list[LabelledMail] = []
    questions: list[LabelledQuestion] = []
    words = Words()
    learned: list[tuple[Path, bytes]] = []
    for name, path in sorted(files.items()):
        content = _bytes(path)
        version.update(name.encode() + b"\0" + content + b"\0")
        part, _, stem = name.removesuffix(path.suffix).rpartition("/")
        if part == "learned":
            learned.append((path, content))
        elif path.suffix == ".jsonl":
            _read_labelled(path, stem, content, mails, questions)
        elif part == "topics":
            topics[stem] = _topic(path, stem, _toml(path, content))
        elif part == "negatives":
            negatives.append(_negatives(path, stem, _toml(path, content)))
        elif part == "categories":
            examples += _examples(path, stem, _toml(path, content))
        elif name == "words.toml":
            words = _words(path, _toml(path, content))
    for path, content in learned:
        _read_learned(path, content, topics, negatives, examples)
    return Knowledge(topics, tuple(negatives), tuple(examples), words, tuple(mails), tuple(questions), version.hexdigest()[:12], folders)


def _files(folders: Iterable[Path]) -> dict[str, Path]:
    """Relative name → file; the first folder that has a name gives it."""
    found: dict[str, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            if folder != BUILT_IN:
                raise KnowledgeError(f"{folder} is no folder; name one that exists in knowledge.folder")
            continue
        for path in sorted(folder.rglob("*")):
            if path.suffix in SUFFIXES and path.is_file():
                found.setdefault(path.relative_to(folder).as_posix(), path)
    return found


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KnowledgeError(f"{path} cannot be read ({error.strerror})") from None


def _toml(path: Path, content: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise KnowledgeError(f"{path} is no valid TOML in UTF-8 ({error})") from None


def _by_language(table: Mapping[str, Any]) -> dict[Language, dict[str, Any]]:
    return {language: table[language.value] for language in Language if isinstance(table.get(language.value), dict)}


def _strings(path: Path, values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise KnowledgeError(f"{path}: a list of texts in quotation marks is wanted")
    return tuple(value.strip() for value in values if value.strip())


def _topic(path: Path, name: str, table: Mapping[str, Any]) -> Topic:
    checked = table.get("checked")
    if not isinstance(checked, date):
        raise KnowledgeError(f"{path}: checked must be a date like 2026-11-22, without quotation marks")
    sections = _by_language(table)
    return Topic(
        name,
        str(table.get("source", "")),
        checked,
        str(table.get("owner", "")),
        {language: str(section.get("title", "")).strip() for language, section in sections.items()},
        {language: str(section.get("answer", "")).strip() for language, section in sections.items()},
        {language: _strings(path, section.get("questions", [])) for language, section in sections.items()},
    )


def _negatives(path: Path, name: str, table: Mapping[str, Any]) -> Negatives:
    sections = _by_language(table)
    questions = {language: _strings(path, section.get("questions", [])) for language, section in sections.items()}
    return Negatives(name, questions, _strings(path, table.get("may_point_to", [])))


def _examples(path: Path, name: str, table: Mapping[str, Any]) -> list[Example]:
    try:
        category = Category(name)
    except ValueError:
        raise KnowledgeError(f"{path}: {name} is no category; the file name must be one of {', '.join(Category)}") from None
    found = []
    for language, section in _by_language(table).items():
        for text in _strings(path, section.get("examples", [])):
            found.append(_example(text, category, language))
        for entry in section.get("look_alikes", []):
            try:
                found.append(_example(entry["text"].strip(), Category(entry["is"]), language, look_alike=True))
            except (KeyError, TypeError, ValueError):
                raise KnowledgeError(f"{path}: a look-alike is written {{text = …, is = …}} with a category id") from None
    return found


SUBJECT_LINE = re.compile(r"\A\s*(?:emne|subject|ämne)\s*:[ \t]*(.*)(?:\n|\Z)", re.IGNORECASE)


def _example(text: str, category: Category, language: Language, *, look_alike: bool = False) -> Example:
    match = SUBJECT_LINE.match(text)
    subject, body = (match.group(1).strip(), text[match.end() :].strip()) if match else ("", text)
    return Example(subject, body, category, language, look_alike)


def _words(path: Path, table: Mapping[str, Any]) -> Words:
    nynorsk = {str(key): str(value) for key, value in table.get("nynorsk", {}).items()}
    concepts = {str(name): _strings(path, entries) for name, entries in table.get("concepts", {}).items()}
    return Words(nynorsk, concepts)


def _read_labelled(path: Path, stem: str, content: bytes, mails: list[LabelledMail], questions: list[LabelledQuestion]) -> None:
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            if stem.startswith("mails"):
                mails.append(LabelledMail(entry["id"], entry, entry["expect"]))
            elif stem.startswith("questions"):
                questions.append(labelled_question(entry))
        except (ValueError, KeyError, TypeError):
            raise KnowledgeError(
                f"{path}:{number} is no labelled {stem.split('-')[0]} line (JSON, keys as in docs/understanding.md)"
            ) from None


def _read_learned(path: Path, content: bytes, topics: dict[str, Topic], negatives: list[Negatives], examples: list[Example]) -> None:
    """Corrections of caseworkers (``bot learn``): paraphrases of a topic, questions not to answer, texts of a category."""
    silent: dict[Language, list[str]] = {}
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            language = Language(entry["language"])
            if "category" in entry:
                examples.append(Example(str(entry.get("subject", "")), str(entry["text"]), Category(entry["category"]), language))
            elif entry["faq"] is None:
                silent.setdefault(language, []).append(str(entry["question"]))
            else:
                topic = topics[entry["faq"]]
                asked = {**topic.questions, language: (*topic.questions.get(language, ()), str(entry["question"]))}
                topics[topic.id] = replace(topic, questions=asked)
        except (ValueError, KeyError, TypeError):
            raise KnowledgeError(f"{path}:{number} is no correction; see `bot learn --help`") from None
    if silent:
        negatives.append(Negatives("learned", {language: tuple(texts) for language, texts in silent.items()}))


def labelled_question(entry: Mapping[str, Any]) -> LabelledQuestion:
    """One line of a labelled question file. Errors: ``KeyError``, ``ValueError``."""
    return LabelledQuestion(entry["question"], tuple(entry["faq"]), Language(entry["language"]), tuple(entry.get("also", ())))


# ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────

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
    return _topic(path, topic_id, _toml(path, text.encode("utf-8")))


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


# ── checking ──────────────────────────────────────────────────────────────────────────────────────────────────


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
            if (overlap := jaccard(words, theirs)) >= TWIN:
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
