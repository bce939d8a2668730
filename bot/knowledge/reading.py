"""Files to knowledge; a folder of the operator's own goes over the built-in one, file by file."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from bot.knowledge.values import Example, Knowledge, KnowledgeError, LabelledMail, LabelledQuestion, Negatives, Topic, Words
from bot.model import Category, Language

BUILT_IN = Path(__file__).parents[1] / "data" / "knowledge"
SUFFIXES = {".toml", ".jsonl"}


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


def topic_of(path: Path, name: str, content: bytes) -> Topic:
    """The topic in a file's bytes. Errors: ``KnowledgeError``."""
    return _topic(path, name, _toml(path, content))


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
