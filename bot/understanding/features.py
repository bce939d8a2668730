"""Text → features: stems, pairs of stems, letters, and concepts from ``knowledge/words.toml``.

The same features for every language, so that an English example helps a Norwegian question: nynorsk forms are mapped to bokmål before
stemming, and a concept ("what does it cost") is one feature whichever words say it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import Stemmer

from bot.knowledge import Words
from bot.understanding.learned import Floats, Linear, Numbers

WORD = re.compile(r"[\w§]+(?:[-.][\w]+)*")
LONGEST = 1500  # characters of one text; what asks something stands in far fewer
LETTERS = (3, 5)  # lengths of the letter sequences inside a word
WORD_LENGTH = 30
TEXTS = 16  # whose words are remembered: those of one mail
BEGINNING = 3  # letters by which the entries of a concept are looked up
REMEMBERED = 10_000  # words of a model's vocabulary; a word's features take some 300 bytes
NAMES = {"microdata.no": "microdatano", "fx.ssb.no": "fxssbno", "einnsyn.no": "einnsynno", "mikrodata.no": "microdatano"}

Word = tuple[str, str, tuple[str, ...]]  # in lower case and bokmål; its stem; its concepts

_norwegian = Stemmer.Stemmer("norwegian", maxCacheSize=20_000)
_english = Stemmer.Stemmer("english", maxCacheSize=20_000)


class Features:
    """Feature names of a text, by the words of one knowledge base. Not thread-safe: the stemmer keeps a cache."""

    def __init__(self, words: Words) -> None:
        """``words``: nynorsk forms and concepts."""
        self._nynorsk = dict(words.nynorsk)
        self._exact: dict[str, list[str]] = {}
        self._beginnings: dict[str, list[str]] = {}
        self._phrases: dict[str, list[tuple[str, str]]] = {}  # by how their last word begins: no need to look for the others
        for name, entries in words.concepts.items():
            for entry in entries:
                self._add(name, entry.lower())
        self._word = lru_cache(maxsize=20_000)(self._word_of)
        self._words = lru_cache(maxsize=TEXTS)(self._words_of)  # a text is looked at for its vector, and again for what explains it

    def _add(self, name: str, entry: str) -> None:
        if " " in entry:
            phrase = entry.rstrip("*")
            last = phrase.rpartition(" ")[2]
            self._phrases.setdefault(last[:BEGINNING] if len(last) >= BEGINNING else "", []).append((phrase, name))
        elif entry.endswith("*") and "*" not in entry[:-1]:
            self._beginnings.setdefault(entry[:BEGINNING], []).append(entry[:-1] + "\0" + name)
        else:
            self._exact.setdefault(entry, []).append(name)

    def _concepts_of(self, word: str) -> tuple[str, ...]:
        found = list(self._exact.get(word, ()))
        for entry in self._beginnings.get(word[:BEGINNING], ()):
            beginning, _, name = entry.partition("\0")
            if word.startswith(beginning):
                found.append(name)
        return tuple(dict.fromkeys(found))

    def _word_of(self, written: str) -> Word:
        form = NAMES.get(written, written)[:WORD_LENGTH]
        form = self._nynorsk.get(form, form)
        return form, stem(form), self._concepts_of(form)

    def _words_of(self, lowered: str) -> tuple[Word, ...]:
        return tuple(map(self._word, WORD.findall(lowered)))

    def told(self, text: str) -> tuple[Word, ...]:
        """The words of a text, in order, with all that is known of each."""
        return self._words(text[:LONGEST].lower())

    def words(self, text: str) -> list[str]:
        """The words of a text in lower case, nynorsk forms as bokmål."""
        return [form for form, _, _ in self.told(text)]

    def stems(self, text: str) -> list[str]:
        """The stems of a text's words, in order."""
        return [stem for _, stem, _ in self.told(text)]

    def of(self, text: str) -> list[str]:
        """All features of a text, repeated as often as they occur."""
        return [*(feature for word in self.words(text) for feature in of_word(word)), *self.between(text)]

    def between(self, text: str) -> list[str]:
        """What is more than the words one by one: pairs of stems, and concepts with their pairs."""
        told = self.told(text)
        stems = [stem for _, stem, _ in told]
        found = [f"p:{first} {second}" for first, second in zip(["^", *stems], [*stems, "$"], strict=True)]
        concepts = [name for _, _, names in told for name in names]
        lowered = f" {text[:LONGEST].lower()} "
        for beginning in {"", *(word[:BEGINNING] for word in lowered.split(" "))} & self._phrases.keys():
            concepts += [name for phrase, name in self._phrases[beginning] if phrase in lowered]
        present = sorted(set(concepts))
        found += [f"c:{name}" for name in present]
        if len(present) <= 7:
            found += [f"cc:{first}+{second}" for number, first in enumerate(present) for second in present[number + 1 :]]
        return found


class Lexicon:
    """Texts as vectors of one model's vocabulary. Not thread-safe.

    What is a word's own (its stem, its letters) is looked up once: the same few thousand words make most of what people write.
    """

    def __init__(self, features: Features, linear: Linear) -> None:
        """``features`` as the model was learned with."""
        self._features, self._linear = features, linear
        self._of_word = lru_cache(maxsize=REMEMBERED)(lambda word: linear.numbers(of_word(word)))

    def vector(self, text: str, more: Iterable[str] = ()) -> tuple[Numbers, Floats]:
        """Indices and values of a text's known features; ``more``: features that stand beside the text's own."""
        beside = self._linear.numbers([*self._features.between(text), *more])
        return self._linear.vector(np.concatenate([beside, *map(self._of_word, self._features.words(text))]))


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """A word without its endings (Snowball, Norwegian; English where the word ends as English words do)."""
    if word.isascii() and word.endswith(("ing", "ed", "ies", "tion", "ions", "ly", "s", "able", "ment")):
        return str(_english.stemWord(word))
    return str(_norwegian.stemWord(word))


def of_word(word: str) -> list[str]:
    """The features of one word: its stem and its letters."""
    return [f"w:{stem(word)}", *letters(word)]


def letters(word: str) -> list[str]:
    """Letter sequences inside a word, with its ends marked: they see through misspelling, compounds and endings."""
    found = []
    shortest, longest = LETTERS
    marked = f" {word} "
    length = len(marked)
    for size in range(shortest, longest + 1):
        if length <= size:
            found.append(f"l:{marked}")
            break
        found += [f"l:{marked[at : at + size]}" for at in range(length - size + 1)]
    return found
